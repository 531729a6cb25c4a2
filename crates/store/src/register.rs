//! What has to be found without knowing the PEN.
//!
//! An entry is `sort ‖ …`. It is written in the batch of the record that it comes of, and goes with
//! it, so that nothing can be found here that is not there.

use std::collections::{BTreeMap, BTreeSet};

use fjall::{Readable, Snapshot};
use stratus_engine::{EffectId, Key, Record};
use stratus_event::{Eci, Fault, Name, PenId, Timestamp};

use crate::{
    Tables, fault,
    key::{self, Part, Parts, Space},
    record,
};

/// Where something stands, and what; without a value if it goes.
type Entry = (Vec<u8>, Option<Vec<u8>>);

/// The entry under which a record is found, if it is one of those.
pub(crate) fn entry(key: &Key, record: Option<&Record>) -> Result<Option<Entry>, Fault> {
    let mut place = Vec::with_capacity(64);
    let value = match key {
        Key::Channel(pen, eci) => {
            (CHANNEL, *eci).put(&mut place);
            pen.0.to_vec()
        }
        Key::Pen(pen) => {
            (PEN, *pen).put(&mut place);
            Vec::new()
        }
        Key::Receipt(pen, connector, id) => {
            (RECEIPT, connector.clone(), (*pen, *id)).put(&mut place);
            Vec::new()
        }
        Key::Timer(..) => {
            place.push(TIMER);
            place.extend(key::encode(key)?.1);
            due(record).to_be_bytes().to_vec()
        }
        key if key.is_open() => {
            place.push(OPEN);
            place.extend(key::encode(key)?.1);
            Vec::new()
        }
        _ => return Ok(None),
    };
    Ok(Some((place, record.map(|_| value))))
}

/// The entry under which a record is found that stands there as bytes, and its value.
pub(crate) fn of_bytes(place: &[u8], bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let key = key::decode(Space::State, place).ok()?;
    let record = record::decode(&key, bytes).ok()?;
    let (place, value) = entry(&key, Some(&record)).ok()??;
    Some((place, value?))
}

/// Whose channel it is.
pub(crate) fn owner(
    tables: &Tables,
    snapshot: &Snapshot,
    eci: Eci,
) -> Result<Option<PenId>, Fault> {
    let mut place = Vec::new();
    (CHANNEL, eci).put(&mut place);
    let pen = snapshot.get(tables.keyspace(Space::Register), &place);
    let pen = pen.map_err(|error| fault::unreadable(&error))?;
    pen.map(|pen| Parts::of(&pen).take().ok_or_else(|| damaged(&place)))
        .transpose()
}

/// How many PENs there are.
pub(crate) fn count(tables: &Tables, snapshot: &Snapshot) -> Result<u64, Fault> {
    let mut count = 0;
    for pair in snapshot.prefix(tables.keyspace(Space::Register), [PEN]) {
        pair.key().map_err(|error| fault::unreadable(&error))?;
        count += 1;
    }
    Ok(count)
}

/// At most so many PENs, after that one.
pub(crate) fn pens(
    tables: &Tables,
    snapshot: &Snapshot,
    after: Option<PenId>,
    most: usize,
) -> Result<Vec<PenId>, Fault> {
    let mut start = vec![PEN];
    if let Some(pen) = after {
        pen.put(&mut start);
        start.push(0);
    }
    let pairs = snapshot.range(tables.keyspace(Space::Register), start..vec![PEN + 1]);
    pairs.take(most).map(read_pen).collect()
}

/// The PENs that are in the middle of something.
pub(crate) fn open(tables: &Tables, snapshot: &Snapshot) -> Result<BTreeSet<PenId>, Fault> {
    let pairs = snapshot.prefix(tables.keyspace(Space::Register), [OPEN]);
    pairs.map(read_pen).collect()
}

/// When the first timer of each PEN is due.
pub(crate) fn timers(
    tables: &Tables,
    snapshot: &Snapshot,
) -> Result<BTreeMap<PenId, Timestamp>, Fault> {
    let mut timers = BTreeMap::new();
    for pair in snapshot.prefix(tables.keyspace(Space::Register), [TIMER]) {
        let (key, at) = pair
            .into_inner()
            .map_err(|error| fault::unreadable(&error))?;
        let mut parts = Parts::of(&key);
        let pen = parts.take::<(u8, PenId)>().map(|(_, pen)| pen);
        let at = <[u8; 8]>::try_from(&*at).map(i64::from_be_bytes).ok();
        let (pen, at) = pen.zip(at).ok_or_else(|| damaged(&key))?;
        let first = timers.entry(pen).or_insert(Timestamp(at));
        *first = Timestamp(at).min(*first);
    }
    Ok(timers)
}

/// The keys of all receipts of a connector.
pub(crate) fn receipts(
    tables: &Tables,
    snapshot: &Snapshot,
    connector: &Name,
) -> Result<Vec<Key>, Fault> {
    let mut prefix = Vec::new();
    (RECEIPT, connector.clone()).put(&mut prefix);
    let pairs = snapshot.prefix(tables.keyspace(Space::Register), prefix);
    let read = |pair: fjall::Guard| {
        let key = pair.key().map_err(|error| fault::unreadable(&error))?;
        let parts = Parts::of(&key).take::<(u8, Name, (PenId, EffectId))>();
        let (_, connector, (pen, id)) = parts.ok_or_else(|| damaged(&key))?;
        Ok(Key::Receipt(pen, connector, id))
    };
    pairs.map(read).collect()
}

fn read_pen(pair: fjall::Guard) -> Result<PenId, Fault> {
    let key = pair.key().map_err(|error| fault::unreadable(&error))?;
    let parts = Parts::of(&key).take::<(u8, PenId)>();
    parts.map(|(_, pen)| pen).ok_or_else(|| damaged(&key))
}

fn due(record: Option<&Record>) -> i64 {
    match record {
        Some(Record::Timer(timer)) => timer.at.0,
        _ => 0,
    }
}

fn damaged(key: &[u8]) -> Fault {
    fault::corrupt(&(Space::Register, key), &"it is no entry of the register")
}

/// Whose channel it is: `channel`, the value is the PEN.
const CHANNEL: u8 = 0;
/// A PEN is in the middle of something: the key of the record that says so.
const OPEN: u8 = 1;
/// A PEN: `PEN`.
const PEN: u8 = 2;
/// What a service did: `connector ‖ PEN ‖ effect`.
const RECEIPT: u8 = 3;
/// A timer: its key, the value is when it is due.
const TIMER: u8 = 4;
