//! What only rulesets of 2009 to 2012 say, and how the generations are told apart.

use super::{DIAGNOSTICS_MAX, Outcome, Parser, literal::inside};
use crate::{
    ast::{
        Cache, Callback, Callbacks, Dataset, Dispatch, DispatchKind, Emission, Expression,
        ExpressionKind, Generation, Identifier, QualifiedName, Segment, Span, Text, Trail,
        TrailKind,
    },
    diagnostic::Diagnostic,
    layout::{TIGHT_AFTER, TIGHT_BEFORE},
    lexer::{Token, TokenKind, tokenize_beesting},
};

impl Parser<'_> {
    /// Notes a form that only the classic language has.
    pub(super) fn note_classic(&mut self, span: Span) {
        self.forms.classic.get_or_insert(span);
    }

    /// Notes a form that only the modern language has.
    pub(super) fn note_modern(&mut self, span: Span) {
        self.forms.modern.get_or_insert(span);
    }

    /// Notes a form that only the classic language has and that in a modern ruleset is a slip: then
    /// this is reported.
    pub(super) fn note_only_classic(&mut self, diagnostic: Diagnostic) {
        self.note_classic(diagnostic.span());
        self.slip(diagnostic);
    }

    /// Notes what is to be reported of a modern ruleset only, though it shows no classic one.
    pub(super) fn slip(&mut self, diagnostic: Diagnostic) {
        if self.forms.slips.len() < DIAGNOSTICS_MAX {
            self.forms.slips.push(diagnostic);
        }
    }

    /// Which generation the forms met so far show.
    pub(super) fn generation(&self) -> Generation {
        if self.forms.classic.is_some() && self.forms.modern.is_none() {
            Generation::Classic
        } else {
            Generation::Modern
        }
    }

    /// The form that shows the generation.
    pub(super) fn evidence(&self) -> Option<Span> {
        self.forms.modern.or(self.forms.classic)
    }

    /// `dispatch { domain "example.com" -> "rid" iframe "pattern" }`.
    pub(super) fn dispatch(&mut self) -> Outcome<Vec<Dispatch>> {
        self.note_classic(self.span());
        self.advance();
        Ok(self.block(Self::dispatch_line, Self::at_dispatch_line)?.0)
    }

    /// `dataset name:JSON <- "url" cachable for 3 hours`.
    pub(super) fn dataset(&mut self) -> Outcome<Dataset> {
        let start = self.span();
        self.note_classic(start);
        let source = self.at("datasource");
        self.advance();
        let name = self.identifier("the data set's name")?;
        let format = if self.at(":") {
            self.mark(TIGHT_BEFORE | TIGHT_AFTER);
            self.advance();
            Some(self.format()?)
        } else {
            None
        };
        self.expect("<")?;
        self.mark(TIGHT_BEFORE);
        self.expect("-")?;
        let url = self.text("an address (a string)")?;
        let cache = self.cache()?;
        Ok(Dataset {
            name,
            source,
            format,
            url,
            cache,
            span: self.since(start),
        })
    }

    /// `css <<…>>` or `emit <<…>>`.
    pub(super) fn emission(&mut self) -> Outcome<Emission> {
        let start = self.span();
        self.note_classic(start);
        let css = self.at("css");
        self.advance();
        let content = self.emitted()?;
        Ok(Emission {
            css,
            content,
            span: self.since(start),
        })
    }

    /// `callbacks { success { … } failure { … } }`.
    pub(super) fn callbacks(&mut self) -> Outcome<Callbacks> {
        let start = self.expect("callbacks")?;
        self.note_classic(start);
        let mut callbacks = Callbacks {
            success: Vec::new(),
            failure: Vec::new(),
            span: start,
        };
        let at_group = |parser: &Self| matches!(parser.word(0), Some("success" | "failure"));
        for (success, group) in self.block(Self::callback_group, at_group)?.0 {
            if success {
                callbacks.success.extend(group);
            } else {
                callbacks.failure.extend(group);
            }
        }
        callbacks.span = self.since(start);
        Ok(callbacks)
    }

    /// What `emit` is given: a text, mostly of `JavaScript`.
    pub(super) fn emitted(&mut self) -> Outcome<Expression> {
        if self.at_text() {
            self.nested(Self::primary)
        } else {
            Err(self
                .expected("a text (`<<…>>`, `<|…|>` or a string)")
                .into())
        }
    }

    /// Whether `emit` or `css` and a text is next.
    pub(super) fn at_emission(&self, word: &str) -> bool {
        self.at(word) && self.text_at(1)
    }

    /// `seen "…" in ent:trail`, `current ent:trail` or `history 1 ent:trail` if it is next.
    pub(super) fn trail(&mut self) -> Outcome<Option<ExpressionKind>> {
        let start = self.span();
        let kind = match self.word(0) {
            Some("current") if self.at_persistent(1) => {
                self.advance();
                TrailKind::Current
            }
            Some("history") if self.at_operand(1) => {
                self.advance();
                TrailKind::History(self.nested(Self::primary)?)
            }
            Some("seen") if self.at_operand(1) => {
                self.advance();
                let seen = self.seen()?;
                self.expect("in")?;
                seen
            }
            _ => return Ok(None),
        };
        self.note_classic(start);
        let variable = self.persistent_variable()?;
        let within = self.within()?;
        Ok(Some(ExpressionKind::Trail(Box::new(Trail {
            kind,
            variable,
            within,
        }))))
    }

    /// The `within 3 days` after a comparison with a persistent variable, which then asks for the
    /// variable's age too. In the condition of an event it says when the event must come.
    pub(super) fn aged(&mut self, expression: Expression) -> Outcome<Expression> {
        if self.in_condition || !self.at("within") {
            return Ok(expression);
        }
        let span = expression.span;
        let (kind, variable) = match expression.kind {
            ExpressionKind::Name(name) if is_persistent(&name) => (None, name),
            ExpressionKind::Binary {
                operator,
                left,
                right,
            } if matches!(&left.kind, ExpressionKind::Name(name) if is_persistent(name)) => {
                let ExpressionKind::Name(name) = left.kind else {
                    return Err(self.expected("an expression").into());
                };
                (Some((operator, *right)), name)
            }
            kind => return Ok(Expression { kind, span }),
        };
        self.note_classic(self.span());
        let within = self.within()?;
        let kind = ExpressionKind::Trail(Box::new(Trail {
            kind: TrailKind::Compared(kind),
            variable,
            within,
        }));
        Ok(Expression {
            kind,
            span: self.since(span),
        })
    }

    /// A string with expressions in it; none if there is no `#{…}` in the one that is next.
    pub(super) fn beestings(&mut self) -> Option<ExpressionKind> {
        let token = self
            .token(0)
            .filter(|token| token.kind == TokenKind::String);
        let token = token.filter(|token| token.span.text(self.source).contains("#{"))?;
        if !self.beestings {
            self.forms.beestings = true;
            return None;
        }
        self.advance();
        if token.span.text(self.source).starts_with('\'') {
            self.note_classic(token.span);
        }
        let from = token.span.start + 1;
        let end = from + inside(token.span.text(self.source)).len();
        Some(joined(self.segments(token, from, end)))
    }

    /// Takes `<| … |>`, which must be next: a text, in which there may be expressions too.
    pub(super) fn javascript(&mut self) -> Outcome<ExpressionKind> {
        let Some(token) = self.token(0) else {
            return Err(self.expected("a text of JavaScript").into());
        };
        self.advance();
        self.note_classic(token.span);
        let (from, end) = (token.span.start + 2, token.span.end - 2);
        Ok(joined(self.segments(token, from, end)))
    }

    /// What stands in a text between two offsets.
    fn segments(&mut self, token: Token, mut from: usize, end: usize) -> Vec<Segment> {
        let mut segments = Vec::new();
        let escapes = token.kind == TokenKind::String;
        while let Some((open, tokens)) = self.next_beesting(Span::new(from, end), escapes) {
            self.text_segment(token, Span::new(from, open), &mut segments);
            from = tokens.last().map_or(end, |close| close.span.end);
            segments.extend(self.spliced(tokens).map(Segment::Expression));
        }
        self.text_segment(token, Span::new(from, end), &mut segments);
        segments
    }

    fn dispatch_line(&mut self) -> Outcome<Dispatch> {
        let start = self.span();
        let kind = if self.eat("domain") {
            let domain = self.text("a domain (a string)")?;
            let ruleset = if self.at("-") {
                self.advance();
                self.mark(TIGHT_BEFORE);
                self.expect(">")?;
                Some(self.text("a ruleset id (a string)")?)
            } else {
                None
            };
            DispatchKind::Domain(domain, ruleset)
        } else if self.eat("iframe") {
            DispatchKind::Iframe(self.text("a pattern (a string)")?)
        } else {
            return Err(self.expected("`domain` or `iframe`").into());
        };
        Ok(Dispatch {
            kind,
            span: self.since(start),
        })
    }

    fn at_dispatch_line(&self) -> bool {
        matches!(self.word(0), Some("domain" | "iframe"))
    }

    fn format(&mut self) -> Outcome<Identifier> {
        match self.word(0) {
            Some("HTML" | "JSON" | "RSS" | "XML") => self.identifier("a format"),
            _ => Err(self.expected("`JSON`, `XML`, `RSS` or `HTML`").into()),
        }
    }

    fn cache(&mut self) -> Outcome<Option<Cache>> {
        let start = self.span();
        if !self.eat("cachable") && !self.eat("cacheable") {
            return Ok(None);
        }
        let period = if self.eat("for") {
            Some(self.period()?)
        } else {
            None
        };
        Ok(Some(Cache {
            period,
            span: self.since(start),
        }))
    }

    /// `success { … }` or `failure { … }`, and whether it is `success`.
    fn callback_group(&mut self) -> Outcome<(bool, Vec<Callback>)> {
        let success = self.at("success");
        if !success && !self.at("failure") {
            return Err(self.expected("`success` or `failure`").into());
        }
        self.advance();
        let at_callback = |parser: &Self| matches!(parser.word(0), Some("click" | "change"));
        let group = self.block(Self::callback, at_callback)?.0;
        Ok((success, group))
    }

    /// `click id = "x" triggers ent:count += 1 from 1`.
    fn callback(&mut self) -> Outcome<Callback> {
        if !matches!(self.word(0), Some("click" | "change")) {
            return Err(self.expected("`click` or `change`").into());
        }
        let event = self.identifier("`click` or `change`")?;
        let attribute = self.identifier("an attribute of the page's element")?;
        self.expect("=")?;
        let value = self.text("its value (a string)")?;
        let triggers = if self.eat("triggers") {
            Some(self.statement()?)
        } else {
            None
        };
        let span = self.since(event.span);
        Ok(Callback {
            event,
            attribute,
            value,
            triggers,
            span,
        })
    }

    fn seen(&mut self) -> Outcome<TrailKind> {
        let first = self.sum()?;
        if !matches!(self.word(0), Some("before" | "after")) {
            return Ok(TrailKind::Seen(first));
        }
        let after = self.at("after");
        self.advance();
        let second = self.sum()?;
        Ok(TrailKind::SeenInOrder {
            first,
            after,
            second,
        })
    }

    fn within(&mut self) -> Outcome<Option<crate::ast::Period>> {
        if self.eat("within") {
            self.period().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Takes `ent:name`.
    pub(super) fn persistent_variable(&mut self) -> Outcome<QualifiedName> {
        if self.at_persistent(0) {
            self.qualified_name("a persistent variable")
        } else {
            Err(self.expected("a persistent variable (`ent:name`)").into())
        }
    }

    /// Whether a persistent variable stands at a place counted from the next token.
    pub(super) fn at_persistent(&self, ahead: usize) -> bool {
        matches!(self.word(ahead), Some("ent" | "app")) && self.sign(ahead + 1) == Some(":")
    }

    /// Whether an operand begins at a place counted from the next token, and so what stands before
    /// it is no operand itself.
    fn at_operand(&self, ahead: usize) -> bool {
        let kind = self.token(ahead).map(|token| token.kind);
        match kind {
            Some(TokenKind::Number | TokenKind::Regexp | TokenKind::String) => true,
            // `history (3 + 4) ent:v` looks like a call up to its end.
            Some(TokenKind::Punctuation) => {
                self.sign(ahead) == Some("(") && self.persistent_behind(ahead)
            }
            Some(TokenKind::Symbol) => {
                self.at_persistent(ahead + 1)
                    || matches!(self.sign(ahead + 1), Some("in" | "before" | "after"))
            }
            _ => false,
        }
    }

    /// Whether a persistent variable, or `in`, follows the bracket that closes the one at a place.
    fn persistent_behind(&self, ahead: usize) -> bool {
        let mut open = 0_usize;
        for at in ahead..ahead + LOOKAHEAD_TOKENS_MAX {
            match self.sign(at) {
                Some("(") => open += 1,
                Some(")") if open == 1 => {
                    let word = matches!(self.word(at + 1), Some("in" | "before" | "after"));
                    return word || self.at_persistent(at + 1);
                }
                Some(")") => open = open.saturating_sub(1),
                _ => {}
            }
        }
        false
    }

    /// Whether a text literal is next.
    fn at_text(&self) -> bool {
        self.text_at(0)
    }

    /// Whether a text literal stands at a place counted from the next token.
    pub(super) fn text_at(&self, ahead: usize) -> bool {
        let text = [
            TokenKind::ChevronOpen,
            TokenKind::JavaScript,
            TokenKind::String,
        ];
        self.token(ahead)
            .is_some_and(|token| text.contains(&token.kind))
    }

    /// Where the next `#{` is that has its `}`, with the tokens behind it, the brace included.
    fn next_beesting(&self, part: Span, escapes: bool) -> Option<(usize, Vec<Token>)> {
        let text = self.source.get(..part.end)?;
        let mut from = part.start;
        loop {
            let open = from + text.get(from..)?.find("#{")?;
            if escapes && is_escaped(text.get(part.start..open)?) {
                from = open + 2;
                continue;
            }
            let tokens = tokenize_beesting(text, open + 2)?;
            let (_, inner) = tokens.split_last()?;
            if !inner.iter().all(|token| token.kind.is_trivia()) {
                return Some((open, tokens));
            }
            // An empty one is text.
            from = open + 2;
        }
    }

    /// Reads other tokens as one expression; the last one closes it. What is wrong is reported.
    fn spliced(&mut self, mut tokens: Vec<Token>) -> Option<Expression> {
        tokens.pop();
        let marks = vec![0; tokens.len()];
        let outer = std::mem::take(&mut self.tokens);
        let outer_marks = std::mem::replace(&mut self.layout.marks, marks);
        let position = std::mem::replace(&mut self.position, 0);
        self.operand_missing = None;
        for token in tokens {
            self.take(token);
        }
        let read = self
            .expression()
            .and_then(|expression| self.finished().map(|()| expression));
        let read = read.map_err(|diagnostic| self.report(*diagnostic)).ok();
        self.operand_missing = None;
        self.tokens = outer;
        self.layout.marks = outer_marks;
        self.position = position;
        read
    }

    fn text_segment(&self, token: Token, span: Span, segments: &mut Vec<Segment>) {
        if span.start < span.end {
            segments.push(Segment::Text(self.string_part(token, span)));
        }
    }

    /// Takes a string that must be next.
    pub(super) fn text(&mut self, what: &str) -> Outcome<Text> {
        self.string().ok_or_else(|| self.expected(what).into())
    }
}

/// The text of which these are the segments; without expressions, it is a plain one.
fn joined(mut segments: Vec<Segment>) -> ExpressionKind {
    match &mut *segments {
        [] => ExpressionKind::Text(String::new()),
        [Segment::Text(text)] => ExpressionKind::Text(std::mem::take(&mut text.value)),
        _ => ExpressionKind::Chevron(segments),
    }
}

/// Whether a text ends with a backslash that no other one takes.
fn is_escaped(before: &str) -> bool {
    let backslashes = before.bytes().rev().take_while(|byte| *byte == b'\\');
    backslashes.count() % 2 == 1
}

fn is_persistent(name: &crate::ast::QualifiedName) -> bool {
    let domain = name.domain.as_ref().map(|domain| &*domain.name);
    matches!(domain, Some("ent" | "app"))
}

/// Tokens that are looked at to tell a call from `history (…) ent:trail`.
const LOOKAHEAD_TOKENS_MAX: usize = 64;
