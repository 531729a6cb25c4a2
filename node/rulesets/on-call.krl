ruleset io.stratus.on-call {
  meta {
    name "On call"
    description <<
      For the PEN of a teaching assistant. Asked about an inquiry, it looks in the owner's calendar. If
      she is on call it raises a notification, and passes on the answer that she texts back; if not,
      it declines for her, so that nobody has to wait. It knows nothing of how she is notified.
    >>
    use module io.stratus.calendar alias agenda
    shares inquiries
  }

  global {
    asker = function(eci) { subscription:established("Rx", eci).head() }
    inquiries = function() { ent:open.defaultsTo({}) }
    on_call = function() { agenda:marked("on-call", time:now()).length() > 0 }
  }

  rule remember_owner {
    select when profile updated phone re#^(\+\d+)$# setting(phone)
    always {
      ent:phone := phone
    }
  }

  rule consider {
    select when schedule inquiry
    pre {
      class = asker(event:eci)
      id = event:attrs{"inquiry"}
      code = event:attrs{"code"}
    }
    if class && on_call() then noop()
    fired {
      ent:open{id} := {
        "code": code, "message": event:attrs{"message"}, "eci": class{"Tx"}
      };
      raise notification event "status" attributes {
        "application": "On call",
        "subject": class{"name"},
        "description": <<A student asks: "#{event:attrs{"message"}}". Reply #{code} if you are coming.>>,
        "priority": 1,
        "id": id
      }
    } else {
      raise explicit event "not_on_call" attributes {
        "inquiry": id, "code": code, "eci": class{"Tx"}
      }
    }
  }

  rule decline {
    select when explicit not_on_call where event:attrs{"eci"}
    event:send({"eci": event:attrs{"eci"}}, "schedule", "response") with attrs = {
      "inquiry": event:attrs{"inquiry"},
      "code": event:attrs{"code"},
      "answer": "not_on_call"
    }
  }

  // Her reply comes back as a text to her own PEN, from her own phone.
  rule answer {
    select when twilio sms Body re#^\s*(\d+)\s*$# setting(code)
      where event:attrs{"From"} == ent:phone
    foreach inquiries().filter(function(inquiry) { inquiry{"code"} == code.as("Number") })
      setting(inquiry, id)
    event:send({"eci": inquiry{"eci"}}, "schedule", "response") with attrs = {
      "inquiry": id,
      "code": inquiry{"code"},
      "message": inquiry{"message"},
      "answer": "coming"
    }
    always {
      clear ent:open{id}
    }
  }

  rule somebody_was_faster {
    select when schedule taken
    pre {
      by = event:attrs{"by"}
      why = by => <<#{by} was faster and is helping the student already.>>
        | "The question is closed already."
    }
    always {
      clear ent:open{event:attrs{"inquiry"}};
      raise notification event "status" attributes {
        "application": "On call",
        "subject": asker(event:eci){"name"},
        "description": <<"#{event:attrs{"message"}}" (#{event:attrs{"code"}}): #{why}>>,
        "priority": 1,
        "id": event:attrs{"inquiry"}
      }
    }
  }
}
