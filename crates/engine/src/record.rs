//! What is durable: keys and records, as the store keeps them and as they are read back.
//!
//! The engine says what is written, the store says in which bytes. What is
//! read back are the same pairs, in the order of their keys ([`crate::Image`]).

use stratus_capability::{GrantHash, GrantId};
use stratus_event::{Eci, Event, EventId, Fault, Name, PenId, Timestamp, Value};
use stratus_pen::{
    Channel, Kin, Parent, RunEnd, Terms,
    language::{Directive, Effect, Question, Timer},
    variable::{Part, Written},
};
use stratus_protocol::{Invite, NodeId, Pairing, SubscriptionId};
use stratus_salience::{Did, Piece};

use crate::{Account, Credential};

/// The number of a batch; counted up by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub u64);

/// Changes that become durable as a whole or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Its number.
    pub position: Position,
    /// What is written, each key once; no record removes the key.
    pub changes: Vec<(Key, Option<Record>)>,
}

/// Where a record stands. The order of keys is the order in which they are read back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// An account, by its name.
    Account(Name),
    /// What lets somebody in, by the hash of its secret.
    Credential([u8; 32]),
    /// A PEN.
    Pen(PenId),
    /// How far a PEN's journal has come.
    Journal(PenId),
    /// The text of a program, by its BLAKE3 hash.
    Program([u8; 32]),
    /// A channel.
    Channel(PenId, Eci),
    /// An installed ruleset, by its place in the install order.
    Ruleset(PenId, u32),
    /// A persistent variable: ruleset, name.
    Variable(PenId, Name, Name),
    /// How far a rule's event expression has come: ruleset, rule.
    Automaton(PenId, Name, Name),
    /// A timer.
    Timer(PenId, Name),
    /// A subscription.
    Subscription(PenId, SubscriptionId),
    /// An invite that this node made.
    Invite(PenId, [u8; 16]),
    /// A pairing that this node began with somebody's invite.
    Pairing(PenId, SubscriptionId),
    /// What was taken and what was refused under a grant.
    Window(Eci, GrantId),
    /// The id that a sender gave an event, so that it is not taken twice.
    Seen(PenId, Eci, String),
    /// A committed message not yet acknowledged: grant, sequence.
    Outbox(PenId, GrantHash, u64),
    /// An effect without a final verdict.
    Effect(PenId, EffectId),
    /// A receipt that belongs to an effect: connector, effect.
    Receipt(PenId, Name, EffectId),
    /// An accepted event without an outcome, by journal position.
    Queue(PenId, u64),
    /// A question that an event without an outcome has asked, and its answer.
    Question(PenId, AskId),
    /// A partial match of a rule that may have many: ruleset, rule, its number.
    PartialMatch(PenId, Name, Name, u64),
    /// Where a PEN stands among its copies.
    Standing(PenId),
    /// The first half of a journal entry.
    Accepted(PenId, u64),
    /// The second half of a journal entry.
    Outcome(PenId, u64),
    /// What became of an effect of a journal entry. Only read to tell of it.
    Verdict(PenId, EffectId),
    /// Which program a ruleset had from that journal position on. Only read to tell of it.
    Installed(PenId, u64, Name),
    /// An entry of a large map in a persistent variable: ruleset, name, the names that lead to the
    /// map, the entry's number.
    VariableEntry(PenId, Name, Name, Vec<String>, u64),
    /// A child of a PEN: parent, child.
    Child(PenId, PenId),
    /// An event that waits for room at another PEN of this node, by its number.
    Letter(PenId, u64),
    /// A mark that a PEN and its descendants are deleted, until nothing is left of them.
    Tombstone(PenId),
}

impl Key {
    /// Where a piece of a rule's automaton stands.
    pub(crate) fn piece(pen: PenId, rid: Name, rule: Name, piece: Piece) -> Self {
        match piece {
            Piece::Head => Self::Automaton(pen, rid, rule),
            Piece::PartialMatch(number) => Self::PartialMatch(pen, rid, rule, number),
        }
    }

    /// Where a part of a variable stands.
    pub(crate) fn part(pen: PenId, rid: Name, name: Name, part: Part) -> Self {
        match part {
            Part::Entry { path, number } => Self::VariableEntry(pen, rid, name, path, number),
            Part::Head => Self::Variable(pen, rid, name),
        }
    }

