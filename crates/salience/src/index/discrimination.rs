//! A long list of rules on one symbol, told apart by what they want of attributes.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    ops::Bound::Unbounded,
};

use aho_corasick::AhoCorasick;
use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use stratus_event::{Event, Name};

use super::{
    FilterPlace, Opening, Woken,
    access::Access,
    intervals::{Edge, Intervals},
    search::{Search, Searched},
};
use crate::{
    Filter, RulePlace,
    primitive::{attribute_number, attribute_text},
};

/// Rules by the test that tells most. A rule whose test fails is not looked at; one that comes into
/// question may still not match.
#[derive(Debug, Default)]
pub(super) struct Discrimination {
    /// How many openings of the list are in here.
    pub(super) openings: usize,
    /// Those that want nothing of attributes.
    always: Vec<Woken>,
    attributes: Vec<Attribute>,
}

/// The rules that are told apart by one attribute.
#[derive(Debug)]
struct Attribute {
    name: Name,
    /// By the whole text.
    equal: Texts,
    /// By its number.
    intervals: Option<Intervals>,
    /// By what the text contains: the search, and the rules by its patterns.
    literals: Option<(AhoCorasick, Vec<Vec<Woken>>)>,
    /// By how the text begins, and how long such beginnings are.
    prefixes: Texts,
    prefix_lengths: BTreeSet<usize>,
    /// By patterns that tell nothing else; each is run once, however many rules have it.
    patterns: Option<Search>,
}

/// Rules by a text.
type Texts = IndexMap<Box<[u8]>, Vec<Woken>, FxBuildHasher>;

/// What is collected before the searches are built.
#[derive(Default)]
struct Collected {
    equal: Texts,
    intervals: Vec<(Edge, Edge, RulePlace)>,
    literals: Texts,
    prefixes: Texts,
    patterns: IndexMap<String, Searched, FxBuildHasher>,
}

/// Of a literal that more patterns than these have there is little to be learnt.
const LITERAL_PATTERNS_MAX: usize = 32;

impl Discrimination {
    pub(super) fn new(openings: &[Opening]) -> Self {
        let mut always = Vec::new();
        let mut collected: BTreeMap<Name, Collected> = BTreeMap::new();
        let known = Known::of(openings);
        for opening in openings {
            match known.best(opening) {
                None => always.push(opening.place.into()),
                Some((attribute, test)) => collected
                    .entry(attribute.clone())
                    .or_default()
                    .add(opening.woken(&test), test),
            }
        }
        Self {
            openings: openings.len(),
            always,
            attributes: collected.into_iter().map(Attribute::from).collect(),
        }
    }

    /// The rules that come into question, in no order.
    pub(super) fn collect(&self, event: &Event, woken: &mut Vec<Woken>) {
        woken.extend(&self.always);
        for attribute in &self.attributes {
            attribute.collect(event, woken);
        }
    }
}

/// One thing that an opening wants of an attribute.
#[derive(Clone, Copy)]
enum Test<'a> {
    /// The filter of that number, by what it tells.
    Filter(u32, &'a Filter, &'a Access),
    Interval(Edge, Edge),
}

impl Opening {
    /// How it is told to an event that passes the test.
    fn woken(&self, test: &Test<'_>) -> Woken {
        let proven = match test {
            Test::Filter(filter, it, access)
                if access.decides() && it.pattern.captures_len() == 1 =>
            {
                Some(FilterPlace {
                    opener: self.opener,
                    filter: *filter,
                })
            }
            _ => None,
        };
        Woken {
            place: self.place,
            proven,
        }
    }
}

/// What the patterns of the openings tell, each looked at once.
struct Known<'a> {
    accesses: IndexMap<&'a str, Vec<Access>, FxBuildHasher>,
    /// How many patterns a text stands in.
    common: IndexMap<Box<[u8]>, usize, FxBuildHasher>,
}

impl<'a> Known<'a> {
    fn of(openings: &'a [Opening]) -> Self {
        let mut known = Self {
            accesses: IndexMap::default(),
            common: IndexMap::default(),
        };
        for filter in openings.iter().flat_map(|opening| &opening.filters) {
            known.add(filter);
        }
        known
    }

    fn add(&mut self, filter: &'a Filter) {
        let pattern = filter.pattern.as_str();
        if self.accesses.contains_key(pattern) {
            return;
        }
        let accesses = Access::of(filter);
        for text in accesses.iter().flat_map(Access::texts) {
            *self.common.entry(text.clone()).or_default() += 1;
        }
        self.accesses.insert(pattern, accesses);
    }

