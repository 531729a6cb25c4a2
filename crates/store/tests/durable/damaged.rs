//! A bit that turns over on the disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use stratus_engine::Image;
use stratus_event::Fault;
use stratus_store::{Store, check_store};
use tempfile::TempDir;

use crate::{batch, directory, samples};

/// Bits that are turned over in each file.
const FLIPS: usize = 8;

/// All that a store holds.
type All = (Image, Vec<String>);

fn all(path: &Path) -> Result<All, Fault> {
    let store = Store::open(path)?;
    let image = store.image()?;
    let entries = store.journal().after(samples::PEN, None, usize::MAX)?;
    let entries = entries.iter().map(|entry| format!("{entry:?}"));
    Ok((image, entries.collect()))
}

/// A store of which half is in tables and half in the database's journal.
fn filled() -> TempDir {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    store.commit(&[batch(1, samples::state())]).unwrap();
    drop(store);
    let database = fjall::Database::builder(directory.path().join("database"))
        .open()
        .unwrap();
    let state = database.keyspace("state", Default::default).unwrap();
    state.rotate_memtable_and_wait().unwrap();
    drop((state, database));
    let mut store = Store::open(directory.path()).unwrap();
    store.commit(&[batch(2, samples::history())]).unwrap();
    for (number, entry) in samples::journal().into_iter().enumerate() {
        store.commit(&[batch(3 + number as u64, [entry])]).unwrap();
    }
    directory
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect();
    files.sort();
    files
}

/// The end of what is written in a file: the database makes its journal longer than it is.
fn written(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1)
}

/// Puts all files back as they were.
fn put_back(folder: &Path, before: &[(PathBuf, Vec<u8>)]) {
    fs::remove_dir_all(folder).unwrap();
    for (path, bytes) in before {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &bytes[..written(bytes)]).unwrap();
    }
}

/// It is told of with a code, or it changed nothing that anybody reads.
fn check(folder: &Path, what: &str, expected: &All) -> bool {
    match all(folder) {
        Ok(found) => {
            assert_eq!(found, *expected, "{what} went unnoticed");
            false
        }
        Err(fault) => {
            let codes = [
                "store-corrupt",
                "store-cut-short",
                "store-unreadable",
                "store-unusable",
                "store-version",
            ];
            assert!(codes.contains(&&*fault.code), "{what}: {fault}");
            true
        }
    }
}

#[test]
fn a_flipped_bit_is_told_of_and_nothing_panics() {
    let directory = filled();
    let folder = directory.path();
    let expected = all(folder).unwrap();
    let before: Vec<_> = files(folder)
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    let mut found = 0;
    for (path, bytes) in before.iter().filter(|(path, _)| !path.ends_with("lock")) {
        let length = written(bytes);
        let step = (length / FLIPS).max(1);
        for at in (0..length).step_by(step) {
            put_back(folder, &before);
            let mut damaged = bytes[..length].to_vec();
            damaged[at] ^= 1 << (at % 8);
            fs::write(path, damaged).unwrap();
            let what = format!("bit {} of byte {at} of {}", at % 8, path.display());
            found += usize::from(check(folder, &what, &expected));
        }
    }
    assert!(found > 20, "only {found} were found");
}

/// What the database reads well and is no record of ours is named.
#[test]
fn a_check_names_the_records_that_cannot_be_read() {
    let directory = filled();
    let findings = check_store(directory.path()).unwrap();
    assert_eq!((findings.damages.len(), findings.pens), (0, 1));
    let database = fjall::Database::builder(directory.path().join("database"))
        .open()
        .unwrap();
    let state = database.keyspace("state", Default::default).unwrap();
    let key = state.iter().next_back().unwrap().key().unwrap();
    state.insert(key, "?").unwrap();
    state.insert("no key", "").unwrap();
    database.persist(fjall::PersistMode::SyncAll).unwrap();
    drop((state, database));
    let findings = check_store(directory.path()).unwrap();
    let kinds: Vec<_> = findings
        .damages
        .iter()
        .map(|damage| damage.kind.as_str())
        .collect();
    assert_eq!(kinds, ["Tombstone", "state"]);
    assert!(
        findings.damages[0].key.starts_with("Tombstone(PenId("),
        "{findings:?}"
    );
    assert_eq!(findings.damages[1].key, "6e6f206b6579");
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_a_check() {
    let directory = directory();
    assert_eq!(
        check_store(directory.path()).unwrap_err().code,
        "store-absent"
    );
    assert_eq!(files(directory.path()), Vec::<PathBuf>::new());
}

/// A commit in the middle is dropped by the database without a word, and all that follow with it.
#[test]
fn a_database_that_has_lost_commits_is_not_used() {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    for (number, change) in samples::state().into_iter().enumerate() {
        store.commit(&[batch(number as u64, [change])]).unwrap();
    }
    drop(store);
    let journal = directory.path().join("database/0.jnl");
    let mut bytes = fs::read(&journal).unwrap();
    // The end of a commit is lost: half of what is written.
    let length = written(&bytes);
    bytes.truncate(length / 2);
    fs::write(&journal, bytes).unwrap();
    let fault = Store::open(directory.path()).map(drop).unwrap_err();
    assert_eq!(fault.code, "store-cut-short");
    fs::remove_file(directory.path().join("commits")).unwrap();
    let image = Store::open(directory.path()).unwrap().image().unwrap();
    assert!(!image.is_empty() && image.len() < samples::state().len());
}
