//! Expressions: what has a value.

use super::{ActionBlock, Declaration, Identifier, QualifiedName, Span, Text, Trail};

/// What has a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// Which form it has.
    pub kind: ExpressionKind,
    /// All of it, without parentheses around it.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionKind {
    /// `a + b`.
    Binary {
        /// The operator.
        operator: BinaryOperator,
        /// The operand before it.
        left: Box<Expression>,
        /// The operand after it.
        right: Box<Expression>,
    },
    /// `true`, `false`.
    Boolean(bool),
    /// `f(a, b = 1)`.
    Call {
        /// What is called; mostly a [`ExpressionKind::Name`].
        callee: Box<Expression>,
        /// The arguments: positional ones first.
        arguments: Vec<Argument>,
    },
    /// `<<text #{expression} text>>`.
    Chevron(Vec<Segment>),
    /// `condition => consequent | alternate`.
    Conditional {
        /// What decides.
        condition: Box<Expression>,
        /// The value if it holds.
        consequent: Box<Expression>,
        /// The value if not.
        alternate: Box<Expression>,
    },
    /// `defaction(a) { … }`.
    Defaction(Box<Defaction>),
    /// `function(a) { … }`.
    Function(Box<Function>),
    /// `object[index]`.
    Index {
        /// What is looked into.
        object: Box<Expression>,
        /// Where.
        index: Box<Expression>,
    },
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `{"a": 1}`.
    Map(Vec<Entry>),
    /// `object.name` without a call; deprecated.
    Member {
        /// What is looked into.
        object: Box<Expression>,
        /// What for.
        name: QualifiedName,
    },
    /// `object.name(a)`: the same as `name(object, a)`.
    MethodCall {
        /// The first argument.
        object: Box<Expression>,
        /// What is called; `x.time:add(…)` names a module's function.
        name: QualifiedName,
        /// The other arguments: positional ones first.
        arguments: Vec<Argument>,
    },
    /// `name`, `ent:name`, `time:now`.
    Name(QualifiedName),
    /// `null`.
    Null,
    /// `12`, `1.5`, `.5`; never negative, a sign is an operator.
    Number(f64),
    /// `object{path}`; the path is a text or a list.
    Path {
        /// What is looked into.
        object: Box<Expression>,
        /// Where.
        path: Box<Expression>,
    },
    /// `re#…#i`.
    Regexp(Regexp),
    /// `"…"`, its escapes resolved.
    Text(String),
    /// `seen "…" in ent:trail within 3 days` and its like; classic.
    Trail(Box<Trail>),
    /// `not a`.
    Unary {
        /// The operator.
        operator: UnaryOperator,
        /// Its operand.
        operand: Box<Expression>,
    },
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BinaryOperator {
    /// `+`.
    Add,
    /// `&&`.
    And,
    /// `<=>`: less, equal or greater, as numbers if both are.
    Compare,
    /// `cmp`: less, equal or greater, as texts.
    CompareText,
    /// `><`: a list has an element, a map has a key.
    Contains,
    /// `/`.
    Divide,
    /// `==`.
    Equal,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `like`: a text matches a regular expression.
    Like,
    /// `*`.
    Multiply,
    /// `!=`.
    NotEqual,
    /// `||`.
    Or,
    /// `%`.
    Remainder,
    /// `-`.
    Subtract,
}

/// Operators before one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnaryOperator {
    /// `-`.
    Negate,
    /// `not`.
    Not,
    /// `+`.
    Plus,
}

/// A stretch of a chevron.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    /// `#{expression}`.
    Expression(Expression),
    /// Text, its escapes resolved.
    Text(Text),
}

/// `"key": value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Text,
    /// The value.
    pub value: Expression,
    /// Both.
    pub span: Span,
}

/// An argument of a call or an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// How it is passed.
    pub kind: ArgumentKind,
    /// Its value.
    pub value: Expression,
    /// Both.
    pub span: Span,
}

impl Argument {
    /// Its name, whichever way it got it.
    pub fn name(&self) -> Option<&Identifier> {
        match &self.kind {
            ArgumentKind::Modifier(name) | ArgumentKind::Named(name) => Some(name),
            ArgumentKind::Positional => None,
        }
    }
}

/// How an argument is passed.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgumentKind {
    /// After the parentheses: `with name = value and …`, as classic KRL writes it.
    Modifier(Identifier),
    /// `name = value` inside the parentheses.
    Named(Identifier),
    /// By its place.
    Positional,
}

/// `function(parameters) { declarations return result }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// Its own names.
    pub declarations: Vec<Declaration>,
    /// What it gives.
    pub result: Expression,
    /// All of it.
    pub span: Span,
}

/// `defaction(parameters) { declarations actions return result }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaction {
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// `configure using a = 1 and b = 2`, as classic KRL writes defaults.
    pub configuration: Vec<Declaration>,
    /// Its own names.
    pub declarations: Vec<Declaration>,
    /// What it does.
    pub actions: ActionBlock,
    /// What it gives.
    pub result: Option<Expression>,
    /// All of it.
    pub span: Span,
}

/// `name` or `name = default`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The name.
    pub name: Identifier,
    /// The value if no argument is given; it may use the parameters before it.
    pub default: Option<Expression>,
    /// Both.
    pub span: Span,
}

/// A regular expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Regexp {
    /// The pattern, with the delimiter's escape resolved and all others as written.
    pub pattern: String,
    /// `g`: all matches.
    pub global: bool,
    /// `i`.
    pub ignore_case: bool,
    /// `m`.
    pub multiline: bool,
    /// How it is written.
    pub form: RegexpForm,
    /// All of it.
    pub span: Span,
}

/// How a regular expression is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegexpForm {
    /// `#…#`, classic.
    Bare,
    /// `re#…#`.
    Hash,
    /// `re/…/`, classic.
    Slash,
    /// `"…"` in an attribute filter, classic.
    Text,
}
