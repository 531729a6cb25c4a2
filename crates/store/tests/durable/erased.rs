//! What is erased is gone, and nothing else is.

use stratus_capability::GrantId;
use stratus_engine::{Image, Key, Record, erase, journal::Reader as _};
use stratus_event::{Eci, PenId, Timestamp};
use stratus_pen::{Channel, ChannelId, Kin, Policy};
use stratus_store::Store;

use crate::{batch, directory, samples};

const TOP: PenId = PenId([1; 16]);
const MIDDLE: PenId = PenId([2; 16]);
const BOTTOM: PenId = PenId([3; 16]);
const OTHER: PenId = PenId([4; 16]);

fn pen(id: PenId) -> (Key, Record) {
    let record = Record::Pen {
        name: "pen".into(),
        seed: [0; 32],
        parent: None,
    };
    (Key::Pen(id), record)
}

fn child(parent: PenId, child: PenId) -> (Key, Record) {
    let kin = Kin {
        pen: child,
        theirs: Eci([4; 32]),
        mine: Eci([5; 32]),
    };
    (Key::Child(parent, child), Record::Child { place: 0, kin })
}

/// Some of each sort, and so much journal that it is erased in parts.
fn belongings(pen: PenId, entries: u64) -> Vec<(Key, Record)> {
    let eci = Eci([pen.0[0]; 32]);
    let channel = Channel::new(eci, ChannelId([0; 16]), Vec::new(), Policy::any());
    let window = Record::Window {
        through: 1,
        refused: Vec::new(),
    };
    let mut all = vec![
        (Key::Channel(pen, eci), Record::Channel(channel)),
        (Key::Window(eci, GrantId([1; 16])), window),
        (Key::Journal(pen), Record::Journal { next: entries }),
        (
            Key::Installed(pen, 0, samples::name("r")),
            Record::Installed { program: None },
        ),
    ];
    let accepted = samples::accepted(stratus_engine::Source::Owner);
    all.extend((0..entries).flat_map(|position| {
        let queued = (Key::Queue(pen, position), Record::Queue { attempts: 0 });
        let accepted = Record::Accepted(accepted.clone());
        [(Key::Accepted(pen, position), accepted), queued]
    }));
    all
}

#[test]
fn a_pen_and_its_descendants_are_erased_in_parts() {
    let directory = directory();
    let mut store = Store::open(directory.path()).unwrap();
    let tombstone = Record::Tombstone {
        since: Timestamp(1),
    };
    let mut all = vec![
        pen(TOP),
        pen(MIDDLE),
        pen(BOTTOM),
        pen(OTHER),
        child(TOP, MIDDLE),
        child(MIDDLE, BOTTOM),
        child(OTHER, PenId([9; 16])),
        (Key::Tombstone(TOP), tombstone),
    ];
    for (pen, entries) in [(TOP, 10), (MIDDLE, 3_000), (BOTTOM, 10), (OTHER, 10)] {
        all.extend(belongings(pen, entries));
    }
    let mut expected: Image = all.iter().cloned().collect();
    store.commit(&[batch(1, all)]).unwrap();
    let journal = store.journal();
    let mut parts = 1;
    while !journal.erase_part(TOP).unwrap() {
        parts += 1;
    }
    assert!(parts > 3, "{parts}");
    assert!(
        journal.erase_part(TOP).unwrap(),
        "once more changes nothing"
    );
    for pen in [TOP, MIDDLE, BOTTOM] {
        assert_eq!(journal.after(pen, None, 1).unwrap().len(), 0);
        assert_eq!(journal.installed(pen, 9).unwrap().len(), 0);
    }
    assert_eq!(journal.after(OTHER, None, 100).unwrap().len(), 10);
    assert_eq!(journal.installed(OTHER, 9).unwrap().len(), 1);
    drop((store, journal));
    // The disks of the simulation do the same.
    erase(&mut expected, TOP);
    expected.retain(|key, _| !matches!(key, Key::Installed(..)));
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.image().unwrap(), expected);
    // Nothing is found any more that is not there.
    let start = store.reader().start().unwrap();
    assert_eq!(start.pens, 1);
    let open: Vec<Image> = start.images.collect::<Result<_, _>>().unwrap();
    assert!(open.iter().flat_map(Image::keys).all(|key| {
        matches!(key, Key::Program(_) | Key::Window(..))
            || [Some(TOP), Some(OTHER)].contains(&key.pen())
    }));
}
