ruleset a16x66 {
  meta { name "On call" use module a169x676 alias pds }
  global { assistants = function() { pds:get_item("ta") } }
  rule dispatch {
    select when schedule inquiry from re/(.+)/ setting(who)
    foreach assistants() setting(ta)
      event:send(ta, "schedule", "inquiry")
        with attrs = {"from": "#{who} asks", "code": math:random(99)} and cid_key = "flip";
    always { raise explicit event subscribers_notified on final }
  }
  rule answered {
    select when explicit subscribers_notified
    if ent:open eq 'yes' then noop();
    fired { clear ent:open; raise notification event status with priority = 2 and description = "done" }
  }
}
