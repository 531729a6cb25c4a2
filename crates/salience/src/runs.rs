//! The partial matches of a rule with joins.

use std::{collections::BTreeMap, sync::Arc};

use stratus_event::Name;

use crate::{key::Key, stage::Stage};

/// Partial matches by the value of one joined variable, and by age.
///
/// A copy shares everything with its origin; a change copies the shelf it is on and the way there.
/// So a step of a rule with a thousand partial matches costs as much as one of a rule with ten.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    /// The joined variables.
    pub(crate) names: Arc<[Name]>,
    /// The variable by whose value they stand on shelves.
    pub(crate) pivot: usize,
    /// The number of the next one; numbers grow with age.
    pub(crate) next: u64,
    /// How many had to go because there were too many.
    pub(crate) dropped: u64,
    pub(crate) len: usize,
    branches: Option<Arc<[Option<Arc<Branch>>; FANOUT]>>,
    /// Those that have not bound the variable.
    unbound: Shelf,
}

/// One partial match.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) number: u64,
    /// The partial match from which this one branched off when it bound a joined variable.
    pub(crate) parent: Option<u64>,
    pub(crate) key: Key,
    pub(crate) stage: Stage,
}

/// Partial matches in the order of their age.
type Shelf = Option<Arc<[Arc<Run>]>>;

#[derive(Clone, Debug, Default)]
struct Branch {
    /// The number of the oldest one on each shelf, so that nobody looks at a shelf to learn it.
    oldest: [Option<u64>; FANOUT],
    shelves: [Shelf; FANOUT],
}

const FANOUT: usize = 16;

impl Runs {
    /// None yet.
    pub(crate) fn new(names: Arc<[Name]>, pivot: usize) -> Self {
        Self {
            names,
            pivot,
            next: 0,
            dropped: 0,
            len: 0,
            branches: None,
            unbound: None,
        }
    }

    /// Puts a partial match on its shelf, in place of the one of the same number.
    pub(crate) fn put(&mut self, run: Run) {
        let added = self.change(run.key.hash(self.pivot), |shelf| {
            let place = shelf.partition_point(|other| other.number < run.number);
            let same = shelf.get_mut(place);
            if let Some(other) = same.filter(|other| other.number == run.number) {
                *other = Arc::new(run);
                return 0;
            }
            shelf.insert(place, Arc::new(run));
            1
        });
        self.len += added;
    }

    /// Adds one to those there are, with the next number.
    pub(crate) fn add(&mut self, parent: Option<u64>, key: Key, stage: Stage) {
        let number = self.next;
        self.next = number.saturating_add(1);
        self.put(Run {
            number,
            parent,
            key,
            stage,
        });
    }

    /// Takes one out.
    pub(crate) fn remove(&mut self, hash: Option<u64>, number: u64) -> Option<Arc<Run>> {
        self.shelf(hash).find(|run| run.number == number)?;
        self.len = self.len.saturating_sub(1);
        self.change(hash, |shelf| {
            let place = shelf.iter().position(|run| run.number == number);
            place.map(|place| shelf.remove(place))
        })
    }

    /// Takes the oldest one out.
    pub(crate) fn drop_oldest(&mut self) {
        if let Some(oldest) = self.oldest().cloned() {
            self.remove(oldest.key.hash(self.pivot), oldest.number);
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Whether that partial match is still there.
    pub(crate) fn has(&self, run: &Run) -> bool {
        let mut runs = self.shelf(run.key.hash(self.pivot));
        runs.any(|other| other.number == run.number)
    }

    /// Those of that key: one, and perhaps some whose time is over.
    pub(crate) fn of(&self, key: &Key) -> impl Iterator<Item = &Arc<Run>> {
        let runs = self.shelf(key.hash(self.pivot));
        runs.filter(move |run| run.key == *key)
    }

    /// Those on a shelf, which may be there for another value of the variable too.
    pub(crate) fn shelf(&self, hash: Option<u64>) -> impl Iterator<Item = &Arc<Run>> {
        let runs = match hash.map(spread) {
            None => self.unbound.as_ref(),
            Some((high, low)) => self
                .branches
                .as_ref()
                .and_then(|branches| branches.get(high)?.as_ref())
                .and_then(|branch| branch.shelves.get(low)?.as_ref()),
        };
        runs.into_iter().flat_map(|runs| runs.iter())
    }

    /// All of them, in no order that means anything.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Run>> {
        let branches = self.branches.iter().flat_map(|branches| branches.iter());
        let shelves = branches.flatten().flat_map(|branch| branch.shelves.iter());
        shelves
            .chain([&self.unbound])
            .flatten()
            .flat_map(|shelf| shelf.iter())
    }

    /// The same with no partial matches.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            next: self.next,
            dropped: self.dropped,
            ..Self::new(self.names.clone(), self.pivot)
        }
    }

    /// The partial matches that are not as they were before, by number; none if one is gone.
    pub(crate) fn changed(&self, before: &Self) -> BTreeMap<u64, Option<Arc<Run>>> {
        let mut changed = BTreeMap::new();
        if self.names != before.names || self.pivot != before.pivot {
            changed.extend(before.all().map(|run| (run.number, None)));
            changed.extend(self.all().map(|run| (run.number, Some(run.clone()))));
            return changed;
        }
        compare(before.unbound.as_ref(), self.unbound.as_ref(), &mut changed);
        for place in 0..FANOUT {
            let (old, new) = (before.branch(place), self.branch(place));
            if old.map(Arc::as_ptr) == new.map(Arc::as_ptr) {
                continue;
            }
            for place in 0..FANOUT {
                let (old, new) = (shelf_of(old, place), shelf_of(new, place));
                compare(old, new, &mut changed);
            }
        }
        changed
    }

    fn branch(&self, place: usize) -> Option<&Arc<Branch>> {
        self.branches.as_ref()?.get(place)?.as_ref()
    }

    fn oldest(&self) -> Option<&Arc<Run>> {
        let branches = self.branches.iter().flat_map(|branches| branches.iter());
        let shelves = branches
            .flatten()
            .flat_map(|branch| branch.oldest.iter().zip(&branch.shelves));
        let oldest = shelves
            .filter(|(oldest, _)| oldest.is_some())
            .min_by_key(|(oldest, _)| **oldest)
            .map(|(_, shelf)| shelf);
        [oldest, Some(&self.unbound)]
            .into_iter()
            .filter_map(|shelf| shelf?.as_ref()?.first())
            .min_by_key(|run| run.number)
    }

    fn change<T>(&mut self, hash: Option<u64>, change: impl FnOnce(&mut Vec<Arc<Run>>) -> T) -> T {
        let Some((high, low)) = hash.map(spread) else {
            return on_shelf(&mut self.unbound, change);
        };
        let branches = Arc::make_mut(self.branches.get_or_insert_with(Arc::default));
        // `spread` gives nothing beyond the fanout.
        let branch = &mut branches[high % FANOUT];
        let made = Arc::make_mut(branch.get_or_insert_with(Arc::default));
        let place = low % FANOUT;
        let result = on_shelf(&mut made.shelves[place], change);
        let oldest = on(made.shelves[place].as_ref()).first();
        made.oldest[place] = oldest.map(|run| run.number);
        if made.oldest == [None; FANOUT] {
            *branch = None;
        }
        result
    }
}