    /// What tells most of an opening.
    fn best<'b>(&'b self, opening: &'b Opening) -> Option<(&'b Name, Test<'b>)> {
        let filters = (0..).zip(&opening.filters).flat_map(|(number, filter)| {
            let accesses = self.accesses.get(filter.pattern.as_str());
            let test = move |access| (&filter.attribute, Test::Filter(number, filter, access));
            accesses.into_iter().flatten().map(test)
        });
        let tests = filters.chain(intervals(opening));
        tests.min_by_key(|(_, test)| self.rank(test))
    }

    /// Less is better. Of literals those are best that fewest other patterns have, of these the
    /// longest.
    fn rank(&self, test: &Test<'_>) -> (usize, usize, Reverse<usize>) {
        match test {
            Test::Interval(low, high) => {
                let open = usize::from(low.is_infinite()) + usize::from(high.is_infinite());
                (2, open, Reverse(0))
            }
            Test::Filter(_, _, access) => {
                let texts = || access.texts().iter();
                let others = texts().filter_map(|text| self.common.get(text)).sum();
                let shortest = texts().map(|text| text.len()).min().unwrap_or(0);
                let form = match access {
                    Access::Equal(_) => 0,
                    Access::Literal(_) | Access::Prefix(_) if others <= LITERAL_PATTERNS_MAX => 1,
                    Access::Literal(_) | Access::Prefix(_) => 4,
                    Access::Pattern => 3,
                };
                (form, others, Reverse(shortest))
            }
        }
    }
}

/// The intervals of an opening, one for each attribute.
fn intervals(opening: &Opening) -> impl Iterator<Item = (&Name, Test<'_>)> {
    let mut merged: BTreeMap<&Name, (Edge, Edge)> = BTreeMap::new();
    for interval in &opening.intervals {
        let (low, high) = (Edge::low(interval.low), Edge::high(interval.high));
        let edges = merged.entry(&interval.attribute).or_insert((low, high));
        *edges = (edges.0.later(low), edges.1.earlier(high));
    }
    let test = |(name, (low, high))| (name, Test::Interval(low, high));
    merged.into_iter().map(test)
}

impl Collected {
    fn add(&mut self, woken: Woken, test: Test<'_>) {
        let add = |texts: &mut Texts, all: &[Box<[u8]>]| {
            for text in all {
                texts.entry(text.clone()).or_default().push(woken);
            }
        };
        match test {
            Test::Filter(_, _, access @ Access::Equal(_)) => add(&mut self.equal, access.texts()),
            Test::Filter(_, _, access @ Access::Literal(_)) => {
                add(&mut self.literals, access.texts());
            }
            Test::Filter(_, _, access @ Access::Prefix(_)) => {
                add(&mut self.prefixes, access.texts());
            }
            Test::Filter(_, filter, Access::Pattern) => {
                let source = filter.pattern.as_str().to_owned();
                let fresh = || (filter.pattern.clone(), Vec::new());
                let (_, rules) = self.patterns.entry(source).or_insert_with(fresh);
                rules.push(woken);
            }
            Test::Interval(low, high) => self.intervals.push((low, high, woken.place)),
        }
    }
}

impl Attribute {
    fn collect(&self, event: &Event, woken: &mut Vec<Woken>) {
        if let Some(intervals) = &self.intervals {
            intervals.collect(attribute_number(event, &self.name), woken);
        }
        let text = attribute_text(event, &self.name);
        woken.extend(self.equal.get(text.as_bytes()).into_iter().flatten());
        let beginnings = self.prefix_lengths.iter();
        let beginnings = beginnings.map_while(|length| text.as_bytes().get(..*length));
        woken.extend(
            beginnings
                .filter_map(|text| self.prefixes.get(text))
                .flatten(),
        );
        if let Some((search, rules)) = &self.literals {
            for found in search.find_overlapping_iter(text.as_bytes()) {
                woken.extend(rules.get(found.pattern().as_usize()).into_iter().flatten());
            }
        }
        if let Some(patterns) = &self.patterns {
            patterns.collect(&text, woken);
        }
    }
}

impl From<(Name, Collected)> for Attribute {
    fn from((name, collected): (Name, Collected)) -> Self {
        let (texts, rules): (Vec<_>, Vec<_>) = collected.literals.into_iter().unzip();
        let search = AhoCorasick::new(&texts).ok().filter(|_| !texts.is_empty());
        let mut intervals = collected.intervals;
        if search.is_none() {
            // The search would be too large to build: whoever is in it is tried each time.
            let everywhere = (Edge::low(Unbounded), Edge::high(Unbounded));
            let tried = rules.iter().flatten();
            intervals.extend(tried.map(|rule| (everywhere.0, everywhere.1, rule.place)));
        }
        let patterns: Vec<_> = collected.patterns.into_values().collect();
        Self {
            name,
            equal: collected.equal,
            intervals: (!intervals.is_empty()).then(|| Intervals::new(intervals)),
            literals: search.map(|search| (search, rules)),
            prefix_lengths: collected.prefixes.keys().map(|text| text.len()).collect(),
            prefixes: collected.prefixes,
            patterns: (!patterns.is_empty()).then(|| Search::new(patterns)),
        }
    }
}
