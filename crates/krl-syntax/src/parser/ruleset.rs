//! The ruleset and what stands directly in it.

use super::{Outcome, Parser};
use crate::{
    ast::{
        Dataset, Declaration, Dispatch, Emission, Expression, Identifier, Meta, Rule, Ruleset, Span,
    },
    diagnostic::Diagnostic,
    layout::{CLOSE, ITEM, OPEN, TIGHT_BEFORE},
    lexer::TokenKind,
};

impl Parser<'_> {
    /// `ruleset RID { … }`.
    pub(super) fn ruleset(&mut self) -> Outcome<Ruleset> {
        let start = self.expect("ruleset")?;
        let rid = self.rid()?;
        self.note_rid(&rid);
        self.mark(OPEN);
        let opening = self.expect("{")?;
        let mut parts = Parts::default();
        self.parts(&mut parts);
        while self.at("}") && self.at_rule_behind() {
            self.report(early_close(self.span(), opening));
            self.advance();
            self.parts(&mut parts);
        }
        self.mark(CLOSE);
        if let Err(diagnostic) = self.close("}", opening) {
            self.report(*diagnostic);
        } else if let Err(diagnostic) = self.finished() {
            self.report(*diagnostic);
        }
        let rest = std::mem::replace(&mut self.position, self.tokens.len());
        self.skipped_since(rest);
        let Parts {
            version,
            meta,
            dispatch,
            datasets,
            emissions,
            globals,
            rules,
        } = parts;
        Ok(Ruleset {
            rid,
            generation: self.generation(),
            version,
            meta,
            dispatch,
            datasets,
            emissions,
            globals,
            rules,
            span: self.since(start),
        })
    }

    /// A ruleset's id: words joined by `.` or `-`, without blanks. The words may be any and may
    /// begin with a digit, which pico-engine does not allow; in 2012 an id could be a number.
    pub(super) fn rid(&mut self) -> Outcome<Identifier> {
        let start = self.span();
        if self.word(0).is_none() && !self.at_kind(TokenKind::Number) {
            return Err(self
                .expected("a ruleset id, such as `io.picolabs.some-thing`")
                .into());
        }
        self.advance();
        while self.adjoins() && self.at_rid_part() {
            self.mark(TIGHT_BEFORE);
            self.advance();
        }
        let span = self.since(start);
        let name = span.text(self.source).to_owned();
        let digit = name.starts_with(|first: char| first.is_ascii_digit());
        let number = name.bytes().all(|byte| byte.is_ascii_digit());
        if name.split(['.', '-']).any(str::is_empty) || digit && !number {
            return Err(incomplete_rid(&name, span).into());
        }
        Ok(Identifier { name, span })
    }

    /// `name = value`.
    pub(super) fn declaration(&mut self) -> Outcome<Declaration> {
        if self.word(0).is_none() || self.word(1).is_some() {
            return Err(self.expected("a declaration (`name = value`)").into());
        }
        let name = self.identifier("a declaration (`name = value`)")?;
        self.expect("=")?;
        let value = self.expression()?;
        let span = self.since(name.span);
        Ok(Declaration { name, value, span })
    }

    /// The blocks of a ruleset, up to its closing brace.
    fn parts(&mut self, parts: &mut Parts) {
        while !self.at("}") && !self.at_end() {
            self.mark(ITEM);
            self.attempt(|parser| parser.part(parts), Self::at_part);
        }
    }

    /// One block of a ruleset.
    fn part(&mut self, parts: &mut Parts) -> Outcome<()> {
        match self.word(0) {
            Some("dispatch") => parts.dispatch.extend(self.dispatch()?),
            Some("global") => {
                self.advance();
                for global in self.block(Self::global, Self::at_global)?.0 {
                    parts.take(global);
                }
            }
            Some("meta") => {
                let meta = self.meta()?;
                if let Some(first) = parts.meta.replace(meta) {
                    self.skipped.push(first.span);
                    self.report(second_meta(self.previous(), first.span));
                }
            }
            Some("rule") => parts.rules.push(self.rule()?),
            Some("version") => {
                self.advance();
                parts.version = Some(self.expression()?);
            }
            _ => return Err(self.expected("`meta`, `global` or `rule`").into()),
        }
        Ok(())
    }

    /// One item of `global`.
    fn global(&mut self) -> Outcome<Global> {
        if self.at_dataset() {
            self.dataset().map(Global::Dataset)
        } else if self.at_emission("css") || self.at_emission("emit") {
            self.emission().map(Global::Emission)
        } else {
            self.declaration().map(Global::Declaration)
        }
    }

    /// Whether an item of `global` begins here.
    fn at_global(&self) -> bool {
        let emission = self.at_emission("css") || self.at_emission("emit");
        self.at_declaration() || self.at_dataset() || emission
    }

    fn at_dataset(&self) -> bool {
        matches!(self.word(0), Some("dataset" | "datasource")) && self.word(1).is_some()
    }

    /// Notes the generation that a ruleset's id shows.
    fn note_rid(&mut self, rid: &Identifier) {
        if rid.name.contains(['.', '-']) {
            self.note_modern(rid.span);
        } else if is_classic_rid(&rid.name) {
            self.note_classic(rid.span);
        }
    }

    /// Whether a block of a ruleset begins here.
    fn at_part(&self) -> bool {
        let block = matches!(self.word(0), Some("dispatch" | "global" | "meta"));
        block && self.sign(1) == Some("{")
    }

    /// Whether a rule begins behind the next token.
    fn at_rule_behind(&self) -> bool {
        self.sign(1) == Some("rule")
            && self.word(2).is_some()
            && matches!(self.sign(3), Some("{" | "is"))
    }

    /// Whether nothing stands between the last token and the next.
    fn adjoins(&self) -> bool {
        self.token(0)
            .is_some_and(|token| token.span.start == self.previous().end)
    }

    /// Whether what is next may continue a ruleset's id.
    fn at_rid_part(&self) -> bool {
        let number = self.at_kind(TokenKind::Number);
        number || self.word(0).is_some() || self.at(".") || self.at("-")
    }
}

