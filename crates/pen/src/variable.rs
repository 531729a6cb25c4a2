//! How a persistent variable is written: in parts, so that an event writes what it changed and no
//! more.
//!
//! Each entry of a large map ([`stratus_event::Map::is_large`]) is a part of its own, and what is
//! left of the variable is its head, in which the large map is empty. A large map within an entry,
//! or within the head, is written in the same way, under the path that leads to it through maps;
//! one that lies in a list, or deeper than [`PATH_NAMES_MAX`] names or [`PATH_BYTES_MAX`] bytes,
//! is written with what it lies in.

use std::{collections::BTreeMap, sync::Arc};

use stratus_event::{Change as Difference, Map, Value};

/// Where a part of a variable is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// An entry of a large map.
    Entry {
        /// The names that lead to the map.
        path: Vec<String>,
        /// The entry's number; their order is that of the entries.
        number: u64,
    },
    /// All else.
    Head,
}

/// What is written there. The large maps in it are empty, as their entries are parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// An entry of a large map.
    Entry {
        /// Its name.
        name: String,
        /// Its value.
        value: Value,
    },
    /// All else.
    Head(Value),
}

/// A part to be written, or to be removed.
pub type Rewritten = (Part, Option<Written>);

/// The parts to be written or removed when a variable changes, each once; none is there without a
/// value. What both values share is not looked at.
///
/// Gives up, and gives none, where they would take more than `bytes_max` bytes as [`Value::size`]
/// counts them. To remove is free, so that what could be set can be cleared.
pub fn rewritten(
    before: Option<&Value>,
    after: Option<&Value>,
    bytes_max: u64,
) -> Option<Vec<Rewritten>> {
    let mut walk = Walk {
        rewritten: BTreeMap::new(),
        left: bytes_max,
    };
    let (before, after) = (Cut::of(before, &[]), Cut::of(after, &[]));
    walk.part(Part::Head, before, after, Written::Head)?;
    Some(walk.rewritten.into_iter().collect())
}

/// Puts an entry back into the large map at a path. None if there is no map.
pub(crate) fn restore(
    value: &mut Value,
    path: &[String],
    number: u64,
    (name, entry): (&str, Value),
) -> Option<()> {
    let Value::Map(map) = value else { return None };
    let map = Arc::make_mut(map);
    match path.split_first() {
        None => map.restore(number, name, entry),
        Some((first, rest)) => {
            let mut inner = map.get(first)?.clone();
            // Whoever holds it alone changes it in place.
            map.insert(first, Value::Null);
            restore(&mut inner, rest, number, (name, entry))?;
            map.insert(first, inner);
        }
    }
    Some(())
}

impl Written {
    /// About how many bytes it takes, as [`Value::size`] counts them.
    pub fn size(&self) -> usize {
        match self {
            Self::Entry { name, value } => name.len() + 3 + value.size(),
            Self::Head(value) => value.size(),
        }
    }
}

/// What has to be written, as far as it is known.
struct Walk {
    rewritten: BTreeMap<Part, Option<Written>>,
    /// How many more bytes may be written.
    left: u64,
}

impl Walk {
    /// Goes through a part and the large maps in it.
    fn part(
        &mut self,
        part: Part,
        before: Option<Cut<'_>>,
        after: Option<Cut<'_>>,
        write: impl FnOnce(Value) -> Written,
    ) -> Option<()> {
        let (none, empty) = (BTreeMap::new(), Map::new());
        let old = before.as_ref().map_or(&none, |cut| &cut.larges);
        let new = after.as_ref().map_or(&none, |cut| &cut.larges);
        // What goes comes first: a map that came to lie in another has its entries under the same
        // keys.
        for (path, gone) in old.iter().filter(|(path, _)| !new.contains_key(*path)) {
            self.large(path, gone, &empty)?;
        }
        for (path, map) in new {
            self.large(path, old.get(path).copied().unwrap_or(&empty), map)?;
        }
        // A head in which nothing but an entry of a large map changed stays as it is.
        let (old, new) = (before.map(|cut| cut.head), after.map(|cut| cut.head));
        if old
            .as_ref()
            .zip(new.as_ref())
            .is_none_or(|(old, new)| !is_alike(old, new))
        {
            self.put(part, new.map(write))?;
        }
        Some(())
    }

