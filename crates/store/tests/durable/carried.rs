//! A PEN that is carried from store to store.

use std::path::Path;

use stratus_engine::{Key, Record, Residence, Subject};
use stratus_event::Timestamp;
use stratus_store::{Passphrase, Randomness, Store, Transfer};
use tempfile::TempDir;

use crate::{
    batch, directory,
    samples::{self, PEN},
};

const RANDOM: Randomness = [5; 35];
const NOW: Timestamp = Timestamp(1_795_402_000_000);

fn passphrase() -> Passphrase {
    Passphrase::new("twelve good fish").unwrap()
}

/// A store with one PEN that lives there.
fn store() -> TempDir {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    let all = samples::state().into_iter().chain(samples::journal());
    let all = all.filter(|(key, _)| !matches!(key, Key::Standing(_)));
    store.commit(&[batch(1, all.map(hashed))]).unwrap();
    directory
}

/// The samples' program has no hash of its own; a file's programs are checked.
fn hashed((key, record): (Key, Record)) -> (Key, Record) {
    let source = "ruleset a {}";
    let program = *blake3::hash(source.as_bytes()).as_bytes();
    match (key, record) {
        (Key::Program(_), _) => {
            let source = source.to_owned();
            (Key::Program(program), Record::Program { source })
        }
        (key, mut record) => {
            if let Record::Ruleset { program: of, .. } = &mut record {
                *of = program;
            }
            (key, record)
        }
    }
}

fn export(path: &Path, moved: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let transfer = Transfer::open(path).unwrap();
    let sealed = (&passphrase(), &RANDOM);
    transfer.export(PEN, moved, NOW, sealed, &mut file).unwrap();
    file
}

fn import(path: &Path, file: &[u8]) -> Residence {
    let transfer = Transfer::open_or_make(path).unwrap();
    let (pen, standing) = transfer.import(file, &passphrase(), false, NOW).unwrap();
    assert_eq!(pen, PEN);
    standing.residence
}

/// Whether an engine would find anything of the PEN.
fn is_there(path: &Path) -> bool {
    let reader = Store::open(path).unwrap().reader();
    let image = reader.load(&Subject::Pen(PEN)).unwrap();
    let listed = Subject::Pens {
        after: None,
        most: 9,
    };
    let listed = reader.load(&listed).unwrap();
    let start = reader.start().unwrap();
    assert_eq!(start.pens, listed.len() as u64);
    assert_eq!(image.is_empty(), listed.is_empty());
    assert_eq!(start.timers.is_empty(), listed.is_empty());
    !image.is_empty()
}

#[test]
fn a_pen_lives_at_one_place_at_most() {
    let (old, new) = (store(), directory());
    let copy = export(old.path(), false);
    assert!(is_there(old.path()));
    assert_eq!(import(new.path(), &copy), Residence::Copy);
    assert!(!is_there(new.path()));
    let moved = export(old.path(), true);
    assert!(!is_there(old.path()));
    assert_eq!(import(new.path(), &moved), Residence::Here);
    assert!(is_there(new.path()));
    let again = Transfer::open(new.path()).unwrap();
    let refused = again.import(&copy[..], &passphrase(), true, NOW);
    assert_eq!(refused.unwrap_err().code, "pen-exists");
}

#[test]
fn all_that_belongs_to_it_is_carried() {
    let (old, new) = (store(), directory());
    let before = Store::open(old.path()).unwrap().reader();
    let before = {
        let reader = before;
        reader.load(&Subject::Pen(PEN)).unwrap()
    };
    import(new.path(), &export(old.path(), true));
    let store = Store::open(new.path()).unwrap();
    let mut after = store.reader().load(&Subject::Pen(PEN)).unwrap();
    after.retain(|key, _| before.contains_key(key));
    assert_eq!(after, before);
    let journal = |path: &Path| {
        let entries = Store::open(path).unwrap().journal().after(PEN, None, 99);
        format!("{:?}", entries.unwrap())
    };
    drop(store);
    assert_eq!(journal(new.path()), journal(old.path()));
}

#[test]
fn a_file_that_breaks_off_leaves_a_copy_that_does_nothing() {
    let (old, new) = (store(), directory());
    let moved = export(old.path(), true);
    let transfer = Transfer::open_or_make(new.path()).unwrap();
    let cut = moved.len() - 1;
    let broken = transfer.import(&moved[..cut], &passphrase(), false, NOW);
    assert!(broken.is_err());
    drop(transfer);
    assert!(!is_there(new.path()));
    assert_eq!(import(new.path(), &moved), Residence::Here);
    assert!(is_there(new.path()));
}
