//! Items to bytes and back, by `serde_cbor`: nothing outside this file knows of it.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess, Visitor},
    ser::SerializeMap,
};
use serde_cbor::tags::{Tagged, current_cbor_tag};

use super::{CodecError, Item};
use crate::Number;

/// Writes an item; its maps are sorted here, everything else `serde_cbor` writes as it should.
pub(super) fn write(item: &Item) -> Vec<u8> {
    // Writing to memory does not fail, and no item is one that CBOR cannot hold.
    serde_cbor::to_vec(item).unwrap_or_default()
}

/// Reads bytes that the strict walk has accepted.
pub(super) fn read(bytes: &[u8]) -> Result<Item, CodecError> {
    serde_cbor::from_slice(bytes).map_err(|_| CodecError::Mismatch { expected: "CBOR" })
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Boolean(truth) => serializer.serialize_bool(*truth),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Float(number) => serialize_number(*number, serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(entries) => serialize_map(entries, serializer),
            Self::Negative(below) => serializer.serialize_i128(-1 - i128::from(*below)),
            Self::Null => serializer.serialize_unit(),
            Self::Tag(tag, item) => Tagged::new(Some(*tag), item).serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
        }
    }
}

fn serialize_number<S: Serializer>(number: Number, serializer: S) -> Result<S::Ok, S::Error> {
    match number.as_integer() {
        Some(integer) => serializer.serialize_i64(integer),
        None => serializer.serialize_f64(number.get()),
    }
}

fn serialize_map<S: Serializer>(
    entries: &[(Item, Item)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut sorted: Vec<_> = entries
        .iter()
        .map(|(key, item)| (write(key), key, item))
        .collect();
    sorted.sort_by(|(left, ..), (right, ..)| left.cmp(right));
    let mut map = serializer.serialize_map(Some(sorted.len()))?;
    for (_, key, item) in sorted {
        map.serialize_entry(key, item)?;
    }
    map.end()
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CBOR item")
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Item, E> {
        Ok(Item::Boolean(truth))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Item, E> {
        Ok(Item::bytes(bytes))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Item, E> {
        let number = Number::new(number).ok_or_else(|| E::custom("not finite"))?;
        Ok(Item::Float(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Item, E> {
        Ok(Item::from(number))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Item, E> {
        u64::try_from(-1 - number)
            .map(Item::Negative)
            .map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Item::Map(entries))
    }

    /// How `serde_cbor` hands over a tag.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Item, D::Error> {
        let tag = current_cbor_tag().ok_or_else(|| de::Error::custom("no tag"))?;
        Ok(Item::tagged(tag, Item::deserialize(inner)?))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Item, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Item::List(items))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Item, E> {
        Ok(Item::from(text))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Item, E> {
        Ok(Item::Unsigned(number))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Item, E> {
        Ok(Item::Null)
    }
}
