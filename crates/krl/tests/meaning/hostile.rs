//! Programs that try to use up more than they may. Each ends with an error that names the bound.

use std::fmt::Write as _;

use stratus_pen::language::Limits;

use crate::world::World;

/// Runs a rule with globals under limits, on a thread with the usual stack.
#[track_caller]
fn check(global: &str, body: &str, expected: &str) {
    let source =
        format!("ruleset test {{ global {{ {global} }} rule r {{ select when a b {body} }} }}");
    let mut world = World::with(&[&source]);
    // A fifth of the usual, so that the tests are quick.
    world.limits.fuel_max = 2_000_000;
    world.limits.value_bytes_max = 13 << 20;
    let told = world.send("a:b");
    let code = told
        .strip_prefix("failed ")
        .and_then(|told| told.split(':').next());
    assert_eq!(code, Some(expected), "{told}");
    assert!(told.contains(": line 1, column "), "{told}");
}

#[test]
fn recursion_ends() {
    check(
        "f = function(n) { f(n + 1) }",
        "pre { x = f(0) }",
        "call-depth-exhausted",
    );
    check(
        "f = function() { g() } g = function() { f() }",
        "pre { x = f() }",
        "call-depth-exhausted",
    );
    check(
        "f = function(n) { [n].map(function(m) { f(m) }) }",
        "pre { x = f(0) }",
        "call-depth-exhausted",
    );
    check("f = defaction() { f() }", "f()", "call-depth-exhausted");
    check(
        "f = function() { a } a = f()",
        "pre { x = a }",
        "krl-global-circular",
    );
}

#[test]
fn deep_expressions_within_deep_calls_end() {
    let parentheses = format!("{}f(n){}", "not not -1 + ".repeat(40), "");
    check(
        &format!("f = function(n) {{ {parentheses} }}"),
        "pre { x = f(0) }",
        "call-depth-exhausted",
    );
}

#[test]
fn loops_end() {
    check(
        "r = 0.range(4000)",
        "pre { x = r.map(function(a) { r.map(function(b) { a * b }) }) }",
        "value-bytes-exhausted",
    );
    check(
        "r = 0.range(4000)",
        "foreach r setting (a) foreach r setting (b) noop()",
        "iterations-exhausted",
    );
    check(
        "r = 0.range(4000)",
        "pre { x = r.map(function(a) { r.reduce(function(b, c) { b + c }) }) }",
        "fuel-exhausted",
    );
    check("", "pre { x = 0.range(1000000000000) }", "fuel-exhausted");
    check("", "pre { x = 0.range(3000000) }", "value-bytes-exhausted");
}

#[test]
fn texts_do_not_grow_for_ever() {
    let double = "f = function(s, n) { n == 0 => s | f(s + s, n - 1) }";
    check(double, "pre { x = f(\"ab\", 60) }", "value-bytes-exhausted");
    check(
        double,
        "pre { s = f(\"ab\", 20) x = [s, s, s, s].join(s).replace(re#a#g, s) }",
        "value-bytes-exhausted",
    );
    check(
        double,
        "pre { s = f(\"ab\", 21) x = s.split(\"\") }",
        "value-bytes-exhausted",
    );
    check(
        double,
        "pre { s = f(\"%s\", 15) x = s.sprintf(s) }",
        "value-bytes-exhausted",
    );
}

/// What is made of a text is counted while it is made, and not when all of it is there.
#[test]
fn the_pieces_of_a_text_are_counted_one_by_one() {
    let double = "f = function(s, n) { n == 0 => s | f(s + s, n - 1) }";
    let check = |depth: u32, body: &str, expected: &str| {
        let body = format!("pre {{ s = f(\"ab\", {depth}) x = {body} }}");
        check(double, &body, expected);
    };
    check(20, "s.extract(re#a#g)", "value-bytes-exhausted");
    check(20, "s.split(re#a#)", "value-bytes-exhausted");
    check(20, "s.split(\"a\")", "value-bytes-exhausted");
    check(
        19,
        "f(\"$&\", 15).replace(re#^#, \"\") + s.replace(re#.*#, f(\"$&\", 15))",
        "value-bytes-exhausted",
    );
    check(
        17,
        "(\"[\" + f(\"0,\", 20) + \"0]\").decode()",
        "value-bytes-exhausted",
    );
}

/// A long text costs what it takes to read it, wherever it is read.
#[test]
fn long_texts_are_not_read_for_nothing() {
    let double = "f = function(s, n) { n == 0 => s | f(s + s, n - 1) } s = f(\"ab\", 20) \
                  t = s + \"c\" r = 0.range(9999) m = {\"a\": {\"a\": 1}}";
    let check = |body: &str| check(double, &format!("pre {{ x = {body} }}"), "fuel-exhausted");
    check("r.map(function() { s < t })");
    check("r.map(function() { s cmp t })");
    check("r.map(function() { s <=> t })");
    check("r.map(function() { m{s} })");
    check("r.map(function() { m{[\"a\", s]} })");
    check("r.map(function() { m.get(s) })");
    check("r.map(function() { m >< s })");
    check("r.map(function() { s }).sort()");
    check("r.map(function() { s }).duplicates()");
    check("r.collect(function() { s })");
}

