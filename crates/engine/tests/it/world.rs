//! A few engines, their disks, the wires between them and their connectors.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use stratus_engine::{
    Ask, Batch, Command, CommandId, Config, Door, Engine, Image, Input, Job, Key, Output, Perform,
    Record, Reply, Start, Subject, Verdict, Wait,
};
use stratus_event::{Eci, Fault, Map, Name, PenId, Timestamp, Value};
use stratus_pen::language::Language;
use stratus_protocol::{NodeId, SubscriptionId};

use crate::chatter::{Chatter, name};

/// When a node dies, told as a number of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Death {
    pub(crate) node: usize,
    /// How many batches it has handed to its disk.
    pub(crate) batches: u64,
    /// Whether the last of them reached the disk.
    pub(crate) durable: bool,
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) nodes: Vec<Node>,
    /// Pairs of nodes with a stream, the smaller first.
    pub(crate) streams: BTreeSet<(usize, usize)>,
    frames: VecDeque<(usize, usize, Vec<u8>)>,
    pub(crate) death: Option<Death>,
    pub(crate) died: bool,
    /// Whether batches reach the disks only when no frame is under way, and jobs end only when no
    /// batch is.
    pub(crate) slow: bool,
    reading: VecDeque<(usize, Subject)>,
    writing: VecDeque<(usize, Batch)>,
    working: VecDeque<(usize, Job)>,
    command: u64,
    /// All that any engine said, in order.
    pub(crate) log: Vec<String>,
}

pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) config: Config,
    language: Arc<dyn Language>,
    id: NodeId,
    number: u8,
    lives: u8,
    batches: u64,
    pub(crate) disk: Image,
    /// The keys of all batches that reached the disk, in order.
    pub(crate) written: Vec<Key>,
    pub(crate) wake: Option<Timestamp>,
    /// What was read of the disk.
    pub(crate) loads: Vec<Subject>,
    /// Why the disk cannot be read, if it cannot.
    pub(crate) unreadable: Option<Fault>,
    pub(crate) replies: BTreeMap<u64, Result<Reply, Fault>>,
    /// What the connector did, once for each time that it did it.
    pub(crate) done: Vec<Perform>,
    pub(crate) performs: Vec<Perform>,
    pub(crate) asks: Vec<Ask>,
    /// What the connector says; `Done` if there is nothing left.
    pub(crate) verdicts: VecDeque<Option<Verdict>>,
    /// What was offered to the disk while it is stuck.
    pub(crate) stuck: Option<Vec<Batch>>,
    pub(crate) jobs: Option<Vec<Job>>,
    /// PENs that are to be erased, if the disk takes its time.
    pub(crate) unerased: Option<Vec<PenId>>,
}

impl World {
    pub(crate) fn new(nodes: u8) -> Self {
        Self::with(nodes, |_| {})
    }

    pub(crate) fn with(nodes: u8, change: impl Fn(&mut Config)) -> Self {
        Self::speaking(&(Arc::new(Chatter) as Arc<dyn Language>), nodes, change)
    }

    pub(crate) fn speaking(
        language: &Arc<dyn Language>,
        nodes: u8,
        change: impl Fn(&mut Config),
    ) -> Self {
        let nodes = (1..=nodes)
            .map(|number| Node::new(number, language, &change))
            .collect();
        let mut world = Self {
            now: Timestamp(1_800_000_000_000),
            nodes,
            streams: BTreeSet::new(),
            frames: VecDeque::new(),
            death: None,
            died: false,
            slow: false,
            reading: VecDeque::new(),
            writing: VecDeque::new(),
            working: VecDeque::new(),
            command: 0,
            log: Vec::new(),
        };
        for node in 0..world.nodes.len() {
            world.listen(node);
        }
        world
    }

    fn listen(&mut self, node: usize) {
        let addresses = vec![format!("/memory/{node}")];
        self.handle(node, Input::Listening { addresses });
    }

