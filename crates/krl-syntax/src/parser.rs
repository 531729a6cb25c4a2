//! Tokens to tree.
//!
//! A recursive descent over the tokens, with operator precedence where there are operators. A
//! function that meets an error returns it; the nearest block reports it, skips to where its next
//! item begins and goes on.

mod action;
mod classic;
mod cursor;
mod event;
mod expression;
mod function;
mod literal;
mod meta;
mod operand;
mod postlude;
mod recovery;
mod rule;
mod ruleset;
mod suggestion;

pub(crate) use ruleset::is_classic_rid;

use crate::{
    ast::{Expression, Generation, Ruleset, Span},
    diagnostic::{Diagnostic, Severity},
    layout::Layout,
    lexer::{Token, TokenKind, tokens},
};

/// Reads a ruleset of at most [`SOURCE_BYTES_MAX`].
pub fn parse_ruleset(source: &str) -> Parsed {
    parse_ruleset_within(source, SOURCE_BYTES_MAX)
}

/// Reads a ruleset of at most so many bytes. A longer one is not read: `krl-source-too-long`.
pub fn parse_ruleset_within(source: &str, source_bytes_max: usize) -> Parsed {
    read(source, source_bytes_max).0
}

/// Reads a ruleset and says how its tokens are to be laid out.
pub(crate) fn read(source: &str, source_bytes_max: usize) -> (Parsed, Layout) {
    if source.len() > source_bytes_max {
        let diagnostics = vec![too_long(source, source_bytes_max)];
        return (Parsed::failed(diagnostics), Layout::default());
    }
    let mut parser = Parser::new(source);
    let mut ruleset = parser.all(Parser::ruleset);
    if parser.generation() == Generation::Classic && parser.forms.beestings {
        // What stands in its strings is to be read as well.
        parser = Parser::new(source);
        parser.beestings = true;
        ruleset = parser.all(Parser::ruleset);
    }
    let parsed = Parsed {
        ruleset,
        evidence: parser.evidence(),
        skipped: parser.skipped,
        diagnostics: parser.diagnostics,
    };
    (parsed, parser.layout)
}

/// Reads one expression, with nothing after it.
pub fn parse_expression(source: &str) -> (Option<Expression>, Vec<Diagnostic>) {
    if source.len() > SOURCE_BYTES_MAX {
        return (None, vec![too_long(source, SOURCE_BYTES_MAX)]);
    }
    let mut parser = Parser::new(source);
    let expression = parser.all(Parser::expression);
    (expression, parser.diagnostics)
}

/// What has been read of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The tree. Where there are errors, the parts that could not be read are missing in it, so it
    /// is good for looking things up, not for running.
    pub ruleset: Option<Ruleset>,
    /// The first form that shows the generation; none if nothing does, which makes it modern.
    pub evidence: Option<Span>,
    /// What was passed over to go on after an error. It is not in the tree.
    pub skipped: Vec<Span>,
    /// What is wrong, in the order of the source.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    fn failed(diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            ruleset: None,
            evidence: None,
            skipped: Vec::new(),
            diagnostics,
        }
    }

    /// The tree if the source is without errors, and else the diagnostics.
    pub fn complete(self) -> Result<Ruleset, Vec<Diagnostic>> {
        let failed = self.has_errors();
        self.ruleset.filter(|_| !failed).ok_or(self.diagnostics)
    }

    /// Which generation of the language the source is taken for.
    pub fn generation(&self) -> Generation {
        let ruleset = self.ruleset.as_ref();
        ruleset.map_or(Generation::default(), |ruleset| ruleset.generation)
    }

    /// Whether any of the diagnostics is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Bytes of a source that [`parse_ruleset`] reads. A longer one is not read:
/// `krl-source-too-long`.
pub const SOURCE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Brackets in brackets, functions in functions, signs before signs. The parser calls itself for
/// each, so this bounds its stack (below 1 MiB in an unoptimised build). Beyond:
/// `krl-nested-too-deep`.
pub const NESTING_DEPTH_MAX: usize = 64;

/// Nodes from the root of an expression to its farthest leaf. A chain of operators or calls
/// (`a + b + c`) makes one for each. It bounds the stack of all that goes through a tree. Beyond:
/// `krl-nested-too-deep`.
pub const TREE_DEPTH_MAX: usize = 128;

/// Diagnostics that are told of one source. After them comes `krl-too-many-errors`.
pub const DIAGNOSTICS_MAX: usize = 100;

/// What a parsing function gives: a node, or the error that kept it from making one.
type Outcome<T> = Result<T, Box<Diagnostic>>;

/// Where in a source the parser is.
struct Parser<'a> {
    source: &'a str,
    /// The tokens that mean something.
    tokens: Vec<Token>,
    /// Which of them is next.
    position: usize,
    /// How deep in the tree the parser is.
    depth: usize,
    /// How tall the subtrees are that this level has made so far.
    height: usize,
    /// Whether the rule's actions so far stood one after the other, with no word that joins them.
    sequential: bool,
    /// Whether the condition of an event is read, which a bracket on the next line does not go on.
    in_condition: bool,
    /// Whether `#{…}` in a string is an expression.
    beestings: bool,
    /// The token before which an operand was found missing last.
    operand_missing: Option<usize>,
    forms: Forms,
    layout: Layout,
    skipped: Vec<Span>,
    diagnostics: Vec<Diagnostic>,
}

