//! Finding the intervals that a number is in.

use std::{cmp::Ordering, ops::Bound};

use super::Woken;
use crate::RulePlace;

/// Rules by an interval of numbers. Those that a number is in are found by binary search.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    /// In the order of where they begin. The middle one is the root of a tree, of which the halves
    /// beside it are the branches, and so on.
    sorted: Vec<Interval>,
}

#[derive(Clone, Copy, Debug)]
struct Interval {
    low: Edge,
    high: Edge,
    /// The greatest high edge of it and of its branches.
    reach: Edge,
    place: RulePlace,
}

/// Where an interval begins or ends: at the number, or just above it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge(f64, bool);

impl Intervals {
    pub(super) fn new(intervals: Vec<(Edge, Edge, RulePlace)>) -> Self {
        let interval = |(low, high, place)| Interval {
            low,
            high,
            reach: high,
            place,
        };
        let mut sorted: Vec<_> = intervals.into_iter().map(interval).collect();
        sorted.sort_by(|one, two| one.low.order(two.low).then(one.high.order(two.high)));
        reach(&mut sorted);
        Self { sorted }
    }

    /// The rules in whose interval the number is; all of them if it is not known.
    pub(super) fn collect(&self, number: Option<f64>, woken: &mut Vec<Woken>) {
        match number {
            None => woken.extend(
                self.sorted
                    .iter()
                    .map(|interval| Woken::from(interval.place)),
            ),
            Some(number) => collect(&self.sorted, number, woken),
        }
    }
}

impl Edge {
    /// The edge at which an interval begins.
    pub(super) fn low(bound: Bound<f64>) -> Self {
        match bound {
            Bound::Excluded(number) => Self(number, true),
            Bound::Included(number) => Self(number, false),
            Bound::Unbounded => Self(f64::NEG_INFINITY, false),
        }
    }

    /// The edge at which an interval ends.
    pub(super) fn high(bound: Bound<f64>) -> Self {
        match bound {
            Bound::Excluded(number) => Self(number, false),
            Bound::Included(number) => Self(number, true),
            Bound::Unbounded => Self(f64::INFINITY, true),
        }
    }

    pub(super) fn later(self, other: Self) -> Self {
        if self.order(other).is_lt() {
            other
        } else {
            self
        }
    }

    pub(super) fn earlier(self, other: Self) -> Self {
        if self.order(other).is_lt() {
            self
        } else {
            other
        }
    }

    pub(super) fn is_infinite(self) -> bool {
        self.0.is_infinite()
    }

    fn is_above(self, number: f64) -> bool {
        match self.0.partial_cmp(&number) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => self.1,
            _ => false,
        }
    }

    fn order(self, other: Self) -> Ordering {
        let numbers = self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal);
        numbers.then(self.1.cmp(&other.1))
    }
}

/// Says how far each branch reaches; how far all of them do.
fn reach(tree: &mut [Interval]) -> Option<Edge> {
    let (before, rest) = tree.split_at_mut(tree.len() / 2);
    let (root, after) = rest.split_first_mut()?;
    for branch in [reach(before), reach(after)].into_iter().flatten() {
        root.reach = root.reach.later(branch);
    }
    Some(root.reach)
}

fn collect(tree: &[Interval], number: f64, woken: &mut Vec<Woken>) {
    let (before, rest) = tree.split_at(tree.len() / 2);
    let Some((root, after)) = rest.split_first() else {
        return;
    };
    if !root.reach.is_above(number) {
        return;
    }
    collect(before, number, woken);
    if root.low.is_above(number) {
        return;
    }
    if root.high.is_above(number) {
        woken.push(root.place.into());
    }
    collect(after, number, woken);
}

#[cfg(test)]
mod tests {
    use std::ops::RangeBounds;

    use super::*;

    const NUMBERS: [f64; 9] = [-1.0, -0.0, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 4.0];

    /// Each number finds the intervals that it is in, and no others.
    #[test]
    fn numbers_find_the_intervals_that_they_are_in() {
        let edges = |number| [Bound::Excluded(number), Bound::Included(number)];
        let bounds: Vec<_> = NUMBERS.into_iter().flat_map(edges).collect();
        let bounds = [&bounds[..], &[Bound::Unbounded]].concat();
        let mut all = Vec::new();
        for low in &bounds {
            all.extend(bounds.iter().map(|high| (*low, *high)));
        }
        let place = |rule| RulePlace { ruleset: 0, rule };
        let entries = all.iter().zip(0..);
        let intervals =
            entries.map(|((low, high), rule)| (Edge::low(*low), Edge::high(*high), place(rule)));
        let intervals = Intervals::new(intervals.collect());
        for number in NUMBERS.into_iter().chain([-9.0, 2.7, 9.0]) {
            let inside = (0..)
                .zip(&all)
                .filter(|(_, bounds)| bounds.contains(&number));
            let expected: Vec<_> = inside.map(|(rule, _)| place(rule)).collect();
            let mut found = Vec::new();
            intervals.collect(Some(number), &mut found);
            let mut found: Vec<_> = found.into_iter().map(|woken| woken.place).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{number}");
        }
        let mut found = Vec::new();
        intervals.collect(None, &mut found);
        assert_eq!(found.len(), all.len());
    }
}
