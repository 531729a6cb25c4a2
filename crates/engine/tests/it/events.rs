//! Events from the doors of a node: accepted, evaluated, answered.

use std::sync::Arc;

use stratus_engine::{Command, Engine, Image, Input, Key, Position, Record, Reply, Source, Wait};
use stratus_event::Value;

use crate::{
    chatter::{Chatter, name},
    world::{World, raise},
};

fn with(command: Command, id: &str, waits: Wait) -> Command {
    match command {
        Command::Raise {
            channel,
            door,
            domain,
            kind,
            attributes,
            ..
        } => {
            let (external_id, wait) = (Some(id.to_owned()), waits);
            Command::Raise {
                channel,
                door,
                domain,
                kind,
                attributes,
                external_id,
                wait,
            }
        }
        command => command,
    }
}

#[test]
fn an_event_runs_its_rules_and_stands_in_the_journal() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y keep n\non x:y direct hello");
    let owner = world.owner(0, pen);
    let reply = world.ok(0, raise(owner, "x:y", &[("n", "1")]));
    let Reply::Raised {
        position: 0,
        directives,
        duplicate: false,
        ..
    } = reply
    else {
        panic!("{reply:?}");
    };
    assert_eq!(directives[0].name, "hello");
    assert_eq!(world.query(0, pen, "a", "last"), Value::from("1"));
    let outcome = &world.nodes[0].disk[&Key::Outcome(pen, 0)];
    let Record::Outcome(outcome) = outcome else {
        panic!()
    };
    assert_eq!(outcome.runs.len(), 2);
    assert_eq!(world.nodes[0].count(|key| matches!(key, Key::Queue(..))), 0);
}

#[test]
fn an_event_that_need_not_wait_is_one_batch() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    let owner = world.owner(0, pen);
    world.log.clear();
    world.ok(0, raise(owner, "x:y", &[]));
    let commits = world
        .log
        .iter()
        .filter(|line| line.contains("Commit("))
        .count();
    assert_eq!(commits, 1, "{:#?}", world.log);
}

#[test]
fn the_second_event_of_an_id_is_answered_like_the_first() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y count\non x:y direct hello");
    let owner = world.owner(0, pen);
    let event = || with(raise(owner, "x:y", &[]), "SM1", Wait::Outcome);
    let first = world.ok(0, event());
    for crash in [false, true] {
        if crash {
            world.crash(0);
        }
        let Reply::Raised {
            event: id,
            position,
            directives,
            duplicate,
        } = world.ok(0, event())
        else {
            panic!();
        };
        assert!(duplicate);
        let same = Reply::Raised {
            event: id,
            position,
            directives,
            duplicate: false,
        };
        assert_eq!(same, first);
    }
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(1));
    // Another id, and the same on another channel, are other events.
    world.ok(0, with(raise(owner, "x:y", &[]), "SM2", Wait::Outcome));
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(2));
}

#[test]
fn a_second_event_of_an_id_may_come_before_the_first_is_done() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y count");
    let owner = world.owner(0, pen);
    world.nodes[0].jobs = Some(Vec::new());
    let event = |wait| with(raise(owner, "x:y", &[]), "SM1", wait);
    let first = world.give(0, event(Wait::Outcome));
    let waits = world.give(0, event(Wait::Outcome));
    assert!(world.nodes[0].replies.is_empty());
    let hurries = world.give(0, event(Wait::Accepted));
    let replies = &world.nodes[0].replies;
    assert_eq!(replies.keys().collect::<Vec<_>>(), [&hurries]);
    let job = world.nodes[0].jobs.as_mut().unwrap().remove(0);
    world.handle(0, Input::Finished(Box::new(job.run())));
    let replies = &world.nodes[0].replies;
    assert_eq!(
        replies.keys().collect::<Vec<_>>(),
        [&first, &waits, &hurries]
    );
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(1));
}

