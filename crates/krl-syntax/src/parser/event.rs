//! Event expressions.

use super::{Outcome, Parser};
use crate::{
    ast::{
        Aggregate, AggregateKind, AttributeFilter, EventExpression, EventExpressionKind,
        EventOperator, Expression, Period, Primitive, Quantifier, Span, TimeUnit,
    },
    diagnostic::Diagnostic,
    lexer::TokenKind,
    precedence,
};

impl Parser<'_> {
    /// An event expression and, after it, perhaps `within 5 minutes`.
    pub(super) fn event_expression_within(&mut self) -> Outcome<EventExpression> {
        let start = self.span();
        let event = self.event_operation(0)?;
        if !self.eat("within") {
            return Ok(event);
        }
        let kind = EventExpressionKind::Within(Box::new(event), self.period()?);
        Ok(EventExpression {
            kind,
            span: self.since(start),
        })
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
                let opening = self.expect("(")?;
                let inner = self.event_operation(0)?;
                self.close(")", opening)?;
                return Ok(inner);
            }
            (Some(word), Some("(")) if event_operator(word).is_some() => self.event_list(word)?,
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
        let events = self.sequence(("(", ")"), |parser| parser.event_operation(0))?;
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
        let opening = self.expect("(")?;
        let primitive = self.primitive()?;
        let span = primitive.span;
        let kind = EventExpressionKind::Primitive(primitive);
        let event = Box::new(EventExpression { kind, span });
        self.close(")", opening)?;
        let aggregate = self.aggregate()?;
        Ok(EventExpressionKind::Counted {
            quantifier,
            number,
            event,
            aggregate,
        })
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
        let domain = self.identifier(EVENT)?;
        if !self.eat(":") && self.at_rule_block() {
            return Err(self.expected("the event's type").into());
        }
        let name = self.identifier("the event's type")?;
        let filters = self.filters()?;
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

    fn event_condition(&mut self) -> Outcome<Option<Expression>> {
        if self.eat("where") {
            self.expression().map(Some)
        } else {
            Ok(None)
        }
    }

    /// `attribute re#…#`, as many as there are. Classic KRL may leave out the first attribute, and
    /// write a string for a regular expression.
    fn filters(&mut self) -> Outcome<Vec<AttributeFilter>> {
        let mut filters = Vec::new();
        let start = self.span();
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
            Some(TokenKind::Regexp) => true,
            Some(TokenKind::String) => !BEFORE_STRINGS.contains(&word),
            _ => false,
        }
    }

    /// `5 minutes`.
    fn period(&mut self) -> Outcome<Period> {
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
        let opening = self.expect("(")?;
        let start = Box::new(self.event_operation(0)?);
        self.expect(",")?;
        let end = Box::new(self.event_operation(0)?);
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

/// Words of the language that may stand between an event and a string.
const BEFORE_STRINGS: [&str; 5] = ["choose", "foreach", "if", "where", "within"];

const EVENT: &str = "an event expression";

const UNITS: &str = "a unit of time (seconds, minutes, hours, days, weeks, months or years)";
