//! The events of a transaction, one after the other, and the rules that they select.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stratus_event::{Event, EventId, Fault, Name, Whose};
use stratus_salience::{Bindings, Progress, RulePlace};

use crate::{
    Asked, Bounds, Done, Ending, Moved, Run, RunEnd, RunId, Transaction, Wanted,
    judge::Judge,
    language::{Answers, Ended, Question, Raise, RuleError, Scene, Stop, TimerChange},
    overlay::Overlay,
    rulesets::Rule,
};

/// A transaction that is being run.
pub(crate) struct Evaluation<'a> {
    transaction: &'a Transaction,
    overlay: Overlay<'a>,
    moved: BTreeMap<RulePlace, Progress>,
    queue: VecDeque<Queued>,
    done: Done,
    /// How many events the present event has raised.
    ordinal: u64,
    raised: usize,
    failures: usize,
    fuel: u64,
}

/// An event that waits for its turn.
#[derive(Debug)]
struct Queued {
    event: Event,
    for_ruleset: Option<Name>,
    /// How many events lie between it and the accepted one.
    depth: u32,
    /// How many of these, and of itself, tell of a failed run.
    error_depth: u32,
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
enum Halt {
    Ask(Asked),
    GiveUp(Fault),
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(transaction: &'a Transaction) -> Self {
        let accepted = Queued {
            event: transaction.event.clone(),
            for_ruleset: transaction.for_ruleset.clone(),
            depth: 0,
            error_depth: 0,
        };
        Self {
            transaction,
            overlay: Overlay::new(&transaction.state),
            moved: BTreeMap::new(),
            queue: VecDeque::from([accepted]),
            done: Done::default(),
            ordinal: 0,
            raised: 0,
            failures: 0,
            fuel: 0,
        }
    }

    pub(crate) fn run(mut self) -> Ending {
        while let Some(queued) = self.queue.pop_front() {
            match self.handle(&queued) {
                Ok(()) => {}
                Err(Halt::Ask(asked)) => return Ending::Ask(asked),
                Err(Halt::GiveUp(fault)) => return Ending::Done(Box::new(self.given_up(fault))),
            }
        }
        Ending::Done(Box::new(self.finished()))
    }

    fn handle(&mut self, queued: &Queued) -> Result<(), Halt> {
        self.ordinal = 0;
        let mut finished = BTreeSet::new();
        for place in self.woken(&queued.event) {
            if finished.contains(&place.ruleset) {
                continue;
            }
            let Some(selected) = self.select(place, queued) else {
                continue;
            };
            if self.run_rule(queued, selected)? {
                finished.insert(place.ruleset);
            }
        }
        Ok(())
    }

    fn woken(&self, event: &Event) -> Vec<RulePlace> {
        let begun = |place| {
            self.progress(place)
                .is_some_and(|progress| !progress.is_start())
        };
        self.transaction.state.rulesets().woken(event, begun)
    }

    /// Offers the event to a rule's event expression.
    fn select(&mut self, place: RulePlace, queued: &Queued) -> Option<Selected<'a>> {
        let rule = self.transaction.state.rulesets().rule(place)?;
        let rid = rule.program.rid();
        if queued.for_ruleset.as_ref().is_some_and(|only| only != rid) {
            return None;
        }
        let id = RunId {
            event: queued.event.id,
            rid: rid.clone(),
            rule: rule.outline.name.clone(),
        };
        let limits = self.transaction.bounds.condition_limits();
        let judge = Judge::new(
            &rule,
            self.transaction,
            &self.overlay,
            id.seed(self.seed()),
            &limits,
        );
        let start = Progress::default();
        let progress = self.progress(place).unwrap_or(&start);
        let step = rule
            .automaton
            .step(progress, &queued.event, self.transaction.now, &judge);
        let log = judge.into_log();
        if let Some(progress) = step.progress {
            self.moved.insert(place, progress);
        }
        if step.fired.is_none() {
            self.note_conditions(queued, &id, &log);
        }
        step.fired.map(|bindings| Selected {
            rule,
            id,
            bindings,
            log,
        })
    }

    /// Runs a rule; says whether its ruleset has seen enough of the event (`last`).
    fn run_rule(&mut self, queued: &Queued, selected: Selected<'a>) -> Result<bool, Halt> {
        if self.done.runs.len() >= self.bounds().runs_max {
            return Err(Halt::GiveUp(runs_exceeded(self.bounds().runs_max)));
        }
        let Selected {
            rule,
            id,
            bindings,
            log,
        } = selected;
        let none = Answers::new();
        let scene = Scene {
            view: &self.overlay,
            event: Some(&queued.event),
            channel: self.transaction.channel,
            bindings: &bindings,
            now: self.transaction.now,
            seed: id.seed(self.seed()),
            answers: self.transaction.answers.get(&id).unwrap_or(&none),
            limits: &self.bounds().rule,
        };
        let error = match rule.program.run(rule.place.rule, &scene) {
            Ok(ended) => match self.check(queued, &id, &ended) {
                Ok(()) => return self.take(queued, &id, ended, log),
                Err(error) => error,
            },
            Err(Stop::Ask(questions)) => match self.unanswered(&id, questions) {
                Ok(questions) => return Err(Halt::Ask(Asked { run: id, questions })),
                Err(error) => error,
            },
            Err(Stop::Error(error)) => error,
        };
        self.fail(queued, &id, &error, log)?;
        Ok(false)
    }

