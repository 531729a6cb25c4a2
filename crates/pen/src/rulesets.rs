//! The rulesets of a PEN in install order, and what finds their rules.

use std::{collections::BTreeMap, sync::Arc};

use stratus_event::{Event, Name};
use stratus_salience::{Armed, Automaton, Index, RulePlace, Woken};

use crate::language::{Outline, Program};

/// The rulesets of one PEN.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rulesets {
    installed: BTreeMap<u64, Installed>,
    places: BTreeMap<Name, u64>,
    index: Index,
}

/// Where programs lie in memory, by their place.
pub(crate) type Addresses = Vec<(u64, usize)>;

/// A ruleset, its automata in the order of its rules.
#[derive(Clone, Debug)]
struct Installed {
    program: Arc<dyn Program>,
    automata: Vec<Automaton>,
}

/// One rule of an installed ruleset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule<'a> {
    pub(crate) place: RulePlace,
    pub(crate) program: &'a Arc<dyn Program>,
    pub(crate) outline: &'a Outline,
    pub(crate) automaton: &'a Automaton,
}

impl Rulesets {
    /// Adds a ruleset at the end, or replaces the one of the same id at its place.
    pub(crate) fn put(&mut self, program: Arc<dyn Program>) {
        let rid = program.rid().clone();
        let place = self.place(&rid);
        self.places.insert(rid, place);
        self.take(place);
        let automata = program
            .rules()
            .iter()
            .map(|rule| Automaton::new(&rule.select))
            .collect();
        let installed = Installed { program, automata };
        for rule in installed.rules(place).filter(|rule| rule.outline.active) {
            self.index.install(rule.place, rule.automaton);
        }
        self.installed.insert(place, installed);
    }

    /// Takes a ruleset out.
    pub(crate) fn remove(&mut self, rid: &Name) {
        if let Some(place) = self.places.remove(rid) {
            self.take(place);
        }
    }

    fn take(&mut self, place: u64) {
        if let Some(installed) = self.installed.remove(&place) {
            for rule in installed.rules(place) {
                self.index.uninstall(rule.place, rule.automaton);
            }
        }
    }

    /// The programs in install order.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &Arc<dyn Program>> {
        self.installed.values().map(|installed| &installed.program)
    }

    /// The program of that id.
    pub(crate) fn program(&self, rid: &Name) -> Option<&Arc<dyn Program>> {
        Some(&self.installed.get(self.places.get(rid)?)?.program)
    }

    /// The rule at that place.
    pub(crate) fn rule(&self, place: RulePlace) -> Option<Rule<'_>> {
        self.installed.get(&place.ruleset)?.rule(place)
    }

    /// The rule of that name.
    pub(crate) fn named(&self, rid: &Name, rule: &Name) -> Option<Rule<'_>> {
        self.rules(rid).find(|it| it.outline.name == *rule)
    }

    /// The rules of a ruleset, in textual order.
    pub(crate) fn rules(&self, rid: &Name) -> impl Iterator<Item = Rule<'_>> {
        let place = self.places.get(rid).copied();
        let installed = place.and_then(|place| Some((place, self.installed.get(&place)?)));
        installed
            .into_iter()
            .flat_map(|(place, installed)| installed.rules(place))
    }

    /// All rules, in the order in which they run.
    pub(crate) fn all(&self) -> impl Iterator<Item = Rule<'_>> {
        let installed = self.installed.iter();
        installed.flat_map(|(place, installed)| installed.rules(*place))
    }

    /// The rules that an event may move, in the order in which they run.
    pub(crate) fn woken(&self, event: &Event, armed: &Armed) -> Vec<Woken> {
        self.index.woken(event, armed)
    }

    /// Where the programs lie in memory, by their place.
    pub(crate) fn addresses(&self) -> Addresses {
        let address = |installed: &Installed| Arc::as_ptr(&installed.program).addr();
        self.installed
            .iter()
            .map(|(place, installed)| (*place, address(installed)))
            .collect()
    }

    /// The same after [`Rulesets::put`].
    pub(crate) fn addresses_with(&self, program: &Arc<dyn Program>) -> Addresses {
        let mut addresses = self.addresses();
        let address = Arc::as_ptr(program).addr();
        let place = self.place(program.rid());
        match addresses.binary_search_by_key(&place, |(place, _)| *place) {
            Ok(at) => drop(addresses.splice(at..=at, [(place, address)])),
            Err(at) => addresses.insert(at, (place, address)),
        }
        addresses
    }

    /// The place of a ruleset, or where it would come.
    fn place(&self, rid: &Name) -> u64 {
        let last = self.installed.last_key_value();
        let end = || last.map_or(0, |(last, _)| last.saturating_add(1));
        self.places.get(rid).copied().unwrap_or_else(end)
    }
}

impl Rule<'_> {
    /// Whether this rule can go on from where the other one, of an earlier version, has come.
    pub(crate) fn continues(&self, earlier: &Rule<'_>) -> bool {
        self.outline.active && self.automaton.same(earlier.automaton)
    }
}

impl Installed {
    fn rules(&self, ruleset: u64) -> impl Iterator<Item = Rule<'_>> {
        (0..self.automata.len()).filter_map(move |rule| self.rule(RulePlace { ruleset, rule }))
    }

    fn rule(&self, place: RulePlace) -> Option<Rule<'_>> {
        Some(Rule {
            place,
            program: &self.program,
            outline: self.program.rules().get(place.rule)?,
            automaton: self.automata.get(place.rule)?,
        })
    }
}
