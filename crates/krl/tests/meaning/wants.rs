//! What a ruleset asks its owner for, as far as its text tells.

use stratus_krl::Krl;
use stratus_pen::language::Language as _;

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    let program = Krl.compile(source).unwrap();
    assert_eq!(program.wants().lines(), expected, "{source}");
}

/// Of a rule that does that.
#[track_caller]
fn check_action(action: &str, expected: &[&str]) {
    let globals = r#"global { base = "https://api.example/v1/" word = "talk" }"#;
    let source = format!("ruleset r {{ {globals} rule a {{ select when a b {action} }} }}");
    check(&source, expected);
}

const ANY_HOST: &str = "talk to the hosts: any host";
const API: &str = "talk to the hosts: api.example";

#[test]
fn hosts_are_told_as_far_as_an_address_tells_them() {
    check_action(r#"http:get("https://Api.example/x?y")"#, &[API]);
    check_action(r#"http:get(url = "https://api.example")"#, &[API]);
    check_action(r#"http:post(base + event:attrs{"x"})"#, &[API]);
    check_action("http:post(<<https://api.example/#{word}>>)", &[API]);
    check_action(
        r#"http:post("https://api.example" + event:attrs{"x"})"#,
        &[ANY_HOST],
    );
    check_action(r#"http:post(event:attrs{"url"})"#, &[ANY_HOST]);
    check_action(r#"http:post("https://b@api.example/")"#, &[ANY_HOST]);
    check_action(
        "noop() fired { raise a event b attributes {\"x\": http:get(base)} }",
        &[API],
    );
}

#[test]
fn events_for_others_are_told_by_their_domains() {
    let talk = "send events of the domains: talk";
    let any = "send events of the domains: any domain";
    check_action(
        r#"event:send({"eci": meta:eci, "domain": "talk", "type": "x"})"#,
        &[talk],
    );
    check_action(
        r#"event:send({"eci": "z", "domain": word, "type": "x"})"#,
        &[talk],
    );
    check_action(
        r#"event:send({"eci": "z", "domain": event:domain, "type": "x"})"#,
        &[any],
    );
    check_action(r#"event:send(event:attrs{"to"})"#, &[any]);
    check_action(r#"send_directive("x")"#, &[]);
}

#[test]
fn other_pens_connectors_and_modules_are_told() {
    let pens = "ask other PENs of this node";
    check_action(
        r#"send_directive("x", {"y": ctx:query(meta:eci, "r", "x")})"#,
        &[],
    );
    check_action(
        r#"send_directive("x", {"y": ctx:query("z", "r", "x")})"#,
        &[pens],
    );
    check_action(
        r#"twilio:send_sms("1", "2")"#,
        &["use the connectors: twilio"],
    );
    let source = "ruleset r { meta { use module org.example.greeter alias greeter } }";
    check(source, &["use the modules: org.example.greeter"]);
}

#[test]
fn what_goes_elsewhere_as_a_value_may_be_called_with_anything() {
    let source = r#"ruleset r { global { all = ["https://a.example/"].map(http:get) } }"#;
    check(source, &[ANY_HOST]);
    let source =
        r#"ruleset r { global { f = function(g = http:get) { g("https://a.example/") } } }"#;
    check(source, &[ANY_HOST]);
}
