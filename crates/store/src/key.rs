//! Keys as bytes. The order of the bytes is the order of the keys, within a PEN.
//!
//! A key of a PEN is: the PEN's 16 bytes, one byte for the sort of record, and then the parts of
//! the key. Numbers are big-endian; a text ends with two zero bytes, and a zero byte in it is
//! followed by 255, so that a text sorts before all those that it begins.

use stratus_capability::{GrantHash, GrantId};
use stratus_engine::{AskId, EffectId, Key};
use stratus_event::{Eci, EventId, Fault, Name, PenId};
use stratus_protocol::SubscriptionId;

use crate::fault;

/// The keyspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Space {
    /// `sort ‖ name` or `sort ‖ hash`.
    Accounts,
    /// `PEN ‖ position ‖ ruleset`: what was installed from when on.
    History,
    /// `PEN ‖ sort ‖ value ‖ position`: see [`crate::index`].
    Index,
    /// `PEN ‖ position ‖ part`: the two halves of an entry stand side by side, then its verdicts.
    Journal,
    /// By hash.
    Programs,
    /// `sort ‖ …`: see [`crate::register`].
    Register,
    /// `PEN ‖ sort ‖ …`.
    State,
    /// `channel ‖ grant`.
    Windows,
}

impl Space {
    /// All keyspaces, each at the place of its number in files.
    pub(crate) const ALL: [Self; 8] = [
        Self::History,
        Self::Index,
        Self::Journal,
        Self::Programs,
        Self::State,
        Self::Windows,
        Self::Register,
        Self::Accounts,
    ];

    /// The same in a word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::History => "history",
            Self::Index => "index",
            Self::Journal => "journal",
            Self::Programs => "programs",
            Self::Register => "register",
            Self::State => "state",
            Self::Windows => "windows",
        }
    }

    /// What stands in it is made of the records, and so is in no file.
    pub(crate) fn is_derived(self) -> bool {
        matches!(self, Self::Index | Self::Register)
    }

    /// By what number files name it.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::History => 0,
            Self::Index => 1,
            Self::Journal => 2,
            Self::Programs => 3,
            Self::State => 4,
            Self::Windows => 5,
            Self::Register => 6,
            Self::Accounts => 7,
        }
    }

    /// The keyspace of that number.
    pub(crate) fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Where a record stands.
pub(crate) fn encode(key: &Key) -> Result<(Space, Vec<u8>), Fault> {
    let mut bytes = Vec::with_capacity(64);
    let space = write(key, &mut bytes);
    if bytes.len() > KEY_BYTES_MAX {
        return Err(fault::too_large(
            key,
            &format!("a key has at most {KEY_BYTES_MAX} bytes"),
        ));
    }
    Ok((space, bytes))
}

/// What stands there.
pub(crate) fn decode(space: Space, bytes: &[u8]) -> Result<Key, Fault> {
    let mut parts = Parts(bytes);
    let key = read(space, &mut parts).filter(|_| parts.0.is_empty());
    key.ok_or_else(|| fault::corrupt(&(space, bytes), &"it is no key"))
}

/// The beginning of all keys in `state` that are of the same sort and PEN as this one.
pub(crate) fn sort(key: &Key) -> Result<Vec<u8>, Fault> {
    let (_, mut bytes) = encode(key)?;
    bytes.truncate(size_of::<PenId>() + 1);
    Ok(bytes)
}

/// The beginning of all journal entries of a PEN from that position on.
pub(crate) fn entry(pen: PenId, position: u64) -> Vec<u8> {
    [&pen.0[..], &position.to_be_bytes()].concat()
}

fn write(key: &Key, bytes: &mut Vec<u8>) -> Space {
    match key {
        Key::Account(name) => {
            (ACCOUNT, name.clone()).put(bytes);
            return Space::Accounts;
        }
        Key::Credential(hash) => {
            (CREDENTIAL, *hash).put(bytes);
            return Space::Accounts;
        }
        Key::Accepted(pen, position) => (*pen, *position, ACCEPTED).put(bytes),
        Key::Outcome(pen, position) => (*pen, *position, OUTCOME).put(bytes),
        Key::Verdict(pen, EffectId { position, ordinal }) => {
            (*pen, *position, VERDICT).put(bytes);
            ordinal.put(bytes);
        }
        Key::Installed(pen, position, rid) => {
            (*pen, *position, rid.clone()).put(bytes);
            return Space::History;
        }
        Key::Program(hash) => {
            hash.put(bytes);
            return Space::Programs;
        }
        Key::Window(eci, grant) => {
            (*eci, *grant).put(bytes);
            return Space::Windows;
        }
        key => {
            write_state(key, bytes);
            return Space::State;
        }
    }
    Space::Journal
}