    /// Whether a PEN that has such a record is in the middle of something, so that a start reads
    /// it: something is to be done without anybody asking, or a partner may come at any time.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Effect(..)
                | Self::Invite(..)
                | Self::Letter(..)
                | Self::Outbox(..)
                | Self::Pairing(..)
                | Self::Queue(..)
                | Self::Subscription(..)
                | Self::Tombstone(..)
        )
    }

    /// Whose record it is; none for what belongs to no PEN, and for a window, whose channel tells.
    pub fn pen(&self) -> Option<PenId> {
        match self {
            Self::Tombstone(pen)
            | Self::Pen(pen)
            | Self::Child(pen, ..)
            | Self::Journal(pen)
            | Self::Channel(pen, ..)
            | Self::Ruleset(pen, ..)
            | Self::Variable(pen, ..)
            | Self::Automaton(pen, ..)
            | Self::Timer(pen, ..)
            | Self::Subscription(pen, ..)
            | Self::Invite(pen, ..)
            | Self::Pairing(pen, ..)
            | Self::Seen(pen, ..)
            | Self::Outbox(pen, ..)
            | Self::Letter(pen, ..)
            | Self::Effect(pen, ..)
            | Self::Receipt(pen, ..)
            | Self::Queue(pen, ..)
            | Self::Question(pen, ..)
            | Self::PartialMatch(pen, ..)
            | Self::Standing(pen)
            | Self::Accepted(pen, ..)
            | Self::Outcome(pen, ..)
            | Self::Verdict(pen, ..)
            | Self::Installed(pen, ..)
            | Self::VariableEntry(pen, ..) => Some(*pen),
            Self::Account(..) | Self::Credential(..) | Self::Program(..) | Self::Window(..) => None,
        }
    }
}

/// What stands there.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// Of [`Key::Account`].
    Account(Account),
    /// Of [`Key::Credential`].
    Credential(Credential),
    /// Of [`Key::Tombstone`].
    Tombstone {
        /// Since when it is deleted.
        since: Timestamp,
    },
    /// Of [`Key::Pen`].
    Pen {
        /// What its owner calls it.
        name: String,
        /// From it all keys of the PEN are derived. Secret.
        seed: [u8; 32],
        /// Where it stands below its parent; none if it is the first of its family.
        parent: Option<Parent>,
    },
    /// Of [`Key::Child`].
    Child {
        /// Its place among the others.
        place: u64,
        /// The child as its parent knows it.
        kin: Kin,
    },
    /// Of [`Key::Journal`].
    Journal {
        /// The position of the next entry.
        next: u64,
    },
    /// Of [`Key::Program`].
    Program {
        /// The text.
        source: String,
    },
    /// Of [`Key::Channel`].
    Channel(Channel),
    /// Of [`Key::Ruleset`].
    Ruleset {
        /// The ruleset's id.
        rid: Name,
        /// Its program.
        program: [u8; 32],
        /// On which terms it is installed.
        terms: Terms,
        /// The texts that it had, the present one last.
        versions: Vec<Version>,
        /// Why its text could not be brought up to date from its address when that was tried last.
        trouble: Option<Fault>,
    },
    /// Of [`Key::Variable`]: the value. Large maps in it are empty, as their entries stand under
    /// keys of their own; earlier versions wrote them into the same record.
    Variable(Value),
    /// Of [`Key::Automaton`]: the state as salience writes it, without those partial matches that
    /// stand under keys of their own.
    Automaton(Value),
    /// Of [`Key::Timer`].
    Timer(Timer),
    /// Of [`Key::Subscription`].
    Subscription(Subscription),
    /// Of [`Key::Invite`].
    Invite(Invite),
    /// Of [`Key::Pairing`].
    Pairing(Pairing),
    /// Of [`Key::Window`].
    Window {
        /// The highest sequence number that was taken or refused.
        through: u64,
        /// The latest of those that were refused, and the code of the refusal, oldest first, so
        /// that one that is sent again is refused again and not taken for accepted.
        refused: Vec<(u64, String)>,
    },
    /// Of [`Key::Seen`]: what the first one was answered.
    Seen {
        /// Its place in the PEN's journal.
        position: u64,
        /// Its id.
        event: EventId,
        /// What its rules answered; empty until its outcome is there.
        directives: Vec<Directive>,
    },
    /// Of [`Key::Outbox`].
    Outbox {
        /// The event.
        event: Event,
        /// Since when it waits.
        since: Timestamp,
        /// The effect that it is; none of one that an earlier version wrote.
        effect: Option<EffectId>,
    },
    /// Of [`Key::Letter`].
    Letter {
        /// The other PEN's channel.
        to: Eci,
        /// The event.
        event: Event,
        /// The effect that it is.
        effect: Option<EffectId>,
        /// How many failed effects led to it.
        failures: u32,
    },
    /// Of [`Key::Effect`].
    Effect {
        /// The ruleset that wants it.
        rid: Name,
        /// What is wanted.
        effect: Effect,
        /// When it was first wanted.
        wanted: Timestamp,
        /// How often it was tried and not done.
        attempts: u32,
        /// How many failed effects led to it, one handled after the other.
        failures: u32,
    },
    /// Of [`Key::Receipt`].
    Receipt(String),
    /// Of [`Key::Queue`].
    Queue {
        /// How often its evaluation was begun and did not end.
        attempts: u32,
    },
    /// Of [`Key::Question`].
    Question {
        /// The event whose rule asks: the accepted one or one raised while it was handled.
        event: EventId,
        /// The ruleset.
        rid: Name,
        /// The rule.
        rule: Name,
        /// What is asked.
        question: Question,
        /// The answer, once it is there; an error is an answer too.
        answer: Option<Result<Value, Fault>>,
    },
    /// Of [`Key::PartialMatch`], as salience writes it.
    PartialMatch(Value),
    /// Of [`Key::Standing`].
    Standing(Standing),
    /// Of [`Key::Accepted`].
    Accepted(Accepted),
    /// Of [`Key::Outcome`].
    Outcome(Outcome),
    /// Of [`Key::Verdict`].
    Verdict {
        /// When.
        at: Timestamp,
        /// The service's receipt, if it gave one; a partner's acknowledgement is an empty one. Or
        /// why it was not done, or may not have been.
        end: Result<String, Fault>,
    },
    /// Of [`Key::Installed`].
    Installed {
        /// The program; none if the ruleset was taken out.
        program: Option<[u8; 32]>,
    },
    /// Of [`Key::VariableEntry`].
    VariableEntry {
        /// The entry's name.
        name: String,
        /// Its value, like that of a variable.
        value: Value,
    },
}

