// Every way to wait for several events.
ruleset org.example.sequences {
  global {
    nothing = null
    mean = function(list) {
      list.reduce(function(sum, each) { sum + each }, 0) / list.length()
    }
  }
  rule between_two {
    select when door opened between (alarm armed, alarm disarmed)
    send_directive("break-in")
  }
  rule not_between {
    select when door:opened not between (alarm:armed where delay > 30, alarm:disarmed)
    pre { all = [door, alarm].map(function(x) { x{"name"} }).filter(function(x) { not x.isnull() }) }
    if all.length() >= 2 || mean([1, 2]) < 1 then every {
      send_directive("one", {"x": all[0]}); send_directive("two")
    }
    notfired { ent:missed := ent:missed.append(event:attrs) }
    else { log info "seen" }
  }
  rule listed {
    select when before(a b, c d name re#x/y#, e f) or after(g h, i j) and then(k l, m n)
    noop()
  }
  rule repeated {
    select when repeat 5 (sensor reading level re#(\d+)# setting(level)) avg(mean_level) within 2 weeks
    send_directive("level", {"mean": mean_level cmp "5"})
  }
}
