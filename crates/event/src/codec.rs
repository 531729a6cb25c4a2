//! The one place where CBOR is read and written: RFC 8949 with the core deterministic encoding of
//! its section 4.2.1, and nothing else accepted.
//!
//! Every [`Item`] has exactly one encoding, and [`decode`] takes only that one: for all bytes `b`
//! that it takes, `encode(&decode(b)) == b`. So a hash or a signature over the bytes is one over
//! what they mean. Input is hostile: a strict walk checks it within [`Limits`] before anything is
//! built from it.

mod event;
mod fields;
mod item;
mod strict;
mod value;
mod wire;

pub use event::{event_from_ordered, ordered_event};
pub use fields::{Fields, Record};
pub use item::Item;
pub use value::{from_ordered, ordered};

use crate::NameError;

/// What is accepted of an input, checked before and while it is read.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest input, in bytes.
    pub bytes_max: usize,
    /// The deepest nesting of lists, maps and tags: 0 for a single number or text. More than
    /// [`DEPTH_LIMIT`] means that.
    pub depth_max: usize,
    /// The most items in all, counting each list, map, key, value, tag and what is tagged.
    pub items_max: usize,
    /// The tags that may appear; all others are refused.
    pub tags: &'static [u64],
}

/// The deepest nesting that is ever accepted, whatever [`Limits::depth_max`] says.
pub const DEPTH_LIMIT: usize = 100;

/// The encoding of an item.
///
/// Map keys are sorted; a float that is a whole number at most 2^53 from zero is written as an
/// integer. A map that holds a key twice has no valid encoding: what comes out is refused by
/// [`decode`].
pub fn encode(item: &Item) -> Vec<u8> {
    wire::write(item)
}

/// The item that the bytes encode, if they are its one encoding and within the limits.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Item, CodecError> {
    strict::check(bytes, limits)?;
    wire::read(bytes)
}

/// Why bytes were refused, or why an item is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The input is longer than [`Limits::bytes_max`].
    #[error("longer than {bytes_max} bytes")]
    BytesOverLimit {
        /// The limit.
        bytes_max: usize,
    },
    /// Lists, maps and tags are nested deeper than [`Limits::depth_max`].
    #[error("nested deeper than {depth_max}")]
    DepthOverLimit {
        /// The limit.
        depth_max: usize,
    },
    /// A map has a key twice.
    #[error("a key appears twice in a map")]
    DuplicateKey,
    /// A field that must be there is not.
    #[error("{what} lacks field {key}")]
    FieldMissing {
        /// What was being read.
        what: &'static str,
        /// The field's key.
        key: i64,
    },
    /// There is a field that has no meaning.
    #[error("{what} has an unknown field")]
    FieldUnknown {
        /// What was being read.
        what: &'static str,
    },
    /// A float is not finite.
    #[error("a float is not finite")]
    FloatNotFinite,
    /// A list, map, text or byte string of indefinite length.
    #[error("an item has no definite length")]
    Indefinite,
    /// There are more items than [`Limits::items_max`].
    #[error("more than {items_max} items")]
    ItemsOverLimit {
        /// The limit.
        items_max: usize,
    },
    /// An item has another type or range than the one that is expected.
    #[error("not {expected}")]
    Mismatch {
        /// What is expected, such as "a text".
        expected: &'static str,
    },
    /// A text that should be a name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An integer, length or float is not written in its one form.
    #[error("a number is not in its shortest form")]
    NotShortest,
    /// A byte that RFC 8949 reserves.
    #[error("a reserved byte")]
    Reserved,
    /// A simple value other than false, true and null.
    #[error("an unsupported simple value")]
    Simple,
    /// A tag that is not among [`Limits::tags`].
    #[error("tag {tag} is not expected")]
    Tag {
        /// The tag's number.
        tag: u64,
    },
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    TextNotUtf8,
    /// There are bytes after the item.
    #[error("bytes follow the item")]
    Trailing,
    /// The input ends before the item does.
    #[error("the input ends too early")]
    Truncated,
    /// A map's keys are not sorted.
    #[error("the keys of a map are not sorted")]
    UnsortedKeys,
}

impl From<std::convert::Infallible> for CodecError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests;
