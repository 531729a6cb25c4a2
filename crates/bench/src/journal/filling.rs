//! A journal of a million events, as the engine writes it.

use std::{fmt, sync::mpsc::sync_channel, thread};

use stratus_engine::{
    Accepted, Batch, Did, Key, Outcome, OutcomeRun, OutcomeStand, Position, Record, RunEnd, Source,
};
use stratus_event::{Eci, Event, EventId, Fault, Map, Name, PenId, Timestamp, Value, Whose};
use stratus_store::Store;

/// How many there are.
pub(super) const EVENTS: u64 = 1_000_000;

/// Whose journal it is.
pub(super) const PEN: PenId = PenId([1; 16]);

/// Events come one a second.
pub(super) const SECOND_MS: i64 = 1_000;

/// Entries that become durable together.
const BATCH: u64 = 10_000;

/// Batches that wait to be written.
const MADE_MAX: usize = 2;

const RULESETS: u64 = 20;
const DOMAINS: u64 = 8;
const KINDS: u64 = 16;
const CHANNELS: u64 = 32;

/// One event in so many is of the domain `rare`.
const RARE: u64 = 10_007;

/// Writes all of it: one thread makes what the other writes.
pub(super) fn fill(store: &mut Store) -> Result<(), Fault> {
    store.commit(&[batch(0, (0..RULESETS).flat_map(ruleset))])?;
    thread::scope(|scope| {
        let (made, batches) = sync_channel(MADE_MAX);
        scope.spawn(move || {
            let begins = (0..EVENTS).step_by(usize::try_from(BATCH).unwrap_or(1));
            let mut made_of =
                begins.map(|begin| batch(begin + 1, (begin..begin + BATCH).flat_map(entry)));
            // Who does not write any more needs no more.
            made_of.try_for_each(|batch| made.send(batch))
        });
        let mut batches = batches.iter();
        batches.try_for_each(|batch| store.commit(&[batch]))
    })
}

/// The id of an event: spread like the random ones of a node.
pub(super) fn id(number: u64) -> EventId {
    let mut id = [0; 16];
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    id[..8].copy_from_slice(&spread.to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    EventId(id)
}

pub(super) fn channel(number: u8) -> Eci {
    Eci([number; 32])
}

pub(super) fn name(text: &str) -> Option<Name> {
    Name::new(text).ok()
}

pub(super) fn broken(error: &dyn fmt::Display) -> Fault {
    Fault::new(Whose::World, "store-unusable", error.to_string())
}

fn batch(position: u64, changes: impl Iterator<Item = (Key, Record)>) -> Batch {
    Batch {
        position: Position(position),
        changes: changes.map(|(key, record)| (key, Some(record))).collect(),
    }
}

fn rid(number: u64) -> Name {
    word("r", number % RULESETS)
}

fn word(word: &str, number: u64) -> Name {
    name(&format!("{word}{number}")).unwrap_or_else(|| unreachable!("letters and digits"))
}

/// A ruleset whose rules are those of which the entries tell.
fn ruleset(number: u64) -> Vec<(Key, Record)> {
    let rid = rid(number);
    let domain = number % DOMAINS;
    let source = format!(
        "ruleset {rid} {{
           rule fires {{ select when d{domain} k7 n re#(7)# setting(n) noop() }}
           rule waits {{ select when d{domain} k1 before d{domain} k2 noop() }}
         }}"
    );
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    let program = Some(hash);
    vec![
        (Key::Program(hash), Record::Program { source }),
        (Key::Installed(PEN, 0, rid), Record::Installed { program }),
    ]
}

fn entry(number: u64) -> [(Key, Record); 2] {
    let event = event(number);
    let accepted = Accepted {
        event: event.clone(),
        channel: u8::try_from(number % CHANNELS).ok().map(channel),
        source: Source::Owner,
        for_ruleset: None,
        at: Timestamp(i64::try_from(number).unwrap_or(0) * SECOND_MS),
        seed: [9; 32],
    };
    let outcome = Outcome {
        at: accepted.at,
        runs: vec![run(number, event)],
        stands: vec![stand(number)],
        ..Outcome::default()
    };
    [
        (Key::Accepted(PEN, number), Record::Accepted(accepted)),
        (Key::Outcome(PEN, number), Record::Outcome(outcome)),
    ]
}

fn event(number: u64) -> Event {
    let rare = number % RARE == RARE / 2;
    let domain = if rare {
        name("rare")
    } else {
        Some(word("d", number % DOMAINS))
    };
    Event {
        id: id(number),
        domain: domain.unwrap_or_else(|| word("d", 0)),
        kind: word("k", number / DOMAINS % KINDS),
        attributes: Map::from([
            ("n", Value::number(7.0)),
            ("text", Value::text("some text")),
        ]),
        time: Timestamp(0),
        cause: number
            .checked_sub(1)
            .filter(|_| number.is_multiple_of(3))
            .map(id),
    }
}

fn run(number: u64, event: Event) -> OutcomeRun {
    let raised = Event {
        id: event.id.raised(0),
        cause: Some(event.id),
        ..event.clone()
    };
    OutcomeRun {
        event,
        rid: rid(number / 7),
        rule: word("rule", number % 5),
        end: RunEnd::Fired,
        changes: vec![(rid(number), word("variable", 1))],
        arranged: Vec::new(),
        raised: vec![(raised, None)],
        saw: vec![("n".to_owned(), Value::number(7.0))],
        last: false,
        effects: Vec::new(),
        log: Vec::new(),
    }
}

fn stand(number: u64) -> OutcomeStand {
    OutcomeStand {
        event: id(number),
        rid: rid(number),
        rule: word("waits", 0),
        did: Did::Nothing,
        before: Value::Null,
        after: None,
        left_out: 0,
    }
}
