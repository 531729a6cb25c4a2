//! What is committed is there again, whatever happens to the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, mem::discriminant, path::Path, sync::mpsc};

use stratus_engine::{Batch, Key, Position, Record};
use stratus_event::{Fault, PenId};
use stratus_store::{Progress, Store, Writer};
use tempfile::TempDir;

use samples::{PEN, name};

mod carried;
mod copied;
mod damaged;
mod erased;
mod filtered;
mod killed;
mod read;
#[cfg(unix)]
mod refused;
mod samples;
mod trimmed;

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn batch(position: u64, changes: impl IntoIterator<Item = (Key, Record)>) -> Batch {
    let changes = changes
        .into_iter()
        .map(|(key, record)| (key, Some(record)))
        .collect();
    Batch {
        position: Position(position),
        changes,
    }
}

fn refused(path: &Path) -> Fault {
    Store::open(path)
        .and_then(|store| store.image())
        .unwrap_err()
}

#[test]
fn every_sort_of_record_comes_back_as_it_was() {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    let image = store.image().unwrap();
    assert!(image.is_empty());
    let queue = (Key::Queue(PEN, 4), Record::Queue { attempts: 2 });
    let all: Vec<_> = samples::state()
        .into_iter()
        .chain(samples::journal())
        .chain(samples::history())
        .chain([queue.clone()])
        .collect();
    let sorts: BTreeSet<_> = all
        .iter()
        .map(|(_, record)| format!("{:?}", discriminant(record)))
        .collect();
    assert_eq!(sorts.len(), 30, "a sample of each sort");
    store.commit(&[batch(1, all.clone())]).unwrap();
    drop(store);

    let store = Store::open(directory.path()).unwrap();
    let image = store.image().unwrap();
    let waiting = |key: &Key| *key == Key::Accepted(PEN, 4);
    let told = |key: &Key| {
        matches!(
            key,
            Key::Accepted(..) | Key::Outcome(..) | Key::Verdict(..) | Key::Installed(..)
        )
    };
    let expected = all
        .into_iter()
        .filter(|(key, _)| waiting(key) || !told(key));
    // Maps compare without their order, so the order is compared as text.
    let expected: stratus_engine::Image = expected.collect();
    assert_eq!(image, expected);
    assert_eq!(format!("{image:?}"), format!("{expected:?}"));

    let entries = store.journal().after(PEN, None, 100).unwrap();
    let read = entries.iter().flat_map(|entry| {
        let accepted = Record::Accepted(entry.accepted.clone());
        let outcome = entry.outcome.clone().map(Record::Outcome);
        [(Key::Accepted(PEN, entry.position), Some(accepted))]
            .into_iter()
            .chain([(Key::Outcome(PEN, entry.position), outcome)])
    });
    let mut read: Vec<_> = read
        .filter_map(|(key, record)| Some((key, record?)))
        .collect();
    read.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert_eq!(format!("{read:?}"), format!("{:?}", samples::journal()));
}

