//! Event expressions.

use super::{Outcome, Parser};
use crate::{
    ast::{
        Aggregate, AggregateKind, AttributeFilter, BinaryOperator, EventExpression,
        EventExpressionKind, EventOperator, Expression, ExpressionKind, Identifier, Period,
        Primitive, Quantifier, Span, TimeUnit,
    },
    diagnostic::Diagnostic,
    layout::{TIGHT_AFTER, TIGHT_BEFORE},
    lexer::TokenKind,
    precedence,
};

impl Parser<'_> {
    /// An event expression and, after it, perhaps `within 5 minutes`.
    pub(super) fn event_expression_within(&mut self) -> Outcome<EventExpression> {
        let start = self.span();
        let mut event = self.event_operation(0)?;
        while self.eat("within") {
            let kind = EventExpressionKind::Within(Box::new(event), self.period()?);
            event = EventExpression {
                kind,
                span: self.since(start),
            };
        }
        Ok(event)
    }

    /// An event expression of operators that bind tighter than a power.
    fn event_operation(&mut self, power: u8) -> Outcome<EventExpression> {
        self.nested(|parser| {
            let start = parser.span();
            let mut left = parser.event_operand()?;
            while let Some(infix) = parser.event_infix().filter(|infix| infix.power() > power) {
                parser.link()?;
                left = parser.event_joined(start, left, infix)?;
            }
            Ok(left)
        })
    }

    fn event_operand(&mut self) -> Outcome<EventExpression> {
        let start = self.span();
        let kind = match (self.sign(0), self.sign(1)) {
            (Some("("), _) => {
                self.mark(TIGHT_AFTER);
                let opening = self.expect("(")?;
                let inner = self.event_expression_within()?;
                self.close(")", opening)?;
                return Ok(inner);
            }
            (Some(word), Some("(")) if event_operator(word).is_some() => self.event_list(word)?,
            (Some("at"), Some("(")) => {
                self.advance();
                EventExpressionKind::At(self.round()?)
            }
            (Some("any"), _) => {
                self.advance();
                let number = self.whole_number()?;
                EventExpressionKind::Any(number, self.events()?)
            }
            (Some("count"), _) => self.counted(Quantifier::Count)?,
            (Some("repeat"), _) => self.counted(Quantifier::Repeat)?,
            _ => EventExpressionKind::Primitive(self.primitive()?),
        };
        Ok(EventExpression {
            kind,
            span: self.since(start),
        })
    }

    /// `before (a, b, c)`.
    fn event_list(&mut self, word: &str) -> Outcome<EventExpressionKind> {
        let operator = event_operator(word).ok_or_else(|| self.expected(EVENT))?;
        self.advance();
        Ok(EventExpressionKind::Combined(operator, self.events()?))
    }

    /// `(a, b, c)`, at least one.
    fn events(&mut self) -> Outcome<Vec<EventExpression>> {
        let events = self.sequence(("(", ")"), Self::event_expression_within)?;
        if events.is_empty() {
            Err(self.expected("an event expression in it").into())
        } else {
            Ok(events)
        }
    }

    /// `count N (a) max(m)`.
    fn counted(&mut self, quantifier: Quantifier) -> Outcome<EventExpressionKind> {
        self.advance();
        let number = self.whole_number()?;
        let event = Box::new(self.round_event()?);
        let aggregate = self.aggregate()?;
        Ok(EventExpressionKind::Counted {
            quantifier,
            number,
            event,
            aggregate,
        })
    }

    /// `(event)`.
    fn round_event(&mut self) -> Outcome<EventExpression> {
        self.mark(TIGHT_AFTER);
        let opening = self.expect("(")?;
        let event = self.event_expression_within()?;
        self.close(")", opening)?;
        Ok(event)
    }

    /// `(expression)`.
    fn round(&mut self) -> Outcome<Expression> {
        self.mark(TIGHT_BEFORE | TIGHT_AFTER);
        let opening = self.expect("(")?;
        let inner = self.expression()?;
        self.close(")", opening)?;
        Ok(inner)
    }

    fn aggregate(&mut self) -> Outcome<Option<Aggregate>> {
        let start = self.span();
        let kind = match self.word(0) {
            Some("avg") => AggregateKind::Average,
            Some("max") => AggregateKind::Maximum,
            Some("min") => AggregateKind::Minimum,
            Some("push") => AggregateKind::Push,
            Some("sum") => AggregateKind::Sum,
            _ => return Ok(None),
        };
        self.advance();
        self.mark(TIGHT_BEFORE);
        let variables = self.sequence(("(", ")"), |parser| parser.identifier("a variable"))?;
        Ok(Some(Aggregate {
            kind,
            variables,
            span: self.since(start),
        }))
    }

    fn whole_number(&mut self) -> Outcome<u32> {
        let span = self.span();
        let number = span.text(self.source).parse();
        let number = number.map_err(|_| self.expected("a whole number below 2^32"))?;
        self.advance();
        Ok(number)
    }

    /// `domain type attribute re#…# setting (a) where condition`.
    fn primitive(&mut self) -> Outcome<Primitive> {
        let start = self.span();
        if self.word(0).is_some_and(|word| NOT_DOMAINS.contains(&word)) {
            return Err(self.operator_first().into());
        }
        let (domain, name) = self.event_type()?;
        let filters = self.filters(&name)?;
        let mut condition = self.event_condition()?;
        let setting = self.setting()?;
        if condition.is_none() {
            condition = self.event_condition()?;
        }
        Ok(Primitive {
            domain,
            name,
            filters,
            setting,
            condition,
            span: self.since(start),
        })
    }

    /// `domain type` or `domain:type`, or the type alone of an event of a web page.
    fn event_type(&mut self) -> Outcome<(Identifier, Identifier)> {
        let page = self.at_page_event();
        let first = self.identifier(EVENT)?;
        if page {
            self.note_classic(first.span);
            let domain = Identifier {
                name: "web".to_owned(),
                span: first.span,
            };
            return Ok((domain, first));
        }
        if self.at(":") {
            self.mark(TIGHT_BEFORE | TIGHT_AFTER);
        }
        if !self.eat(":") && self.at_rule_block() {
            return Err(self.expected("the event's type").into());
        }
        let name = self.identifier("the event's type")?;
        Ok((first, name))
    }

    /// Whether the type of an event of a web page is next, with no domain before it.
    fn at_page_event(&self) -> bool {
        let page = self.word(0).is_some_and(|word| PAGE_EVENTS.contains(&word));
        page && match (self.sign(1), self.token(2).map(|token| token.kind)) {
            (Some(":"), _) => false,
            (Some(word), Some(TokenKind::Regexp | TokenKind::String)) if self.word(1).is_some() => {
                !BEFORE_PATTERNS.contains(&word) || word == "where"
            }
            (Some(word), _) if self.word(1).is_some() => {
                let action = matches!(self.sign(2), Some("(" | ":" | "=>"));
                action || AFTER_EVENTS.contains(&word) || event_operator(word).is_some()
            }
            _ => true,
        }
    }

    fn event_condition(&mut self) -> Outcome<Option<Expression>> {
        if !self.eat("where") {
            return Ok(None);
        }
        let start = self.span();
        let mut condition = self.one_condition()?;
        while self.at_fresh() && self.at_condition() {
            self.note_classic(self.span());
            let kind = ExpressionKind::Binary {
                operator: BinaryOperator::And,
                left: Box::new(condition),
                right: Box::new(self.one_condition()?),
            };
            self.link()?;
            condition = Expression {
                kind,
                span: self.since(start),
            };
        }
        Ok(Some(condition))
    }

    fn one_condition(&mut self) -> Outcome<Expression> {
        let outer = std::mem::replace(&mut self.in_condition, true);
        let condition = self.expression();
        self.in_condition = outer;
        condition
    }

    /// Whether one more condition begins here. In 2012 there could be several, each on a line of
    /// its own. They look like actions up to the `setting` behind them, and a mere call before
    /// `setting` is one.
    fn at_condition(&self) -> bool {
        let mut open = 0_usize;
        let mut calls = 0;
        for ahead in 0..CONDITION_TOKENS_MAX {
            match self.sign(ahead) {
                Some("(" | "[") => open += 1,
                Some(")" | "]") if open == 0 => return false,
                Some(")" | "]") => {
                    open -= 1;
                    calls += usize::from(open == 0);
                }
                Some("setting") if open == 0 => {
                    let closed = ahead.checked_sub(1).and_then(|before| self.sign(before));
                    let action = self.at_action() && calls == 1 && closed == Some(")");
                    return ahead > 0 && !action;
                }
                Some("{" | "}" | ";" | "and" | "or" | "before" | "after" | "then" | "foreach")
                    if open == 0 =>
                {
                    return false;
                }
                _ => {}
            }
        }
        false
    }

    /// `attribute re#…#`, as many as there are. Classic KRL may leave out the first attribute, and
    /// write a string for a regular expression.
    fn filters(&mut self, event: &Identifier) -> Outcome<Vec<AttributeFilter>> {
        let mut filters = Vec::new();
        let start = self.span();
        let pattern = self.at_kind(TokenKind::Regexp) || self.at_kind(TokenKind::String);
        if pattern && !PAGE_EVENTS.contains(&&*event.name) {
            let expected = self.expected("an attribute before the pattern");
            self.note_only_classic(expected);
        }
        if let Some(pattern) = self.pattern() {
            filters.push(AttributeFilter {
                attribute: None,
                pattern,
                span: self.since(start),
            });
        }
        while self.at_filter() {
            let attribute = self.identifier("an attribute")?;
            let span = attribute.span;
            let attribute = Some(attribute);
            if let Some(pattern) = self.pattern() {
                filters.push(AttributeFilter {
                    attribute,
                    pattern,
                    span: self.since(span),
                });
            }
        }
        Ok(filters)
    }

    /// Whether `attribute re#…#` is next.
    fn at_filter(&self) -> bool {
        let Some(word) = self.word(0) else {
            return false;
        };
        match self.token(1).map(|token| token.kind) {
            Some(TokenKind::Regexp | TokenKind::String) => !BEFORE_PATTERNS.contains(&word),
            _ => false,
        }
    }

    /// `5 minutes`.
    pub(super) fn period(&mut self) -> Outcome<Period> {
        let start = self.span();
        let amount = self.expression()?;
        let unit = self
            .word(0)
            .and_then(time_unit)
            .ok_or_else(|| self.expected(UNITS))?;
        self.advance();
        Ok(Period {
            amount,
            unit,
            span: self.since(start),
        })
    }

    fn event_infix(&self) -> Option<EventInfix> {
        match (self.word(0)?, self.word(1)) {
            ("between", _) => Some(EventInfix::Between),
            ("not", Some("between")) => Some(EventInfix::NotBetween),
            // No event begins with a text, so this is an action: they wrote into a web page.
            ("after" | "before", _) if self.sign(1) == Some("(") && self.text_at(2) => None,
            (word, _) => event_operator(word).map(EventInfix::Combined),
        }
    }

    fn event_joined(
        &mut self,
        start: Span,
        left: EventExpression,
        infix: EventInfix,
    ) -> Outcome<EventExpression> {
        self.advance();
        let kind = match infix {
            EventInfix::Between => self.between(left, false)?,
            EventInfix::Combined(operator) => {
                let right = self.event_operation(infix.power())?;
                EventExpressionKind::Combined(operator, vec![left, right])
            }
            EventInfix::NotBetween => {
                self.advance();
                self.between(left, true)?
            }
        };
        Ok(EventExpression {
            kind,
            span: self.since(start),
        })
    }

    /// The `(b, c)` of `a between (b, c)`.
    fn between(&mut self, event: EventExpression, negated: bool) -> Outcome<EventExpressionKind> {
        self.mark(TIGHT_AFTER);
        let opening = self.expect("(")?;
        let start = Box::new(self.event_expression_within()?);
        self.expect(",")?;
        let end = Box::new(self.event_expression_within()?);
        self.eat(",");
        self.close(")", opening)?;
        Ok(EventExpressionKind::Between {
            event: Box::new(event),
            negated,
            start,
            end,
        })
    }

    fn operator_first(&self) -> Diagnostic {
        let word = self.span().text(self.source);
        let title = format!("`{word}` cannot be an event's domain, it joins events");
        Diagnostic::error("krl-reserved-word", title, self.span())
    }
}

