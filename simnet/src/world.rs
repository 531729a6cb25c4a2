//! Nodes, links, disks and phones on one clock.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use stratus_engine::{
    Ask, Command, CommandId, Config, Engine, Finished, Input, Output, Perform, Position, Reply,
    Subject, Verdict,
};
use stratus_event::{Fault, Timestamp};
use stratus_krl::Krl;
use stratus_protocol::NodeId;

use crate::{Faults, Text, disk::Disk, link::Links, phone::Phones, queue::Queue, random::Random};

/// When the world begins: 2026-09-01T08:00:00Z.
const BEGIN: Timestamp = Timestamp(1_788_249_600_000);
/// A batch is durable after this time, at most.
const COMMIT_MS_MAX: u64 = 6;
/// An evaluation takes this long, at most.
const JOB_MS_MAX: u64 = 3;
/// A PEN is read from the disk in this time, at most.
const LOAD_MS_MAX: u64 = 2;
/// A request to a service is under way this long, at most; its answer too.
const REQUEST_MS_MAX: u64 = 150;
/// Before it looks what became of a request in doubt, a connector lets it arrive.
const SETTLE_MS: u64 = 1_000;
/// A node learns that its partner is gone after this time, at most.
const NOTICE_MS_MAX: u64 = 3_000;

/// A node of the world, by number.
pub type NodeIndex = usize;

/// What the workload is told.
#[derive(Debug)]
pub enum Notice {
    /// A time that the workload has asked for has come.
    Alarm(u64),
    /// A command was answered.
    Replied {
        /// Which.
        id: CommandId,
        /// The answer.
        reply: Result<Reply, Fault>,
    },
    /// A text came to a phone.
    Text(Text),
}

/// Nodes, links, disks and phones on one clock. Everything random comes from one seed.
pub struct World {
    now: Timestamp,
    queue: Queue<Happening>,
    random: Random,
    faults: Faults,
    pens_loaded_max: Option<usize>,
    nodes: Vec<Node>,
    by_id: BTreeMap<NodeId, NodeIndex>,
    links: Links,
    phones: Phones,
    language: Arc<Krl>,
    notices: Vec<Notice>,
    commands: u64,
    trace: blake3::Hasher,
    crashes: u64,
    loads: u64,
}

/// One node, dead or alive.
struct Node {
    id: NodeId,
    engine: Option<Engine>,
    disk: Disk,
    /// Counts its lives, so that what was meant for a former one is dropped.
    life: u64,
    wake: Option<Timestamp>,
    durable_at: Timestamp,
}

/// Something that is going to happen.
enum Happening {
    Alarm(u64),
    Connect {
        from: NodeIndex,
        to: NodeIndex,
    },
    Gone {
        end: NodeIndex,
        other: NodeIndex,
    },
    Input {
        node: NodeIndex,
        life: u64,
        input: Box<Input>,
    },
    Job {
        node: NodeIndex,
        life: u64,
        finished: Box<Finished>,
    },
    Frame {
        from: NodeIndex,
        to: NodeIndex,
        epoch: u64,
        bytes: Vec<u8>,
    },
    Request {
        node: NodeIndex,
        life: u64,
        request: Box<Perform>,
    },
    Start {
        node: NodeIndex,
    },
    Synced {
        node: NodeIndex,
        life: u64,
        through: Position,
    },
    Wake {
        node: NodeIndex,
        life: u64,
        at: Timestamp,
    },
}

impl World {
    /// An empty world.
    pub fn new(seed: u64) -> Self {
        Self {
            now: BEGIN,
            queue: Queue::new(),
            random: Random::new(seed, "world"),
            faults: Faults::NONE,
            pens_loaded_max: None,
            nodes: Vec::new(),
            by_id: BTreeMap::new(),
            links: Links::default(),
            phones: Phones::default(),
            language: Arc::new(Krl),
            notices: Vec::new(),
            commands: 0,
            trace: blake3::Hasher::new(),
            crashes: 0,
            loads: 0,
        }
    }

    /// Adds a node with an empty disk and starts it.
    pub fn add_node(&mut self) -> NodeIndex {
        let node = self.nodes.len();
        let id = NodeId(self.random.seed());
        self.by_id.insert(id, node);
        self.nodes.push(Node {
            id,
            engine: None,
            disk: Disk::default(),
            life: 0,
            wake: None,
            durable_at: BEGIN,
        });
        self.start(node);
        node
    }

    /// From now on, this goes wrong.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Nodes that start from now on keep at most so many PENs in memory.
    pub fn set_pens_loaded_max(&mut self, pens_loaded_max: usize) {
        self.pens_loaded_max = Some(pens_loaded_max);
    }

