//! A compiled ruleset: the tree with every name resolved.
//!
//! Names are gone: a local is a slot some frames up, a global a position, a module's member a
//! module and a name. A `site` is the byte offset where something stands in the source; it names
//! places in errors, and it names questions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use stratus_event::{Map as DataMap, Name, Value as Data};
use stratus_pen::language::Outline;

use crate::{library::Property, value::Value};

/// A compiled ruleset. It never changes, and every PEN that has it installed shares it.
#[derive(Debug)]
pub(crate) struct Ruleset {
    pub(crate) rid: Name,
    pub(crate) about: About,
    pub(crate) lines: Lines,
    pub(crate) globals: Vec<Global>,
    pub(crate) modules: Vec<Module>,
    pub(crate) module_rids: Vec<Name>,
    pub(crate) provided: BTreeSet<String>,
    pub(crate) shared: Vec<Name>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) outlines: Vec<Outline>,
    pub(crate) conditions: Vec<Condition>,
    /// Variables whose time of writing is kept.
    pub(crate) timed: BTreeSet<Name>,
    /// The ruleset that is told of errors too.
    pub(crate) errors_to: Option<Name>,
    /// The secrets of `meta`, by their names.
    pub(crate) keys: BTreeMap<String, Key>,
    /// What a web page of 2009 was given before any rule's: names of directives, and their options.
    pub(crate) preface: Vec<(&'static str, Expression)>,
}

impl Ruleset {
    /// The position of a global by its name.
    pub(crate) fn global(&self, name: &str) -> Option<usize> {
        self.globals.iter().position(|global| global.name == name)
    }
}

/// What a ruleset says about itself: constant texts of `meta`.
#[derive(Debug, Default)]
pub(crate) struct About {
    pub(crate) author: Data,
    pub(crate) description: Data,
    pub(crate) name: Data,
    pub(crate) version: Data,
}

/// A declaration of `global`, or of `configure using`.
#[derive(Debug)]
pub(crate) struct Global {
    pub(crate) name: String,
    pub(crate) value: Expression,
    /// Whether `use module … with` may override it.
    pub(crate) configurable: bool,
}

/// A secret of `meta`: one text, whose part has no name, or several by their names.
pub(crate) struct Key {
    pub(crate) parts: Vec<(String, String)>,
    /// The other rulesets that it is provided to.
    pub(crate) readers: BTreeSet<Name>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key for {:?}", self.readers)
    }
}

/// A ruleset used as a module.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) rid: Name,
    pub(crate) alias: String,
    pub(crate) with: Vec<(String, Expression)>,
}

/// Where lines begin, to name places.
#[derive(Debug)]
pub(crate) struct Lines {
    starts: Vec<usize>,
    source: Box<str>,
}

impl Lines {
    pub(crate) fn new(source: &str) -> Self {
        let starts = std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1));
        Self {
            starts: starts.collect(),
            source: source.into(),
        }
    }

    /// The text itself.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.source.get(start..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// An expression, and where it stands.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) code: Code,
    pub(crate) site: u32,
}

/// What an expression does.
#[derive(Debug)]
pub(crate) enum Code {
    And(Box<Expression>, Box<Expression>),
    /// An attribute of the event: a plain name in `where`, `event:attr("…")`, `event:attrs{"…"}`.
    Attribute(String),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Call(Box<Expression>, Arguments),
    Closure(Arc<Function>),
    Concatenate(Vec<Expression>),
    Conditional(Box<[Expression; 3]>),
    Constant(Value),
    /// A constant that is counted when it is used.
    Data(Data),
    /// Something that is not there.
    Fail(&'static str, String),
    /// The value at a path in another.
    Get(Box<Expression>, Box<Expression>),
    Global(usize),
    List(Vec<Expression>),
    Local(Local),
    Map(Vec<(Arc<str>, Expression)>),
    /// A name that a used module provides.
    Member(usize, String),
    Negate(Box<Expression>),
    Not(Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    /// What a built-in module knows, such as `event:attrs`.
    Property(&'static Property),
    /// What a trail, or a variable that remembers when it was written, has to say.
    Trail(Box<Trail>),
    /// A persistent variable.
    Variable(Name),
}

/// A question to a variable that remembers.
#[derive(Debug)]
pub(crate) struct Trail {
    pub(crate) variable: Name,
    pub(crate) kind: TrailKind,
    /// Milliseconds, at most that long ago.
    pub(crate) within: Option<Expression>,
}

/// What is asked of it.
#[derive(Debug)]
pub(crate) enum TrailKind {
    Compared(Option<(Operator, Expression)>),
    Current,
    History(Expression),
    Seen(Expression),
    /// Whether the first was seen after the second; else, before it.
    SeenInOrder(Expression, bool, Expression),
}

/// A slot of a frame: the current one, or some functions out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) up: u32,
    pub(crate) slot: usize,
}

/// Operators that are evaluated on both operands' values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Compare,
    CompareText,
    Contains,
    Divide,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Like,
    Multiply,
    NotEqual,
    Remainder,
    Subtract,
}

impl Operator {
    /// Whether it says yes or no.
    pub(crate) fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Contains
                | Self::Equal
                | Self::Greater
                | Self::GreaterOrEqual
                | Self::Less
                | Self::LessOrEqual
                | Self::Like
                | Self::NotEqual
        )
    }
}

