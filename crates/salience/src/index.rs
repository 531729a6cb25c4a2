//! Finding the rules that an event wakes.

mod access;
mod discrimination;
mod intervals;
mod search;

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use stratus_event::Event;

use crate::{Armed, Automaton, Filter, Interval, Symbol, symbol::covering};
use discrimination::Discrimination;

/// Event symbols to the rules that they may begin, for the rulesets of one PEN.
///
/// An event costs a look at the lists of its symbol and of the wildcards that cover it. Where a
/// list is long, it is told apart by what the rules want of attributes, so that rules that do not
/// match cost nothing. A rule in the middle of its expression stands in [`Armed`] besides; one that
/// is not is not in the way of the later events of its expression.
#[derive(Clone, Debug, Default)]
pub struct Index {
    lists: IndexMap<Symbol, List, FxBuildHasher>,
    /// How many of the lists are of each of the forms that [`covering`] gives.
    forms: [usize; 4],
}

/// Names a rule by its ruleset's place in the install order and its place in the text. The order of
/// these is the order in which rules run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RulePlace {
    /// The ruleset's place in the install order.
    pub ruleset: u64,
    /// The rule's place in the ruleset's text.
    pub rule: usize,
}

/// A rule that an event may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Woken {
    /// Which rule.
    pub place: RulePlace,
    /// A filter of the rule that is known to match the event, for [`Automaton::step_proven`].
    pub proven: Option<FilterPlace>,
}

/// Names a filter of a rule's expression that captures nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterPlace {
    /// Of which of the primitives that may begin the expression.
    pub(crate) opener: u32,
    /// Its place among the primitive's filters.
    pub(crate) filter: u32,
}

/// What may begin with a symbol.
#[derive(Clone, Debug, Default)]
struct List {
    openings: Vec<Opening>,
    /// Tells the older of a long list apart. Made when it is first needed after a change.
    discrimination: OnceLock<Arc<Discrimination>>,
}

/// A rule and what it wants of the first event.
#[derive(Clone, Debug)]
struct Opening {
    place: RulePlace,
    /// Which of the primitives it is that may begin the rule's expression.
    opener: u32,
    filters: Vec<Filter>,
    intervals: Vec<Interval>,
}

/// Up to so many rules on a symbol are simply tried.
const TRIED_MAX: usize = 8;

/// So many rules may come to a list before it is told apart anew.
const NEWCOMERS_MAX: usize = 16;

impl Index {
    /// Adds a rule.
    pub fn install(&mut self, place: RulePlace, automaton: &Automaton) {
        for (opener, primitive) in (0..).zip(automaton.expression().openers()) {
            if !self.lists.contains_key(&primitive.symbol) {
                self.count(&primitive.symbol, |count| count.saturating_add(1));
            }
            let list = self.lists.entry(primitive.symbol.clone()).or_default();
            list.add(Opening {
                place,
                opener,
                filters: primitive.filters.clone(),
                intervals: primitive.intervals.clone(),
            });
        }
    }

    /// Takes a rule out that was added with this automaton.
    pub fn uninstall(&mut self, place: RulePlace, automaton: &Automaton) {
        for symbol in automaton.start() {
            let Some(list) = self.lists.get_mut(symbol) else {
                continue;
            };
            list.remove(place);
            if list.openings.is_empty() {
                self.lists.swap_remove(symbol);
                self.count(symbol, |count| count.saturating_sub(1));
            }
        }
    }

    fn count(&mut self, symbol: &Symbol, change: impl Fn(usize) -> usize) {
        if let Some(count) = self.forms.get_mut(symbol.form()) {
            *count = change(*count);
        }
    }

    /// The rules that the event may move, in the order in which they run.
    pub fn woken(&self, event: &Event, armed: &Armed) -> Vec<Woken> {
        let mut woken = Vec::new();
        for (symbol, count) in covering(event).iter().zip(self.forms) {
            if count > 0
                && let Some(list) = self.lists.get(symbol)
            {
                list.collect(event, &mut woken);
            }
        }
        armed.collect(event, &mut woken);
        Woken::in_order(&mut woken);
        woken
    }
}

impl Woken {
    /// Puts them into the order in which the rules run, each rule once.
    pub fn in_order(all: &mut Vec<Self>) {
        all.sort_unstable_by_key(|woken| woken.place);
        all.dedup_by(|other, woken| {
            let same = other.place == woken.place;
            if same {
                woken.proven = woken.proven.or(other.proven);
            }
            same
        });
    }
}

impl From<RulePlace> for Woken {
    /// Nothing is known of its filters.
    fn from(place: RulePlace) -> Self {
        let proven = None;
        Self { place, proven }
    }
}

