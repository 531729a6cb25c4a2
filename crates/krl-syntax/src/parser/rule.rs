//! `rule name { … }`.

use super::{Outcome, Parser};
use crate::{
    ast::{
        ActionBlock, AttributeFilter, BlockKind, EventExpression, EventExpressionKind, Foreach,
        Identifier, Primitive, Rule, RuleState, Select, SelectKind, Span,
    },
    diagnostic::Diagnostic,
    layout::{CLOSE, ITEM, OPEN},
    lexer::TokenKind,
};

impl Parser<'_> {
    /// `rule name is active { select … foreach … pre … action … postlude }`.
    pub(super) fn rule(&mut self) -> Outcome<Rule> {
        let start = self.expect("rule")?;
        let name = self.rule_name()?;
        let state = if self.eat("is") {
            self.rule_state()?
        } else {
            RuleState::Active
        };
        self.mark(OPEN);
        let opening = self.expect("{")?;
        let span = name.span;
        let mut rule = Rule {
            name,
            state,
            select: None,
            foreach: Vec::new(),
            prelude: Vec::new(),
            emission: None,
            actions: None,
            callbacks: None,
            postlude: None,
            span,
        };
        self.rule_parts(&mut rule);
        self.mark(CLOSE);
        self.close("}", opening)?;
        rule.span = self.since(start);
        Ok(rule)
    }

    fn rule_state(&mut self) -> Outcome<RuleState> {
        if self.eat("active") {
            Ok(RuleState::Active)
        } else if self.eat("inactive") {
            Ok(RuleState::Inactive)
        } else if self.at("test") {
            self.note_classic(self.span());
            self.advance();
            Ok(RuleState::Test)
        } else {
            Err(self.expected("`active`, `inactive` or `test`").into())
        }
    }

    /// A rule's name; in 2012 it could be a number.
    fn rule_name(&mut self) -> Outcome<Identifier> {
        let span = self.span();
        let number = self.at_kind(TokenKind::Number) && !span.text(self.source).contains('.');
        if !number {
            return self.identifier("the rule's name");
        }
        self.note_classic(span);
        self.advance();
        let name = span.text(self.source).to_owned();
        Ok(Identifier { name, span })
    }

    /// The parts of a rule, up to its closing brace.
    fn rule_parts(&mut self, rule: &mut Rule) {
        let mut last = None;
        self.eat_stray_separators();
        while !self.at("}") && !self.at_end() && !self.at_rule() {
            if let Some(part) = self.part_ahead() {
                self.check_order(part, last);
                last = last.max(Some(part));
            }
            self.mark(ITEM);
            self.attempt(|parser| parser.rule_part(rule), Self::at_rule_part);
            self.eat_separators();
        }
    }

    fn rule_part(&mut self, rule: &mut Rule) -> Outcome<()> {
        match self.part_ahead() {
            Some(Part::Select) => rule.select = Some(self.select()?),
            Some(Part::Foreach) => rule.foreach.push(self.foreach()?),
            Some(Part::Prelude) => {
                self.advance();
                rule.prelude = self.block(Self::declaration, Self::at_declaration)?.0;
            }
            Some(Part::Emission) => {
                self.note_classic(self.span());
                self.advance();
                rule.emission = Some(self.emitted()?);
            }
            Some(Part::Callbacks) => rule.callbacks = Some(self.callbacks()?),
            Some(Part::Actions) => self.more_actions(rule)?,
            Some(Part::Postlude) => rule.postlude = Some(self.postlude()?),
            None => return Err(self.no_part().into()),
        }
        Ok(())
    }

    /// The actions. In 2012 several could stand one after the other.
    fn more_actions(&mut self, rule: &mut Rule) -> Outcome<()> {
        let start = self.span();
        let block = self.action_block()?;
        let Some(actions) = &mut rule.actions else {
            self.sequential = false;
            rule.actions = Some(block);
            return Ok(());
        };
        let second = out_of_order(Part::Actions, Part::Actions, start);
        let follows = is_single(actions) || self.sequential;
        if follows && is_single(&block) {
            actions.span = actions.span.to(block.span);
            actions.actions.extend(block.actions);
            actions.kind = BlockKind::Every;
            self.sequential = true;
            self.note_only_classic(second);
        } else {
            self.report(second);
        }
        Ok(())
    }

    /// `select when event expression` or `select where condition`.
    fn select(&mut self) -> Outcome<Select> {
        let start = self.expect("select")?;
        let kind = if self.eat("when") {
            SelectKind::When(self.event_expression_within()?)
        } else if self.at("using") {
            self.using()?
        } else if self.at("where") {
            self.note_modern(self.span());
            self.advance();
            SelectKind::Where(self.expression()?)
        } else {
            return Err(self.expected("`when` or `where`").into());
        };
        Ok(Select {
            kind,
            span: self.since(start),
        })
    }

    /// `using "pattern" setting (a)`, which is short for `when web pageview "pattern" setting (a)`.
    fn using(&mut self) -> Outcome<SelectKind> {
        let word = self.expect("using")?;
        self.note_classic(word);
        let start = self.span();
        let expected = self.expected("a pattern (a string or a regular expression)");
        let pattern = self.pattern().ok_or(expected)?;
        let filter = AttributeFilter {
            attribute: None,
            pattern,
            span: self.since(start),
        };
        let setting = self.setting()?;
        let identifier = |name: &str| Identifier {
            name: name.to_owned(),
            span: word,
        };
        let span = self.since(word);
        let primitive = Primitive {
            domain: identifier("web"),
            name: identifier("pageview"),
            filters: vec![filter],
            setting,
            condition: None,
            span,
        };
        let kind = EventExpressionKind::Primitive(primitive);
        Ok(SelectKind::When(EventExpression { kind, span }))
    }

    /// `foreach collection setting (value, key)`.
    fn foreach(&mut self) -> Outcome<Foreach> {
        let start = self.expect("foreach")?;
        let collection = self.expression()?;
        if !self.at("setting") {
            return Err(self.expected("`setting`").into());
        }
        let setting = self.setting()?;
        Ok(Foreach {
            collection,
            setting,
            span: self.since(start),
        })
    }

    /// Whether a part of a rule begins here that a brace shows to be one.
    pub(super) fn at_rule_block(&self) -> bool {
        self.sign(1) == Some("{") && self.at_rule_part()
    }

    /// Whether a part of a rule begins here.
    fn at_rule_part(&self) -> bool {
        self.part_ahead().is_some()
    }

    /// Which part of a rule begins here.
    fn part_ahead(&self) -> Option<Part> {
        if self.at("{") {
            return Some(Part::Actions);
        }
        let block = self.sign(1) == Some("{");
        match self.word(0)? {
            "select" => Some(Part::Select),
            "foreach" => Some(Part::Foreach),
            "pre" if block => Some(Part::Prelude),
            "always" | "fired" | "notfired" if block => Some(Part::Postlude),
            "callbacks" if block => Some(Part::Callbacks),
            "emit" if self.at_emission("emit") => Some(Part::Emission),
            _ if self.at_action_block() => Some(Part::Actions),
            _ => None,
        }
    }

    /// Reports a part that stands where it may not.
    fn check_order(&mut self, part: Part, last: Option<Part>) {
        let repeats = part == Part::Actions || part.repeats();
        let Some(last) = last.filter(|last| part < *last || part == *last && !repeats) else {
            return;
        };
        let diagnostic = out_of_order(part, last, self.span());
        self.report(diagnostic);
    }

    fn no_part(&self) -> Diagnostic {
        let what = "`select`, `foreach`, `pre`, an action, `always`, `fired` or `notfired`";
        self.suggest(self.expected(what), &AFTER_EVENTS)
    }
}

