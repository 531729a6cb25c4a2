//! Rules: conditions, actions, repetition, postludes.

use stratus_event::{Eci, Name};
use stratus_pen::language::SubscriptionView;

use crate::world::World;

/// Puts a rule's body into a ruleset that wakes at `a:b`.
fn ruleset(global: &str, body: &str) -> String {
    format!("ruleset test {{ global {{ {global} }} rule r {{ select when a b {body} }} }}")
}

fn check(body: &str, event: &str, expected: &[&str]) {
    check_with("", body, event, expected);
}

fn check_with(global: &str, body: &str, event: &str, expected: &[&str]) {
    let world = World::with(&[&ruleset(global, body)]);
    assert_eq!(
        world.send(event).lines().collect::<Vec<_>>(),
        expected,
        "{body}"
    );
}

#[test]
fn a_rule_without_a_condition_fires() {
    check("noop()", "a:b", &["fired"]);
    check(
        "send_directive(\"hello\", {\"to\": event:attr(\"name\")})",
        r#"a:b {"name": "Bob"}"#,
        &["fired", r#"directive hello {"to": "Bob"}"#],
    );
}

#[test]
fn a_condition_decides_what_the_postlude_does() {
    let body = r#"pre { n = event:attrs{"n"} }
        if n > 3 then send_directive("big")
        fired { raise x event "yes" } else { raise x event "no" attributes {"n": n} }
        finally { ent:seen := ent:seen.defaultsTo(0) + 1 }"#;
    check(
        body,
        r#"a:b {"n": 5}"#,
        &[
            "fired",
            "ent:seen := 1",
            "raise x:yes {}",
            "directive big {}",
        ],
    );
    check(
        body,
        r#"a:b {"n": 2}"#,
        &["not fired", "ent:seen := 1", r#"raise x:no {"n": 2}"#],
    );
}

#[test]
fn variables_are_read_as_written_before() {
    let body = "always {
        ent:n := 1
        ent:n := ent:n + 1
        ent:m{[\"a\", \"b\"]} := ent:n
        ent:m{\"c\"} := [ent:m{[\"a\", \"b\"]}]
        clear ent:m{\"a\"}
    }";
    check(
        body,
        "a:b",
        &["fired", "ent:n := 2", r#"ent:m := {"c": [2]}"#],
    );
    check("always { clear ent:n }", "a:b", &["fired", "clear ent:n"]);
}

#[test]
fn foreach_goes_through_lists_maps_and_texts() {
    let body = |collection: &str| {
        format!(
            "foreach {collection} setting (v, k) send_directive(v, {{\"k\": k}})
            always {{ raise x event \"done\" on final }}"
        )
    };
    check(
        &body(r#"["p", "q"]"#),
        "a:b",
        &[
            "fired",
            "raise x:done {}",
            r#"directive p {"k": 0}"#,
            r#"directive q {"k": 1}"#,
        ],
    );
    check(
        &body(r#"{"x": "p", "y": "q"}"#),
        "a:b",
        &[
            "fired",
            "raise x:done {}",
            r#"directive p {"k": "x"}"#,
            r#"directive q {"k": "y"}"#,
        ],
    );
    check(
        &body("\"hi\""),
        "a:b",
        &[
            "fired",
            "raise x:done {}",
            r#"directive h {"k": 0}"#,
            r#"directive i {"k": 1}"#,
        ],
    );
    check(&body("null"), "a:b", &["not fired"]);
    check(&body("[]"), "a:b", &["not fired"]);
}

#[test]
fn nested_foreach_has_one_final_iteration() {
    let body = "foreach [1, 2] setting (x) foreach [x, x * 10] setting (y)
        always { raise x event \"at\" attributes {\"y\": y}; raise x event \"end\" on final }";
    check(
        body,
        "a:b",
        &[
            "fired",
            r#"raise x:at {"y": 1}"#,
            r#"raise x:at {"y": 10}"#,
            r#"raise x:at {"y": 2}"#,
            r#"raise x:at {"y": 20}"#,
            "raise x:end {}",
        ],
    );
}

#[test]
fn blocks_do_one_all_or_a_chosen_action() {
    check(
        "every { send_directive(\"x\"); send_directive(\"y\") }",
        "a:b",
        &["fired", "directive x {}", "directive y {}"],
    );
    let choose =
        "choose event:attr(\"l\") { p => send_directive(\"x\"); q => send_directive(\"y\") }";
    check(choose, r#"a:b {"l": "q"}"#, &["fired", "directive y {}"]);
    check(choose, r#"a:b {"l": "z"}"#, &["fired"]);
    let sample = World::with(&[&ruleset(
        "",
        "sample { send_directive(\"x\"); send_directive(\"y\") }",
    )]);
    assert_eq!(sample.send("a:b").lines().count(), 2);
    assert_eq!(sample.send("a:b"), sample.send("a:b"));
}

#[test]
fn functions_close_over_their_frames() {
    let global = "
        fact = function(n) { n < 2 => 1 | n * fact(n - 1) }
        adder = function(a) { function(b) { a + b } }
        twice = function(f, x = 3) { f(f(x)) }
        even = function(n) { n == 0 => true | odd(n - 1) }
        odd = function(n) { n == 0 => false | even(n - 1) }";
    let body = "pre { add = adder(10) } always {
        log info fact(10)
        log info twice(add)
        log info twice(x = 1, f = adder(5))
        log info even(9)
        log info [1, 2, 3].map(function(v, k) { add(v) + k }).encode()
    }";
    check_with(
        global,
        body,
        "a:b",
        &[
            "fired",
            "log info 3628800",
            "log info 23",
            "log info 11",
            "log info false",
            "log info [11,13,15]",
        ],
    );
}

#[test]
fn defactions_do_things_and_return_something() {
    let global = r#"tell = defaction(who, greeting = "hi") {
        text = <<#{greeting}, #{who}!>>
        if who != "Eve" then every { send_directive(text); noop() }
        return text
    }"#;
    check_with(
        global,
        "every { tell(\"Bob\") setting(said) send_directive(said.uc()) tell(\"Eve\") }",
        "a:b",
        &["fired", "directive hi, Bob! {}", "directive HI, BOB! {}"],
    );
}

#[test]
fn events_are_raised_in_both_ways_of_writing() {
    let body = r#"always {
        raise explicit event subscribers_notified
        raise notification event status with priority = 2 and subject = "x"
        raise event "d:t" attributes {"a": [1]}
        raise d event "t" for "other.rid"
        raise d event "t" for ["one", "two"] if true
        raise d event "t" if 1 > 2
    }"#;
    check(
        body,
        "a:b",
        &[
            "fired",
            "raise explicit:subscribers_notified {}",
            r#"raise notification:status {"priority": 2, "subject": "x"}"#,
            r#"raise d:t {"a": [1]}"#,
            "raise d:t for other.rid {}",
            "raise d:t for one {}",
            "raise d:t for two {}",
        ],
    );
}

#[test]
fn errors_tell_the_ruleset_and_end_the_rule() {
    check(
        "always { error error \"bad\"; log info \"not reached\" }",
        "a:b",
        &[
            "fired",
            r#"raise system:error for test {"level": "error", "rid": "test", "data": "bad", "genus": "user", "rule_name": "r"}"#,
            "log error bad",
            "last",
        ],
    );
    check("always { last if true }", "a:b", &["fired", "last"]);
}

#[test]
fn timers_are_set_listed_and_removed() {
    let set = r#"always {
        schedule x event "due" at time:add(time:now(), {"minutes": 5}) attributes {"n": 1} setting(id)
        ent:id := id
    }"#;
    let remove = "if schedule:list().length() == 1 then schedule:remove(ent:id)";
    let source = format!(
        "ruleset test {{ rule s {{ select when a b {set} }} rule u {{ select when a c {remove} }} }}"
    );
    let world = World::with(&[&source]);
    let told = world.send("a:b");
    assert!(
        told.ends_with("at 2026-11-23T09:05:00.000Z x:due {\"n\": 1}\n"),
        "{told}"
    );
    assert_eq!(world.send("a:c"), "fired\nremove timer\n");
    assert_eq!(world.send("a:c"), "not fired\n");
}

const STUDENT: Eci = Eci([2; 32]);
const ASSISTANT: Eci = Eci([3; 32]);

fn subscription() -> SubscriptionView {
    SubscriptionView {
        id: "s1".to_owned(),
        name: "Ann".to_owned(),
        rx: STUDENT,
        tx: ASSISTANT,
        rx_role: "class".to_owned(),
        tx_role: "assistant".to_owned(),
    }
}

/// The rule as a paper of 2012 has it, and a global that gives it today's subscriptions.
const DISPATCH: &str = r#"ruleset class {
    global { teaching_assistants = subscription:established("Tx_role", "assistant") }
    rule dispatch {
        select when schedule inquiry
        foreach teaching_assistants setting (ta)
            event:send(ta, "schedule", "inquiry")
                with attrs = {"from": event:attr("From"), "message": event:attr("Body"), "code": math:random(99)};
        always { raise explicit event subscribers_notified on final }
    }
}"#;

#[test]
fn the_dispatch_rule_of_2012_runs_as_it_stands() {
    let mut world = World::with(&[DISPATCH]);
    let event = r#"schedule:inquiry {"From": "+1555", "Body": "help"}"#;
    assert_eq!(world.send(event), "not fired\n");
    world.subscriptions = vec![subscription()];
    let told = world.send(event);
    let code: f64 = told
        .split("\"code\": ")
        .nth(1)
        .unwrap()
        .split('}')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!((0.0..99.0).contains(&code) && code.fract() == 0.0, "{told}");
    assert_eq!(
        told,
        format!(
            "fired\nraise explicit:subscribers_notified {{}}\nsend 3 schedule:inquiry \
         {{\"from\": \"+1555\", \"message\": \"help\", \"code\": {code}}}\n"
        )
    );
}

#[test]
fn events_are_sent_in_todays_form() {
    let body =
        r#"event:send({"eci": event:attr("to"), "domain": "d", "type": "t", "attrs": {"a": 1}})"#;
    let event = format!("a:b {{\"to\": \"{ASSISTANT}\"}}");
    check(body, &event, &["fired", r#"send 3 d:t {"a": 1}"#]);
    let told = World::with(&[&ruleset("", body)]).send(r#"a:b {"to": "nobody"}"#);
    assert!(
        told.starts_with("failed krl-channel-invalid: line 1, column "),
        "{told}"
    );
    assert!(told.contains("\"nobody\" is no channel"), "{told}");
}

#[test]
fn the_world_is_acted_on_and_asked() {
    check(
        "twilio:send_sms(\"+1555\", \"hi\")",
        "a:b",
        &[
            "fired",
            r#"act twilio send_sms {"to": "+1555", "body": "hi"}"#,
        ],
    );
    check(
        "http:post(\"http://x.example/\", json = {\"a\": 1})",
        "a:b",
        &[
            "fired",
            r#"act http post {"url": "http://x.example/", "json": {"a": 1}}"#,
        ],
    );
    let body = r#"foreach ["p", "q"] setting (u)
        pre { answer = http:get(u){"content"} }
        send_directive(answer)"#;
    let mut world = World::with(&[&ruleset("", body)]);
    assert_eq!(
        world.send("a:b"),
        "ask 0.0 http get {\"url\": \"p\"}\nask 1.0 http get {\"url\": \"q\"}\n"
    );
    world.answer_all("a:b");
    assert_eq!(world.send("a:b"), "fired\ndirective p {}\ndirective q {}\n");
}

/// A rule that writes is asked for one answer after the other: a later iteration may read what an
/// earlier one writes.
#[test]
fn questions_are_told_apart_and_answered_in_turn() {
    let body = r#"foreach ["p", "q"] setting (u)
        pre { answers = [1, 2].map(function(n) { http:get(u + n){"content"} }) }
        always { ent:got := ent:got.append(answers) }"#;
    let mut world = World::with(&[&ruleset("", body)]);
    world.set("got", "[]");
    for expected in [
        "0.0 http get {\"url\": \"p1\"}",
        "0.1 http get {\"url\": \"p2\"}",
        "1.0 http get {\"url\": \"q1\"}",
        "1.1 http get {\"url\": \"q2\"}",
    ] {
        assert_eq!(world.send("a:b").trim_end(), format!("ask {expected}"));
        world.answer_all("a:b");
    }
    assert_eq!(
        world.send("a:b"),
        "fired\nent:got := [\"p1\", \"p2\", \"q1\", \"q2\"]\n"
    );
}

/// What is drawn depends on the seed, the iteration and the place, not on how often it is evaluated.
#[test]
fn randomness_is_the_same_when_evaluated_again() {
    let body = r#"foreach [1, 2] setting (n)
        pre { a = random:integer(1000000) b = random:uuid() c = http:get("u") }
        always { log info <<#{a} #{b}>> }"#;
    let mut world = World::with(&[&ruleset("", body)]);
    world.answer_all("a:b");
    let told = world.send("a:b");
    assert_eq!(told, world.send("a:b"));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert_ne!(lines[1], lines[2]);
}

#[test]
fn modules_have_functions_actions_variables_and_configuration() {
    let module = r#"ruleset lib {
        meta { provides greet, tell, count configure using word = "hello" }
        global {
            greet = function(who) { word + " " + who }
            count = function() { ent:count }
            tell = defaction(who) { send_directive(greet(who), {"rid": meta:rid}) }
            hidden = 1
        }
    }"#;
    let user = r#"ruleset user {
        meta { use module lib use module lib alias ciao with word = "ciao" shares all }
        global { all = function() { [lib:greet("a"), ciao:greet("b"), lib:count()] } }
        rule r { select when a b ciao:tell("x") }
        rule s { select when a c always { ent:x := lib:hidden } }
    }"#;
    let world = World::with(&[user, module]);
    world
        .variables
        .borrow_mut()
        .insert(("lib".into(), "count".into()), 3.into());
    assert_eq!(world.query("all", "{}"), r#"["hello a", "ciao b", 3]"#);
    assert_eq!(
        world.send("a:b"),
        "fired\ndirective ciao x {\"rid\": \"lib\"}\n"
    );
    assert_eq!(
        world.send("a:c"),
        "failed krl-module-member-unknown: line 5, column 52: lib does not provide hidden\n"
    );
    assert_eq!(world.programs[0].modules(), [Name::new("lib").unwrap()]);
    let alone = World::with(&[user]);
    assert!(
        alone
            .send("a:b")
            .contains("the module lib is not installed in this PEN")
    );
}

#[test]
fn queries_answer_with_named_arguments() {
    let source = "ruleset test {
        meta { shares add, version name \"Test\" }
        global { version = 3; add = function(a, b = 1) { a + b }; hidden = function() { 1 } }
    }";
    let world = World::with(&[source]);
    assert_eq!(world.query("add", r#"{"a": 2, "c": 9}"#), "3");
    assert_eq!(world.query("add", r#"{"a": 2, "b": 3}"#), "5");
    assert_eq!(world.query("version", "{}"), "3");
    assert_eq!(
        world.query("hidden", "{}"),
        "failed query-unknown: test shares no function hidden"
    );
}

#[test]
fn where_reads_bindings_and_attributes() {
    let source = "ruleset test { rule r {
        select when bank deposit amount re#(\\d+)# setting(least)
            before bank withdrawal where amount > least || amount > 100 } }";
    let mut world = World::with(&[source]);
    let holds = |world: &World, event: &str| {
        let event = crate::world::parse_event(event);
        world.programs[0]
            .holds(0, &world.scene(Some(&event)))
            .said
            .unwrap()
    };
    world
        .bindings
        .insert(Name::new("least").unwrap(), "50".into());
    assert!(holds(&world, r#"bank:withdrawal {"amount": 60}"#));
    assert!(!holds(&world, r#"bank:withdrawal {"amount": 40}"#));
}

#[test]
fn the_scene_is_known_to_the_rule() {
    let body = "always { ent:all := [meta:rid, meta:penId, ctx:name, meta:ruleName, meta:inEvent, \
                event:domain, event:type, event:attrs, time:now()] }";
    check(
        body,
        r#"a:b {"x": 1}"#,
        &[
            "fired",
            r#"ent:all := ["test", "01010101010101010101010101010101", "class", "r", true, "a", "b", {"x": 1}, "2026-11-23T09:00:00.000Z"]"#,
        ],
    );
}

#[test]
fn only_data_leaves_a_run() {
    let told = World::with(&[&ruleset(
        "",
        "always { ent:f := {\"f\": function() { 1 }} }",
    )])
    .send("a:b");
    let expected = "failed krl-not-data: line 1, column 62: a value of type Function cannot be kept or sent, only data can\n";
    assert_eq!(told, expected);
}
