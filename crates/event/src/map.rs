//! Maps of values, small and large.

mod large;

use std::{fmt, sync::Arc};

use indexmap::{IndexMap, map};

use crate::Value;
pub use large::Change;
use large::Large;

/// Values by name, in insertion order. Two maps are equal if they have the same entries.
///
/// Of a map of more than [`ENTRIES_INLINE_MAX`] entries copies share what is the same in them: to
/// copy it, to look into it and to change an entry take about as long for a million entries as for
/// a thousand.
#[derive(Clone)]
pub struct Map(Entries);

#[derive(Clone)]
enum Entries {
    Few(IndexMap<Arc<str>, Value>),
    Many(Large),
}

impl Map {
    /// The empty map.
    pub fn new() -> Self {
        Self(Entries::Few(IndexMap::new()))
    }

    /// Puts a value; a name that is there already keeps its place.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl Into<Value>) {
        match &mut self.0 {
            Entries::Few(entries) => {
                entries.insert(name.as_ref().into(), value.into());
                self.grow();
            }
            Entries::Many(large) => large.insert(name.as_ref(), value.into()),
        }
    }

    /// Takes a value out; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        match &mut self.0 {
            Entries::Few(entries) => entries.shift_remove(name),
            Entries::Many(large) => {
                let gone = large.remove(name);
                self.shrink();
                gone
            }
        }
    }

    /// Puts an entry of a large map back under the number that it had: see [`Map::changes`]. The
    /// others of the map have to follow before it is used.
    pub fn restore(&mut self, number: u64, name: &str, value: Value) {
        if let Entries::Few(entries) = &self.0 {
            self.0 = Entries::Many(entries.iter().collect());
        }
        if let Entries::Many(large) = &mut self.0 {
            large.restore(number, name, value);
        }
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match &self.0 {
            Entries::Few(entries) if entries.len() > SCANNED_MAX => entries.get(name),
            Entries::Few(entries) => {
                let mut entries = entries.iter();
                entries.find_map(|(known, value)| (**known == *name).then_some(value))
            }
            Entries::Many(large) => large.get(name),
        }
    }

    /// The text of that name, if it is there and is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// Whether the name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Entries::Few(entries) => entries.len(),
            Entries::Many(large) => large.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has more than [`ENTRIES_INLINE_MAX`] entries.
    pub fn is_large(&self) -> bool {
        matches!(self.0, Entries::Many(_))
    }

    /// All entries in insertion order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> {
        match &self.0 {
            Entries::Few(entries) => Iter::Few(entries.iter()),
            Entries::Many(large) => Iter::Many(large.iter()),
        }
    }

    /// The entries of which a large map is another than this one: those that came, that went, and
    /// that may have another value, in no order. What both share is passed over. A small map has
    /// none: all of a large one is new to it.
    ///
    /// Each entry of a large map has a number; the order of the numbers is the order of the
    /// entries, and an entry keeps its number.
    pub fn changes<'a>(&'a self, after: &'a Self) -> Vec<Change<'a>> {
        let many = |map: &'a Self| match &map.0 {
            Entries::Few(_) => None,
            Entries::Many(large) => Some(large),
        };
        large::changes(many(self), many(after))
    }

    /// About how many bytes it takes when it is written; see [`Value::size`].
    pub fn size(&self) -> usize {
        match &self.0 {
            Entries::Few(entries) => entries.iter().map(large::size).sum::<usize>() + 3,
            Entries::Many(large) => large.size() + 3,
        }
    }

    /// How deep lists and maps are nested in its values.
    pub fn depth(&self) -> usize {
        match &self.0 {
            Entries::Few(entries) => entries.values().map(Value::depth).max().unwrap_or(0),
            Entries::Many(large) => large.depth(),
        }
    }

    fn grow(&mut self) {
        if let Entries::Few(entries) = &self.0
            && entries.len() > ENTRIES_INLINE_MAX
        {
            self.0 = Entries::Many(entries.iter().collect());
        }
    }

    fn shrink(&mut self) {
        if let Entries::Many(large) = &self.0
            && large.len() <= ENTRIES_INLINE_MAX
        {
            let entries = large.iter();
            let entries = entries.map(|(name, value)| (Arc::clone(name), value.clone()));
            self.0 = Entries::Few(entries.collect());
        }
    }
}

/// Entries up to which a map is copied as a whole when it changes, and is written as a whole.
pub const ENTRIES_INLINE_MAX: usize = 64;

/// Entries up to which looking at all names is faster than hashing one.
const SCANNED_MAX: usize = 8;

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        let mut entries = self.iter();
        self.len() == other.len()
            && entries.all(|(name, value)| other.get(name).is_some_and(|other| other == value))
    }
}