impl Record {
    /// What stands there of a piece of a rule's automaton.
    pub(crate) fn piece(piece: Piece, written: Value) -> Self {
        match piece {
            Piece::Head => Self::Automaton(written),
            Piece::PartialMatch(_) => Self::PartialMatch(written),
        }
    }

    /// What stands there of a part of a variable.
    pub(crate) fn part(written: Written) -> Self {
        match written {
            Written::Entry { name, value } => Self::VariableEntry { name, value },
            Written::Head(value) => Self::Variable(value),
        }
    }
}

/// A text that a ruleset has, or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its BLAKE3 hash.
    pub program: [u8; 32],
    /// When it was installed.
    pub at: Timestamp,
    /// The address that it was fetched from, if it was.
    pub from: Option<String>,
}

/// Two PENs with a channel and a grant in each direction wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The invite that it came of.
    pub invite: [u8; 16],
    /// What the partner is called here.
    pub name: String,
    /// The part that this PEN plays.
    pub role_mine: String,
    /// The part that the partner plays.
    pub role_theirs: String,
    /// The partner's node.
    pub node: NodeId,
    /// Where that node was last known to be.
    pub addresses: Vec<String>,
    /// My channel.
    pub rx: Eci,
    /// The grant that I gave.
    pub granted: Vec<u8>,
    /// The grant that I hold, once it has come.
    pub held: Option<Vec<u8>>,
    /// The number of the next event that I send.
    pub sequence_next: u64,
    /// An ended one is kept so that its end can be told.
    pub ended: bool,
}

/// Where a PEN stands among its copies. A PEN without this record is here, in its first epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How often it was restored from a backup or brought in from a file: partners may have seen
    /// more of an earlier epoch than it knows itself.
    pub epoch: u64,
    /// When that was last, or when it left.
    pub since: Timestamp,
    /// Whether it lives here.
    pub residence: Residence,
}