fn read(space: Space, parts: &mut Parts<'_>) -> Option<Key> {
    match space {
        Space::Accounts => match parts.take()? {
            ACCOUNT => parts.take().map(Key::Account),
            CREDENTIAL => parts.take().map(Key::Credential),
            _ => None,
        },
        Space::Journal => {
            let (pen, position, half) = parts.take::<(PenId, u64, u8)>()?;
            match half {
                ACCEPTED => Some(Key::Accepted(pen, position)),
                OUTCOME => Some(Key::Outcome(pen, position)),
                VERDICT => {
                    let ordinal = parts.take()?;
                    Some(Key::Verdict(pen, EffectId { position, ordinal }))
                }
                _ => None,
            }
        }
        Space::History => {
            let (pen, position, rid) = parts.take()?;
            Some(Key::Installed(pen, position, rid))
        }
        // No record stands there.
        Space::Index | Space::Register => None,
        Space::Programs => parts.take().map(Key::Program),
        Space::State => read_state(parts),
        Space::Windows => Some(Key::Window(parts.take()?, parts.take()?)),
    }
}

/// The sorts of records in `state`, in the order of the keys: `number Variant(parts)`.
macro_rules! sorts {
    ($($sort:literal $variant:ident($($part:ident),*);)*) => {
        fn write_state(key: &Key, bytes: &mut Vec<u8>) {
            match key {
                $(Key::$variant(pen $(, $part)*) => {
                    pen.put(bytes);
                    bytes.push($sort);
                    $($part.put(bytes);)*
                })*
                Key::Accepted(..)
                | Key::Account(..)
                | Key::Credential(..)
                | Key::Installed(..)
                | Key::Outcome(..)
                | Key::Program(..)
                | Key::Verdict(..)
                | Key::Window(..) => {}
            }
        }

        fn read_state(parts: &mut Parts<'_>) -> Option<Key> {
            let (pen, sort) = parts.take::<(PenId, u8)>()?;
            match sort {
                $($sort => {
                    $(let $part = parts.take()?;)*
                    Some(Key::$variant(pen $(, $part)*))
                })*
                _ => None,
            }
        }
    };
}

sorts! {
    0 Pen();
    1 Journal();
    2 Channel(eci);
    3 Ruleset(place);
    4 Variable(rid, name);
    5 Automaton(rid, rule);
    6 Timer(id);
    7 Subscription(id);
    8 Invite(id);
    9 Pairing(id);
    10 Seen(eci, id);
    11 Outbox(grant, sequence);
    12 Effect(id);
    13 Receipt(connector, id);
    14 Queue(position);
    15 Question(id);
    16 PartialMatch(rid, rule, number);
    17 Standing();
    18 VariableEntry(rid, name, path, number);
    19 Child(id);
    20 Letter(number);
    21 Tombstone();
}

/// A part of a key.
pub(crate) trait Part: Sized {
    fn put(&self, bytes: &mut Vec<u8>);
    fn take(parts: &mut Parts<'_>) -> Option<Self>;
}

/// The parts of a key that are still to be read.
pub(crate) struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take<T: Part>(&mut self) -> Option<T> {
        T::take(self)
    }
}

impl<const N: usize> Part for [u8; N] {
    fn put(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self);
    }

    fn take(parts: &mut Parts<'_>) -> Option<Self> {
        let (part, rest) = parts.0.split_first_chunk()?;
        parts.0 = rest;
        Some(*part)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Part for $number {
            fn put(&self, bytes: &mut Vec<u8>) {
                self.to_be_bytes().put(bytes);
            }

            fn take(parts: &mut Parts<'_>) -> Option<Self> {
                parts.take().map(Self::from_be_bytes)
            }
        }
    )*};
}