    /// Gives a command and runs the world until nothing moves at this instant.
    pub(crate) fn command(
        &mut self,
        node: usize,
        command: Command,
    ) -> Option<Result<Reply, Fault>> {
        let id = self.give(node, command);
        self.run();
        self.nodes[node].replies.remove(&id)
    }

    /// Gives a command, and nothing else happens.
    pub(crate) fn give(&mut self, node: usize, command: Command) -> u64 {
        self.command += 1;
        let id = self.command;
        self.handle(
            node,
            Input::Command {
                id: CommandId(id),
                command,
            },
        );
        id
    }

    pub(crate) fn ok(&mut self, node: usize, command: Command) -> Reply {
        self.command(node, command)
            .expect("a reply")
            .expect("no fault")
    }

    pub(crate) fn code(&mut self, node: usize, command: Command) -> String {
        let reply = self.command(node, command).expect("a reply");
        reply.expect_err("a fault").code.into_owned()
    }

    pub(crate) fn handle(&mut self, node: usize, input: Input) {
        let now = self.now;
        self.nodes[node].engine.handle(now, input);
        self.obey(node);
    }

    /// Does what the engine says until it says nothing more.
    pub(crate) fn obey(&mut self, node: usize) {
        while let Some(output) = self.nodes[node].engine.poll() {
            self.log.push(format!("{node} {output:?}"));
            match output {
                Output::Ask(ask) => self.nodes[node].asks.push(ask),
                Output::Close { peer } => {
                    let peer = self.node(peer);
                    self.cut(node, peer);
                }
                Output::Commit(batch) => {
                    if self.write(node, batch) {
                        return;
                    }
                }
                Output::Dial { peer, .. } => {
                    let other = self.node(peer);
                    self.connect(node, other);
                }
                Output::Erase(pen) => self.erase(node, pen),
                Output::Fault { .. } => {}
                Output::Load(subject) => self.load(node, subject),
                Output::Perform(perform) => self.perform(node, &perform),
                Output::Reply { id, reply } => {
                    assert!(
                        self.nodes[node].replies.insert(id.0, reply).is_none(),
                        "one reply"
                    );
                }
                Output::Run(job) => self.evaluate(node, *job),
                Output::Send { peer, bytes } => {
                    let other = self.node(peer);
                    self.frames.push_back((node, other, bytes));
                }
                Output::WakeAt(at) => self.nodes[node].wake = Some(at),
            }
        }
    }

    fn load(&mut self, node: usize, subject: Subject) {
        if self.slow {
            self.reading.push_back((node, subject));
            return;
        }
        self.read(node, subject);
    }

    fn read(&mut self, node: usize, subject: Subject) {
        let now = self.now;
        let this = &mut self.nodes[node];
        this.loads.push(subject.clone());
        let image = this
            .unreadable
            .clone()
            .map_or_else(|| Ok(subject.within(&this.disk)), Err);
        this.engine.handle(now, Input::Loaded { subject, image });
    }

    fn erase(&mut self, node: usize, pen: PenId) {
        let this = &mut self.nodes[node];
        if let Some(unerased) = &mut this.unerased {
            unerased.push(pen);
            return;
        }
        stratus_engine::erase(&mut this.disk, pen);
        let now = self.now;
        this.engine.handle(now, Input::Erased { pen });
    }

    fn evaluate(&mut self, node: usize, job: Job) {
        if let Some(jobs) = &mut self.nodes[node].jobs {
            jobs.push(job);
            return;
        }
        if self.slow {
            self.working.push_back((node, job));
            return;
        }
        self.finish(node, job);
    }

    pub(crate) fn finish(&mut self, node: usize, job: Job) {
        let finished = Box::new(job.run());
        let now = self.now;
        self.nodes[node]
            .engine
            .handle(now, Input::Finished(finished));
    }

