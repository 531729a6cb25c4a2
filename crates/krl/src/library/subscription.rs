//! The module `subscription`: the PEN's partners.

use super::{Body, Builtin, Given};
use crate::{coerce::equal, evaluate::Evaluator, limit::Halt, value::Value};

pub(super) static FUNCTIONS: &[Builtin] = &[Builtin::new(
    "subscription:established",
    &["key", "value"],
    Body::Function(established),
)];

/// The subscriptions, or those that have a value under a key, such as `"Tx_role", "student"`.
fn established(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let mut found = Vec::new();
    for subscription in evaluator.scene.view.subscriptions() {
        let fields = [
            ("Id", subscription.id),
            ("Tx", subscription.tx.to_string()),
            ("Rx", subscription.rx.to_string()),
            ("Tx_role", subscription.tx_role),
            ("Rx_role", subscription.rx_role),
            ("name", subscription.name),
        ];
        let fields = fields.into_iter();
        let fields = fields.map(|(name, text)| (name.into(), Value::Text(text.into())));
        let map = evaluator.meter.map(fields.collect())?;
        let key = given.get(0);
        let field = super::get(&mut evaluator.meter, &map, key)?;
        if key.is_null() || equal(&mut evaluator.meter, &field, given.get(1))? {
            found.push(map);
        }
    }
    Ok(evaluator.meter.list(found)?)
}
