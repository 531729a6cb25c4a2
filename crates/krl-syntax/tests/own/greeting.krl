ruleset org.example.greeting {
  meta {
    name "greeting"
    description <<
Says hello to those who come, and
counts them: #{"a" + "b"}.
>>
    author "Stratus"
    use module org.example.words alias words with language = "en" and loud = false
    shares hello, __testing
    provides hello
    configure using polite = true
                    limit = 10
  }

  global {
    hello = function(name = "you", times = 1) {
      text = <<Hello #{words:capital(name)}, this is visit #{times} > 0>>;
      times > 1 => text.uc()
                 | text
    }

    // Two on one line.
    double = function(x) { x * 2 }
    table = {"a": [1, 2.5, .5], "b": {"c": null}, "d": -1}
    notify = defaction(who, text) {
      body = {"who": who, "text": text}
      every {
        http:post("https://example.org/", json = body) setting(answer)
        send_directive("said", body)
      }
      return answer
    }
  }

  rule greet is active {
    select when visit arrived name re#^(\w+)\s?(.*)#i setting(first, last)
      or (visit called where event:attrs{"loud"} && not ent:quiet) within 5 minutes
    foreach table{"a"} setting(value, index)
    pre {
      times = ent:times{[first, "count"]}.defaultsTo(0) + 1
      known = ent:times >< first || first like re#^A/#
    }
    if known && times % 2 == 0 && value <=> index then
      notify(first, hello(first, times)) setting(answer)
    fired {
      ent:times{[first, "count"]} := times on final;
      raise greeting event "said" for "org.example.log" attributes {"name": first} if times > 1
      schedule visit event "remind" at time:add(time:now(), {"hours": 1}) setting(id)
    } else {
      log debug "not this time"
      error warn "quiet"; last if ent:quiet
    } finally {
      clear ent:last
      raise event "greeting:done"
    }
  }

  rule count_visits {
    select when count 3 (visit arrived amount re#(\d+)#) sum(total)
      before any 2 (a b, c d, e f) within 1 day
    choose (total) {
      few => noop()
      many => send_directive("many", {"total": total})
    }
  }

  rule quiet is inactive {
    select where ent:quiet
    sample { noop(); send_directive("hush") }
    always {
      ent:quiet := false
    }
  }
}