/// Whether there are actions only, with no word that says which of them are done, and when.
fn is_single(block: &ActionBlock) -> bool {
    block.condition.is_none() && block.kind == BlockKind::Single
}

/// Words that may stand after an event, with which it goes on.
const AFTER_EVENTS: [&str; 9] = [
    "after", "and", "before", "between", "or", "setting", "then", "where", "within",
];

/// The parts of a rule, in the order they must have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Select,
    Foreach,
    Prelude,
    Emission,
    Actions,
    Callbacks,
    Postlude,
}

impl Part {
    /// Whether there may be several.
    fn repeats(self) -> bool {
        self == Self::Foreach
    }

    fn name(self) -> &'static str {
        match self {
            Self::Select => "`select`",
            Self::Foreach => "`foreach`",
            Self::Prelude => "`pre`",
            Self::Emission => "`emit`",
            Self::Actions => "the action block",
            Self::Callbacks => "`callbacks`",
            Self::Postlude => "the postlude",
        }
    }
}

fn out_of_order(part: Part, last: Part, span: Span) -> Diagnostic {
    if part != last {
        let title = format!("{} must stand before {}", part.name(), last.name());
        return Diagnostic::error("krl-rule-order", title, span)
            .help("a rule is: select, foreach, pre, action, postlude");
    }
    let title = format!("a rule has only one of {}", part.name());
    let diagnostic = Diagnostic::error("krl-duplicate-block", title, span);
    match part {
        Part::Actions => diagnostic.help("put several actions into `every { … }`"),
        _ => diagnostic,
    }
}
