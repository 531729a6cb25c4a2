//! Going on after an error.

use super::{Outcome, Parser};
use crate::{
    ast::{Expression, ExpressionKind, Span},
    layout::{CLOSE, ITEM, OPEN},
    lexer::TokenKind,
};

impl Parser<'_> {
    /// Reads `{ item; item … }`. Where an item is wrong, that is reported, and the reading goes on
    /// where the next one begins.
    pub(super) fn block<T>(
        &mut self,
        item: fn(&mut Self) -> Outcome<T>,
        begins: fn(&Self) -> bool,
    ) -> Outcome<(Vec<T>, Span)> {
        self.mark(OPEN);
        let opening = self.expect("{")?;
        let mut items = Vec::new();
        self.eat_stray_separators();
        while !self.at("}") && !self.at_end() && !self.at_rule() {
            self.mark(ITEM);
            items.extend(self.attempt(item, begins));
            self.eat_separators();
        }
        self.mark(CLOSE);
        let closing = self.close("}", opening)?;
        Ok((items, opening.to(closing)))
    }

    /// Reads an item; if it is wrong, reports that and skips it.
    pub(super) fn attempt<T>(
        &mut self,
        item: impl FnOnce(&mut Self) -> Outcome<T>,
        begins: fn(&Self) -> bool,
    ) -> Option<T> {
        let from = self.position;
        match item(self) {
            Ok(node) => Some(node),
            Err(diagnostic) => {
                self.report(*diagnostic);
                self.skip(from, begins);
                self.skipped_since(from);
                None
            }
        }
    }

    /// Goes to where the next item begins: on a line of its own or after `;`, outside of all the
    /// brackets that were opened since the item's first token; or to the `}` around it, or to the
    /// next rule.
    fn skip(&mut self, from: usize, begins: fn(&Self) -> bool) {
        let mut open = Vec::new();
        let reached = std::mem::replace(&mut self.position, from);
        while self.position < reached {
            self.skip_token(&mut open);
        }
        while !self.at_end() && !self.at_rule() && !self.at_outer_close(&open) {
            let next = open.is_empty() && self.position > from && self.at_fresh();
            if next && begins(self) {
                return;
            }
            self.skip_token(&mut open);
        }
    }

    /// Goes to what ends an element that is wrong: the `,` after it, or what closes the list. Where
    /// neither is near, says so and stays.
    pub(super) fn skip_to(&mut self, from: usize, ends: impl Fn(&Self) -> bool) -> bool {
        let mut open = Vec::new();
        let reached = std::mem::replace(&mut self.position, from);
        while self.position < reached {
            self.skip_token(&mut open);
        }
        for _ in 0..ELEMENT_TOKENS_MAX {
            if open.is_empty() && ends(self) {
                self.skipped_since(from);
                return true;
            }
            let other = open.is_empty() && self.at_fresh() && self.at_declaration();
            if self.at_end() || self.at_rule() || other || self.at_foreign(&open) {
                break;
            }
            self.skip_token(&mut open);
        }
        self.position = reached;
        false
    }

    /// Notes that the tokens from one on to the next are not in the tree.
    pub(super) fn skipped_since(&mut self, from: usize) {
        if let Some(first) = self.tokens.get(from) {
            self.skipped.push(self.since(first.span));
        }
    }

    /// Whether the next token ends what the list stands in.
    fn at_foreign(&self, open: &[Bracket]) -> bool {
        match self.bracket() {
            Some((bracket, false)) => !open.contains(&bracket),
            _ => open.is_empty() && self.at(";"),
        }
    }

    /// Goes over a token and keeps count of the brackets that are open.
    fn skip_token(&mut self, open: &mut Vec<Bracket>) {
        match self.bracket() {
            Some((bracket, true)) => open.push(bracket),
            Some((bracket, false)) => {
                if let Some(index) = open.iter().rposition(|opened| *opened == bracket) {
                    open.truncate(index);
                }
            }
            None => {}
        }
        self.advance();
    }

    /// Whether the next token closes what was open before the item began.
    fn at_outer_close(&self, open: &[Bracket]) -> bool {
        self.bracket() == Some((Bracket::Curly, false)) && !open.contains(&Bracket::Curly)
    }

    /// Whether the next token is the first on its line, or stands after a `;`.
    pub(super) fn at_fresh(&self) -> bool {
        self.fresh_at(0)
    }

    /// Whether the token at a place counted from the next one is the first on its line, or stands
    /// after a `;`.
    pub(super) fn fresh_at(&self, ahead: usize) -> bool {
        let index = self.position + ahead;
        let before = index
            .checked_sub(1)
            .and_then(|before| self.tokens.get(before));
        let before = before.map(|token| token.span).unwrap_or_default();
        let start = self
            .tokens
            .get(index)
            .map_or(before.end, |token| token.span.start);
        let between = Span::new(before.end, start);
        between.text(self.source).contains(['\r', '\n']) || before.text(self.source) == ";"
    }

    /// The bracket that is next, and whether it opens.
    fn bracket(&self) -> Option<(Bracket, bool)> {
        let token = self.token(0)?;
        match token.kind {
            TokenKind::BeestingOpen => Some((Bracket::Beesting, true)),
            TokenKind::BeestingClose => Some((Bracket::Beesting, false)),
            TokenKind::ChevronOpen => Some((Bracket::Chevron, true)),
            TokenKind::ChevronClose => Some((Bracket::Chevron, false)),
            TokenKind::Punctuation => match token.span.text(self.source) {
                "{" => Some((Bracket::Curly, true)),
                "}" => Some((Bracket::Curly, false)),
                "(" => Some((Bracket::Round, true)),
                ")" => Some((Bracket::Round, false)),
                "[" => Some((Bracket::Square, true)),
                "]" => Some((Bracket::Square, false)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Tokens that are skipped to find the end of an element that is wrong. The search starts anew for
/// each list that the element is in, so it must not go through the whole source.
const ELEMENT_TOKENS_MAX: usize = 256;

/// What stands in the tree for an expression that could not be read.
pub(super) fn null(span: Span) -> Expression {
    let kind = ExpressionKind::Null;
    Expression { kind, span }
}

/// What comes in pairs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Beesting,
    Chevron,
    Curly,
    Round,
    Square,
}