    /// Takes a batch for the disk; says whether the node died of it.
    fn write(&mut self, node: usize, batch: Batch) -> bool {
        if let Some(stuck) = &mut self.nodes[node].stuck {
            stuck.push(batch);
            return false;
        }
        if self.slow {
            self.writing.push_back((node, batch));
            return false;
        }
        self.store(node, batch)
    }

    fn store(&mut self, node: usize, batch: Batch) -> bool {
        let this = &mut self.nodes[node];
        this.batches += 1;
        let position = batch.position;
        let death = self
            .death
            .filter(|death| death.node == node && death.batches == this.batches);
        if death.is_none_or(|death| death.durable) {
            this.keep(batch);
        }
        if death.is_some() {
            self.death = None;
            self.died = true;
            self.crash(node);
            return true;
        }
        let now = self.now;
        this.engine
            .handle(now, Input::Committed { through: position });
        false
    }

    /// The process dies and starts again with what is on its disk.
    pub(crate) fn crash(&mut self, node: usize) {
        let others: Vec<usize> = (0..self.nodes.len())
            .filter(|other| *other != node)
            .collect();
        for other in others {
            if self.streams.remove(&pair(node, other)) {
                let peer = self.nodes[node].id;
                self.handle(other, Input::Disconnected { peer });
            }
        }
        self.reading.retain(|(reader, _)| *reader != node);
        self.writing.retain(|(writer, _)| *writer != node);
        self.working.retain(|(worker, _)| *worker != node);
        self.frames
            .retain(|(from, to, _)| *from != node && *to != node);
        let now = self.now;
        self.nodes[node].restart(now);
        self.obey(node);
        self.listen(node);
    }

    fn perform(&mut self, node: usize, perform: &Perform) {
        let this = &mut self.nodes[node];
        this.performs.push(perform.clone());
        let verdict = this
            .verdicts
            .pop_front()
            .unwrap_or_else(|| Some(this.settle(perform)));
        let Some(verdict) = verdict else { return };
        if matches!(verdict, Verdict::Done { .. }) && !perform.doubt {
            this.done.push(perform.clone());
        }
        let (pen, effect) = (perform.pen, perform.effect);
        let now = self.now;
        this.engine.handle(
            now,
            Input::Performed {
                pen,
                effect,
                verdict,
            },
        );
    }

    pub(crate) fn connect(&mut self, one: usize, other: usize) {
        if !self.streams.insert(pair(one, other)) {
            return;
        }
        for (node, peer) in [(one, other), (other, one)] {
            let peer = self.nodes[peer].id;
            self.handle(node, Input::Connected { peer });
        }
    }

    pub(crate) fn cut(&mut self, one: usize, other: usize) {
        if !self.streams.remove(&pair(one, other)) {
            return;
        }
        self.frames
            .retain(|(from, to, _)| pair(*from, *to) != pair(one, other));
        for (node, peer) in [(one, other), (other, one)] {
            let peer = self.nodes[peer].id;
            self.handle(node, Input::Disconnected { peer });
        }
    }

    /// Carries frames and writes batches until there are none.
    pub(crate) fn run(&mut self) {
        assert!(self.steps(100_000), "the world never comes to rest");
    }

    /// Carries at most so many frames and batches; says whether there are no more.
    pub(crate) fn steps(&mut self, most: usize) -> bool {
        for _ in 0..most {
            if let Some((from, to, bytes)) = self.frames.pop_front() {
                let peer = self.nodes[from].id;
                if self.streams.contains(&pair(from, to)) {
                    self.handle(to, Input::Received { peer, bytes });
                }
            } else if let Some((node, subject)) = self.reading.pop_front() {
                self.read(node, subject);
                self.obey(node);
            } else if let Some((node, batch)) = self.writing.pop_front() {
                self.store(node, batch);
                self.obey(node);
            } else if let Some((node, job)) = self.working.pop_front() {
                self.finish(node, job);
                self.obey(node);
            } else {
                return true;
            }
        }
        false
    }