    /// Gives a command to a node. It is lost if the node is dead, or dies before it answers.
    pub fn command(&mut self, node: NodeIndex, command: Command) -> CommandId {
        self.commands += 1;
        let id = CommandId(self.commands);
        self.deliver(node, Input::Command { id, command });
        id
    }

    /// Gives a command and lets the world go on until it is answered.
    pub fn ask(&mut self, node: NodeIndex, command: Command) -> Result<Reply, Fault> {
        let asked = self.command(node, command);
        let end = self.now + std::time::Duration::from_mins(1);
        loop {
            let at = self
                .notices
                .iter()
                .position(|notice| matches!(notice, Notice::Replied { id, .. } if *id == asked));
            if let Some(Notice::Replied { reply, .. }) = at.map(|at| self.notices.remove(at)) {
                return reply;
            }
            if !self.advance(end) {
                let lost = "a node did not answer within a minute";
                return Err(Fault::new(
                    stratus_event::Whose::Bug,
                    "simnet-no-answer",
                    lost,
                ));
            }
        }
    }

    /// Asks for an alarm.
    pub fn set_alarm(&mut self, at: Timestamp, alarm: u64) {
        self.queue.put(at, Happening::Alarm(alarm));
    }

    /// Lets the next thing happen, if one is due until then, and gives what there is to tell.
    pub fn step(&mut self, until: Timestamp) -> Option<Vec<Notice>> {
        self.advance(until)
            .then(|| std::mem::take(&mut self.notices))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// All texts that phones have got.
    pub fn texts(&self) -> &[Text] {
        &self.phones.texts
    }

    /// A hash of every input and output so far, in order.
    pub fn trace(&self) -> String {
        self.trace.finalize().to_hex()[..32].to_owned()
    }

    /// How often nodes have died.
    pub fn crashes(&self) -> u64 {
        self.crashes
    }

    /// How often nodes have read a PEN, or whose channel it is.
    pub fn loads(&self) -> u64 {
        self.loads
    }

    /// Outcomes that are durable on all nodes.
    pub fn outcomes(&self) -> u64 {
        self.nodes.iter().map(|node| node.disk.outcomes).sum()
    }

    /// Messages that are committed and not acknowledged, on all nodes.
    pub fn outbox(&self) -> usize {
        let outbox = |key: &stratus_engine::Key| matches!(key, stratus_engine::Key::Outbox(..));
        self.nodes.iter().map(|node| node.disk.count(outbox)).sum()
    }

    fn advance(&mut self, until: Timestamp) -> bool {
        let Some((at, happening)) = self.queue.take(until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = at;
        self.happen(happening);
        true
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Alarm(alarm) => self.notices.push(Notice::Alarm(alarm)),
            Happening::Connect { from, to } => self.connect(from, to),
            Happening::Frame {
                from,
                to,
                epoch,
                bytes,
            } => {
                if self.links.is_up(from, to, epoch) {
                    self.deliver(
                        to,
                        Input::Received {
                            peer: self.nodes[from].id,
                            bytes,
                        },
                    );
                }
            }
            Happening::Gone { end, other } => {
                if self.links.tell_gone(end, other) {
                    self.deliver(
                        end,
                        Input::Disconnected {
                            peer: self.nodes[other].id,
                        },
                    );
                }
            }
            Happening::Input { node, life, input } if self.lives(node, life) => {
                self.deliver(node, *input);
            }
            Happening::Job {
                node,
                life,
                finished,
            } if self.lives(node, life) => {
                self.deliver(node, Input::Finished(finished));
            }
            Happening::Request {
                node,
                life,
                request,
            } => self.request(node, life, &request),
            Happening::Start { node } => self.start(node),
            Happening::Synced {
                node,
                life,
                through,
            } if self.lives(node, life) => {
                self.synced(node, through);
            }
            Happening::Wake { node, life, at } if self.lives(node, life) => {
                if self.nodes[node].wake == Some(at) {
                    self.deliver(node, Input::Wake);
                }
            }
            // Meant for a life that is over.
            Happening::Input { .. }
            | Happening::Job { .. }
            | Happening::Synced { .. }
            | Happening::Wake { .. } => {}
        }
    }

    fn lives(&self, node: NodeIndex, life: u64) -> bool {
        self.nodes[node].life == life && self.nodes[node].engine.is_some()
    }

    /// Starts a node from what its disk has.
    fn start(&mut self, index: NodeIndex) {
        let seed = self.random.seed();
        let node = &mut self.nodes[index];
        if node.engine.is_some() {
            return;
        }
        let mut config = Config::new(node.id);
        config.pens_loaded_max = self.pens_loaded_max.unwrap_or(config.pens_loaded_max);
        let start = node.disk.start();
        match Engine::restore(config, self.language.clone(), seed, self.now, start) {
            Ok(engine) => node.engine = Some(engine),
            // A disk that keeps what was committed can always be read; if not, it is a bug and the
            // checkers will see a node that stays dead.
            Err(fault) => {
                let _ = write!(Trace(&mut self.trace), "start failed: {fault}");
                return;
            }
        }
        node.life += 1;
        let addresses = vec![format!("/memory/{index}")];
        self.deliver(index, Input::Listening { addresses });
    }

    fn crash(&mut self, index: NodeIndex) {
        self.crashes += 1;
        let node = &mut self.nodes[index];
        node.engine = None;
        node.wake = None;
        node.disk.crash();
        node.durable_at = self.now;
        let _ = write!(Trace(&mut self.trace), "{} node {index} dies", self.now);
        for other in self.links.neighbours(index) {
            self.cut(index, other);
        }
        self.links.forget(index);
        let downtime = self.random.between(1, self.faults.downtime_ms_max);
        self.queue.put(
            self.now + milliseconds(downtime),
            Happening::Start { node: index },
        );
    }

    /// Gives a node an input and does what it then wants.
    fn deliver(&mut self, node: NodeIndex, input: Input) {
        self.hash_input(node, &input);
        let now = self.now;
        let Some(engine) = &mut self.nodes[node].engine else {
            return;
        };
        engine.handle(now, input);
        while let Some(output) = self.nodes[node].engine.as_mut().and_then(Engine::poll) {
            self.hash_output(node, &output);
            self.perform(node, output);
        }
    }

    fn perform(&mut self, node: NodeIndex, output: Output) {
        let life = self.nodes[node].life;
        match output {
            Output::Ask(ask) => self.answer_nobody(node, &ask),
            Output::Close { peer } => {
                if let Some(&other) = self.by_id.get(&peer) {
                    self.cut(node, other);
                }
            }
            Output::Commit(batch) => self.commit(node, batch),
            Output::Dial { peer, .. } => self.dial(node, peer),
            Output::Erase(pen) => {
                self.nodes[node].disk.erase(pen);
                let at = self.later(REQUEST_MS_MAX);
                let input = Box::new(Input::Erased { pen });
                self.queue.put(at, Happening::Input { node, life, input });
            }
            // It stands in the trace; the checkers look at what people see.
            Output::Fault { .. } => {}
            Output::Load(subject) => self.load(node, subject),
            Output::Perform(request) => {
                let settle = if request.doubt { SETTLE_MS } else { 0 };
                let at = self.later(REQUEST_MS_MAX) + milliseconds(settle);
                let request = Box::new(request);
                self.queue.put(
                    at,
                    Happening::Request {
                        node,
                        life,
                        request,
                    },
                );
                self.crash_perhaps(node, self.faults.crash_after_request_per_million);
            }
            Output::Reply { id, reply } => self.notices.push(Notice::Replied { id, reply }),
            Output::Run(job) => {
                let at = self.later(JOB_MS_MAX);
                let finished = Box::new(job.run());
                self.queue.put(
                    at,
                    Happening::Job {
                        node,
                        life,
                        finished,
                    },
                );
            }
            Output::Send { peer, bytes } => self.send(node, peer, bytes),
            Output::WakeAt(at) => {
                self.nodes[node].wake = Some(at);
                self.queue
                    .put(at.max(self.now), Happening::Wake { node, life, at });
            }
        }
    }

    /// Nobody can be asked anything in this world.
    fn answer_nobody(&mut self, node: NodeIndex, ask: &Ask) {
        let reason = "there is nobody to ask in this world";
        let fault = Fault::new(stratus_event::Whose::World, "connector-unknown", reason);
        let input = Box::new(Input::Answered {
            pen: ask.pen,
            question: ask.question,
            answer: Err(fault),
        });
        let (at, life) = (self.later(REQUEST_MS_MAX), self.nodes[node].life);
        self.queue.put(at, Happening::Input { node, life, input });
    }

    fn commit(&mut self, node: NodeIndex, batch: stratus_engine::Batch) {
        if self.crash_perhaps(node, self.faults.crash_before_commit_per_million) {
            return;
        }
        let at = self.later(COMMIT_MS_MAX).max(self.nodes[node].durable_at);
        let (life, through) = (self.nodes[node].life, batch.position);
        self.nodes[node].durable_at = at;
        self.nodes[node].disk.write(batch);
        self.queue.put(
            at,
            Happening::Synced {
                node,
                life,
                through,
            },
        );
    }

    /// What is read is what is durable when the engine asks.
    fn load(&mut self, node: NodeIndex, subject: Subject) {
        self.loads += 1;
        let image = Ok(self.nodes[node].disk.load(&subject));
        let at = self.later(LOAD_MS_MAX);
        let life = self.nodes[node].life;
        let input = Box::new(Input::Loaded { subject, image });
        self.queue.put(at, Happening::Input { node, life, input });
    }

    fn synced(&mut self, node: NodeIndex, through: Position) {
        self.nodes[node].disk.sync(through);
        if !self.crash_perhaps(node, self.faults.crash_after_commit_per_million) {
            self.deliver(node, Input::Committed { through });
        }
    }

    fn dial(&mut self, from: NodeIndex, peer: NodeId) {
        let at = self.later(self.faults.latency_ms_max);
        if let Some(&to) = self.by_id.get(&peer) {
            self.queue.put(at, Happening::Connect { from, to });
            return;
        }
        let reason = "no such node".to_owned();
        let input = Box::new(Input::DialFailed { peer, reason });
        let life = self.nodes[from].life;
        let node = from;
        self.queue.put(at, Happening::Input { node, life, input });
    }

    fn connect(&mut self, from: NodeIndex, to: NodeIndex) {
        if self.nodes[from].engine.is_none() {
            return;
        }
        if self.nodes[to].engine.is_none() {
            let peer = self.nodes[to].id;
            self.deliver(
                from,
                Input::DialFailed {
                    peer,
                    reason: "nobody answers".to_owned(),
                },
            );
            return;
        }
        let Some(stale) = self.links.open(from, to) else {
            return;
        };
        for end in stale {
            let other = if end == from { to } else { from };
            self.deliver(
                end,
                Input::Disconnected {
                    peer: self.nodes[other].id,
                },
            );
        }
        self.deliver(
            from,
            Input::Connected {
                peer: self.nodes[to].id,
            },
        );
        self.deliver(
            to,
            Input::Connected {
                peer: self.nodes[from].id,
            },
        );
    }

    fn cut(&mut self, a: NodeIndex, b: NodeIndex) {
        if self.links.cut(a, b) {
            for (end, other) in [(a, b), (b, a)] {
                let at = self.later(NOTICE_MS_MAX);
                self.queue.put(at, Happening::Gone { end, other });
            }
        }
    }

    fn send(&mut self, from: NodeIndex, peer: NodeId, bytes: Vec<u8>) {
        let Some(&to) = self.by_id.get(&peer) else {
            return;
        };
        if self.random.chance(self.faults.link_break_per_million) {
            self.cut(from, to);
            return;
        }
        let arrives = self.later(self.faults.latency_ms_max);
        if let Some((at, epoch)) = self.links.send(from, to, arrives) {
            self.queue.put(
                at,
                Happening::Frame {
                    from,
                    to,
                    epoch,
                    bytes,
                },
            );
            self.crash_perhaps(from, self.faults.crash_after_frame_per_million);
        }
    }

    /// A request arrives at the service. If the node has died since, nobody reads the answer.
    fn request(&mut self, node: NodeIndex, life: u64, request: &Perform) {
        let (verdict, new) = self.phones.perform(self.now, request);
        if new && let Some(text) = self.phones.texts.last() {
            self.notices.push(Notice::Text(text.clone()));
        }
        self.answer(node, life, request, verdict);
    }

    fn answer(&mut self, node: NodeIndex, life: u64, request: &Perform, verdict: Verdict) {
        let input = Input::Performed {
            pen: request.pen,
            effect: request.effect,
            verdict,
        };
        let at = self.later(REQUEST_MS_MAX);
        self.queue.put(
            at,
            Happening::Input {
                node,
                life,
                input: Box::new(input),
            },
        );
    }

    fn crash_perhaps(&mut self, node: NodeIndex, per_million: u64) -> bool {
        let crashes = self.nodes[node].engine.is_some() && self.random.chance(per_million);
        if crashes {
            self.crash(node);
        }
        crashes
    }

    fn later(&mut self, milliseconds_max: u64) -> Timestamp {
        self.now + milliseconds(self.random.between(1, milliseconds_max))
    }

    fn hash_input(&mut self, node: NodeIndex, input: &Input) {
        let mut trace = Trace(&mut self.trace);
        let _ = match input {
            // The result of a job is told by what the engine makes of it.
            Input::Finished(finished) => {
                write!(trace, "{} {node} < {} {finished}", self.now, finished.pen)
            }
            input => write!(trace, "{} {node} < {input:?}", self.now),
        };
    }

    fn hash_output(&mut self, node: NodeIndex, output: &Output) {
        let mut trace = Trace(&mut self.trace);
        let _ = match output {
            Output::Run(job) => write!(trace, "{} {node} > {} {job}", self.now, job.pen),
            output => write!(trace, "{} {node} > {output:?}", self.now),
        };
    }
}

/// Text that goes into the trace's hash.
struct Trace<'a>(&'a mut blake3::Hasher);

impl Write for Trace<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

fn milliseconds(count: u64) -> std::time::Duration {
    std::time::Duration::from_millis(count)
}