impl List {
    fn add(&mut self, opening: Opening) {
        self.openings.push(opening);
        let told_apart = self.discrimination.get().map(|it| it.openings);
        if told_apart.is_some_and(|older| self.openings.len() > older + NEWCOMERS_MAX) {
            self.discrimination.take();
        }
    }

    fn remove(&mut self, place: RulePlace) {
        self.openings.retain(|opening| opening.place != place);
        self.discrimination.take();
    }

    fn collect(&self, event: &Event, woken: &mut Vec<Woken>) {
        let mut rest = self.openings.as_slice();
        if rest.len() > TRIED_MAX {
            let make = || Arc::new(Discrimination::new(&self.openings));
            let discrimination = self.discrimination.get_or_init(make);
            discrimination.collect(event, woken);
            rest = rest.get(discrimination.openings..).unwrap_or_default();
        }
        woken.extend(rest.iter().map(|opening| Woken::from(opening.place)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bindings, Conditions, Expression, Primitive, Progress};
    use regex::Regex;
    use stratus_event::{EventId, Map, Name, Timestamp};

    fn name(text: &str) -> Option<Name> {
        (text != "*").then(|| Name::new(text).unwrap())
    }

    fn automaton(symbols: &str) -> Automaton {
        let primitive = |text: &str| {
            let (domain, kind) = text.split_once(':').unwrap();
            let symbol = Symbol {
                domain: name(domain),
                kind: name(kind),
            };
            let (filters, setting) = Default::default();
            Expression::Primitive(Primitive {
                symbol,
                filters,
                setting,
                condition: None,
                intervals: Vec::new(),
                joins: Vec::new(),
                instant: None,
            })
        };
        Automaton::new(&Expression::Before(
            symbols.split(' ').map(primitive).collect(),
        ))
    }

    fn event(domain: &str, kind: &str) -> Event {
        Event {
            id: EventId([0; 16]),
            domain: name(domain).unwrap(),
            kind: name(kind).unwrap(),
            attributes: Map::new(),
            time: Timestamp(0),
            cause: None,
        }
    }

    fn place(ruleset: u64, rule: usize) -> RulePlace {
        RulePlace { ruleset, rule }
    }

    fn index(rules: &[(u64, usize, &str)]) -> Index {
        let mut index = Index::default();
        for (ruleset, rule, symbols) in rules {
            index.install(place(*ruleset, *rule), &automaton(symbols));
        }
        index
    }

    fn woken(index: &Index, domain: &str, kind: &str, armed: &Armed) -> Vec<(u64, usize)> {
        let places = index.woken(&event(domain, kind), armed);
        places
            .into_iter()
            .map(|woken| (woken.place.ruleset, woken.place.rule))
            .collect()
    }

    #[test]
    fn rules_come_in_install_order_then_textual_order() {
        let rules = [
            (7, 0, "a:b"),
            (2, 11, "a:*"),
            (2, 3, "*:*"),
            (1, 0, "a:c"),
            (2, 4, "*:b a:b"),
        ];
        let (index, none) = (index(&rules), Armed::default());
        let expected = [(2, 3), (2, 4), (2, 11), (7, 0)];
        assert_eq!(woken(&index, "a", "b", &none), expected);
        assert_eq!(woken(&index, "x", "y", &none), [(2, 3)]);
    }

    #[test]
    fn later_events_wake_only_rules_that_have_begun() {
        let index = index(&[(0, 0, "t:a t:b"), (0, 1, "t:b t:a"), (0, 2, "t:a t:a")]);
        let none = Armed::default();
        let mut armed = Armed::default();
        armed.arm(place(0, 1), &automaton("t:b t:a"));
        assert_eq!(woken(&index, "t", "a", &none), [(0, 0), (0, 2)]);
        assert_eq!(woken(&index, "t", "a", &armed), [(0, 0), (0, 1), (0, 2)]);
        assert_eq!(woken(&index, "t", "b", &none), [(0, 1)]);
        armed.disarm(place(0, 1), &automaton("t:b t:a"));
        assert!(armed.is_empty());
        assert_eq!(woken(&index, "t", "a", &armed), [(0, 0), (0, 2)]);
    }

    #[test]
    fn what_is_taken_out_leaves_nothing() {
        let mut index = index(&[(0, 0, "t:a t:b"), (1, 0, "t:a")]);
        let none = Armed::default();
        index.uninstall(place(0, 0), &automaton("t:a t:b"));
        assert_eq!(woken(&index, "t", "a", &none), [(1, 0)]);
        index.uninstall(place(1, 0), &automaton("t:a"));
        assert!(index.lists.is_empty());
        assert_eq!(index.forms, [0; 4]);
    }

    fn filter(pattern: &str) -> Expression {
        let filter = Filter {
            attribute: Name::new("n").unwrap(),
            pattern: Regex::new(pattern).unwrap().into(),
        };
        Expression::Primitive(Primitive {
            filters: vec![filter],
            ..Primitive::of(Symbol {
                domain: name("t"),
                kind: name("a"),
            })
        })
    }

    fn filtered(pattern: &str) -> Automaton {
        Automaton::new(&filter(pattern))
    }

    struct NoConditions;

    impl Conditions for NoConditions {
        fn holds(&self, _: usize, _: &Event, _: &Bindings) -> bool {
            true
        }
    }

    /// Each of some parts of a pattern after each of some others.
    fn products(parts: &[&[&str]]) -> Vec<String> {
        let append = |all: Vec<String>, next: &&[&str]| {
            let all = all.iter();
            all.flat_map(|text| next.iter().map(move |part| format!("{text}{part}")))
                .collect()
        };
        parts.iter().fold(vec![String::new()], append)
    }

    #[test]
    fn what_is_proven_is_so_and_what_matches_is_woken() {
        let begins: &[_] = &["", "^", r"\b", "(?m)^", "(?:^|a)"];
        let bodies: &[_] = &["", "ab", "a|b", "(?:a|b)c?", "[ab]", "(a)", "b+", "a$b"];
        let patterns = products(&[begins, bodies, &["", "$", r"\B", "(?m)$", "c$|b"]]);
        let pair = |at: usize| [at, at * 7 + 3].map(|at| &patterns[at % patterns.len()]);
        let rule = |at| Automaton::new(&Expression::Or(pair(at).map(|it| filter(it)).into()));
        let rules: Vec<_> = (0..patterns.len()).map(rule).collect();
        let mut index = Index::default();
        for (number, automaton) in rules.iter().enumerate() {
            index.install(place(0, number), automaton);
        }
        let mut proofs = 0;
        let letters: &[_] = &["", "a", "b", "c", "\n"];
        for text in products(&[letters; 4]) {
            let event = Event {
                attributes: [("n", text.as_str())].into_iter().collect(),
                ..event("t", "a")
            };
            let woken = index.woken(&event, &Armed::default());
            for (number, automaton) in rules.iter().enumerate() {
                let found = woken.iter().find(|woken| woken.place.rule == number);
                let proven = found.and_then(|woken| woken.proven);
                proofs += usize::from(proven.is_some());
                let (start, time) = (Progress::default(), event.time);
                let step = automaton.step_proven(&start, &event, time, &NoConditions, proven);
                let fired = found.is_some() && step.fired.is_some();
                let mut openers = automaton.expression().openers().into_iter();
                let matches = openers.any(|it| it.filters[0].pattern.is_match(&text));
                assert_eq!(fired, matches, "{:?} on {text:?}", pair(number));
            }
        }
        assert!(proofs > 0, "nothing is proven");
    }

    /// A hundred rules of each form; which of them does an event wake?
    #[test]
    fn long_lists_are_told_apart_by_attributes() {
        let mut index = Index::default();
        for rule in 0..100 {
            let patterns = [
                format!("^k{rule}$"),
                format!("item {rule}:"),
                "^[^k]*$".into(),
            ];
            for (ruleset, pattern) in patterns.iter().enumerate() {
                index.install(place(ruleset as u64, rule), &filtered(pattern));
            }
        }
        let woken = |index: &Index, n: &str| {
            let attributes = [("n", n)].into_iter().collect();
            let event = Event {
                attributes,
                ..event("t", "a")
            };
            let woken = index.woken(&event, &Armed::default());
            let places: Vec<_> = woken.iter().map(|woken| woken.place).collect();
            let short = places.iter().filter(|place| place.ruleset < 2);
            (
                short
                    .map(|place| (place.ruleset, place.rule))
                    .collect::<Vec<_>>(),
                places.len(),
            )
        };
        assert_eq!(woken(&index, "k7"), (vec![(0, 7)], 1));
        assert_eq!(woken(&index, "k7 "), (vec![], 0));
        assert_eq!(woken(&index, "an item 31: x"), (vec![(1, 31)], 101));
        assert_eq!(woken(&index, ""), (vec![], 100));
        // A newcomer is found before the list is told apart anew, and after.
        index.install(place(0, 100), &filtered("^k100$"));
        assert_eq!(woken(&index, "k7").0, [(0, 7), (0, 100)]);
        for rule in 101..=100 + NEWCOMERS_MAX {
            index.install(place(0, rule), &filtered(&format!("^k{rule}$")));
        }
        assert_eq!(woken(&index, "k101"), (vec![(0, 101)], 1));
        index.uninstall(place(0, 101), &filtered("^k101$"));
        assert_eq!(woken(&index, "k101"), (vec![], 0));
    }
}
