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