    /// Runs the world for so long.
    pub(crate) fn pass(&mut self, milliseconds: i64) {
        let until = Timestamp(self.now.0 + milliseconds);
        self.run();
        while let Some(node) = self.next_wake(until) {
            let at = self.nodes[node].wake.take().unwrap();
            self.now = self.now.max(at);
            self.handle(node, Input::Wake);
            self.run();
        }
        self.now = until;
    }

    fn next_wake(&self, until: Timestamp) -> Option<usize> {
        let wakes = self.nodes.iter().enumerate();
        let wakes = wakes.filter_map(|(node, this)| Some((this.wake?, node)));
        wakes
            .filter(|(at, _)| *at <= until)
            .min()
            .map(|(_, node)| node)
    }

    fn node(&self, id: NodeId) -> usize {
        self.nodes
            .iter()
            .position(|node| node.id == id)
            .expect("a node of this world")
    }

    /// The same death, counted from here.
    pub(crate) fn counted_from_now(&self, death: Death) -> Death {
        Death {
            batches: death.batches + self.nodes[death.node].batches,
            ..death
        }
    }

    // What tests say often.

    pub(crate) fn query_code(&mut self, node: usize, pen: PenId, rid: &str) -> String {
        let (rid, name) = (name(rid), name("count"));
        self.code(
            node,
            Command::Query {
                pen,
                rid,
                name,
                arguments: Map::new(),
            },
        )
    }

    pub(crate) fn pen(&mut self, node: usize) -> PenId {
        match self.ok(node, create(&format!("pen {node}"), None)) {
            Reply::Pen(pen) => pen,
            reply => panic!("{reply:?}"),
        }
    }

    pub(crate) fn install(&mut self, node: usize, pen: PenId, source: &str) {
        self.ok(
            node,
            Command::Install {
                pen,
                source: source.to_owned(),
                from: None,
                configuration: None,
                permissions: None,
            },
        );
    }

    /// The owner's channel.
    pub(crate) fn owner(&mut self, node: usize, pen: PenId) -> Eci {
        let Reply::Listing(listing) = self.ok(node, Command::List { pen }) else {
            panic!()
        };
        let mut channels = listing.channels.iter();
        channels
            .find(|channel| channel.tags == [name("owner")])
            .unwrap()
            .eci
    }

    pub(crate) fn query(&mut self, node: usize, pen: PenId, rid: &str, what: &str) -> Value {
        let (rid, name) = (name(rid), name(what));
        match self.ok(
            node,
            Command::Query {
                pen,
                rid,
                name,
                arguments: Map::new(),
            },
        ) {
            Reply::Value(value) => value,
            reply => panic!("{reply:?}"),
        }
    }

    pub(crate) fn invite(&mut self, node: usize, pen: PenId) -> String {
        let Reply::Invite { link, .. } = self.ok(node, invite(pen, self.now)) else {
            panic!()
        };
        link
    }

    /// Pairs two PENs; the first one invites.
    pub(crate) fn pair(&mut self, one: (usize, PenId), other: (usize, PenId)) -> SubscriptionId {
        let link = self.invite(one.0, one.1);
        match self.ok(other.0, pair_command(other.1, &link)) {
            Reply::Paired { subscription, .. } => subscription,
            reply => panic!("{reply:?}"),
        }
    }
}

pub(crate) fn create(name: &str, parent: Option<PenId>) -> Command {
    let name = name.to_owned();
    Command::CreatePen { name, parent }
}

