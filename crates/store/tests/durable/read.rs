//! What an engine reads when it starts, and when it needs something.

use std::{collections::BTreeMap, fs, path::Path};

use fjall::{Database, PersistMode, Readable};
use stratus_engine::{Image, Key, Record, Residence, Standing, Start, Subject};
use stratus_event::{Eci, PenId, Timestamp};
use stratus_store::{Reader, Store};

use crate::{
    batch,
    samples::{self, PEN, name},
};

const OTHER: PenId = PenId([2; 16]);

/// A PEN with all that a PEN can have, and one that only waits for its timers.
fn all() -> Image {
    let mut all: Image = samples::state().into_iter().collect();
    all.extend(samples::journal());
    all.insert(Key::Queue(PEN, 4), Record::Queue { attempts: 2 });
    // What is read of a PEN that lives elsewhere is tried where PENs are carried.
    let here = Standing {
        epoch: 2,
        since: Timestamp(9),
        residence: Residence::Here,
    };
    all.insert(Key::Standing(PEN), Record::Standing(here));
    let of_pen = |key: &Key| match key {
        Key::Pen(_) => Some(Key::Pen(OTHER)),
        Key::Channel(..) => Some(Key::Channel(OTHER, Eci([9; 32]))),
        Key::Timer(_, id) => Some(Key::Timer(OTHER, id.clone())),
        Key::Receipt(_, connector, id) => Some(Key::Receipt(OTHER, connector.clone(), *id)),
        _ => None,
    };
    let others: Vec<_> = all
        .iter()
        .filter_map(|(key, record)| Some((of_pen(key)?, record.clone())))
        .collect();
    all.extend(others);
    let hashes: Vec<[u8; 32]> = all
        .values()
        .filter_map(|record| match record {
            Record::Ruleset { program, .. } => Some(*program),
            _ => None,
        })
        .collect();
    for hash in hashes {
        let source = "ruleset a {}".to_owned();
        all.entry(Key::Program(hash))
            .or_insert(Record::Program { source });
    }
    all
}

/// What the engine takes in of a start.
fn taken(start: Start<'_>) -> (u64, BTreeMap<PenId, Timestamp>, Vec<Image>) {
    let images = start.images.map(Result::unwrap).collect();
    (start.pens, start.timers.into_iter().collect(), images)
}

fn check(reader: &Reader, all: &Image) {
    let mut subjects = vec![
        Subject::Channel(Eci([9; 32])),
        Subject::Channel(Eci([8; 32])),
        Subject::Pen(PEN),
        Subject::Pen(OTHER),
        Subject::Pen(PenId([7; 16])),
        Subject::Receipts(name("nobody")),
    ];
    subjects.extend(all.keys().filter_map(|key| match key {
        Key::Channel(_, eci) => Some(Subject::Channel(*eci)),
        Key::Receipt(_, connector, _) => Some(Subject::Receipts(connector.clone())),
        _ => None,
    }));
    for after in [None, Some(PEN), Some(OTHER)] {
        subjects.extend([0, 1, 10].map(|most| Subject::Pens { after, most }));
    }
    for subject in subjects {
        let expected = subject.within(all);
        assert_eq!(reader.load(&subject).unwrap(), expected, "{subject:?}");
    }
    let start = taken(reader.start().unwrap());
    assert_eq!(start, taken(Start::within(all)));
}

#[test]
fn each_subject_is_read_as_it_stands_in_the_whole() {
    let directory = crate::directory();
    let all = all();
    let mut store = Store::open(directory.path()).unwrap();
    store.commit(&[batch(1, all.clone())]).unwrap();
    check(&store.reader(), &all);
    // What goes is not found any more.
    let mut left = all;
    let goes = |key: &Key| key.is_open() || matches!(key, Key::Channel(..) | Key::Timer(..));
    let gone: Vec<Key> = left.keys().filter(|key| goes(key)).cloned().collect();
    let mut removal = batch(2, []);
    for key in gone {
        left.remove(&key);
        removal.changes.push((key, None));
    }
    store.commit(&[removal]).unwrap();
    check(&store.reader(), &left);
    let (_, _, images) = taken(store.reader().start().unwrap());
    assert_eq!(images.len(), 1, "the accounts, and no PEN");
}

#[test]
fn the_register_of_an_earlier_store_is_made_when_it_is_opened() {
    let directory = crate::directory();
    let all = all();
    let mut store = Store::open(directory.path()).unwrap();
    store.commit(&[batch(1, all.clone())]).unwrap();
    drop(store);
    forget_register(directory.path());
    fs::write(directory.path().join("format"), "1\n").unwrap();
    let store = Store::open(directory.path()).unwrap();
    check(&store.reader(), &all);
    let format = fs::read_to_string(directory.path().join("format"));
    assert_eq!(format.unwrap(), "2\n");
}

fn forget_register(directory: &Path) {
    let database = Database::builder(directory.join("database"))
        .open()
        .unwrap();
    let register = database.keyspace("register", Default::default).unwrap();
    for pair in database.snapshot().iter(&register) {
        register.remove(pair.key().unwrap()).unwrap();
    }
    database.persist(PersistMode::SyncAll).unwrap();
}
