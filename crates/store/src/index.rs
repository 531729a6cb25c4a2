//! Finding journal entries by what is in them.
//!
//! An entry of the index is a key without a value: `PEN ‖ sort ‖ value ‖ position`. It is written
//! in the batch of the journal entry's half that it comes of, and goes with it.

use std::ops::Bound;

use fjall::Readable;
use stratus_engine::{Accepted, Key, Outcome, Record, journal::Filter};
use stratus_event::{Event, EventId, Fault, PenId};

use crate::{
    Tables, fault,
    key::{self, Part, Space},
    record,
};

/// The keys under which a half of a journal entry is found.
pub(crate) fn keys(key: &Key, record: &Record) -> Vec<Vec<u8>> {
    match (key, record) {
        (Key::Accepted(pen, position), Record::Accepted(accepted)) => {
            of_accepted(*pen, *position, accepted)
        }
        (Key::Outcome(pen, position), Record::Outcome(outcome)) => {
            of_outcome(*pen, *position, outcome)
        }
        _ => Vec::new(),
    }
}

/// The keys under which a half of a journal entry is found that stands there as bytes. What is
/// damaged is told of when it is read.
pub(crate) fn of_bytes(place: &[u8], bytes: &[u8]) -> Vec<Vec<u8>> {
    let key = key::decode(Space::Journal, place);
    let record = key.and_then(|key| Ok((record::decode(&key, bytes)?, key)));
    record.map_or_else(|_| Vec::new(), |(record, key)| keys(&key, &record))
}

/// A list of positions, in the order of the journal: what a part of a filter stands for.
#[derive(Clone, Debug)]
pub(crate) struct List {
    space: Space,
    /// What the keys begin with, before the position.
    prefix: Vec<u8>,
}

impl List {
    /// The lists in which every wanted entry stands, those first that are shorter as a rule.
    pub(crate) fn of(pen: PenId, filter: &Filter) -> Vec<Self> {
        let cause = filter.cause.map(|id| list(pen, CAUSE, &id));
        let channel = filter.channel.map(|eci| list(pen, CHANNEL, &eci));
        let ruleset = filter.ruleset.clone().map(|rid| list(pen, RULESET, &rid));
        let symbol = match (filter.domain.clone(), filter.kind.clone()) {
            (Some(domain), Some(kind)) => Some(list(pen, SYMBOL, &(domain, kind))),
            (Some(domain), None) => Some(list(pen, DOMAIN, &domain)),
            (None, _) => None,
        };
        let lists = [cause, symbol, ruleset, channel];
        let list = |prefix| Self {
            space: Space::Index,
            prefix,
        };
        lists.into_iter().flatten().map(list).collect()
    }

    /// The list of all entries: the journal itself.
    pub(crate) fn all(pen: PenId) -> Self {
        Self {
            space: Space::Journal,
            prefix: pen.0.to_vec(),
        }
    }

    /// The list's first position that is not below this one.
    pub(crate) fn at_or_after(
        &self,
        tables: &Tables,
        snapshot: &fjall::Snapshot,
        position: u64,
    ) -> Result<Option<u64>, Fault> {
        let end = [&self.key(u64::MAX)[..], &[u8::MAX]].concat();
        let range = (Bound::Included(self.key(position)), Bound::Excluded(end));
        let mut pairs = snapshot.range(tables.keyspace(self.space), range);
        pairs.next().map(|pair| self.position(pair)).transpose()
    }

    /// The list's last position that is not above this one.
    pub(crate) fn at_or_before(
        &self,
        tables: &Tables,
        snapshot: &fjall::Snapshot,
        position: u64,
    ) -> Result<Option<u64>, Fault> {
        let end = [&self.key(position)[..], &[u8::MAX]].concat();
        let range = (Bound::Included(self.key(0)), Bound::Excluded(end));
        let mut pairs = snapshot.range(tables.keyspace(self.space), range);
        pairs
            .next_back()
            .map(|pair| self.position(pair))
            .transpose()
    }

    fn key(&self, position: u64) -> Vec<u8> {
        [&self.prefix[..], &position.to_be_bytes()].concat()
    }

    fn position(&self, pair: fjall::Guard) -> Result<u64, Fault> {
        let key = pair.key().map_err(|error| fault::unreadable(&error))?;
        let bytes = key.get(self.prefix.len()..).and_then(<[u8]>::first_chunk);
        let position = bytes.copied().map(u64::from_be_bytes);
        position.ok_or_else(|| fault::corrupt(&(self.space, &key), &"it is no key"))
    }
}

/// The events whose ids lie between two, both included, and the positions of their entries; at
/// most so many.
pub(crate) fn events(
    tables: &Tables,
    pen: PenId,
    (first, last): (EventId, EventId),
    limit: usize,
) -> Result<Vec<(EventId, u64)>, Fault> {
    let end = [&list(pen, EVENT, &last)[..], &[u8::MAX; 8]].concat();
    let range = (
        Bound::Included(list(pen, EVENT, &first)),
        Bound::Included(end),
    );
    let snapshot = tables.snapshot();
    let pairs = snapshot.range(tables.keyspace(Space::Index), range);
    pairs.take(limit).map(read_event).collect()
}

fn of_accepted(pen: PenId, position: u64, accepted: &Accepted) -> Vec<Vec<u8>> {
    let mut lists = of_event(pen, &accepted.event);
    lists.extend(accepted.channel.map(|eci| list(pen, CHANNEL, &eci)));
    let cause = accepted.event.cause;
    lists.extend(cause.map(|id| list(pen, CAUSE, &id)));
    at(position, lists)
}

fn of_outcome(pen: PenId, position: u64, outcome: &Outcome) -> Vec<Vec<u8>> {
    let mut lists = Vec::new();
    for run in &outcome.runs {
        lists.push(list(pen, RULESET, &run.rid));
        for (event, _) in &run.raised {
            lists.extend(of_event(pen, event));
        }
    }
    lists.sort_unstable();
    lists.dedup();
    at(position, lists)
}

fn of_event(pen: PenId, event: &Event) -> Vec<Vec<u8>> {
    vec![
        list(pen, EVENT, &event.id),
        list(pen, DOMAIN, &event.domain),
        list(pen, SYMBOL, &(event.domain.clone(), event.kind.clone())),
    ]
}

fn at(position: u64, mut lists: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    for list in &mut lists {
        position.put(list);
    }
    lists
}

fn list(pen: PenId, sort: u8, value: &impl Part) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    pen.put(&mut bytes);
    bytes.push(sort);
    value.put(&mut bytes);
    bytes
}

fn read_event(pair: fjall::Guard) -> Result<(EventId, u64), Fault> {
    let key = pair.key().map_err(|error| fault::unreadable(&error))?;
    let id = key.get(17..33).and_then(|id| id.try_into().ok());
    let position = key.last_chunk().copied().map(u64::from_be_bytes);
    let both = id.map(EventId).zip(position);
    both.ok_or_else(|| fault::corrupt(&(Space::Index, &key), &"it is no key"))
}

/// The sorts of values: an event's id, its domain, its domain and type, the channel by which it
/// came, the rulesets of which rules ran, its cause.
const EVENT: u8 = 0;
const DOMAIN: u8 = 1;
const SYMBOL: u8 = 2;
const CHANNEL: u8 = 3;
const RULESET: u8 = 4;
const CAUSE: u8 = 5;
