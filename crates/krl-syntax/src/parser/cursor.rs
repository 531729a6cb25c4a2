//! Looking at tokens and taking them.

use super::{
    NESTING_DEPTH_MAX, Outcome, Parser, TREE_DEPTH_MAX, recovery::null, suggestion::quoted_words,
};
use crate::{
    ast::{Expression, Identifier, QualifiedName, Span},
    diagnostic::Diagnostic,
    layout::{ITEM, TIGHT_AFTER, TIGHT_BEFORE},
    lexer::{Token, TokenKind},
};

impl<'a> Parser<'a> {
    /// Goes to the next token.
    pub(super) fn advance(&mut self) {
        self.position = (self.position + 1).min(self.tokens.len());
    }

    /// Notes how the next token is to be laid out.
    pub(super) fn mark(&mut self, marks: u8) {
        if let Some(mark) = self.layout.marks.get_mut(self.position) {
            *mark |= marks;
        }
    }

    /// Takes a word or sign if it is next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.at(text);
        if found {
            self.advance();
        }
        found
    }

    /// Takes the separator that may stand behind an item.
    pub(super) fn eat_separators(&mut self) {
        let taken = self.previous().text(self.source) == ";";
        if taken || self.eat(";") {
            self.eat_stray_separators();
        }
    }

    /// Takes separators with no item before them, as there were in 2012.
    pub(super) fn eat_stray_separators(&mut self) {
        if self.at(";") {
            let expected = self.expected("no `;` without anything before it");
            self.slip(expected);
            while self.eat(";") {}
        }
    }

    /// Takes a word or sign that must be next.
    pub(super) fn expect(&mut self, text: &str) -> Outcome<Span> {
        let span = self.span();
        if self.eat(text) {
            Ok(span)
        } else {
            Err(self.expected(&format!("`{text}`")).into())
        }
    }

    /// Takes the bracket that closes what was opened.
    pub(super) fn close(&mut self, text: &str, opening: Span) -> Outcome<Span> {
        if !self.at(text) && (self.at_end() || self.at_rule()) {
            return Err(self.unclosed(text, opening).into());
        }
        self.expect(text)
            .map_err(|diagnostic| Box::new(diagnostic.label(opening, "opened here")))
    }

    /// Takes a name that the source chooses.
    pub(super) fn identifier(&mut self, what: &str) -> Outcome<Identifier> {
        match self.word(0) {
            Some(word) if RESERVED.contains(&word) => {
                let reserved = self.reserved(word, what);
                if !self.at_return_name() {
                    return Err(reserved.into());
                }
                self.note_only_classic(reserved);
                self.any_word(what)
            }
            _ => self.any_word(what),
        }
    }

    /// Takes a word that may be one of the language.
    pub(super) fn any_word(&mut self, what: &str) -> Outcome<Identifier> {
        let span = self.span();
        let word = self.word(0).ok_or_else(|| self.expected(what))?;
        self.advance();
        let name = word.to_owned();
        Ok(Identifier { name, span })
    }

    /// Takes `name` or `domain:name`.
    pub(super) fn qualified_name(&mut self, what: &str) -> Outcome<QualifiedName> {
        let first = self.identifier(what)?;
        if self.at(":") {
            self.mark(TIGHT_BEFORE | TIGHT_AFTER);
        }
        if !self.eat(":") {
            return Ok(QualifiedName {
                span: first.span,
                domain: None,
                name: first,
            });
        }
        let name = self.identifier("a name after `:`")?;
        Ok(QualifiedName {
            span: first.span.to(name.span),
            domain: Some(first),
            name,
        })
    }

    /// Takes names separated by commas; at least one.
    pub(super) fn identifiers(&mut self, what: &str) -> Outcome<Vec<Identifier>> {
        let mut names = vec![self.identifier(what)?];
        while self.eat(",") {
            names.push(self.identifier(what)?);
        }
        Ok(names)
    }

    /// Takes items between brackets, separated by commas; one may stand after the last.
    pub(super) fn sequence<T>(
        &mut self,
        (open, close): (&str, &str),
        item: impl Fn(&mut Self) -> Outcome<T>,
    ) -> Outcome<Vec<T>> {
        self.mark(TIGHT_AFTER);
        let opening = self.expect(open)?;
        let in_condition = std::mem::take(&mut self.in_condition);
        let mut items = Vec::new();
        while !self.at(close) {
            self.mark(ITEM);
            let from = self.position;
            match item(self).and_then(|item| self.delimited(close, opening).map(|()| item)) {
                Ok(item) => items.push(item),
                Err(diagnostic) if self.skip_to(from, |it| it.at(",") || it.at(close)) => {
                    self.report(*diagnostic);
                }
                Err(diagnostic) => {
                    self.in_condition = in_condition;
                    return Err(diagnostic);
                }
            }
            if !self.eat(",") {
                break;
            }
        }
        self.in_condition = in_condition;
        self.mark(TIGHT_BEFORE);
        self.close(close, opening)?;
        Ok(items)
    }

    /// Takes an expression and the bracket behind it that closes what was opened. If the expression
    /// is wrong, that is reported, and null stands in its place.
    pub(super) fn enclosed(&mut self, close: &str, opening: Span) -> Outcome<Expression> {
        let from = self.position;
        let in_condition = std::mem::take(&mut self.in_condition);
        let read = self.expression();
        self.in_condition = in_condition;
        self.mark(TIGHT_BEFORE);
        let closed = read.and_then(|inner| self.close(close, opening).map(|_| inner));
        match closed {
            Err(diagnostic) if self.skip_to(from, |it| it.at(close)) => {
                self.report(*diagnostic);
                let place = self.span();
                self.advance();
                Ok(null(Span::new(place.start, place.start)))
            }
            closed => closed,
        }
    }

    /// That an element of a list has been read to its end.
    fn delimited(&self, close: &str, opening: Span) -> Outcome<()> {
        if self.at(",") || self.at(close) {
            Ok(())
        } else if self.at_end() || self.at_rule() {
            Err(self.unclosed(close, opening).into())
        } else {
            let expected = self.expected(&format!("`,` or `{close}`"));
            Err(expected.label(opening, "opened here").into())
        }
    }

    /// Takes `setting (a, b)` if it is next.
    pub(super) fn setting(&mut self) -> Outcome<Vec<Identifier>> {
        if !self.eat("setting") {
            return Ok(Vec::new());
        }
        self.mark(TIGHT_BEFORE);
        if self.sign(1) == Some(")") && self.at("(") {
            let expected = self.expected("a name in the parentheses");
            self.note_only_classic(expected);
        }
        self.sequence(("(", ")"), |parser| parser.identifier("a name that is set"))
    }

    /// Goes one level down in the tree. What this makes is one taller than its tallest part.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= NESTING_DEPTH_MAX {
            return Err(self.too_deep(NESTING_DEPTH_MAX).into());
        }
        self.depth += 1;
        let siblings = std::mem::take(&mut self.height);
        let node = parse(self);
        self.depth -= 1;
        let checked = node.and_then(|node| self.link().map(|()| node));
        self.height = self.height.max(siblings);
        checked
    }

    /// Puts one more node above what this level has made so far.
    pub(super) fn link(&mut self) -> Outcome<()> {
        self.height += 1;
        if self.height > TREE_DEPTH_MAX {
            return Err(self.too_deep(TREE_DEPTH_MAX).into());
        }
        Ok(())
    }

    /// Whether a word or sign is next.
    pub(super) fn at(&self, text: &str) -> bool {
        self.sign(0) == Some(text)
    }

    /// Whether the tokens are used up.
    pub(super) fn at_end(&self) -> bool {
        self.position >= self.tokens.len()
    }

    /// Whether the next token is of a kind.
    pub(super) fn at_kind(&self, kind: TokenKind) -> bool {
        self.token(0).is_some_and(|token| token.kind == kind)
    }

    /// Whether a string stands at a place counted from the next token.
    pub(super) fn string_at(&self, ahead: usize) -> bool {
        self.token(ahead)
            .is_some_and(|token| token.kind == TokenKind::String)
    }

    /// Whether a declaration is next.
    pub(super) fn at_declaration(&self) -> bool {
        self.word(0).is_some() && self.sign(1) == Some("=")
    }

    /// Whether `return` is next and is a name, which in 2012 it could be: nothing that could be
    /// returned stands behind it.
    pub(super) fn at_return_name(&self) -> bool {
        let other = |sign| {
            matches!(
                sign,
                "!=" | ")"
                    | "*"
                    | ","
                    | "."
                    | "/"
                    | "="
                    | "=="
                    | "=>"
                    | "]"
                    | "eq"
                    | "neq"
                    | "|"
                    | "}"
            )
        };
        self.at("return") && self.sign(1).is_some_and(other)
    }

    /// Whether a rule begins here. Nothing else looks like this, so it shows where things are
    /// however wrong the source is.
    pub(super) fn at_rule(&self) -> bool {
        self.at("rule") && self.word(1).is_some() && matches!(self.sign(2), Some("{" | "is"))
    }

    /// A token counted from the next one.
    pub(super) fn token(&self, ahead: usize) -> Option<Token> {
        self.tokens.get(self.position + ahead).copied()
    }

    /// The word at a place counted from the next token.
    pub(super) fn word(&self, ahead: usize) -> Option<&'a str> {
        let token = self
            .token(ahead)
            .filter(|token| token.kind == TokenKind::Symbol)?;
        Some(token.span.text(self.source))
    }

    /// The word or sign at a place counted from the next token.
    pub(super) fn sign(&self, ahead: usize) -> Option<&'a str> {
        let signs = |kind| matches!(kind, TokenKind::Symbol | TokenKind::Punctuation);
        let token = self.token(ahead).filter(|token| signs(token.kind))?;
        Some(token.span.text(self.source))
    }

    /// Where the next token is; at the end, the place behind the last one.
    pub(super) fn span(&self) -> Span {
        let end = self.previous().end;
        self.token(0)
            .map_or(Span::new(end, end), |token| token.span)
    }

    /// Where the token before the next one is.
    pub(super) fn previous(&self) -> Span {
        let before = self
            .position
            .checked_sub(1)
            .and_then(|index| self.tokens.get(index));
        before.map(|token| token.span).unwrap_or_default()
    }

    /// From a place to the end of the last token taken.
    pub(super) fn since(&self, start: Span) -> Span {
        start.to(self.previous())
    }

    /// The error that something else should stand here.
    pub(super) fn expected(&self, what: &str) -> Diagnostic {
        let title = format!("expected {what}, found {}", self.found());
        let diagnostic = Diagnostic::error("krl-expected", title, self.span());
        self.suggest(diagnostic, &quoted_words(what))
    }

    /// That everything has been read.
    pub(super) fn finished(&self) -> Outcome<()> {
        if self.at_end() {
            Ok(())
        } else {
            Err(self.expected("the end of the source").into())
        }
    }

    /// The next token in words.
    fn found(&self) -> String {
        let Some(token) = self.token(0) else {
            return "the end of the source".to_owned();
        };
        match token.kind {
            TokenKind::ChevronClose | TokenKind::ChevronOpen => "a chevron".to_owned(),
            TokenKind::JavaScript => "a text of JavaScript".to_owned(),
            TokenKind::Regexp => "a regular expression".to_owned(),
            TokenKind::String => "a string".to_owned(),
            _ => format!("`{}`", shortened(token.span.text(self.source))),
        }
    }

    fn unclosed(&self, close: &str, opening: Span) -> Diagnostic {
        let title = format!("`{}` is never closed", opening.text(self.source));
        Diagnostic::error("krl-unclosed-bracket", title, opening)
            .label(self.span(), format!("`{close}` is missing before this"))
    }

    pub(super) fn reserved(&self, word: &str, what: &str) -> Diagnostic {
        let title = format!("expected {what}, found `{word}`, which is a word of the language");
        let diagnostic = Diagnostic::error("krl-reserved-word", title, self.span());
        diagnostic.help("choose another name")
    }

    fn too_deep(&self, levels: usize) -> Diagnostic {
        let title = format!("this is nested more than {levels} levels deep");
        Diagnostic::error("krl-nested-too-deep", title, self.span())
            .help("give a part of it a name of its own")
    }
}

/// A token's text, fit for a title.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(FOUND_CHARACTERS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

/// Words that cannot be names. All the others have their meaning only where they stand.
pub(super) const RESERVED: [&str; 8] = [
    "defaction",
    "false",
    "function",
    "not",
    "null",
    "return",
    "setting",
    "true",
];

/// Characters of a token that a title quotes.
const FOUND_CHARACTERS_MAX: usize = 40;
