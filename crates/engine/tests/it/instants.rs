//! Instants for which event expressions wait.

use stratus_engine::{Command, Key};
use stratus_event::{Eci, PenId, Value};

use crate::{
    chatter::name,
    world::{World, raise},
};

/// A node with a rule that counts, and waits for an instant that long from now.
fn world(rule: &str, from_now: i64) -> (World, PenId, Eci) {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, &rules(rule, world.now.0 + from_now));
    let owner = world.owner(0, pen);
    (world, pen, owner)
}

fn rules(rule: &str, at: i64) -> String {
    format!("ruleset a\n{rule} {at} count\non x:other keep n")
}

fn count(world: &mut World, pen: PenId) -> f64 {
    match world.query(0, pen, "a", "count") {
        Value::Number(number) => number.get(),
        _ => 0.0,
    }
}

fn timers(world: &World) -> usize {
    world.nodes[0].count(|key| matches!(key, Key::Timer(..)))
}

#[track_caller]
fn check(world: &mut World, pen: PenId, expected: i32, waiting: usize) {
    let seen = count(world, pen);
    assert_eq!((seen, timers(world)), (f64::from(expected), waiting));
}

#[test]
fn an_instant_comes_once_and_stands_in_the_journal() {
    let (mut world, pen, _) = world("once", 1000);
    world.pass(999);
    check(&mut world, pen, 0, 1);
    world.pass(1);
    check(&mut world, pen, 1, 0);
    assert_eq!(world.nodes[0].journal(pen).last().unwrap(), "time:instant");
    world.crash(0);
    world.pass(10_000);
    check(&mut world, pen, 1, 0);
}

#[test]
fn an_instant_that_was_missed_comes_once_at_the_start() {
    let (mut world, pen, _) = world("once", 1000);
    world.now.0 += 60_000;
    world.crash(0);
    check(&mut world, pen, 1, 0);
    world.crash(0);
    check(&mut world, pen, 1, 0);
}

#[test]
fn an_instant_that_is_past_does_not_come() {
    let (mut world, pen, _) = world("once", 0);
    world.pass(1000);
    check(&mut world, pen, 0, 0);
}

#[test]
fn a_time_of_day_comes_every_day() {
    const DAY: i64 = 86_400_000;
    let mut world = World::new(1);
    let pen = world.pen(0);
    let of_day = (world.now.0 + 5_000).rem_euclid(DAY);
    world.install(0, pen, &rules("daily", of_day));
    world.pass(4_999);
    check(&mut world, pen, 0, 1);
    world.pass(1);
    check(&mut world, pen, 1, 1);
    world.pass(DAY);
    check(&mut world, pen, 2, 1);
    // What was missed meanwhile is one, not many.
    world.now.0 += 5 * DAY + 1000;
    world.crash(0);
    check(&mut world, pen, 3, 1);
    world.pass(DAY);
    check(&mut world, pen, 4, 1);
}

#[test]
fn each_bound_time_comes_even_if_it_is_past() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\ndue x:set count");
    let owner = world.owner(0, pen);
    let begin = world.now.0;
    let set = |world: &mut World, from_begin: i64| {
        let at = (begin + from_begin).to_string();
        world.ok(0, raise(owner, "x:set", &[("n", &at)]));
    };
    for from_begin in [3000, 1000, 2000] {
        set(&mut world, from_begin);
    }
    check(&mut world, pen, 0, 1);
    world.pass(1000);
    check(&mut world, pen, 1, 1);
    world.crash(0);
    world.pass(999);
    check(&mut world, pen, 1, 1);
    world.now.0 += 60_000;
    world.crash(0);
    check(&mut world, pen, 3, 0);
    set(&mut world, 0);
    check(&mut world, pen, 4, 0);
    let automata = |key: &Key| matches!(key, Key::Automaton(..) | Key::PartialMatch(..));
    assert_eq!(world.nodes[0].count(automata), 0);
}

#[test]
fn an_instant_stays_with_an_unchanged_rule_and_goes_with_another() {
    let (mut world, pen, _) = world("once", 1000);
    let at = world.now.0 + 1000;
    world.install(0, pen, &rules("once", at).replace("keep", "append"));
    check(&mut world, pen, 0, 1);
    world.install(0, pen, &rules("once", at + 500));
    world.pass(1499);
    check(&mut world, pen, 0, 1);
    world.pass(1);
    check(&mut world, pen, 1, 0);
    world.install(0, pen, &rules("once", at + 5000));
    world.install(0, pen, "ruleset a\non x:other count");
    check(&mut world, pen, 1, 0);
    world.install(0, pen, &rules("once", at + 5000));
    let rid = name("a");
    world.ok(0, Command::Uninstall { pen, rid });
    assert_eq!(timers(&world), 0);
}

#[test]
fn nobody_else_can_say_that_an_instant_has_come() {
    let (mut world, pen, owner) = world("once", 1000);
    let at = (world.now.0 + 1000).to_string();
    world.ok(
        0,
        raise(owner, "time:instant", &[("at_ms", &at), ("rule", "rule_1")]),
    );
    check(&mut world, pen, 0, 1);
}
