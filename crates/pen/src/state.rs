//! A PEN as it is at one commit position.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use stratus_event::{Eci, Fault, Name, PenId, Value, Whose};
use stratus_salience::{Progress, RulePlace};

use crate::{
    Channel, Done, Moved,
    language::{Change, Program, StateView, SubscriptionView, Timer, TimerChange},
    rulesets::Rulesets,
};

/// All that rules can read of a PEN. Cloning is cheap: a clone shares everything until one of the
/// two changes.
#[derive(Clone, Debug)]
pub struct State {
    id: PenId,
    name: Arc<str>,
    channels: Arc<BTreeMap<Eci, Channel>>,
    rulesets: Arc<Rulesets>,
    automata: Arc<BTreeMap<RulePlace, Progress>>,
    variables: Arc<BTreeMap<Name, Arc<BTreeMap<Name, Value>>>>,
    timers: Arc<BTreeMap<Name, Timer>>,
    subscriptions: Arc<Vec<SubscriptionView>>,
}

/// What went away with a ruleset: what the store has to remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Automata that were not at their start: ruleset, rule.
    pub automata: Vec<(Name, Name)>,
    /// Timers.
    pub timers: Vec<Name>,
    /// Variables: ruleset, name.
    pub variables: Vec<(Name, Name)>,
}

impl State {
    /// A PEN with nothing in it.
    pub fn new(id: PenId, name: &str) -> Self {
        Self {
            id,
            name: name.into(),
            channels: Arc::default(),
            rulesets: Arc::default(),
            automata: Arc::default(),
            variables: Arc::default(),
            timers: Arc::default(),
            subscriptions: Arc::default(),
        }
    }

    /// Takes over what an evaluation of this state came to.
    pub fn apply(&mut self, done: &Done) {
        done.changes.iter().for_each(|change| self.change(change));
        done.automata
            .iter()
            .for_each(|moved| self.move_automaton(moved));
        for timer in &done.timers {
            match timer {
                TimerChange::Remove { id } => drop(self.remove_timer(id)),
                TimerChange::Set(timer) => self.set_timer(timer.clone()),
            }
        }
    }

    /// Puts a channel in, or in place of the one of the same ECI.
    pub fn set_channel(&mut self, channel: Channel) {
        Arc::make_mut(&mut self.channels).insert(channel.eci, channel);
    }

    /// Takes a channel out.
    pub fn remove_channel(&mut self, eci: &Eci) -> Option<Channel> {
        Arc::make_mut(&mut self.channels).remove(eci)
    }

    /// Sets or clears a variable.
    pub fn change(&mut self, change: &Change) {
        let variables = Arc::make_mut(&mut self.variables);
        let of_ruleset = Arc::make_mut(variables.entry(change.rid.clone()).or_default());
        match &change.value {
            Some(value) => drop(of_ruleset.insert(change.name.clone(), value.clone())),
            None => drop(of_ruleset.remove(&change.name)),
        }
        if of_ruleset.is_empty() {
            variables.remove(&change.rid);
        }
    }

    /// Says how far a rule's event expression has come. A rule that is not there has none.
    pub fn move_automaton(&mut self, moved: &Moved) {
        let Some(place) = self
            .rulesets
            .named(&moved.rid, &moved.rule)
            .map(|rule| rule.place)
        else {
            return;
        };
        let automata = Arc::make_mut(&mut self.automata);
        match &moved.progress {
            Some(progress) => drop(automata.insert(place, progress.clone())),
            None => drop(automata.remove(&place)),
        }
    }

    /// Sets a timer, in place of one of the same id.
    pub fn set_timer(&mut self, timer: Timer) {
        Arc::make_mut(&mut self.timers).insert(timer.id.clone(), timer);
    }

    /// Takes a timer out.
    pub fn remove_timer(&mut self, id: &Name) -> Option<Timer> {
        Arc::make_mut(&mut self.timers).remove(id)
    }

    /// Says what the PEN's subscriptions are.
    pub fn set_subscriptions(&mut self, subscriptions: Vec<SubscriptionView>) {
        self.subscriptions = Arc::new(subscriptions);
    }

