//! The secrets of `meta`.

use std::collections::{BTreeMap, BTreeSet};

use stratus_event::{Name, Value as Data};
use stratus_krl_syntax::ast::{self, ExpressionKind};

use super::{Compiler, constant_text, expression::Use, site};
use crate::{
    library,
    program::{Arguments, Code, Expression, Function, Key, Local, Parameter},
    value::Value,
};

impl Compiler {
    pub(super) fn keys(&mut self, properties: &[ast::Property]) -> BTreeMap<String, Key> {
        let mut keys = BTreeMap::new();
        for property in properties {
            let ast::PropertyKind::Key(name, value) = &property.kind else {
                continue;
            };
            let Some(parts) = parts(value) else {
                let message = format!("the key {} is no text, and no map of texts", name.name);
                let help = "write the text itself; what has to be computed is no key";
                self.warn(property.span, "krl-meta-unsupported", message, help);
                continue;
            };
            let readers = readers(properties, &name.name);
            keys.insert(name.name.clone(), Key { parts, readers });
        }
        keys
    }
}

/// `keys:name`, `keys:name()` and `keys:name("part")`.
pub(super) fn key(name: &ast::QualifiedName, used: Use) -> Code {
    let site = site(name.span);
    let of = |code| Expression { code, site };
    let text = Value::Text(name.name.name.as_str().into());
    let mut positional = vec![of(Code::Constant(text))];
    if used == Use::Call {
        positional.push(of(Code::Local(Local { up: 0, slot: 0 })));
    }
    let callee = Box::new(of(Code::Constant(library::key())));
    let named = Vec::new();
    let read = Code::Call(callee, Arguments { positional, named });
    if used != Use::Call {
        return read;
    }
    let parameter = Parameter {
        name: "part".to_owned(),
        default: None,
    };
    Code::Closure(std::sync::Arc::new(Function {
        site,
        parameters: vec![parameter],
        slots: 1,
        declarations: Vec::new(),
        actions: None,
        result: Some(of(read)),
    }))
}

/// One text without a name, or texts by their names.
fn parts(value: &ast::Expression) -> Option<Vec<(String, String)>> {
    let text = |value: &ast::Expression| match (&value.kind, constant_text(value)) {
        (ExpressionKind::Number(number), _) => Some(number.to_string()),
        (_, Data::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    if let ExpressionKind::Map(entries) = &value.kind {
        let entries = entries.iter();
        return entries
            .map(|entry| Some((entry.key.value.clone(), text(&entry.value)?)))
            .collect();
    }
    Some(vec![(String::new(), text(value)?)])
}

/// The rulesets that a key is provided to.
fn readers(properties: &[ast::Property], name: &str) -> BTreeSet<Name> {
    let provided = properties
        .iter()
        .filter_map(|property| match &property.kind {
            ast::PropertyKind::ProvidesKeys { keys, rulesets } => {
                let is_provided = keys.iter().any(|key| key.name == name);
                is_provided.then_some(rulesets)
            }
            _ => None,
        });
    let readers = provided.flatten();
    readers
        .filter_map(|rid| Name::new(&rid.name).ok())
        .collect()
}
