// Stratus brings this ruleset to every PEN whose rulesets use it: a name, channels, rulesets and
// children, by the events and queries that programs for pico-engine know. It keeps next to nothing:
// what there is to know stands in `ctx`.
ruleset io.picolabs.wrangler {
  meta {
    name "Wrangler"
    description <<
      Manages a PEN by events, and answers what it is made of.
    >>
    provides id, name, myself, parent_eci, children, channels, createChannel, deleteChannel,
      installedRIDs, rulesetConfig, rulesetMeta, picoQuery, skyQuery
    shares id, name, myself, parent_eci, children, channels, installedRIDs, rulesetConfig,
      rulesetMeta, picoQuery, skyQuery
  }

  global {
    wrangler = "io.picolabs.wrangler"

    // What a child is born with, as it is with pico-engine.
    inheritance = [wrangler, "io.picolabs.pds", "io.picolabs.subscription"].map(function(rid) {
      {"rid": rid}
    })

    id = function() {
      meta:picoId
    }

    name = function() {
      ent:name.defaultsTo(ctx:name)
    }

    // The channel by which the family reaches this PEN; in the first of a family, its owner's.
    home = function() {
      mine = channels("system,child")
      return (mine.isEmpty() => channels("owner") | mine).head(){"id"}
    }

    myself = function() {
      {"name": name(), "id": id(), "eci": home()}
    }

    parent_eci = function() {
      ctx:parent
    }

    children = function() {
      ctx:children.map(function(eci) {
        {
          "eci": eci,
          "name": ctx:query(eci, wrangler, "name"),
          "parent_eci": ctx:query(eci, wrangler, "parent_eci")
        }
      })
    }

    // Tags are words between commas, or an array of them; their order says nothing.
    words = function(tags) {
      list = tags.typeof() == "Array" => tags | tags.split(",")
      list.map(function(tag) {
        tag.lc()
      }).sort()
    }

    channels = function(tags) {
      wanted = tags => words(tags) | null
      tags => ctx:channels.filter(function(channel) {
        words(channel{"tags"}) == wanted
      }) | ctx:channels
    }

    createChannel = defaction(tags, eventPolicy, queryPolicy) {
      ctx:newChannel(tags, eventPolicy, queryPolicy) setting(channel)
      return channel
    }

    deleteChannel = defaction(eci) {
      ctx:delChannel(eci)
    }

    installedRIDs = function() {
      ctx:rulesets.map(function(ruleset) {
        ruleset{"rid"}
      })
    }

    rulesetOf = function(rid) {
      ctx:rulesets.filter(function(ruleset) {
        ruleset{"rid"} == rid
      }).head()
    }

    rulesetConfig = function(rid) {
      rulesetOf(rid){"config"}
    }

    rulesetMeta = function(rid) {
      rulesetOf(rid){["meta", "krlMeta"]}
    }

    // A PEN of this node is asked at once, itself included; one elsewhere over HTTP.
    picoQuery = function(eci, mod, func, params, _host, _path, _root_url) {
      here = _root_url.isnull() && (_host.isnull() || _host == meta:host)
      root = _root_url.defaultsTo(_host + _path.defaultsTo("/sky/cloud/"))
      here => ctx:query(eci, mod, func, params.defaultsTo({}))
        | answerOf(http:get(root + eci + "/" + mod + "/" + func, params.defaultsTo({})))
    }

    skyQuery = picoQuery

    // What was answered, or a map that says what went wrong.
    answerOf = function(response) {
      content = response{"content"}.decode()
      said = content.typeof() == "Map" => content | {}
      failed = content.isnull() || said{"error"} || said{"error_str"}
      response{"status_code"} == 200 && not failed => content | {
        "error": "the query was not answered",
        "httpStatus": {"code": response{"status_code"}, "message": response{"status_line"}},
        "picoQueryError": said{"error"},
        "picoQueryErrorMsg": said{"error_str"},
        "picoQueryReturnValue": content
      }
    }
  }

  // Rulesets.

  rule install {
    select when wrangler install_ruleset_request
    pre {
      rid = event:attr("rid")
      beside = event:attr("absoluteURL")
      sibling = beside && rid => beside.replace(re#[^/]*$#, rid + ".krl") | null
      url = event:attr("url").defaultsTo(sibling)
      config = event:attr("config").defaultsTo({})
    }
    if url then ctx:install(url, config) setting(installed)
    fired {
      raise wrangler event "ruleset_installed" attributes event:attrs
        .delete(["absoluteURL"])
        .put({"url": url, "rids": [installed]})
    }
  }

  // The node tells of every ruleset that is installed, by whomever.
  rule announce {
    select when system ruleset_installed rid re#(.+)# setting(rid)
    fired {
      raise wrangler event "ruleset_installed" attributes {"rids": [rid]}
    }
  }

  rule uninstall {
    select when wrangler uninstall_ruleset_request rid re#(.+)# setting(rid)
    ctx:uninstall(rid)
    fired {
      raise wrangler event "ruleset_uninstalled" attributes event:attrs
    }
  }

  rule flush {
    select when wrangler rulesets_need_flushing
    foreach ctx:rulesets.map(function(ruleset) { ruleset{"url"} }) setting(url)
    if url then ctx:flush(url)
    always {
      raise wrangler event "rulesets_flushed" attributes event:attrs on final
    }
  }

  // Channels.

  rule make_channel {
    select when wrangler new_channel_request
    pre {
      tags = event:attr("tags")
      events = event:attr("eventPolicy")
      queries = event:attr("queryPolicy")
    }
    if tags && events && queries then createChannel(tags, events, queries) setting(channel)
    fired {
      raise wrangler event "channel_created" attributes event:attrs.put({"channel": channel})
    }
  }

  rule delete_channel {
    select when wrangler channel_deletion_request eci re#(.+)# setting(eci)
    deleteChannel(eci)
    fired {
      raise wrangler event "channel_deleted" attributes event:attrs
    }
  }

  // Children, as their parent sees it.

  rule make_child {
    select when wrangler new_child_request name re#.#
    every {
      ctx:newPico(inheritance, event:attr("name")) setting(eci)
      event:send({
        "eci": eci, "domain": "wrangler", "type": "pico_created", "attrs": event:attrs
      })
    }
    fired {
      raise wrangler event "new_child_created" attributes event:attrs.put({"eci": eci, "uiEci": eci})
    }
  }

  rule delete_child {
    select when wrangler child_deletion_request eci re#(.+)# setting(eci)
    ctx:delPico(eci)
    fired {
      raise wrangler event "child_deleted" attributes event:attrs
    }
  }

  // Children, as they see it themselves.

  rule begin {
    select when wrangler pico_created
    fired {
      raise wrangler event "pico_initialized" attributes event:attrs.put({"eci": home()})
    }
  }

  rule report {
    select when wrangler pico_initialized
    if parent_eci() then event:send({
      "eci": parent_eci(), "domain": "wrangler", "type": "child_initialized", "attrs": event:attrs
    })
  }

  rule leave {
    select when wrangler ready_for_deletion
    if parent_eci() then event:send({
      "eci": parent_eci(), "domain": "wrangler", "type": "child_deletion_request",
      "attrs": {"eci": home()}
    })
  }

  rule rename {
    select when wrangler name_changed name re#(.+)# setting(name)
    fired {
      ent:name := name
    }
  }
}
