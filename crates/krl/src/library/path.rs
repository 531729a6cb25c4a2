//! Reading and changing by path. A path is a key, or a list of keys from the outside in.

use std::{slice, sync::Arc};

use super::{Builtin, Given};
use crate::{
    coerce::{text, truth},
    limit::{Failure, Meter},
    value::{Entries, Map, Value},
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::pure("delete", &["val", "path"], |meter, given| {
        delete(meter, given.get(0), given.get(1))
    }),
    Builtin::pure("get", &["obj", "path"], |meter, given| {
        get(meter, given.get(0), given.get(1))
    }),
    Builtin::pure("keys", &["val", "path"], keys),
    Builtin::pure("put", &["val", "path", "toSet"], put_given),
    Builtin::pure("set", &["obj", "path", "val"], set),
    Builtin::pure("values", &["val", "path"], values),
];

/// The value at a path; null if there is none.
pub(crate) fn get(meter: &mut Meter, value: &Value, path: &Value) -> Result<Value, Failure> {
    Ok(find(meter, value, path)?.unwrap_or_default())
}

/// The value at a path.
pub(super) fn find(
    meter: &mut Meter,
    value: &Value,
    path: &Value,
) -> Result<Option<Value>, Failure> {
    let mut found = value.clone();
    for key in keys_of(path) {
        let key = text(key);
        meter.spend_for_text(&key)?;
        let next = match &found {
            Value::List(list) => {
                let item = position(&key).and_then(|position| list.items.get(position));
                item.cloned()
            }
            Value::Map(map) => map.get(meter, &key)?,
            _ => None,
        };
        match next {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// A value with another at a path in it. Maps are made where there is nothing; a list becomes a map
/// if the key is no position in it nor the one after its last.
pub(crate) fn put(
    meter: &mut Meter,
    value: &Value,
    path: &Value,
    new: Value,
) -> Result<Value, Failure> {
    match keys_of(path) {
        [] => merge(meter, value, new),
        keys => write(meter, value, keys, new, false),
    }
}

/// A value without what is at a path in it. An element of a list becomes null, so that the others
/// keep their positions.
pub(crate) fn delete(meter: &mut Meter, value: &Value, path: &Value) -> Result<Value, Failure> {
    let keys = keys_of(path);
    if keys.is_empty() || find(meter, value, path)?.is_none() {
        return Ok(value.clone());
    }
    remove(meter, value, keys)
}

fn put_given(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let value = given.get(0);
    if given.len() < 2 || !matches!(value, Value::List(_) | Value::Map(_)) {
        return Ok(value.clone());
    }
    match given.len() {
        2 => merge(meter, value, given.get(1).clone()),
        _ => put(meter, value, given.get(1), given.get(2).clone()),
    }
}

fn set(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let keys = keys_of(given.get(1));
    match given.get(0) {
        object @ (Value::List(_) | Value::Map(_)) if keys.is_empty() => Ok(object.clone()),
        object @ (Value::List(_) | Value::Map(_)) => {
            write(meter, object, keys, given.get(2).clone(), true)
        }
        _ => {
            let object = meter.map(Entries::new())?;
            write(meter, &object, keys, given.get(2).clone(), true)
        }
    }
}

fn keys(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let keys: Vec<Value> = match within(meter, given)? {
        Some(Value::Map(map)) => map.keys(),
        Some(Value::List(list)) => {
            meter.allocate_slots(list.items.len())?;
            (0..list.items.len())
                .map(|index| Value::Text(index.to_string().into()))
                .collect()
        }
        _ => Vec::new(),
    };
    meter.list(keys)
}

fn values(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let values = match within(meter, given)? {
        Some(Value::Map(map)) => map.entries(meter)?.values().cloned().collect(),
        Some(Value::List(list)) => list.items.clone(),
        _ => Vec::new(),
    };
    meter.list(values)
}

/// The collection that `keys` and `values` are asked about.
fn within(meter: &mut Meter, given: &Given) -> Result<Option<Value>, Failure> {
    let path = given.get(1);
    if truth(path) {
        find(meter, given.get(0), path)
    } else {
        Ok(Some(given.get(0).clone()))
    }
}

fn keys_of(path: &Value) -> &[Value] {
    match path {
        Value::List(list) => &list.items,
        key => slice::from_ref(key),
    }
}

fn position(key: &str) -> Option<usize> {
    key.parse().ok()
}

fn merge(meter: &mut Meter, value: &Value, new: Value) -> Result<Value, Failure> {
    match (value, &new) {
        (Value::Map(old), Value::Map(new)) => {
            let new = new.entries(meter)?.iter();
            let new = new.map(|(name, value)| (Arc::clone(name), value.clone()));
            extend(meter, old, new)
        }
        (Value::List(old), Value::List(new)) => {
            let kept = old.items.iter().skip(new.items.len());
            meter.list(new.items.iter().chain(kept).cloned().collect())
        }
        _ => Ok(new),
    }
}

/// A map with other entries in it. A large one is changed entry by entry.
fn extend(
    meter: &mut Meter,
    old: &Arc<Map>,
    new: impl ExactSizeIterator<Item = (Arc<str>, Value)>,
) -> Result<Value, Failure> {
    if old.data().is_none() {
        meter.spend_for(old.len() + new.len())?;
        let mut entries = old.entries(meter)?.clone();
        entries.extend(new);
        return meter.map(entries);
    }
    let mut extended = Value::Map(Arc::clone(old));
    for (name, value) in new {
        if let Value::Map(map) = &extended {
            extended = map.with(meter, name, value)?;
        }
    }
    Ok(extended)
}

fn write(
    meter: &mut Meter,
    value: &Value,
    keys: &[Value],
    new: Value,
    makes_lists: bool,
) -> Result<Value, Failure> {
    meter.spend(1)?;
    let Some((key, rest)) = keys.split_first() else {
        return Ok(new);
    };
    let key = text(key);
    meter.spend_for_text(&key)?;
    if let Value::List(list) = value
        && let Some(position) = position(&key).filter(|position| *position <= list.items.len())
    {
        meter.allocate_slots(list.items.len())?;
        let mut items = list.items.clone();
        let old = items.get(position).cloned().unwrap_or_default();
        let new = write(meter, &old, rest, new, makes_lists)?;
        match items.get_mut(position) {
            Some(place) => *place = new,
            None => items.push(new),
        }
        return meter.list(items);
    }
    if makes_lists && value.depth() == 0 && position(&key) == Some(0) {
        let new = write(meter, &Value::Null, rest, new, makes_lists)?;
        return meter.list(vec![new]);
    }
    if let Value::Map(map) = value {
        let old = match rest {
            [] => None,
            _ => map.get(meter, &key)?,
        };
        let new = write(meter, &old.unwrap_or_default(), rest, new, makes_lists)?;
        return map.with(meter, key, new);
    }
    let mut entries = positions(meter, value)?;
    let old = entries.get(&key).cloned().unwrap_or_default();
    entries.insert(key, write(meter, &old, rest, new, makes_lists)?);
    meter.map(entries)
}

/// The elements of a list by their positions; nothing of anything else.
fn positions(meter: &mut Meter, value: &Value) -> Result<Entries, Failure> {
    let items = value.as_list().unwrap_or_default();
    meter.allocate_slots(items.len())?;
    let items = items.iter().cloned().enumerate();
    Ok(items
        .map(|(index, item)| (index.to_string().into(), item))
        .collect())
}

fn remove(meter: &mut Meter, value: &Value, keys: &[Value]) -> Result<Value, Failure> {
    let Some((key, rest)) = keys.split_first() else {
        return Ok(Value::Null);
    };
    let key = text(key);
    meter.spend_for_text(&key)?;
    match value {
        Value::List(list) => {
            meter.allocate_slots(list.items.len())?;
            let mut items = list.items.clone();
            if let Some(place) = position(&key).and_then(|position| items.get_mut(position)) {
                *place = remove(meter, place, rest)?;
            }
            meter.list(items)
        }
        Value::Map(map) => {
            if rest.is_empty() {
                return map.without(meter, &key);
            }
            match map.get(meter, &key)? {
                Some(old) => {
                    let new = remove(meter, &old, rest)?;
                    map.with(meter, key, new)
                }
                None => Ok(value.clone()),
            }
        }
        other => Ok(other.clone()),
    }
}