    fn large(&mut self, path: &[String], before: &Map, after: &Map) -> Option<()> {
        for Difference {
            number,
            before,
            after,
        } in before.changes(after)
        {
            let names = before.zip(after);
            if names.is_some_and(|((old, _), (new, _))| old != new) {
                self.entry(path, number, before, None)?;
                self.entry(path, number, None, after)?;
            } else {
                self.entry(path, number, before, after)?;
            }
        }
        Some(())
    }

    fn entry(
        &mut self,
        path: &[String],
        number: u64,
        before: Option<Entry<'_>>,
        after: Option<Entry<'_>>,
    ) -> Option<()> {
        let Some((name, _)) = after.or(before) else {
            return Some(());
        };
        let within = [path, &[name.to_string()]].concat();
        let part = Part::Entry {
            path: path.to_vec(),
            number,
        };
        let name = name.to_string();
        let before = Cut::of(before.map(|(_, value)| value), &within);
        let after = Cut::of(after.map(|(_, value)| value), &within);
        self.part(part, before, after, |value| Written::Entry { name, value })
    }

    fn put(&mut self, part: Part, written: Option<Written>) -> Option<()> {
        let size = written.as_ref().map_or(0, Written::size);
        self.left = self.left.checked_sub(u64::try_from(size).ok()?)?;
        self.rewritten.insert(part, written);
        Some(())
    }
}

/// A value without the large maps in it, which are empty in its head and stand under their paths.
struct Cut<'v> {
    head: Value,
    larges: BTreeMap<Vec<String>, &'v Map>,
}

impl<'v> Cut<'v> {
    fn of(value: Option<&'v Value>, path: &[String]) -> Option<Self> {
        let mut larges = BTreeMap::new();
        let head = cut(value?, &mut path.to_vec(), &mut larges);
        Some(Self { head, larges })
    }
}

fn cut<'v>(
    value: &'v Value,
    path: &mut Vec<String>,
    larges: &mut BTreeMap<Vec<String>, &'v Map>,
) -> Value {
    let Value::Map(map) = value else {
        return value.clone();
    };
    let bytes: usize = path.iter().map(String::len).sum();
    if path.len() > PATH_NAMES_MAX || bytes > PATH_BYTES_MAX {
        return value.clone();
    }
    if map.is_large() {
        larges.insert(path.clone(), map);
        return Value::map(Map::new());
    }
    let known = larges.len();
    let mut head = Map::new();
    for (name, value) in map.iter() {
        path.push(name.to_string());
        head.insert(name, cut(value, path, larges));
        path.pop();
    }
    if larges.len() == known {
        return value.clone();
    }
    Value::map(head)
}

/// Whether two heads are written alike: the order of their entries counts.
fn is_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        _ if one.is_same(other) => true,
        (Value::List(one), Value::List(other)) => {
            let mut both = one.iter().zip(other.iter());
            one.len() == other.len() && both.all(|(one, other)| is_alike(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let mut both = one.iter().zip(other.iter());
            let alike = |((name, one), (other_name, other)): (Entry<'_>, Entry<'_>)| {
                name == other_name && is_alike(one, other)
            };
            one.len() == other.len() && both.all(alike)
        }
        _ => one == other,
    }
}

type Entry<'v> = (&'v Arc<str>, &'v Value);

/// Names that may lead to a large map whose entries are parts.
pub const PATH_NAMES_MAX: usize = 8;