/// Numbers are short.
#[test]
fn a_long_text_is_no_number() {
    let source = "ruleset test { rule r { select when a b
        pre { s = 0.range(600).join(\"\") } send_directive(\"x\", {\"n\": s.as(\"Number\")}) } }";
    let told = World::with(&[source]).send("a:b");
    assert_eq!(told, "fired\ndirective x {\"n\": null}\n");
}

/// Each line of a log is kept.
#[test]
fn logs_are_counted() {
    check(
        "f = function(s, n) { n == 0 => s | f(s + s, n - 1) } s = f(\"ab\", 12)",
        "foreach 0.range(9000) setting (n) always { log info s }",
        "value-bytes-exhausted",
    );
}

/// A value whose parts are shared is small, but large when it is written out or compared.
#[test]
fn shared_parts_are_counted_when_they_are_walked() {
    let double = "f = function(v, n) { n == 0 => v | f([v, v], n - 1) } v = f(1, 50) w = f(1, 50)";
    check(double, "pre { x = v == w }", "fuel-exhausted");
    check(double, "pre { x = v.encode() }", "fuel-exhausted");
    check(double, "always { ent:v := v }", "fuel-exhausted");
    check(
        double,
        "always { raise a event \"b\" attributes {\"v\": v} }",
        "value-bytes-exhausted",
    );
}

#[test]
fn values_are_not_nested_without_end() {
    check(
        "",
        "pre { x = 0.range(5000).reduce(function(a, v) { [a] }, []) }",
        "value-depth-exhausted",
    );
    let json = format!("{}{}", "[".repeat(100), "]".repeat(100));
    check(
        "",
        &format!("pre {{ x = \"{json}\".decode() }}"),
        "value-depth-exhausted",
    );
}

#[test]
fn wishes_are_counted() {
    check(
        "",
        "foreach 0.range(20000) setting (n) send_directive(\"x\")",
        "wishes-exhausted",
    );
    check(
        "",
        "foreach 0.range(20000) setting (n) always { raise a event \"b\" }",
        "wishes-exhausted",
    );
    check(
        "",
        "foreach 0.range(20000) setting (n) always { log info n }",
        "wishes-exhausted",
    );
}

/// A PEN refuses rulesets that use each other when they are installed; should they be there all
/// the same, they come to an end.
#[test]
fn modules_that_use_each_other_end() {
    let module = |own: &str, other: &str| {
        format!(
            "ruleset {own} {{ meta {{ provides f use module {other} alias o }}
                global {{ f = function() {{ o:f() }} }}
                rule r {{ select when a b pre {{ x = f() }} }} }}"
        )
    };
    let told = World::with(&[&module("one", "two"), &module("two", "one")]).send("a:b");
    assert!(
        told.starts_with("failed modules-exhausted: two line 2, column "),
        "{told}"
    );
}

#[test]
fn patterns_are_bounded() {
    let long = "pre { x = \"a\".match(0.range(3000).join(\"a\")) }";
    check("", long, "krl-pattern-invalid");
    check(
        "",
        "pre { x = \"a\".match(\"((a{100}){100}){100}\") }",
        "krl-pattern-invalid",
    );
    check(
        "f = function(s, n) { n == 0 => s | f(s + s, n - 1) }",
        "pre { s = f(\"a\", 20) x = 0.range(100).map(function() { s.match(re#(a|b|ab)*c#) }) }",
        "fuel-exhausted",
    );
    // The search has to keep track of a thousand states at each byte.
    check(
        "f = function(s, n) { n == 0 => s | f(s + s, n - 1) } s = f(\"ab\", 17)",
        "pre { x = s.match(re#[ab]*a[ab]{1000}c#) }",
        "fuel-exhausted",
    );
}

#[test]
fn limits_are_those_of_the_scene() {
    let source = "ruleset test { rule r { select when a b pre { x = 0.range(100).map(function(n) { n }) } } }";
    let mut world = World::with(&[source]);
    world.limits = Limits {
        fuel_max: 50,
        ..Limits::default()
    };
    assert_eq!(
        world.send("a:b"),
        "failed fuel-exhausted: line 1, column 51: the rule ran for 50 steps without an end\n"
    );
}

#[test]
fn odd_arguments_are_errors_or_null_and_never_panic() {
    for operator in OPERATORS.split_whitespace() {
        let mut rules = String::new();
        for (number, call) in odd_calls(operator).iter().enumerate() {
            let _ = writeln!(
                rules,
                "rule r{number} {{ select when a b pre {{ x = {call} }} }}"
            );
        }
        let world = World::with(&[&format!("ruleset test {{ {rules} }}")]);
        assert!(!world.send("a:b").contains("krl-internal"), "{operator}");
    }
}

fn odd_calls(operator: &str) -> Vec<String> {
    let mut calls = Vec::new();
    for first in ODDITIES {
        for second in ODDITIES {
            let parts = [first, second].into_iter().filter(|part| !part.is_empty());
            let parts: Vec<&str> = parts.copied().collect();
            calls.push(format!("{operator}({})", parts.join(", ")));
            calls.push(format!(
                "{operator}({})",
                [&parts[..], &["3", "[1]"]].concat().join(", ")
            ));
        }
    }
    calls
}

const OPERATORS: &str =
    "all any append as band bnot bor bxor capitalize chr collect contains decode
    defaultsTo delete difference duplicates encode endsWith extract filter get has head index
    intersection isEmpty isnull join keys klog lc length map match none notall once ord pairwise
    put range reduce replace reverse set shiftLeft shiftRight slice sort splice split sprintf
    startsWith substr tail trim trimLeading trimTrailing typeof uc union unique values
    math:abs math:base64decode math:ceiling math:hash math:hmac math:random math:round
    random:integer random:number time:add time:new time:strftime calendar:in_progress
    subscription:established schedule:get";

const ODDITIES: &[&str] = &[
    "",
    "null",
    "(-1)",
    "1.5",
    "99999999999999999999999",
    "(-99999999999999999999999)",
    "\"\"",
    "\"é\"",
    "\"%\"",
    "[]",
    "[[]]",
    "[null, 1, \"b\"]",
    "{}",
    "{\"a\": 1}",
    "re##g",
    "\"(\"",
    "function(x) { x }",
    "noop",
];
