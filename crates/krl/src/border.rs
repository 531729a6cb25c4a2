//! Between the values of a run and the data that leaves it or enters it.
//!
//! Functions, actions and patterns live only as long as the run. Where data is wanted, a pattern
//! is written as text, and a function is an error.

use std::sync::Arc;

use stratus_event::{Map as DataMap, Value as Data};

use crate::{
    coerce::{text, type_name},
    limit::{Failure, Meter},
    value::{Entries, Map, Value},
};

/// Data as a value, counted.
pub(crate) fn from_data(meter: &mut Meter, data: &Data) -> Result<Value, Failure> {
    meter.spend(1)?;
    match data {
        Data::Null => Ok(Value::Null),
        Data::Boolean(truth) => Ok(Value::Boolean(*truth)),
        Data::Number(number) => Ok(Value::number(number.get())),
        Data::Text(text) => Ok(Value::Text(Arc::clone(text))),
        Data::List(items) => {
            let items = items.iter().map(|item| from_data(meter, item));
            let items = items.collect::<Result<_, _>>()?;
            meter.list(items)
        }
        Data::Map(map) => map_from_data(meter, map),
    }
}

/// A map of data as a value, counted. A large one stays as it is until its entries are looked at.
pub(crate) fn map_from_data(meter: &mut Meter, map: &DataMap) -> Result<Value, Failure> {
    if map.is_large() {
        return meter.shared(map.clone());
    }
    let entries = read_entries(meter, map)?;
    meter.map(entries)
}

/// All entries of a large map of data as values, counted.
pub(crate) fn entries_from_data(meter: &mut Meter, map: &DataMap) -> Result<Entries, Failure> {
    meter.allocate_slots(map.len())?;
    read_entries(meter, map)
}

fn read_entries(meter: &mut Meter, map: &DataMap) -> Result<Entries, Failure> {
    let mut entries = Entries::with_capacity(map.len());
    for (name, value) in map.iter() {
        entries.insert(Arc::clone(name), from_data(meter, value)?);
    }
    Ok(entries)
}

/// A value as data, counted: parts that a value shares are written out.
pub(crate) fn to_data(meter: &mut Meter, value: &Value) -> Result<Data, Failure> {
    meter.spend(1)?;
    Ok(match value {
        Value::Null => Data::Null,
        Value::Boolean(truth) => Data::Boolean(*truth),
        Value::Number(number) => Data::number(*number),
        Value::Text(text) => {
            meter.keep(text.len());
            Data::Text(Arc::clone(text))
        }
        Value::Pattern(_) => Data::Text(text(value)),
        Value::List(list) => {
            meter.keep_slots(list.items.len())?;
            let items = list.items.iter().map(|item| to_data(meter, item));
            Data::List(Arc::new(items.collect::<Result<_, _>>()?))
        }
        Value::Map(map) => Data::map(map_to_data(meter, map)?),
        Value::Action(_) | Value::Function(_) => return Err(not_data(value)),
    })
}

/// A map as data, counted. What a large one is made of is kept, not built again.
pub(crate) fn map_to_data(meter: &mut Meter, map: &Map) -> Result<DataMap, Failure> {
    if let Some(data) = map.data() {
        meter.keep(data.size());
        return Ok(data.clone());
    }
    let entries = map.entries(meter)?;
    entries_to_data(meter, entries)
}

/// Entries as data, counted.
pub(crate) fn entries_to_data(meter: &mut Meter, entries: &Entries) -> Result<DataMap, Failure> {
    meter.keep_slots(entries.len())?;
    let mut map = DataMap::new();
    for (name, value) in entries {
        map.insert(name, to_data(meter, value)?);
    }
    Ok(map)
}

/// Whether a value could be data.
pub(crate) fn check(meter: &mut Meter, value: &Value) -> Result<(), Failure> {
    meter.spend(1)?;
    match value {
        Value::List(list) => list.items.iter().try_for_each(|item| check(meter, item)),
        Value::Map(map) if map.data().is_some() => Ok(()),
        Value::Map(map) => {
            let mut entries = map.entries(meter)?.values();
            entries.try_for_each(|item| check(meter, item))
        }
        Value::Action(_) | Value::Function(_) => Err(not_data(value)),
        _ => Ok(()),
    }
}

/// Whether a value is data as it stands: nothing in it would be written as something else.
pub(crate) fn is_data(meter: &mut Meter, value: &Value) -> Result<bool, Failure> {
    meter.spend(1)?;
    let items: Vec<&Value> = match value {
        Value::List(list) => list.items.iter().collect(),
        Value::Map(map) if map.data().is_none() => map.entries(meter)?.values().collect(),
        Value::Action(_) | Value::Function(_) | Value::Pattern(_) => return Ok(false),
        _ => return Ok(true),
    };
    for item in items {
        if !is_data(meter, item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn not_data(value: &Value) -> Failure {
    let what = type_name(value);
    let message = format!("a value of type {what} cannot be kept or sent, only data can");
    Failure::new("krl-not-data", message)
}
