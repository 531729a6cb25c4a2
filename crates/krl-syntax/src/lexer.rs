//! Text to tokens.

use crate::ast::Span;

/// Splits a source into tokens. Nothing is left out: the tokens' texts, put together, are the
/// source. What cannot be part of any token is a token too, and the parser reports it.
pub fn tokenize(source: &str) -> Vec<Token> {
    tokens(source).collect()
}

/// The tokens of a source, one by one.
pub(crate) fn tokens(source: &str) -> impl Iterator<Item = Token> {
    Lexer {
        source,
        position: 0,
        contexts: Vec::new(),
        unclosed: false,
    }
}

/// Splits what stands in a string from an offset on, behind a `#{`, up to its `}`; none if it has
/// none before the end of the text.
pub(crate) fn tokenize_beesting(text: &str, from: usize) -> Option<Vec<Token>> {
    let mut lexer = Lexer {
        source: text,
        position: from,
        contexts: vec![Context::Beesting(0)],
        unclosed: false,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next() {
        tokens.push(token);
        if lexer.contexts.is_empty() {
            return Some(tokens);
        }
    }
    None
}

/// The smallest part of a source that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// `}` after the expression in a chevron.
    BeestingClose,
    /// `#{` in a chevron.
    BeestingOpen,
    /// `/* … */`, not nested.
    BlockComment,
    /// `>>`.
    ChevronClose,
    /// `<<`.
    ChevronOpen,
    /// Text in a chevron, escapes as written.
    ChevronText,
    /// A character that begins no token.
    Illegal,
    /// `<| … |>`, classic: a text of `JavaScript`.
    JavaScript,
    /// `// …` with the end of its line.
    LineComment,
    /// `12`, `1.5`, `.5`.
    Number,
    /// An operator, a bracket or a separator.
    Punctuation,
    /// `re#…#` and, classic, `re/…/` and `#…#`, with their flags.
    Regexp,
    /// `"…"` and `'…'`, escapes as written.
    String,
    /// A name or a word of the language.
    Symbol,
    /// `/*` without its `*/`.
    UnclosedComment,
    /// `re#` without its second `#`.
    UnclosedRegexp,
    /// `"` or `'` without the second one.
    UnclosedString,
    /// Blanks and line ends.
    Whitespace,
}

impl TokenKind {
    /// Whether it means nothing to the parser.
    pub fn is_trivia(self) -> bool {
        matches!(
            self,
            Self::BlockComment | Self::LineComment | Self::Whitespace
        )
    }
}

/// Where in a source the lexer is.
struct Lexer<'a> {
    source: &'a str,
    position: usize,
    /// The chevrons that are open, innermost last.
    contexts: Vec<Context>,
    /// Whether a string without end has been met. From then on strings are sought in their line
    /// only: a source full of quotes must not be read to its end for each of them.
    unclosed: bool,
}

/// What the lexer is inside of.
enum Context {
    /// A beesting, with this many curly brackets open in it.
    Beesting(usize),
    /// The text of a chevron.
    Chevron,
}

impl Lexer<'_> {
    /// Reads one token.
    fn step(&mut self) -> Token {
        let (kind, length) = match self.contexts.last() {
            Some(Context::Chevron) => chevron_token(self.rest()),
            Some(Context::Beesting(0)) if self.rest().starts_with('}') => {
                (TokenKind::BeestingClose, 1)
            }
            _ => code_token(self.rest(), self.unclosed),
        };
        self.follow(kind, length);
        let start = self.position;
        self.position += length;
        Token {
            kind,
            span: Span::new(start, self.position),
        }
    }

    /// Keeps the contexts right for a token that is about to be given.
    fn follow(&mut self, kind: TokenKind, length: usize) {
        match kind {
            TokenKind::ChevronOpen => self.contexts.push(Context::Chevron),
            TokenKind::BeestingOpen => self.contexts.push(Context::Beesting(0)),
            TokenKind::ChevronClose | TokenKind::BeestingClose => {
                self.contexts.pop();
            }
            TokenKind::UnclosedString => self.unclosed = true,
            TokenKind::Punctuation if self.rest().starts_with("<|") => self.unclosed = true,
            TokenKind::Punctuation => self.count_curly(length),
            _ => {}
        }
    }

    /// Counts the curly brackets inside of a beesting.
    fn count_curly(&mut self, length: usize) {
        let text = self.rest().get(..length).unwrap_or_default();
        let opens = text == "{";
        let closes = text == "}";
        if let Some(Context::Beesting(open)) = self.contexts.last_mut() {
            *open = if opens {
                *open + 1
            } else {
                open.saturating_sub(usize::from(closes))
            };
        }
    }

    fn rest(&self) -> &str {
        self.source.get(self.position..).unwrap_or_default()
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        (self.position < self.source.len()).then(|| self.step())
    }
}

