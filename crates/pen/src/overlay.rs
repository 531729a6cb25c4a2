//! What the rules of a transaction have changed so far, on top of the PEN's state.

use std::{collections::BTreeMap, sync::Arc};

use stratus_event::{Eci, Fault, Name, Value};

use crate::{
    Channel, State,
    instant::is_instant,
    language::{Change, Program, StateView, SubscriptionView, Timer, TimerChange},
};

/// The state as the next rule sees it.
#[derive(Debug)]
pub(crate) struct Overlay<'a> {
    state: &'a State,
    variables: BTreeMap<Name, BTreeMap<Name, Option<Value>>>,
    timers: BTreeMap<Name, Option<Timer>>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(state: &'a State) -> Self {
        Self {
            state,
            variables: BTreeMap::new(),
            timers: BTreeMap::new(),
        }
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.variables
            .entry(change.rid)
            .or_default()
            .insert(change.name, change.value);
    }

    pub(crate) fn change_timer(&mut self, change: TimerChange) {
        match change {
            TimerChange::Remove { id } => self.timers.insert(id, None),
            TimerChange::Set(timer) => self.timers.insert(timer.id.clone(), Some(timer)),
        };
    }

    /// The timer of that id, as it is now.
    pub(crate) fn timer(&self, id: &Name) -> Option<&Timer> {
        match self.timers.get(id) {
            Some(changed) => changed.as_ref(),
            None => self.state.timer(id),
        }
    }

    /// All timers, as they are now.
    pub(crate) fn all_timers(&self) -> impl Iterator<Item = &Timer> {
        let unchanged = self
            .state
            .all_timers()
            .filter(|old| !self.timers.contains_key(&old.id));
        unchanged.chain(self.timers.values().flatten())
    }

    /// What has changed: variables, each once, and timers, each once.
    pub(crate) fn into_changes(self) -> (Vec<Change>, Vec<TimerChange>) {
        let of_ruleset = |(rid, variables): (Name, BTreeMap<Name, Option<Value>>)| {
            let change = move |(name, value)| Change {
                rid: rid.clone(),
                name,
                value,
            };
            variables.into_iter().map(change)
        };
        let state = self.state;
        let timer = |(id, timer): (Name, Option<Timer>)| match timer {
            Some(timer) => Some(TimerChange::Set(timer)),
            // One that was set and removed in here was never there.
            None => state
                .timer(&id)
                .map(|_| TimerChange::Remove { id: id.clone() }),
        };
        let changes = self.variables.into_iter().flat_map(of_ruleset).collect();
        (changes, self.timers.into_iter().filter_map(timer).collect())
    }
}

impl StateView for Overlay<'_> {
    fn variable(&self, rid: &Name, name: &Name) -> Option<Value> {
        match self
            .variables
            .get(rid)
            .and_then(|variables| variables.get(name))
        {
            Some(changed) => changed.clone(),
            None => self.state.variable(rid, name),
        }
    }

    fn program(&self, rid: &Name) -> Option<Arc<dyn Program>> {
        self.state.program(rid)
    }

    fn installed(&self) -> Vec<Arc<dyn Program>> {
        self.state.installed()
    }

    fn channels(&self) -> Vec<Channel> {
        StateView::channels(self.state)
    }

    fn permits_query(&self, eci: &Eci, rid: &Name, name: &Name) -> Result<(), Fault> {
        self.state.permits_query(eci, rid, name)
    }

    fn subscriptions(&self) -> Vec<SubscriptionView> {
        self.state.subscriptions()
    }

    fn identity(&self) -> (String, String) {
        self.state.identity()
    }

    fn timers(&self, rid: &Name) -> Vec<Timer> {
        let mut timers: Vec<_> = self
            .all_timers()
            .filter(|timer| timer.rid == *rid && !is_instant(&timer.id))
            .cloned()
            .collect();
        timers.sort_by(|one, other| one.id.cmp(&other.id));
        timers
    }
}
