//! A filtered read finds what a look at every entry finds.

use stratus_engine::{
    Key, Outcome, Record, RunEnd, Source,
    journal::{Entry, Filter, Page, Reader as _, Wanted},
};
use stratus_event::{Eci, EventId, Timestamp};
use stratus_store::{Journal, STEPS_MAX, Store};

use crate::{
    batch, directory,
    samples::{self, PEN, name},
};

const ENTRIES: u64 = 120;

fn id(position: u64) -> EventId {
    EventId([u8::try_from(position % 251).unwrap(); 16])
}

fn raised(position: u64) -> EventId {
    let mut id = [255; 16];
    id[8..].copy_from_slice(&position.to_be_bytes());
    EventId(id)
}

/// Entries that differ in everything by which they can be found; every seventh has no outcome.
fn entry(position: u64) -> Vec<(Key, Record)> {
    let mut accepted = samples::accepted(Source::Owner);
    accepted.at = Timestamp(i64::try_from(position).unwrap() * 10);
    accepted.event.id = id(position);
    accepted.event.domain = name(["a", "ab", "b"][usize::try_from(position % 3).unwrap()]);
    accepted.event.kind = name(["x", "y"][usize::try_from(position % 2).unwrap()]);
    accepted.event.cause = (!position.is_multiple_of(5)).then(|| id(position % 5));
    let channel = u8::try_from(position % 4).unwrap();
    accepted.channel = (channel > 0).then_some(Eci([channel; 32]));
    let mut run = samples::run(RunEnd::Fired);
    run.rid = name(["r", "s"][usize::try_from(position / 7 % 2).unwrap()]);
    run.raised.truncate(1);
    for (event, _) in &mut run.raised {
        event.id = raised(position);
        event.domain = name("raised");
    }
    let outcome = Outcome {
        runs: vec![run],
        ..Outcome::default()
    };
    let mut records = vec![(Key::Accepted(PEN, position), Record::Accepted(accepted))];
    if !position.is_multiple_of(7) {
        records.push((Key::Outcome(PEN, position), Record::Outcome(outcome)));
    }
    records
}

fn store() -> (tempfile::TempDir, Store) {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    store
        .commit(&[batch(1, (0..ENTRIES).flat_map(entry))])
        .unwrap();
    (directory, store)
}

fn positions(page: &Page) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.position).collect()
}

/// All pages of a read, in either order.
fn check(journal: &Journal, filter: &Filter) {
    let all = journal.after(PEN, None, usize::MAX).unwrap();
    let fits = |entry: &&Entry| filter.matches(&entry.accepted, entry.outcome.as_ref());
    let mut expected: Vec<_> = all
        .iter()
        .filter(fits)
        .map(|entry| entry.position)
        .collect();
    for newest_first in [false, true] {
        for limit in [1, 7, 500] {
            let (mut found, mut from) = (Vec::new(), None);
            loop {
                let wanted = Wanted {
                    filter: filter.clone(),
                    from,
                    newest_first,
                    limit,
                };
                let page = journal.read(PEN, &wanted).unwrap();
                assert!(page.entries.len() <= limit);
                found.extend(positions(&page));
                if page.complete {
                    break;
                }
                from = page.next;
            }
            assert_eq!(found, expected, "{filter:?} {newest_first} {limit}");
        }
        expected.reverse();
    }
}

/// `domain=a channel=2`
fn filter(text: &str) -> Filter {
    let mut filter = Filter::default();
    for (key, value) in text
        .split_whitespace()
        .map(|part| part.split_once('=').unwrap())
    {
        let number = || value.parse().unwrap();
        let time = || Some(Timestamp(value.parse().unwrap()));
        match key {
            "since" => filter.since = time(),
            "until" => filter.until = time(),
            "domain" => filter.domain = Some(name(value)),
            "type" => filter.kind = Some(name(value)),
            "channel" => filter.channel = Some(Eci([number(); 32])),
            "ruleset" => filter.ruleset = Some(name(value)),
            "cause" => filter.cause = Some(id(u64::from(number()))),
            _ => panic!("{text}"),
        }
    }
    filter
}

