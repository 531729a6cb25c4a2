//! The events of a transaction, one after the other, and the rules that they select.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stratus_event::{Event, EventId, Fault, Name, Timestamp};
use stratus_salience::{
    Bindings, Did, PARTIAL_MATCHES_MAX, Progress, RulePlace, Step, WAITING_SHOWN_MAX, Woken,
};

use crate::{
    Asked, Bounds, Done, Ending, Moved, Run, RunEnd, RunId, Stand, Transaction,
    bounds::runs_exceeded,
    instant::{Passing, instant_changes},
    judge::Judge,
    language::{Answers, FUEL_EXHAUSTED, Limits, Scene, Stop},
    overlay::Overlay,
    rulesets::Rule,
};

/// A transaction that is being run.
pub(crate) struct Evaluation<'a> {
    pub(crate) transaction: &'a Transaction,
    pub(crate) overlay: Overlay<'a>,
    moved: BTreeMap<RulePlace, Progress>,
    /// For which instants the rules wait now that have been offered anything.
    pub(crate) instants: BTreeMap<RulePlace, Option<Timestamp>>,
    pub(crate) queue: VecDeque<Queued>,
    pub(crate) done: Done,
    /// How many events the present event has raised.
    pub(crate) ordinal: u64,
    pub(crate) raised: usize,
    pub(crate) failures: usize,
    pub(crate) fuel: u64,
    /// How much of it there is time for now.
    pub(crate) patience: u64,
    /// Bytes of all that the runs leave behind.
    pub(crate) bytes: u64,
    /// The rulesets that have said what they say once.
    pub(crate) prefaced: BTreeSet<Name>,
}

/// An event that waits for its turn.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) event: Event,
    pub(crate) for_ruleset: Option<Name>,
    /// The instant that it is, if it is one.
    pub(crate) passing: Option<Passing>,
    /// How many events lie between it and the accepted one.
    pub(crate) depth: u32,
    /// How many of these, and of itself, tell of a failed run.
    pub(crate) error_depth: u32,
}

/// A rule that the present event has selected.
struct Selected<'a> {
    rule: Rule<'a>,
    id: RunId,
    bindings: Bindings,
    /// What its condition had to say.
    log: Vec<(String, String)>,
}

/// Why an evaluation stops before its end.
pub(crate) enum Halt {
    Ask(Asked),
    GiveUp(Fault),
    /// There is no time for it now.
    Later,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(transaction: &'a Transaction, patience: u64) -> Self {
        let accepted = Queued {
            event: transaction.event.clone(),
            for_ruleset: transaction.for_ruleset.clone(),
            passing: Passing::of(transaction),
            depth: 0,
            error_depth: 0,
        };
        Self {
            transaction,
            overlay: Overlay::new(&transaction.state),
            moved: BTreeMap::new(),
            instants: BTreeMap::new(),
            queue: VecDeque::from([accepted]),
            done: Done::default(),
            ordinal: 0,
            raised: 0,
            failures: 0,
            fuel: 0,
            patience,
            bytes: 0,
            prefaced: BTreeSet::new(),
        }
    }

    /// Evaluates all; none if there is no time for it.
    pub(crate) fn run(mut self) -> Option<Ending> {
        while let Some(queued) = self.queue.pop_front() {
            let done = match self.handle(&queued) {
                Ok(()) => continue,
                Err(Halt::Ask(asked)) => return Some(Ending::Ask(asked)),
                Err(Halt::GiveUp(fault)) => self.done.given_up(fault),
                Err(Halt::Later) => return None,
            };
            return Some(Ending::Done(Box::new(done)));
        }
        Some(Ending::Done(Box::new(self.finished())))
    }

    fn handle(&mut self, queued: &Queued) -> Result<(), Halt> {
        self.ordinal = 0;
        let mut finished = BTreeSet::new();
        for woken in self.woken(&queued.event) {
            if finished.contains(&woken.place.ruleset) {
                continue;
            }
            let Some(selected) = self.select(woken, queued)? else {
                continue;
            };
            if self.run_rule(queued, selected)? {
                finished.insert(woken.place.ruleset);
            }
        }
        Ok(())
    }

