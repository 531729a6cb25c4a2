//! One CBOR data item.

use super::CodecError;
use crate::{Eci, EventId, Name, Number, PenId, Timestamp};

/// One CBOR data item, of the kinds that Stratus uses.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `false` or `true`.
    Boolean(bool),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A finite double. Whole numbers at most 2^53 from zero are integers when they are decoded.
    Float(Number),
    /// An array.
    List(Vec<Item>),
    /// A map; sorted by the encoding of its keys when it was decoded.
    Map(Vec<(Item, Item)>),
    /// The negative integer -1 - n.
    Negative(u64),
    /// `null`.
    Null,
    /// A tag and what it is about.
    Tag(u64, Box<Item>),
    /// A text.
    Text(String),
    /// An integer that is not negative.
    Unsigned(u64),
}

impl Item {
    /// A byte string.
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(bytes.as_ref().to_vec())
    }

    /// A list of whatever can be made items.
    pub fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// A tagged item.
    pub fn tagged(tag: u64, item: impl Into<Self>) -> Self {
        Self::Tag(tag, Box::new(item.into()))
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The truth, if it is one.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The bytes, if it is a byte string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The integer, if it is one that fits.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Negative(below) => i64::try_from(*below).ok().map(|below| -1 - below),
            Self::Unsigned(number) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a map.
    pub fn as_map(&self) -> Option<&[(Self, Self)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one that is not negative.
    pub fn as_unsigned(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The items of a list.
    pub fn into_list(self) -> Result<Vec<Self>, CodecError> {
        match self {
            Self::List(items) => Ok(items),
            _ => Err(CodecError::Mismatch { expected: "a list" }),
        }
    }

    /// The items of a list that has exactly `N`, for messages that are small lists.
    pub fn into_array<const N: usize>(self) -> Result<[Self; N], CodecError> {
        let wrong = |_| CodecError::Mismatch {
            expected: "a list of the right length",
        };
        self.into_list()?.try_into().map_err(wrong)
    }

    /// The items of a list, each read as one thing.
    pub fn read_list<T>(self) -> Result<Vec<T>, CodecError>
    where
        T: TryFrom<Self, Error: Into<CodecError>>,
    {
        self.into_list()?
            .into_iter()
            .map(|item| T::try_from(item).map_err(Into::into))
            .collect()
    }

    /// The entries of a map.
    pub fn into_map(self) -> Result<Vec<(Self, Self)>, CodecError> {
        match self {
            Self::Map(entries) => Ok(entries),
            _ => Err(CodecError::Mismatch { expected: "a map" }),
        }
    }

    /// What a certain tag is about.
    pub fn into_tagged(self, expected: u64) -> Result<Self, CodecError> {
        match self {
            Self::Tag(tag, item) if tag == expected => Ok(*item),
            _ => Err(CodecError::Mismatch {
                expected: "the right tag",
            }),
        }
    }
}

/// `From` for what becomes an item, given as one expression.
macro_rules! into_item {
    ($($from:ty: $value:ident => $item:expr;)*) => {$(
        impl From<$from> for Item {
            fn from($value: $from) -> Self {
                $item
            }
        }
    )*};
}

into_item! {
    bool: truth => Self::Boolean(truth);
    u8: number => Self::Unsigned(number.into());
    u16: number => Self::Unsigned(number.into());
    u32: number => Self::Unsigned(number.into());
    u64: number => Self::Unsigned(number);
    i64: number => match u64::try_from(number) {
        Ok(number) => Self::Unsigned(number),
        Err(_) => Self::Negative(!number.cast_unsigned()),
    };
    Number: number => match number.as_integer() {
        Some(integer) => integer.into(),
        None => Self::Float(number),
    };
    &str: text => Self::Text(text.to_owned());
    String: text => Self::Text(text);
    &Name: name => name.as_str().into();
    Name: name => name.as_str().into();
    &[u8]: bytes => Self::Bytes(bytes.to_vec());
    Vec<u8>: bytes => Self::Bytes(bytes);
    Vec<Item>: items => Self::List(items);
    Eci: eci => eci.0.into();
    EventId: id => id.0.into();
    PenId: id => id.0.into();
    Timestamp: time => time.0.into();
}

impl<const N: usize> From<[u8; N]> for Item {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

/// `TryFrom` for what an item may be, given as one expression that is an `Option`.
macro_rules! from_item {
    ($($to:ty, $expected:literal: $item:ident => $value:expr;)*) => {$(
        impl TryFrom<Item> for $to {
            type Error = CodecError;

            fn try_from($item: Item) -> Result<Self, CodecError> {
                $value.ok_or(CodecError::Mismatch { expected: $expected })
            }
        }
    )*};
}

from_item! {
    bool, "a truth value": item => item.as_boolean();
    u8, "an integer from 0 to 255": item => narrow(&item);
    u16, "an integer from 0 to 2^16 - 1": item => narrow(&item);
    u32, "an integer from 0 to 2^32 - 1": item => narrow(&item);
    u64, "an integer that is not negative": item => item.as_unsigned();
    i64, "an integer of 64 bits": item => item.as_integer();
    Eci, "an ECI of 32 bytes": item => array(&item).map(Self);
    EventId, "an event id of 16 bytes": item => array(&item).map(Self);
    PenId, "a PEN id of 16 bytes": item => array(&item).map(Self);
    Timestamp, "a time in milliseconds": item => item.as_integer().map(Self);
}

impl TryFrom<Item> for String {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        match item {
            Item::Text(text) => Ok(text),
            _ => Err(CodecError::Mismatch { expected: "a text" }),
        }
    }
}

impl TryFrom<Item> for Vec<u8> {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        match item {
            Item::Bytes(bytes) => Ok(bytes),
            _ => Err(CodecError::Mismatch {
                expected: "a byte string",
            }),
        }
    }
}

impl TryFrom<Item> for Name {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        let text = item
            .as_text()
            .ok_or(CodecError::Mismatch { expected: "a name" })?;
        Ok(Self::new(text)?)
    }
}

impl<const N: usize> TryFrom<Item> for [u8; N] {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        array(&item).ok_or(CodecError::Mismatch {
            expected: "a byte string of the right length",
        })
    }
}

fn array<const N: usize>(item: &Item) -> Option<[u8; N]> {
    item.as_bytes()?.try_into().ok()
}

fn narrow<T: TryFrom<u64>>(item: &Item) -> Option<T> {
    item.as_unsigned()?.try_into().ok()
}