numbers!(u8, u32, u64);

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl Part for $id {
            fn put(&self, bytes: &mut Vec<u8>) {
                self.0.put(bytes);
            }

            fn take(parts: &mut Parts<'_>) -> Option<Self> {
                parts.take().map(Self)
            }
        }
    )*};
}

ids!(Eci, EventId, GrantHash, GrantId, PenId, SubscriptionId);

macro_rules! ordinals {
    ($($id:ident),*) => {$(
        impl Part for $id {
            fn put(&self, bytes: &mut Vec<u8>) {
                (self.position, self.ordinal).put(bytes);
            }

            fn take(parts: &mut Parts<'_>) -> Option<Self> {
                Some(Self { position: parts.take()?, ordinal: parts.take()? })
            }
        }
    )*};
}

ordinals!(AskId, EffectId);

impl Part for String {
    fn put(&self, bytes: &mut Vec<u8>) {
        for byte in self.bytes() {
            bytes.push(byte);
            if byte == 0 {
                bytes.push(255);
            }
        }
        bytes.extend_from_slice(&[0, 0]);
    }

    fn take(parts: &mut Parts<'_>) -> Option<Self> {
        let mut text = Vec::new();
        loop {
            match parts.take::<u8>()? {
                0 => match parts.take::<u8>()? {
                    0 => return Self::from_utf8(text).ok(),
                    255 => text.push(0),
                    _ => return None,
                },
                byte => text.push(byte),
            }
        }
    }
}

impl Part for Name {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.as_str().to_owned().put(bytes);
    }

    fn take(parts: &mut Parts<'_>) -> Option<Self> {
        Self::new(&parts.take::<String>()?).ok()
    }
}

/// Each text begins with a one; a zero ends the list, so that a list sorts before all those that it
/// begins.
impl Part for Vec<String> {
    fn put(&self, bytes: &mut Vec<u8>) {
        for text in self {
            bytes.push(1);
            text.put(bytes);
        }
        bytes.push(0);
    }

    fn take(parts: &mut Parts<'_>) -> Option<Self> {
        let mut texts = Self::new();
        loop {
            match parts.take::<u8>()? {
                0 => return Some(texts),
                1 => texts.push(parts.take()?),
                _ => return None,
            }
        }
    }
}

impl<A: Part, B: Part> Part for (A, B) {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.0.put(bytes);
        self.1.put(bytes);
    }

    fn take(parts: &mut Parts<'_>) -> Option<Self> {
        Some((parts.take()?, parts.take()?))
    }
}

impl<A: Part, B: Part, C: Part> Part for (A, B, C) {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.0.put(bytes);
        self.1.put(bytes);
        self.2.put(bytes);
    }

    fn take(parts: &mut Parts<'_>) -> Option<Self> {
        Some((parts.take()?, parts.take()?, parts.take()?))
    }
}

/// The sorts of records in `accounts`.
const ACCOUNT: u8 = 0;
const CREDENTIAL: u8 = 1;

/// The parts of a journal entry.
const ACCEPTED: u8 = 0;
const OUTCOME: u8 = 1;
const VERDICT: u8 = 2;

