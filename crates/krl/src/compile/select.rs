//! Event expressions, into what the automata are built from.

use std::{collections::BTreeMap, time::Duration};

use stratus_event::Name;
use stratus_krl_syntax::ast::{self, EventExpressionKind as Tree, EventOperator};
use stratus_salience::{
    Aggregate, Between, Expression, Filter, Function, Occurrences, Primitive, Symbol,
};

use super::Compiler;
use crate::{program::Condition, resolve::Kind};

/// A compiled `select`.
pub(super) struct Select {
    /// None if there was a fault in it.
    pub(super) expression: Option<Expression>,
    /// All the variables that it may bind.
    pub(super) variables: Vec<Name>,
}

/// A compiled `where`.
pub(super) struct Compiled {
    pub(super) number: usize,
    /// The variables that it reads.
    pub(super) read: Vec<Name>,
}

impl Compiler {
    pub(super) fn select(&mut self, tree: &ast::Select) -> Select {
        match &tree.kind {
            ast::SelectKind::When(event) => {
                let mut variables = Vec::new();
                self.event_variables(event, &mut variables);
                self.remember_together(event);
                let expression = self.event(event, &variables);
                let expression = expression.filter(|expression| self.check(event, expression));
                Select {
                    expression,
                    variables,
                }
            }
            ast::SelectKind::Where(condition) => {
                let condition = Some(self.condition(condition, &[]).number);
                let symbol = Symbol {
                    domain: None,
                    kind: None,
                };
                let primitive = Primitive {
                    condition,
                    ..Primitive::of(symbol)
                };
                let expression = Some(Expression::Primitive(primitive));
                Select {
                    expression,
                    variables: Vec::new(),
                }
            }
        }
    }

    /// Whether the expression is one that can run.
    fn check(&mut self, tree: &ast::EventExpression, expression: &Expression) -> bool {
        match expression.check() {
            Ok(()) => true,
            Err(error) => {
                self.fault(tree.span, "krl-select-unsupported", error.to_string());
                false
            }
        }
    }

    fn event_variables(&mut self, tree: &ast::EventExpression, found: &mut Vec<Name>) {
        let (parts, names): (Vec<&ast::EventExpression>, &[ast::Identifier]) = match &tree.kind {
            Tree::Any(_, parts) | Tree::Combined(_, parts) => (parts.iter().collect(), &[]),
            Tree::Between {
                event, start, end, ..
            } => (vec![&**start, &**event, &**end], &[]),
            Tree::Counted {
                event, aggregate, ..
            } => (
                vec![&**event],
                aggregate
                    .as_ref()
                    .map_or(&[], |aggregate| &aggregate.variables),
            ),
            Tree::At(_) => (Vec::new(), &[]),
            Tree::Primitive(primitive) => (Vec::new(), &primitive.setting),
            Tree::Within(event, _) => (vec![&**event], &[]),
        };
        for part in parts {
            self.event_variables(part, found);
        }
        for name in names {
            found.extend(self.name(name).filter(|name| !found.contains(name)));
        }
    }

    fn event(&mut self, tree: &ast::EventExpression, variables: &[Name]) -> Option<Expression> {
        match &tree.kind {
            Tree::At(time) => self.instant(time, variables).map(Expression::Primitive),
            Tree::Any(number, parts) => {
                let parts = self.events(parts, variables)?;
                Some(Expression::Any(usize::try_from(*number).ok()?, parts))
            }
            Tree::Between {
                event,
                negated,
                start,
                end,
            } => {
                let middle = self.event(event, variables);
                let (first, last) = (self.event(start, variables), self.event(end, variables));
                let between = Box::new(Between {
                    first: first?,
                    middle: middle?,
                    last: last?,
                });
                Some(if *negated {
                    Expression::NotBetween(between)
                } else {
                    Expression::Between(between)
                })
            }
            Tree::Combined(operator, parts) => {
                let parts = self.events(parts, variables)?;
                Some(match operator {
                    EventOperator::After => Expression::After(parts),
                    EventOperator::And => Expression::And(parts),
                    EventOperator::Before => Expression::Before(parts),
                    EventOperator::Or => Expression::Or(parts),
                    EventOperator::Then => Expression::Then(parts),
                })
            }
            Tree::Counted {
                quantifier,
                number,
                event,
                aggregate,
            } => {
                let times = usize::try_from(*number).ok()?;
                let occurrences = self.occurrences(times, event, aggregate.as_ref(), variables)?;
                Some(match quantifier {
                    ast::Quantifier::Count => Expression::Count(occurrences),
                    ast::Quantifier::Repeat => Expression::Repeat(occurrences),
                })
            }
            Tree::Primitive(primitive) => self
                .primitive(primitive, variables)
                .map(Expression::Primitive),
            Tree::Within(event, period) => {
                let event = self.event(event, variables)?;
                Some(Expression::Within(Box::new(event), self.period(period)?))
            }
        }
    }

    fn events(
        &mut self,
        trees: &[ast::EventExpression],
        variables: &[Name],
    ) -> Option<Vec<Expression>> {
        // All of them are compiled before one that failed counts, so that all faults are found.
        let parts: Vec<_> = trees
            .iter()
            .map(|tree| self.event(tree, variables))
            .collect();
        parts.into_iter().collect()
    }