    /// The rules that the event may move. Of those that an earlier event of this transaction has
    /// moved the state does not know yet how far they are.
    fn woken(&self, event: &Event) -> Vec<Woken> {
        let state = &self.transaction.state;
        let rulesets = state.rulesets();
        let mut woken = rulesets.woken(event, state.armed());
        let begun = self
            .moved
            .iter()
            .filter(|(_, progress)| !progress.is_start());
        let knows = |place: &RulePlace| {
            let rule = rulesets.rule(*place);
            rule.is_some_and(|rule| rule.automaton.knows(event))
        };
        let before = woken.len();
        woken.extend(
            begun
                .map(|(place, _)| *place)
                .filter(knows)
                .map(Woken::from),
        );
        if woken.len() > before {
            Woken::in_order(&mut woken);
        }
        woken
    }

    /// Offers the event to a rule's event expression.
    fn select(&mut self, woken: Woken, queued: &Queued) -> Result<Option<Selected<'a>>, Halt> {
        let Woken { place, proven } = woken;
        let Some(rule) = self.transaction.state.rulesets().rule(place) else {
            return Ok(None);
        };
        let rid = rule.program.rid().clone();
        if queued.for_ruleset.as_ref().is_some_and(|only| *only != rid) {
            return Ok(None);
        }
        let id = RunId {
            event: queued.event.id,
            rid,
            rule: rule.outline.name.clone(),
        };
        let passing = queued.passing.as_ref();
        if passing.is_some_and(|passing| !passing.is_for(&id)) {
            return Ok(None);
        }
        let limits = self.transaction.bounds.condition_limits();
        let judge = Judge::new(&rule, self.transaction, &self.overlay, &id, &limits);
        let start = Progress::default();
        let progress = self.progress(place).unwrap_or(&start);
        let (step, next) = self.step(&rule, progress, queued, proven, &judge);
        let fuel = judge.fuel();
        let mut log = judge.into_log();
        log.extend(dropped(step.dropped));
        let in_the_middle = !progress.is_start() || step.progress.is_some();
        let room = self.done.stands.len() < self.transaction.bounds.stands_max;
        if in_the_middle && room {
            let stand = stand(&id, progress, &step);
            self.done.stands.push(stand);
        } else if in_the_middle {
            self.done.stands_left_out += 1;
        }
        if rule.automaton.has_instants() {
            self.instants.insert(place, next);
        }
        self.burn(fuel)?;
        if let Some(progress) = step.progress {
            self.moved.insert(place, progress);
        }
        let Some(bindings) = step.fired else {
            self.note_conditions(queued, &id, log)?;
            return Ok(None);
        };
        Ok(Some(Selected {
            rule,
            id,
            bindings,
            log,
        }))
    }

    /// Runs a rule; says whether its ruleset has seen enough of the event (`last`).
    fn run_rule(&mut self, queued: &Queued, selected: Selected<'a>) -> Result<bool, Halt> {
        self.begin_run(queued)?;
        let Selected {
            rule,
            id,
            bindings,
            log,
        } = selected;
        let none = Answers::new();
        let limits = self.rule_limits();
        let scene = Scene {
            view: &self.overlay,
            event: Some(&queued.event),
            channel: self.transaction.channel,
            bindings: &bindings,
            now: self.transaction.now,
            seed: id.seed(self.seed()),
            answers: self.transaction.answers.get(&id).unwrap_or(&none),
            limits: &limits,
        };
        let error = match rule.program.run(rule.place.rule, &scene) {
            Ok(ended) => match self.check(queued, &id, &ended) {
                Ok(written) => {
                    self.keep(written)?;
                    return self.take(queued, &id, ended, log);
                }
                Err(error) => error,
            },
            Err(Stop::Ask(questions)) => match self.unanswered(&id, questions) {
                Ok(questions) => return Err(Halt::Ask(Asked { run: id, questions })),
                Err(error) => error,
            },
            Err(Stop::Error(error)) => error,
        };
        self.fail(queued, &id, &error, log)?;
        if error.code == FUEL_EXHAUSTED {
            self.burn_all(limits.fuel_max)?;
        }
        Ok(false)
    }

    /// What a rule run may use up: of the fuel no more than there is time for.
    fn rule_limits(&self) -> Limits {
        let rule = self.bounds().rule;
        let fuel_left = self.patience.saturating_sub(self.fuel);
        Limits {
            fuel_max: rule.fuel_max.min(fuel_left),
            ..rule
        }
    }

    /// Leaves an entry in the trace for a rule that was not selected and of which there is
    /// something to say: its condition went wrong, or partial matches were dropped.
    fn note_conditions(
        &mut self,
        queued: &Queued,
        id: &RunId,
        log: Vec<(String, String)>,
    ) -> Result<(), Halt> {
        if !log.is_empty() {
            self.begin_run(queued)?;
            self.done
                .runs
                .push(trace(queued, id, RunEnd::NotSelected, log));
        }
        Ok(())
    }

    /// Counts a run, and the event that its entry in the trace will keep.
    fn begin_run(&mut self, queued: &Queued) -> Result<(), Halt> {
        let max = self.bounds().runs_max;
        if self.done.runs.len() >= max {
            return Err(Halt::GiveUp(runs_exceeded(max)));
        }
        self.keep(ATTRIBUTE_BYTES.saturating_mul(queued.event.attributes.len() as u64))
    }

    fn progress(&self, place: RulePlace) -> Option<&Progress> {
        self.moved
            .get(&place)
            .or_else(|| self.transaction.state.progress_at(place))
    }

    fn finished(mut self) -> Done {
        let state = &self.transaction.state;
        for (place, progress) in self.moved {
            let start = Progress::default();
            let before = state.progress_at(place).unwrap_or(&start);
            if let Some(rule) = state.rulesets().rule(place).filter(|_| *before != progress) {
                self.done.automata.push(Moved {
                    rid: rule.program.rid().clone(),
                    rule: rule.outline.name.clone(),
                    pieces: progress.changes(before),
                    progress: Some(progress).filter(|progress| !progress.is_start()),
                });
            }
        }
        let instants = instant_changes(state, &self.instants);
        (self.done.changes, self.done.timers) = self.overlay.into_changes();
        self.done.timers.extend(instants);
        self.done
    }

    pub(crate) fn bounds(&self) -> &'a Bounds {
        &self.transaction.bounds
    }

    fn seed(&self) -> &'a [u8; 32] {
        &self.transaction.seed
    }
}

