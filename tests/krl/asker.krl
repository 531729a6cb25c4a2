ruleset test.asker {
  rule ask {
    select when ask now
    foreach subscription:established("Tx_role", "ta") setting(ta)
    event:send(ta, "schedule", "inquiry") with attrs = {"what": event:attr("what")};
  }
}
