//! A map from numbers to things, whose copies share whatever is the same in them.
//!
//! It is a tree that looks at five bits of the number on each level, the highest first. A node has
//! only those branches that lead to something, and what is alone in its branch stands right there.
//! So its form follows from the numbers in it and from nothing else, and two copies are compared
//! branch by branch: where both have the very same node, nothing differs.

use std::{slice, sync::Arc};

/// The map. Cloning takes the same short time for every length; a change copies one node per level.
#[derive(Clone, Debug)]
pub(crate) struct Trie<T> {
    root: Arc<Node<T>>,
    len: usize,
}

impl<T> Trie<T> {
    /// How many things there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What stands under that number.
    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        let (mut node, mut level) = (&*self.root, 0);
        loop {
            match node.slot(branch(number, level))? {
                Slot::Leaf(known, thing) => return (*known == number).then_some(thing),
                Slot::Node(below) => node = below,
            }
            level += 1;
        }
    }

    /// The highest number.
    pub(crate) fn last(&self) -> Option<u64> {
        let mut node = &*self.root;
        loop {
            match node.slots.last()? {
                Slot::Leaf(number, _) => return Some(*number),
                Slot::Node(below) => node = below,
            }
        }
    }

    /// All things in the order of their numbers.
    pub(crate) fn iter(&self) -> Iter<'_, T> {
        Iter {
            open: vec![self.root.slots.iter()],
            left: self.len,
        }
    }

    /// Tells of every number under which the other one may have something else, with what stands
    /// there before and after. Nodes that both share are passed over.
    pub(crate) fn differences<'a>(
        &'a self,
        after: &'a Self,
        tell: &mut impl FnMut(u64, Option<&'a T>, Option<&'a T>),
    ) {
        self.root.differences(&after.root, tell);
    }
}

impl<T: Clone> Trie<T> {
    /// Puts a thing under a number, and gives what stood there.
    pub(crate) fn insert(&mut self, number: u64, thing: T) -> Option<T> {
        let old = Arc::make_mut(&mut self.root).insert(0, number, thing);
        self.len += usize::from(old.is_none());
        old
    }

    /// Takes out what stands under a number.
    pub(crate) fn remove(&mut self, number: u64) -> Option<T> {
        self.get(number)?;
        let gone = Arc::make_mut(&mut self.root).remove(0, number)?;
        self.len -= 1;
        Some(gone)
    }
}

impl<T> Default for Trie<T> {
    fn default() -> Self {
        Self {
            root: Arc::default(),
            len: 0,
        }
    }
}

/// The branches that lead to something, in order; a bit says which they are.
#[derive(Clone, Debug)]
struct Node<T> {
    present: u32,
    slots: Vec<Slot<T>>,
}

/// Where a branch leads.
#[derive(Clone, Debug)]
enum Slot<T> {
    /// To a number that is alone there.
    Leaf(u64, T),
    /// To several.
    Node(Arc<Node<T>>),
}

impl<T> Node<T> {
    fn slot(&self, branch: u32) -> Option<&Slot<T>> {
        if self.present & (1 << branch) == 0 {
            return None;
        }
        self.slots.get(self.place(branch))
    }

    /// Where that branch stands among those that are there.
    fn place(&self, branch: u32) -> usize {
        (self.present & ((1 << branch) - 1)).count_ones() as usize
    }

    fn differences<'a>(
        &'a self,
        after: &'a Self,
        tell: &mut impl FnMut(u64, Option<&'a T>, Option<&'a T>),
    ) {
        if std::ptr::eq(self, after) {
            return;
        }
        for branch in 0..BRANCHES {
            match (self.slot(branch), after.slot(branch)) {
                (Some(Slot::Node(old)), Some(Slot::Node(new))) => old.differences(new, tell),
                (old, new) => Self::compare(old, new, tell),
            }
        }
    }

    /// Tells what differs of two branches, one of which leads to a single thing or to none.
    fn compare<'a>(
        before: Option<&'a Slot<T>>,
        after: Option<&'a Slot<T>>,
        tell: &mut impl FnMut(u64, Option<&'a T>, Option<&'a T>),
    ) {
        for (number, thing) in Self::things(before) {
            tell(number, Some(thing), Self::find(after, number));
        }
        for (number, thing) in Self::things(after) {
            if Self::find(before, number).is_none() {
                tell(number, None, Some(thing));
            }
        }
    }

    fn things(slot: Option<&Slot<T>>) -> Iter<'_, T> {
        Iter {
            open: vec![slot.map_or([].iter(), |slot| slice::from_ref(slot).iter())],
            left: 0,
        }
    }

    fn find(slot: Option<&Slot<T>>, number: u64) -> Option<&T> {
        let mut things = Self::things(slot);
        things.find_map(|(known, thing)| (known == number).then_some(thing))
    }
}

impl<T: Clone> Node<T> {
    fn insert(&mut self, level: u32, number: u64, thing: T) -> Option<T> {
        let branch = branch(number, level);
        let place = self.place(branch);
        if self.present & (1 << branch) == 0 {
            self.present |= 1 << branch;
            self.slots.insert(place, Slot::Leaf(number, thing));
            return None;
        }
        match self.slots.get_mut(place)? {
            Slot::Node(below) => Arc::make_mut(below).insert(level + 1, number, thing),
            Slot::Leaf(known, old) if *known == number => Some(std::mem::replace(old, thing)),
            slot @ Slot::Leaf(..) => {
                let mut below = Self::default();
                let alone = std::mem::replace(slot, Slot::Node(Arc::default()));
                if let Slot::Leaf(known, old) = alone {
                    below.insert(level + 1, known, old);
                }
                below.insert(level + 1, number, thing);
                *slot = Slot::Node(Arc::new(below));
                None
            }
        }
    }

