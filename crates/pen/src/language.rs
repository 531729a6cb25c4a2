//! What a language must offer to run inside a PEN.
//!
//! Evaluation is a pure function of program, state view, event, instant, seed and the answers known
//! so far (design, section 4). What a rule wants done comes back as data in [`Ended`]; nothing is
//! done while it runs.

use std::{any::Any, borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use stratus_event::{Eci, Event, Fault, Map, Name, PenId, Timestamp, Value};
use stratus_salience::{Bindings, Expression, Patterns};

pub use crate::{Arrangement, NewPen};
use crate::{Channel, ChannelId, Cron, Kin, Permissions, Terms};

/// A language: text to program.
pub trait Language: Send + Sync {
    /// Compiles a ruleset. All the problems found come back, not only the first; each names the
    /// line and column in its message. The patterns that it has in common with rulesets compiled
    /// before are shared with them.
    fn compile_among(
        &self,
        source: &str,
        patterns: &mut Patterns,
    ) -> Result<Arc<dyn Program>, Vec<Fault>>;

    /// The same for a ruleset that stands alone.
    fn compile(&self, source: &str) -> Result<Arc<dyn Program>, Vec<Fault>> {
        self.compile_among(source, &mut Patterns::default())
    }
}

/// A compiled ruleset. Shared by all PENs that have it installed.
pub trait Program: Send + Sync + fmt::Debug {
    /// The ruleset's id.
    fn rid(&self) -> &Name;

    /// The rules in textual order.
    fn rules(&self) -> &[Outline];

    /// The names of the functions that the ruleset shares as queries.
    fn queries(&self) -> &[Name];

    /// The rulesets that this one uses as modules; they must be installed in the same PEN.
    fn modules(&self) -> &[Name];

    /// Whether the `where` predicate of that number holds for the scene's event and bindings.
    fn holds(&self, condition: usize, scene: &Scene<'_>) -> Judgement<bool>;

    /// The time that [`stratus_salience::Instant::Bound`] of that number means, of the scene's
    /// bindings and nothing else; none if it means none. An error comes back for the trace.
    fn instant(&self, number: usize, scene: &Scene<'_>) -> Judgement<Option<Timestamp>> {
        let _ = (number, scene);
        Judgement::free(Ok(None))
    }

    /// Runs one rule, every iteration of it, to its end.
    fn run(&self, rule: usize, scene: &Scene<'_>) -> Result<Ended, Stop>;

    /// Answers a query. `scene.event` is none.
    fn query(&self, name: &Name, arguments: &Map, scene: &Scene<'_>) -> Judgement<Value, Stop>;

    /// What the program wants beyond its PEN, without its modules: what its text does not tell is
    /// any.
    fn wants(&self) -> Permissions {
        Permissions::any()
    }

    /// A part of a secret key that the program holds, if that ruleset may have it. It goes to
    /// connectors only.
    fn secret(&self, reader: &Name, key: &str, part: usize) -> Option<Cow<'_, str>> {
        let _ = (reader, key, part);
        None
    }

    /// For a language to find its own programs again when one uses another as a module.
    fn as_any(&self) -> &dyn Any;
}

/// What is known of a rule without running it.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Unique within the ruleset.
    pub name: Name,
    /// An inactive rule is never woken.
    pub active: bool,
    /// What wakes it.
    pub select: Expression,
}

/// What a part of an event expression, or a query, came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement<T, E = RuleError> {
    /// Its value. An error in an event expression counts as none, and is for the trace.
    pub said: Result<T, E>,
    /// Fuel used.
    pub fuel: u64,
}

impl<T, E> Judgement<T, E> {
    /// One that took nothing.
    pub fn free(said: Result<T, E>) -> Self {
        Self { said, fuel: 0 }
    }
}

/// All that an evaluation may read.
pub struct Scene<'a> {
    /// The PEN's state at one commit position, overlaid with what this transaction's earlier rules
    /// changed.
    pub view: &'a dyn StateView,
    /// The event; none in a query.
    pub event: Option<&'a Event>,
    /// The channel by which the transaction's first event came, or the query.
    pub channel: Option<Eci>,
    /// What the event expression bound.
    pub bindings: &'a Bindings,
    /// The one instant of this event.
    pub now: Timestamp,
    /// The seed of all randomness in this rule run.
    pub seed: [u8; 32],
    /// Answers to the questions that this rule run has asked before.
    pub answers: &'a Answers,
    /// What the evaluation may use up.
    pub limits: &'a Limits,
}

