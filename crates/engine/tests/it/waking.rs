//! PENs leave the memory and come back, and nobody can tell.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use stratus_engine::{ChannelWish, Command, Config, Input, Key, Reply, Subject, Wait};
use stratus_event::{Eci, Fault, Map, PenId, Value, Whose};

use crate::{
    chatter::name,
    world::{World, raise},
};

const RULES: &str = "ruleset a\non x:count count\non x:keep append n\non x:set after 700 x count\n\
                     on x:cancel cancel\non x:text act sms send\non x:ask send talk question\n\
                     on talk:question count\npair x:one two append n";

/// Some PENs on two nodes, and what happens to them.
struct Life {
    world: World,
    random: ChaCha20Rng,
    pens: Vec<(usize, PenId, Eci)>,
}

impl Life {
    fn new(seed: u8, pens_loaded_max: usize) -> Self {
        let mut world = World::with(2, |config| config.pens_loaded_max = pens_loaded_max);
        let mut pens = Vec::new();
        for node in [0, 0, 0, 1] {
            let pen = world.pen(node);
            world.install(node, pen, RULES);
            pens.push((node, pen, world.owner(node, pen)));
        }
        world.pair((0, pens[0].1), (1, pens[3].1));
        let random = ChaCha20Rng::from_seed([seed; 32]);
        Self {
            world,
            random,
            pens,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u32()).unwrap() % bound
    }

    fn happen(&mut self) {
        let which = self.below(self.pens.len());
        let (node, pen, owner) = self.pens[which];
        let number = self.below(4).to_string();
        // So that no two timers are due at the same time.
        self.world.pass(1);
        match self.below(12) {
            0 => self.world.crash(node),
            1 => self.world.cut(0, 1),
            2 | 3 => {
                let milliseconds = i64::try_from(self.below(2_000)).unwrap();
                self.world.pass(milliseconds);
            }
            4 => drop(self.world.query(node, pen, "a", "count")),
            5 => self
                .world
                .install(node, pen, &format!("ruleset b{number}\non x:b count")),
            6 => drop(self.world.command(
                node,
                Command::MakeChannel {
                    pen,
                    wish: ChannelWish {
                        tags: vec![name("more")],
                        ..ChannelWish::default()
                    },
                },
            )),
            _ => {
                let kinds = [
                    "count", "keep", "set", "cancel", "text", "ask", "one", "two", "b",
                ];
                let kind = kinds[self.below(kinds.len())];
                let symbol = format!("x:{kind}");
                drop(
                    self.world
                        .command(node, raise(owner, &symbol, &[("n", &number)])),
                );
            }
        }
    }

    /// What the world has heard: all that was said, but what was read and when to be woken. Of a
    /// job only whose it is: its state may remember what it was asked before.
    fn heard(&self) -> Vec<&str> {
        let lines = self.world.log.iter();
        let loud = lines.filter(|line| !(line.contains(" Load(") || line.contains(" WakeAt(")));
        loud.map(|line| line.split("Transaction {").next().unwrap_or_default())
            .collect()
    }
}

#[test]
fn an_engine_that_keeps_nothing_says_and_writes_the_same() {
    for seed in 0..6 {
        let [full, spare, bare] = [usize::MAX, 1, 0].map(|pens_loaded_max| {
            let mut life = Life::new(seed, pens_loaded_max);
            (0..100).for_each(|_| life.happen());
            life.world.pass(100_000);
            life
        });
        for other in [&spare, &bare] {
            let both = full.heard().into_iter().zip(other.heard());
            for (one, other) in both {
                assert_eq!(one, other, "seed {seed}");
            }
            assert_eq!(full.heard().len(), other.heard().len(), "seed {seed}");
            for node in 0..2 {
                let (one, other) = (&full.world.nodes[node], &other.world.nodes[node]);
                assert_eq!(one.disk, other.disk, "seed {seed}");
            }
        }
        let loads = |life: &Life| life.world.nodes[0].loads.len();
        assert!(loads(&bare) > 2 * loads(&full), "seed {seed}");
    }
}

/// A node whose PENs sleep whenever they can.
fn sleepy(change: impl Fn(&mut Config)) -> (World, PenId, Eci) {
    let mut world = World::with(1, |config| {
        config.pens_loaded_max = 0;
        change(config);
    });
    let pen = world.pen(0);
    world.install(0, pen, RULES);
    let owner = world.owner(0, pen);
    world.nodes[0].loads.clear();
    (world, pen, owner)
}

fn query(pen: PenId) -> Command {
    Command::Query {
        pen,
        rid: name("a"),
        name: name("count"),
        arguments: Map::new(),
    }
}

#[test]
fn a_pen_that_sleeps_is_found_by_its_channel() {
    let (mut world, pen, owner) = sleepy(|_| {});
    world.ok(0, raise(owner, "x:count", &[]));
    let subjects = [Subject::Channel(owner), Subject::Pen(pen)];
    assert_eq!(world.nodes[0].loads, subjects);
    let nobody = Eci([7; 32]);
    assert_eq!(
        world.code(0, raise(nobody, "x:count", &[])),
        "channel-unknown"
    );
    assert_eq!(world.code(0, query(PenId([7; 16]))), "pen-unknown");
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(1));
}

