//! Crashes, cut wires and slow disks in any order: every event arrives once, in order, and its
//! answer comes back once.

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use stratus_engine::{Command, Key, Reply};
use stratus_event::{Eci, PenId, Value};
use stratus_protocol::NodeId;

use crate::world::{World, raise};

const ASSISTANTS: usize = 2;
const EVENTS: usize = 12;

const CLASS: &str = "ruleset class\non x:ask send talk question\non x:ask after 3000 x due\n\
                     on x:due count\non talk:answer append n\non talk:answer act sms send\n\
                     on event:send_failed keep code";
const ASSISTANT: &str = "ruleset ta\non talk:question append n\non talk:question act sms send\n\
                         on talk:question send talk answer";

struct Storm {
    world: World,
    random: ChaCha20Rng,
    class: PenId,
    assistants: Vec<PenId>,
    owner: Eci,
    /// Events whose command was not answered yet: their number and the command's.
    open: Vec<(usize, u64)>,
}

impl Storm {
    fn new(seed: u8) -> Self {
        let nodes = 1 + u8::try_from(ASSISTANTS).unwrap();
        let narrow = seed.is_multiple_of(3);
        let mut world = World::with(nodes, |config| {
            // PENs leave the memory whenever they are at rest.
            if seed % 4 < 2 {
                config.pens_loaded_max = 0;
            }
            // The class is asked by its owner, who would be refused.
            if narrow && config.node != NodeId([1; 32]) {
                config.queue_events_max = 2;
            }
        });
        let class = world.pen(0);
        world.install(0, class, CLASS);
        let owner = world.owner(0, class);
        let mut assistants = Vec::new();
        for node in 1..=ASSISTANTS {
            let pen = world.pen(node);
            world.install(node, pen, ASSISTANT);
            world.pair((0, class), (node, pen));
            assistants.push(pen);
        }
        world.slow = seed & 1 == 0;
        let random = ChaCha20Rng::from_seed([seed; 32]);
        Self {
            world,
            random,
            class,
            assistants,
            owner,
            open: Vec::new(),
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u32()).unwrap() % bound
    }

    fn ask(&mut self, number: usize) {
        let text = number.to_string();
        let command = match raise(self.owner, "x:ask", &[("n", &text)]) {
            Command::Raise {
                channel,
                door,
                domain,
                kind,
                attributes,
                wait,
                ..
            } => {
                let external_id = Some(text);
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
        };
        let id = self.world.give(0, command);
        self.open.push((number, id));
    }

    /// Something happens.
    fn gust(&mut self) {
        let node = self.below(1 + ASSISTANTS);
        match self.below(6) {
            0 => {
                self.world.crash(node);
                if node == 0 {
                    self.repeat();
                }
            }
            1 => self.world.cut(0, node.max(1)),
            2 => drop(self.world.steps(5)),
            3 => self.world.run(),
            _ => {
                let milliseconds = i64::try_from(self.below(2_000)).unwrap();
                self.world.pass(milliseconds);
            }
        }
    }

    /// The owner says again what was not answered.
    fn repeat(&mut self) {
        for (number, id) in std::mem::take(&mut self.open) {
            if !self.world.nodes[0].replies.contains_key(&id) {
                self.ask(number);
            }
        }
    }

    fn check(&mut self, seed: u8) {
        let world = &mut self.world;
        let mut numbers: Vec<usize> = (0..EVENTS).collect();
        for (node, pen) in self.assistants.iter().enumerate() {
            let came = world.query(node + 1, *pen, "ta", "seen");
            assert_eq!(
                sorted(&came),
                numbers,
                "seed {seed}: each question comes once"
            );
        }
        numbers = numbers.iter().flat_map(|n| [*n; ASSISTANTS]).collect();
        let answers = world.query(0, self.class, "class", "seen");
        assert_eq!(
            sorted(&answers),
            numbers,
            "seed {seed}: each answer comes once"
        );
        let due = world.query(0, self.class, "class", "count");
        let timers = Value::from(i32::try_from(EVENTS).unwrap());
        assert_eq!(due, timers, "seed {seed}: each timer goes off once");
        let failed = world.query(0, self.class, "class", "last");
        assert_eq!(failed, Value::Null, "seed {seed}: nothing came back");
        let texts: Vec<usize> = world.nodes.iter().map(|node| node.done.len()).collect();
        assert_eq!(
            texts,
            [EVENTS * ASSISTANTS, EVENTS, EVENTS],
            "seed {seed}: texts"
        );
        for node in &world.nodes {
            let left = node.count(|key| {
                matches!(
                    key,
                    Key::Outbox(..) | Key::Effect(..) | Key::Queue(..) | Key::Timer(..)
                )
            });
            assert_eq!(left, 0, "seed {seed}: nothing is left undone");
        }
    }
}

fn sorted(list: &Value) -> Vec<usize> {
    let items = list.as_list().unwrap().iter();
    let mut numbers: Vec<usize> = items
        .map(|n| n.as_text().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn every_event_arrives_once() {
    for seed in 0..40 {
        let mut storm = Storm::new(seed);
        for number in 0..EVENTS {
            storm.ask(number);
            for _ in 0..storm.below(5) {
                storm.gust();
            }
        }
        for _ in 0..3 {
            storm.world.pass(300_000);
            storm.repeat();
        }
        storm.world.pass(300_000);
        storm.check(seed);
        let mut replies = storm.world.nodes[0].replies.values();
        assert!(
            replies.all(|reply| matches!(reply, Ok(Reply::Raised { .. }))),
            "seed {seed}"
        );
    }
}