/// Equal without a look at what both share.
impl PartialEq for Runs {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |runs: &Self| (runs.next, runs.dropped, runs.len);
        let branch = |place| same(self.branch(place), other.branch(place), Branch::eq);
        numbers(self) == numbers(other)
            && self.pivot == other.pivot
            && self.names == other.names
            && shelves_equal(&self.unbound, &other.unbound)
            && (0..FANOUT).all(branch)
    }
}

impl PartialEq for Branch {
    fn eq(&self, other: &Self) -> bool {
        let mut both = self.shelves.iter().zip(&other.shelves);
        both.all(|(mine, its)| shelves_equal(mine, its))
    }
}

fn shelves_equal(mine: &Shelf, its: &Shelf) -> bool {
    same(mine.as_ref(), its.as_ref(), |mine, its| {
        let mut both = mine.iter().zip(its);
        mine.len() == its.len() && both.all(|(mine, its)| Arc::ptr_eq(mine, its) || mine == its)
    })
}

/// Adds what differs between a shelf as it was and as it is.
fn compare(
    old: Option<&Arc<[Arc<Run>]>>,
    new: Option<&Arc<[Arc<Run>]>>,
    changed: &mut BTreeMap<u64, Option<Arc<Run>>>,
) {
    if same(old, new, |_, _| false) {
        return;
    }
    let (old, new) = (on(old), on(new));
    let find = |runs: &[Arc<Run>], number| {
        let place = runs.binary_search_by_key(&number, |run| run.number);
        place.ok().and_then(|place| runs.get(place).cloned())
    };
    for run in new {
        if find(old, run.number).is_none_or(|was| !Arc::ptr_eq(&was, run)) {
            changed.insert(run.number, Some(run.clone()));
        }
    }
    for run in old {
        if find(new, run.number).is_none() {
            changed.entry(run.number).or_insert(None);
        }
    }
}

fn shelf_of(branch: Option<&Arc<Branch>>, place: usize) -> Option<&Arc<[Arc<Run>]>> {
    branch?.shelves.get(place)?.as_ref()
}

fn on(shelf: Option<&Arc<[Arc<Run>]>>) -> &[Arc<Run>] {
    shelf.map_or(&[], |runs| runs)
}

fn same<T: ?Sized>(
    mine: Option<&Arc<T>>,
    its: Option<&Arc<T>>,
    equal: impl Fn(&T, &T) -> bool,
) -> bool {
    match (mine, its) {
        (None, None) => true,
        (Some(mine), Some(its)) => Arc::ptr_eq(mine, its) || equal(mine, its),
        _ => false,
    }
}

fn on_shelf<T>(shelf: &mut Shelf, change: impl FnOnce(&mut Vec<Arc<Run>>) -> T) -> T {
    let runs = on(shelf.as_ref());
    let mut changed = Vec::with_capacity(runs.len() + 1);
    changed.extend_from_slice(runs);
    let result = change(&mut changed);
    *shelf = (!changed.is_empty()).then(|| changed.into());
    result
}

/// The branch and the shelf of a hash.
fn spread(hash: u64) -> (usize, usize) {
    let [.., high, low] = (hash ^ hash >> 32).to_be_bytes();
    (usize::from(high ^ low) % FANOUT, usize::from(low) / FANOUT)
}