/// The token that a chevron's text begins with.
fn chevron_token(rest: &str) -> (TokenKind, usize) {
    if rest.starts_with(">>") {
        return (TokenKind::ChevronClose, 2);
    }
    if rest.starts_with("#{") {
        return (TokenKind::BeestingOpen, 2);
    }
    let bytes = rest.as_bytes();
    let ends = |at: usize| matches!(bytes.get(at..at + 2), Some(b">>" | b"#{"));
    (
        TokenKind::ChevronText,
        end_of_text(rest, 0, ends).unwrap_or(rest.len()),
    )
}

/// The token that anything else begins with; a short string ends in its line.
fn code_token(rest: &str, short: bool) -> (TokenKind, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    if first.is_whitespace() {
        return (
            TokenKind::Whitespace,
            length_while(rest, char::is_whitespace),
        );
    }
    if rest.starts_with("//") {
        return (
            TokenKind::LineComment,
            rest.find(['\r', '\n']).map_or(rest.len(), |end| end + 1),
        );
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if rest.starts_with("<<") {
        return (TokenKind::ChevronOpen, 2);
    }
    match first {
        '"' | '\'' => string(rest, first, short),
        '#' => regexp(rest, 1, '#').unwrap_or((TokenKind::Illegal, 1)),
        '<' if rest.starts_with("<|") => javascript(rest, short),
        'r' if rest.starts_with("re#") => {
            regexp(rest, 3, '#').unwrap_or_else(|| unclosed_regexp(rest))
        }
        'r' if rest.starts_with("re/") => regexp(rest, 3, '/').unwrap_or((TokenKind::Symbol, 2)),
        'a'..='z' | 'A'..='Z' | '_' | '$' => (TokenKind::Symbol, word_length(rest)),
        _ => number(rest).unwrap_or_else(|| punctuation(rest, first)),
    }
}

fn block_comment(rest: &str) -> (TokenKind, usize) {
    let body = rest.get(2..).unwrap_or_default();
    match body.find("*/") {
        Some(end) => (TokenKind::BlockComment, end + 4),
        None => (TokenKind::UnclosedComment, rest.len()),
    }
}

/// A string may span lines; one that never ends is taken for one that ends with its line, so that
/// what follows can still be read.
fn string(rest: &str, quote: char, short: bool) -> (TokenKind, usize) {
    let end = if short {
        end_in_line(rest, 1, quote)
    } else {
        end_of_text(rest, 1, |at| starts_at(rest, at, quote))
    };
    match end {
        Some(end) => (TokenKind::String, end + 1),
        None => (TokenKind::UnclosedString, first_line(rest)),
    }
}

/// `<| … |>`. Without its end it is two signs, of which the parser will think what it likes.
fn javascript(rest: &str, short: bool) -> (TokenKind, usize) {
    let sought = if short {
        rest.get(..first_line(rest)).unwrap_or_default()
    } else {
        rest
    };
    match sought.find("|>") {
        Some(end) => (TokenKind::JavaScript, end + 2),
        None => (TokenKind::Punctuation, 1),
    }
}

/// `re#…#gim`, whose text begins at an offset. The classic `re/…/` and `#…#` must end in their
/// line, because `re` may also be a name that is divided, and `#` a slip.
fn regexp(rest: &str, from: usize, delimiter: char) -> Option<(TokenKind, usize)> {
    let end = if rest.starts_with("re#") {
        end_of_text(rest, from, |at| starts_at(rest, at, delimiter))
    } else {
        end_in_line(rest, from, delimiter)
    };
    let end = end? + 1;
    let flags = length_while(rest.get(end..)?, |flag| matches!(flag, 'g' | 'i' | 'm'));
    Some((TokenKind::Regexp, end + flags))
}

fn unclosed_regexp(rest: &str) -> (TokenKind, usize) {
    (TokenKind::UnclosedRegexp, first_line(rest))
}

/// Where the text that begins at an offset ends, seeing that a backslash takes the character after
/// it out of consideration.
fn end_of_text(rest: &str, from: usize, ends: impl Fn(usize) -> bool) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(from) {
        if !escaped && ends(at) {
            return Some(at);
        }
        escaped = !escaped && byte == b'\\';
    }
    None
}