/// Forms of the language that show its generation.
#[derive(Default)]
struct Forms {
    /// The first that only the classic language has.
    classic: Option<Span>,
    /// The first that only the modern language has.
    modern: Option<Span>,
    /// What is to be reported of a modern ruleset only.
    slips: Vec<Diagnostic>,
    /// Whether there is a string with `#{` that was taken as it stands.
    beestings: bool,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Self {
        let mut parser = Self {
            source,
            tokens: Vec::with_capacity(source.len() / TOKEN_BYTES),
            position: 0,
            depth: 0,
            height: 0,
            sequential: false,
            in_condition: false,
            beestings: false,
            operand_missing: None,
            forms: Forms::default(),
            layout: Layout::default(),
            skipped: Vec::new(),
            diagnostics: Vec::new(),
        };
        for token in tokens(source) {
            parser.take(token);
        }
        parser.layout.marks.resize(parser.tokens.len(), 0);
        parser
    }

    /// Reads all of the source as one thing.
    fn all<T>(&mut self, thing: impl FnOnce(&mut Self) -> Outcome<T>) -> Option<T> {
        let read = thing(self).and_then(|node| self.finished().map(|()| node));
        let node = read.map_err(|diagnostic| self.report(*diagnostic)).ok();
        if self.generation() == Generation::Modern {
            for slip in std::mem::take(&mut self.forms.slips) {
                self.report(slip);
            }
        }
        self.diagnostics.sort_by_key(Diagnostic::span);
        node
    }

    /// Takes in a token: leaves out those that mean nothing and reports those that are wrong.
    fn take(&mut self, mut token: Token) {
        if let Some(diagnostic) = complaint(token, self.source) {
            self.report(diagnostic);
        }
        match token.kind {
            TokenKind::UnclosedRegexp => token.kind = TokenKind::Regexp,
            TokenKind::UnclosedString => token.kind = TokenKind::String,
            TokenKind::Illegal | TokenKind::UnclosedComment => return,
            kind if kind.is_trivia() => return,
            _ => {}
        }
        self.tokens.push(token);
    }

    /// Notes a problem. One that lies directly after the one before it and is of the same kind
    /// says nothing new, and neither does one at or directly behind an operator without operand.
    fn report(&mut self, diagnostic: Diagnostic) {
        let end = self.tokens.last().map_or(0, |token| token.span.end);
        let start = |at| {
            self.tokens
                .get(at)
                .map_or(end, |token: &Token| token.span.start)
        };
        let place = diagnostic.span().start;
        if self
            .operand_missing
            .is_some_and(|at| [at, at + 1].map(start).contains(&place))
        {
            return;
        }
        let adjoins = self.diagnostics.last_mut().filter(|last| {
            last.code == ILLEGAL_CHARACTER
                && diagnostic.code == ILLEGAL_CHARACTER
                && last.span().end == diagnostic.span().start
        });
        if let Some((span, _)) = adjoins.and_then(|last| last.labels.first_mut()) {
            span.end = diagnostic.span().end;
        } else if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic);
        } else if self.diagnostics.len() == DIAGNOSTICS_MAX {
            self.diagnostics.push(too_many(diagnostic.span()));
        }
    }
}

/// What is wrong with a token, whatever stands around it.
fn complaint(token: Token, source: &str) -> Option<Diagnostic> {
    let (code, title, help) = match token.kind {
        TokenKind::Illegal => {
            let title = format!(
                "`{}` has no meaning in KRL",
                token.span.text(source).escape_debug()
            );
            return Some(Diagnostic::error(ILLEGAL_CHARACTER, title, token.span));
        }
        TokenKind::UnclosedComment => ("krl-unclosed-comment", "the comment never ends", "`*/`"),
        TokenKind::UnclosedRegexp => (
            "krl-unclosed-regexp",
            "the regular expression never ends",
            "`#`",
        ),
        TokenKind::UnclosedString => ("krl-unclosed-string", "the string never ends", "its quote"),
        _ => return None,
    };
    Some(Diagnostic::error(code, title, token.span).help(format!("close it with {help}")))
}

fn too_long(source: &str, bytes_max: usize) -> Diagnostic {
    let title = format!(
        "the source has {} bytes, {bytes_max} are allowed",
        source.len()
    );
    Diagnostic::error("krl-source-too-long", title, Span::default())
        .help("split it into several rulesets and let one use the others as modules")
}

fn too_many(span: Span) -> Diagnostic {
    let title = format!("more than {DIAGNOSTICS_MAX} problems; the others are not shown");
    Diagnostic::error("krl-too-many-errors", title, span)
}

/// What a token that means something takes of a source with its blanks, as a rule.
const TOKEN_BYTES: usize = 6;

/// The code of characters that are no part of the language.
const ILLEGAL_CHARACTER: &str = "krl-illegal-character";
