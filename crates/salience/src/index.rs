//! Finding the rules that an event wakes.

use std::collections::{BTreeMap, BTreeSet};

use stratus_event::Event;

use crate::{Automaton, Symbol};

/// Event symbols to rules, for the rulesets of one PEN, in the order in which rules run.
///
/// An event costs a look at the lists of its symbol and of the three wildcards that cover it, and
/// nothing for rules that do not wait for it. A rule in the middle of nothing is not in the way of
/// the later events of its expression.
#[derive(Clone, Debug, Default)]
pub struct Index {
    lists: BTreeMap<Symbol, Lists>,
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

/// The rules that wait for a symbol.
#[derive(Clone, Debug, Default)]
struct Lists {
    /// Those whose expression the event may begin: always armed.
    start: BTreeSet<RulePlace>,
    /// Those whose expression the event may only continue: armed while they are in the middle.
    later: BTreeSet<RulePlace>,
}

impl Index {
    /// Adds a rule.
    pub fn install(&mut self, place: RulePlace, automaton: &Automaton) {
        for symbol in automaton.start() {
            self.lists
                .entry(symbol.clone())
                .or_default()
                .start
                .insert(place);
        }
        for symbol in automaton.later() {
            self.lists
                .entry(symbol.clone())
                .or_default()
                .later
                .insert(place);
        }
    }

    /// Takes a rule out that was added with this automaton.
    pub fn uninstall(&mut self, place: RulePlace, automaton: &Automaton) {
        for symbol in automaton.start().iter().chain(automaton.later()) {
            self.remove(symbol, place);
        }
    }

    fn remove(&mut self, symbol: &Symbol, place: RulePlace) {
        if let Some(lists) = self.lists.get_mut(symbol) {
            lists.start.remove(&place);
            lists.later.remove(&place);
            if lists.start.is_empty() && lists.later.is_empty() {
                self.lists.remove(symbol);
            }
        }
    }

    /// The rules that the event may move, in the order in which they run. `armed` says whether a
    /// rule's expression has begun.
    pub fn woken(&self, event: &Event, armed: impl Fn(RulePlace) -> bool) -> Vec<RulePlace> {
        let mut woken = Vec::new();
        for lists in covering(event)
            .iter()
            .filter_map(|symbol| self.lists.get(symbol))
        {
            woken.extend(&lists.start);
            woken.extend(lists.later.iter().filter(|place| armed(**place)));
        }
        woken.sort_unstable();
        woken.dedup();
        woken
    }
}

/// The four symbols under which rules for this event may stand.
fn covering(event: &Event) -> [Symbol; 4] {
    let domain = Some(event.domain.clone());
    let kind = Some(event.kind.clone());
    [
        Symbol {
            domain: domain.clone(),
            kind: kind.clone(),
        },
        Symbol { domain, kind: None },
        Symbol { domain: None, kind },
        Symbol {
            domain: None,
            kind: None,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expression, Primitive};
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

    fn index(rules: &[(u64, usize, &str)]) -> Index {
        let mut index = Index::default();
        for (ruleset, rule, symbols) in rules {
            index.install(
                RulePlace {
                    ruleset: *ruleset,
                    rule: *rule,
                },
                &automaton(symbols),
            );
        }
        index
    }

    fn woken(index: &Index, domain: &str, kind: &str, armed: bool) -> Vec<(u64, usize)> {
        let places = index.woken(&event(domain, kind), |_| armed);
        places
            .into_iter()
            .map(|place| (place.ruleset, place.rule))
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
        let index = index(&rules);
        assert_eq!(
            woken(&index, "a", "b", false),
            [(2, 3), (2, 4), (2, 11), (7, 0)]
        );
        assert_eq!(woken(&index, "x", "y", false), [(2, 3)]);
    }

    #[test]
    fn later_events_wake_only_rules_that_have_begun() {
        let index = index(&[(0, 0, "t:a t:b"), (0, 1, "t:b t:a"), (0, 2, "t:a t:a")]);
        assert_eq!(woken(&index, "t", "a", false), [(0, 0), (0, 2)]);
        assert_eq!(woken(&index, "t", "a", true), [(0, 0), (0, 1), (0, 2)]);
        assert_eq!(woken(&index, "t", "b", false), [(0, 1)]);
    }

    #[test]
    fn what_is_taken_out_leaves_nothing() {
        let mut index = index(&[(0, 0, "t:a t:b"), (1, 0, "t:a")]);
        index.uninstall(
            RulePlace {
                ruleset: 0,
                rule: 0,
            },
            &automaton("t:a t:b"),
        );
        assert_eq!(woken(&index, "t", "a", true), [(1, 0)]);
        index.uninstall(
            RulePlace {
                ruleset: 1,
                rule: 0,
            },
            &automaton("t:a"),
        );
        assert!(index.lists.is_empty());
    }
}
