  // Readings of sensors, as they come and as they are told.
  limit_0 = 20 + 3 % 7
  units_0 = {"temperature": "°C", "humidity": "%", "light": "lx"}
  steps_0 = [1, 2.5, -3, 10 * 4, 100]

  celsius_0 = function(fahrenheit) {
    difference = fahrenheit - 32;
    (difference * 5) / 9
  }

  average_0 = function(readings, places = 1) {
    values = readings.map(function(reading) { reading{"value"} });
    sum = values.reduce(function(total, value) { total + value }, 0);
    values.length() == 0 => null | math:round(sum / values.length(), places)
  }

  describe_0 = function(reading) {
    value = reading{"value"}.as("Number");
    unit = units_0{reading{"kind"}}.defaultsTo("");
    level = value > limit_0 && reading{"kind"} == "temperature" => "high"
          | value < steps_0[0] || value.isnull()                => "low"
          |                                                        "normal";
    <<The #{reading{"kind"}} of #{reading{"room"}} is #{value} #{unit}: #{level}.>>
  }

  recent_0 = function(readings, hours) {
    since = time:add(time:now(), {"hours": -1 * hours});
    readings
      .filter(function(reading) { reading{"at"} > since })
      .sort(function(one, two) { one{"at"} cmp two{"at"} })
      .reverse()
      .slice(0, 9)
  }

  by_room_0 = function(readings) {
    readings.collect(function(reading) { reading{["place", "room"]}.defaultsTo("unknown") })
      .map(function(group, room) {
        {"room": room, "average": average_0(group, 2), "recent": recent_0(group, 24)}
      })
  }

  report_0 = function(room) {
    readings = ent:readings_0.defaultsTo([]);
    wanted = room.isnull() => readings
           | readings.filter(function(reading) { reading{"room"} == room });
    {
      "rooms": by_room_0(wanted),
      "told": wanted.map(describe_0),
      "celsius": wanted.map(function(reading) { celsius_0(reading{"value"}) }),
      "count": wanted.length()
    }
  }

  tell_0 = defaction(room, text) {
    number = ent:numbers_0{room}.defaultsTo("+15555550100")
    subject = "Report of " + room
    if not number.isnull() && text.match(re#\S#) then
    every {
      send_directive("told_0", {"room": room, "subject": subject})
      event:send({"eci": meta:eci, "domain": "owner", "type": "told", "attrs": {"to": number}})
    }
  }
// ----
  rule take_reading_0 {
    select when sensor reading_0 value re#^([0-9.]+)$# room re#(.+)# setting(value, room)
    pre {
      number = value.as("Number")
      kind = event:attrs{"kind"}.defaultsTo("temperature")
      reading = {"kind": kind, "value": number, "room": room, "at": time:now()}
      readings = ent:readings_0.defaultsTo([]).append([reading])
    }
    if number * 2 + 10 > 200 && kind == "temperature" then
      send_directive("hot", {"reading": describe_0(reading), "limit": limit_0})
    fired {
      ent:readings_0 := readings;
      ent:alarms_0{[room, "last"]} := time:now();
      raise sensor event "too_hot_0" attributes reading.put("celsius", celsius_0(number))
    } else {
      ent:readings_0 := readings.length() > 1000 => readings.slice(1, 1000) | readings;
      log debug "an ordinary reading of " + room
    }
  }

  /* The same room twice within an hour is worth a message,
     the tenth time is worth a visit. */
  rule hot_again_0 {
    select when sensor too_hot_0 room re#^(?:room_0 )?(.*)$# setting(room)
      before sensor too_hot_0 where event:attrs{"room"} == room
      within 1 hours
    foreach ent:alarms_0 setting(alarm, place)
    pre {
      since = alarm{"last"}
      text = <<
        It was hot in #{place} since #{since}, and in #{room} again.
        Limit: #{limit_0}, units: #{units_0.keys().join(", ")}.
      >>
    }
    if place != room || alarm{"count"} >= 10 then tell_0(room, text)
    always {
      ent:told_0{place} := time:now() on final;
      schedule sensor event "visit_0" at time:add(time:now(), {"minutes": 30})
        attributes {"room": room} if place == room
    }
  }

  rule watch_door_0 {
    select when repeat 3 (door rattled_0 strength re#(\d+)#) max(strongest) within 5 minutes
    pre {
      strength = strongest.defaultsTo(0) % 7
      grade = strength <= 3 => "weak" | "strong"
      is_night = time:strftime(time:now(), "%H").as("Number") >= 22
    }
    choose grade {
      weak => noop()
      strong => tell_0("door", "The door is rattled" + (is_night => " at night" | ""))
    }
    fired {
      ent:rattled_0 := ent:rattled_0.defaultsTo(0) + 1;
      raise door event "watched_0" attributes event:attrs if strength > 1
    } finally {
      log info {"strength": strength, "times": ent:rattled_0}
    }
  }

  rule come_home_0 {
    select when any 2 (door opened_0, door closed_0, motion seen_0) or count 5 (door locked_0)
    send_directive("welcome", {"at": time:now()})
  }

  rule forget_0 is active {
    select when sensor forgotten_0 where event:attrs{"room"}.length() > 0 && not (event:attrs{"room"} like re#^[A-Z]{2}$#)
    if event:attrs{"confirm"} then every {
      send_directive("forgotten", {"room": event:attrs{"room"}}) setting(answer)
      noop()
    }
    fired {
      clear ent:alarms_0{event:attrs{"room"}};
      clear ent:readings_0;
      last
    } else {
      error warn "Forgetting needs to be confirmed: " + answer.encode()
    }
  }