/// The arguments of a call.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Expression>,
    pub(crate) named: Vec<(String, Expression)>,
}

/// A function or a defaction.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) site: u32,
    /// Parameters take the first slots, in order.
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) slots: usize,
    pub(crate) declarations: Vec<Declaration>,
    /// A defaction's actions; none in a function.
    pub(crate) actions: Option<ActionBlock>,
    pub(crate) result: Option<Expression>,
}

/// A parameter and what it is if nothing is given.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) default: Option<Expression>,
}

/// A slot and what goes into it.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) slot: usize,
    pub(crate) value: Expression,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: Name,
    pub(crate) site: u32,
    pub(crate) slots: usize,
    /// What the event expression binds, and where it goes.
    pub(crate) bindings: Vec<(Name, usize)>,
    pub(crate) foreach: Vec<Foreach>,
    pub(crate) prelude: Vec<Declaration>,
    pub(crate) actions: Option<ActionBlock>,
    pub(crate) postlude: Postlude,
    /// What a page was to call back for: options of a directive, sent if the rule fires.
    pub(crate) callbacks: Option<DataMap>,
    /// Whether one iteration may change what a later one reads.
    pub(crate) writes: bool,
}

/// One level of a rule's repetition.
#[derive(Debug)]
pub(crate) struct Foreach {
    pub(crate) collection: Expression,
    pub(crate) slots: Vec<usize>,
}

/// Actions under a condition.
#[derive(Debug)]
pub(crate) struct ActionBlock {
    pub(crate) condition: Option<Expression>,
    /// What the condition compares: where each operand stands, and its text.
    pub(crate) operands: Vec<(u32, Box<str>)>,
    /// What is done before the others: classic `emit`.
    pub(crate) first: Option<Action>,
    pub(crate) kind: BlockKind,
    pub(crate) actions: Vec<Action>,
    pub(crate) site: u32,
}

/// Which of the actions are done.
#[derive(Debug)]
pub(crate) enum BlockKind {
    Choose(Expression),
    Every,
    Sample,
}

/// One action.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) label: Option<String>,
    pub(crate) callee: Expression,
    pub(crate) arguments: Arguments,
    pub(crate) setting: Vec<usize>,
    pub(crate) site: u32,
}

/// What follows the actions.
#[derive(Debug, Default)]
pub(crate) struct Postlude {
    pub(crate) fired: Vec<Statement>,
    pub(crate) notfired: Vec<Statement>,
    pub(crate) always: Vec<Statement>,
}

/// A statement of a postlude.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) guard: Guard,
    pub(crate) kind: StatementKind,
    pub(crate) site: u32,
}

/// When a statement is done.
#[derive(Debug)]
pub(crate) enum Guard {
    Always,
    Final,
    If(Expression),
}

/// The statements.
#[derive(Debug)]
pub(crate) enum StatementKind {
    Assign {
        variable: Name,
        path: Option<Expression>,
        value: Expression,
    },
    Clear {
        variable: Name,
        path: Option<Expression>,
    },
    Declare(Declaration),
    Error(&'static str, Expression),
    Forget {
        variable: Name,
        pattern: Expression,
    },
    Increment {
        variable: Name,
        path: Option<Expression>,
        amount: Expression,
        negative: bool,
        start: Option<Expression>,
    },
    Last,
    Log(&'static str, Expression),
    Mark {
        variable: Name,
        place: Option<Expression>,
    },
    Raise(Raise),
    Schedule {
        time: ScheduleTime,
        raise: Raise,
        setting: Option<usize>,
    },
}

/// When an event is raised that does not come at once.
#[derive(Debug)]
pub(crate) enum ScheduleTime {
    At(Expression),
    /// A cron expression, or a map of one and a time zone.
    Repeat(Expression),
}

/// An event to raise.
#[derive(Debug)]
pub(crate) struct Raise {
    /// None: the kind's text is `domain:type`.
    pub(crate) domain: Option<Name>,
    pub(crate) kind: Expression,
    pub(crate) recipient: Option<Expression>,
    pub(crate) attributes: Option<Expression>,
}

/// A compiled `where`.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) expression: Expression,
    pub(crate) slots: usize,
    pub(crate) bindings: BTreeMap<Name, usize>,
}