/// The longest key, in bytes; fjall could not keep one above 65,535.
const KEY_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use std::mem::discriminant;

    use proptest::prelude::*;

    use super::*;

    /// From few bytes, so that prefixes and zeros are common.
    fn text() -> impl Strategy<Value = String> {
        "[\u{0}\u{1}ab\u{ff}]{0,3}"
    }

    fn name() -> impl Strategy<Value = Name> {
        "[!ab\u{ff}]{1,3}".prop_map(|text| Name::new(&text).unwrap())
    }

    fn path() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec(text(), 0..3)
    }

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![0..3_u64, 254..258_u64, Just(u64::MAX)]
    }

    fn effect() -> impl Strategy<Value = EffectId> {
        (number(), 0..300_u32).prop_map(|(position, ordinal)| EffectId { position, ordinal })
    }

    fn keys() -> impl Strategy<Value = Key> {
        let id = || (0..3_u8).prop_map(|byte| [byte; 16]);
        let hash = || (0..3_u8).prop_map(|byte| [byte; 32]);
        let pen = || Just(PenId([9; 16]));
        prop_oneof![
            name().prop_map(Key::Account),
            hash().prop_map(Key::Credential),
            pen().prop_map(Key::Pen),
            pen().prop_map(Key::Journal),
            pen().prop_map(Key::Standing),
            hash().prop_map(Key::Program),
            (pen(), hash()).prop_map(|(pen, eci)| Key::Channel(pen, Eci(eci))),
            (pen(), 0..300_u32).prop_map(|(pen, place)| Key::Ruleset(pen, place)),
            (pen(), name(), name()).prop_map(|(pen, a, b)| Key::Variable(pen, a, b)),
            (pen(), name(), name()).prop_map(|(pen, a, b)| Key::Automaton(pen, a, b)),
            (pen(), name(), name(), any::<u64>())
                .prop_map(|(pen, a, b, number)| Key::PartialMatch(pen, a, b, number)),
            (pen(), name()).prop_map(|(pen, id)| Key::Timer(pen, id)),
            (pen(), id()).prop_map(|(pen, id)| Key::Subscription(pen, SubscriptionId(id))),
            (pen(), id()).prop_map(|(pen, id)| Key::Invite(pen, id)),
            (pen(), id()).prop_map(|(pen, id)| Key::Pairing(pen, SubscriptionId(id))),
            (hash(), id()).prop_map(|(eci, id)| Key::Window(Eci(eci), GrantId(id))),
            (pen(), hash(), text()).prop_map(|(pen, eci, id)| Key::Seen(pen, Eci(eci), id)),
            (pen(), hash(), number()).prop_map(|(pen, g, n)| Key::Outbox(pen, GrantHash(g), n)),
            (pen(), effect()).prop_map(|(pen, id)| Key::Effect(pen, id)),
            (pen(), name(), effect()).prop_map(|(pen, name, id)| Key::Receipt(pen, name, id)),
            (pen(), id()).prop_map(|(pen, child)| Key::Child(pen, PenId(child))),
            (pen(), number()).prop_map(|(pen, n)| Key::Letter(pen, n)),
            pen().prop_map(Key::Tombstone),
            (pen(), number()).prop_map(|(pen, n)| Key::Queue(pen, n)),
            (pen(), effect()).prop_map(|(pen, EffectId { position, ordinal })| {
                Key::Question(pen, AskId { position, ordinal })
            }),
            (pen(), number()).prop_map(|(pen, n)| Key::Accepted(pen, n)),
            (pen(), number()).prop_map(|(pen, n)| Key::Outcome(pen, n)),
            (pen(), effect()).prop_map(|(pen, id)| Key::Verdict(pen, id)),
            (pen(), number(), name()).prop_map(|(pen, n, rid)| Key::Installed(pen, n, rid)),
            (pen(), name(), name(), path(), number())
                .prop_map(|(pen, a, b, path, n)| Key::VariableEntry(pen, a, b, path, n)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn bytes_say_the_key(key in keys()) {
            let (space, bytes) = encode(&key).unwrap();
            prop_assert_eq!(decode(space, &bytes), Ok(key));
        }

        #[test]
        fn the_order_of_bytes_is_the_order_of_keys(a in keys(), b in keys()) {
            let (a_place, b_place) = (encode(&a).unwrap(), encode(&b).unwrap());
            // In the journal the halves of an entry stand side by side.
            let comparable = a_place.0 != Space::Journal || discriminant(&a) == discriminant(&b);
            if a_place.0 == b_place.0 && comparable {
                prop_assert_eq!(a.cmp(&b), a_place.cmp(&b_place));
            }
        }

        #[test]
        fn other_bytes_are_no_key(bytes in proptest::collection::vec(0..20_u8, 0..60)) {
            for space in [
                Space::Accounts, Space::History, Space::Journal, Space::Programs, Space::State,
                Space::Windows,
            ] {
                match decode(space, &bytes) {
                    Ok(key) => prop_assert_eq!(encode(&key), Ok((space, bytes.clone()))),
                    Err(fault) => prop_assert_eq!(fault.code, "store-corrupt"),
                }
            }
        }
    }

    #[test]
    fn a_key_has_a_longest_form() {
        let key = Key::Seen(PenId([0; 16]), Eci([0; 32]), "a".repeat(KEY_BYTES_MAX));
        assert_eq!(encode(&key).unwrap_err().code, "store-record-too-large");
    }
}
