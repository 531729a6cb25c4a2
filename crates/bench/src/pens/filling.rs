//! A hundred thousand PENs on the disk, as a node writes them.

use std::{io, path::Path};

use stratus_engine::{Batch, Key, Position, Record};
use stratus_event::{Eci, Map, Name, PenId, Value};
use stratus_pen::{Bearer, Channel, ChannelId, Policy, Rule, Terms};
use stratus_store::Store;

/// How many there are.
pub(super) const PENS: u64 = 100_000;

/// PENs that become durable together.
const TOGETHER: u64 = 1_000;

const RULESETS: [(&str, &str); 3] = [
    (
        "io.bench.counter",
        "ruleset io.bench.counter {
           meta { shares count }
           global { count = function() { ent:count } }
           rule count { select when bench count
             fired { ent:count := ent:count.defaultsTo(0) + 1 } }
         }",
    ),
    (
        "io.bench.profile",
        "ruleset io.bench.profile {
           meta { shares profile }
           global { profile = function() { ent:profile } }
           rule change { select when profile changed name re#(.+)# setting(name)
             fired { ent:profile{\"name\"} := name } }
         }",
    ),
    (
        "io.bench.door",
        "ruleset io.bench.door {
           rule open { select when door opened before door closed
             send_directive(\"shut\") }
           rule late { select when door opened where event:attr(\"hour\") > 22
             send_directive(\"late\") }
         }",
    ),
];

/// Writes all of it.
pub(super) fn fill(path: &Path) -> io::Result<()> {
    let mut store = Store::open(path).map_err(io::Error::other)?;
    let programs = RULESETS.iter().map(|(_, source)| {
        let source = (*source).to_owned();
        (Key::Program(hash(&source)), Record::Program { source })
    });
    store
        .commit(&[batch(0, programs)])
        .map_err(io::Error::other)?;
    for begin in (0..PENS).step_by(usize::try_from(TOGETHER).unwrap_or(1)) {
        let pens = (begin..begin + TOGETHER).flat_map(pen);
        store
            .commit(&[batch(begin + 1, pens)])
            .map_err(io::Error::other)?;
    }
    Ok(())
}

/// The channel of that PEN.
pub(super) fn eci(number: u64) -> Eci {
    let mut eci = [3; 32];
    eci[..16].copy_from_slice(&spread(number));
    Eci(eci)
}

fn pen(number: u64) -> Vec<(Key, Record)> {
    let pen = PenId(spread(number));
    let seed = [7; 32];
    let name = format!("thing {number}");
    let mut records = vec![
        (
            Key::Pen(pen),
            Record::Pen {
                name,
                seed,
                parent: None,
            },
        ),
        (Key::Journal(pen), Record::Journal { next: 0 }),
        (
            Key::Channel(pen, eci(number)),
            Record::Channel(channel(number)),
        ),
    ];
    for ((rid, source), place) in RULESETS.iter().zip(0..) {
        let (rid, program) = (word(rid), hash(source));
        let installed = Record::Ruleset {
            rid: rid.clone(),
            program,
            terms: Terms::default(),
            versions: Vec::new(),
            trouble: None,
        };
        records.push((Key::Ruleset(pen, place), installed));
        records.push((
            Key::Variable(pen, rid.clone(), word("count")),
            Record::Variable(Value::from(7)),
        ));
        let profile = Map::from([("name", format!("thing {number}")), ("room", "hall".into())]);
        records.push((
            Key::Variable(pen, rid, word("profile")),
            Record::Variable(Value::map(profile)),
        ));
    }
    records
}

/// The owner's channel lets in all; it is one for everybody, so that it can be called.
fn channel(number: u64) -> Channel {
    let any = Rule {
        first: None,
        second: None,
    };
    Channel {
        eci: eci(number),
        id: ChannelId(spread(number)),
        tags: vec![word("owner")],
        policy: Policy {
            events_allowed: vec![any.clone()],
            queries_allowed: vec![any],
            ..Policy::default()
        },
        generation: 0,
        open: true,
        bearer: Bearer::Nearby,
        family: None,
        rate: None,
    }
}

/// Numbers as random as a node's ids.
fn spread(number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    id[..8].copy_from_slice(&spread.to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

fn batch(position: u64, changes: impl Iterator<Item = (Key, Record)>) -> Batch {
    Batch {
        position: Position(position),
        changes: changes.map(|(key, record)| (key, Some(record))).collect(),
    }
}

/// As the engine names a program.
fn hash(source: &str) -> [u8; 32] {
    *blake3::hash(source.as_bytes()).as_bytes()
}

fn word(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|_| unreachable!("letters, digits and dots"))
}
