//! Event expressions.

use super::Printer;
use crate::{
    ast::{
        Aggregate, AggregateKind, AttributeFilter, EventExpression, EventExpressionKind,
        EventOperator, Expression, ExpressionKind, Period, Primitive, Quantifier, TimeUnit,
    },
    precedence,
};

impl Printer {
    pub(super) fn event_expression(&mut self, event: &EventExpression) {
        match &event.kind {
            EventExpressionKind::Any(number, events) => {
                self.write(&format!("any {number} "));
                self.events(events);
            }
            EventExpressionKind::At(time) => {
                self.labelled("at(", time);
                self.write(")");
            }
            EventExpressionKind::Between {
                event,
                negated,
                start,
                end,
            } => {
                self.event_operand(event, precedence::BETWEEN);
                self.write(if *negated {
                    " not between ("
                } else {
                    " between ("
                });
                self.event_expression(start);
                self.write(", ");
                self.event_expression(end);
                self.write(")");
            }
            EventExpressionKind::Combined(operator, operands) => self.combined(*operator, operands),
            EventExpressionKind::Counted {
                quantifier,
                number,
                event,
                aggregate,
            } => {
                self.write(quantifier_word(*quantifier));
                self.write(&format!(" {number} ("));
                self.event_expression(event);
                self.write(")");
                self.aggregate(aggregate.as_ref());
            }
            EventExpressionKind::Primitive(primitive) => self.primitive(primitive),
            EventExpressionKind::Within(event, period) => {
                self.event_expression(event);
                self.write(" within ");
                self.amount(period);
            }
        }
    }

    /// `a before b`, or `before (a, b, c)` where there are not two.
    fn combined(&mut self, operator: EventOperator, operands: &[EventExpression]) {
        let word = operator_word(operator);
        let [left, right] = operands else {
            self.write(&format!("{word} "));
            return self.events(operands);
        };
        let power = precedence::event(operator);
        self.event_operand(left, power);
        self.write(&format!(" {word} "));
        self.event_operand(right, power + 1);
    }

    /// An operand of what binds with a power; in parentheses if it binds less.
    fn event_operand(&mut self, event: &EventExpression, power: u8) {
        if event_power(event) >= power {
            return self.event_expression(event);
        }
        self.write("(");
        self.event_expression(event);
        self.write(")");
    }

    fn events(&mut self, events: &[EventExpression]) {
        self.write("(");
        self.separated(events, ", ", Self::event_expression);
        self.write(")");
    }

    fn primitive(&mut self, primitive: &Primitive) {
        self.identifier(&primitive.domain);
        self.write(":");
        self.identifier(&primitive.name);
        for filter in &primitive.filters {
            self.write(" ");
            self.filter(filter);
        }
        self.setting(&primitive.setting);
        if let Some(condition) = &primitive.condition {
            // The `within` of a trail would be the event's, and `where` an attribute's name before
            // a pattern.
            let trail = matches!(condition.kind, ExpressionKind::Trail(_));
            let round = trail || begins_with_regexp(condition);
            self.labelled(if round { " where (" } else { " where " }, condition);
            self.write(if round { ")" } else { "" });
        }
    }

    fn filter(&mut self, filter: &AttributeFilter) {
        if let Some(attribute) = &filter.attribute {
            self.identifier(attribute);
            self.write(" ");
        }
        self.regexp(&filter.pattern);
    }

    fn aggregate(&mut self, aggregate: Option<&Aggregate>) {
        let Some(aggregate) = aggregate else { return };
        let word = match aggregate.kind {
            AggregateKind::Average => " avg(",
            AggregateKind::Maximum => " max(",
            AggregateKind::Minimum => " min(",
            AggregateKind::Push => " push(",
            AggregateKind::Sum => " sum(",
        };
        self.names(word, &aggregate.variables);
        self.write(")");
    }

    pub(super) fn amount(&mut self, period: &Period) {
        self.expression(&period.amount);
        self.write(match period.unit {
            TimeUnit::Second => " seconds",
            TimeUnit::Minute => " minutes",
            TimeUnit::Hour => " hours",
            TimeUnit::Day => " days",
            TimeUnit::Week => " weeks",
            TimeUnit::Month => " months",
            TimeUnit::Year => " years",
        });
    }
}

/// Whether a regular expression is the first that is written of an expression.
fn begins_with_regexp(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Binary { left: first, .. }
        | ExpressionKind::Call { callee: first, .. }
        | ExpressionKind::Conditional {
            condition: first, ..
        }
        | ExpressionKind::Index { object: first, .. }
        | ExpressionKind::Member { object: first, .. }
        | ExpressionKind::MethodCall { object: first, .. }
        | ExpressionKind::Path { object: first, .. } => begins_with_regexp(first),
        ExpressionKind::Regexp(_) => true,
        _ => false,
    }
}

/// How tightly the outermost operator of an event expression binds.
fn event_power(event: &EventExpression) -> u8 {
    match &event.kind {
        EventExpressionKind::Between { .. } => precedence::BETWEEN,
        EventExpressionKind::Combined(operator, operands) if operands.len() == 2 => {
            precedence::event(*operator)
        }
        EventExpressionKind::Within(..) => 0,
        _ => u8::MAX,
    }
}

fn operator_word(operator: EventOperator) -> &'static str {
    match operator {
        EventOperator::After => "after",
        EventOperator::And => "and",
        EventOperator::Before => "before",
        EventOperator::Or => "or",
        EventOperator::Then => "then",
    }
}

fn quantifier_word(quantifier: Quantifier) -> &'static str {
    match quantifier {
        Quantifier::Count => "count",
        Quantifier::Repeat => "repeat",
    }
}
