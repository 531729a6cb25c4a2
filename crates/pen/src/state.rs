//! A PEN as it is at one commit position.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use stratus_event::{Eci, Fault, Name, PenId, Value, Whose};
use stratus_salience::{Armed, Progress, ProgressError, RulePlace};

use crate::{
    Arrangement, Channel, ChannelId, Done, Kin, Moved, Parent, Permissions, Seed, Terms,
    family::{Counted, Family},
    instant::is_instant,
    language::{Change, Program, StateView, SubscriptionView, Timer, TimerChange},
    rulesets::{Rule, Rulesets},
    variable::{self, Rewritten},
};

/// All that rules can read of a PEN. Cloning is cheap: a clone shares everything until one of the
/// two changes.
#[derive(Clone, Debug)]
pub struct State {
    id: PenId,
    name: Arc<str>,
    seed: Arc<Seed>,
    family: Arc<Family>,
    /// Those that say something.
    pub(crate) terms: Arc<BTreeMap<Name, Terms>>,
    channels: Arc<BTreeMap<Eci, Channel>>,
    pub(crate) rulesets: Arc<Rulesets>,
    pub(crate) automata: Arc<Automata>,
    pub(crate) variables: Arc<BTreeMap<Name, Arc<BTreeMap<Name, Value>>>>,
    pub(crate) timers: Arc<BTreeMap<Name, Timer>>,
    subscriptions: Arc<Vec<SubscriptionView>>,
}

/// What PENs share that have nothing in them.
static NOTHING: LazyLock<State> = LazyLock::new(|| State {
    id: PenId([0; 16]),
    name: "".into(),
    seed: Arc::default(),
    family: Arc::default(),
    terms: Arc::default(),
    channels: Arc::default(),
    rulesets: Arc::default(),
    automata: Arc::default(),
    variables: Arc::default(),
    timers: Arc::default(),
    subscriptions: Arc::default(),
});

/// How far the event expressions of a PEN's rules have come; those at their start are not here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Automata {
    progress: BTreeMap<RulePlace, Progress>,
    armed: Armed,
}

impl Automata {
    /// The rule is so far.
    pub(crate) fn put(&mut self, rule: &Rule<'_>, progress: Progress) {
        if progress.is_start() {
            self.take(rule);
        } else if self.progress.insert(rule.place, progress).is_none() {
            self.armed.arm(rule.place, rule.automaton);
        }
    }

    /// The rule is at its start again, or goes.
    pub(crate) fn take(&mut self, rule: &Rule<'_>) -> Option<Progress> {
        let progress = self.progress.remove(&rule.place)?;
        self.armed.disarm(rule.place, rule.automaton);
        Some(progress)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.progress.is_empty()
    }

    /// The rule's progress, if it has begun.
    fn get_mut(&mut self, place: RulePlace) -> Option<&mut Progress> {
        self.progress.get_mut(&place)
    }

    pub(crate) fn get(&self, place: RulePlace) -> Option<&Progress> {
        self.progress.get(&place)
    }
}

impl State {
    /// A PEN with nothing in it, and without a secret: for trials.
    pub fn new(id: PenId, name: &str) -> Self {
        Self {
            id,
            name: name.into(),
            ..NOTHING.clone()
        }
    }

    /// A PEN with nothing in it but its secret and its place in its family.
    pub fn begin(id: PenId, name: &str, seed: Seed, parent: Option<Parent>) -> Self {
        Self {
            seed: Arc::new(seed),
            family: Arc::new(Family::below(parent)),
            ..Self::new(id, name)
        }
    }

    /// Takes over what an evaluation of this state came to.
    pub fn apply(&mut self, done: &Done) {
        done.changes.iter().for_each(|change| self.change(change));
        done.automata
            .iter()
            .for_each(|moved| self.apply_moved(moved));
        done.timers
            .iter()
            .for_each(|change| self.change_timer(change));
        done.arrangements
            .iter()
            .for_each(|arranged| self.arrange(&arranged.arrangement));
    }

    /// Changes the PEN itself. What concerns a channel or a child that is gone changes nothing.
    pub fn arrange(&mut self, arrangement: &Arrangement) {
        match arrangement {
            Arrangement::ChangeChannel { eci, tags, policy } => {
                if let Some(channel) = Arc::make_mut(&mut self.channels).get_mut(eci) {
                    channel.tags.clone_from(tags);
                    channel.policy.clone_from(policy);
                }
            }
            Arrangement::CreatePen(child) => {
                self.set_channel(child.above.clone());
                self.put_child(None, child.kin());
            }
            Arrangement::DeleteChannel { eci } => drop(self.remove_channel(eci)),
            Arrangement::DeletePen(child) => {
                Arc::make_mut(&mut self.family).take(child);
                self.remove_channel(&child.mine);
            }
            Arrangement::MakeChannel(channel) => self.set_channel(channel.clone()),
        }
    }

