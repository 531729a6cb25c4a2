//! What the engine reads: at a start only what cannot wait, all else when it is needed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use stratus_event::{Eci, Fault, Name, PenId, Timestamp};

use crate::{Key, Record};

/// Records in the order of their keys.
pub type Image = BTreeMap<Key, Record>;

/// What the engine wants to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The record of that channel, whosever it is. The image is empty if there is none.
    Channel(Eci),
    /// All of a PEN but its journal, and of that the accepted events that have no outcome; with
    /// the programs of its rulesets and what was taken under the grants of its subscriptions. The
    /// image is empty if there is no such PEN.
    Pen(PenId),
    /// The records of PENs ([`Key::Pen`]) in the order of their ids.
    Pens {
        /// Only PENs after this one.
        after: Option<PenId>,
        /// At most so many.
        most: usize,
    },
    /// All receipts of that connector ([`Key::Receipt`]).
    Receipts(Name),
}

/// What a start reads.
pub struct Start<'a> {
    /// How many PENs there are.
    pub pens: u64,
    /// When the first timer of a PEN is due, for each PEN that has one.
    pub timers: Vec<(PenId, Timestamp)>,
    /// The PENs that are in the middle of something ([`Key::is_open`]), as [`Subject::Pen`] says.
    /// One image may hold many PENs, and the accounts.
    pub images: Box<dyn Iterator<Item = Result<Image, Fault>> + Send + 'a>,
}

impl Subject {
    /// What is read of a store that holds these records.
    pub fn within(&self, all: &Image) -> Image {
        let is_wanted = |key: &Key| match (self, key) {
            (Self::Channel(wanted), Key::Channel(_, eci)) => eci == wanted,
            (Self::Pens { after, .. }, Key::Pen(pen)) => Some(*pen) > *after,
            (Self::Receipts(wanted), Key::Receipt(_, connector, _)) => connector == wanted,
            _ => false,
        };
        match self {
            Self::Pen(pen) => whole(*pen, all),
            Self::Pens { most, .. } => some(all, is_wanted).take(*most).collect(),
            Self::Channel(_) | Self::Receipts(_) => some(all, is_wanted).collect(),
        }
    }
}

impl Start<'_> {
    /// What is read of a store that holds these records.
    pub fn within(all: &Image) -> Start<'_> {
        let mut timers: BTreeMap<PenId, Timestamp> = BTreeMap::new();
        for (key, record) in all {
            if let (Key::Timer(pen, _), Record::Timer(timer)) = (key, record) {
                let first = timers.entry(*pen).or_insert(timer.at);
                *first = timer.at.min(*first);
            }
        }
        let open: BTreeSet<PenId> = all
            .keys()
            .filter(|key| key.is_open())
            .filter_map(Key::pen)
            .collect();
        let is_account = |key: &Key| matches!(key, Key::Account(..) | Key::Credential(..));
        let accounts = std::iter::once(Ok(some(all, is_account).collect()));
        Start {
            pens: pens(all),
            timers: timers.into_iter().collect(),
            images: Box::new(accounts.chain(open.into_iter().map(|pen| Ok(whole(pen, all))))),
        }
    }
}

impl From<Image> for Start<'_> {
    /// All PENs of the image are read.
    fn from(image: Image) -> Self {
        Self {
            pens: pens(&image),
            timers: Vec::new(),
            images: Box::new(std::iter::once(Ok(image))),
        }
    }
}

impl fmt::Debug for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("pens", &self.pens)
            .field("timers", &self.timers.len())
            .finish_non_exhaustive()
    }
}

/// All of a PEN that [`Subject::Pen`] names.
fn whole(pen: PenId, all: &Image) -> Image {
    let belongs = |key: &Key| match key {
        Key::Accepted(_, position) => all.contains_key(&Key::Queue(pen, *position)),
        Key::Installed(..) | Key::Outcome(..) | Key::Verdict(..) => false,
        _ => true,
    };
    let mut image: Image = some(all, |key| key.pen() == Some(pen) && belongs(key)).collect();
    let mut channels = BTreeSet::new();
    let mut programs = BTreeSet::new();
    for record in image.values() {
        match record {
            Record::Ruleset { program, .. } => drop(programs.insert(*program)),
            Record::Subscription(subscription) => drop(channels.insert(subscription.rx)),
            _ => {}
        }
    }
    image.extend(some(all, |key| match key {
        Key::Program(hash) => programs.contains(hash),
        Key::Window(eci, _) => channels.contains(eci),
        _ => false,
    }));
    image
}

fn some(all: &Image, is_wanted: impl Fn(&Key) -> bool) -> impl Iterator<Item = (Key, Record)> {
    all.iter()
        .filter(move |(key, _)| is_wanted(key))
        .map(|(key, record)| (key.clone(), record.clone()))
}

fn pens(all: &Image) -> u64 {
    let pens = all.keys().filter(|key| matches!(key, Key::Pen(_)));
    pens.map(|_| 1).sum()
}
