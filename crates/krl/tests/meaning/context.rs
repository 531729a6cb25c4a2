//! `ctx`: what a ruleset may ask of the PEN around it.

use stratus_event::{Eci, Name};
use stratus_pen::{Bearer, Channel, ChannelId, Policy, Rule};

use crate::world::World;

const ASKER: &str = r#"ruleset asker {
    meta { shares ask, deep }
    global {
        ask = function(eci, name) { ctx:query(eci, "other", name, {"n": 1}) }
        deep = function() { ctx:query(meta:eci, "asker", "deep") }
    }
    rule create { select when a b ctx:newChannel(["x"]) }
}"#;

const OTHER: &str = r"ruleset other {
    meta { shares open, closed, action }
    global {
        open = function(n, m) { [n, m, meta:eci] }
        closed = function() { 1 }
        action = function() { function() { 1 } }
    }
}";

fn world() -> World {
    let rule = |second: Option<&str>| Rule {
        first: None,
        second: second.map(|name| Name::new(name).unwrap()),
    };
    let policy = Policy {
        queries_allowed: vec![rule(None)],
        queries_denied: vec![rule(Some("closed"))],
        ..Policy::default()
    };
    let mut world = World::with(&[ASKER, OTHER]);
    world.channels = vec![Channel {
        eci: Eci([1; 32]),
        id: ChannelId([1; 16]),
        tags: Vec::new(),
        policy,
        generation: 0,
        open: true,
        bearer: Bearer::default(),
        family: None,
        rate: None,
    }];
    world
}

#[track_caller]
fn check(eci: Eci, name: &str, expected: &str) {
    let arguments = format!(r#"{{"eci": "{eci}", "name": "{name}"}}"#);
    let told = world().query("ask", &arguments);
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn a_channel_s_policy_decides_what_is_asked() {
    let mine = Eci([1; 32]);
    check(mine, "open", &format!(r#"[1, null, "{mine}"]"#));
    check(mine, "closed", "failed policy-refuses");
    check(mine, "action", "failed krl-not-data");
    let other = Eci([2; 32]);
    let question = format!(r#"ask 0.0 pen query {{"eci": "{other}", "rid": "other", "#);
    check(other, "open", &question);
}

#[test]
fn queries_within_each_other_end() {
    let told = world().query("deep", "{}");
    assert!(told.starts_with("failed query-depth-exhausted"), "{told}");
}

#[test]
fn what_only_the_owner_can_do_is_an_error() {
    let told = world().send("a:b");
    assert!(told.starts_with("failed krl-member-unavailable"), "{told}");
}