#[test]
fn ids_are_forgotten_oldest_first() {
    let mut world = World::with(1, |config| config.seen_ids_max = 2);
    let pen = world.pen(0);
    let owner = world.owner(0, pen);
    let mut duplicate = |id| {
        let command = with(raise(owner, "x:y", &[]), id, Wait::Accepted);
        matches!(
            world.ok(0, command),
            Reply::Raised {
                duplicate: true,
                ..
            }
        )
    };
    let order = ["1", "2", "2", "3", "2", "1"].map(&mut duplicate);
    assert_eq!(order, [false, false, true, false, true, false]);
    assert_eq!(world.nodes[0].count(|key| matches!(key, Key::Seen(..))), 2);
}

#[test]
fn what_is_too_large_is_refused() {
    let mut world = World::with(1, |config| config.event_bytes_max = 100);
    let pen = world.pen(0);
    let owner = world.owner(0, pen);
    let text = "t".repeat(101);
    assert_eq!(
        world.code(0, raise(owner, "x:y", &[("text", &text)])),
        "event-oversize"
    );
    let id = "i".repeat(257);
    let event = with(raise(owner, "x:y", &[]), &id, Wait::Accepted);
    assert_eq!(world.code(0, event), "external-id-oversize");
}

fn texts(texts: &[&str]) -> Value {
    Value::list(texts.iter().map(|text| Value::text(*text)))
}

#[test]
fn without_room_on_the_disk_only_what_is_under_way_goes_on() {
    let mut world = World::new(2);
    let (pen, other) = (world.pen(0), world.pen(1));
    world.install(
        0,
        pen,
        "ruleset a\non x:y append n\non x:due count\non talk:answer append n",
    );
    world.install(1, other, "ruleset b\non x:y send talk answer");
    world.pair((0, pen), (1, other));
    let (owner, partner) = (world.owner(0, pen), world.owner(1, other));
    world.nodes[0].jobs = Some(Vec::new());
    world.give(0, raise(owner, "x:y", &[("n", "1")]));
    world.handle(0, Input::DiskSpace { enough: false });
    assert_eq!(
        world.code(0, raise(owner, "x:y", &[("n", "2")])),
        "disk-reserve-reached"
    );
    // The event that was taken before gets its outcome, and a partner's waits at her node.
    let job = world.nodes[0].jobs.take().unwrap().remove(0);
    world.handle(0, Input::Finished(Box::new(job.run())));
    world.ok(1, raise(partner, "x:y", &[("n", "3")]));
    world.run();
    assert_eq!(world.query(0, pen, "a", "seen"), texts(&["1"]));
    world.handle(0, Input::DiskSpace { enough: true });
    world.run();
    world.ok(0, raise(owner, "x:y", &[("n", "4")]));
    assert_eq!(world.query(0, pen, "a", "seen"), texts(&["1", "3", "4"]));
}

#[test]
fn the_queue_is_bounded_and_keeps_the_order() {
    let mut world = World::with(1, |config| config.queue_events_max = 3);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y append n");
    let owner = world.owner(0, pen);
    world.nodes[0].jobs = Some(Vec::new());
    for n in ["1", "2", "3"] {
        world.give(0, raise(owner, "x:y", &[("n", n)]));
    }
    assert_eq!(
        world.code(0, raise(owner, "x:y", &[("n", "4")])),
        "queue-full"
    );
    // The first one waits for no other, but the others made it durable.
    assert_eq!(world.nodes[0].count(|key| matches!(key, Key::Queue(..))), 3);
    for _ in 0..3 {
        let job = world.nodes[0].jobs.as_mut().unwrap().remove(0);
        world.handle(0, Input::Finished(Box::new(job.run())));
    }
    let seen = world.query(0, pen, "a", "seen");
    assert_eq!(seen, Value::list(["1", "2", "3"].map(Value::from)));
    assert_eq!(world.nodes[0].replies.len(), 3);
}

#[test]
fn accepted_events_are_evaluated_after_a_crash() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y append n");
    let owner = world.owner(0, pen);
    world.nodes[0].jobs = Some(Vec::new());
    for n in ["1", "2", "3"] {
        world.give(0, raise(owner, "x:y", &[("n", n)]));
    }
    world.nodes[0].jobs = None;
    world.crash(0);
    let seen = world.query(0, pen, "a", "seen");
    assert_eq!(seen, Value::list(["1", "2", "3"].map(Value::from)));
    assert_eq!(world.nodes[0].count(|key| matches!(key, Key::Queue(..))), 0);
}