    fn occurrences(
        &mut self,
        times: usize,
        event: &ast::EventExpression,
        aggregate: Option<&ast::Aggregate>,
        variables: &[Name],
    ) -> Option<Occurrences> {
        let Tree::Primitive(primitive) = &event.kind else {
            let message = "only a single event can be counted, not an expression of several";
            self.fault(event.span, "krl-select-unsupported", message);
            return None;
        };
        let primitive = self.primitive(primitive, variables);
        let aggregate = match aggregate {
            Some(aggregate) => Some(Aggregate {
                function: function(aggregate.kind),
                setting: self.names(&aggregate.variables)?,
            }),
            None => None,
        };
        Some(Occurrences {
            times,
            primitive: primitive?,
            aggregate,
        })
    }

    fn names(&mut self, trees: &[ast::Identifier]) -> Option<Vec<Name>> {
        let names: Vec<_> = trees.iter().map(|name| self.name(name)).collect();
        names.into_iter().collect()
    }

    fn primitive(&mut self, tree: &ast::Primitive, variables: &[Name]) -> Option<Primitive> {
        let (domain, kind) = (self.name(&tree.domain), self.name(&tree.name));
        let filters: Vec<_> = tree
            .filters
            .iter()
            .map(|filter| self.filter(filter, tree))
            .collect();
        let setting = self.names(&tree.setting);
        let where_ = tree.condition.as_ref();
        let condition = where_.map(|tree| self.condition(tree, variables));
        Some(Primitive {
            symbol: Symbol {
                domain: Some(domain?),
                kind: Some(kind?),
            },
            filters: filters.into_iter().collect::<Option<_>>()?,
            intervals: self.intervals(tree, variables),
            joins: self.joins(tree, variables, setting.as_deref()?, condition.as_ref()),
            setting: setting?,
            condition: condition.map(|condition| condition.number),
            instant: None,
        })
    }

    fn filter(&mut self, tree: &ast::AttributeFilter, event: &ast::Primitive) -> Option<Filter> {
        let pattern = self.pattern(&tree.pattern)?.regex().clone();
        let attribute = match &tree.attribute {
            Some(attribute) => self.name(attribute)?,
            None if event.name.name == "pageview" => Name::new("url").ok()?,
            // What was clicked, submitted or changed in a web page.
            None => Name::new("element").ok()?,
        };
        Some(Filter { attribute, pattern })
    }

    /// Compiles a `where` predicate.
    pub(super) fn condition(&mut self, tree: &ast::Expression, variables: &[Name]) -> Compiled {
        self.scope.enter_function();
        let mut bindings = BTreeMap::new();
        for name in variables {
            if let Some(slot) = self.scope.declare(name.as_str(), Kind::Any) {
                self.scope.reveal(name.as_str());
                bindings.insert(name.clone(), slot);
            }
        }
        self.in_condition = true;
        let expression = self.expression(tree);
        self.in_condition = false;
        let read = variables.iter();
        let read = read.filter(|name| self.scope.is_used(name.as_str()));
        let read = read.cloned().collect();
        let slots = self.scope.leave_function();
        self.conditions.push(Condition {
            expression,
            slots,
            bindings,
        });
        let number = self.conditions.len() - 1;
        Compiled { number, read }
    }

    fn period(&mut self, tree: &ast::Period) -> Option<Duration> {
        if let Some(amount) = constant(&tree.amount) {
            let seconds = amount * tree.unit.seconds() as f64;
            if let Ok(period) = Duration::try_from_secs_f64(seconds) {
                return Some(period);
            }
        }
        let message = "within takes a constant number and a unit, such as within 5 minutes";
        self.fault(tree.span, "krl-select-unsupported", message);
        None
    }
}

/// The number that an expression of literals stands for.
pub(super) fn constant(tree: &ast::Expression) -> Option<f64> {
    match &tree.kind {
        ast::ExpressionKind::Number(number) => Some(*number),
        ast::ExpressionKind::Binary {
            operator,
            left,
            right,
        } => {
            let (left, right) = (constant(left)?, constant(right)?);
            match operator {
                ast::BinaryOperator::Add => Some(left + right),
                ast::BinaryOperator::Divide => Some(left / right),
                ast::BinaryOperator::Multiply => Some(left * right),
                ast::BinaryOperator::Subtract => Some(left - right),
                _ => None,
            }
        }
        ast::ExpressionKind::Unary { operator, operand } => match operator {
            ast::UnaryOperator::Negate => Some(-constant(operand)?),
            ast::UnaryOperator::Plus => constant(operand),
            ast::UnaryOperator::Not => None,
        },
        _ => None,
    }
}

fn function(kind: ast::AggregateKind) -> Function {
    match kind {
        ast::AggregateKind::Average => Function::Average,
        ast::AggregateKind::Maximum => Function::Maximum,
        ast::AggregateKind::Minimum => Function::Minimum,
        ast::AggregateKind::Push => Function::Push,
        ast::AggregateKind::Sum => Function::Sum,
    }
}
