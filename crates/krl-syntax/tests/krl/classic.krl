ruleset a16x66 {
  meta {
    name "on call"
    use module a16x67 alias calendar with key = 'it\'s' and year = 2012
  }
  global {
    tell = defaction(who) {
      configure using greeting = "hi" and loud = false
      words = greeting + ' ' + who
      notify(words)
    }
  }
  rule dispatch {
    select when schedule inquiry
    foreach teaching_assistants setting (ta)
      event:send(ta, "schedule", "inquiry")
        with attrs = {"from": event:attr("From"), "message": event:attr("Body"),
                      "code": math:random(99)} and cid_key = "flip";
    always { raise explicit event subscribers_notified on final }
  }
  rule page {
    select when web pageview "/support/(\d+)" setting(issue)
      before email received from 'x@y' subject re/y\/z/i setting(sender)
    if issue eq 3 || issue neq 4 then
      notify("issue", issue) setting(result) with sticky = true
    notfired {
      raise notification event status with priority = 2 and description = msg and _api = "sky"
        if issue > 1
      log "not " + issue
    } else { last }
  }
}
