//! `rule name { … }`.

use super::{Outcome, Parser};
use crate::{
    ast::{Foreach, Rule, RuleState, Select, SelectKind, Span},
    diagnostic::Diagnostic,
};

impl Parser<'_> {
    /// `rule name is active { select … foreach … pre … action … postlude }`.
    pub(super) fn rule(&mut self) -> Outcome<Rule> {
        let start = self.expect("rule")?;
        let name = self.identifier("the rule's name")?;
        let state = if self.eat("is") {
            self.rule_state()?
        } else {
            RuleState::Active
        };
        let opening = self.expect("{")?;
        let span = name.span;
        let mut rule = Rule {
            name,
            state,
            select: None,
            foreach: Vec::new(),
            prelude: Vec::new(),
            actions: None,
            postlude: None,
            span,
        };
        self.rule_parts(&mut rule);
        self.close("}", opening)?;
        rule.span = self.since(start);
        Ok(rule)
    }

    fn rule_state(&mut self) -> Outcome<RuleState> {
        if self.eat("active") {
            Ok(RuleState::Active)
        } else if self.eat("inactive") {
            Ok(RuleState::Inactive)
        } else {
            Err(self.expected("`active` or `inactive`").into())
        }
    }

    /// The parts of a rule, up to its closing brace.
    fn rule_parts(&mut self, rule: &mut Rule) {
        let mut last = None;
        self.eat_separators();
        while !self.at("}") && !self.at_end() && !self.at_rule() {
            if let Some(part) = self.part_ahead() {
                self.check_order(part, last);
                last = last.max(Some(part));
            }
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
            Some(Part::Actions) => rule.actions = Some(self.action_block()?),
            Some(Part::Postlude) => rule.postlude = Some(self.postlude()?),
            None => return Err(self.no_part().into()),
        }
        Ok(())
    }

    /// `select when event expression` or `select where condition`.
    fn select(&mut self) -> Outcome<Select> {
        let start = self.expect("select")?;
        let kind = if self.eat("when") {
            SelectKind::When(self.event_expression_within()?)
        } else if self.eat("where") {
            SelectKind::Where(self.expression()?)
        } else {
            return Err(self.expected("`when` or `where`").into());
        };
        Ok(Select {
            kind,
            span: self.since(start),
        })
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
        let block = self.sign(1) == Some("{");
        match self.word(0)? {
            "select" => Some(Part::Select),
            "foreach" => Some(Part::Foreach),
            "pre" if block => Some(Part::Prelude),
            "always" | "fired" | "notfired" if block => Some(Part::Postlude),
            _ if self.at_action_block() => Some(Part::Actions),
            _ => None,
        }
    }

    /// Reports a part that stands where it may not.
    fn check_order(&mut self, part: Part, last: Option<Part>) {
        let Some(last) = last.filter(|last| part < *last || part == *last && !part.repeats())
        else {
            return;
        };
        let diagnostic = out_of_order(part, last, self.span());
        self.report(diagnostic);
    }

    fn no_part(&self) -> Diagnostic {
        let what = "`select`, `foreach`, `pre`, an action, `always`, `fired` or `notfired`";
        self.expected(what)
    }
}

/// The parts of a rule, in the order they must have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Select,
    Foreach,
    Prelude,
    Actions,
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
            Self::Actions => "the action block",
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