impl Node {
    fn new(number: u8, language: &Arc<dyn Language>, change: &impl Fn(&mut Config)) -> Self {
        let id = NodeId([number; 32]);
        let mut config = Config::new(id);
        change(&mut config);
        Self {
            engine: Engine::new(config.clone(), Arc::clone(language), [number; 32]),
            config,
            language: Arc::clone(language),
            id,
            number,
            lives: 0,
            batches: 0,
            disk: Image::new(),
            written: Vec::new(),
            wake: None,
            loads: Vec::new(),
            unreadable: None,
            replies: BTreeMap::new(),
            done: Vec::new(),
            performs: Vec::new(),
            asks: Vec::new(),
            verdicts: VecDeque::new(),
            stuck: None,
            jobs: None,
            unerased: None,
        }
    }

    fn keep(&mut self, batch: Batch) {
        let mut keys: Vec<Key> = batch.changes.iter().map(|(key, _)| key.clone()).collect();
        keys.dedup();
        assert_eq!(
            keys.len(),
            batch.changes.len(),
            "a batch names each key once"
        );
        self.written.extend(keys);
        for (key, record) in batch.changes {
            match record {
                Some(record) => drop(self.disk.insert(key, record)),
                None => drop(self.disk.remove(&key)),
            }
        }
    }

    fn restart(&mut self, now: Timestamp) {
        self.lives += 1;
        let mut seed = [self.number; 32];
        seed[0] = self.lives;
        let config = self.config.clone();
        let start = Start::within(&self.disk);
        let engine = Engine::restore(config, Arc::clone(&self.language), seed, now, start);
        self.engine = engine.expect("its own records");
        self.wake = None;
        if let Some(jobs) = &mut self.jobs {
            jobs.clear();
        }
    }

    /// The verdict of a connector that does what it is asked, and looks first if it is in doubt.
    fn settle(&mut self, perform: &Perform) -> Verdict {
        let receipt = format!("receipt {:?} {:?}", perform.pen, perform.effect);
        let before = self
            .done
            .iter()
            .any(|done| done.pen == perform.pen && done.effect == perform.effect);
        if perform.doubt && !before {
            self.done.push(perform.clone());
        }
        Verdict::Done { receipt }
    }

    /// The symbols of the events in a PEN's journal, in order.
    pub(crate) fn journal(&self, pen: PenId) -> Vec<String> {
        let range = self
            .disk
            .range(Key::Accepted(pen, 0)..=Key::Accepted(pen, u64::MAX));
        range
            .map(|(_, record)| match record {
                Record::Accepted(accepted) => accepted.event.symbol(),
                record => panic!("{record:?}"),
            })
            .collect()
    }

    /// How many records of the disk are like that.
    pub(crate) fn count(&self, like: impl Fn(&Key) -> bool) -> usize {
        self.disk.keys().filter(|key| like(key)).count()
    }
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

pub(crate) fn raise(channel: Eci, symbol: &str, attributes: &[(&str, &str)]) -> Command {
    let (domain, kind) = symbol.split_once(':').unwrap();
    Command::Raise {
        channel,
        door: Door::Owner,
        domain: name(domain),
        kind: name(kind),
        attributes: attributes.iter().copied().collect(),
        external_id: None,
        wait: Wait::Outcome,
    }
}

pub(crate) fn symbols(texts: &[&str]) -> Vec<(Name, Name)> {
    let split = |text: &&str| {
        let (domain, kind) = text.split_once(':').unwrap();
        (name(domain), name(kind))
    };
    texts.iter().map(split).collect()
}

pub(crate) fn invite(pen: PenId, now: Timestamp) -> Command {
    Command::Invite {
        pen,
        name: "partner".into(),
        role_mine: "class".into(),
        role_theirs: "assistant".into(),
        offered: symbols(&["talk:answer"]),
        wanted: symbols(&["talk:question"]),
        expires: Timestamp(now.0 + 3_600_000),
        uses_max: 1,
    }
}

pub(crate) fn pair_command(pen: PenId, link: &str) -> Command {
    Command::Pair {
        pen,
        link: link.to_owned(),
        name: Some("inviter".into()),
        wait_ms: 5_000,
    }
}
