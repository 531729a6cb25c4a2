//! A store as a file, and a file as a store.

use std::fs;

use stratus_engine::{Key, Record, Residence, Standing};
use stratus_event::Timestamp;
use stratus_store::{Beside, Findings, Holds, Store, check_file, restore};

use crate::{batch, directory, samples};

const MADE: Timestamp = Timestamp(1_795_402_000_000);
const RESTORED: Timestamp = Timestamp(1_795_403_000_000);

fn beside() -> Beside {
    [("node.key".to_owned(), vec![7; 32])].into()
}

fn standing(epoch: u64, since: Timestamp) -> (Key, Record) {
    let standing = Standing {
        epoch,
        since,
        residence: Residence::Moved,
    };
    (Key::Standing(samples::PEN), Record::Standing(standing))
}

/// A backup of the samples.
fn backup() -> (Vec<u8>, Findings) {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    let all = samples::state()
        .into_iter()
        .chain(samples::journal())
        .chain(samples::history());
    store.commit(&[batch(1, all)]).unwrap();
    let mut file = Vec::new();
    let findings = store.journal().backup().write(MADE, &beside(), &mut file);
    (file, findings.unwrap())
}

#[test]
fn a_restored_store_is_what_it_was_and_knows_that_it_was_restored() {
    let (file, written) = backup();
    let (head, found) = check_file(&file[..]).unwrap();
    assert_eq!((head.holds, head.made, head.format), (Holds::Node, MADE, 2));
    assert_eq!(
        (found.records, found.bytes),
        (written.records, written.bytes)
    );
    assert_eq!((found.pens, found.damages.len()), (1, 0));

    let directory = directory();
    let path = directory.path().join("store");
    assert_eq!(restore(&file[..], &path, RESTORED).unwrap(), beside());
    let store = Store::open(&path).unwrap();
    let image = store.image().unwrap();
    let (key, raised) = standing(3, RESTORED);
    let expected = samples::state().into_iter().map(|(at, record)| {
        let record = if at == key { raised.clone() } else { record };
        (at, record)
    });
    assert_eq!(image, expected.collect());
    // The index is there again.
    let entries = store.journal().after(samples::PEN, None, 100).unwrap();
    let first = entries.first().unwrap().accepted.event.id;
    let reader: &dyn stratus_engine::journal::Reader = &store.journal();
    assert!(
        !reader
            .events(samples::PEN, (first, first), 9)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_file_is_restored_only_where_nothing_is() {
    let (file, _) = backup();
    let directory = directory();
    Store::open(directory.path()).map(drop).unwrap();
    let fault = restore(&file[..], directory.path(), RESTORED).unwrap_err();
    assert_eq!(fault.code, "data-not-empty");
    let elsewhere = directory.path().join("elsewhere");
    let fault = restore(&file[..40], &elsewhere, RESTORED).unwrap_err();
    assert_eq!(fault.code, "backup-damaged");
    let fault = restore(&b"a letter"[..], &elsewhere, RESTORED).unwrap_err();
    assert_eq!(fault.code, "backup-foreign");
}

#[test]
fn a_disk_that_is_full_ends_a_backup() {
    let directory = directory();
    let store = Store::open(directory.path()).unwrap();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let fault = store.journal().backup().write(MADE, &beside(), full);
    assert_eq!(fault.unwrap_err().code, "backup-unwritable");
}