    fn remove(&mut self, level: u32, number: u64) -> Option<T> {
        let branch = branch(number, level);
        let place = self.place(branch);
        match self.slots.get_mut(place)? {
            Slot::Leaf(..) => {
                self.present &= !(1 << branch);
                match self.slots.remove(place) {
                    Slot::Leaf(_, thing) => Some(thing),
                    Slot::Node(_) => None,
                }
            }
            slot @ Slot::Node(_) => {
                let Slot::Node(below) = slot else { return None };
                let gone = Arc::make_mut(below).remove(level + 1, number);
                if let [alone @ Slot::Leaf(..)] = &*below.slots {
                    *slot = alone.clone();
                }
                gone
            }
        }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            present: 0,
            slots: Vec::new(),
        }
    }
}

/// The things of a [`Trie`] with their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Iter<'a, T> {
    /// What is still to come, of the innermost node last.
    open: Vec<slice::Iter<'a, Slot<T>>>,
    left: usize,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = (u64, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.open.last_mut()?.next() {
                None => drop(self.open.pop()),
                Some(Slot::Node(below)) => self.open.push(below.slots.iter()),
                Some(Slot::Leaf(number, thing)) => {
                    self.left = self.left.saturating_sub(1);
                    return Some((*number, thing));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, None)
    }
}

/// Which way a number takes on a level: five bits on each, and on the first the four that are left.
fn branch(number: u64, level: u32) -> u32 {
    let shift = 60_u32.saturating_sub(5 * level);
    u32::try_from((number >> shift) & u64::from(BRANCHES - 1)).unwrap_or(0)
}

const BRANCHES: u32 = 32;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Numbers that lie close together, and some that have nothing in common.
    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![0..80_u64, 0..5_000_u64, any::<u64>(), Just(u64::MAX)]
    }

    /// What is put, or taken out.
    fn changes() -> impl Strategy<Value = Vec<(u64, Option<u8>)>> {
        prop::collection::vec((number(), any::<Option<u8>>()), 0..300)
    }

    fn change(trie: &mut Trie<u8>, model: &mut BTreeMap<u64, u8>, changes: &[(u64, Option<u8>)]) {
        for (number, thing) in changes {
            match thing {
                Some(thing) => {
                    assert_eq!(trie.insert(*number, *thing), model.insert(*number, *thing));
                }
                None => assert_eq!(trie.remove(*number), model.remove(number)),
            }
        }
    }

    fn pairs(trie: &Trie<u8>) -> Vec<(u64, u8)> {
        trie.iter()
            .map(|(number, thing)| (number, *thing))
            .collect()
    }

    fn told(before: &Trie<u8>, after: &Trie<u8>) -> BTreeMap<u64, (Option<u8>, Option<u8>)> {
        let mut told = BTreeMap::new();
        before.differences(after, &mut |number, old, new| {
            assert!(told.insert(number, (old.copied(), new.copied())).is_none());
        });
        told
    }

    proptest! {
        #[test]
        fn it_is_what_a_tree_of_the_standard_library_is(first in changes(), second in changes()) {
            let (mut trie, mut model) = (Trie::default(), BTreeMap::new());
            change(&mut trie, &mut model, &first);
            let (before, old) = (trie.clone(), model.clone());
            change(&mut trie, &mut model, &second);
            prop_assert_eq!(pairs(&trie), model.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(trie.len(), model.len());
            prop_assert_eq!(trie.last(), model.keys().last().copied());
            for (number, _) in first.iter().chain(&second) {
                prop_assert_eq!(trie.get(*number), model.get(number));
            }
            prop_assert_eq!(pairs(&before), old.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn it_tells_all_that_differs(first in changes(), second in changes()) {
            let (mut trie, mut model) = (Trie::default(), BTreeMap::new());
            change(&mut trie, &mut model, &first);
            let (before, old) = (trie.clone(), model.clone());
            change(&mut trie, &mut model, &second);
            let told = told(&before, &trie);
            for (number, (was, is)) in &told {
                prop_assert_eq!((old.get(number), model.get(number)), (was.as_ref(), is.as_ref()));
            }
            for number in old.keys().chain(model.keys()) {
                prop_assert!(old.get(number) == model.get(number) || told.contains_key(number));
            }
        }

        #[test]
        fn its_form_follows_from_what_is_in_it(all in changes()) {
            let (mut trie, mut model) = (Trie::default(), BTreeMap::new());
            change(&mut trie, &mut model, &all);
            let mut again = Trie::default();
            for (number, thing) in model.iter().rev() {
                again.insert(*number, *thing);
            }
            prop_assert_eq!(format!("{trie:?}"), format!("{again:?}"));
        }
    }

    #[test]
    fn one_change_of_many_is_told_by_looking_at_few() {
        let mut trie = Trie::default();
        for number in 0..100_000 {
            trie.insert(number, 1);
        }
        let before = trie.clone();
        trie.insert(77_777, 2);
        trie.insert(100_000, 3);
        trie.remove(5);
        let told = told(&before, &trie);
        assert!(told.len() < 100, "{} are told", told.len());
        assert_eq!(told[&77_777], (Some(1), Some(2)));
        assert_eq!(told[&100_000], (None, Some(3)));
        assert_eq!(told[&5], (Some(1), None));
    }
}
