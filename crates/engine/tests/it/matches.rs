//! How far event expressions are, on the disk.

use stratus_engine::{Command, Key, Record};
use stratus_event::{Eci, PenId, Value};
use stratus_salience::{PARTIAL_MATCHES_MAX, Progress};

use crate::{
    chatter::name,
    world::{World, raise},
};

const RULES: &str = "ruleset a\npair x:open close append n\non x:other count";

/// A node whose rule has begun with each of that many values of `n`.
fn world(begun: usize) -> (World, PenId, Eci) {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, RULES);
    let owner = world.owner(0, pen);
    for n in 0..begun {
        world.ok(0, raise(owner, "x:open", &[("n", &n.to_string())]));
    }
    (world, pen, owner)
}

fn close(world: &mut World, owner: Eci, n: usize) {
    world.ok(0, raise(owner, "x:close", &[("n", &n.to_string())]));
}

fn is_match(key: &Key) -> bool {
    matches!(key, Key::PartialMatch(..))
}

fn is_automaton(key: &Key) -> bool {
    matches!(key, Key::Automaton(..)) || is_match(key)
}

fn seen(world: &mut World, pen: PenId) -> usize {
    let seen = world.query(0, pen, "a", "seen");
    seen.as_list().map_or(0, <[Value]>::len)
}

/// The numbers of the partial matches that the last batches wrote, and how often the head was.
fn written(world: &mut World) -> (Vec<u64>, usize) {
    let keys = std::mem::take(&mut world.nodes[0].written);
    let number = |key: &Key| match key {
        Key::PartialMatch(.., number) => Some(*number),
        _ => None,
    };
    let heads = keys.iter().filter(|key| matches!(key, Key::Automaton(..)));
    (keys.iter().filter_map(number).collect(), heads.count())
}

#[test]
fn an_event_writes_the_partial_matches_that_it_moved_and_no_others() {
    let (mut world, pen, owner) = world(PARTIAL_MATCHES_MAX);
    let all = u64::try_from(PARTIAL_MATCHES_MAX).unwrap();
    assert_eq!(world.nodes[0].count(is_match), PARTIAL_MATCHES_MAX);
    written(&mut world);
    close(&mut world, owner, 500);
    assert_eq!(written(&mut world), (vec![500], 0), "one is gone");
    world.ok(0, raise(owner, "x:open", &[("n", "new")]));
    assert_eq!(written(&mut world), (vec![all], 1), "one has come");
    // One more than there may be: the oldest goes.
    world.ok(0, raise(owner, "x:open", &[("n", "newer")]));
    assert_eq!(written(&mut world), (vec![0, all + 1], 1));
    world.ok(0, raise(owner, "x:open", &[("n", "newer")]));
    world.ok(0, raise(owner, "x:other", &[]));
    assert_eq!(written(&mut world), (vec![], 0), "nothing moved");
    assert_eq!(world.nodes[0].count(is_match), PARTIAL_MATCHES_MAX);
    close(&mut world, owner, 0);
    assert_eq!(seen(&mut world, pen), 1, "the oldest is no more");
    let dropped = world.nodes[0].disk.values().any(|record| match record {
        Record::Outcome(outcome) => outcome
            .runs
            .iter()
            .any(|run| run.log.iter().any(|(_, text)| text.contains("dropped"))),
        _ => false,
    });
    assert!(dropped, "the trace says so");
}

#[test]
fn partial_matches_are_there_after_a_start() {
    let (mut world, pen, owner) = world(20);
    close(&mut world, owner, 3);
    world.crash(0);
    close(&mut world, owner, 3);
    assert_eq!(seen(&mut world, pen), 1, "it was consumed");
    close(&mut world, owner, 4);
    world.ok(0, raise(owner, "x:open", &[("n", "4")]));
    world.crash(0);
    for n in 0..20 {
        close(&mut world, owner, n);
    }
    assert_eq!(seen(&mut world, pen), 21);
    assert_eq!(
        world.nodes[0].count(is_automaton),
        0,
        "nothing is left over"
    );
}

#[test]
fn partial_matches_stay_with_an_unchanged_rule_and_go_with_another() {
    let (mut world, pen, owner) = world(5);
    world.install(0, pen, &RULES.replace("count", "keep n"));
    assert_eq!(world.nodes[0].count(is_match), 5);
    close(&mut world, owner, 1);
    assert_eq!(seen(&mut world, pen), 1);
    world.install(0, pen, &RULES.replace("close", "shut"));
    assert_eq!(world.nodes[0].count(is_automaton), 0);
    world.install(0, pen, RULES);
    world.ok(0, raise(owner, "x:open", &[("n", "1")]));
    assert_eq!(world.nodes[0].count(is_automaton), 2);
    let rid = name("a");
    world.ok(0, Command::Uninstall { pen, rid });
    assert_eq!(world.nodes[0].count(is_automaton), 0);
}

#[test]
fn partial_matches_that_an_earlier_version_wrote_into_one_record_are_taken_apart() {
    let (mut world, pen, owner) = world(10);
    let disk = &mut world.nodes[0].disk;
    let (head, Record::Automaton(written)) = disk
        .iter()
        .find(|(key, _)| matches!(key, Key::Automaton(..)))
        .map(|(key, record)| (key.clone(), record.clone()))
        .unwrap()
    else {
        panic!("no automaton")
    };
    let mut progress = Progress::try_from(&written).unwrap();
    for (key, record) in &*disk {
        if let (Key::PartialMatch(.., number), Record::PartialMatch(written)) = (key, record) {
            progress.put(*number, written).unwrap();
        }
    }
    disk.retain(|key, _| !is_match(key));
    disk.insert(head, Record::Automaton(Value::from(&progress)));
    world.crash(0);
    assert_eq!(seen(&mut world, pen), 0, "the PEN is awake");
    assert_eq!(world.nodes[0].count(is_match), 10);
    close(&mut world, owner, 5);
    world.crash(0);
    close(&mut world, owner, 6);
    assert_eq!(seen(&mut world, pen), 2);
}
