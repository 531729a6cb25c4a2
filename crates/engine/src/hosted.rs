//! A PEN as this node hosts it: its state and all that waits around it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stratus_capability::{GrantHash, GrantId, SigningKey};
use stratus_event::{Eci, Event, Fault, Name, PenId, Timestamp};
use stratus_pen::{Channel, ChannelId, Parent, Seed, State};
use stratus_protocol::{Invite, Pairing, SubscriptionId};

use crate::{
    Accepted, AskId, Command, CommandId, EffectId, Key, Position, Record, Version, Wait,
    ask::Pended, commit::After, effect::Pending, outbox::Letter, relation::Relation, seen::Seen,
};

/// A PEN as this node hosts it. All of it but what [`Hosted::is_at_rest`] looks at can be read back
/// from what is durable.
#[derive(Debug)]
pub(crate) struct Hosted {
    /// Which use of a PEN was the last one of this.
    pub(crate) used: u64,
    /// The last batch that holds something of it.
    pub(crate) written: Position,
    /// It is among [`crate::Engine::pens_hosted`].
    pub(crate) counted: bool,
    /// What rules can read.
    pub(crate) state: State,
    /// The journal position of the next accepted event.
    pub(crate) next: u64,
    /// Accepted events that wait for the running one, in journal order.
    pub(crate) queue: VecDeque<Entry>,
    /// The event that is evaluated.
    pub(crate) running: Option<Entry>,
    /// Commands that change rulesets wait until no job reads them.
    pub(crate) deferred: VecDeque<(CommandId, Command)>,
    /// Timers that are due, and wait for the running event, which may remove them.
    pub(crate) due: BTreeSet<Name>,
    /// Rulesets by their place in the install order: id and program.
    pub(crate) places: BTreeMap<u32, (Name, [u8; 32])>,
    /// The texts that rulesets had, and why they could not be brought up to date.
    pub(crate) histories: BTreeMap<Name, History>,
    /// Installed rulesets whose text this version's compiler refuses, and why. They do nothing.
    pub(crate) broken: BTreeMap<Name, Broken>,
    /// What belongs to accepted events that are still to be read back.
    pub(crate) restoring: BTreeMap<u64, Restoring>,
    /// Ids that senders gave their events.
    pub(crate) seen: BTreeMap<Eci, Seen>,
    /// What was taken and refused under each grant.
    pub(crate) windows: BTreeMap<(Eci, GrantId), Window>,
    /// Grants under which events are passed over until there is room; they come again.
    pub(crate) stalled: BTreeSet<(Eci, GrantId)>,
    /// Committed messages not yet acknowledged.
    pub(crate) outbox: BTreeMap<(GrantHash, u64), Waiting>,
    /// Events that wait for room at another PEN of this node.
    pub(crate) letters: BTreeMap<u64, Letter>,
    /// Effects without a final verdict.
    pub(crate) effects: BTreeMap<EffectId, Pending>,
    /// The services' own ids of what was done, by connector.
    pub(crate) receipts: BTreeMap<Name, BTreeMap<EffectId, String>>,
    /// Subscriptions, ended ones included.
    pub(crate) relations: BTreeMap<SubscriptionId, Relation>,
    /// The partners' channels that events can be sent to, and those of former partners.
    pub(crate) partners: BTreeMap<Eci, SubscriptionId>,
    /// Invites that this PEN made.
    pub(crate) invites: BTreeMap<[u8; 16], Invite>,
    /// Pairings that this PEN began.
    pub(crate) pairings: BTreeMap<SubscriptionId, Pairing>,
}

/// The texts that a ruleset had.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) versions: Vec<Version>,
    pub(crate) trouble: Option<Fault>,
}

/// A ruleset that is installed and does not compile.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    /// What the compiler says.
    pub(crate) fault: Fault,
    /// How far its event expressions had come. Another text begins anew.
    pub(crate) automata: Vec<Key>,
}

/// A message in the outbox.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) event: Event,
    pub(crate) since: Timestamp,
    pub(crate) effect: Option<EffectId>,
}

/// What was taken and refused under a grant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    pub(crate) through: u64,
    pub(crate) refused: VecDeque<(u64, String)>,
}