    /// Installs a ruleset, or replaces the one of the same id, which keeps its place, its variables,
    /// its timers and the automata of those rules whose name and event expression stay.
    ///
    /// The modules that it uses must be installed (`module-missing`) and must not use it
    /// (`module-cycle`).
    pub fn install(&mut self, program: Arc<dyn Program>) -> Result<Gone, Fault> {
        self.check_modules(program.as_ref())?;
        Ok(self.restore_ruleset(program))
    }

    /// Like [`State::install`] without its checks, for rulesets that were installed before: they
    /// come back in install order, which need not be the order of who uses whom.
    pub fn restore_ruleset(&mut self, program: Arc<dyn Program>) -> Gone {
        let rid = program.rid().clone();
        let before = self.rulesets.clone();
        let begun = self.take_automata(&rid);
        Arc::make_mut(&mut self.rulesets).put(program);
        let mut gone = Gone::default();
        for (name, progress) in begun {
            let old = before.named(&rid, &name);
            let new = self.rulesets.named(&rid, &name);
            match old.zip(new).filter(|(old, new)| new.continues(old)) {
                Some((_, new)) => {
                    Arc::make_mut(&mut self.automata).insert(new.place, progress);
                }
                None => gone.automata.push((rid.clone(), name)),
            }
        }
        gone
    }

    /// Takes a ruleset out, with its variables and timers, unless it is not there
    /// (`ruleset-unknown`) or another one uses it as a module (`ruleset-used`).
    pub fn uninstall(&mut self, rid: &Name) -> Result<Gone, Fault> {
        if self.rulesets.program(rid).is_none() {
            return Err(ruleset_unknown(rid));
        }
        if let Some(user) = self
            .programs()
            .find(|program| program.modules().contains(rid))
        {
            return Err(ruleset_used(rid, user.rid()));
        }
        let begun = self.take_automata(rid);
        let gone = Gone {
            automata: begun
                .into_iter()
                .map(|(rule, _)| (rid.clone(), rule))
                .collect(),
            timers: self.timers(rid).into_iter().map(|timer| timer.id).collect(),
            variables: self
                .variables(rid)
                .map(|(name, _)| (rid.clone(), name.clone()))
                .collect(),
        };
        Arc::make_mut(&mut self.timers).retain(|_, timer| timer.rid != *rid);
        Arc::make_mut(&mut self.variables).remove(rid);
        Arc::make_mut(&mut self.rulesets).remove(rid);
        Ok(gone)
    }

    /// Shares the other PEN's rulesets and index if they are the same programs at the same places,
    /// so that many PENs with the same rulesets need the memory of one.
    pub fn share_rulesets(&mut self, other: &Self) -> bool {
        let same = self.rulesets.same(&other.rulesets);
        if same {
            self.rulesets = other.rulesets.clone();
        }
        same
    }

    /// The PEN's id.
    pub fn id(&self) -> PenId {
        self.id
    }

    /// What its owner calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The channel of that ECI.
    pub fn channel(&self, eci: &Eci) -> Option<&Channel> {
        self.channels.get(eci)
    }

