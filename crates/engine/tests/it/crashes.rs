//! A node dies at every batch, before and after it is durable; the story ends the same.

use stratus_engine::{Command, Key, Reply};
use stratus_event::{PenId, Value};

use crate::world::{Death, World, pair_command, raise};

const CLASS: &str = "ruleset class\non x:ask send talk question\non x:ask after 2000 x due\n\
                     on x:due append n\non talk:answer count\non talk:answer act sms send";
const ASSISTANT: &str = "ruleset ta\non talk:question append n\non talk:question act sms send\n\
     on talk:question send talk answer";

/// The owner repeats what was not answered, as a person would, with the same id.
fn ask(world: &mut World, owner: stratus_event::Eci) {
    let event = || match raise(owner, "x:ask", &[("n", "1")]) {
        Command::Raise {
            channel,
            door,
            domain,
            kind,
            attributes,
            wait,
            ..
        } => Command::Raise {
            channel,
            door,
            domain,
            kind,
            attributes,
            external_id: Some("one".into()),
            wait,
        },
        command => command,
    };
    for _ in 0..3 {
        if let Some(reply) = world.command(0, event()) {
            assert!(matches!(reply, Ok(Reply::Raised { .. })), "{reply:?}");
            return;
        }
        world.pass(1_000);
    }
    panic!("never answered");
}

fn story(death: Option<Death>, paired_before: bool, slow: bool) -> (World, PenId, PenId) {
    let mut world = World::new(2);
    world.slow = slow;
    let (class, assistant) = (world.pen(0), world.pen(1));
    world.install(0, class, CLASS);
    world.install(1, assistant, ASSISTANT);
    let owner = world.owner(0, class);
    let link = world.invite(0, class);
    if paired_before {
        world.pair_with(1, assistant, &link);
        world.arm(death);
    } else {
        world.arm(death);
        world.pair_with(1, assistant, &link);
    }
    world.pass(30_000);
    ask(&mut world, owner);
    world.pass(120_000);
    (world, class, assistant)
}

fn check(world: &mut World, class: PenId, assistant: PenId, what: &str) {
    let one = Value::list([Value::from("1")]);
    assert_eq!(
        world.query(1, assistant, "ta", "seen"),
        one,
        "{what}: the question came once"
    );
    assert_eq!(
        world.query(0, class, "class", "count"),
        Value::from(1),
        "{what}: one answer"
    );
    assert_eq!(
        world.query(0, class, "class", "seen"),
        one,
        "{what}: the timer went off once"
    );
    for (node, pen) in [(0, class), (1, assistant)] {
        assert_eq!(world.nodes[node].done.len(), 1, "{what}: one text each");
        let left = world.nodes[node].count(|key| {
            matches!(
                key,
                Key::Outbox(..)
                    | Key::Effect(..)
                    | Key::Queue(..)
                    | Key::Timer(..)
                    | Key::Pairing(..)
            )
        });
        assert_eq!(left, 0, "{what}: nothing is left undone");
        let added = world.nodes[node].journal(pen);
        let added = added
            .iter()
            .filter(|symbol| *symbol == "subscription:added")
            .count();
        assert_eq!(added, 1, "{what}: the subscription was told once");
        let Reply::Listing(listing) = world.ok(node, Command::List { pen }) else {
            panic!()
        };
        assert_eq!(listing.subscriptions.len(), 1, "{what}");
        assert_eq!(listing.subscriptions[0].state, "established", "{what}");
        assert_eq!(listing.channels.len(), 2, "{what}");
    }
}

#[test]
fn without_a_crash() {
    for slow in [false, true] {
        let (mut world, class, assistant) = story(None, false, slow);
        check(&mut world, class, assistant, "no crash");
    }
}

#[test]
fn at_every_batch_of_the_story() {
    let mut deaths = 0;
    for node in [0, 1] {
        for choice in 0..8 {
            let (durable, paired, slow) = (choice & 1 > 0, choice & 2 > 0, choice & 4 > 0);
            for batches in 1.. {
                let death = Death {
                    node,
                    batches,
                    durable,
                };
                let (mut world, class, assistant) = story(Some(death), paired, slow);
                if !world.died {
                    break;
                }
                deaths += 1;
                let what = format!("{death:?} paired {paired} slow {slow}");
                check(&mut world, class, assistant, &what);
            }
        }
    }
    assert!(deaths >= 100, "only {deaths} deaths");
}

#[test]
fn twice_at_the_same_place() {
    for node in [0, 1] {
        for batches in 1..30 {
            let death = Death {
                node,
                batches,
                durable: true,
            };
            let mut world = World::new(2);
            let (class, assistant) = (world.pen(0), world.pen(1));
            world.install(0, class, CLASS);
            world.install(1, assistant, ASSISTANT);
            let owner = world.owner(0, class);
            world.pair((0, class), (1, assistant));
            world.arm(Some(death));
            ask(&mut world, owner);
            world.crash(node);
            world.crash(1 - node);
            world.pass(120_000);
            check(&mut world, class, assistant, &format!("twice {death:?}"));
        }
    }
}

impl World {
    /// From here on batches are counted.
    fn arm(&mut self, death: Option<Death>) {
        self.death = death.map(|death| self.counted_from_now(death));
    }

    /// Pairs, however often the node dies on the way.
    fn pair_with(&mut self, node: usize, pen: PenId, link: &str) {
        for _ in 0..3 {
            match self.command(node, pair_command(pen, link)) {
                Some(Ok(_)) => return,
                Some(Err(fault)) if fault.code == "invite-used" => return,
                Some(Err(fault)) => panic!("{fault}"),
                None => self.pass(10_000),
            }
        }
    }
}