/// An accepted event without an outcome.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) position: u64,
    pub(crate) accepted: Accepted,
    /// The records of its acceptance, as long as they are on no batch: an event that need not wait
    /// is written together with its outcome.
    pub(crate) unwritten: Vec<(Key, Option<Record>)>,
    /// What follows when the acceptance is durable.
    pub(crate) after: Vec<After>,
    /// Who waits for it.
    pub(crate) waiters: Vec<Waiter>,
    /// How often its evaluation was begun before a crash; none if there was no crash.
    pub(crate) restored: Option<u32>,
    /// What it has asked so far, in a process that died included.
    pub(crate) questions: BTreeMap<AskId, Pended>,
}

/// What is read back of an event before the event itself.
#[derive(Debug, Default)]
pub(crate) struct Restoring {
    pub(crate) attempts: u32,
    pub(crate) questions: BTreeMap<AskId, Pended>,
}

/// A command that waits for an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiter {
    pub(crate) command: CommandId,
    pub(crate) wait: Wait,
    /// The event had come before.
    pub(crate) duplicate: bool,
}

impl Hosted {
    /// A PEN with nothing in it.
    pub(crate) fn new(id: PenId, name: &str, seed: [u8; 32], parent: Option<Parent>) -> Self {
        Self {
            used: 0,
            written: Position::default(),
            counted: false,
            state: State::begin(id, name, Seed(seed), parent),
            next: 0,
            queue: VecDeque::new(),
            running: None,
            deferred: VecDeque::new(),
            due: BTreeSet::new(),
            places: BTreeMap::new(),
            histories: BTreeMap::new(),
            broken: BTreeMap::new(),
            restoring: BTreeMap::new(),
            seen: BTreeMap::new(),
            windows: BTreeMap::new(),
            stalled: BTreeSet::new(),
            outbox: BTreeMap::new(),
            letters: BTreeMap::new(),
            effects: BTreeMap::new(),
            receipts: BTreeMap::new(),
            relations: BTreeMap::new(),
            partners: BTreeMap::new(),
            invites: BTreeMap::new(),
            pairings: BTreeMap::new(),
        }
    }

    /// Whether nothing runs, waits or is to come back, and all is durable up to that batch.
    pub(crate) fn is_at_rest(&self, durable: Position) -> bool {
        let evaluates = self.running.is_some() || !self.queue.is_empty() || !self.due.is_empty();
        let waits = !self.deferred.is_empty() || !self.stalled.is_empty();
        let sends = !self.outbox.is_empty() || !self.letters.is_empty();
        let acts = !self.effects.is_empty();
        let pairs = !self.pairings.is_empty();
        !(evaluates || waits || sends || acts || pairs) && self.written <= durable
    }

    /// Every command that waits for something here; they wait no longer.
    pub(crate) fn take_waiting(&mut self) -> Vec<CommandId> {
        let entries = self.running.iter_mut().chain(&mut self.queue);
        let waiters = entries.flat_map(|entry| std::mem::take(&mut entry.waiters));
        let mut commands: Vec<CommandId> = waiters.map(|waiter| waiter.command).collect();
        commands.extend(self.deferred.drain(..).map(|(command, _)| command));
        commands
    }

    /// The entry of that journal position, if it has no outcome yet.
    pub(crate) fn entry_mut(&mut self, position: u64) -> Option<&mut Entry> {
        self.running
            .iter_mut()
            .chain(&mut self.queue)
            .find(|entry| entry.position == position)
    }

    /// How many accepted events have no outcome.
    pub(crate) fn unsettled(&self) -> usize {
        self.queue.len() + usize::from(self.running.is_some())
    }

    pub(crate) fn channel_key(&self, id: ChannelId) -> SigningKey {
        self.state.seed().channel_key(id)
    }

    /// The key that a pairing with that channel shows the inviter.
    pub(crate) fn redeeming_key(&self, rx: &Eci) -> Option<SigningKey> {
        self.state
            .channel(rx)
            .map(|channel| self.holder_key(channel))
    }

    /// The key that holds the partner's grant: as many of them as there are channels for partners,
    /// so that no two partners see the same.
    pub(crate) fn holder_key(&self, channel: &Channel) -> SigningKey {
        self.state.seed().holder_key(channel.id)
    }
}
