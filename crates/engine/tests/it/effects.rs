//! Work for connectors: done once, tried again, settled when nobody knows.

use std::collections::BTreeSet;

use stratus_engine::{Input, Key, Verdict};
use stratus_event::{Eci, PenId, Value};

use crate::world::{World, raise};

const RULES: &str = "ruleset a\non x:y act sms send\non system:effect_failed keep code\n\
                     on system:effect_failed append reason";

fn world() -> (World, PenId, Eci) {
    let mut world = World::with(1, |config| {
        config.effect_attempts_max = 3;
        config.receipts_max = 2;
        config.effects_max = 4;
        config.effects_performing_max = 2;
    });
    let pen = world.pen(0);
    world.install(0, pen, RULES);
    let owner = world.owner(0, pen);
    (world, pen, owner)
}

fn not_done(again: bool) -> Verdict {
    let (code, reason) = ("sms-refused".to_owned(), "no such number".to_owned());
    Verdict::NotDone {
        code,
        reason,
        again,
    }
}

fn unknown() -> Verdict {
    Verdict::Unknown {
        reason: "the answer did not come".into(),
    }
}

fn open(world: &World) -> usize {
    world.nodes[0].count(|key| matches!(key, Key::Effect(..)))
}

#[test]
fn an_effect_is_done_after_the_commit_and_leaves_a_receipt() {
    let (mut world, _, owner) = world();
    world.nodes[0].stuck = Some(Vec::new());
    world.give(0, raise(owner, "x:y", &[("to", "1")]));
    assert!(
        world.nodes[0].performs.is_empty(),
        "nothing before it is durable"
    );
    let batch = world.nodes[0].stuck.take().unwrap().remove(0);
    world.handle(
        0,
        Input::Committed {
            through: batch.position,
        },
    );
    let perform = &world.nodes[0].performs[0];
    assert_eq!(
        (perform.doubt, perform.arguments.text("to")),
        (false, Some("1"))
    );
    assert_eq!(
        world.nodes[0].count(|key| matches!(key, Key::Receipt(..))),
        1
    );
    for _ in 0..3 {
        world.ok(0, raise(owner, "x:y", &[]));
    }
    assert_eq!(
        world.nodes[0].count(|key| matches!(key, Key::Receipt(..))),
        2,
        "oldest out"
    );
    assert_eq!(open(&world), 0);
}

#[test]
fn an_effect_is_tried_again_and_then_given_up() {
    let (mut world, pen, owner) = world();
    world.nodes[0]
        .verdicts
        .extend([not_done(true), not_done(true), not_done(true)].map(Some));
    world.ok(0, raise(owner, "x:y", &[]));
    assert_eq!(world.nodes[0].performs.len(), 1);
    world.pass(999);
    assert_eq!(world.nodes[0].performs.len(), 1);
    world.pass(1);
    assert_eq!(world.nodes[0].performs.len(), 2);
    world.pass(2_000);
    assert_eq!(world.nodes[0].performs.len(), 3);
    assert!(world.nodes[0].performs.iter().all(|perform| !perform.doubt));
    assert_eq!(world.query(0, pen, "a", "last"), Value::from("sms-refused"));
    assert_eq!(open(&world), 0);
}

#[test]
fn a_final_refusal_is_told_at_once() {
    let (mut world, pen, owner) = world();
    world.nodes[0].verdicts.push_back(Some(not_done(false)));
    world.ok(0, raise(owner, "x:y", &[]));
    let reasons = world.query(0, pen, "a", "seen");
    assert_eq!(reasons, Value::list([Value::from("no such number")]));
}

#[test]
fn an_unknown_end_is_settled_before_it_is_tried_again() {
    let (mut world, _, owner) = world();
    world.nodes[0].verdicts.push_back(Some(unknown()));
    world.ok(0, raise(owner, "x:y", &[]));
    assert_eq!(world.nodes[0].performs.len(), 1);
    world.pass(1_000);
    assert!(world.nodes[0].performs[1].doubt);
    assert_eq!(open(&world), 0);
}