#[test]
fn the_last_change_of_a_key_counts_within_one_commit() {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    let key = |n: &str| Key::Variable(PEN, name("r"), name(n));
    let value = |n: i32| Some(Record::Variable(n.into()));
    let changes = |position, changes| Batch {
        position: Position(position),
        changes,
    };
    let batches = [
        changes(
            1,
            vec![
                (key("set"), value(1)),
                (key("gone"), value(1)),
                (key("back"), value(1)),
            ],
        ),
        changes(
            2,
            vec![
                (key("set"), value(2)),
                (key("gone"), None),
                (key("back"), None),
            ],
        ),
        changes(3, vec![(key("set"), value(3)), (key("back"), value(3))]),
    ];
    store.commit(&batches).unwrap();
    drop(store);
    let mut store = Store::open(directory.path()).unwrap();
    let image = store.image().unwrap();
    let three = Record::Variable(3.into());
    let expected = [(key("set"), three.clone()), (key("back"), three)];
    assert_eq!(image, expected.into());
    store
        .commit(&[changes(4, vec![(key("set"), None), (key("back"), None)])])
        .unwrap();
    drop(store);
    assert!(
        Store::open(directory.path())
            .unwrap()
            .image()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_journal_is_read_in_pieces_from_either_end() {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    let other = |pen, position| {
        let accepted = samples::accepted(stratus_engine::Source::Engine);
        (Key::Accepted(pen, position), Record::Accepted(accepted))
    };
    let neighbours = [PenId([0; 16]), PenId([2; 16])].map(|pen| other(pen, 0));
    store
        .commit(&[batch(1, samples::journal().into_iter().chain(neighbours))])
        .unwrap();
    store.commit(&[batch(2, [other(PEN, u64::MAX)])]).unwrap();
    let journal = store.journal();
    let after = |position, limit| -> Vec<_> {
        let entries = journal.after(PEN, position, limit).unwrap();
        entries
            .iter()
            .map(|entry| (entry.position, entry.outcome.is_some()))
            .collect()
    };
    assert_eq!(after(None, 3), [(0, true), (1, true), (2, false)]);
    assert_eq!(after(Some(0), 1), [(1, true)]);
    assert_eq!(
        after(Some(3), 100),
        [(4, false), (5, false), (6, false), (u64::MAX, false)]
    );
    assert_eq!(after(Some(u64::MAX), 100), []);
    assert_eq!(after(None, 0), []);
    let before = |position, limit| -> Vec<_> {
        let entries = journal.before(PEN, position, limit).unwrap();
        entries
            .iter()
            .map(|entry| (entry.position, entry.outcome.is_some()))
            .collect()
    };
    assert_eq!(before(None, 2), [(u64::MAX, false), (6, false)]);
    assert_eq!(before(Some(3), 2), [(2, false), (1, true)]);
    assert_eq!(before(Some(1), 2), [(0, true)]);
    assert_eq!(before(Some(0), 2), []);
    assert_eq!(journal.at(PEN, 1).unwrap().unwrap().position, 1);
    assert_eq!(journal.at(PEN, 7), Ok(None));
    assert_eq!(journal.at(PenId([7; 16]), 0), Ok(None));
}

#[test]
fn one_process_has_a_directory_at_a_time() {
    let directory = directory();
    let store = Store::open(directory.path()).unwrap();
    let fault = refused(directory.path());
    assert_eq!(fault.code, "store-locked");
    assert!(
        fault
            .message
            .contains(&directory.path().display().to_string()),
        "{fault}"
    );
    assert!(fault.hint.is_some());
    // A reader has it as well as a writer.
    let journal = store.journal();
    drop(store);
    assert_eq!(refused(directory.path()).code, "store-locked");
    drop(journal);
    Store::open(directory.path()).unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_look_into_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let path = directory.path().join("a/b");
    Store::open(&path).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn another_format_is_not_touched() {
    let directory = directory();
    let format = directory.path().join("format");
    drop(Store::open(directory.path()).unwrap());
    assert_eq!(std::fs::read_to_string(&format).unwrap(), "2\n");
    let check = |text: &str, code: &str| {
        std::fs::write(&format, text).unwrap();
        assert_eq!(refused(directory.path()).code, code, "{text:?}");
    };
    check("3\n", "store-version");
    check("0\n", "store-corrupt");
    check("", "store-corrupt");
    std::fs::remove_file(&format).unwrap();
    assert_eq!(refused(directory.path()).code, "store-unusable");
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert_eq!(refused(&file).code, "store-unusable");
}

/// Writes past the store.
fn tamper(directory: &Path, keyspace: &str, key: &[u8], bytes: &[u8]) {
    let database = fjall::Database::builder(directory.join("database"))
        .open()
        .unwrap();
    let keyspace = database.keyspace(keyspace, Default::default).unwrap();
    keyspace.insert(key, bytes).unwrap();
    database.persist(fjall::PersistMode::SyncAll).unwrap();
}

#[test]
fn a_damaged_record_is_named() {
    let check = |keyspace: &str, key: &[u8], bytes: &[u8], expected: &[&str]| {
        let directory = directory();
        drop(Store::open(directory.path()).unwrap());
        tamper(directory.path(), keyspace, key, bytes);
        let fault = refused(directory.path());
        assert_eq!(fault.code, "store-corrupt", "{fault}");
        for part in expected {
            assert!(
                fault.message.contains(part),
                "{fault} should contain {part}"
            );
        }
    };
    let pen = [&[1; 16][..], &[1]].concat();
    check(
        "state",
        &pen,
        b"\xa1\x00\x20",
        &["Journal(PenId(0101", "not an integer"],
    );
    check("state", &pen, b"\xa1\x00", &["Journal", "ends too early"]);
    check(
        "state",
        &pen,
        b"\xa1\x00\x01\x00",
        &["Journal", "bytes follow"],
    );
    check(
        "state",
        &pen,
        b"\xa2\x00\x01\x01\x02",
        &["Journal", "unknown field"],
    );
    check("state", &pen, b"\xa0", &["Journal", "lacks field 0"]);
    check(
        "state",
        &[&[1; 16][..], &[99]].concat(),
        b"\xa0",
        &["State", "no key"],
    );
    check("windows", &[1; 5], b"\xa0", &["Windows", "no key"]);
    check("programs", &[1; 32], b"\xf6", &["Program", "not a map"]);
    let queue = [&[1; 16][..], &[14], &[0; 8]].concat();
    check(
        "state",
        &queue,
        b"\xa1\x00\x01",
        &["Accepted(PenId(0101", "not there"],
    );
}

#[test]
fn a_damaged_journal_entry_is_named() {
    let directory = directory();
    drop(Store::open(directory.path()).unwrap());
    let entry = |half: u8| [&[1; 16][..], &[0; 8], &[half]].concat();
    let read = |expected: &str| {
        let store = Store::open(directory.path()).unwrap();
        let fault = store.journal().after(PEN, None, 9).unwrap_err();
        assert_eq!(fault.code, "store-corrupt");
        assert!(fault.message.contains(expected), "{fault}");
    };
    let outcome = b"\xa4\x00\x01\x01\x80\x02\x80\x03\x80";
    tamper(directory.path(), "journal", &entry(1), outcome);
    read("an outcome without the event");
    tamper(directory.path(), "journal", &entry(0), b"\x00");
    read("Accepted(PenId(0101");
}

/// A writer whose progress can be awaited.
fn writer(store: Store) -> (Writer, mpsc::Receiver<Progress>) {
    let (sender, progress) = mpsc::channel();
    let writer = Writer::start(store, move |news| sender.send(news).unwrap()).unwrap();
    (writer, progress)
}

#[test]
fn the_writer_tells_when_batches_are_durable() {
    let directory = directory();
    let store = Store::open(directory.path()).unwrap();
    let (writer, progress) = writer(store);
    for position in 1..=500 {
        let record = Record::Queue { attempts: 0 };
        let accepted = samples::accepted(stratus_engine::Source::Owner);
        let changes = [
            (Key::Queue(PEN, position), record),
            (Key::Accepted(PEN, position), Record::Accepted(accepted)),
        ];
        writer.commit(batch(position, changes)).unwrap();
    }
    drop(writer);
    let told: Vec<_> = progress.iter().collect();
    let through = told.iter().map(|news| match news {
        Progress::Committed { through } => through.0,
        Progress::Failed { .. } => panic!("{news:?}"),
    });
    let through: Vec<_> = through.collect();
    assert!(through.is_sorted_by(|a, b| a < b), "{through:?}");
    assert_eq!(through.last(), Some(&500));
    assert!(through.len() < 500, "what waits is written together");
    assert_eq!(
        Store::open(directory.path())
            .unwrap()
            .image()
            .unwrap()
            .len(),
        1000
    );
}

/// More than is read again.
fn unwritable() -> (Key, Record) {
    (
        Key::Program([1; 32]),
        Record::Program {
            source: "x".repeat(65 << 20),
        },
    )
}

#[test]
fn after_a_failure_nothing_is_written() {
    let directory = directory();
    let store = Store::open(directory.path()).unwrap();
    let (writer, progress) = writer(store);
    let good = || (Key::Journal(PEN), Record::Journal { next: 1 });
    writer.commit(batch(1, [good()])).unwrap();
    assert_eq!(
        progress.recv().unwrap(),
        Progress::Committed {
            through: Position(1)
        }
    );
    let check = |position: u64, change: (Key, Record), code: &str| {
        writer.commit(batch(position, [change])).unwrap();
        let Progress::Failed { from, fault } = progress.recv().unwrap() else {
            panic!("{code}")
        };
        assert_eq!((from, &*fault.code), (Position(position), code));
    };
    check(2, unwritable(), "store-record-too-large");
    check(
        3,
        (Key::Journal(PEN), Record::Journal { next: 3 }),
        "store-poisoned",
    );
    check(4, good(), "store-poisoned");
    drop(writer);
    let mut store = Store::open(directory.path()).unwrap();
    let image = store.image().unwrap();
    assert_eq!(image, [good()].into());
    // Opened again, it writes again.
    store
        .commit(&[batch(5, [(Key::Journal(PEN), Record::Journal { next: 5 })])])
        .unwrap();
    let unfit = batch(6, [(Key::Pen(PEN), Record::Journal { next: 6 })]);
    assert_eq!(
        store.commit(&[unfit]).unwrap_err().code,
        "store-record-unfit"
    );
}
