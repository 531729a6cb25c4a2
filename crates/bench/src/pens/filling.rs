//! PENs on the disk, as a node writes them.

use std::{collections::BTreeMap, io, path::Path};

use stratus_engine::{Batch, Key, Position, Record};
use stratus_event::{Eci, Map, Name, PenId, Value};
use stratus_pen::{Bearer, Channel, ChannelId, Policy, Rule, Terms};
use stratus_store::Store;

/// A PEN as it is to be on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Resident {
    /// The texts of its rulesets.
    pub(crate) rulesets: Vec<&'static str>,
}

/// One with three rulesets.
pub(super) fn usual() -> Resident {
    Resident {
        rulesets: RULESETS.to_vec(),
    }
}

/// PENs that become durable together.
const TOGETHER: usize = 1_000;

const RULESETS: [&str; 3] = [
    "ruleset io.bench.counter {
       meta { shares count }
       global { count = function() { ent:count } }
       rule count { select when bench count
         fired { ent:count := ent:count.defaultsTo(0) + 1 } }
     }",
    "ruleset io.bench.profile {
       meta { shares profile }
       global { profile = function() { ent:profile } }
       rule change { select when profile changed name re#(.+)# setting(name)
         fired { ent:profile{\"name\"} := name } }
     }",
    "ruleset io.bench.door {
       rule open { select when door opened before door closed
         send_directive(\"shut\") }
       rule late { select when door opened where event:attr(\"hour\") > 22
         send_directive(\"late\") }
     }",
];

/// Writes them all.
pub(crate) fn fill(path: &Path, residents: &[Resident]) -> io::Result<()> {
    let mut store = Store::open(path).map_err(io::Error::other)?;
    let mut number = 0;
    for together in residents.chunks(TOGETHER) {
        let mut changes = BTreeMap::new();
        for resident in together {
            changes.extend(pen(number, resident));
            number += 1;
        }
        let changes = changes.into_iter();
        let batch = Batch {
            position: Position(number),
            changes: changes.map(|(key, record)| (key, Some(record))).collect(),
        };
        store.commit(&[batch]).map_err(io::Error::other)?;
    }
    Ok(())
}

/// The channel of that PEN.
pub(super) fn eci(number: u64) -> Eci {
    let mut eci = [3; 32];
    eci[..16].copy_from_slice(&spread(number));
    Eci(eci)
}

fn pen(number: u64, resident: &Resident) -> Vec<(Key, Record)> {
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
    for (source, place) in resident.rulesets.iter().zip(0..) {
        // As the engine names a program.
        let program = *blake3::hash(source.as_bytes()).as_bytes();
        let rid = word(source.split_whitespace().nth(1).unwrap_or_default());
        let source = (*source).to_owned();
        records.push((Key::Program(program), Record::Program { source }));
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

fn word(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|_| unreachable!("letters, digits and dots"))
}
