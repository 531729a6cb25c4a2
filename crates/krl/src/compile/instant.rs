//! `at(time)` in an event expression: which instant that is.
//!
//! The time stands there, or it is made of what earlier events have bound and of nothing else: so
//! it is the same whenever it is asked for, and a replay needs no clock.

use stratus_event::Name;
use stratus_krl_syntax::ast::{
    Argument, EventExpression, EventExpressionKind as Tree, Expression, ExpressionKind, Identifier,
    QualifiedName,
};
use stratus_salience::{Instant, Join, Primitive};

use super::Compiler;
use crate::library::standing_instant;

impl Compiler {
    pub(super) fn instant(&mut self, tree: &Expression, variables: &[Name]) -> Option<Primitive> {
        let primitive = match written(tree) {
            Some(text) => standing_instant(text).map(Primitive::at),
            None if self.is_pure(tree, variables) => self.bound_instant(tree, variables),
            None => None,
        };
        if primitive.is_none() {
            let message = "at takes a time that stands there, such as \"2026-12-24T18:00:00Z\" or \
                           \"08:00\", or one made of variables that earlier events have bound";
            self.fault(tree.span, "krl-select-unsupported", message);
        }
        primitive
    }

    fn bound_instant(&mut self, tree: &Expression, variables: &[Name]) -> Option<Primitive> {
        let compiled = self.condition(tree, variables);
        let join = |variable: &Name| Join {
            variable: variable.clone(),
            attribute: None,
        };
        let joins: Vec<_> = self.together(&compiled.read).iter().map(join).collect();
        (!joins.is_empty()).then(|| Primitive {
            joins,
            ..Primitive::at(Instant::Bound(compiled.number))
        })
    }

    /// The variables that are bound by events which bind one of these: each of their values has a
    /// partial match, and so an instant, of its own.
    fn together(&self, read: &[Name]) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        for setting in &self.bound_together {
            if setting.iter().any(|name| read.contains(name)) {
                names.extend(setting.iter().cloned());
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// Whether the expression reads nothing that may change.
    fn is_pure(&self, tree: &Expression, variables: &[Name]) -> bool {
        let pure = |tree: &Expression| self.is_pure(tree, variables);
        let all = |arguments: &[Argument]| arguments.iter().all(|one| pure(&one.value));
        match &tree.kind {
            ExpressionKind::Binary { left, right, .. } => pure(left) && pure(right),
            ExpressionKind::Boolean(_)
            | ExpressionKind::Null
            | ExpressionKind::Number(_)
            | ExpressionKind::Regexp(_)
            | ExpressionKind::Text(_) => true,
            ExpressionKind::Call { callee, arguments } => {
                let pure_callee = match &callee.kind {
                    ExpressionKind::Name(name) => name.domain.is_some() && is_pure_function(name),
                    _ => false,
                };
                pure_callee && all(arguments)
            }
            ExpressionKind::Conditional {
                condition,
                consequent,
                alternate,
            } => pure(condition) && pure(consequent) && pure(alternate),
            ExpressionKind::List(items) => items.iter().all(pure),
            ExpressionKind::Map(entries) => entries.iter().all(|entry| pure(&entry.value)),
            ExpressionKind::MethodCall {
                object,
                name,
                arguments,
            } => {
                let is_operator = !self.globals.contains_key(&name.name.name);
                is_operator && is_pure_function(name) && pure(object) && all(arguments)
            }
            ExpressionKind::Name(name) => {
                let bound = variables.iter().any(|one| *one == name.name.name.as_str());
                name.domain.is_none() && bound
            }
            ExpressionKind::Unary { operand, .. } => pure(operand),
            _ => false,
        }
    }

    /// Remembers which variables are bound by one event each.
    pub(super) fn remember_together(&mut self, tree: &EventExpression) {
        self.bound_together.clear();
        let mut open = vec![tree];
        while let Some(tree) = open.pop() {
            match &tree.kind {
                Tree::Any(_, parts) | Tree::Combined(_, parts) => open.extend(parts),
                Tree::At(_) => {}
                Tree::Between {
                    event, start, end, ..
                } => open.extend([&**start, &**event, &**end]),
                Tree::Counted {
                    event, aggregate, ..
                } => {
                    open.push(event);
                    let variables = aggregate.as_ref().map(|aggregate| &aggregate.variables);
                    self.remember_setting(variables.map_or(&[], Vec::as_slice));
                }
                Tree::Primitive(primitive) => self.remember_setting(&primitive.setting),
                Tree::Within(event, _) => open.push(event),
            }
        }
    }

    fn remember_setting(&mut self, setting: &[Identifier]) {
        let names = setting.iter().filter_map(|name| Name::new(&name.name).ok());
        self.bound_together.push(names.collect());
    }
}

/// The text of a time that stands there, by itself or in `time:new`.
fn written(tree: &Expression) -> Option<&str> {
    match &tree.kind {
        ExpressionKind::Call { callee, arguments } => match (&callee.kind, arguments.as_slice()) {
            (ExpressionKind::Name(name), [argument]) if is_of_time(name, "new") => {
                written(&argument.value)
            }
            _ => None,
        },
        ExpressionKind::Text(text) => Some(text),
        _ => None,
    }
}

fn is_of_time(name: &QualifiedName, function: &str) -> bool {
    let domain = name.domain.as_ref();
    domain.is_some_and(|domain| domain.name == "time") && name.name.name == function
}

/// Whether it gives the same for the same arguments: an operator, or a function of `math` or of
/// `time` that does not ask for the time.
fn is_pure_function(name: &QualifiedName) -> bool {
    let domain = name.domain.as_ref().map(|domain| domain.name.as_str());
    matches!(domain, None | Some("math" | "time")) && !is_of_time(name, "now")
}