impl RunId {
    /// The seed of one rule run: the same each time that the transaction is run.
    pub(crate) fn seed(&self, transaction: &[u8; 32]) -> [u8; 32] {
        let EventId(event) = self.event;
        let rid = self.rid.as_str().as_bytes();
        let mut hasher = blake3::Hasher::new_derive_key("stratus rule run seed v1");
        hasher.update(transaction).update(&event);
        // Names have no zero bytes, which therefore keep the two names apart.
        hasher
            .update(rid)
            .update(&[0])
            .update(self.rule.as_str().as_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// How a rule's event expression stood that was in the middle before the event or is after it.
fn stand(id: &RunId, before: &Progress, step: &Step) -> Stand {
    let did = match (&step.fired, &step.progress) {
        (Some(_), _) => Did::Fired,
        (None, Some(_)) => Did::Moved,
        (None, None) => Did::Nothing,
    };
    let max = WAITING_SHOWN_MAX;
    let after = step.progress.as_ref().filter(|_| did == Did::Moved);
    let (kept, left_out) = before.excerpt(step.progress.as_ref().unwrap_or(before), max);
    let after = after.map(|after| after.excerpt(before, max));
    let RunId { event, rid, rule } = id.clone();
    Stand {
        event,
        rid,
        rule,
        did,
        before: kept,
        left_out: after.as_ref().map_or(left_out, |(_, left_out)| *left_out),
        after: after.map(|(after, _)| after),
    }
}

/// What an attribute of an event counts that an entry in the trace keeps, besides its value, which
/// all entries share.
const ATTRIBUTE_BYTES: u64 = 64;

/// The line in the trace that says how many partial matches had to go.
fn dropped(count: u64) -> Option<(String, String)> {
    let text = format!(
        "{count} of the oldest partial matches were dropped: the rule keeps {PARTIAL_MATCHES_MAX}"
    );
    (count > 0).then(|| ("warn".to_owned(), text))
}

/// A run that changed nothing.
pub(crate) fn trace(queued: &Queued, id: &RunId, end: RunEnd, log: Vec<(String, String)>) -> Run {
    let RunId { rid, rule, .. } = id.clone();
    let event = queued.event.clone();
    Run {
        event,
        rid,
        rule,
        end,
        changes: Vec::new(),
        arranged: Vec::new(),
        raised: Vec::new(),
        saw: Vec::new(),
        last: false,
        effects: Vec::new(),
        log,
    }
}