    /// Takes over what a run wants.
    fn take(
        &mut self,
        queued: &Queued,
        id: &RunId,
        ended: Ended,
        mut log: Vec<(String, String)>,
    ) -> Result<bool, Halt> {
        self.fuel = self.fuel.saturating_add(ended.fuel);
        if self.fuel > self.bounds().fuel_max {
            return Err(Halt::GiveUp(fuel_exceeded(self.bounds().fuel_max)));
        }
        log.extend(ended.log);
        let mut run = Run {
            event: queued.event.clone(),
            rid: id.rid.clone(),
            rule: id.rule.clone(),
            end: if ended.fired {
                RunEnd::Fired
            } else {
                RunEnd::NotFired
            },
            changes: ended
                .changes
                .iter()
                .map(|one| (one.rid.clone(), one.name.clone()))
                .collect(),
            effects: Vec::new(),
            log,
        };
        run.changes.sort_unstable();
        run.changes.dedup();
        for effect in ended.effects {
            run.effects
                .push(u32::try_from(self.done.effects.len()).unwrap_or(u32::MAX));
            self.done.effects.push(Wanted {
                run: id.clone(),
                effect,
            });
        }
        self.done.runs.push(run);
        self.done.directives.extend(ended.directives);
        ended
            .changes
            .into_iter()
            .for_each(|change| self.overlay.change(change));
        ended
            .timers
            .into_iter()
            .for_each(|change| self.overlay.change_timer(change));
        self.raised = self.raised.saturating_add(ended.raises.len());
        ended
            .raises
            .into_iter()
            .for_each(|raise| self.raise(queued, raise, queued.error_depth));
        Ok(ended.last)
    }

    /// Undoes a run, which here means to take over nothing of it, and tells the PEN.
    fn fail(
        &mut self,
        queued: &Queued,
        id: &RunId,
        error: &RuleError,
        log: Vec<(String, String)>,
    ) -> Result<(), Halt> {
        self.failures += 1;
        let fault = Fault::new(Whose::Ruleset, error.code, error.message.clone());
        if queued.error_depth < self.bounds().error_depth_max
            && let Some(raise) = error_event(id, error)
        {
            self.raise(queued, raise, queued.error_depth + 1);
        }
        self.done
            .runs
            .push(trace(queued, id, RunEnd::Failed(fault), log));
        if self.failures >= self.bounds().failures_max {
            return Err(Halt::GiveUp(failures_exceeded(self.bounds().failures_max)));
        }
        Ok(())
    }

    fn raise(&mut self, queued: &Queued, raise: Raise, error_depth: u32) {
        let event = Event {
            id: queued.event.id.raised(self.ordinal),
            domain: raise.domain,
            kind: raise.kind,
            attributes: raise.attributes,
            time: self.transaction.now,
            cause: Some(queued.event.id),
        };
        self.ordinal += 1;
        let depth = queued.depth.saturating_add(1);
        self.queue.push_back(Queued {
            event,
            for_ruleset: raise.for_ruleset,
            depth,
            error_depth,
        });
    }

    /// Leaves a line in the trace for a rule that was not selected because its condition went
    /// wrong.
    fn note_conditions(&mut self, queued: &Queued, id: &RunId, log: &[(String, String)]) {
        if !log.is_empty() {
            self.done
                .runs
                .push(trace(queued, id, RunEnd::NotFired, log.to_vec()));
        }
    }

    /// Whether what a run wants is within the bounds.
    fn check(&self, queued: &Queued, id: &RunId, ended: &Ended) -> Result<(), RuleError> {
        let bounds = self.bounds();
        let effects = self.done.effects.len() + ended.effects.len();
        let directives = self.done.directives.len() + ended.directives.len();
        within("effects-exceeded", "effects", effects, bounds.effects_max)?;
        within(
            "directives-exceeded",
            "directives",
            directives,
            bounds.directives_max,
        )?;
        within(
            "raises-exceeded",
            "events raised",
            self.raised + ended.raises.len(),
            bounds.raises_max,
        )?;
        if !ended.raises.is_empty() && queued.depth >= bounds.raise_depth_max {
            let message = format!(
                "events raise events more than {} deep",
                bounds.raise_depth_max
            );
            return Err(RuleError {
                code: "raise-depth-exceeded",
                message,
            });
        }
        self.check_timers(&id.rid, &ended.timers)
    }

