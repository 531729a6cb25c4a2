//! `__testing`: what can be sent to a ruleset and asked of it.

use std::collections::BTreeSet;

use stratus_event::{Map as DataMap, Name, Value as Data};
use stratus_krl_syntax::ast::{self, EventExpressionKind as Tree};

use super::{Compiler, GlobalName};
use crate::program::{Code, Expression, Global};

impl Compiler {
    /// The name is known in every ruleset, unless the ruleset declares it.
    pub(super) fn declare_testing(&mut self) {
        let global = GlobalName::value(self.globals.len());
        self.globals.entry(TESTING.to_owned()).or_insert(global);
    }

    /// The global, unless the ruleset declares it.
    pub(super) fn testing(
        &mut self,
        tree: &ast::Ruleset,
        properties: &[ast::Property],
    ) -> Option<Global> {
        let is_declared = tree
            .globals
            .iter()
            .any(|global| global.name.name == TESTING);
        if is_declared {
            return None;
        }
        let code = Code::Data(described(self.lines.source(), tree, properties));
        Some(Global {
            name: TESTING.to_owned(),
            value: Expression { code, site: 0 },
            configurable: false,
        })
    }

    /// Where a ruleset declares it, its old value is what it would be otherwise.
    pub(super) fn remember_testing(&mut self, tree: &ast::Ruleset, properties: &[ast::Property]) {
        self.tested = described(self.lines.source(), tree, properties);
    }
}

pub(super) const TESTING: &str = "__testing";

fn described(source: &str, tree: &ast::Ruleset, properties: &[ast::Property]) -> Data {
    let shared = properties
        .iter()
        .filter_map(|property| match &property.kind {
            ast::PropertyKind::Shares(names) => Some(names),
            _ => None,
        });
    let queries = shared.flatten().map(|name| query(tree, &name.name));
    let mut events = Vec::new();
    for rule in &tree.rules {
        if let Some(ast::SelectKind::When(event)) = rule.select.as_ref().map(|select| &select.kind)
        {
            primitives(event, rule.span.text(source), &mut events);
        }
    }
    let mut described = DataMap::new();
    described.insert("queries", Data::list(queries));
    described.insert("events", Data::list(events));
    Data::map(described)
}

fn query(tree: &ast::Ruleset, name: &str) -> Data {
    let declared = tree.globals.iter().find(|global| global.name.name == name);
    let parameters = match declared.map(|global| &global.value.kind) {
        Some(ast::ExpressionKind::Function(function)) => &function.parameters[..],
        _ => &[],
    };
    let names = parameters
        .iter()
        .map(|parameter| Data::text(&parameter.name.name));
    let mut query = DataMap::from([("name", name)]);
    query.insert("args", Data::list(names));
    Data::map(query)
}

fn primitives(tree: &ast::EventExpression, rule: &str, found: &mut Vec<Data>) {
    match &tree.kind {
        Tree::Any(_, parts) | Tree::Combined(_, parts) => {
            for part in parts {
                primitives(part, rule, found);
            }
        }
        Tree::At(_) => {}
        Tree::Between {
            event, start, end, ..
        } => {
            for part in [event, start, end] {
                primitives(part, rule, found);
            }
        }
        Tree::Counted { event, .. } | Tree::Within(event, _) => primitives(event, rule, found),
        Tree::Primitive(primitive) => found.push(event(primitive, rule)),
    }
}

fn event(primitive: &ast::Primitive, rule: &str) -> Data {
    let filters = primitive.filters.iter();
    let mut names: Vec<&str> = filters
        .filter_map(|filter| Some(filter.attribute.as_ref()?.name.as_str()))
        .collect();
    names.extend(ATTRIBUTE_FORMS.iter().flat_map(|form| read(rule, form)));
    let mut seen = BTreeSet::new();
    let names = names.into_iter().filter(|name| seen.insert(*name));
    let (domain, name) = (primitive.domain.name.as_str(), primitive.name.name.as_str());
    let mut event = DataMap::from([("domain", domain), ("name", name)]);
    event.insert("attrs", Data::list(names.map(Data::text)));
    Data::map(event)
}

/// How a rule reads an attribute by a name that stands in its text.
const ATTRIBUTE_FORMS: &[&str] = &["event:attr(\"", "event:attrs{\"", "event:attrs.get(\""];

fn read<'r>(rule: &'r str, form: &str) -> impl Iterator<Item = &'r str> {
    rule.split(form).skip(1).filter_map(|rest| {
        let name = rest.split('"').next()?;
        Name::new(name).ok().map(|_| name)
    })
}
