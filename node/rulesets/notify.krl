ruleset io.stratus.notify {
  meta {
    name "Notify"
    description <<
      Tells the owner what any other ruleset has to say, in the way she likes: a text in full or in
      short, from the priority that she names. Speaks the Notification Event Protocol: application,
      subject, description, and a priority from -2 to 2.
    >>
    shares items
  }

  global {
    items_kept_max = 100
    items = function() { ent:items.defaultsTo([]) }
    priority_of = function(text) { text.isnull() => 0 | text.as("Number") }
  }

  rule remember_owner {
    select when profile updated phone re#^(\+\d+)$# setting(phone)
    always {
      ent:phone := phone
    }
  }

  rule remember_preference {
    select when notification preferred
    always {
      ent:style := event:attrs{"style"} if event:attrs{"style"};
      ent:priority_min := event:attrs{"priority_min"}.as("Number") if event:attrs{"priority_min"}
    }
  }

  rule text_owner {
    select when notification status
    pre {
      subject = event:attrs{"subject"}
      description = event:attrs{"description"}
      priority = priority_of(event:attrs{"priority"})
      body = ent:style == "short" => description
        | <<#{event:attrs{"application"}}, #{subject}: #{description}>>
    }
    if ent:phone && priority >= ent:priority_min.defaultsTo(0) then
      twilio:send_sms(ent:phone, body)
  }

  rule keep {
    select when notification status
    always {
      ent:items := items().append([event:attrs.put("time", event:time)]);
      ent:items := items().tail() if items().length() > items_kept_max
    }
  }
}
