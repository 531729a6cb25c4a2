//! What PENs with the same rulesets have in common.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use crate::{
    Gone, State,
    language::Program,
    rulesets::{Addresses, Rulesets},
};

/// The sets of rulesets that the PENs of a node have, each with its automata and its index once.
///
/// PENs with the same programs at the same places of their install order share a set, so that each
/// needs room only for what is its own. A set goes with its last PEN.
#[derive(Debug, Default)]
pub struct Common {
    sets: BTreeMap<Addresses, Weak<Rulesets>>,
    /// How many sets there may be before those are looked for that are gone.
    sweep_at: usize,
}

impl Common {
    /// Lets a PEN share its set of rulesets: call it after each change of them.
    pub fn share(&mut self, state: &mut State) {
        match self.known(&state.rulesets.addresses()) {
            Some(known) => state.rulesets = known,
            None => self.remember(&state.rulesets),
        }
    }

    /// [`State::restore_ruleset`] into a shared set, which is not built again if it is known.
    pub fn restore_ruleset(&mut self, state: &mut State, program: Arc<dyn Program>) -> Gone {
        let addresses = state.rulesets.addresses_with(&program);
        if let Some(known) = self.known(&addresses) {
            return state.take_over(program.rid(), |rulesets| *rulesets = known);
        }
        let gone = state.restore_ruleset(program);
        self.remember(&state.rulesets);
        gone
    }

    /// The set of these programs. Both are alive, so that programs at the same address are the
    /// same; the key may be that of a set which is gone.
    fn known(&self, addresses: &Addresses) -> Option<Arc<Rulesets>> {
        let known = self.sets.get(addresses)?.upgrade()?;
        (known.addresses() == *addresses).then_some(known)
    }

    fn remember(&mut self, rulesets: &Arc<Rulesets>) {
        self.sweep();
        self.sets
            .insert(rulesets.addresses(), Arc::downgrade(rulesets));
    }

    fn sweep(&mut self) {
        if self.sets.len() >= self.sweep_at {
            self.sets.retain(|_, set| set.strong_count() > 0);
            self.sweep_at = 2 * self.sets.len() + SETS_MIN;
        }
    }
}

/// Fewer sets than these are not worth a sweep.
const SETS_MIN: usize = 64;
