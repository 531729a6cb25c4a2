// Makes children, and introduces two of them to each other.
ruleset io.example.nursery {
  meta {
    use module io.picolabs.wrangler alias wrangler
    use module io.picolabs.subscription alias subscription
    shares names, heard, friends, waiting, me
  }
  global {
    names = function() {
      wrangler:children().map(function(child) {
        child{"name"}
      })
    }
    heard = function() {
      ent:heard.defaultsTo([])
    }
    me = function() {
      wrangler:name()
    }
    child = function(name) {
      wrangler:children().filter(function(child) {
        child{"name"} == name
      }).head(){"eci"}
    }
    ask = function(name, query) {
      ctx:query(child(name), "io.picolabs.subscription", query)
    }
    friends = function(name) {
      ask(name, "established").map(function(bus) {
        {"mine": bus{"Rx_role"}, "theirs": bus{"Tx_role"}}
      })
    }
    waiting = function(name, direction) {
      ask(name, direction).map(function(bus) {
        {"mine": bus{"Rx_role"}, "theirs": bus{"Tx_role"}}
      })
    }
  }
  rule hear {
    select when wrangler child_initialized
    fired {
      ent:heard := heard().append(event:attr("name"))
    }
  }
  rule introduce {
    select when nursery introduction
    event:send({
      "eci": child(event:attr("one")), "domain": "wrangler", "type": "subscription",
      "attrs": {
        "wellKnown_Tx": ask(event:attr("other"), "wellKnown_Rx"){"id"},
        "name": "friend", "Rx_role": "elder", "Tx_role": "younger"
      }
    })
  }
  rule tell {
    select when nursery telling
    pre {
      name = event:attr("name")
      id = ask(name, event:attr("among")).head(){"Id"}
    }
    event:send({
      "eci": child(name), "domain": "wrangler", "type": event:attr("type"), "attrs": {"Id": id}
    })
  }
  rule dismiss {
    select when nursery dismissal
    fired {
      raise wrangler event "child_deletion_request"
        attributes {"eci": child(event:attr("name"))}
    }
  }
}