#[test]
fn an_event_that_brings_the_process_down_is_given_up() {
    let mut world = World::with(1, |config| config.evaluation_attempts_max = 2);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y append n");
    let owner = world.owner(0, pen);
    world.nodes[0].jobs = Some(Vec::new());
    world.give(0, raise(owner, "x:y", &[("n", "deadly")]));
    world.give(0, raise(owner, "x:y", &[("n", "harmless")]));
    for _ in 0..2 {
        world.crash(0);
        assert_eq!(
            world.nodes[0].jobs.as_ref().unwrap().len(),
            1,
            "it is tried"
        );
    }
    world.nodes[0].jobs = None;
    world.crash(0);
    let Record::Outcome(outcome) = &world.nodes[0].disk[&Key::Outcome(pen, 0)] else {
        panic!()
    };
    assert_eq!(outcome.failed.as_ref().unwrap().code, "evaluation-gave-up");
    assert_eq!(
        world.query(0, pen, "a", "seen"),
        Value::list([Value::from("harmless")])
    );
}

/// A PEN hears that an event was given up, but not for ever that hearing of it was given up too;
/// its other events go on.
#[test]
fn a_pen_hears_of_what_was_given_up() {
    let mut world = World::with(1, |config| config.evaluation.runs_max = 0);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y count\non system:error count");
    let owner = world.owner(0, pen);
    world.ok(0, raise(owner, "x:y", &[]));
    let told: Vec<_> = world.nodes[0]
        .disk
        .values()
        .filter_map(|record| match record {
            Record::Accepted(accepted) if accepted.source == Source::Engine => {
                Some(accepted.event.attributes.get("code").cloned())
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, vec![Some(Value::from("runs-exceeded")); 3]);
    world.nodes[0].config.evaluation.runs_max = 10;
    world.crash(0);
    world.ok(0, raise(owner, "x:y", &[]));
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(1));
}

#[test]
fn nothing_is_said_before_it_is_durable() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y count");
    let owner = world.owner(0, pen);
    world.nodes[0].stuck = Some(Vec::new());
    let raised = world.give(0, raise(owner, "x:y", &[]));
    // The next one starts before the last is durable, and so does a query; both wait.
    let next = world.give(0, raise(owner, "x:y", &[]));
    let asked = world.give(0, Command::List { pen });
    assert!(world.nodes[0].replies.is_empty());
    let batches = world.nodes[0].stuck.take().unwrap();
    let first = batches[0].position;
    world.handle(0, Input::Committed { through: first });
    assert_eq!(world.nodes[0].replies.keys().collect::<Vec<_>>(), [&raised]);
    world.handle(
        0,
        Input::Committed {
            through: batches.last().unwrap().position,
        },
    );
    assert_eq!(
        world.nodes[0].replies.keys().collect::<Vec<_>>(),
        [&raised, &next, &asked]
    );
}

#[test]
fn after_a_failed_commit_nothing_is_acknowledged() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y count");
    let owner = world.owner(0, pen);
    world.nodes[0].stuck = Some(Vec::new());
    let given: Vec<u64> = (0..3)
        .map(|_| world.give(0, raise(owner, "x:y", &[])))
        .collect();
    let from = world.nodes[0].stuck.take().unwrap()[0].position;
    world.handle(
        0,
        Input::CommitFailed {
            from,
            reason: "the disk is full".into(),
        },
    );
    for id in given {
        let reply = world.nodes[0].replies.remove(&id).unwrap();
        assert_eq!(reply.unwrap_err().code, "store-failed");
    }
    world.log.clear();
    assert_eq!(world.code(0, Command::Status), "store-failed");
    world.handle(
        0,
        Input::Committed {
            through: Position(99),
        },
    );
    world.handle(0, Input::Wake);
    assert_eq!(world.log.len(), 1, "{:?}", world.log);
    // The store is opened again: the events were never acknowledged and are gone.
    world.crash(0);
    assert_eq!(world.query(0, pen, "a", "count"), Value::Null);
    world.ok(0, raise(owner, "x:y", &[]));
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(1));
}

