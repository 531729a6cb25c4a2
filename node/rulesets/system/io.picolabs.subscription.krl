// Stratus brings this ruleset to every PEN whose rulesets use it: two PENs of one node agree to send
// each other events, by the events that programs for pico-engine know. Each makes a channel for the
// other. Until both have agreed it lets in their answer and nothing else; then what was approved:
// all but what manages the PEN, unless the request or the approval says otherwise.
//
// Partners on other nodes come by an invite and a signed grant. They are told among the established
// ones, and ended by the same event.
ruleset io.picolabs.subscription {
  meta {
    name "Subscription"
    description <<
      Channels between PENs that both have agreed to.
    >>
    use module io.picolabs.wrangler alias wrangler
    provides established, inbound, outbound, wellKnown_Rx, autoAcceptConfig
    shares established, inbound, outbound, wellKnown_Rx, autoAcceptConfig
  }

  global {
    // Queries. `ent:busses` has every subscription by its id, and `ent:states` how far it is.

    established = function(key, value) {
      having(inState("established").append(subscription:established()), key, value)
    }

    inbound = function(key, value) {
      having(inState("inbound"), key, value)
    }

    outbound = function(key, value) {
      having(inState("outbound"), key, value)
    }

    wellKnown_Rx = function() {
      wrangler:channels(["wellKnown_Rx", "Tx_Rx"]).head()
    }

    autoAcceptConfig = function() {
      ent:autoAcceptConfig.defaultsTo({})
    }

    inState = function(state) {
      ent:busses.defaultsTo({}).filter(function(bus, id) {
        ent:states{id} == state
      }).values()
    }

    having = function(busses, key, value) {
      key && value => busses.filter(function(bus) {
        bus{key} == value
      }) | busses
    }

    // The subscription that an event is about: the one that it names, else the one by whose channel
    // it came. By the channel of a partner, only the subscription with that partner can be named.
    meant = function(state) {
      named = ["Id", "Rx", "Tx"].filter(function(key) {
        event:attr(key)
      }).head()
      by = inState(state).filter(function(bus) {
        bus{"Rx"} == event:eci
      })
      among = by.isEmpty() && not isPartner(event:eci) => inState(state) | by
      named => having(among, named, event:attr(named)).head() | by.head()
    }

    isPartner = function(eci) {
      ent:busses.defaultsTo({}).values().any(function(bus) {
        bus{"Rx"} == eci
      })
    }

    // What a record of a subscription begins with.
    record = function(id) {
      roles = event:attr("Rx_role")
        => {"Rx_role": event:attr("Rx_role"), "Tx_role": event:attr("Tx_role")}
        | {}
      host = event:attr("Tx_host")
      remote = host == meta:host => null | host
      return (host => roles.put("Tx_host", remote) | roles).put("Id", id)
    }

    // Policies.

    permit = function(allowed, denied) {
      {"allow": allowed, "deny": denied.defaultsTo([])}
    }

    wranglerEvents = function(names) {
      names.map(function(name) {
        {"domain": "wrangler", "name": name}
      })
    }

    handshake = wranglerEvents([
      "outbound_pending_subscription_approved", "outbound_removal", "established_removal"
    ])

    // Until it is agreed on.
    closedEvents = permit(handshake)
    closedQueries = permit([])

    // Once it is agreed on, unless something else was said.
    openEvents = permit([{"domain": "*", "name": "*"}], wranglerEvents([
      "autoAcceptConfigUpdate", "cancel_subscriptions", "channel_deletion_request",
      "child_deletion_request", "install_ruleset_request", "new_channel_request",
      "new_child_request", "pending_subscription_approval", "ready_for_deletion",
      "rulesets_need_flushing", "uninstall_ruleset_request"
    ]))
    openQueries = permit([{"rid": "*", "name": "*"}], [
      {"rid": "io.picolabs.wrangler", "name": "channels"},
      {"rid": "io.picolabs.wrangler", "name": "rulesetConfig"}
    ])

    // What was approved, with what ends the subscription again.
    approvedEvents = function(approved) {
      approved.isnull() => openEvents
        | permit(approved{"allow"}.defaultsTo([]).append(handshake), approved{"deny"})
    }

    wellKnownEvents = permit(wranglerEvents([
      "subscription", "new_subscription_request", "inbound_removal"
    ]))
    wellKnownQueries = permit([{"rid": "io.picolabs.subscription", "name": "wellKnown_Rx"}])

    // Whether a rule for requests has a pattern that fits an attribute of this one.
    accepts = function(config) {
      config{"entries"}.filter(function(patterns, key) {
        value = event:attr(key)
        not value.isnull() && patterns.any(function(pattern) {
          value.as("String").match(pattern.as("RegExp"))
        })
      }).keys().length() > 0
    }

    // Actions.

    tell = defaction(eci, kind, attributes) {
      event:send({"eci": eci, "domain": "wrangler", "type": kind, "attrs": attributes})
    }

    open = defaction(bus, events, queries) {
      ctx:putChannel(bus{"Rx"}, tagsOf(bus{"Rx"}), approvedEvents(events), queries || openQueries)
    }

    tagsOf = function(eci) {
      ctx:channels.filter(function(channel) {
        channel{"id"} == eci
      }).head(){"tags"}
    }
  }

  // The channel on which others introduce themselves.

  rule introduce {
    select when wrangler ruleset_installed where event:attr("rids") >< meta:rid
      or wrangler pico_created
      or engine started
      or wrangler need_wellKnown_Rx
    if wellKnown_Rx().isnull() then
      wrangler:createChannel(["wellKnown_Rx", "Tx_Rx"], wellKnownEvents, wellKnownQueries)
    fired {
      raise wrangler event "wellKnown_Rx_created" attributes event:attrs
    }
  }

  // Asking somebody.

  rule ask {
    select when wrangler subscription
    pre {
      to = event:attr("wellKnown_Tx")
      name = event:attr("name").defaultsTo(random:word())
      kind = event:attr("channel_type").defaultsTo("Tx_Rx")
      id = event:attr("Id").defaultsTo(random:uuid())
    }
    if to then wrangler:createChannel([name, kind], closedEvents, closedQueries) setting(channel)
    fired {
      bus = record(id).put({"wellKnown_Tx": to, "Rx": channel{"id"}})
      asked = event:attrs.put(bus).put({"channel_name": name, "channel_type": kind})
      ent:busses{id} := bus
      ent:states{id} := "outbound"
      ent:scopes{id} := {"events": event:attr("eventPolicy"), "queries": event:attr("queryPolicy")}
      raise wrangler event "subscription_request_needed" attributes asked
      raise wrangler event "outbound_pending_subscription_added" attributes asked
    } else {
      raise wrangler event "wellKnown_Tx_format_failure" attributes event:attrs
    }
  }

  // What this PEN lets in is no business of the other's.
  rule request {
    select when wrangler subscription_request_needed
    tell(event:attr("wellKnown_Tx"), "new_subscription_request", event:attrs
        .delete(["eventPolicy"])
        .delete(["queryPolicy"])
        .put({
          "Rx_role": event:attr("Tx_role"),
          "Tx_role": event:attr("Rx_role"),
          "Tx": event:attr("Rx"),
          "Tx_host": event:attr("Rx_host") || meta:host
        }))
  }

  rule withdraw {
    select when wrangler outbound_cancellation
    pre {
      bus = meant("outbound")
    }
    if bus then tell(bus{"wellKnown_Tx"}, "inbound_removal", event:attrs.put({
      "Id": bus{"Id"}, "Tx": bus{"Rx"}
    }))
    fired {
      raise wrangler event "outbound_removal" attributes event:attrs.put("Id", bus{"Id"})
    }
  }

  rule end_outbound {
    select when wrangler outbound_removal
    pre {
      bus = meant("outbound")
    }
    if bus then wrangler:deleteChannel(bus{"Rx"})
    fired {
      clear ent:busses{bus{"Id"}}
      clear ent:states{bus{"Id"}}
      clear ent:scopes{bus{"Id"}}
      raise wrangler event "outbound_subscription_cancelled" attributes event:attrs.put("bus", bus)
    }
  }

  // Being asked. An id that is known already is somebody else's.

  rule hear {
    select when wrangler new_subscription_request
    pre {
      id = event:attr("Id").defaultsTo(random:uuid())
      to = event:attr("Tx")
      tags = [
        event:attr("channel_name").defaultsTo(random:word()),
        event:attr("channel_type").defaultsTo("Tx_Rx")
      ]
      known = ent:states.defaultsTo({}) >< id
    }
    if to && not known then wrangler:createChannel(tags, closedEvents, closedQueries) setting(channel)
    fired {
      ent:busses{id} := record(id).put({"Tx": to, "Rx": channel{"id"}})
      ent:states{id} := "inbound"
      raise wrangler event "inbound_pending_subscription_added"
        attributes event:attrs.put({"Id": id, "Rx": channel{"id"}})
    } else {
      raise wrangler event "no_Tx_failure" attributes event:attrs if not to
    }
  }

  rule accept_by_rule {
    select when wrangler inbound_pending_subscription_added
    if autoAcceptConfig().values().any(accepts) then noop()
    fired {
      raise wrangler event "pending_subscription_approval" attributes event:attrs
      raise wrangler event "auto_accepted_subscription_request" attributes event:attrs
    }
  }

  rule approve {
    select when wrangler pending_subscription_approval
    pre {
      bus = meant("inbound")
      told = event:attrs.delete(["eventPolicy"]).delete(["queryPolicy"])
    }
    if bus then every {
      open(bus, event:attr("eventPolicy"), event:attr("queryPolicy"))
      tell(bus{"Tx"}, "outbound_pending_subscription_approved", told.put({
        "Id": bus{"Id"}, "Tx": bus{"Rx"}
      }))
    }
    fired {
      ent:states{bus{"Id"}} := "established"
      raise wrangler event "inbound_pending_subscription_approved"
        attributes event:attrs.put({"Id": bus{"Id"}, "bus": bus})
      raise wrangler event "subscription_added"
        attributes event:attrs.put({"Id": bus{"Id"}, "bus": bus})
    }
  }

  rule reject {
    select when wrangler inbound_rejection
    pre {
      bus = meant("inbound")
    }
    if bus then tell(bus{"Tx"}, "outbound_removal", event:attrs.put("Id", bus{"Id"}))
    fired {
      raise wrangler event "inbound_removal" attributes event:attrs.put("Id", bus{"Id"})
    }
  }

  rule end_inbound {
    select when wrangler inbound_removal
    pre {
      bus = meant("inbound")
    }
    if bus then wrangler:deleteChannel(bus{"Rx"})
    fired {
      clear ent:busses{bus{"Id"}}
      clear ent:states{bus{"Id"}}
      raise wrangler event "inbound_subscription_cancelled" attributes event:attrs.put("bus", bus)
    }
  }

  // The other has agreed.

  rule begin {
    select when wrangler outbound_pending_subscription_approved
    pre {
      bus = meant("outbound")
      agreed = bus.delete(["wellKnown_Tx"]).put("Tx", event:attr("Tx"))
      scope = ent:scopes{bus{"Id"}}
    }
    if bus then open(bus, scope{"events"}, scope{"queries"})
    fired {
      ent:busses{bus{"Id"}} := agreed
      ent:states{bus{"Id"}} := "established"
      clear ent:scopes{bus{"Id"}}
      raise wrangler event "subscription_added" attributes event:attrs.put("bus", agreed)
    }
  }

  // Ending it.

  rule cancel {
    select when wrangler subscription_cancellation
    pre {
      bus = meant("established")
    }
    if bus then tell(bus{"Tx"}, "established_removal", event:attrs.put({
      "Id": bus{"Id"}, "Rx": bus{"Tx"}, "Tx": bus{"Rx"}
    }))
    fired {
      raise wrangler event "established_removal" attributes event:attrs.put("Id", bus{"Id"})
    }
  }

  rule end_established {
    select when wrangler established_removal
    pre {
      bus = meant("established")
    }
    if bus then wrangler:deleteChannel(bus{"Rx"})
    fired {
      clear ent:busses{bus{"Id"}}
      clear ent:states{bus{"Id"}}
      raise wrangler event "subscription_removed" attributes event:attrs.put("bus", bus)
    }
  }

  rule prepare_to_leave {
    select when wrangler intent_to_delete Id re#(.+)# setting(id)
    if ent:states{id} == "established" then noop()
    fired {
      raise wrangler event "subscription_cancellation" attributes event:attrs
      raise wrangler event "ready_for_deletion"
    }
  }

  rule end_all {
    select when wrangler cancel_subscriptions or wrangler rulesets_need_to_cleanup
    foreach ent:states setting(state, id)
    pre {
      ending = {
        "established": "subscription_cancellation",
        "inbound": "inbound_rejection",
        "outbound": "outbound_cancellation"
      }
    }
    always {
      raise wrangler event ending{state} attributes event:attrs.put("Id", id)
    }
  }

  // Sending to some.

  rule choose_receivers {
    select when wrangler send_event_on_subs
    pre {
      some = function(key, value) {
        value => established(key, value) | []
      }
      busses = some("Id", event:attr("subID"))
        .append(some("Tx_role", event:attr("Tx_role")))
        .append(some("Rx_role", event:attr("Rx_role")))
      found = busses.length() > 0
    }
    if found && event:attr("domain") && event:attr("type") then noop()
    fired {
      raise wrangler event "send_event_to_subs" attributes event:attrs.put("subs", busses)
    } else {
      raise wrangler event "failed_to_send_event_to_sub" attributes event:attrs.put({
        "foundSubsToSendTo": found,
        "domainGiven": event:attr("domain").as("Boolean"),
        "typeGiven": event:attr("type").as("Boolean")
      })
    }
  }

  rule send {
    select when wrangler send_event_to_subs
    foreach event:attr("subs") setting(bus)
    event:send({
      "eci": bus{"Tx"},
      "domain": event:attr("domain"),
      "type": event:attr("type"),
      "attrs": event:attr("attrs").defaultsTo({})
    })
  }

  // Whom to agree with without being asked.

  rule configure {
    select when wrangler autoAcceptConfigUpdate
    pre {
      config = event:attr("config").defaultsTo({
        "configName": event:attr("configName"),
        "password": event:attr("password"),
        "entries": event:attr("regexMap").decode()
      })
      name = config{"configName"}
      others = autoAcceptConfig().delete([name])
    }
    if name then noop()
    fired {
      ent:autoAcceptConfig := event:attr("delete") => others | others.put([name], config)
      raise wrangler event "auto_accept_config_updated" attributes event:attrs
    } else {
      raise wrangler event "autoAcceptConfigUpdate_failure" attributes event:attrs
    }
  }
}
