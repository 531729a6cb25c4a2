ruleset io.picolabs.some-thing {
  version "0.1"
  meta {
    name "Some thing"
    description <<
      Things, and #{"how" + " many"} \>> \#{there} are.
    >>
    author "me"
    version "1.0.0"
    logging on
    key sms "secret"
    keys mail {"user": "me"}
    errors to io.picolabs.errors
    use module io.picolabs.wrangler alias wrangler
    use module com.sms with account = "a" and token = "b" port = 3
    configure using limit = 10 wait = {"minutes": 5}
    provides take, give
    provides keys sms, mail to com.one, com.two
    shares stock, __testing
  }
  global {
    // Names.
    limit = 10; wait = .5
    stock = function(kind, least = 0) {
      found = ent:stock{kind};
      all = ent:stock{["all", kind]} + found[0]
      return found.isnull() => least | all > limit => limit | all
    }
    nothing = function() { null }
    give = defaction(whom, what = "a thing",) {
      text = <<Take #{what}, #{<<or #{nothing()}>>}>>
      if whom.length() > 0 && not what.isnull() then
        every {
          event:send({"eci": whom, "domain": "thing", "type": "given"}, host = null)
          sms:send(whom, text) setting(answer, rest)
        }
      return [answer, rest]
    }
  }
  rule inactive_one is inactive { select where event:domain == "thing" }
  /* A block comment. */
  rule take is active {
    select when thing asked name re#^(\w+)#i count re#(\d+)# setting(name, count)
      where count.as("Number") > 0 within 2 + 1 hours
    foreach ent:stock setting (number, kind)
    foreach number.range(1) setting (index)
    pre {
      left = number - count % 2
      words = name.split(re# #g)
    }
    if left >= 0 || name like re#all# then
      choose left.typeof() {
        one => noop()
        two => give(name, what = kind); three => send_directive("three", {"left": left, "n": -1})
      }
    fired {
      ent:stock{kind} := left
      ent:last := name on final
      raise thing event "taken" for "io.picolabs.other" attributes event:attrs
      raise event "thing:taken" attributes {"name": name, "list": [1, 2,],} if left > 0
      schedule thing event "due" at time:add(time:now(), wait) attributes {} setting(id)
      schedule event "thing:count" repeat "5 0 * * *"
      total = left + 1
      log info <<left: #{total}>>
    } else {
      clear ent:stock{kind}; clear ent:last
      error warn "none left" if index == 1
    } finally {
      last if left <=> 2
    }
  }
  rule sampled { select when a:b sample { first() second(); third() } notfired { log debug null } }
  rule one { select when a b label => http:post("url", body = "x") setting(r); always { last } }
}
