//! The rules that are in the middle of their expression.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use stratus_event::Event;

use crate::{Automaton, RulePlace, Symbol, Woken, symbol::covering};

/// Event symbols to the rules whose expression has begun and that the event may move: those that
/// wait for it, and those that it may throw back.
#[derive(Clone, Debug, Default)]
pub struct Armed {
    rules: IndexMap<Symbol, BTreeSet<RulePlace>, FxBuildHasher>,
    /// How many of the lists are of each of the forms that [`covering`] gives.
    forms: [usize; 4],
}

impl Armed {
    /// The rule's expression has begun.
    pub fn arm(&mut self, place: RulePlace, automaton: &Automaton) {
        for symbol in automaton.start().iter().chain(automaton.later()) {
            if !self.rules.contains_key(symbol) {
                self.count(symbol, |count| count.saturating_add(1));
            }
            self.rules.entry(symbol.clone()).or_default().insert(place);
        }
    }

    /// The rule's expression is at its start again, or the rule is gone.
    pub fn disarm(&mut self, place: RulePlace, automaton: &Automaton) {
        for symbol in automaton.start().iter().chain(automaton.later()) {
            let Some(rules) = self.rules.get_mut(symbol) else {
                continue;
            };
            rules.remove(&place);
            if rules.is_empty() {
                self.rules.swap_remove(symbol);
                self.count(symbol, |count| count.saturating_sub(1));
            }
        }
    }

    fn count(&mut self, symbol: &Symbol, change: impl Fn(usize) -> usize) {
        if let Some(count) = self.forms.get_mut(symbol.form()) {
            *count = change(*count);
        }
    }

    /// Whether no rule is in the middle of anything.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Adds the rules that the event may move.
    pub(crate) fn collect(&self, event: &Event, woken: &mut Vec<Woken>) {
        for (symbol, count) in covering(event).iter().zip(self.forms) {
            if count > 0 {
                let rules = self.rules.get(symbol).into_iter().flatten();
                woken.extend(rules.copied().map(Woken::from));
            }
        }
    }
}
