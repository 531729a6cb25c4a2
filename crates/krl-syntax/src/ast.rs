//! The tree of a ruleset, as it is written; names are not resolved and nothing is checked.
//!
//! Every node has a [`Span`]. Both generations of KRL share one tree: where the classic form of
//! 2012 says something in other words, the node keeps which words they were.

mod classic;
mod event;
mod expression;
mod rule;
mod span;

pub use classic::{
    Cache, Callback, Callbacks, Dataset, Dispatch, DispatchKind, Emission, Trail, TrailKind,
};
pub use event::{
    Aggregate, AggregateKind, AttributeFilter, EventExpression, EventExpressionKind, EventOperator,
    Period, Primitive, Quantifier, TimeUnit,
};
pub use expression::{
    Argument, ArgumentKind, BinaryOperator, Defaction, Entry, Expression, ExpressionKind, Function,
    Parameter, Regexp, RegexpForm, Segment, UnaryOperator,
};
pub use rule::{
    Action, ActionBlock, Attributes, BlockKind, Foreach, Guard, GuardKind, Level, Postlude,
    PostludeHead, Raise, Rule, RuleState, Schedule, ScheduleTime, Select, SelectKind, Statement,
    StatementKind,
};
pub use span::Span;

/// `ruleset RID { meta { … } global { … } rule … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruleset {
    /// The ruleset's id, such as `io.picolabs.some-thing`.
    pub rid: Identifier,
    /// Which generation of the language it is taken for.
    pub generation: Generation,
    /// `version "…"` directly in the ruleset; deprecated in favour of the one in `meta`.
    pub version: Option<Expression>,
    /// What the ruleset says about itself.
    pub meta: Option<Meta>,
    /// The lines of `dispatch { … }`; classic.
    pub dispatch: Vec<Dispatch>,
    /// The data sets and data sources of all `global` blocks, in order; classic.
    pub datasets: Vec<Dataset>,
    /// `css` and `emit` of all `global` blocks, in order; classic.
    pub emissions: Vec<Emission>,
    /// The declarations of all `global` blocks, in order.
    pub globals: Vec<Declaration>,
    /// The rules, in textual order.
    pub rules: Vec<Rule>,
    /// From `ruleset` to the closing brace.
    pub span: Span,
}

/// The generations of the language. A text is classic if it has a form that only the language of
/// 2009 to 2012 has, and none that only today's has. `spec/krl.md` lists both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// As the Kynetx Rules Engine ran it until 2012.
    Classic,
    /// As pico-engine runs it.
    #[default]
    Modern,
}

/// `meta { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// Its properties, in order; the same one may stand there twice.
    pub properties: Vec<Property>,
    /// The whole block.
    pub span: Span,
}

/// One property of `meta`.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// Which one, with its value.
    pub kind: PropertyKind,
    /// The property's name and value.
    pub span: Span,
}

/// The properties that `meta` may have.
#[derive(Clone, Debug, PartialEq)]
pub enum PropertyKind {
    /// `author "…"`.
    Author(Expression),
    /// `authz require user`; classic.
    Authorization,
    /// `configure using a = 1 b = 2`: defaults that `use module … with` overrides.
    Configure(Vec<Declaration>),
    /// `description "…"`, usually a chevron.
    Description(Expression),
    /// `errors to RID`.
    Errors(Identifier),
    /// `errors to RID version "…"`; classic.
    ErrorsVersion(Identifier, Text),
    /// `key name value`.
    Key(Identifier, Expression),
    /// `logging on` is true, `logging off` is false.
    Logging(bool),
    /// `name "…"`.
    Name(Expression),
    /// `provides a, b`: what other rulesets may use.
    Provides(Vec<Identifier>),
    /// `provides keys a, b to RID, RID`.
    ProvidesKeys {
        /// The names of the keys.
        keys: Vec<Identifier>,
        /// The rulesets that may read them.
        rulesets: Vec<Identifier>,
    },
    /// `use css resource "…"` and `use javascript resource name`; classic.
    Resource(Resource),
    /// `shares a, b`: what may be queried from outside.
    Shares(Vec<Identifier>),
    /// `sharing on` is true, `sharing off` is false: whether all functions that are provided may be
    /// queried from outside; classic.
    Sharing(bool),
    /// `use module RID …`.
    Use(Use),
    /// `version "…"`.
    Version(Expression),
}

/// `use module RID alias NAME with a = 1 and b = 2`.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// The ruleset that is used.
    pub rid: Identifier,
    /// `version "dev"`; classic.
    pub version: Option<Text>,
    /// The domain its names get here; without it, the RID is.
    pub alias: Option<Identifier>,
    /// What overrides the module's `configure using`.
    pub with: Vec<Declaration>,
}

/// `use css resource "…"`: what a web page was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Whether it says `css`; else it says `javascript`.
    pub css: bool,
    /// Its address, or the name of one that the engine knew.
    pub location: Expression,
}

/// `name = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// The name that is bound.
    pub name: Identifier,
    /// To what.
    pub value: Expression,
    /// Both.
    pub span: Span,
}

/// A bare word, or a RID; a RID and a rule's name may be a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Identifier {
    /// As written.
    pub name: String,
    /// Where.
    pub span: Span,
}

/// `name` or `domain:name`.
#[derive(Clone, Debug, PartialEq)]
pub struct QualifiedName {
    /// `ent` in `ent:x`, `time` in `time:now`; none for a name in scope.
    pub domain: Option<Identifier>,
    /// The name itself.
    pub name: Identifier,
    /// Both.
    pub span: Span,
}

/// The value of a string literal or of a stretch of a chevron, its escapes resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says.
    pub value: String,
    /// Where, quotes included.
    pub span: Span,
}
