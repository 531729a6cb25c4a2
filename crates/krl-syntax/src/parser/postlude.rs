//! What follows the actions of a rule.

use super::{Outcome, Parser};
use crate::{
    ast::{
        Attributes, Expression, ExpressionKind, Guard, GuardKind, Identifier, Level, Postlude,
        PostludeHead, QualifiedName, Raise, Schedule, ScheduleTime, Statement, StatementKind,
    },
    diagnostic::Diagnostic,
    layout::{JOINED, TIGHT_BEFORE},
    lexer::TokenKind,
};

impl Parser<'_> {
    /// `always { … }`, or `fired { … } else { … } finally { … }`, or the same with `notfired`.
    pub(super) fn postlude(&mut self) -> Outcome<Postlude> {
        let start = self.span();
        let head = match self.word(0) {
            Some("always") => PostludeHead::Always,
            Some("fired") => PostludeHead::Fired,
            Some("notfired") => PostludeHead::NotFired,
            _ => return Err(self.expected("`always`, `fired` or `notfired`").into()),
        };
        self.advance();
        let first = Some(self.statements()?);
        let (fired, notfired, always) = match head {
            PostludeHead::Always => (None, None, first),
            PostludeHead::Fired => (first, self.branch("else")?, self.branch("finally")?),
            PostludeHead::NotFired => {
                let fired = self.branch("else")?;
                (fired, first, self.branch("finally")?)
            }
        };
        Ok(Postlude {
            head,
            fired,
            notfired,
            always,
            span: self.since(start),
        })
    }

    fn branch(&mut self, word: &str) -> Outcome<Option<Vec<Statement>>> {
        if self.at(word) {
            self.mark(JOINED);
        }
        if self.at(word) && word == "finally" {
            self.note_modern(self.span());
        }
        if self.eat(word) {
            self.statements().map(Some)
        } else {
            Ok(None)
        }
    }

    fn statements(&mut self) -> Outcome<Vec<Statement>> {
        Ok(self.block(Self::statement, Self::at_statement)?.0)
    }

    pub(super) fn statement(&mut self) -> Outcome<Statement> {
        let start = self.span();
        let kind = self.statement_kind()?;
        let guard = self.guard()?;
        Ok(Statement {
            kind,
            guard,
            span: self.since(start),
        })
    }

    fn statement_kind(&mut self) -> Outcome<StatementKind> {
        match (self.word(0), self.sign(1)) {
            (Some("forget"), _) => self.forget(),
            (Some("mark"), Some("ent" | "app")) => self.mark_trail(),
            (Some("set"), Some("ent" | "app")) => self.set(),
            (Some(_), Some("=")) => Ok(StatementKind::Declare(self.declaration()?)),
            (Some(_), Some(":")) => self.assignment(),
            (Some("clear"), _) => self.clear(),
            (Some("error"), _) => {
                self.advance();
                let level = self.level().unwrap_or(Level::Error);
                Ok(StatementKind::Error(level, self.expression()?))
            }
            (Some("last"), _) => {
                self.advance();
                Ok(StatementKind::Last)
            }
            (Some("log"), _) => {
                self.advance();
                let level = self.level().unwrap_or(Level::Info);
                Ok(StatementKind::Log(level, self.expression()?))
            }
            (Some("raise"), _) => self.raise(),
            (Some("schedule"), _) => self.schedule(),
            _ => Err(self.no_statement().into()),
        }
    }

    /// `ent:name{path} := value`.
    fn assignment(&mut self) -> Outcome<StatementKind> {
        let variable = self.qualified_name("a persistent variable")?;
        let path = self.path()?;
        if matches!(self.sign(0), Some("+" | "-")) && self.sign(1) == Some("=") {
            return self.increment(variable, path);
        }
        if self.at(":=") {
            self.note_modern(self.span());
        }
        self.expect(":=")?;
        Ok(StatementKind::Assign {
            variable,
            path,
            value: self.expression()?,
        })
    }

    /// The `+= value from start` after a variable, or `-=`.
    fn increment(
        &mut self,
        variable: QualifiedName,
        path: Option<Expression>,
    ) -> Outcome<StatementKind> {
        self.note_classic(self.span());
        let negative = self.at("-");
        self.advance();
        self.mark(TIGHT_BEFORE);
        self.expect("=")?;
        let amount = self.expression()?;
        let start = if self.eat("from") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(StatementKind::Increment {
            variable,
            path,
            negative,
            amount,
            start,
        })
    }

    /// `set ent:name{path} value`, the same as `ent:name{path} := value`. Without a value it sets a
    /// flag.
    fn set(&mut self) -> Outcome<StatementKind> {
        self.note_classic(self.span());
        self.advance();
        let variable = self.persistent_variable()?;
        let path = if self.at_value() { None } else { self.path()? };
        let flag = self.at("}") || self.at(";") || self.at("on") || self.at("if");
        let value = if flag {
            Expression {
                kind: ExpressionKind::Boolean(true),
                span: variable.span,
            }
        } else {
            self.expression()?
        };
        Ok(StatementKind::Assign {
            variable,
            path,
            value,
        })
    }

    /// `forget "pattern" in ent:trail`.
    fn forget(&mut self) -> Outcome<StatementKind> {
        self.note_classic(self.span());
        self.advance();
        let pattern = self.expression()?;
        self.expect("in")?;
        let variable = self.persistent_variable()?;
        Ok(StatementKind::Forget { pattern, variable })
    }

    /// `mark ent:trail with place`.
    fn mark_trail(&mut self) -> Outcome<StatementKind> {
        self.note_classic(self.span());
        self.advance();
        let variable = self.persistent_variable()?;
        let place = if self.eat("with") {
            Some(self.expression()?)
        } else {
            None
        };
        Ok(StatementKind::Mark { variable, place })
    }

    /// `clear ent:name{path}`.
    fn clear(&mut self) -> Outcome<StatementKind> {
        self.advance();
        let expected = self.expected("a persistent variable (`ent:name`)");
        let variable = self.qualified_name("a persistent variable")?;
        if variable.domain.is_none() {
            return Err(expected.into());
        }
        Ok(StatementKind::Clear {
            variable,
            path: self.path()?,
        })
    }

    fn path(&mut self) -> Outcome<Option<Expression>> {
        let (open, close) = match self.sign(0) {
            Some("{") => ("{", "}"),
            Some("[") => ("[", "]"),
            _ => return Ok(None),
        };
        if self.sign(1) == Some(close) {
            return Ok(Some(self.no_path()));
        }
        self.bracketed(open, close).map(Some)
    }

    /// Whether the bracket that is next begins the value that is set, and no path before it: then
    /// no expression begins behind it.
    fn at_value(&self) -> bool {
        let mut open = 0_usize;
        for ahead in 0..VALUE_TOKENS_MAX {
            match self.sign(ahead) {
                Some("(" | "[" | "{") => open += 1,
                Some(")" | "]" | "}") if open == 1 => return !self.operand_at(ahead + 1),
                Some(")" | "]" | "}") => open = open.saturating_sub(1),
                _ if open == 0 => return false,
                _ => {}
            }
        }
        true
    }

    /// Whether an expression begins at a place counted from the next token.
    fn operand_at(&self, ahead: usize) -> bool {
        match self.token(ahead).map(|token| token.kind) {
            Some(TokenKind::Punctuation) => matches!(self.sign(ahead), Some("(" | "[" | "{" | "-")),
            Some(TokenKind::Symbol) => {
                let word = self.word(ahead).unwrap_or_default();
                let apart = self.fresh_at(ahead) && self.statement_at(ahead);
                !apart && !AFTER_VALUES.contains(&word)
            }
            kind => kind.is_some(),
        }
    }

    /// Empty brackets, which in 2012 meant all of the variable.
    fn no_path(&mut self) -> Expression {
        let start = self.span();
        let expected = self.expected("a path in the brackets");
        self.note_only_classic(expected);
        self.mark(TIGHT_BEFORE);
        self.advance();
        self.mark(TIGHT_BEFORE);
        self.advance();
        Expression {
            kind: ExpressionKind::List(Vec::new()),
            span: self.since(start),
        }
    }

    /// `raise domain event name for rid attributes map`.
    fn raise(&mut self) -> Outcome<StatementKind> {
        self.advance();
        let (domain, name) = self.event_name()?;
        let recipient = if self.eat("for") {
            Some(self.expression()?)
        } else {
            None
        };
        let attributes = self.attributes()?;
        Ok(StatementKind::Raise(Raise {
            domain,
            name,
            recipient,
            attributes,
        }))
    }

    /// `schedule domain event name at time attributes map setting(id)`.
    fn schedule(&mut self) -> Outcome<StatementKind> {
        self.advance();
        let (domain, name) = self.event_name()?;
        let time = if self.eat("at") {
            ScheduleTime::At(self.expression()?)
        } else if self.eat("repeat") {
            ScheduleTime::Repeat(self.expression()?)
        } else {
            return Err(self.expected("`at` or `repeat`").into());
        };
        let attributes = self.attributes()?;
        let setting = self.schedule_setting()?;
        Ok(StatementKind::Schedule(Schedule {
            domain,
            name,
            time,
            attributes,
            setting,
        }))
    }

    /// `domain event name` or `event "domain:name"`.
    fn event_name(&mut self) -> Outcome<(Option<Identifier>, Expression)> {
        let domain = if self.at("event") || self.word(0).is_none() {
            None
        } else {
            Some(self.identifier("the event's domain")?)
        };
        self.expect("event")?;
        Ok((domain, self.expression()?))
    }

    /// `attributes map`, or `with name = value and …` as classic KRL has it.
    fn attributes(&mut self) -> Outcome<Option<Attributes>> {
        if self.eat("attributes") {
            return Ok(Some(Attributes::Map(self.expression()?)));
        }
        if !self.at_modifiers() {
            return Ok(None);
        }
        self.note_classic(self.span());
        self.advance();
        let mut modifiers = vec![self.declaration()?];
        while self.eat("and") {
            modifiers.push(self.declaration()?);
        }
        Ok(Some(Attributes::Modifiers(modifiers)))
    }

    /// `setting (id)`.
    fn schedule_setting(&mut self) -> Outcome<Option<Identifier>> {
        if !self.eat("setting") {
            return Ok(None);
        }
        self.mark(TIGHT_BEFORE);
        let opening = self.expect("(")?;
        let name = self.identifier("a name that is set")?;
        self.close(")", opening)?;
        Ok(Some(name))
    }

    fn level(&mut self) -> Option<Level> {
        let level = match self.word(0)? {
            "debug" => Level::Debug,
            "error" => Level::Error,
            "info" => Level::Info,
            "warn" => Level::Warn,
            _ => return None,
        };
        self.advance();
        Some(level)
    }

    /// `on final` or `if condition`.
    fn guard(&mut self) -> Outcome<Option<Guard>> {
        let start = self.span();
        let kind = if self.eat("on") {
            self.expect("final")?;
            GuardKind::Final
        } else if self.eat("if") {
            GuardKind::If(self.expression()?)
        } else {
            return Ok(None);
        };
        Ok(Some(Guard {
            kind,
            span: self.since(start),
        }))
    }

    fn no_statement(&self) -> Diagnostic {
        let expected = self.expected("a statement or a declaration (`name = value`)");
        self.suggest(expected, &STATEMENT_WORDS)
    }

    /// Whether a statement begins here.
    fn at_statement(&self) -> bool {
        self.statement_at(0)
    }

    /// Whether a statement begins at a place counted from the next token.
    fn statement_at(&self, ahead: usize) -> bool {
        matches!(
            self.word(ahead),
            Some(
                "clear"
                    | "error"
                    | "forget"
                    | "last"
                    | "log"
                    | "mark"
                    | "raise"
                    | "schedule"
                    | "set"
            )
        ) || self.word(ahead).is_some() && matches!(self.sign(ahead + 1), Some("=" | ":"))
    }
}

/// Words that go on with a value.
const AFTER_VALUES: [&str; 6] = ["cmp", "eq", "if", "like", "neq", "on"];

/// Tokens that are looked at to tell a value in brackets from a path.
const VALUE_TOKENS_MAX: usize = 1_024;

/// Words that statements have, where one may begin or go on.
const STATEMENT_WORDS: [&str; 14] = [
    "attributes",
    "clear",
    "error",
    "event",
    "final",
    "forget",
    "last",
    "log",
    "mark",
    "raise",
    "schedule",
    "set",
    "setting",
    "with",
];