    /// Takes a child in at that place among the others, or after them.
    pub fn put_child(&mut self, place: Option<u64>, child: Kin) {
        Arc::make_mut(&mut self.family).put(place, child);
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: &str) {
        self.name = name.into();
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

    /// The parts to be written or removed if that change is made: ask before it is.
    pub fn rewritten(&self, change: &Change) -> Vec<Rewritten> {
        let before = self.variables.get(&change.rid);
        let before = before.and_then(|variables| variables.get(&change.name));
        variable::rewritten(before, change.value.as_ref(), u64::MAX).unwrap_or_default()
    }

    /// Takes in an entry of a large map that was written by itself, after the head of its variable
    /// and the entries that it lies in. None if it lies in no map.
    pub fn restore_entry(
        &mut self,
        (rid, name): (&Name, &Name),
        path: &[String],
        number: u64,
        entry: (&str, Value),
    ) -> Option<()> {
        let of_ruleset = Arc::make_mut(&mut self.variables).get_mut(rid)?;
        let value = Arc::make_mut(of_ruleset).get_mut(name)?;
        variable::restore(value, path, number, entry)
    }

    /// Says how far a rule's event expression has come. A rule that is not there has none.
    pub fn move_automaton(&mut self, rid: &Name, rule: &Name, progress: Progress) {
        let rulesets = self.rulesets.clone();
        if let Some(rule) = rulesets.named(rid, rule) {
            Arc::make_mut(&mut self.automata).put(&rule, progress);
        }
    }

    /// Takes in a partial match that was written by itself, after the head to which it belongs.
    pub fn restore_partial_match(
        &mut self,
        rid: &Name,
        rule: &Name,
        number: u64,
        written: &Value,
    ) -> Result<(), ProgressError> {
        let place = self.rulesets.named(rid, rule).map(|rule| rule.place);
        let automata = Arc::make_mut(&mut self.automata);
        match place.and_then(|place| automata.get_mut(place)) {
            Some(progress) => progress.put(number, written),
            None => Err(ProgressError::Damaged),
        }
    }

    fn apply_moved(&mut self, moved: &Moved) {
        let progress = moved.progress.clone().unwrap_or_default();
        self.move_automaton(&moved.rid, &moved.rule, progress);
    }

    /// Sets or removes a timer.
    pub fn change_timer(&mut self, change: &TimerChange) {
        match change {
            TimerChange::Remove { id } => drop(self.remove_timer(id)),
            TimerChange::Set(timer) => self.set_timer(timer.clone()),
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

    /// Whether this PEN and the other one hold their rulesets and index together
    /// ([`crate::Common`]).
    pub fn shares_rulesets(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.rulesets, &other.rulesets)
    }

    /// Says on which terms a ruleset is installed.
    pub fn set_terms(&mut self, rid: &Name, terms: Terms) {
        let all = Arc::make_mut(&mut self.terms);
        if terms == Terms::default() {
            all.remove(rid);
        } else {
            all.insert(rid.clone(), terms);
        }
    }

    /// What a ruleset may do beyond its PEN: what it is granted, and what its modules are.
    pub fn permissions(&self, rid: &Name) -> Permissions {
        let (mut all, mut seen) = (Permissions::default(), BTreeSet::new());
        let mut open = vec![rid.clone()];
        while let Some(rid) = open.pop() {
            let Some(program) = self
                .rulesets
                .program(&rid)
                .filter(|_| seen.insert(rid.clone()))
            else {
                continue;
            };
            let granted = self
                .terms
                .get(&rid)
                .and_then(|terms| terms.permissions.clone());
            let granted = granted.unwrap_or_else(|| program.wants());
            let modules = program.modules().iter();
            open.extend(
                modules
                    .filter(|module| granted.modules.permits(module.as_str()))
                    .cloned(),
            );
            all.extend(&granted);
        }
        all
    }

    /// The PEN's id.
    pub fn id(&self) -> PenId {
        self.id
    }

    /// What its owner calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The secret from which its keys are derived.
    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Where it stands below its parent; none if it is the first of its family.
    pub fn parent(&self) -> Option<&Parent> {
        self.family.parent.as_ref()
    }

    /// The PENs above it, from the first of the family to the parent.
    pub fn ancestors(&self) -> &[PenId] {
        self.parent().map_or(&[], |parent| &parent.ancestors)
    }

    /// The first of its family: itself, if it has no parent.
    pub fn root(&self) -> PenId {
        self.ancestors().first().copied().unwrap_or(self.id)
    }

    /// The children, in the order in which they were made.
    pub fn children(&self) -> impl ExactSizeIterator<Item = &Kin> {
        self.family.children()
    }

    /// The place of a child among the others.
    pub fn place_of(&self, child: &Kin) -> Option<u64> {
        self.family.place(&child.theirs)
    }

    /// How many channels it has that are not for its family.
    pub fn channels_count(&self) -> usize {
        self.counted().channels
    }

    pub(crate) fn counted(&self) -> Counted {
        Counted {
            channels: self.channels.len().saturating_sub(self.family.channels()),
            children: self.family.children().len(),
        }
    }

    /// The channel of that ECI.
    pub fn channel(&self, eci: &Eci) -> Option<&Channel> {
        self.channels.get(eci)
    }

    /// All channels, in the order of their ECIs.
    pub fn channels(&self) -> impl ExactSizeIterator<Item = &Channel> {
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
        self.automata.get(self.rulesets.named(rid, rule)?.place)
    }

    /// Whether that query may be asked by that channel: `channel-unknown`, `channel-shut`,
    /// `policy-refuses`.
    pub fn permits_query(&self, eci: &Eci, rid: &Name, name: &Name) -> Result<(), Fault> {
        permits_query(self.channels.get(eci), eci, rid, name)
    }

    pub(crate) fn rulesets(&self) -> &Rulesets {
        &self.rulesets
    }

    pub(crate) fn progress_at(&self, place: RulePlace) -> Option<&Progress> {
        self.automata.get(place)
    }

    pub(crate) fn armed(&self) -> &Armed {
        &self.automata.armed
    }
}

impl StateView for State {
    fn variable(&self, rid: &Name, name: &Name) -> Option<Value> {
        self.variables.get(rid)?.get(name).cloned()
    }

    fn program(&self, rid: &Name) -> Option<Arc<dyn Program>> {
        self.rulesets.program(rid).cloned()
    }

    fn installed(&self) -> Vec<Arc<dyn Program>> {
        self.programs().cloned().collect()
    }

    fn channels(&self) -> Vec<Channel> {
        self.channels.values().cloned().collect()
    }

    fn permits_query(&self, eci: &Eci, rid: &Name, name: &Name) -> Result<(), Fault> {
        Self::permits_query(self, eci, rid, name)
    }

    fn subscriptions(&self) -> Vec<SubscriptionView> {
        self.subscriptions.to_vec()
    }

    fn terms(&self, rid: &Name) -> Terms {
        self.terms.get(rid).cloned().unwrap_or_default()
    }

    fn id(&self) -> PenId {
        self.id
    }

    fn name(&self) -> String {
        self.name.to_string()
    }

    fn parent(&self) -> Option<Kin> {
        self.family.parent.as_ref().map(|parent| parent.kin)
    }

    fn children(&self) -> Vec<Kin> {
        self.family.children().copied().collect()
    }

    fn child(&self, theirs: &Eci) -> Option<Kin> {
        self.family.child(theirs).copied()
    }

    fn eci(&self, id: ChannelId) -> Eci {
        self.seed.eci(id)
    }

    fn eci_in_child(&self, child: PenId, id: ChannelId) -> Eci {
        self.seed.of_child(child).eci(id)
    }

    fn handle(&self, rid: &Name, key: &str, part: usize) -> String {
        self.seed.handle(rid, key, part)
    }

    fn timers(&self, rid: &Name) -> Vec<Timer> {
        self.timers
            .values()
            .filter(|timer| timer.rid == *rid && !is_instant(&timer.id))
            .cloned()
            .collect()
    }
}

/// Whether a channel lets that query in, if it is there.
pub(crate) fn permits_query(
    channel: Option<&Channel>,
    eci: &Eci,
    rid: &Name,
    name: &Name,
) -> Result<(), Fault> {
    let channel = channel.ok_or_else(|| {
        let message = format!("there is no channel {eci}");
        Fault::new(Whose::Caller, "channel-unknown", message).hint("list the PEN's channels")
    })?;
    channel.check_open()?;
    channel.check_query(rid, name)
}