#[test]
fn a_start_reads_only_what_is_in_the_middle() {
    let (mut world, pen, owner) = sleepy(|_| {});
    world.ok(0, raise(owner, "x:count", &[]));
    world.crash(0);
    let before = world.nodes[0].loads.len();
    world.pass(10_000);
    assert_eq!(world.nodes[0].loads.len(), before, "nothing was to be done");
    // A timer wakes its PEN.
    world.ok(0, raise(owner, "x:set", &[("n", "1")]));
    world.crash(0);
    world.nodes[0].loads.clear();
    world.pass(1_000);
    assert_eq!(world.nodes[0].loads, [Subject::Pen(pen)]);
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(2));
}

#[test]
fn what_came_first_is_done_first() {
    let (mut world, pen, owner) = sleepy(|_| {});
    world.slow = true;
    for number in 0..5 {
        world.give(0, raise(owner, "x:keep", &[("n", &number.to_string())]));
    }
    world.give(0, query(pen));
    world.run();
    let seen = world.query(0, pen, "a", "seen");
    let expected = (0..5).map(|number| Value::text(number.to_string()));
    assert_eq!(seen, Value::list(expected));
    let of_pen = |subject: &&Subject| **subject == Subject::Pen(pen);
    assert_eq!(
        world.nodes[0].loads.iter().filter(of_pen).count(),
        2,
        "{:?}",
        world.nodes[0].loads
    );
}

#[test]
fn a_disk_that_cannot_be_read_is_told() {
    let (mut world, pen, owner) = sleepy(|_| {});
    world.ok(0, raise(owner, "x:set", &[("n", "1")]));
    let fault = Fault::new(Whose::World, "store-unreadable", "it is broken");
    world.nodes[0].unreadable = Some(fault);
    assert_eq!(
        world.code(0, raise(owner, "x:count", &[])),
        "store-unreadable"
    );
    assert_eq!(world.code(0, query(pen)), "store-unreadable");
    // The timer is not lost.
    world.pass(20_000);
    world.nodes[0].unreadable = None;
    world.pass(20_000);
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(1));
}

#[test]
fn only_so_much_waits() {
    let (mut world, _, owner) = sleepy(|config| {
        config.commands_waiting_max = 2;
        config.loads_waiting_max = 3;
        config.loads_max = 1;
    });
    world.slow = true;
    let given: Vec<u64> = [owner, owner, owner, Eci([7; 32]), Eci([8; 32])]
        .map(|eci| world.give(0, raise(eci, "x:count", &[])))
        .into();
    world.run();
    let mut codes = given
        .iter()
        .map(|id| match world.nodes[0].replies.remove(id) {
            Some(Ok(Reply::Raised { .. })) => "raised".to_owned(),
            Some(Err(fault)) => fault.code.into_owned(),
            other => panic!("{other:?}"),
        });
    let codes: Vec<String> = codes.by_ref().collect();
    let expected = [
        "raised",
        "raised",
        "queue-full",
        "channel-unknown",
        "queue-full",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn what_waits_hears_that_the_store_failed() {
    let (mut world, _, owner) = sleepy(|_| {});
    world.slow = true;
    let id = world.give(0, raise(owner, "x:count", &[]));
    world.handle(
        0,
        Input::CommitFailed {
            from: stratus_engine::Position(1),
            reason: "the disk is full".into(),
        },
    );
    let reply = world.nodes[0].replies.remove(&id).unwrap();
    assert_eq!(reply.unwrap_err().code, "store-failed");
}

#[test]
fn a_pen_that_is_not_used_goes_after_a_while() {
    let mut world = World::with(1, |config| config.pens_idle_ms_max = 1_000);
    let pen = world.pen(0);
    world.install(0, pen, RULES);
    let owner = world.owner(0, pen);
    world.nodes[0].loads.clear();
    world.pass(900);
    world.ok(0, raise(owner, "x:count", &[]));
    world.pass(900);
    world.ok(0, raise(owner, "x:count", &[]));
    assert_eq!(world.nodes[0].loads, []);
    world.pass(2_100);
    world.ok(0, raise(owner, "x:count", &[]));
    assert!(world.nodes[0].loads.contains(&Subject::Pen(pen)));
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(3));
}

#[test]
fn a_repetition_is_known_to_a_pen_that_slept() {
    let (mut world, pen, owner) = sleepy(|_| {});
    let again = || match raise(owner, "x:count", &[]) {
        Command::Raise {
            channel,
            door,
            domain,
            kind,
            attributes,
            ..
        } => Command::Raise {
            channel,
            door,
            domain,
            kind,
            attributes,
            external_id: Some("one".to_owned()),
            wait: Wait::Outcome,
        },
        command => command,
    };
    world.ok(0, again());
    let Reply::Raised { duplicate, .. } = world.ok(0, again()) else {
        panic!()
    };
    assert!(duplicate);
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(1));
    let entries = world.nodes[0].count(|key| matches!(key, Key::Accepted(..)));
    assert_eq!(entries, 1);
}
