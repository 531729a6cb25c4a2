//! What the rules of a transaction have changed so far, on top of the PEN's state.

use std::{collections::BTreeMap, sync::Arc};

use stratus_event::{Eci, Fault, Name, PenId, Value};

use crate::{
    Arrangement, Channel, ChannelId, Kin, State, Terms,
    family::Counted,
    instant::is_instant,
    language::{Change, Program, StateView, SubscriptionView, Timer, TimerChange},
    state::permits_query,
};

/// The state as the next rule sees it.
#[derive(Debug)]
pub(crate) struct Overlay<'a> {
    state: &'a State,
    variables: BTreeMap<Name, BTreeMap<Name, Option<Value>>>,
    timers: BTreeMap<Name, Option<Timer>>,
    arrangements: Vec<Arrangement>,
    counted: Counted,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(state: &'a State) -> Self {
        Self {
            state,
            variables: BTreeMap::new(),
            timers: BTreeMap::new(),
            arrangements: Vec::new(),
            counted: state.counted(),
        }
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.variables
            .entry(change.rid)
            .or_default()
            .insert(change.name, change.value);
    }

    /// Changes the PEN itself.
    pub(crate) fn arrange(&mut self, arrangement: Arrangement) {
        self.counted.count(&arrangement);
        self.arrangements.push(arrangement);
    }

    /// How many channels and children there are now.
    pub(crate) fn counted(&self) -> Counted {
        self.counted
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
        let mut channels = StateView::channels(self.state);
        for arrangement in &self.arrangements {
            arrangement.rearrange_channels(&mut channels);
        }
        channels
    }

    fn permits_query(&self, eci: &Eci, rid: &Name, name: &Name) -> Result<(), Fault> {
        if self.arrangements.is_empty() {
            return self.state.permits_query(eci, rid, name);
        }
        let channels = StateView::channels(self);
        let channel = channels.iter().find(|channel| channel.eci == *eci);
        permits_query(channel, eci, rid, name)
    }

    fn subscriptions(&self) -> Vec<SubscriptionView> {
        self.state.subscriptions()
    }

    fn id(&self) -> PenId {
        self.state.id()
    }

    fn name(&self) -> String {
        StateView::name(self.state)
    }

    fn parent(&self) -> Option<Kin> {
        StateView::parent(self.state)
    }

    fn children(&self) -> Vec<Kin> {
        let mut children = StateView::children(self.state);
        for arrangement in &self.arrangements {
            arrangement.rearrange_children(&mut children);
        }
        children
    }

    fn child(&self, theirs: &Eci) -> Option<Kin> {
        let mut child: Vec<Kin> = self.state.child(theirs).into_iter().collect();
        for arrangement in &self.arrangements {
            arrangement.rearrange_children(&mut child);
        }
        child.into_iter().find(|child| child.theirs == *theirs)
    }

    fn eci(&self, id: ChannelId) -> Eci {
        self.state.eci(id)
    }

    fn eci_in_child(&self, child: PenId, id: ChannelId) -> Eci {
        self.state.eci_in_child(child, id)
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
    fn terms(&self, rid: &Name) -> Terms {
        self.state.terms(rid)
    }

    fn handle(&self, rid: &Name, key: &str, part: usize) -> String {
        self.state.handle(rid, key, part)
    }
}