    fn check_timers(&self, rid: &Name, changes: &[TimerChange]) -> Result<(), RuleError> {
        for change in changes {
            let (TimerChange::Remove { id } | TimerChange::Set(crate::language::Timer { id, .. })) =
                change;
            if self
                .overlay
                .timer(id)
                .is_some_and(|timer| timer.rid != *rid)
            {
                let message = format!("the timer {id} belongs to another ruleset");
                return Err(RuleError {
                    code: "timer-foreign",
                    message,
                });
            }
        }
        let set = changes
            .iter()
            .filter(|change| matches!(change, TimerChange::Set(_)))
            .count();
        if set == 0 {
            return Ok(());
        }
        let timers = self.overlay.all_timers().count() + set;
        within(
            "timers-exceeded",
            "timers",
            timers,
            self.bounds().timers_max,
        )
    }

    /// The questions that have no answer yet.
    fn unanswered(&self, id: &RunId, asked: Vec<Question>) -> Result<Vec<Question>, RuleError> {
        let none = Answers::new();
        let known = self.transaction.answers.get(id).unwrap_or(&none);
        let total = known.len() + asked.len();
        within(
            "questions-exceeded",
            "questions",
            total,
            self.bounds().questions_max,
        )?;
        let questions: Vec<_> = asked
            .into_iter()
            .filter(|question| !known.contains_key(&question.id))
            .collect();
        if questions.is_empty() {
            let message = "the rule waits for answers that it has".into();
            return Err(RuleError {
                code: "question-repeated",
                message,
            });
        }
        Ok(questions)
    }

    fn progress(&self, place: RulePlace) -> Option<&Progress> {
        self.moved
            .get(&place)
            .or_else(|| self.transaction.state.progress_at(place))
    }

    fn finished(mut self) -> Done {
        let state = &self.transaction.state;
        for (place, progress) in self.moved {
            let unchanged = match state.progress_at(place) {
                Some(before) => *before == progress,
                None => progress.is_start(),
            };
            if let Some(rule) = state.rulesets().rule(place).filter(|_| !unchanged) {
                self.done.automata.push(Moved {
                    rid: rule.program.rid().clone(),
                    rule: rule.outline.name.clone(),
                    progress: Some(progress).filter(|progress| !progress.is_start()),
                });
            }
        }
        (self.done.changes, self.done.timers) = self.overlay.into_changes();
        self.done
    }

    /// The trace stays, so that the owner sees what went on; all else is undone.
    fn given_up(self, fault: Fault) -> Done {
        let undone = |run| Run {
            changes: Vec::new(),
            effects: Vec::new(),
            ..run
        };
        let runs = self.done.runs.into_iter().map(undone).collect();
        Done {
            runs,
            failed: Some(fault),
            ..Done::default()
        }
    }

    fn bounds(&self) -> &'a Bounds {
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

/// A run that changed nothing.
fn trace(queued: &Queued, id: &RunId, end: RunEnd, log: Vec<(String, String)>) -> Run {
    let RunId { rid, rule, .. } = id.clone();
    let event = queued.event.clone();
    Run {
        event,
        rid,
        rule,
        end,
        changes: Vec::new(),
        effects: Vec::new(),
        log,
    }
}

/// The event by which the PEN learns of a failed run.
fn error_event(id: &RunId, error: &RuleError) -> Option<Raise> {
    let attributes = [
        ("code", error.code),
        ("level", "error"),
        ("msg", &*error.message),
        ("rid", id.rid.as_str()),
        ("rule_name", id.rule.as_str()),
    ];
    Some(Raise {
        domain: Name::new("system").ok()?,
        kind: Name::new("error").ok()?,
        attributes: attributes.into(),
        for_ruleset: None,
    })
}

fn within(code: &'static str, what: &str, count: usize, max: usize) -> Result<(), RuleError> {
    if count <= max {
        return Ok(());
    }
    let message = format!("{count} {what} are more than the {max} that one event may cause");
    Err(RuleError { code, message })
}

fn runs_exceeded(max: usize) -> Fault {
    let message = format!("one event made rules run more than {max} times");
    Fault::new(Whose::Ruleset, "runs-exceeded", message).hint(LOOP_HINT)
}

fn failures_exceeded(max: usize) -> Fault {
    let message = format!("{max} rule runs failed in the handling of one event");
    Fault::new(Whose::Ruleset, "failures-exceeded", message).hint(LOOP_HINT)
}

fn fuel_exceeded(max: u64) -> Fault {
    let message = format!("the handling of one event took more than {max} steps");
    Fault::new(Whose::Ruleset, "event-fuel-exceeded", message).hint(LOOP_HINT)
}

const LOOP_HINT: &str = "look in the event's trace for rules that wake each other";