/// Whether a PEN lives here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Residence {
    /// It does.
    #[default]
    Here,
    /// This is a copy of a PEN that lives elsewhere. It takes no event and does nothing.
    Copy,
    /// It has left for another node. What is here is what it was then; it does nothing.
    Moved,
}

/// Names an effect within a PEN: the journal position of the event that caused it, and which of
/// that event's effects it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId {
    /// Journal position of the event.
    pub position: u64,
    /// Which of its effects.
    pub ordinal: u32,
}

/// Names a question within a PEN: the journal position of the event whose handling asks, and which
/// of its questions it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId {
    /// Journal position of the event.
    pub position: u64,
    /// Which of its questions.
    pub ordinal: u32,
}

/// An event that a PEN took, before anything was done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The event.
    pub event: Event,
    /// The channel by which it came.
    pub channel: Option<Eci>,
    /// Who brought it.
    pub source: Source,
    /// Only this ruleset sees it, if named; only a timer names one.
    pub for_ruleset: Option<Name>,
    /// When this node took it.
    pub at: Timestamp,
    /// The seed of all randomness in its evaluation.
    pub seed: [u8; 32],
}

impl Accepted {
    /// The timer that went off, if it comes of that.
    pub(crate) fn timer(&self) -> Option<Name> {
        match &self.source {
            Source::Timer { id } => Some(id.clone()),
            _ => None,
        }
    }
}

/// Who brought an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Somebody who knows the ECI of a channel for which that is enough.
    Bearer {
        /// Her own id of the event.
        external_id: Option<String>,
    },
    /// The engine itself tells of something.
    Engine,
    /// The owner.
    Owner,
    /// A partner, under a grant.
    Partner {
        /// The grant's id.
        grant: GrantId,
        /// The event's number under that grant.
        sequence: u64,
    },
    /// A service that signed its request.
    Service {
        /// Which.
        service: Name,
        /// The service's own id of the event.
        external_id: Option<String>,
    },
    /// A PEN of this node.
    Pen {
        /// Which.
        pen: PenId,
    },
    /// A timer that went off.
    Timer {
        /// Which.
        id: Name,
    },
}

/// What came of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// When.
    pub at: Timestamp,
    /// The rule runs in order, those of raised events included.
    pub runs: Vec<OutcomeRun>,
    /// What was answered.
    pub directives: Vec<Directive>,
    /// Why the evaluation as a whole was given up, if it was.
    pub failed: Option<Fault>,
    /// How event expressions stood that were in the middle, as far as
    /// [`STANDS_BYTES_MAX`] goes.
    pub stands: Vec<OutcomeStand>,
    /// How many more of these there were.
    pub stands_left_out: u64,
}

/// What one rule did about one event.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeRun {
    /// The event: the accepted one or one raised while it was handled.
    pub event: Event,
    /// The ruleset.
    pub rid: Name,
    /// The rule.
    pub rule: Name,
    /// How it ended.
    pub end: RunEnd,
    /// The variables it set or cleared.
    pub changes: Vec<(Name, Name)>,
    /// What it changed of the PEN itself, a sentence each.
    pub arranged: Vec<String>,
    /// The events it raised inside the PEN, and the ruleset that alone sees them, if one does.
    pub raised: Vec<(Event, Option<Name>)>,
    /// What its condition looked at: the text of an operand and its value.
    pub saw: Vec<(String, Value)>,
    /// The remaining rules of its ruleset did not see the event.
    pub last: bool,
    /// The effects it wanted, by their ordinal.
    pub effects: Vec<(u32, Effect)>,
    /// What it logged: level and text.
    pub log: Vec<(String, String)>,
}

/// How a rule's event expression stood when an event came that it knows, and what that did to it.
#[derive(Clone, Debug, PartialEq)]
pub struct OutcomeStand {
    /// The event: the accepted one or one raised while it was handled.
    pub event: EventId,
    /// The ruleset.
    pub rid: Name,
    /// The rule.
    pub rule: Name,
    /// What the event did.
    pub did: Did,
    /// How far it was before, as salience writes it, with some of the partial matches at most.
    pub before: Value,
    /// How far it was afterwards, if it moved without being complete.
    pub after: Option<Value>,
    /// How many partial matches are not here.
    pub left_out: u64,
}

/// What the stands of one outcome may take, in bytes as [`Value::size`] counts them. Those that do
/// not fit are left out and counted.
pub const STANDS_BYTES_MAX: usize = 16 << 10;
