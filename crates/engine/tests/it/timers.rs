//! Timers that rulesets set.

use stratus_engine::{Input, Key};
use stratus_event::{PenId, Value};

use crate::world::{World, raise};

const RULES: &str = "ruleset a\non x:set after 1000 x due\non x:due append n\non x:cancel cancel\non x:slow count\
    \non x:begin every 10 x due";

fn world() -> (World, PenId, stratus_event::Eci) {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, RULES);
    let owner = world.owner(0, pen);
    (world, pen, owner)
}

fn seen(texts: &[&str]) -> Value {
    if texts.is_empty() {
        Value::Null
    } else {
        Value::list(texts.iter().map(|t| Value::from(*t)))
    }
}

#[test]
fn a_timer_goes_off_once() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "x:set", &[("n", "1")]));
    world.pass(999);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&[]));
    world.pass(1);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
    assert_eq!(world.nodes[0].count(|key| matches!(key, Key::Timer(..))), 0);
    world.crash(0);
    world.pass(10_000);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
}

#[test]
fn a_timer_that_was_due_while_the_node_was_down_goes_off_once_at_its_start() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "x:set", &[("n", "1")]));
    world.now.0 += 60_000;
    world.crash(0);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
    world.crash(0);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
}

#[test]
fn a_timer_can_be_cancelled_and_set_anew() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "x:set", &[("n", "1")]));
    world.ok(0, raise(owner, "x:set", &[("n", "2")]));
    world.ok(0, raise(owner, "x:cancel", &[("n", "1")]));
    world.pass(500);
    // Setting it anew moves it: the old time does nothing.
    world.ok(0, raise(owner, "x:set", &[("n", "2")]));
    world.pass(600);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&[]));
    world.pass(400);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["2"]));
}

#[test]
fn the_running_event_may_still_cancel_a_timer_that_is_due() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "x:set", &[("n", "1")]));
    world.nodes[0].jobs = Some(Vec::new());
    world.give(0, raise(owner, "x:cancel", &[("n", "1")]));
    world.pass(2_000);
    let job = world.nodes[0].jobs.take().unwrap().remove(0);
    world.handle(0, Input::Finished(Box::new(job.run())));
    world.pass(2_000);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&[]));
}

#[test]
fn a_timer_waits_for_room_in_the_queue() {
    let mut world = World::with(1, |config| config.queue_events_max = 1);
    let pen = world.pen(0);
    world.install(0, pen, RULES);
    let owner = world.owner(0, pen);
    world.ok(0, raise(owner, "x:set", &[("n", "1")]));
    world.nodes[0].jobs = Some(Vec::new());
    world.give(0, raise(owner, "x:slow", &[]));
    world.pass(5_000);
    let job = world.nodes[0].jobs.take().unwrap().remove(0);
    world.handle(0, Input::Finished(Box::new(job.run())));
    world.pass(5_000);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
}

/// Ten seconds after the last whole ten of them.
fn to_the_next_ten(world: &World) -> i64 {
    10_000 - world.now.0.rem_euclid(10_000)
}

#[test]
fn a_timer_that_repeats_goes_off_again_and_again_until_it_is_cancelled() {
    let (mut world, pen, owner) = world();
    world.pass(to_the_next_ten(&world));
    world.ok(0, raise(owner, "x:begin", &[("n", "1")]));
    world.pass(9_999);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&[]));
    world.pass(1);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
    world.pass(25_000);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1", "1", "1"]));
    world.ok(0, raise(owner, "x:cancel", &[("n", "1")]));
    world.pass(60_000);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1", "1", "1"]));
    assert_eq!(world.nodes[0].count(|key| matches!(key, Key::Timer(..))), 0);
}

#[test]
fn what_a_repeating_timer_missed_while_the_node_was_down_comes_once() {
    let (mut world, pen, owner) = world();
    world.pass(to_the_next_ten(&world));
    world.ok(0, raise(owner, "x:begin", &[("n", "1")]));
    world.crash(0);
    world.now.0 += 65_000;
    world.crash(0);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
    world.crash(0);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
    world.pass(4_999);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
    world.pass(1);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1", "1"]));
}

#[test]
fn a_timer_ends_with_its_ruleset() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "x:set", &[("n", "1")]));
    let rid = crate::chatter::name("a");
    world.ok(0, stratus_engine::Command::Uninstall { pen, rid });
    assert_eq!(world.nodes[0].count(|key| matches!(key, Key::Timer(..))), 0);
    world.install(0, pen, RULES);
    world.pass(5_000);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&[]));
}

#[test]
fn a_wake_that_comes_early_is_asked_for_again() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "x:set", &[("n", "1")]));
    let asked = world.nodes[0].wake.take();
    world.now.0 += 999;
    world.handle(0, Input::Wake);
    assert_eq!(world.nodes[0].wake, asked);
    world.pass(1);
    assert_eq!(world.query(0, pen, "a", "seen"), seen(&["1"]));
}
