//! Records as bytes: CBOR maps with numbered fields. Values keep the order of their maps
//! (see `value`).
//!
//! A number is never used for another field again. What a record is follows from its key.

use stratus_engine::{Key, Record};
use stratus_event::{
    Fault,
    codec::{self, CodecError, Fields, Item, Limits},
};

use crate::fault;
use stored::Stored;

mod nouns;
mod stored;
mod value;

/// The bytes of a record, if they are such that they can be read again.
pub(crate) fn encode(key: &Key, record: &Record) -> Result<Vec<u8>, Fault> {
    let item = item(key, record).ok_or_else(|| fault::unfit(key))?;
    check(&item, LIMITS.depth_max, &mut LIMITS.items_max.clone())
        .map_err(|error| fault::too_large(key, &error))?;
    let bytes = codec::encode(&item);
    if bytes.len() > LIMITS.bytes_max {
        let error = CodecError::BytesOverLimit {
            bytes_max: LIMITS.bytes_max,
        };
        return Err(fault::too_large(key, &error));
    }
    Ok(bytes)
}

/// The record that stands there.
pub(crate) fn decode(key: &Key, bytes: &[u8]) -> Result<Record, Fault> {
    codec::decode(bytes, &LIMITS)
        .and_then(|item| record(key, item))
        .map_err(|error| fault::corrupt(key, &error))
}

/// What `codec::decode` would refuse in what is to be written.
fn check(item: &Item, depth: usize, items: &mut usize) -> Result<(), CodecError> {
    let over = CodecError::ItemsOverLimit {
        items_max: LIMITS.items_max,
    };
    *items = items.checked_sub(1).ok_or(over)?;
    let deeper = || {
        let over = CodecError::DepthOverLimit {
            depth_max: LIMITS.depth_max,
        };
        depth.checked_sub(1).ok_or(over)
    };
    match item {
        Item::List(list) => {
            let depth = deeper()?;
            list.iter().try_for_each(|item| check(item, depth, items))
        }
        Item::Map(map) => {
            let depth = deeper()?;
            let mut entries = map.iter().flat_map(|(key, item)| [key, item]);
            entries.try_for_each(|item| check(item, depth, items))
        }
        Item::Tag(tag, _) => Err(CodecError::Tag { tag: *tag }),
        _ => Ok(()),
    }
}

/// The variants of keys and records, whose names are the same: `What "a name" { number: field }`
/// for those with fields; those that hold one noun come first. A field after a semicolon is not
/// written if it has its default: earlier versions did not have it.
macro_rules! records {
    (
        nouns: $($noun:ident),*;
        $($variant:ident $what:literal {
            $($number:literal: $field:ident),*
            $(; $later:literal: $optional:ident)*
        })*
    ) => {
        fn item(key: &Key, record: &Record) -> Option<Item> {
            match (key, record) {
                $((Key::$noun(..), Record::$noun(noun)) => Some(noun.item()),)*
                $((Key::$variant(..), Record::$variant { $($field,)* $($optional,)* }) => {
                    Some(codec::Record::new()
                        $(.with($number, $field.item()))*
                        $(.with_some($later, stored::unless_default($optional)))*
                        .into())
                })*
                _ => None,
            }
        }

        fn record(key: &Key, item: Item) -> Result<Record, CodecError> {
            match key {
                $(Key::$noun(..) => Stored::read(item).map(Record::$noun),)*
                $(Key::$variant(..) => {
                    let mut fields = Fields::new(item, $what)?;
                    let record = Record::$variant {
                        $($field: Stored::read(fields.required($number)?)?,)*
                        $($optional: stored::or_default(fields.optional($later))?,)*
                    };
                    fields.finish()?;
                    Ok(record)
                })*
            }
        }
    };
}

records! {
    nouns: Accepted, Account, Automaton, Channel, Credential, Invite, Outcome, Pairing,
        PartialMatch, Receipt, Standing, Subscription, Timer, Variable;
    Child "a child" { 0: place, 1: kin }
    Effect "an effect" { 0: rid, 1: effect, 2: wanted, 3: attempts, 4: failures }
    Installed "a ruleset's history" { 0: program }
    Journal "a journal's end" { 0: next }
    Letter "an event that waits" { 0: to, 1: event, 2: effect, 3: failures }
    Outbox "a message in the outbox" { 0: event, 1: since; 2: effect }
    Pen "a PEN" { 0: name, 1: seed; 2: parent }
    Program "a program" { 0: source }
    Question "a question" { 0: event, 1: rid, 2: rule, 3: question, 4: answer }
    Queue "a place in the queue" { 0: attempts }
    Ruleset "a ruleset" { 0: rid, 1: program; 2: terms; 3: versions; 4: trouble }
    Seen "an event already seen" { 0: position, 1: event, 2: directives }
    Tombstone "a tombstone" { 0: since }
    VariableEntry "an entry of a variable" { 0: name, 1: value }
    Verdict "a verdict" { 0: at, 1: end }
    Window "a window" { 0: through, 1: refused }
}

/// What is read: far above what anybody writes, and as deep as the codec reads at all.
const LIMITS: Limits = Limits {
    bytes_max: 64 << 20,
    depth_max: codec::DEPTH_LIMIT,
    items_max: 1 << 24,
    tags: &[],
};