/// Where the text ends that must end in its line.
fn end_in_line(rest: &str, from: usize, delimiter: char) -> Option<usize> {
    let ends = |at| {
        [delimiter, '\r', '\n']
            .into_iter()
            .any(|end| starts_at(rest, at, end))
    };
    end_of_text(rest, from, ends).filter(|at| starts_at(rest, *at, delimiter))
}

/// Whether an ASCII character is at an offset.
fn starts_at(rest: &str, at: usize, character: char) -> bool {
    rest.as_bytes()
        .get(at)
        .is_some_and(|byte| char::from(*byte) == character)
}

fn number(rest: &str) -> Option<(TokenKind, usize)> {
    let whole = length_while(rest, |digit| digit.is_ascii_digit());
    let after = rest.get(whole..)?;
    let fraction = after.strip_prefix('.').map_or(0, |digits| {
        length_while(digits, |digit| digit.is_ascii_digit())
    });
    match (whole, fraction) {
        (0, 0) => None,
        (whole, 0) => Some((TokenKind::Number, whole)),
        (whole, fraction) => Some((TokenKind::Number, whole + 1 + fraction)),
    }
}

fn punctuation(rest: &str, first: char) -> (TokenKind, usize) {
    match PUNCTUATION.iter().find(|text| rest.starts_with(**text)) {
        Some(text) => (TokenKind::Punctuation, text.len()),
        None => (TokenKind::Illegal, first.len_utf8()),
    }
}

/// Words are ASCII.
fn word_length(text: &str) -> usize {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    text.bytes().take_while(is_word).count()
}

fn length_while(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|character| !holds(character))
        .unwrap_or(text.len())
}

fn first_line(text: &str) -> usize {
    text.find(['\r', '\n']).unwrap_or(text.len())
}

/// What is neither word nor literal; what begins with another one stands before it.
const PUNCTUATION: [&str; 29] = [
    "<=>", "<=", "<", "||", "|", "==", "=>", "=", ":=", ":", ">=", "><", ">", "&&", "!=", "(", ")",
    "{", "}", "[", "]", ",", "/", ".", "-", "%", "+", ";", "*",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classic_literals_are_tokens() {
        check(r"'it\'s'", &[TokenKind::String]);
        check(r"re/a\/b/gi", &[TokenKind::Regexp]);
        check("re#a/b#", &[TokenKind::Regexp]);
    }

    #[test]
    fn a_name_re_can_be_divided() {
        use TokenKind::{Number, Punctuation, Symbol, Whitespace};
        check("re/2", &[Symbol, Punctuation, Number]);
        check(
            "re/2\n/",
            &[Symbol, Punctuation, Number, Whitespace, Punctuation],
        );
    }

    #[test]
    fn what_never_ends_ends_with_its_line() {
        use TokenKind::{Number, UnclosedRegexp, UnclosedString, Whitespace};
        check("\"a\n1", &[UnclosedString, Whitespace, Number]);
        check("'a\r\n1", &[UnclosedString, Whitespace, Number]);
        check("re#a\n1", &[UnclosedRegexp, Whitespace, Number]);
    }

    #[test]
    fn an_unclosed_chevron_is_text_to_the_end() {
        check(
            "<<a } \"",
            &[TokenKind::ChevronOpen, TokenKind::ChevronText],
        );
    }

    fn check(source: &str, expected: &[TokenKind]) {
        let kinds: Vec<_> = tokenize(source).iter().map(|token| token.kind).collect();
        assert_eq!(kinds, expected, "{source}");
    }
}