#[test]
fn every_filter_finds_what_a_look_at_all_finds() {
    let (_directory, store) = store();
    let check = |text| check(&store.journal(), &filter(text));
    check("");
    check("domain=a");
    check("domain=raised");
    check("domain=ab type=y");
    check("domain=c");
    check("channel=2");
    check("ruleset=s");
    check("cause=3");
    check("since=333");
    check("until=1000");
    check("since=1000 until=333");
    check("since=1000000000000");
    check("domain=b channel=2 since=333 until=1000");
    check("domain=a ruleset=r channel=2");
    check("cause=1 ruleset=s");
}

#[test]
fn a_read_that_finds_nothing_for_long_pauses() {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    let count = u64::try_from(STEPS_MAX).unwrap();
    // The two lists never agree, and leap over one entry at a time.
    let one = |position: u64| {
        let mut accepted = samples::accepted(Source::Owner);
        accepted.channel = (!position.is_multiple_of(2)).then_some(Eci([1; 32]));
        accepted.event.domain = name(["a", "b"][usize::try_from(position % 2).unwrap()]);
        (Key::Accepted(PEN, position), Record::Accepted(accepted))
    };
    store.commit(&[batch(1, (0..count * 2).map(one))]).unwrap();
    let journal = store.journal();
    let mut wanted = Wanted {
        filter: Filter {
            domain: Some(name("a")),
            channel: Some(Eci([1; 32])),
            ..Filter::default()
        },
        limit: 10,
        ..Wanted::default()
    };
    let mut pages = 0;
    loop {
        let page = journal.read(PEN, &wanted).unwrap();
        assert!(page.entries.is_empty());
        if page.complete {
            break;
        }
        assert!(page.next > wanted.from);
        wanted.from = page.next;
        pages += 1;
    }
    assert!(pages > 0);
}

#[test]
fn an_event_is_found_by_the_beginning_of_its_id() {
    let (_directory, store) = store();
    let journal = store.journal();
    let found = |first: u8, last: u8, limit| {
        let ids = (EventId([first; 16]), EventId([last; 16]));
        journal.events(PEN, ids, limit).unwrap()
    };
    assert_eq!(found(9, 9, 5), [(id(9), 9)]);
    assert_eq!(found(9, 12, 2), [(id(9), 9), (id(10), 10)]);
    let ids = (raised(8), raised(8));
    assert_eq!(journal.events(PEN, ids, 5).unwrap(), [(raised(8), 8)]);
    assert_eq!(found(250, 250, 5), []);
}

/// An earlier version wrote no index.
#[test]
fn a_journal_without_an_index_gets_one() {
    let (directory, store) = store();
    drop(store);
    let database = fjall::Database::builder(directory.path().join("database"))
        .open()
        .unwrap();
    let index = database.keyspace("index", Default::default).unwrap();
    let keys: Vec<_> = index.iter().map(|pair| pair.key().unwrap()).collect();
    for key in keys {
        index.remove(key).unwrap();
    }
    database.persist(fjall::PersistMode::SyncAll).unwrap();
    drop((index, database));
    std::fs::remove_file(directory.path().join("commits")).unwrap();
    std::fs::write(directory.path().join("format"), "1\n").unwrap();
    let store = Store::open(directory.path()).unwrap();
    check(&store.journal(), &filter("domain=a"));
    let format = std::fs::read_to_string(directory.path().join("format")).unwrap();
    assert_eq!(format, "2\n");
}

#[test]
fn what_was_installed_and_what_became_of_effects_is_told() {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    store
        .commit(&[batch(
            1,
            samples::journal().into_iter().chain(samples::history()),
        )])
        .unwrap();
    let journal = store.journal();
    let installed = |position| journal.installed(PEN, position).unwrap();
    assert_eq!(installed(0), [(name("dispatcher"), Some([1; 32]))].into());
    assert_eq!(installed(7), [(name("dispatcher"), None)].into());
    let verdicts = journal.verdicts(PEN, 0).unwrap();
    let told: Vec<_> = verdicts
        .iter()
        .map(|verdict| (verdict.ordinal, verdict.end.is_ok()))
        .collect();
    assert_eq!(told, [(0, true), (7, false)]);
    assert_eq!(journal.verdicts(PEN, 1).unwrap(), []);
    assert_eq!(journal.program([9; 32]), Ok(None));
}