/// What has been read of a ruleset.
#[derive(Default)]
struct Parts {
    version: Option<Expression>,
    meta: Option<Meta>,
    dispatch: Vec<Dispatch>,
    datasets: Vec<Dataset>,
    emissions: Vec<Emission>,
    globals: Vec<Declaration>,
    rules: Vec<Rule>,
}

impl Parts {
    fn take(&mut self, global: Global) {
        match global {
            Global::Dataset(dataset) => self.datasets.push(dataset),
            Global::Declaration(declaration) => self.globals.push(declaration),
            Global::Emission(emission) => self.emissions.push(emission),
        }
    }
}

/// An item of `global`.
enum Global {
    Dataset(Dataset),
    Declaration(Declaration),
    Emission(Emission),
}

/// Whether a ruleset's id is a number, or one that the Kynetx engine gave: a letter, digits, `x`,
/// digits, such as `a16x66`.
pub(crate) fn is_classic_rid(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let given = name.get(1..).and_then(|rest| rest.split_once('x'));
    digits(name) || given.is_some_and(|(account, number)| digits(account) && digits(number))
}

fn early_close(span: Span, opening: Span) -> Diagnostic {
    Diagnostic::error(
        "krl-unopened-bracket",
        "this closes the ruleset, but rules follow",
        span,
    )
    .label(opening, "the ruleset is opened here")
    .help("there is a `}` too many, here or before")
}

fn incomplete_rid(name: &str, span: Span) -> Diagnostic {
    let title = if name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("`{name}` is not a ruleset id: only a whole number may begin with a digit")
    } else {
        format!("`{name}` is not a ruleset id: a part of it is missing")
    };
    Diagnostic::error("krl-rid-invalid", title, span)
        .help("write words joined by `.` or `-`, without blanks between them")
}

fn second_meta(span: Span, first: Span) -> Diagnostic {
    Diagnostic::error(
        "krl-duplicate-block",
        "a ruleset has one `meta` block",
        span,
    )
    .here("the second ends here")
    .label(Span::new(first.start, first.start + 4), "the first is here")
    .help("put all properties into one")
}
