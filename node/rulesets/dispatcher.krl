ruleset io.stratus.dispatcher {
  meta {
    name "Dispatcher"
    description <<
      For the PEN of a class. A student's text becomes an inquiry, which goes to every subscribed
      teaching assistant. The first who says that she is coming is announced to the student; if nobody
      is on call, or nobody answers in time, the student is told so. How an assistant finds
      out whether she is on call, and how she likes to be told, is her own PEN's business.
    >>
    shares inquiries
  }

  global {
    patience_s = function() { ent:patience_s.defaultsTo(120) }
    assistants = function() { subscription:established("Tx_role", "ta") }
    assistant = function(eci) { subscription:established("Rx", eci).head() }
    inquiries = function() { ent:open.defaultsTo({}) }

    // A code that no open inquiry has, so that a reply of two digits can mean only one.
    free_codes = function() {
      taken = inquiries().values().map(function(inquiry) { inquiry{"code"} });
      10.range(99).filter(function(code) { not (taken >< code) })
    }
  }

  rule configure {
    select when dispatcher configured patience_s re#^(\d+)$# setting(seconds)
    always {
      ent:patience_s := seconds.as("Number")
    }
  }

  rule open_inquiry {
    select when twilio sms
    pre {
      codes = free_codes()
      code = codes[random:integer(codes.length() - 1)]
      asked = assistants().length()
      inquiry = {
        "code": code,
        "student": event:attrs{"From"},
        "message": event:attrs{"Body"},
        "asked": asked,
        "declined": 0
      }
    }
    if asked > 0 && codes.length() > 0 then noop()
    fired {
      ent:open{event:id} := inquiry;
      schedule explicit event "inquiry_timed_out" at time:add(time:now(), {"seconds": patience_s()})
        attributes {"inquiry": event:id};
      raise explicit event "inquiry_opened" attributes inquiry.put("inquiry", event:id)
    } else {
      raise explicit event (asked == 0 => "nobody_subscribed" | "too_many_inquiries")
        attributes inquiry
    }
  }

  rule ask_everybody {
    select when explicit inquiry_opened
    foreach assistants() setting(ta)
    event:send(ta, "schedule", "inquiry") with attrs = {
      "inquiry": event:attr("inquiry"),
      "from": event:attr("student"),
      "message": event:attr("message"),
      "code": event:attr("code")
    }
    always {
      raise explicit event subscribers_notified attributes {"inquiry": event:attr("inquiry")} on final
    }
  }

  rule claim {
    select when schedule response answer re#^coming$#
    pre {
      id = event:attrs{"inquiry"}
      inquiry = inquiries(){id}
      ta = assistant(event:eci)
    }
    if inquiry && ta && inquiry{"claimed_by"}.isnull() then
      twilio:send_sms(
        inquiry{"student"},
        <<#{ta{"name"}} is on call and will help you with "#{inquiry{"message"}}".>>
      )
    fired {
      ent:open{[id, "claimed_by"]} := ta{"name"};
      raise explicit event "inquiry_claimed" attributes {"inquiry": id, "by": ta{"name"}}
    } else {
      raise explicit event "claim_came_late" attributes {
        "inquiry": id,
        "code": event:attrs{"code"},
        "message": event:attrs{"message"},
        "eci": ta{"Tx"},
        "by": inquiry{"claimed_by"}
      }
    }
  }

  rule tell_who_was_late {
    select when explicit claim_came_late where event:attrs{"eci"}
    event:send({"eci": event:attrs{"eci"}}, "schedule", "taken") with attrs = {
      "inquiry": event:attrs{"inquiry"},
      "code": event:attrs{"code"},
      "message": event:attrs{"message"},
      "by": event:attrs{"by"}
    }
  }

  rule count_declined {
    select when schedule response answer re#^not_on_call$#
    pre {
      id = event:attrs{"inquiry"}
    }
    if inquiries() >< id then noop()
    fired {
      raise explicit event "assistant_out" attributes {"inquiry": id}
    }
  }

  // An assistant who has ended her subscription a moment ago cannot be asked any more.
  rule count_unreachable {
    select when event send_failed domain re#^schedule$# type re#^inquiry$#
    pre {
      id = event:attrs{["attributes", "inquiry"]}
    }
    if inquiries() >< id then noop()
    fired {
      raise explicit event "assistant_out" attributes {"inquiry": id}
    }
  }

  rule nobody_on_call {
    select when explicit assistant_out
    pre {
      id = event:attrs{"inquiry"}
      inquiry = inquiries(){id}
      declined = inquiry{"declined"} + 1
    }
    if declined >= inquiry{"asked"} && inquiry{"claimed_by"}.isnull() then
      twilio:send_sms(
        inquiry{"student"},
        <<Nobody is on call for "#{inquiry{"message"}}" right now.>>
      )
    fired {
      clear ent:open{id}
    } else {
      ent:open{[id, "declined"]} := declined
    }
  }

  rule time_out {
    select when explicit inquiry_timed_out
    pre {
      id = event:attrs{"inquiry"}
      inquiry = inquiries(){id}
    }
    if inquiry && inquiry{"claimed_by"}.isnull() then
      twilio:send_sms(
        inquiry{"student"},
        <<Nobody answered in time about "#{inquiry{"message"}}". Please try again later.>>
      )
    always {
      clear ent:open{id}
    }
  }

  rule nobody_subscribed {
    select when explicit nobody_subscribed
    twilio:send_sms(
      event:attrs{"student"},
      <<No teaching assistant can be asked about "#{event:attrs{"message"}}" yet.>>
    )
  }

  rule too_many_inquiries {
    select when explicit too_many_inquiries
    twilio:send_sms(
      event:attrs{"student"},
      <<Too many questions are open just now. Please send "#{event:attrs{"message"}}" again in a few minutes.>>
    )
  }
}
