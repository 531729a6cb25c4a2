//! What of a journal is dropped, and what never.

use stratus_engine::{
    EffectId, Key, Outcome, Record, Source,
    journal::{Reader, Wanted},
};
use stratus_event::{Event, EventId, Timestamp};
use stratus_pen::Terms;
use stratus_store::{Keep, Store, Trimmed};
use tempfile::TempDir;

use crate::{
    batch, directory,
    samples::{self, PEN, name},
};

const ENTRIES: u64 = 20;

/// An entry a second, each with its outcome; a ruleset has another program after every fifth.
fn store() -> (TempDir, Store) {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    for position in 0..ENTRIES {
        let mut accepted = samples::accepted(Source::Owner);
        accepted.at = Timestamp(1000 * i64::try_from(position).unwrap());
        accepted.event = Event {
            id: id(position),
            ..accepted.event
        };
        let mut changes = vec![
            (Key::Accepted(PEN, position), Record::Accepted(accepted)),
            (
                Key::Outcome(PEN, position),
                Record::Outcome(Outcome::default()),
            ),
        ];
        if position % 5 == 0 {
            let hash = [u8::try_from(position).unwrap(); 32];
            let source = format!("ruleset r{position} {{}}");
            let (rid, program) = (name("r"), Some(hash));
            changes.push((
                Key::Installed(PEN, position, rid.clone()),
                Record::Installed { program },
            ));
            changes.push((Key::Program(hash), Record::Program { source }));
            let program = hash;
            changes.push((
                Key::Ruleset(PEN, 0),
                Record::Ruleset {
                    rid,
                    program,
                    terms: Terms::default(),
                    versions: Vec::new(),
                    trouble: None,
                },
            ));
        }
        store.commit(&[batch(position, changes)]).unwrap();
    }
    (directory, store)
}

fn id(position: u64) -> EventId {
    EventId(u128::from(position).to_be_bytes())
}

fn positions(store: &Store) -> Vec<u64> {
    let entries = store.journal().after(PEN, None, 100).unwrap();
    entries.iter().map(|entry| entry.position).collect()
}

/// What is left if so much is kept.
fn check(since: Option<i64>, bytes_max: Option<u64>, first: u64) {
    let (_directory, store) = store();
    let since = since.map(Timestamp);
    let trimmed = store.journal().trim(PEN, &Keep { since, bytes_max });
    assert_eq!(trimmed.unwrap().entries, first, "{since:?} {bytes_max:?}");
    assert_eq!(positions(&store), (first..ENTRIES).collect::<Vec<_>>());
    let found = |position| {
        let ids = (id(position), id(position));
        store.journal().events(PEN, ids, 9).unwrap().len()
    };
    let found: Vec<_> = (0..ENTRIES).map(found).collect();
    let expected: Vec<_> = (0..ENTRIES).map(|at| usize::from(at >= first)).collect();
    assert_eq!(found, expected);
    let wanted = Wanted {
        limit: 100,
        ..Wanted::default()
    };
    let page = store.journal().read(PEN, &wanted).unwrap();
    assert_eq!(page.entries.len() as u64, ENTRIES - first);
}

#[test]
fn the_old_and_what_is_too_much_is_dropped() {
    check(None, None, 0);
    check(Some(7000), None, 7);
    check(Some(6999), None, 7);
    check(Some(i64::MAX), None, ENTRIES);
    check(None, Some(u64::MAX), 0);
    check(None, Some(0), ENTRIES);
    check(Some(7000), Some(0), ENTRIES);
}

#[test]
fn an_entry_is_dropped_as_a_whole() {
    let (_directory, store) = store();
    let all = store.journal().trim(PEN, &Keep::default()).unwrap();
    assert_eq!(all, Trimmed::default());
    let one_less = |bytes_max| {
        let (_directory, store) = self::store();
        let keep = Keep {
            bytes_max: Some(bytes_max),
            ..Keep::default()
        };
        let trimmed = store.journal().trim(PEN, &keep).unwrap();
        (
            trimmed.entries,
            trimmed.bytes,
            positions(&store).len() as u64,
        )
    };
    let (entries, bytes, _) = one_less(0);
    let (dropped, size, left) = one_less(bytes - 1);
    assert_eq!((entries, dropped, left), (ENTRIES, 1, ENTRIES - 1));
    assert!(size > 0 && size < bytes / 10);
}

#[test]
fn what_is_not_finished_and_all_behind_it_is_kept() {
    let waiting = Key::Queue(PEN, 12);
    let (position, ordinal) = (9, 0);
    let id = EffectId { position, ordinal };
    let mut records = samples::state().into_iter().map(|(_, record)| record);
    let effect = records.find(|record| matches!(record, Record::Effect { .. }));
    let effect = effect.unwrap();
    let (_directory, mut store) = store();
    let all = Keep {
        bytes_max: Some(0),
        ..Keep::default()
    };
    let queue = Record::Queue { attempts: 0 };
    store
        .commit(&[batch(
            50,
            [(waiting, queue), (Key::Effect(PEN, id), effect)],
        )])
        .unwrap();
    assert_eq!(store.journal().trim(PEN, &all).unwrap().entries, 9);
    assert_eq!(positions(&store)[0], 9);
}

#[test]
fn programs_stay_as_long_as_an_entry_names_them() {
    let (directory, store) = store();
    let before = {
        let keep = Keep {
            since: Some(Timestamp(12_000)),
            ..Keep::default()
        };
        store.journal().trim_all(&keep).unwrap();
        store.journal().installed(PEN, 12).unwrap()
    };
    assert_eq!(before[&name("r")], Some([10; 32]));
    assert!(store.journal().program([0; 32]).unwrap().is_some());
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    let image = store.image().unwrap();
    let kept = |hash: u8| store.journal().program([hash; 32]).unwrap().is_some();
    assert_eq!([0, 5, 10, 15].map(kept), [false, false, true, true]);
    assert!(image.contains_key(&Key::Ruleset(PEN, 0)));
    assert_eq!(store.journal().installed(PEN, 12).unwrap(), before);
}

#[test]
fn the_state_does_not_depend_on_the_journal() {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    let all = samples::state()
        .into_iter()
        .chain(samples::journal())
        .chain(samples::history());
    store.commit(&[batch(1, all)]).unwrap();
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    let before = store.image().unwrap();
    let all = Keep {
        bytes_max: Some(0),
        ..Keep::default()
    };
    store.journal().trim_all(&all).unwrap();
    drop(store);
    let after = Store::open(directory.path()).unwrap().image().unwrap();
    let state = |image: stratus_engine::Image| -> Vec<_> {
        let state = image.into_iter();
        state
            .filter(|(key, _)| !matches!(key, Key::Program(_)))
            .collect()
    };
    assert_eq!(state(after), state(before));
}