/// Read access to a PEN at one commit position.
pub trait StateView {
    /// A persistent variable (`ent:name`) of a ruleset.
    fn variable(&self, rid: &Name, name: &Name) -> Option<Value>;

    /// The program of an installed ruleset.
    fn program(&self, rid: &Name) -> Option<Arc<dyn Program>>;

    /// The programs of the installed rulesets, in install order.
    fn installed(&self) -> Vec<Arc<dyn Program>>;

    /// The PEN's channels, in the order of their ECIs.
    fn channels(&self) -> Vec<Channel>;

    /// Whether that query may be asked by that channel: `channel-unknown`, `channel-shut`,
    /// `policy-refuses`.
    fn permits_query(&self, eci: &Eci, rid: &Name, name: &Name) -> Result<(), Fault>;

    /// The PEN's subscriptions.
    fn subscriptions(&self) -> Vec<SubscriptionView>;

    /// The PEN's id.
    fn id(&self) -> PenId;

    /// What its owner calls it.
    fn name(&self) -> String;

    /// The parent; none if the PEN is the first of its family.
    fn parent(&self) -> Option<Kin>;

    /// The children, in the order in which they were made.
    fn children(&self) -> Vec<Kin>;

    /// The child whose channel that is.
    fn child(&self, theirs: &Eci) -> Option<Kin> {
        let mut children = self.children().into_iter();
        children.find(|child| child.theirs == *theirs)
    }

    /// The ECI that a channel of that id has in this PEN. Its key stays secret.
    fn eci(&self, id: ChannelId) -> Eci;

    /// The ECI that a channel of that id has in the child of that id, be it there or not.
    fn eci_in_child(&self, child: PenId, id: ChannelId) -> Eci;

    /// The timers that a ruleset has set and that have not gone off.
    fn timers(&self, rid: &Name) -> Vec<Timer>;

    /// On which terms a ruleset is installed; those that say nothing for one that is not.
    fn terms(&self, rid: &Name) -> Terms;

    /// The text that stands for a part of a key of a ruleset in this PEN
    /// ([`crate::Seed::handle`]).
    fn handle(&self, rid: &Name, key: &str, part: usize) -> String;
}

/// A subscription as rules see it.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionView {
    /// Its id, the same at both ends.
    pub id: String,
    /// The name that the owner gave the partner.
    pub name: String,
    /// My channel: what the partner sends comes in here.
    pub rx: Eci,
    /// The partner's channel: what I send goes there.
    pub tx: Eci,
    /// The part that I play.
    pub rx_role: String,
    /// The part that the partner plays.
    pub tx_role: String,
}

/// What one rule run wants done, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ended {
    /// Whether the rule's condition held in at least one iteration.
    pub fired: bool,
    /// Changes of the PEN itself.
    pub arrangements: Vec<Arrangement>,
    /// Changes of variables; of any ruleset, because modules have variables of their own.
    pub changes: Vec<Change>,
    /// Events raised inside the PEN.
    pub raises: Vec<Raise>,
    /// Work for the world, after the commit.
    pub effects: Vec<Effect>,
    /// Answers to whoever raised the event and waits.
    pub directives: Vec<Directive>,
    /// Answers of the ruleset as a whole, before those of its rules: they are sent once for the
    /// accepted event and all that it led to, however many of the ruleset's rules fire.
    pub preface: Vec<Directive>,
    /// Timers set or removed.
    pub timers: Vec<TimerChange>,
    /// Lines the rule logged: level and text.
    pub log: Vec<(String, String)>,
    /// What the rule's condition looked at: the text of an operand and its value. A language
    /// bounds how many and how large.
    pub saw: Vec<(String, Value)>,
    /// `last`: the remaining rules of this ruleset do not see this event.
    pub last: bool,
    /// How many iterations ran (one without `foreach`), and how many of them fired.
    pub iterations: u64,
    /// Fuel used.
    pub fuel: u64,
    /// Bytes of all that is in here but the variables, as the language accounts for them.
    pub bytes: u64,
}

/// A change of one persistent variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Whose variable.
    pub rid: Name,
    /// Its name.
    pub name: Name,
    /// The new value; none clears it.
    pub value: Option<Value>,
}

