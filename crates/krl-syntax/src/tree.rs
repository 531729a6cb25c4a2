//! A source with nothing left out.

use crate::{
    ast::{Generation, Span},
    diagnostic::Diagnostic,
    lexer::{Token, TokenKind, tokenize},
    parser::{Parsed, parse_ruleset},
};

/// A source, its tokens with comments and blanks among them, and the ruleset in it. The ruleset's
/// nodes are views: each has a span, and [`Tree::within`] gives the tokens of a span.
#[derive(Clone, Debug)]
pub struct Tree {
    source: String,
    tokens: Vec<Token>,
    parsed: Parsed,
}

impl Tree {
    /// Reads a source. However wrong it is, nothing of it is lost.
    pub fn parse(source: impl Into<String>) -> Self {
        let source = source.into();
        Self {
            tokens: tokenize(&source),
            parsed: parse_ruleset(&source),
            source,
        }
    }

    /// The source again, put together from the tokens.
    pub fn text(&self) -> String {
        self.tokens
            .iter()
            .map(|token| token.span.text(&self.source))
            .collect()
    }

    /// All tokens, in the order of the source.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The tokens that lie in a span.
    pub fn within(&self, span: Span) -> &[Token] {
        let first = self.index(span.start);
        let end = self
            .tokens
            .partition_point(|token| token.span.end <= span.end);
        self.tokens.get(first..end.max(first)).unwrap_or_default()
    }

    /// The token that covers a byte offset.
    pub fn token_at(&self, offset: usize) -> Option<Token> {
        let index = self
            .tokens
            .partition_point(|token| token.span.end <= offset);
        self.tokens.get(index).copied()
    }

    /// The comments and blanks directly before a node that begins at a byte offset.
    pub fn trivia_before(&self, offset: usize) -> &[Token] {
        let end = self.index(offset);
        let before = self.tokens.get(..end).unwrap_or_default();
        let meaning = before.iter().rposition(|token| !token.kind.is_trivia());
        before
            .get(meaning.map_or(0, |index| index + 1)..)
            .unwrap_or_default()
    }

    /// The texts of all comments, in the order of the source, without the line ends behind them.
    pub fn comments(&self) -> impl Iterator<Item = &str> {
        let comments = self.tokens.iter().filter(|token| is_comment(token.kind));
        comments.map(|token| token.span.text(&self.source).trim_end())
    }

    /// The source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What has been read: the ruleset, its generation, what is wrong.
    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// Which generation of the language the source is taken for.
    pub fn generation(&self) -> Generation {
        self.parsed.generation()
    }

    /// What is wrong with the source.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.parsed.diagnostics
    }

    /// The index of the first token that begins at an offset or behind it.
    fn index(&self, offset: usize) -> usize {
        self.tokens
            .partition_point(|token| token.span.start < offset)
    }
}

/// Whether a token is a comment.
pub(crate) fn is_comment(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::BlockComment | TokenKind::LineComment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "// one\nruleset a { // two\n  /* three */ rule b {} ~\n";

    #[test]
    fn nothing_is_lost() {
        let tree = Tree::parse(SOURCE);
        assert_eq!(tree.text(), SOURCE);
        assert_eq!(tree.source(), SOURCE);
        let comments: Vec<_> = tree.comments().collect();
        assert_eq!(comments, ["// one", "// two", "/* three */"]);
        assert!(!tree.diagnostics().is_empty());
    }

    #[test]
    fn a_node_is_a_view() {
        let tree = Tree::parse(SOURCE);
        let rule = &tree.parsed().ruleset.as_ref().unwrap().rules[0];
        let texts: Vec<_> = tree
            .within(rule.span)
            .iter()
            .map(|token| token.span.text(SOURCE))
            .collect();
        assert_eq!(texts, ["rule", " ", "b", " ", "{", "}"]);
        let before = tree.trivia_before(rule.span.start);
        assert_eq!(before.len(), 5);
        assert_eq!(
            tree.token_at(rule.span.start).unwrap().span.text(SOURCE),
            "rule"
        );
        assert_eq!(tree.token_at(SOURCE.len()), None);
    }
}
