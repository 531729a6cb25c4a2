ruleset io.stratus.dispatch-2012 {
  global {
    teaching_assistants = subscription:established("Tx_role", "ta");
  }
  rule dispatch {
    select when schedule inquiry
    foreach teaching_assistants setting (ta)
    event:send(ta, "schedule", "inquiry") with attrs = {
      "from": event:attr("From"), "message": event:attr("Body"), "code": math:random(99)
    };
    always { raise explicit event subscribers_notified on final }
  }
}
