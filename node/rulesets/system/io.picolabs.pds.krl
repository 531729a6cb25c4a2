// Stratus brings this ruleset to every PEN whose rulesets use it: data that the rulesets of a PEN
// share, by the events and queries that programs for pico-engine know, and by those of the PDS that
// programs of 2013 knew.
ruleset io.picolabs.pds {
  meta {
    name "PDS"
    description <<
      Keeps items by namespace, a profile of whom the PEN is about, and settings by ruleset.
    >>
    use module io.picolabs.wrangler alias wrangler
    provides items, get_keys, profile, settings, settings_names, config_value, get_config_value,
      get_setting_data_value, getChannelEci, get_item, get_items, get_me, get_all_me,
      get_setting_data
    shares items, get_keys, profile, settings, settings_names, config_value, get_config_value,
      get_setting_data_value, getChannelEci, get_item, get_items, get_me, get_all_me,
      get_setting_data
  }

  global {
    // Items.

    items = function(namespace, key) {
      all = ent:general
      some = key.isnull() => all{namespace} | all{[namespace, key]}
      namespace.isnull() => {"status": "failed", "general": key.isnull() => all | null}
        | {"status": "success", "general": some}
    }

    get_keys = function(namespace) {
      ent:general{namespace}.keys()
    }

    get_items = function(namespace) {
      ent:general{namespace}
    }

    get_item = function(namespace, key) {
      ent:general{[namespace, key]}
    }

    // The profile.

    profile = function(key) {
      {"status": "success", "profile": key.isnull() => ent:profile | ent:profile{key}}
    }

    get_all_me = function() {
      ent:profile
    }

    get_me = function(key) {
      ent:profile{key}
    }

    // The profile with other values. What names a person stays if it is not said anew.
    revised = function(news) {
      before = ent:profile.defaultsTo({"name": "", "description": "", "photo": nobody})
      now = time:strftime(time:now(), "%Y%m%dT%H%M%S%z")
      kept = ["name", "description", "photo", "email", "phone"].reduce(function(all, key) {
        all.put(key, news{key}.defaultsTo(before{key}))
      }, news)
      kept.put({"_created": before{"_created"}.defaultsTo(now), "_modified": now})
    }

    // A picture of nobody: head and shoulders.
    nobody = "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'>" +
      "<rect width='8' height='8' fill='silver'/><circle cx='4' cy='3' r='1.5' fill='gray'/>" +
      "<path d='M1 8a3 3 0 0 1 6 0z' fill='gray'/></svg>"

    // Settings.

    settings = function(Rid, Key, detail) {
      found = Rid.isnull() => ent:settings
        | Key.isnull() => ent:settings{Rid}
        | detail.isnull() => ent:settings{[Rid, Key]}
        | ent:settings{[Rid, "data", detail]}
      {"status": "success", "settings": found}
    }

    settings_names = function() {
      ent:settings.keys().map(function(rid) {
        {"setRID": rid, "setName": ent:settings{[rid, "name"]}}
      })
    }

    get_setting_data = function(rid) {
      ent:settings{[rid, "data"]}
    }

    get_setting_data_value = function(setRID, setKey) {
      ent:settings{[setRID, "data", setKey]}
    }

    // What the ruleset that asks has been set to.
    config_value = function(setKey) {
      get_setting_data_value(meta:callingRID, setKey)
    }

    get_config_value = function(setKey) {
      config_value(setKey)
    }

    // The channel for this data.
    getChannelEci = function() {
      wrangler:channels("pds").head(){"id"}
    }

    // The key of an item goes by two names.
    key = function() {
      event:attr("key").defaultsTo(event:attr("keyvalue")).defaultsTo("")
    }

    namespace = function() {
      event:attr("namespace").defaultsTo("")
    }
  }

  // Items.

  rule add_item {
    select when pds new_data_available
    fired {
      ent:general{[namespace(), key()]} := event:attr("value").defaultsTo("")
      raise pds event "data_added" attributes {"namespace": namespace(), "keyvalue": key()}
    }
  }

  rule update_item {
    select when pds updated_data_available
    foreach event:attr("value").defaultsTo({}) setting(value, part)
    fired {
      ent:general{[namespace(), key(), part]} := value
      raise pds event "data_updated" attributes {"namespace": namespace(), "keyvalue": key()}
    }
  }

  rule remove_item {
    select when pds remove_old_data
    fired {
      clear ent:general{[namespace(), key()]}
      raise pds event "data_deleted" attributes {"namespace": namespace(), "keyvalue": key()}
    }
  }

  rule remove_namespace {
    select when pds remove_namespace
    fired {
      clear ent:general{namespace()}
      raise pds event "namespace_deleted" attributes {"namespace": namespace()}
    }
  }

  rule put_namespace {
    select when pds map_item or pds new_map_available
    pre {
      values = event:attr("mapvalues").defaultsTo("").decode()
    }
    fired {
      ent:general{namespace()} := values
      raise pds event "new_map_added" attributes {"namespace": namespace(), "mapvalues": values}
    }
  }

  // The profile.

  rule update_profile {
    select when pds updated_profile
    pre {
      news = event:attrs.delete(["_headers"])
    }
    if not news.isEmpty() then noop()
    fired {
      ent:profile := revised(news)
      raise pds event "profile_updated" attributes news.put("_status", "success")
    } else {
      raise pds event "profile_updated" attributes {"_status": "failure"}
    }
  }

  rule update_parts_of_profile {
    select when pds new_profile_item_available
    pre {
      news = event:attrs.delete(["_headers"])
    }
    fired {
      ent:profile := revised(ent:profile.defaultsTo({}).put(news))
      raise pds event "profile_updated" attributes news.put("_status", "success")
    }
  }

  rule begin_profile {
    select when wrangler ruleset_installed where event:attr("rids") >< meta:rid
      or wrangler pico_created
    pre {
      name = wrangler:name()
    }
    if name && not ent:profile{"name"} then noop()
    fired {
      raise pds event "updated_profile" attributes {"name": name}
    }
  }

  // Settings.

  rule add_settings {
    select when pds add_settings
    pre {
      rid = event:attr("keyed_rid").defaultsTo(0)
      schema = event:attr("schema")
      key = event:attr("data_key")
    }
    fired {
      ent:settings{[rid, "name"]} := event:attr("name").defaultsTo(0)
      ent:settings{[rid, "rid"]} := rid
      ent:settings{[rid, "schema"]} := schema if schema
      ent:settings{[rid, "data", key]} := event:attr("value").defaultsTo(0) if key
      raise pds event "settings_added" attributes event:attrs
    }
  }

  rule set_settings {
    select when pds new_settings_available
    pre {
      rid = event:attr("setRID")
      news = event:attrs.delete(["_headers"]).delete(["_api"]).delete(["setRID"])
    }
    if rid then noop()
    fired {
      ent:settings{[rid, "rid"]} := rid
      ent:settings{[rid, "data"]} := ent:settings{[rid, "data"]}.defaultsTo({}).put(news)
      raise pds event "settings_added" attributes event:attrs
    }
  }

  rule set_setting {
    select when pds new_settings_attribute setRID re#(.+)# setAttr re#(.+)# setting(rid, key)
    fired {
      ent:settings{[rid, "rid"]} := rid
      ent:settings{[rid, "data", key]} := event:attr("setValue")
      raise pds event "settings_added" attributes event:attrs
    }
  }

  rule set_schema {
    select when pds new_settings_schema setRID re#(.+)# setting(rid)
    fired {
      ent:settings{[rid, "name"]} := event:attr("setName")
      ent:settings{[rid, "rid"]} := rid
      ent:settings{[rid, "schema"]} := event:attr("setSchema")
      raise pds event "settings_added" attributes event:attrs
    }
  }

  // All of it.

  rule make_channel {
    select when wrangler ruleset_installed where event:attr("rids") >< meta:rid
      or wrangler pico_created
    if getChannelEci().isnull() then wrangler:createChannel(["pds"], {
      "allow": [{"domain": "pds", "name": "*"}], "deny": []
    }, {
      "allow": [{"rid": "io.picolabs.pds", "name": "*"}], "deny": []
    })
  }

  rule clear_all {
    select when pds clear_all_data
    fired {
      clear ent:general
      clear ent:profile
      clear ent:settings
    }
  }
}
