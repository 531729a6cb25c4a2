//! What goes wrong while a rule runs, and what is said about it.

use crate::world::{World, parse_event};

/// Runs `pre { x = EXPRESSION }`, which begins at line 2, column 5, and must fail.
#[track_caller]
fn check(expression: &str, expected: &str) {
    let source =
        format!("ruleset test {{ rule r {{ select when a b pre {{ x =\n    {expression}\n}} }} }}");
    let told = World::with(&[&source]).send(r#"a:b {"map": {"a": [1, "two"]}, "text": "abc"}"#);
    assert_eq!(
        told.trim_end(),
        format!("failed {expected}"),
        "{expression}"
    );
}

#[track_caller]
fn check_body(body: &str, expected: &str) {
    let source = format!("ruleset test {{ rule r {{ select when a b\n{body}\n}} }}");
    let told = World::with(&[&source]).send(r#"a:b {"text": "abc"}"#);
    assert_eq!(told.trim_end(), format!("failed {expected}"), "{body}");
}

#[test]
fn errors_show_the_values_and_the_place() {
    check(
        "\"two\" * 2",
        "krl-type-mismatch: line 2, column 5: \"two\" * 2 needs two numbers",
    );
    check(
        "1 + (2 - event:attrs{\"text\"})",
        "krl-type-mismatch: line 2, column 10: 2 - \"abc\" needs two numbers",
    );
    check(
        "-\"a\"",
        "krl-type-mismatch: line 2, column 5: \"a\" cannot be negated",
    );
    check(
        "event:attrs{\"map\"}.reverse()",
        "krl-type-mismatch: line 2, column 5: this works on arrays only, not on {\"a\": [1, \"two\"]}",
    );
    check(
        "5.map(function(x) { x })",
        "krl-type-mismatch: line 2, column 5: this works on arrays and maps only, not on 5",
    );
    check(
        "[1].map(7)",
        "krl-type-mismatch: line 2, column 5: 7 cannot be used as a function",
    );
    check(
        "{}.as(\"Date\")",
        "krl-type-mismatch: line 2, column 5: {} (type Map) cannot be made a Date",
    );
    check(
        "time:new(\"soon\")",
        "krl-argument-invalid: line 2, column 5: \"soon\" is not a date in a form of ISO 8601",
    );
    check(
        "time:strftime(time:now(), \"%F\", \"Mars\")",
        "krl-argument-invalid: line 2, column 5: Mars is not an IANA time zone",
    );
    check(
        "\"(\".as(\"RegExp\")",
        "krl-pattern-invalid: line 2, column 5: the pattern re#(# is not understood: unclosed group",
    );
    check(
        "event:attrs{\"text\"}()",
        "krl-not-a-function: line 2, column 5: \"abc\" was called as a function",
    );
    check(
        "(function(a) { a })(b = 1)",
        "krl-argument-invalid: line 2, column 5: there is no parameter b",
    );
}

#[test]
fn the_innermost_place_is_told() {
    check(
        "[1].map(function(v) {\n  v - \"x\" })",
        "krl-type-mismatch: line 3, column 3: 1 - \"x\" needs two numbers",
    );
}

#[test]
fn actions_and_postludes_say_what_they_need() {
    check_body(
        "pre { f = 1 } f()",
        "krl-not-an-action: line 2, column 15: 1 is not an action",
    );
    check_body(
        "send_directive(\"x\", 5)",
        "krl-type-mismatch: line 2, column 1: a directive's options must be a map, not 5",
    );
    check_body(
        "twilio:send_sms(\"+1\")",
        "krl-argument-invalid: line 2, column 1: twilio:send_sms needs a number and a text",
    );
    check_body(
        "event:send({\"domain\": \"d\", \"type\": \"t\"})",
        "krl-channel-missing: line 2, column 1: there is no channel to send to in \
         {\"domain\": \"d\", \"type\": \"t\"}",
    );
    check_body(
        "event:send({\"eci\": \"x\"})",
        "krl-argument-invalid: line 2, column 1: event:send needs a domain and a type, in {\"eci\": \"x\"}",
    );
    check_body(
        "always { raise d event \"two words\" }",
        "krl-name-invalid: line 2, column 10: a name cannot contain ' '",
    );
    check_body(
        "always { raise event \"plain\" }",
        "krl-argument-invalid: line 2, column 10: an event is named \"domain:type\", not \"plain\"",
    );
    check_body(
        "always { raise d event \"t\" attributes [1] }",
        "krl-type-mismatch: line 2, column 10: the attributes of an event must be a map, not [1]",
    );
    check_body(
        "always { schedule d event \"t\" at \"noon\" }",
        "krl-argument-invalid: line 2, column 10: an event is scheduled at a time, not \"noon\"",
    );
}

#[test]
fn a_question_cannot_be_asked_in_a_where() {
    let source = "ruleset test { rule r { select when a b where http:get(\"http://x/\") } }";
    let world = World::with(&[source]);
    let event = parse_event("a:b");
    let error = world.programs[0]
        .holds(0, &world.scene(Some(&event)))
        .said
        .unwrap_err();
    assert_eq!(error.code, "krl-question-in-where");
}

#[test]
fn an_answer_that_is_an_error_fails_the_rule() {
    use stratus_event::{Fault, Whose};
    use stratus_pen::language::QuestionId;

    let source = "ruleset test { rule r { select when a b pre { x = http:get(\"u\") } } }";
    let mut world = World::with(&[source]);
    let id = QuestionId {
        iteration: 0,
        site: 50,
        ordinal: 0,
    };
    let fault = Fault::new(Whose::World, "answer-late", "no answer in time");
    world.answers.insert(id, Err(fault));
    let told = world.send("a:b");
    assert_eq!(
        told.trim_end(),
        "failed krl-answer-failed: line 1, column 51: http get: no answer in time [answer-late]"
    );
}
