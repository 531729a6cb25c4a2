//! What does not compile, and what is said about it.

use crate::world::faults;

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    let told = faults(source);
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{source}");
}

#[track_caller]
fn check_global(global: &str, expected: &str) {
    check(
        &format!("ruleset r {{ global {{ {global} }} }}"),
        &[expected],
    );
}

#[track_caller]
fn check_rule(body: &str, expected: &str) {
    check(&format!("ruleset r {{ rule q {{ {body} }} }}"), &[expected]);
}

#[test]
fn names_must_mean_something() {
    check_global(
        "a = lenght(1)",
        "line 1, column 26: lenght is not defined; did you mean length? [krl-name-undefined]",
    );
    check_global(
        "a = b b = 1",
        "line 1, column 26: b is not defined [krl-name-undefined]",
    );
    check_global("a = function() { b } b = 1", "no fault");
    check_global(
        "a = 1 a = 2",
        "line 1, column 28: a is declared twice in the same block [krl-name-duplicate]",
    );
    check_global(
        "f = function(a, a) { 1 }",
        "line 1, column 38: a is a parameter twice [krl-name-duplicate]",
    );
    check_global(
        "f = function(a = 1, b) { 1 }",
        "line 1, column 42: b has no default, but stands after a parameter that has one [krl-parameter-order]",
    );
    check_global(
        "a = re#(#",
        "line 1, column 26: the pattern re#(# is not understood: unclosed group [krl-pattern-invalid]",
    );
}

#[test]
fn functions_and_actions_are_told_apart() {
    check_rule(
        "select when a b length(1)",
        "line 1, column 38: length is not an action [krl-not-an-action]",
    );
    check_rule(
        "select when a b pre { x = send_directive(\"x\") }",
        "line 1, column 48: send_directive is an action; it belongs among a rule's actions [krl-not-a-function]",
    );
    check_rule(
        "select when a b pre { x = event:attrs(\"x\") }",
        "line 1, column 48: this is a value, not a function [krl-not-a-function]",
    );
}

#[test]
fn rules_must_be_whole() {
    check_rule(
        "noop()",
        "line 1, column 18: the rule q has no select [krl-select-missing]",
    );
    check_rule(
        "select when a b choose 1 { noop() }",
        "line 1, column 49: every action inside choose needs a label [krl-label-missing]",
    );
    check_rule(
        "select when a b always { tmp:x := 1 }",
        "line 1, column 47: only ent:… and app:… variables are persistent [krl-variable-domain-unknown]",
    );
    check(
        "ruleset r { rule q { select when a b } rule q { select when a b } }",
        &["line 1, column 45: there are two rules named q [krl-name-duplicate]"],
    );
}

#[test]
fn meta_must_be_consistent() {
    check(
        "ruleset r { meta { shares f } }",
        &["line 1, column 27: f is shared but not defined in global [krl-name-undefined]"],
    );
    check(
        "ruleset r { meta { provides f } }",
        &["line 1, column 29: f is provided but not defined in global [krl-name-undefined]"],
    );
    check(
        "ruleset r { meta { shares f } global { f = defaction() { noop() } } }",
        &["line 1, column 27: f is an action; only functions are shared [krl-share-action]"],
    );
    check(
        "ruleset r { meta { name \"a\" name \"b\" } }",
        &["line 1, column 29: meta has more than one name [krl-meta-duplicate]"],
    );
}

#[test]
fn all_faults_are_told_at_once() {
    check(
        "ruleset r { global { a = x b = y } }",
        &[
            "line 1, column 26: x is not defined [krl-name-undefined]",
            "line 1, column 32: y is not defined [krl-name-undefined]",
        ],
    );
}

#[test]
fn a_time_stands_there_or_is_made_of_what_is_bound() {
    let check = |select: &str, time: &str| {
        let column = 22 + select.find(time).unwrap();
        let expected = format!(
            "line 1, column {column}: at takes a time that stands there, such as \
             \"2026-12-24T18:00:00Z\" or \"08:00\", or one made of variables that earlier events \
             have bound [krl-select-unsupported]"
        );
        check_rule(select, &expected);
    };
    check("select when at(\"x\")", "\"x\"");
    check("select when at(time:now())", "time:now");
    check(
        "select when at(time:add(\"2026-01-01\", {\"days\": 1}))",
        "time:add",
    );
    let bound = "select when a b n re#(.)# setting (n) before at(";
    for time in [
        "time:add(time:now(), n)",
        "ent:x + n",
        "event:attr(n)",
        "[n][0]",
    ] {
        check(&format!("{bound}{time})"), time);
    }
}

#[test]
fn what_is_not_supported_is_said() {
    check_rule(
        "select when a b within event:attr(\"n\") seconds",
        "line 1, column 45: within takes a constant number and a unit, such as within 5 minutes [krl-select-unsupported]",
    );
    check_rule(
        "select when count 0 (a b)",
        "line 1, column 34: 0 occurrences are not between 1 and 1000 [krl-select-unsupported]",
    );
}

#[test]
fn faults_are_told_up_to_a_number() {
    let globals: Vec<String> = (0..500).map(|n| format!("a{n} = undefined{n}")).collect();
    let globals = globals.join(" ");
    let told = faults(&format!("ruleset r {{ global {{ {globals} }} }}"));
    assert_eq!(told.lines().count(), 101);
    assert!(told.ends_with("[krl-too-many-errors]"), "{told}");
}

