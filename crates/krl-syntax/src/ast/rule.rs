//! Rules: event, condition, action, and what follows.

use super::{
    Argument, Callbacks, Declaration, EventExpression, Expression, Identifier, QualifiedName, Span,
};

/// `rule name { select when … foreach … pre { … } if … then action() always { … } }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name.
    pub name: Identifier,
    /// Whether it is woken at all.
    pub state: RuleState,
    /// What wakes it.
    pub select: Option<Select>,
    /// What it is repeated over, outermost first.
    pub foreach: Vec<Foreach>,
    /// The declarations in `pre`.
    pub prelude: Vec<Declaration>,
    /// What `emit` before the actions sends to the browser, a text; classic.
    pub emission: Option<Expression>,
    /// Its condition and actions.
    pub actions: Option<ActionBlock>,
    /// What shows whether the rule did what it was for; classic.
    pub callbacks: Option<Callbacks>,
    /// What happens after the actions.
    pub postlude: Option<Postlude>,
    /// All of it.
    pub span: Span,
}

/// `is active`, which is the default, or `is inactive`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleState {
    /// It is woken by what it selects.
    #[default]
    Active,
    /// It never is.
    Inactive,
    /// It is woken, but only where its author tests it; classic.
    Test,
}

/// `select …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// By what.
    pub kind: SelectKind,
    /// All of it.
    pub span: Span,
}

/// By what a rule is selected.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectKind {
    /// `select when …`. A `within` is an event expression.
    When(EventExpression),
    /// `select where …`: by a condition only.
    Where(Expression),
}

/// `foreach collection setting (value, key)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreach {
    /// What is gone through.
    pub collection: Expression,
    /// The variables: the value, then its key or index.
    pub setting: Vec<Identifier>,
    /// All of it.
    pub span: Span,
}

/// `if condition then` and the actions.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionBlock {
    /// What must hold for the actions to be done and the rule to have fired.
    pub condition: Option<Expression>,
    /// Which of the actions are done.
    pub kind: BlockKind,
    /// The actions.
    pub actions: Vec<Action>,
    /// All of it.
    pub span: Span,
}

/// Which actions of a block are done.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockKind {
    /// `choose e { … }`: the one whose label is the expression's value.
    Choose(Expression),
    /// `every { … }`: all.
    Every,
    /// `sample { … }`: one, at random.
    Sample,
    /// An action without a block around it.
    Single,
}

/// `label => domain:name(arguments) setting(result)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The label that `choose` goes by.
    pub label: Option<Identifier>,
    /// What is done.
    pub name: QualifiedName,
    /// With what: positional arguments, then named ones, then classic modifiers.
    pub arguments: Vec<Argument>,
    /// The variables that take the results.
    pub setting: Vec<Identifier>,
    /// All of it.
    pub span: Span,
}

/// What happens after the actions. A block that is not written is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Postlude {
    /// Which block stands first. `else` is the one of `fired` and `notfired` that does not.
    pub head: PostludeHead,
    /// If the rule fired.
    pub fired: Option<Vec<Statement>>,
    /// If it did not.
    pub notfired: Option<Vec<Statement>>,
    /// Either way: `always`, or `finally` after the others.
    pub always: Option<Vec<Statement>>,
    /// All of it.
    pub span: Span,
}

/// The word that a postlude begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PostludeHead {
    /// `always`.
    Always,
    /// `fired`.
    Fired,
    /// `notfired`.
    NotFired,
}

/// A statement of a postlude.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Which.
    pub kind: StatementKind,
    /// When it is done.
    pub guard: Option<Guard>,
    /// All of it, guard included.
    pub span: Span,
}

/// The statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `ent:name := value` or `ent:name{path} := value`; classic KRL writes `set ent:name value`,
    /// where the value may be left out and is then true.
    Assign {
        /// The variable.
        variable: QualifiedName,
        /// Where in it.
        path: Option<Expression>,
        /// What it becomes.
        value: Expression,
    },
    /// `clear ent:name` or `clear ent:name{path}`.
    Clear {
        /// The variable.
        variable: QualifiedName,
        /// Where in it.
        path: Option<Expression>,
    },
    /// `name = value`.
    Declare(Declaration),
    /// `error level value`. Classic KRL may leave out the level, which is then `error`.
    Error(Level, Expression),
    /// `forget "pattern" in ent:trail`; classic.
    Forget {
        /// What the places match that are taken out.
        pattern: Expression,
        /// The trail.
        variable: QualifiedName,
    },
    /// `ent:name += value from start`, or `-=`; classic.
    Increment {
        /// The variable.
        variable: QualifiedName,
        /// Where in it.
        path: Option<Expression>,
        /// Whether it is `-=`.
        negative: bool,
        /// By how much.
        amount: Expression,
        /// What it becomes if it has no value yet.
        start: Option<Expression>,
    },
    /// `last`: no further rule of this ruleset for this event.
    Last,
    /// `log level value`. Classic KRL may leave out the level, which is then `info`.
    Log(Level, Expression),
    /// `mark ent:trail` or `mark ent:trail with place`; classic.
    Mark {
        /// The trail.
        variable: QualifiedName,
        /// What is added to it; without it, the address of the page.
        place: Option<Expression>,
    },
    /// `raise …`.
    Raise(Raise),
    /// `schedule …`.
    Schedule(Schedule),
}

/// When a statement is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// Which condition.
    pub kind: GuardKind,
    /// All of it.
    pub span: Span,
}

/// The conditions of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum GuardKind {
    /// `on final`: in the last iteration only.
    Final,
    /// `if condition`.
    If(Expression),
}

/// `raise domain event name for rid attributes map`.
#[derive(Clone, Debug, PartialEq)]
pub struct Raise {
    /// The domain. Without it, the name is `"domain:type"`.
    pub domain: Option<Identifier>,
    /// The event's type. In the classic form, a bare name that nothing binds stands for its text.
    pub name: Expression,
    /// For which ruleset or rulesets only (`for`).
    pub recipient: Option<Expression>,
    /// What the event carries.
    pub attributes: Option<Attributes>,
}

/// `schedule domain event name at time attributes map setting(id)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The domain. Without it, the name is `"domain:type"`.
    pub domain: Option<Identifier>,
    /// The event's type. In the classic form, a bare name that nothing binds stands for its text.
    pub name: Expression,
    /// When.
    pub time: ScheduleTime,
    /// What the event carries.
    pub attributes: Option<Attributes>,
    /// The variable that takes the id by which it can be removed.
    pub setting: Option<Identifier>,
}

/// When a scheduled event is raised.
#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleTime {
    /// `at time`: once.
    At(Expression),
    /// `repeat "5 0 * * *"`: as the pattern says.
    Repeat(Expression),
}

/// What a raised event carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Attributes {
    /// `attributes map`.
    Map(Expression),
    /// `with a = 1 and b = 2`, as classic KRL writes it.
    Modifiers(Vec<Declaration>),
}

/// How grave a log entry or error is, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `error`.
    Error,
    /// `warn`.
    Warn,
    /// `info`.
    Info,
    /// `debug`.
    Debug,
}
