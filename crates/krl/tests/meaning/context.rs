//! `ctx`: what a ruleset may ask of the PEN around it.

use stratus_event::{Eci, Name, PenId};
use stratus_pen::{Channel, ChannelId, Policy, Rule};

use crate::world::World;

const ASKER: &str = r#"ruleset asker {
    meta { shares ask, deep }
    global {
        ask = function(eci, name) { ctx:query(eci, "other", name, {"n": 1}) }
        deep = function() { ctx:query(meta:eci, "asker", "deep") }
    }
    rule read { select when a b send_directive("logs", {"are": ctx:logs()}) }
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
    let (mine, id) = (Eci([1; 32]), ChannelId([1; 16]));
    world.channels = vec![Channel::new(mine, id, Vec::new(), policy)];
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

/// What comes of an action of a rule, in a PEN with a channel of its own and one of each sort that
/// is not for rules.
#[track_caller]
fn check_action(action: &str, expected: &str) {
    let source = format!("ruleset r {{ rule r {{ select when a b {action} }} }}");
    let mut world = World::with(&[&source]);
    let channel = |byte: u8, tag: &str| {
        let tags = vec![Name::new(tag).unwrap()];
        Channel::new(Eci([byte; 32]), ChannelId([byte; 16]), tags, Policy::any())
    };
    let family = Some(PenId([9; 16]));
    let above = Channel {
        family,
        ..channel(2, "parent")
    };
    world.channels = vec![channel(1, "x"), above, channel(3, "owner")];
    let told = world.send("a:b");
    let wanted = told.strip_prefix("fired\n").unwrap_or(&told);
    assert!(wanted.starts_with(expected), "{action}\n{told}");
}

#[test]
fn a_rule_makes_changes_and_deletes_channels() {
    let [own, above, owners] = [1, 2, 3].map(|byte| Eci([byte; 32]));
    let policy = r#"{"allow": [{"domain": "*", "name": "b "}], "deny": []}"#;
    check_action(
        &format!(r#"ctx:newChannel(["A  b!", "c_d"], {policy})"#),
        "arrange made the channel",
    );
    check_action(
        &format!(r#"ctx:putChannel("{own}", ["y"])"#),
        &format!("arrange changed the channel {own} [y]"),
    );
    check_action(
        r#"ctx:upsertChannel(["X"])"#,
        &format!("arrange changed the channel {own} [x]"),
    );
    check_action(r#"ctx:upsertChannel(["z"])"#, "arrange made the channel");
    check_action(
        &format!(r#"ctx:delChannel("{own}")"#),
        &format!("arrange deleted the channel {own}"),
    );
    check_action(
        &format!(r#"ctx:delChannel("{above}")"#),
        "failed channel-reserved",
    );
    check_action(
        &format!(r#"ctx:putChannel("{owners}", ["y"])"#),
        "failed channel-reserved",
    );
    check_action(
        &format!(r#"ctx:delChannel("{}")"#, Eci([7; 32])),
        "failed channel-unknown",
    );
    check_action(
        r#"ctx:delChannel("nonsense")"#,
        "failed krl-channel-invalid",
    );
}

#[test]
fn tags_and_policies_are_checked() {
    check_action(r#"ctx:newChannel("x")"#, "failed channel-tag-invalid");
    check_action("ctx:newChannel([1])", "failed channel-tag-invalid");
    check_action(r#"ctx:newChannel(["!"])"#, "failed channel-tag-invalid");
    check_action(r#"ctx:newChannel(["System"])"#, "failed tag-reserved");
    check_action(r#"ctx:newChannel(["owner"])"#, "failed tag-reserved");
    let check = |policy: &str| {
        let action = format!(r#"ctx:newChannel(["x"], {policy})"#);
        check_action(&action, "failed channel-policy-invalid");
    };
    check("[]");
    check(r#"{"allow": []}"#);
    check(r#"{"allow": [], "deny": [], "more": []}"#);
    check(r#"{"allow": ["a:b"], "deny": []}"#);
    check(r#"{"allow": [{"rid": "a", "name": "b"}], "deny": []}"#);
    check(r#"{"allow": [{"domain": "a", "name": 1}], "deny": []}"#);
}

#[test]
fn a_rule_makes_and_deletes_children() {
    check_action("ctx:newPico()", "arrange made the PEN");
    check_action(r#"ctx:newPico([], "lamp")"#, "arrange made the PEN");
    check_action(
        &format!(r#"ctx:newPico([], "{}")"#, "n".repeat(257)),
        "failed name-oversize",
    );
    let mine = Eci([1; 32]);
    check_action(&format!(r#"ctx:delPico("{mine}")"#), "failed child-unknown");
    check_action(
        &format!(r#"ctx:event("{mine}", "a", "c", {{"x": 1}})"#),
        "send 1 a:c",
    );
    check_action(
        &format!(r#"ctx:event("{mine}", "a", "c", {{}}, "https://x")"#),
        "failed krl-argument-invalid",
    );
}
