//! Lists as sets. What is not a list is taken for a list of one.

use std::slice;

use indexmap::IndexMap;

use super::{Builtin, Given};
use crate::{
    coerce::{equal, text},
    limit::{Failure, Meter},
    value::Value,
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::pure("difference", &["a", "b"], difference),
    Builtin::pure("duplicates", &["val"], duplicates),
    Builtin::pure("has", &["val", "other"], has),
    Builtin::pure("intersection", &["a", "b"], intersection),
    Builtin::pure("once", &["val"], once),
    Builtin::pure("union", &["a", "b"], union),
    Builtin::pure("unique", &["val"], unique),
];

fn intersection(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    if given.len() < 2 {
        return meter.list(Vec::new());
    }
    let mut common = Vec::new();
    for item in items(given.get(0)) {
        if holds(meter, items(given.get(1)), item)? && !holds(meter, &common, item)? {
            common.push(item.clone());
        }
    }
    meter.list(common)
}

fn union(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    if given.len() < 2 {
        return Ok(given.get(0).clone());
    }
    let all = items(given.get(0)).iter().chain(items(given.get(1)));
    let distinct = distinct(meter, all)?;
    meter.list(distinct)
}

fn difference(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    if given.len() < 2 {
        return Ok(given.get(0).clone());
    }
    let rest = without(meter, items(given.get(0)), items(given.get(1)))?;
    meter.list(rest)
}

fn has(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let missing = without(meter, items(given.get(1)), items(given.get(0)))?;
    Ok(Value::Boolean(missing.is_empty()))
}

fn unique(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    match given.get(0).as_list() {
        Some(items) => {
            let distinct = distinct(meter, items.iter())?;
            meter.list(distinct)
        }
        None => Ok(given.get(0).clone()),
    }
}

fn once(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    match given.get(0).as_list() {
        Some(items) => counted(meter, items, |count| count == 1),
        None => Ok(given.get(0).clone()),
    }
}

fn duplicates(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    counted(meter, given.get(0).as_list().unwrap_or_default(), |count| {
        count > 1
    })
}

/// The items whose text occurs so often, each once.
fn counted(
    meter: &mut Meter,
    items: &[Value],
    wanted: fn(usize) -> bool,
) -> Result<Value, Failure> {
    meter.allocate_slots(items.len())?;
    let mut groups: IndexMap<_, (usize, &Value)> = IndexMap::new();
    for item in items {
        let group = text(item);
        meter.spend_for_text(&group)?;
        groups.entry(group).or_insert((0, item)).0 += 1;
    }
    let chosen = groups.into_values().filter(|(count, _)| wanted(*count));
    let chosen = chosen.map(|(_, item)| item.clone()).collect();
    meter.list(chosen)
}

fn items(value: &Value) -> &[Value] {
    value.as_list().unwrap_or(slice::from_ref(value))
}

fn holds(meter: &mut Meter, items: &[Value], wanted: &Value) -> Result<bool, Failure> {
    for item in items {
        if equal(meter, item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn without(meter: &mut Meter, items: &[Value], others: &[Value]) -> Result<Vec<Value>, Failure> {
    let mut rest = Vec::new();
    for item in items {
        if !holds(meter, others, item)? {
            rest.push(item.clone());
        }
    }
    Ok(rest)
}

fn distinct<'v>(
    meter: &mut Meter,
    items: impl Iterator<Item = &'v Value>,
) -> Result<Vec<Value>, Failure> {
    let mut distinct = Vec::new();
    for item in items {
        if !holds(meter, &distinct, item)? {
            distinct.push(item.clone());
        }
    }
    Ok(distinct)
}
