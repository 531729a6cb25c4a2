//! What is not wrong, but probably not meant.

use std::collections::BTreeSet;

use stratus_krl_syntax::ast::{self, EventExpressionKind as Tree};

use super::{Compiler, testing::TESTING};

impl Compiler {
    /// Globals that nothing uses, and that nobody else can.
    pub(super) fn check_globals(&mut self, tree: &ast::Ruleset) {
        for global in &tree.globals {
            let name = &global.name.name;
            let mentioned = self.mentioned.contains(name);
            if name == TESTING || mentioned || self.globals_used.contains(name) {
                continue;
            }
            let message = format!("{name} is never used");
            let help = "use it, take it away, or name it in shares or provides";
            self.warn(global.name.span, "krl-declaration-unused", message, help);
        }
    }

    /// Rules behind one that keeps their event from them.
    pub(super) fn check_reached(&mut self, tree: &ast::Ruleset) {
        let mut ended = Vec::new();
        for rule in &tree.rules {
            let Some(event) = awaited(rule) else {
                continue;
            };
            let name = rule.name.name.as_str();
            if let Some(by) = kept_from(event, &ended) {
                let message = format!("the rule {name} never runs: {by} ends with last before it");
                let help = "put it before the other rule, or give last a condition";
                self.warn(rule.name.span, "krl-rule-unreachable", message, help);
            } else if ends(rule) {
                let taken = taken(event).into_iter();
                ended.extend(taken.map(|(domain, kind)| (domain, kind, name)));
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

/// What an active rule waits for.
fn awaited(rule: &ast::Rule) -> Option<&ast::EventExpression> {
    match &rule.select.as_ref()?.kind {
        ast::SelectKind::When(event) if rule.state == ast::RuleState::Active => Some(event),
        _ => None,
    }
}

/// The earlier rule that keeps all events from an expression with which it could come to its end.
fn kept_from<'r>(event: &ast::EventExpression, ended: &[(&str, &str, &'r str)]) -> Option<&'r str> {
    let part = |part| kept_from(part, ended);
    match &event.kind {
        Tree::Any(_, parts) | Tree::Combined(ast::EventOperator::Or, parts) => {
            let by: Option<Vec<_>> = parts.iter().map(part).collect();
            by?.first().copied()
        }
        Tree::At(_) => None,
        Tree::Between {
            event,
            negated,
            start,
            end,
        } => {
            let needed = [&**start, end].into_iter();
            let needed = needed.chain((!negated).then_some(&**event));
            needed.into_iter().find_map(part)
        }
        Tree::Combined(_, parts) => parts.iter().find_map(part),
        Tree::Counted { event, .. } | Tree::Within(event, _) => part(event),
        Tree::Primitive(primitive) => {
            let symbol = symbol(primitive);
            let mut ended = ended.iter();
            let by = ended.find(|(domain, kind, _)| (*domain, *kind) == symbol);
            by.map(|(.., rule)| *rule)
        }
    }
}

/// The events each of which selects a rule whatever its attributes are.
fn taken(event: &ast::EventExpression) -> Vec<(&str, &str)> {
    match &event.kind {
        Tree::Combined(ast::EventOperator::Or, parts) => parts.iter().flat_map(taken).collect(),
        Tree::Primitive(primitive)
            if primitive.filters.is_empty() && primitive.condition.is_none() =>
        {
            vec![symbol(primitive)]
        }
        _ => Vec::new(),
    }
}

fn symbol(primitive: &ast::Primitive) -> (&str, &str) {
    (&primitive.domain.name, &primitive.name.name)
}

/// Whether `last` follows the rule whatever happens in it.
fn ends(rule: &ast::Rule) -> bool {
    let Some(postlude) = rule.postlude.as_ref().filter(|_| rule.foreach.is_empty()) else {
        return false;
    };
    let is_last = |statement: &ast::Statement| {
        statement.guard.is_none() && matches!(statement.kind, ast::StatementKind::Last)
    };
    let has_last = |block: &Option<Vec<ast::Statement>>| block.iter().flatten().any(is_last);
    let condition = rule.actions.as_ref().map(|actions| &actions.condition);
    let fires = condition.is_none_or(Option::is_none);
    has_last(&postlude.always) || fires && has_last(&postlude.fired)
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