/// An event raised by a rule for its own PEN.
#[derive(Clone, Debug, PartialEq)]
pub struct Raise {
    /// The event's domain.
    pub domain: Name,
    /// The event's type.
    pub kind: Name,
    /// The event's attributes.
    pub attributes: Map,
    /// Only this ruleset sees it, if named (`for`).
    pub for_ruleset: Option<Name>,
}

/// Work for the world that nobody in the rule waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Work of a connector, such as `twilio` `send_sms`.
    Act {
        /// Which connector.
        connector: Name,
        /// What it is to do.
        action: Name,
        /// With what.
        arguments: Map,
    },
    /// An event for another PEN.
    Send {
        /// The partner's channel.
        to: Eci,
        /// The event's domain.
        domain: Name,
        /// The event's type.
        kind: Name,
        /// The event's attributes.
        attributes: Map,
    },
}

/// An answer to the one who raised the event.
#[derive(Clone, Debug, PartialEq)]
pub struct Directive {
    /// Its name.
    pub name: String,
    /// Its options.
    pub options: Map,
    /// The ruleset and the rule that gave it. Whoever runs the rule knows; a language leaves it
    /// empty.
    pub by: Option<(Name, Name)>,
}

/// An event to come.
#[derive(Clone, Debug, PartialEq)]
pub struct Timer {
    /// Unique within the PEN; derived from the event that set it.
    pub id: Name,
    /// The ruleset that set it.
    pub rid: Name,
    /// When it goes off next.
    pub at: Timestamp,
    /// The event that is raised then.
    pub raise: Raise,
    /// When it goes off again after that; none if it goes off once.
    pub repeat: Option<Cron>,
}

impl Timer {
    /// The timer as it is once it has gone off; none if that was the last time. What it missed
    /// until `now` is not made up for.
    pub fn after(&self, now: Timestamp) -> Option<Self> {
        let repeat = self.repeat.as_ref()?;
        let at = repeat.after(now.max(self.at))?;
        Some(Self { at, ..self.clone() })
    }
}

/// A timer set or removed.
#[derive(Clone, Debug, PartialEq)]
pub enum TimerChange {
    /// Removes a timer that has not gone off.
    Remove {
        /// Which.
        id: Name,
    },
    /// Sets a timer.
    Set(Timer),
}

/// Why a run came to no end.
#[derive(Clone, Debug)]
pub enum Stop {
    /// It needs to know something that only the world can say.
    Ask(Vec<Question>),
    /// It went wrong; nothing that it wanted is done.
    Error(RuleError),
}

impl From<RuleError> for Stop {
    fn from(error: RuleError) -> Self {
        Self::Error(error)
    }
}

/// What went wrong in a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RuleError {
    /// Stable, listed in `spec/errors.md`.
    pub code: &'static str,
    /// What happened, with the values, and the line and column of the program.
    pub message: String,
}

/// Something that only the world, or another PEN, can say.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Which question this is: iteration, call site and ordinal.
    pub id: QuestionId,
    /// Which connector is asked.
    pub connector: Name,
    /// What it is asked to do.
    pub action: Name,
    /// With what.
    pub arguments: Map,
}

/// The connector of those questions that other PENs of the node answer, without the world.
pub const OF_PENS: &str = "pen";

/// What such a question is for: `eci`, `rid`, `name` and `args` of a query.
pub const QUERY: &str = "query";

/// Names a question within one rule run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuestionId {
    /// Which iteration of the rule.
    pub iteration: u32,
    /// Where in the program the call stands, as a byte offset.
    pub site: u32,
    /// The how-manieth time that place was reached in this iteration.
    pub ordinal: u32,
}

/// Answers by question; an error is an answer too.
pub type Answers = BTreeMap<QuestionId, Result<Value, Fault>>;

/// The code of the error with which a run stops at [`Limits::fuel_max`].
pub const FUEL_EXHAUSTED: &str = "fuel-exhausted";

/// What one rule run may use up. At a bound the run stops with an error that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of evaluation.
    pub fuel_max: u64,
    /// Calls within calls.
    pub call_depth_max: u32,
    /// Bytes of all values that the run builds, as the language accounts for them.
    pub value_bytes_max: u64,
    /// Raises, effects, directives, timers and arrangements together.
    pub wishes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel_max: 10_000_000,
            call_depth_max: 128,
            value_bytes_max: 64 << 20,
            wishes_max: 10_000,
        }
    }
}