#[test]
fn an_effect_that_nobody_can_settle_is_told_as_in_doubt() {
    let (mut world, pen, owner) = world();
    world.nodes[0]
        .verdicts
        .extend([unknown(), unknown(), unknown()].map(Some));
    world.ok(0, raise(owner, "x:y", &[]));
    world.pass(60_000);
    assert_eq!(
        world.query(0, pen, "a", "last"),
        Value::from("effect-in-doubt")
    );
    assert_eq!(world.nodes[0].performs.len(), 3);
}

#[test]
fn an_effect_under_way_at_a_crash_is_in_doubt() {
    let (mut world, _, owner) = world();
    world.ok(0, raise(owner, "x:y", &[("to", "1")]));
    world.nodes[0].verdicts.extend([None]);
    world.ok(0, raise(owner, "x:y", &[("to", "2")]));
    assert_eq!(open(&world), 1);
    world.crash(0);
    assert_eq!(
        world.nodes[0].performs.len(),
        2,
        "what is on its way may still arrive"
    );
    world.pass(1_000);
    let settled = &world.nodes[0].performs[2];
    assert!(settled.doubt);
    assert_eq!(settled.arguments.text("to"), Some("2"));
    let first = &world.nodes[0].performs[0];
    assert_eq!(
        settled.receipts,
        [format!("receipt {:?} {:?}", first.pen, first.effect)]
    );
    assert_eq!(open(&world), 0);
}

#[test]
fn a_doubt_is_settled_alone() {
    let (mut world, _, owner) = world();
    world.nodes[0].verdicts.extend([Some(unknown()), None]);
    world.ok(0, raise(owner, "x:y", &[("to", "1")]));
    world.ok(0, raise(owner, "x:y", &[("to", "2")]));
    world.pass(5_000);
    assert_eq!(world.nodes[0].performs.len(), 2, "the second is under way");
    world.nodes[0].verdicts.push_back(None);
    let second = world.nodes[0].performs[1].clone();
    let done = |receipt: &str| Verdict::Done {
        receipt: receipt.to_owned(),
    };
    let (pen, effect) = (second.pen, second.effect);
    world.handle(
        0,
        Input::Performed {
            pen,
            effect,
            verdict: done("two"),
        },
    );
    let settling = world.nodes[0].performs[2].clone();
    assert!(settling.doubt);
    assert_eq!(settling.receipts, ["two"]);
    world.ok(0, raise(owner, "x:y", &[("to", "3")]));
    assert_eq!(world.nodes[0].performs.len(), 3, "the third waits");
    let (pen, effect) = (settling.pen, settling.effect);
    world.handle(
        0,
        Input::Performed {
            pen,
            effect,
            verdict: done("one"),
        },
    );
    assert_eq!(world.nodes[0].performs.len(), 4);
    // A second verdict changes nothing.
    world.handle(
        0,
        Input::Performed {
            pen,
            effect,
            verdict: not_done(false),
        },
    );
    assert_eq!(open(&world), 0);
}

#[test]
fn effects_are_bounded() {
    let (mut world, pen, owner) = world();
    world.nodes[0].verdicts.extend([None, None, None, None]);
    for _ in 0..4 {
        world.ok(0, raise(owner, "x:y", &[]));
    }
    assert_eq!(world.nodes[0].performs.len(), 2, "effects_performing_max");
    world.ok(0, raise(owner, "x:y", &[]));
    assert_eq!(
        world.query(0, pen, "a", "last"),
        Value::from("effects-full")
    );
    let distinct: BTreeSet<_> = world.nodes[0].performs.iter().map(|p| p.effect).collect();
    assert_eq!(distinct.len(), 2);
}

#[test]
fn handlers_of_failures_cannot_go_round_for_ever() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    let rules = "ruleset a\non x:y act sms send\non system:effect_failed act sms send";
    world.install(0, pen, rules);
    let owner = world.owner(0, pen);
    world.nodes[0]
        .verdicts
        .extend((0..100).map(|_| Some(not_done(false))));
    world.ok(0, raise(owner, "x:y", &[]));
    assert_eq!(world.nodes[0].performs.len(), 4);
    assert_eq!(world.nodes[0].journal(pen).len(), 4);
}