    /// All channels, in the order of their ECIs.
    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values()
    }

    /// The programs of the installed rulesets, in install order.
    pub fn programs(&self) -> impl Iterator<Item = &Arc<dyn Program>> {
        self.rulesets.programs()
    }

    /// The variables of a ruleset, by name.
    pub fn variables(&self, rid: &Name) -> impl Iterator<Item = (&Name, &Value)> {
        self.variables
            .get(rid)
            .into_iter()
            .flat_map(|variables| variables.iter())
    }

    /// All timers, by id.
    pub fn all_timers(&self) -> impl ExactSizeIterator<Item = &Timer> {
        self.timers.values()
    }

    /// The timer of that id.
    pub fn timer(&self, id: &Name) -> Option<&Timer> {
        self.timers.get(id)
    }

    /// How far a rule's event expression has come; none if it is at its start.
    pub fn progress(&self, rid: &Name, rule: &Name) -> Option<&Progress> {
        self.automata.get(&self.rulesets.named(rid, rule)?.place)
    }

    /// Whether an event of that symbol may come in by that channel: `channel-unknown`,
    /// `channel-closed`, `event-not-permitted`.
    pub fn permits_event(&self, eci: &Eci, domain: &Name, kind: &Name) -> Result<(), Fault> {
        let policy = &self.open_channel(eci)?.policy;
        if policy.permits_event(domain, kind) {
            return Ok(());
        }
        let message = format!("the channel {eci} does not let in the event {domain}:{kind}");
        Err(Fault::new(Whose::Caller, "event-not-permitted", message)
            .hint("use another channel, or let the event in by the channel's policy"))
    }

    /// Whether that query may be asked by that channel: `channel-unknown`, `channel-closed`,
    /// `query-not-permitted`.
    pub fn permits_query(&self, eci: &Eci, rid: &Name, name: &Name) -> Result<(), Fault> {
        let policy = &self.open_channel(eci)?.policy;
        if policy.permits_query(rid, name) {
            return Ok(());
        }
        let message = format!("the channel {eci} does not let in the query {rid}/{name}");
        Err(Fault::new(Whose::Caller, "query-not-permitted", message)
            .hint("use another channel, or let the query in by the channel's policy"))
    }

    pub(crate) fn rulesets(&self) -> &Rulesets {
        &self.rulesets
    }

    pub(crate) fn progress_at(&self, place: RulePlace) -> Option<&Progress> {
        self.automata.get(&place)
    }

    fn open_channel(&self, eci: &Eci) -> Result<&Channel, Fault> {
        let channel = self.channels.get(eci).ok_or_else(|| {
            Fault::new(
                Whose::Caller,
                "channel-unknown",
                format!("there is no channel {eci}"),
            )
            .hint("list the PEN's channels")
        })?;
        if channel.open {
            return Ok(channel);
        }
        Err(Fault::new(
            Whose::Caller,
            "channel-closed",
            format!("the channel {eci} is closed"),
        )
        .hint("open it again, or use another channel"))
    }

    /// Takes out, and gives by rule, how far the ruleset's event expressions have come.
    fn take_automata(&mut self, rid: &Name) -> Vec<(Name, Progress)> {
        let rulesets = self.rulesets.clone();
        let begun = rulesets
            .rules(rid)
            .filter(|rule| self.automata.contains_key(&rule.place));
        let begun: Vec<_> = begun
            .map(|rule| (rule.place, rule.outline.name.clone()))
            .collect();
        let take = |(place, name)| Some((name, Arc::make_mut(&mut self.automata).remove(&place)?));
        begun.into_iter().filter_map(take).collect()
    }

    fn check_modules(&self, program: &dyn Program) -> Result<(), Fault> {
        let mut seen = BTreeSet::new();
        let mut open = program.modules().to_vec();
        while let Some(rid) = open.pop() {
            if rid == *program.rid() {
                return Err(module_cycle(&rid));
            }
            let module = self
                .rulesets
                .program(&rid)
                .ok_or_else(|| module_missing(program, &rid))?;
            if seen.insert(rid) {
                open.extend_from_slice(module.modules());
            }
        }
        Ok(())
    }
}

impl StateView for State {
    fn variable(&self, rid: &Name, name: &Name) -> Option<Value> {
        self.variables.get(rid)?.get(name).cloned()
    }

    fn program(&self, rid: &Name) -> Option<Arc<dyn Program>> {
        self.rulesets.program(rid).cloned()
    }

    fn subscriptions(&self) -> Vec<SubscriptionView> {
        self.subscriptions.to_vec()
    }

    fn identity(&self) -> (String, String) {
        (self.id.to_string(), self.name.to_string())
    }

    fn timers(&self, rid: &Name) -> Vec<Timer> {
        self.timers
            .values()
            .filter(|timer| timer.rid == *rid)
            .cloned()
            .collect()
    }
}

fn module_cycle(rid: &Name) -> Fault {
    let message = format!("the ruleset {rid} would use itself through its modules");
    Fault::new(Whose::Ruleset, "module-cycle", message)
        .hint("take one of the `use module` lines out")
}

fn module_missing(user: &dyn Program, rid: &Name) -> Fault {
    let message = format!(
        "the ruleset {} uses {rid}, which is not installed here",
        user.rid()
    );
    Fault::new(Whose::Caller, "module-missing", message).hint(format!("install {rid} first"))
}

fn ruleset_unknown(rid: &Name) -> Fault {
    let message = format!("the ruleset {rid} is not installed here");
    Fault::new(Whose::Caller, "ruleset-unknown", message).hint("list the installed rulesets")
}

fn ruleset_used(rid: &Name, user: &Name) -> Fault {
    let message = format!("the ruleset {rid} is used by {user}");
    Fault::new(Whose::Caller, "ruleset-used", message).hint(format!("uninstall {user} first"))
}
