//! A long list of rules on one symbol, told apart by what they want of attributes.

use std::{collections::BTreeMap, sync::Arc};

use aho_corasick::AhoCorasick;
use indexmap::IndexMap;
use regex::Regex;
use rustc_hash::FxBuildHasher;
use stratus_event::{Event, Name};

use super::{Opening, access::Access};
use crate::{Filter, RulePlace, primitive::attribute_text};

/// Rules by the filter that tells most. A rule whose filter cannot match is not looked at; one that
/// comes into question may still not match.
#[derive(Debug, Default)]
pub(super) struct Discrimination {
    /// How many openings of the list are in here.
    pub(super) openings: usize,
    /// Those that want nothing of attributes.
    always: Vec<RulePlace>,
    attributes: Vec<Attribute>,
}

/// The rules that are told apart by one attribute.
#[derive(Debug)]
struct Attribute {
    name: Name,
    /// By the whole text.
    equal: Texts,
    /// By what the text contains: the search, and the rules by its patterns.
    literals: Option<(AhoCorasick, Vec<Vec<RulePlace>>)>,
    /// By patterns that tell nothing else; each is run once, however many rules have it.
    patterns: Vec<(Arc<Regex>, Vec<RulePlace>)>,
}

/// Rules by a text.
type Texts = IndexMap<Box<[u8]>, Vec<RulePlace>, FxBuildHasher>;

/// What is collected before the search is built.
#[derive(Default)]
struct Collected {
    equal: Texts,
    literals: Texts,
    patterns: IndexMap<String, (Arc<Regex>, Vec<RulePlace>), FxBuildHasher>,
}

impl Discrimination {
    pub(super) fn new(openings: &[Opening]) -> Self {
        let mut always = Vec::new();
        let mut collected: BTreeMap<Name, Collected> = BTreeMap::new();
        let choices: Vec<_> = openings.iter().map(Choice::of).collect();
        let common = common(&choices);
        for choice in choices {
            let place = choice.opening.place;
            match choice.best(&common) {
                None => always.push(place),
                Some((filter, access)) => collected
                    .entry(filter.attribute.clone())
                    .or_default()
                    .add(place, filter, access),
            }
        }
        Self {
            openings: openings.len(),
            always,
            attributes: collected.into_iter().map(Attribute::from).collect(),
        }
    }

    /// The rules that come into question, in no order.
    pub(super) fn collect(&self, event: &Event, woken: &mut Vec<RulePlace>) {
        woken.extend(&self.always);
        for attribute in &self.attributes {
            attribute.collect(&attribute_text(event, &attribute.name), woken);
        }
    }
}

/// An opening, and what its filters tell.
struct Choice<'a> {
    opening: &'a Opening,
    accesses: Vec<(&'a Filter, Access)>,
}

impl<'a> Choice<'a> {
    fn of(opening: &'a Opening) -> Self {
        let tell = |filter| Access::of(filter).into_iter().map(move |it| (filter, it));
        Self {
            opening,
            accesses: opening.filters.iter().flat_map(tell).collect(),
        }
    }

    /// What tells most: of literals those that fewest other rules have, of these the longest.
    fn best(self, common: &Common) -> Option<(&'a Filter, Access)> {
        let rank = |(_, access): &(&Filter, Access)| {
            let texts = || access.texts().iter();
            let others: usize = texts().filter_map(|text| common.get(text)).sum();
            let shortest = texts().map(|text| text.len()).min();
            let form = match access {
                Access::Equal(_) => 0,
                Access::Literal(_) => 1,
                Access::Pattern => 2,
            };
            (form, others, std::cmp::Reverse(shortest))
        };
        self.accesses.into_iter().min_by_key(rank)
    }
}

/// How many openings a text stands in.
type Common = IndexMap<Box<[u8]>, usize, FxBuildHasher>;

fn common(choices: &[Choice<'_>]) -> Common {
    let mut common = Common::default();
    for (_, access) in choices.iter().flat_map(|choice| &choice.accesses) {
        for text in access.texts() {
            *common.entry(text.clone()).or_default() += 1;
        }
    }
    common
}

impl Collected {
    fn add(&mut self, place: RulePlace, filter: &Filter, access: Access) {
        let add = |texts: &mut Texts, all: Vec<Box<[u8]>>| {
            for text in all {
                texts.entry(text).or_default().push(place);
            }
        };
        match access {
            Access::Equal(texts) => add(&mut self.equal, texts),
            Access::Literal(texts) => add(&mut self.literals, texts),
            Access::Pattern => {
                let text = filter.pattern.as_str().to_owned();
                let fresh = || (filter.pattern.clone(), Vec::new());
                let (_, places) = self.patterns.entry(text).or_insert_with(fresh);
                places.push(place);
            }
        }
    }
}

impl Attribute {
    fn collect(&self, text: &str, woken: &mut Vec<RulePlace>) {
        woken.extend(self.equal.get(text.as_bytes()).into_iter().flatten());
        if let Some((search, rules)) = &self.literals {
            for found in search.find_overlapping_iter(text.as_bytes()) {
                woken.extend(rules.get(found.pattern().as_usize()).into_iter().flatten());
            }
        }
        for (pattern, rules) in &self.patterns {
            if pattern.is_match(text) {
                woken.extend(rules);
            }
        }
    }
}

impl From<(Name, Collected)> for Attribute {
    fn from((name, collected): (Name, Collected)) -> Self {
        let mut patterns: Vec<_> = collected.patterns.into_values().collect();
        let (texts, rules): (Vec<_>, Vec<_>) = collected.literals.into_iter().unzip();
        let search = AhoCorasick::new(&texts).ok().filter(|_| !texts.is_empty());
        if search.is_none() && !rules.is_empty() {
            // The search would be too large to build: whoever is in it is tried each time.
            patterns.extend(Regex::new("").map(|all| (all.into(), rules.concat())));
        }
        Self {
            name,
            equal: collected.equal,
            literals: search.map(|search| (search, rules)),
            patterns,
        }
    }
}
