//! Values as items: a wire form, where maps are sorted, and a form for the store, where they keep
//! their order.

use super::{CodecError, Item};
use crate::{Map, Number, Value};

impl From<&Value> for Item {
    /// The wire form: a map is a CBOR map, which loses its order.
    fn from(value: &Value) -> Self {
        leaf(value).unwrap_or_else(|branch| match branch {
            Branch::List(items) => Self::list(items),
            Branch::Map(map) => map.into(),
        })
    }
}

impl From<&Map> for Item {
    fn from(map: &Map) -> Self {
        Self::Map(
            map.iter()
                .map(|(name, value)| ((&**name).into(), value.into()))
                .collect(),
        )
    }
}

impl TryFrom<Item> for Value {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        match item {
            Item::List(items) => {
                let items = items.into_iter().map(Self::try_from);
                Ok(Self::list(items.collect::<Result<Vec<_>, _>>()?))
            }
            Item::Map(_) => Ok(Self::map(item.try_into()?)),
            leaf => value_of_leaf(leaf),
        }
    }
}

impl TryFrom<Item> for Map {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        let entries = item
            .into_map()?
            .into_iter()
            .map(|(name, value)| Ok((String::try_from(name)?, Value::try_from(value)?)));
        entries.collect()
    }
}

/// The store form of a value: a map is `{0: [key, value, key, value …]}`, which keeps its order.
pub fn ordered(value: &Value) -> Item {
    leaf(value).unwrap_or_else(|branch| match branch {
        Branch::List(items) => Item::list(items.iter().map(ordered)),
        Branch::Map(map) => ordered_map(map),
    })
}

/// The value of which this is the store form.
pub fn from_ordered(item: Item) -> Result<Value, CodecError> {
    match item {
        Item::List(items) => {
            let items = items.into_iter().map(from_ordered);
            Ok(Value::list(items.collect::<Result<Vec<_>, _>>()?))
        }
        Item::Map(_) => map_from_ordered(item).map(Value::map),
        leaf => value_of_leaf(leaf),
    }
}

pub(super) fn ordered_map(map: &Map) -> Item {
    let entries = map
        .iter()
        .flat_map(|(name, value)| [(&**name).into(), ordered(value)]);
    Item::Map(vec![(
        Item::Unsigned(0),
        entries.collect::<Vec<_>>().into(),
    )])
}

pub(super) fn map_from_ordered(item: Item) -> Result<Map, CodecError> {
    let wrong = CodecError::Mismatch {
        expected: "a map that keeps its order",
    };
    let entries = match <[_; 1]>::try_from(item.into_map()?) {
        Ok([(Item::Unsigned(0), entries)]) => entries.into_list()?,
        _ => return Err(wrong),
    };
    let mut map = Map::new();
    let mut entries = entries.into_iter();
    while let Some(name) = entries.next() {
        let name = String::try_from(name)?;
        if map.contains(&name) {
            return Err(CodecError::DuplicateKey);
        }
        map.insert(name, from_ordered(entries.next().ok_or(wrong.clone())?)?);
    }
    Ok(map)
}

/// What has values within.
enum Branch<'a> {
    List(&'a [Value]),
    Map(&'a Map),
}

fn leaf(value: &Value) -> Result<Item, Branch<'_>> {
    match value {
        Value::Null => Ok(Item::Null),
        Value::Boolean(truth) => Ok((*truth).into()),
        Value::Number(number) => Ok((*number).into()),
        Value::Text(text) => Ok((&**text).into()),
        Value::List(items) => Err(Branch::List(items)),
        Value::Map(map) => Err(Branch::Map(map)),
    }
}

/// Integers that a double does not hold are refused, never rounded.
fn value_of_leaf(item: Item) -> Result<Value, CodecError> {
    match item {
        Item::Null => Ok(Value::Null),
        Item::Boolean(truth) => Ok(Value::Boolean(truth)),
        Item::Float(number) => Ok(Value::Number(number)),
        Item::Text(text) => Ok(Value::from(text)),
        integer => exact(&integer)
            .map(Value::Number)
            .ok_or(CodecError::Mismatch {
                expected: "a value that a language of a PEN has",
            }),
    }
}

fn exact(item: &Item) -> Option<Number> {
    let integer = item.as_integer()?;
    let number = Number::new(integer as f64)?;
    (number.as_integer() == Some(integer)).then_some(number)
}