/// What may stand after an event expression and make a greater one of it.
#[derive(Clone, Copy)]
enum EventInfix {
    Between,
    Combined(EventOperator),
    NotBetween,
}

impl EventInfix {
    /// How tightly it binds.
    fn power(self) -> u8 {
        match self {
            Self::Combined(operator) => precedence::event(operator),
            Self::Between | Self::NotBetween => precedence::BETWEEN,
        }
    }
}

fn event_operator(word: &str) -> Option<EventOperator> {
    match word {
        "after" => Some(EventOperator::After),
        "and" => Some(EventOperator::And),
        "before" => Some(EventOperator::Before),
        "or" => Some(EventOperator::Or),
        "then" => Some(EventOperator::Then),
        _ => None,
    }
}

fn time_unit(word: &str) -> Option<TimeUnit> {
    match word.strip_suffix('s').unwrap_or(word) {
        "second" => Some(TimeUnit::Second),
        "minute" => Some(TimeUnit::Minute),
        "hour" => Some(TimeUnit::Hour),
        "day" => Some(TimeUnit::Day),
        "week" => Some(TimeUnit::Week),
        "month" => Some(TimeUnit::Month),
        "year" => Some(TimeUnit::Year),
        _ => None,
    }
}

/// Words that join events and so cannot be domains.
const NOT_DOMAINS: [&str; 8] = [
    "after", "and", "any", "before", "count", "or", "repeat", "then",
];

/// Words of the language that may stand between an event and a string or a regular expression.
const BEFORE_PATTERNS: [&str; 5] = ["choose", "foreach", "if", "where", "within"];

/// The events of a web page, whose domain may be left out.
const PAGE_EVENTS: [&str; 6] = [
    "change", "click", "dblclick", "pageview", "submit", "update",
];

/// Tokens that are looked at to tell a condition from an action.
const CONDITION_TOKENS_MAX: usize = 256;

/// Words that may follow an event's type.
const AFTER_EVENTS: [&str; 12] = [
    "always", "between", "choose", "every", "fired", "foreach", "if", "not", "notfired", "pre",
    "setting", "where",
];

const EVENT: &str = "an event expression";

const UNITS: &str = "a unit of time (seconds, minutes, hours, days, weeks, months or years)";
