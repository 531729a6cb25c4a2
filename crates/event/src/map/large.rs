//! Maps of which copies share what is the same in them.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    slice,
    sync::Arc,
};

use crate::{
    Value,
    trie::{self, Trie},
};

/// Entries by number, and their numbers by name. A new entry has the number after the last one.
#[derive(Clone, Debug, Default)]
pub(super) struct Large {
    entries: Trie<Entry>,
    /// By the hash of the name.
    numbers: Trie<Numbers>,
    /// The sizes of all entries together.
    size: usize,
    /// How many values there are of each depth; the last count is not zero.
    depths: Vec<usize>,
}

type Entry = (Arc<str>, Value);

/// The numbers of the entries whose names have the same hash. Hardly ever more than one.
#[derive(Clone, Debug)]
enum Numbers {
    One(u64),
    Several(Arc<Vec<u64>>),
}

impl Large {
    pub(super) fn insert(&mut self, name: &str, value: Value) {
        match self.number(name) {
            Some(number) => self.restore(number, name, value),
            None => self.push(&name.into(), value),
        }
    }

    /// Puts an entry under a number that is free, or has an entry of that name.
    pub(super) fn restore(&mut self, number: u64, name: &str, value: Value) {
        let known = self.entries.get(number).map(|(known, _)| Arc::clone(known));
        self.put(number, &known.unwrap_or_else(|| name.into()), value);
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Value> {
        let number = self.number(name)?;
        let (name, value) = self.entries.remove(number)?;
        let hash = hash(&name);
        let others = self.numbers.remove(hash)?.without(number);
        others.map(|others| self.numbers.insert(hash, others));
        self.forget(&name, &value);
        Some(value)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.entries.get(self.number(name)?)?;
        Some(value)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        Iter(self.entries.iter())
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn depth(&self) -> usize {
        self.depths.len().saturating_sub(1)
    }

    /// Puts a new entry after the last one.
    fn push(&mut self, name: &Arc<str>, value: Value) {
        let next = self.entries.last().map_or(0, |last| last.saturating_add(1));
        self.put(next, name, value);
    }

    fn put(&mut self, number: u64, name: &Arc<str>, value: Value) {
        self.size += size((name, &value));
        self.count_depth(value.depth());
        match self.entries.insert(number, (Arc::clone(name), value)) {
            Some((_, old)) => self.forget(name, &old),
            None => self.remember(name, number),
        }
    }

    fn number(&self, name: &str) -> Option<u64> {
        let numbers = self.numbers.get(hash(name))?.as_slice();
        let is_its = |number: &&u64| {
            let entry = self.entries.get(**number);
            entry.is_some_and(|(known, _)| **known == *name)
        };
        numbers.iter().find(is_its).copied()
    }

    fn remember(&mut self, name: &str, number: u64) {
        let hash = hash(name);
        let others = self.numbers.remove(hash);
        let numbers = others.map_or(Numbers::One(number), |others| others.with(number));
        self.numbers.insert(hash, numbers);
    }

    /// No longer counts an entry.
    fn forget(&mut self, name: &str, value: &Value) {
        self.size -= size((name, value));
        if let Some(count) = self.depths.get_mut(value.depth()) {
            *count -= 1;
        }
        while self.depths.last() == Some(&0) {
            self.depths.pop();
        }
    }

    fn count_depth(&mut self, depth: usize) {
        if self.depths.len() <= depth {
            self.depths.resize(depth + 1, 0);
        }
        if let Some(count) = self.depths.get_mut(depth) {
            *count += 1;
        }
    }
}

/// Those of a small map, whose names are all different.
impl<'a> FromIterator<(&'a Arc<str>, &'a Value)> for Large {
    fn from_iter<I: IntoIterator<Item = (&'a Arc<str>, &'a Value)>>(entries: I) -> Self {
        let mut large = Self::default();
        for (name, value) in entries {
            large.push(name, value.clone());
        }
        large
    }
}

impl Numbers {
    fn as_slice(&self) -> &[u64] {
        match self {
            Self::One(number) => slice::from_ref(number),
            Self::Several(numbers) => numbers,
        }
    }

    fn with(&self, number: u64) -> Self {
        Self::Several(Arc::new([self.as_slice(), &[number]].concat()))
    }

    fn without(&self, number: u64) -> Option<Self> {
        let others = self.as_slice().iter().copied();
        let others: Vec<u64> = others.filter(|other| *other != number).collect();
        match *others {
            [] => None,
            [one] => Some(Self::One(one)),
            _ => Some(Self::Several(Arc::new(others))),
        }
    }
}

/// The entries in the order of their numbers.
pub(super) struct Iter<'a>(trie::Iter<'a, Entry>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Arc<str>, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(_, entry)| named(entry))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

/// An entry of which two maps are not the same.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Its number. If the names are not the same, one entry went and another one has come.
    pub number: u64,
    /// What stood there.
    pub before: Option<(&'a Arc<str>, &'a Value)>,
    /// What stands there now.
    pub after: Option<(&'a Arc<str>, &'a Value)>,
}

/// What differs. Without a map there is no entry.
pub(super) fn changes<'a>(before: Option<&'a Large>, after: Option<&'a Large>) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    let mut tell = |number, before: Option<&'a Entry>, after: Option<&'a Entry>| {
        let both = before.zip(after);
        if !both.is_some_and(|(before, after)| is_same(before, after)) {
            changes.push(Change {
                number,
                before: before.map(named),
                after: after.map(named),
            });
        }
    };
    match (before, after) {
        (Some(before), Some(after)) => before.entries.differences(&after.entries, &mut tell),
        (before, after) => {
            let (before, after) = (before.into_iter(), after.into_iter());
            let went = before.flat_map(|before| before.entries.iter());
            went.for_each(|(number, entry)| tell(number, Some(entry), None));
            let came = after.flat_map(|after| after.entries.iter());
            came.for_each(|(number, entry)| tell(number, None, Some(entry)));
        }
    }
    changes
}

fn is_same((name, old): &Entry, (other, new): &Entry) -> bool {
    Arc::ptr_eq(name, other) && old.is_same(new)
}

fn named((name, value): &Entry) -> (&Arc<str>, &Value) {
    (name, value)
}

/// What an entry is counted as.
pub(super) fn size((name, value): (impl AsRef<str>, &Value)) -> usize {
    name.as_ref().len() + 3 + value.size()
}

/// The same for the same name in every run of the program. Nothing that is seen rests on it.
fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
