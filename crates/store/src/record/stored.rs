//! What can be part of a record.

use stratus_capability::{GrantHash, GrantId, HolderKey};
use stratus_engine::{AskId, CredentialKind, Did, EffectId, Residence};
use stratus_event::{
    Eci, EventId, Fault, Name, PenId, Timestamp,
    codec::{CodecError, Item},
};
use stratus_pen::{Allowed, Bearer, ChannelId};
use stratus_protocol::{NodeId, SubscriptionId};

/// Can be part of a record.
pub(super) trait Stored: Sized {
    /// As an item.
    fn item(&self) -> Item;

    /// From an item.
    fn read(item: Item) -> Result<Self, CodecError>;
}

macro_rules! plain {
    ($($plain:ty),*) => {$(
        impl Stored for $plain {
            fn item(&self) -> Item {
                self.clone().into()
            }

            fn read(item: Item) -> Result<Self, CodecError> {
                item.try_into()
            }
        }
    )*};
}

plain!(bool, u32, u64, Eci, EventId, Name, PenId, String, Timestamp);

impl<const N: usize> Stored for [u8; N] {
    fn item(&self) -> Item {
        Item::bytes(self)
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let bytes = item.as_bytes().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or(CodecError::Mismatch {
            expected: "bytes of the right number",
        })
    }
}

macro_rules! ids {
    ($($id:ident),*) => {$(
        impl Stored for $id {
            fn item(&self) -> Item {
                self.0.item()
            }

            fn read(item: Item) -> Result<Self, CodecError> {
                Stored::read(item).map(Self)
            }
        }
    )*};
}

ids!(
    ChannelId,
    GrantHash,
    GrantId,
    HolderKey,
    NodeId,
    SubscriptionId
);

macro_rules! ordinals {
    ($($id:ident),*) => {$(
        impl Stored for $id {
            fn item(&self) -> Item {
                (self.position, self.ordinal).item()
            }

            fn read(item: Item) -> Result<Self, CodecError> {
                Stored::read(item).map(|(position, ordinal)| Self { position, ordinal })
            }
        }
    )*};
}

ordinals!(AskId, EffectId);

/// Bytes of any number.
#[derive(Clone)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Stored for Bytes {
    fn item(&self) -> Item {
        Item::bytes(&self.0)
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        item.try_into().map(Self)
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn item(&self) -> Item {
        Item::list(self.iter().map(Stored::item))
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        item.into_list()?.into_iter().map(Stored::read).collect()
    }
}

/// A list of nothing or one, because null may be what there is.
impl<T: Stored> Stored for Option<T> {
    fn item(&self) -> Item {
        Item::list(self.iter().map(Stored::item))
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let mut items = item.into_list()?.into_iter();
        match (items.next(), items.next()) {
            (None, _) => Ok(None),
            (Some(item), None) => Stored::read(item).map(Some),
            (Some(_), Some(_)) => Err(CodecError::Mismatch {
                expected: "at most one",
            }),
        }
    }
}

impl<T: Stored> Stored for Result<T, Fault> {
    fn item(&self) -> Item {
        match self {
            Ok(value) => variant(0, [value.item()]),
            Err(fault) => variant(1, [fault.item()]),
        }
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let (number, parts) = read_variant(item)?;
        match number {
            0 => one(parts).map(Ok),
            1 => one(parts).map(Err),
            _ => Err(UNKNOWN),
        }
    }
}

/// A list of names, or of a star for any.
impl Stored for Allowed {
    fn item(&self) -> Item {
        Vec::<String>::from(self).item()
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        Vec::<String>::read(item).map(Self::from_iter)
    }
}

impl Stored for Bearer {
    fn item(&self) -> Item {
        place(&BEARERS, self)
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        at_place(&BEARERS, &item)
    }
}

impl Stored for CredentialKind {
    fn item(&self) -> Item {
        place(&CREDENTIAL_KINDS, self)
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        at_place(&CREDENTIAL_KINDS, &item)
    }
}

impl Stored for Did {
    fn item(&self) -> Item {
        place(&DEEDS, self)
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        at_place(&DEEDS, &item)
    }
}

impl Stored for Residence {
    fn item(&self) -> Item {
        place(&RESIDENCES, self)
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        at_place(&RESIDENCES, &item)
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn item(&self) -> Item {
        Item::list([self.0.item(), self.1.item()])
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let [a, b] = item.into_array()?;
        Ok((Stored::read(a)?, Stored::read(b)?))
    }
}

/// A variant without parts, as its place in the list of all.
fn place<T: PartialEq>(all: &[T], wanted: &T) -> Item {
    let before = all.iter().take_while(|known| *known != wanted);
    Item::Unsigned(before.map(|_| 1).sum())
}

fn at_place<T: Copy>(all: &[T], item: &Item) -> Result<T, CodecError> {
    let place = item.as_unsigned().map(usize::try_from);
    let found = place.and_then(|place| all.get(place.ok()?));
    found.copied().ok_or(UNKNOWN)
}

/// What is written is the place, so a new variant goes to the end.
const BEARERS: [Bearer; 3] = [Bearer::Nobody, Bearer::Nearby, Bearer::Anywhere];
const CREDENTIAL_KINDS: [CredentialKind; 3] = [
    CredentialKind::Link,
    CredentialKind::Session,
    CredentialKind::Token,
];
const RESIDENCES: [Residence; 3] = [Residence::Here, Residence::Copy, Residence::Moved];
const DEEDS: [Did; 3] = [Did::Nothing, Did::Moved, Did::Fired];

/// A field that is written only if it is not its default.
pub(super) fn unless_default<T: Stored + Default + PartialEq>(value: &T) -> Option<Item> {
    (*value != T::default()).then(|| value.item())
}

/// A field that was written only if it was not its default.
pub(super) fn or_default<T: Stored + Default>(item: Option<Item>) -> Result<T, CodecError> {
    item.map_or_else(|| Ok(T::default()), T::read)
}

/// A variant of an enum: its number and its parts in a list.
pub(super) fn variant<const N: usize>(number: u64, parts: [Item; N]) -> Item {
    let number = [Item::Unsigned(number)];
    Item::list(number.into_iter().chain(parts))
}

/// The number and the parts of a variant.
pub(super) fn read_variant(item: Item) -> Result<(u64, Vec<Item>), CodecError> {
    let mut items = item.into_list()?;
    if items.is_empty() {
        return Err(UNKNOWN);
    }
    let number = items.remove(0).try_into()?;
    Ok((number, items))
}

/// The only part of a variant.
pub(super) fn one<T: Stored>(parts: Vec<Item>) -> Result<T, CodecError> {
    let [part] = Item::List(parts).into_array()?;
    Stored::read(part)
}

/// A variant that there is not.
pub(super) const UNKNOWN: CodecError = CodecError::Mismatch {
    expected: "a known variant",
};
