//! What is not wrong, but probably not meant.

use std::collections::BTreeSet;

use stratus_krl_syntax::ast::{self, EventExpressionKind as Tree};

use super::{Compiler, testing::TESTING};

impl Compiler {
    /// Globals that nothing uses, and that nobody else can.
    pub(super) fn check_globals(&mut self, tree: &ast::Ruleset) {
        for global in &tree.globals {
            let name = &global.name.name;
            if name == TESTING || self.globals_used.contains(name) {
                continue;
            }
            let message = format!("{name} is never used");
            let help = "use it, take it away, or name it in shares or provides";
            self.warn(global.name.span, "krl-declaration-unused", message, help);
        }
    }

    /// Rules behind one that keeps their event from them.
    pub(super) fn check_reached(&mut self, tree: &ast::Ruleset) {
        let mut ended: Vec<(&str, &str, &str)> = Vec::new();
        for rule in &tree.rules {
            let Some(primitive) = single(rule) else {
                continue;
            };
            let (domain, kind) = (primitive.domain.name.as_str(), primitive.name.name.as_str());
            let by = ended
                .iter()
                .find(|(known, other, _)| (*known, *other) == (domain, kind));
            if let Some((.., by)) = by {
                let name = &rule.name.name;
                let message = format!("the rule {name} never runs: {by} ends with last before it");
                let help = "put it before the other rule, or give last a condition";
                self.warn(rule.name.span, "krl-rule-unreachable", message, help);
            } else if ends(rule) && primitive.filters.is_empty() && primitive.condition.is_none() {
                ended.push((domain, kind, &rule.name.name));
            }
        }
    }

    /// Variables that only some ways through the event expression bind, and that the rule uses.
    pub(super) fn check_bound(&mut self, rule: &ast::Rule) {
        let Some(ast::SelectKind::When(event)) = rule.select.as_ref().map(|select| &select.kind)
        else {
            return;
        };
        let always = bound(event);
        let mut told = BTreeSet::new();
        for name in setting(event) {
            let word = name.name.as_str();
            if always.contains(word) || !self.scope.is_used(word) || !told.insert(word) {
                continue;
            }
            let message = format!("{word} is not bound on every way through the event expression");
            let help =
                "where it is not bound it is null: use .defaultsTo(…), or bind it everywhere";
            self.warn(name.span, "krl-variable-maybe-unbound", message, help);
        }
    }
}

/// The one event that an active rule waits for, if it is one.
fn single(rule: &ast::Rule) -> Option<&ast::Primitive> {
    let ast::SelectKind::When(event) = &rule.select.as_ref()?.kind else {
        return None;
    };
    match &event.kind {
        Tree::Primitive(primitive) if rule.state == ast::RuleState::Active => Some(primitive),
        _ => None,
    }
}

/// Whether `last` follows the rule whatever happens in it.
fn ends(rule: &ast::Rule) -> bool {
    let always = rule
        .postlude
        .as_ref()
        .and_then(|postlude| postlude.always.as_ref());
    rule.foreach.is_empty()
        && always.is_some_and(|statements| {
            statements.iter().any(|statement| {
                statement.guard.is_none() && matches!(statement.kind, ast::StatementKind::Last)
            })
        })
}

/// The names that are bound whichever way the event expression comes to its end.
fn bound(tree: &ast::EventExpression) -> BTreeSet<&str> {
    match &tree.kind {
        Tree::Any(number, parts) if parts.len() > *number as usize => common(parts),
        Tree::Combined(ast::EventOperator::Or, parts) => common(parts),
        Tree::Any(_, parts) | Tree::Combined(_, parts) => parts.iter().flat_map(bound).collect(),
        Tree::At(_) => BTreeSet::new(),
        Tree::Between {
            event,
            negated,
            start,
            end,
        } => {
            let mut names = bound(start);
            names.extend(bound(end));
            if !negated {
                names.extend(bound(event));
            }
            names
        }
        Tree::Counted { event, .. } => {
            let mut names = bound(event);
            names.extend(setting(tree).iter().map(|name| name.name.as_str()));
            names
        }
        Tree::Primitive(primitive) => {
            let names = primitive.setting.iter();
            names.map(|name| name.name.as_str()).collect()
        }
        Tree::Within(event, _) => bound(event),
    }
}

fn common(parts: &[ast::EventExpression]) -> BTreeSet<&str> {
    let mut parts = parts.iter().map(bound);
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |names, part| {
        names.intersection(&part).copied().collect()
    })
}

/// All names that the event expression may bind, in textual order.
fn setting(tree: &ast::EventExpression) -> Vec<&ast::Identifier> {
    match &tree.kind {
        Tree::Any(_, parts) | Tree::Combined(_, parts) => parts.iter().flat_map(setting).collect(),
        Tree::At(_) => Vec::new(),
        Tree::Between {
            event, start, end, ..
        } => [event, start, end]
            .into_iter()
            .flat_map(|part| setting(part))
            .collect(),
        Tree::Counted {
            event, aggregate, ..
        } => {
            let mut names = setting(event);
            names.extend(aggregate.iter().flat_map(|aggregate| &aggregate.variables));
            names
        }
        Tree::Primitive(primitive) => primitive.setting.iter().collect(),
        Tree::Within(event, _) => setting(event),
    }
}