#[test]
fn an_empty_source_is_no_ruleset() {
    assert_ne!(faults(""), "no fault");
    assert_ne!(faults("\u{0}ruleset"), "no fault");
}

#[test]
fn arguments_are_positional_first_and_then_named() {
    check_global(
        "f = function(a, b) { a } x = f(a = 1, 2)",
        "line 1, column 60: after a named argument, all others must be named [krl-argument-order]",
    );
}

#[track_caller]
fn check_warnings(source: &str, expected: &[&str]) {
    let found = stratus_krl::check(source);
    let told: Vec<_> = found
        .iter()
        .map(|found| {
            let (line, column) = stratus_krl_syntax::line_column(source, found.span().start);
            format!("{line}:{column} {} [{}]", found.title, found.code)
        })
        .collect();
    assert_eq!(told, expected, "{source}");
}

#[test]
fn what_fails_where_it_is_used_is_said_before() {
    check_warnings(
        "ruleset r { meta { shares a } global { a = function() { time:noww() } } }",
        &["1:57 time has no member noww; did you mean now? [krl-module-member-unknown]"],
    );
    check_warnings(
        "ruleset r { meta { shares a } global { a = function() { tim:now() } } }",
        &["1:57 there is no module tim; did you mean time? [krl-module-unknown]"],
    );
    check_warnings(
        "ruleset r { meta { shares a } global { a = [1].join(sep = \"\") } }",
        &["1:53 join has no parameter sep [krl-parameter-unknown]"],
    );
    check_warnings(
        "ruleset r { meta { key k 1 + 1 } }",
        &["1:20 the key k is no text, and no map of texts [krl-meta-unsupported]"],
    );
    check_warnings(
        "ruleset 10 { rule q is active { select when at(\"noon\") alert(y) } }",
        &["1:62 y is not defined [krl-name-undefined]"],
    );
}

#[test]
fn what_is_probably_not_meant_is_said() {
    check_warnings(
        "ruleset r { global { a = 1 f = function(x) { y = x x } } \
         rule q { select when a b pre { z = f(1, 2) } } }",
        &[
            "1:22 a is never used [krl-declaration-unused]",
            "1:46 y is never used [krl-declaration-unused]",
            "1:89 z is never used [krl-declaration-unused]",
            "1:98 f takes 1 argument, and gets 2 [krl-argument-surplus]",
        ],
    );
    check_warnings(
        "ruleset r { rule p { select when a b always { last } } rule q { select when a b } \
         rule s { select when a c } }",
        &["1:61 the rule q never runs: p ends with last before it [krl-rule-unreachable]"],
    );
    let behind = |event: &str, last: &str| {
        format!(
            "ruleset r {{ rule p {{ select when a b or a c {last} }} \
             rule q {{ select when {event} }} }}"
        )
    };
    let never = "the rule q never runs: p ends with last before it [krl-rule-unreachable]";
    let unconditional = "fired { last }";
    check_warnings(&behind("a c", unconditional), &[&format!("1:67 {never}")]);
    check_warnings(
        &behind("a d before a b", unconditional),
        &[&format!("1:67 {never}")],
    );
    check_warnings(&behind("a b or a d", unconditional), &[]);
    check_warnings(&behind("a d", unconditional), &[]);
    check_warnings(
        &behind("a b", "if event:attrs{\"x\"} then noop() fired { last }"),
        &[],
    );
    let either = |used: &str| {
        format!(
            "ruleset r {{ rule q {{ select when a b x re#(.*)# setting(n) or a c y re#(.*)# \
             setting({used}) if n then noop() }} }}"
        )
    };
    check_warnings(
        &either("m"),
        &[
            "1:57 n is not bound on every way through the event expression \
           [krl-variable-maybe-unbound]",
        ],
    );
    check_warnings(&either("n"), &[]);
}

#[test]
fn a_repetition_at_no_time_is_found() {
    let ruleset = |cron: &str| {
        format!(
            "ruleset r {{ rule q {{ select when a b always {{ \
             schedule a event \"b\" repeat {cron} }} }} }}"
        )
    };
    check_warnings(&ruleset("\"*/5 * * * *\""), &[]);
    check_warnings(&ruleset("<<*/#{event:attrs{\"n\"}} * * * *>>"), &[]);
    check_warnings(
        &ruleset("\"0 0 30 2 *\""),
        &["1:75 \"0 0 30 2 *\" is no cron expression: there is no such day [krl-cron-invalid]"],
    );
}

#[test]
fn events_that_no_installed_ruleset_selects_are_found() {
    let one = "ruleset a { rule p { select when go now always {
        raise b event \"heard\"; raise b event \"unheard\"; } } }";
    let other = "ruleset b { rule q { select when b heard or b other } }";
    let found = stratus_krl::check_together(&[one, other]);
    let told: Vec<_> = found
        .iter()
        .map(|(number, found)| (*number, &*found.title))
        .collect();
    assert_eq!(
        told,
        [(
            0,
            "no rule selects the event b:unheard; did you mean b:heard?"
        )]
    );
    assert_eq!(found[0].1.code, "krl-event-unselected");
}

#[test]
fn an_inactive_rule_never_runs() {
    check_warnings(
        "ruleset r { rule q is inactive { select when a b } }",
        &["1:18 the rule q is inactive, so it never runs [krl-rule-unreachable]"],
    );
}
