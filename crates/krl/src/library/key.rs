//! `keys:name`: secrets of a ruleset's `meta`, as handles.
//!
//! A rule sees only the handle, a text that names the key. What a connector is asked has the secret
//! in the handle's place, if the ruleset that asks may have it; so no journal and no trace has it.

use stratus_event::Name;

use super::{Body, Builtin, Given};
use crate::{
    coerce::text,
    evaluate::Evaluator,
    limit::{Failure, Halt},
    program::{Key, Ruleset},
    value::{Entries, Value},
};

/// What `keys:name` stands for, or a part of it.
pub(super) static READ: Builtin = Builtin::new("keys", &["name", "part"], Body::Function(read));

fn read(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let wanted = given.text(0);
    let ruleset = evaluator.ruleset(given.at.instance)?;
    let own = ruleset.keys.get(&*wanted);
    let found = own.map(|key| handles(evaluator, &ruleset.rid, &wanted, key));
    let found = found.or_else(|| provided(evaluator, &ruleset, &wanted));
    let value = found.transpose()?.ok_or_else(|| {
        let message = format!("{} has no key {wanted}, and is provided none", ruleset.rid);
        Failure::new("krl-module-member-unknown", message)
    })?;
    match given.get(1) {
        Value::Null => Ok(value),
        part => Ok(super::get(&mut evaluator.meter, &value, part)?),
    }
}

/// The key of a used module that provides it to this ruleset.
fn provided(
    evaluator: &mut Evaluator<'_>,
    user: &Ruleset,
    wanted: &str,
) -> Option<Result<Value, Failure>> {
    user.module_rids.iter().find_map(|rid| {
        let module = evaluator.installed(rid).ok()?;
        let key = module.keys.get(wanted)?;
        key.readers
            .contains(&user.rid)
            .then(|| handles(evaluator, rid, wanted, key))
    })
}

fn handles(
    evaluator: &mut Evaluator<'_>,
    rid: &Name,
    name: &str,
    key: &Key,
) -> Result<Value, Failure> {
    if let [(part, _)] = &key.parts[..]
        && part.is_empty()
    {
        let handle = evaluator.scene.view.handle(rid, name, 0);
        return evaluator.meter.text(handle);
    }
    let mut entries = Entries::new();
    for (position, (part, _)) in key.parts.iter().enumerate() {
        let handle = evaluator.scene.view.handle(rid, name, position);
        let handle = evaluator.meter.text(handle)?;
        entries.insert(text(&Value::Text(part.as_str().into())), handle);
    }
    evaluator.meter.map(entries)
}