#[test]
fn a_rule_waits_for_an_answer() {
    for crash in [false, true] {
        let mut world = World::new(1);
        let pen = world.pen(0);
        world.install(0, pen, "ruleset a\non x:y ask web get");
        let owner = world.owner(0, pen);
        let waiting = world.give(0, raise(owner, "x:y", &[("url", "u")]));
        let mut ask = world.nodes[0].asks.pop().expect("a question");
        assert_eq!((ask.connector.as_str(), ask.doubt), ("web", false));
        assert_eq!(
            world.nodes[0].count(|key| matches!(key, Key::Question(..))),
            1
        );
        if crash {
            world.crash(0);
            ask = world.nodes[0].asks.pop().expect("the question again");
            assert!(ask.doubt);
        }
        let answer = Ok(Value::from("42"));
        world.handle(
            0,
            Input::Answered {
                pen,
                question: ask.question,
                answer,
            },
        );
        assert_eq!(world.query(0, pen, "a", "answer"), Value::from("42"));
        assert_eq!(world.nodes[0].replies.contains_key(&waiting), !crash);
        assert_eq!(
            world.nodes[0].count(|key| matches!(key, Key::Question(..))),
            0
        );
        let late = Input::Answered {
            pen,
            question: ask.question,
            answer: Ok(Value::Null),
        };
        world.handle(0, late);
        assert_eq!(world.query(0, pen, "a", "answer"), Value::from("42"));
    }
}

#[test]
fn an_answer_that_does_not_come_is_an_error() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y ask web get");
    let owner = world.owner(0, pen);
    world.give(0, raise(owner, "x:y", &[]));
    world.pass(29_999);
    assert_eq!(world.query(0, pen, "a", "answer"), Value::Null);
    world.pass(1);
    assert_eq!(
        world.query(0, pen, "a", "answer"),
        Value::from("answer-late")
    );
}

#[test]
fn the_same_seed_says_the_same() {
    let run = || {
        let mut world = World::new(2);
        let (one, two) = (world.pen(0), world.pen(1));
        world.install(0, one, "ruleset a\non x:y send talk answer");
        world.install(1, two, "ruleset b\non talk:question act web post");
        world.pair((0, one), (1, two));
        let owner = world.owner(0, one);
        world.ok(0, raise(owner, "x:y", &[("n", "1")]));
        world.crash(1);
        world.pass(60_000);
        world.log
    };
    assert_eq!(run(), run());
    assert!(name("a") < name("b"));
}

#[test]
fn a_question_that_changed_over_a_restart_is_not_answered_by_the_old_answer() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y ask web get");
    let owner = world.owner(0, pen);
    world.give(0, raise(owner, "x:y", &[]));
    for record in world.nodes[0].disk.values_mut() {
        if let Record::Question { question, .. } = record {
            question.connector = name("other");
        }
    }
    world.crash(0);
    let answer = world.query(0, pen, "a", "answer");
    assert_eq!(answer, Value::from("question-mismatch"));
}

#[test]
fn an_image_of_another_making_is_refused() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y count");
    let disk = &world.nodes[0].disk;
    let channel = disk
        .iter()
        .find(|(key, _)| matches!(key, Key::Channel(..)))
        .unwrap()
        .1;
    let without = |gone: &dyn Fn(&Key) -> bool| {
        let kept = disk.iter().filter(|(key, _)| !gone(key));
        kept.map(|(key, record)| (key.clone(), record.clone()))
            .collect::<Image>()
    };
    let mut crossed = disk.clone();
    crossed.insert(Key::Queue(pen, 0), channel.clone());
    let images = [crossed, without(&|key| matches!(key, Key::Program(_)))];
    let codes = images.map(|image| {
        let config = world.nodes[0].config.clone();
        let start = image.into();
        let restored = Engine::restore(config, Arc::new(Chatter), [0; 32], world.now, start);
        restored.expect_err("a fault").code
    });
    assert_eq!(codes, ["record-unreadable", "record-unreadable"]);
    // What is left of a PEN that is deleted is not taken in.
    let remains = without(&|key| matches!(key, Key::Pen(_))).into();
    let config = world.nodes[0].config.clone();
    assert!(Engine::restore(config, Arc::new(Chatter), [0; 32], world.now, remains).is_ok());
}