/// Bytes that these names may have together: they are in the key of each entry.
pub const PATH_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a store holds of a variable.
    type Kept = BTreeMap<Part, Written>;

    fn keep(kept: &mut Kept, before: Option<&Value>, after: Option<&Value>) -> usize {
        let rewritten = rewritten(before, after, u64::MAX).unwrap();
        let written = rewritten.len();
        for (part, written) in rewritten {
            match written {
                Some(written) => kept.insert(part, written),
                None => kept.remove(&part),
            };
        }
        written
    }

    /// What a start makes of it: the head comes first, then the entries in the order of their keys.
    fn started(mut kept: Kept) -> Option<Value> {
        let Some(Written::Head(mut value)) = kept.remove(&Part::Head) else {
            assert_eq!(kept, Kept::new());
            return None;
        };
        for (part, written) in kept {
            let (Part::Entry { path, number }, Written::Entry { name, value: entry }) =
                (part, written)
            else {
                panic!("a part is not what it says");
            };
            restore(&mut value, &path, number, (&name, entry)).unwrap();
        }
        Some(value)
    }

    /// A change: the names on the way, from few, so that they meet; and how many entries are put
    /// there, or taken out.
    #[derive(Clone, Debug)]
    struct Step {
        path: Vec<u8>,
        from: u8,
        entries: u8,
        puts: bool,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let path = prop::collection::vec(0..3_u8, 0..3);
        let step = (path, 0..90_u8, 0..90_u8, any::<bool>());
        let step = step.prop_map(|(path, from, entries, puts)| Step {
            path,
            from,
            entries,
            puts,
        });
        prop::collection::vec(step, 0..12)
    }

    fn take(value: Option<Value>, path: &[u8], step: &Step) -> Value {
        let mut map = value
            .and_then(|value| value.as_map().cloned())
            .unwrap_or_default();
        match path.split_first() {
            Some((first, rest)) => {
                let name = first.to_string();
                let inner = take(map.get(&name).cloned(), rest, step);
                map.insert(name, inner);
            }
            None => {
                for number in step.from..step.from.saturating_add(step.entries) {
                    let name = number.to_string();
                    if step.puts {
                        map.insert(name, i32::from(step.from));
                    } else {
                        map.remove(&name);
                    }
                }
            }
        }
        Value::map(map)
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_the_variable_is(steps in steps(), clears in any::<bool>()) {
            let (mut kept, mut value) = (Kept::new(), None);
            for step in &steps {
                let after = Some(take(value.clone(), &step.path, step));
                keep(&mut kept, value.as_ref(), after.as_ref());
                value = after;
                let started = started(kept.clone());
                prop_assert_eq!(format!("{started:?}"), format!("{value:?}"));
            }
            if clears {
                keep(&mut kept, value.as_ref(), None);
                prop_assert_eq!(kept, Kept::new());
            }
        }
    }

    fn numbers(count: i32) -> Map {
        (0..count)
            .map(|number| (number.to_string(), number))
            .collect()
    }

    #[test]
    fn an_entry_of_a_large_map_is_one_part() {
        let before = Value::map(numbers(10_000));
        let mut after = numbers(0);
        after.insert("rooms", before.clone());
        after.insert("count", 1);
        let inside = Value::map(after.clone());
        let check = |before: &Value, after: &Value, expected: usize| {
            assert_eq!(keep(&mut Kept::new(), Some(before), Some(after)), expected);
        };
        let mut changed = before.as_map().unwrap().clone();
        changed.insert("77", "other");
        check(&before, &Value::map(changed.clone()), 1);
        changed.insert("new", 1);
        changed.remove("5");
        check(&before, &Value::map(changed.clone()), 3);
        after.insert("rooms", Value::map(changed));
        check(&inside, &Value::map(after.clone()), 3);
        after.insert("count", 2);
        check(&inside, &Value::map(after), 4);
        check(&before, &before, 0);
        check(&before, &Value::Null, 10_001);
    }

    #[test]
    fn what_is_too_much_is_not_gathered() {
        let large = Value::map(numbers(10_000));
        assert_eq!(rewritten(None, Some(&large), 1_000), None);
        assert!(rewritten(Some(&large), None, 0).is_some());
    }

    #[test]
    fn a_map_that_a_list_or_a_long_path_leads_to_is_written_with_what_it_is_in() {
        let check = |value: Value| assert_eq!(keep(&mut Kept::new(), None, Some(&value)), 1);
        let large = || Value::map(numbers(100));
        check(Value::list([large()]));
        check(Map::from([("x".repeat(PATH_BYTES_MAX + 1), large())]).into());
        check((0..=PATH_NAMES_MAX).fold(large(), |inner, _| Map::from([("a", inner)]).into()));
    }
}