impl<K: AsRef<str>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (name, value) in entries {
            map.insert(name, value);
        }
        map
    }
}

impl<K: AsRef<str>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Map {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The entries of a map.
enum Iter<'a> {
    Few(map::Iter<'a, Arc<str>, Value>),
    Many(large::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Arc<str>, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(entries) => entries.next(),
            Self::Many(entries) => entries.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(entries) => entries.size_hint(),
            Self::Many(entries) => entries.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn maps_keep_insertion_order_and_compare_without_it() {
        let ab = Map::from([("a", 1), ("b", 2)]);
        let ba = Map::from([("b", 2), ("a", 1)]);
        assert_eq!(ab, ba);
        assert_eq!(names(&ba), ["b", "a"]);
    }

    fn names(map: &Map) -> Vec<&str> {
        map.iter().map(|(name, _)| &**name).collect()
    }

    /// Changes by few names, so that a map grows above its bound, shrinks below it, and names come
    /// again.
    fn changes() -> impl Strategy<Value = Vec<(u8, Option<i32>)>> {
        let changed = (0..120_u8, any::<Option<i32>>());
        let removed = (0..120_u8, Just(None));
        let many = |one: BoxedStrategy<_>| prop::collection::vec(one, 0..200);
        (many(changed.boxed()), many(removed.boxed()), 0..3_u8).prop_map(|(mut all, gone, more)| {
            all.extend(gone);
            all.extend((0..60 * more).map(|name| (name, Some(0))));
            all
        })
    }

    fn change(map: &mut Map, oracle: &mut IndexMap<String, i32>, changes: &[(u8, Option<i32>)]) {
        for (name, value) in changes {
            let name = name.to_string();
            if let Some(value) = value {
                map.insert(&name, *value);
                oracle.insert(name, *value);
            } else {
                let gone = oracle.shift_remove(&name).map(Value::from);
                assert_eq!(map.remove(&name), gone);
            }
        }
    }

    fn entries(map: &Map) -> Vec<(String, Value)> {
        let entries = map.iter();
        entries
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect()
    }

    /// What a store keeps of a large map.
    fn kept(map: &Map) -> BTreeMap<u64, (String, Value)> {
        let mut kept = BTreeMap::new();
        keep(&mut kept, &Map::new(), map);
        kept
    }

    fn keep(kept: &mut BTreeMap<u64, (String, Value)>, before: &Map, after: &Map) {
        for Change { number, after, .. } in before.changes(after) {
            match after {
                Some((name, value)) => kept.insert(number, (name.to_string(), value.clone())),
                None => kept.remove(&number),
            };
        }
    }

    proptest! {
        #[test]
        fn a_map_is_what_a_map_that_is_copied_is(first in changes(), second in changes()) {
            let (mut map, mut oracle) = (Map::new(), IndexMap::new());
            change(&mut map, &mut oracle, &first);
            let (before, expected_before) = (map.clone(), entries(&map));
            change(&mut map, &mut oracle, &second);
            let expected: Vec<_> =
                oracle.iter().map(|(name, value)| (name.clone(), Value::from(*value))).collect();
            prop_assert_eq!(entries(&map), expected);
            prop_assert_eq!(entries(&before), expected_before);
            prop_assert_eq!(map.is_large(), oracle.len() > ENTRIES_INLINE_MAX);
            let size = |(name, value): &(String, Value)| name.len() + 3 + value.size();
            prop_assert_eq!(map.size(), entries(&map).iter().map(size).sum::<usize>() + 3);
            let again: Map = entries(&map).into_iter().rev().collect();
            prop_assert_eq!(again == map, true);
        }

        #[test]
        fn what_changed_is_all_that_has_to_be_kept(first in changes(), second in changes()) {
            let (mut map, mut oracle) = (Map::new(), IndexMap::new());
            change(&mut map, &mut oracle, &first);
            let before = map.clone();
            change(&mut map, &mut oracle, &second);
            let mut kept = kept(&before);
            keep(&mut kept, &before, &map);
            let mut restored = Map::new();
            for (number, (name, value)) in kept {
                restored.restore(number, &name, value);
            }
            let expected = if map.is_large() { entries(&map) } else { Vec::new() };
            prop_assert_eq!(entries(&restored), expected);
        }
    }

    #[test]
    fn depth_is_that_of_the_deepest_value_still_there() {
        let nested = Value::list([Value::list([])]);
        let mut map: Map = (0..100).map(|n| (n.to_string(), n)).collect();
        assert_eq!(map.depth(), 0);
        map.insert("5", nested.clone());
        map.insert("7", nested);
        assert_eq!(map.depth(), 2);
        map.remove("5");
        assert_eq!(map.depth(), 2);
        map.insert("7", 1);
        assert_eq!(map.depth(), 0);
    }
}
