//! What only rulesets of the years 2009 to 2012 say.

use super::{Expression, Identifier, Period, QualifiedName, Span, Statement, Text};

/// A line of `dispatch { … }`: where a ruleset's web page events came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// Which line it is.
    pub kind: DispatchKind,
    /// All of it.
    pub span: Span,
}

/// The lines that `dispatch` may have.
#[derive(Clone, Debug, PartialEq)]
pub enum DispatchKind {
    /// `domain "example.com" -> "a16x66"`: pages of that domain, perhaps for another ruleset.
    Domain(Text, Option<Text>),
    /// `iframe "pattern"`: pages in frames whose address the pattern matches.
    Iframe(Text),
}

/// `dataset name:JSON <- "url" cachable for 3 hours`: a document that is fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The name that its content, or for a data source a function, gets.
    pub name: Identifier,
    /// Whether it says `datasource`: then the name is called with parameters to fetch.
    pub source: bool,
    /// `JSON`, `XML`, `RSS` or `HTML`; JSON if it says nothing.
    pub format: Option<Identifier>,
    /// Where it is.
    pub url: Text,
    /// Whether, and for how long, it may be kept.
    pub cache: Option<Cache>,
    /// All of it.
    pub span: Span,
}

/// `cachable for 3 hours`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// How long; if it says nothing, as long as the document lasts.
    pub period: Option<Period>,
    /// All of it.
    pub span: Span,
}

/// `css <<…>>` and `emit <<…>>` among the globals: what was sent to the browser.
#[derive(Clone, Debug, PartialEq)]
pub struct Emission {
    /// Whether it says `css`; else it says `emit`.
    pub css: bool,
    /// What is sent, a text.
    pub content: Expression,
    /// All of it.
    pub span: Span,
}

/// `callbacks { success { … } failure { … } }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Callbacks {
    /// What shows that the rule did what it was for.
    pub success: Vec<Callback>,
    /// What shows that it did not.
    pub failure: Vec<Callback>,
    /// All of it.
    pub span: Span,
}

/// `click id = "x" triggers ent:count += 1 from 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Callback {
    /// `click` or `change`.
    pub event: Identifier,
    /// The attribute by which the element of the page is found: `id`, `class`.
    pub attribute: Identifier,
    /// Its value.
    pub value: Text,
    /// What is done then.
    pub triggers: Option<Statement>,
    /// All of it.
    pub span: Span,
}

/// A test on a persistent variable that remembers when it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Trail {
    /// What is asked of it.
    pub kind: TrailKind,
    /// The variable.
    pub variable: QualifiedName,
    /// How long ago at most.
    pub within: Option<Period>,
}

/// What may be asked of a variable that remembers.
#[derive(Clone, Debug, PartialEq)]
pub enum TrailKind {
    /// `ent:count > 5 within 2 days`: its value compares so and is that young. Without an operator
    /// it must only be there.
    Compared(Option<(super::BinaryOperator, Expression)>),
    /// `current ent:trail`: the place added last.
    Current,
    /// `history 2 ent:trail`: the place added that many before the last.
    History(Expression),
    /// `seen "pattern" in ent:trail`.
    Seen(Expression),
    /// `seen "a" before "b" in ent:trail`; `after` if `after` is true.
    SeenInOrder {
        /// The pattern of the one place.
        first: Expression,
        /// Whether it says `after`.
        after: bool,
        /// The pattern of the other place.
        second: Expression,
    },
}
