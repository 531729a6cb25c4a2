//! Instants for which event expressions wait: each rule that waits for one has a timer.

use std::collections::BTreeMap;

use stratus_event::{Event, Map, Name, Timestamp, Value};
use stratus_salience::{Bindings, Conditions, FilterPlace, Progress, RulePlace, Step, Symbol};

use crate::{
    RunId, State, Transaction,
    evaluation::{Evaluation, Queued},
    judge::Judge,
    language::{Answers, Limits, Raise, Scene, Timer, TimerChange},
    rulesets::Rule,
};

/// An instant that has come.
#[derive(Clone, Debug)]
pub(crate) struct Passing {
    timer: Name,
    at: Timestamp,
}

impl Passing {
    /// The instant that a transaction is about, if its event comes of such a timer.
    pub(crate) fn of(transaction: &Transaction) -> Option<Self> {
        let timer = transaction.timer.clone().filter(is_instant)?;
        let Some(Value::Number(at)) = transaction.event.attributes.get(AT_MS) else {
            return None;
        };
        let at = Timestamp(at.as_integer()?);
        Some(Self { timer, at })
    }

    /// Whether it is that rule which waits for it.
    pub(crate) fn is_for(&self, id: &RunId) -> bool {
        timer_id(&id.rid, &id.rule).as_ref() == Some(&self.timer)
    }
}

impl Evaluation<'_> {
    /// Offers an event, or the instant that it is, to a rule's event expression; for which instant
    /// that waits then.
    pub(crate) fn step(
        &self,
        rule: &Rule<'_>,
        progress: &Progress,
        queued: &Queued,
        proven: Option<FilterPlace>,
        judge: &Judge<'_>,
    ) -> (Step, Option<Timestamp>) {
        let now = self.transaction.now;
        let (automaton, event) = (rule.automaton, &queued.event);
        let passing = queued.passing.as_ref().map(|passing| passing.at);
        let step = match passing {
            None => automaton.step_proven(progress, event, now, judge, proven),
            Some(at) => automaton.pass(progress, event, at, now, judge),
        };
        if !automaton.has_instants() {
            return (step, None);
        }
        let progress = step.progress.as_ref().unwrap_or(progress);
        let after = now.max(passing.unwrap_or(now));
        // What an instant did not move it would not move if it came again.
        let bound_after = passing.filter(|_| step.progress.is_none());
        let next = automaton.next_instant(progress, after, bound_after, judge);
        (step, next)
    }
}

/// The timers of the rules that wait for other instants than before.
pub(crate) fn instant_changes(
    state: &State,
    instants: &BTreeMap<RulePlace, Option<Timestamp>>,
) -> Vec<TimerChange> {
    let change = |(place, next): (&RulePlace, &Option<Timestamp>)| {
        state.instant_change(&state.rulesets().rule(*place)?, *next)
    };
    instants.iter().filter_map(change).collect()
}

impl State {
    /// What has to change about timers so that every rule that waits for an instant has one: after
    /// rulesets were installed, and after a transaction that was given up, which is one that
    /// `passed` then. A timer that is due stays.
    pub fn instants(&self, now: Timestamp, passed: Option<Timestamp>) -> Vec<TimerChange> {
        let rules = self.rulesets().all();
        let waiting = rules.filter(|rule| rule.outline.active && rule.automaton.has_instants());
        let change = |rule: Rule<'_>| {
            let timer = self.instant_timer(&rule);
            if timer.is_some_and(|timer| timer.at <= now) {
                return None;
            }
            let start = Progress::default();
            let progress = self.progress_at(rule.place).unwrap_or(&start);
            let reader = Reader {
                rule,
                state: self,
                now,
            };
            let after = now.max(passed.unwrap_or(now));
            let next = rule
                .automaton
                .next_instant(progress, after, passed, &reader);
            self.instant_change(&rule, next)
        };
        waiting.filter_map(change).collect()
    }

    /// The timer of the instant for which the rule waits.
    pub(crate) fn instant_timer(&self, rule: &Rule<'_>) -> Option<&Timer> {
        self.timer(&timer_id(rule.program.rid(), &rule.outline.name)?)
    }

    fn instant_change(&self, rule: &Rule<'_>, next: Option<Timestamp>) -> Option<TimerChange> {
        let before = self.instant_timer(rule);
        match (before, next) {
            (Some(before), None) => Some(TimerChange::Remove {
                id: before.id.clone(),
            }),
            (before, Some(at)) if before.is_none_or(|before| before.at != at) => {
                timer(rule, at).map(TimerChange::Set)
            }
            _ => None,
        }
    }
}

/// Reads the times that rules have bound, outside of a transaction.
struct Reader<'a> {
    rule: Rule<'a>,
    state: &'a State,
    now: Timestamp,
}

impl Conditions for Reader<'_> {
    fn holds(&self, _condition: usize, _event: &Event, _bindings: &Bindings) -> bool {
        false
    }

    fn instant(&self, number: usize, bindings: &Bindings) -> Option<Timestamp> {
        let scene = Scene {
            view: self.state,
            event: None,
            channel: None,
            bindings,
            now: self.now,
            seed: [0; 32],
            answers: &Answers::new(),
            limits: &Limits::default(),
        };
        // What is wrong with it stood in the trace when it was bound.
        let judgement = self.rule.program.instant(number, &scene);
        judgement.said.ok().flatten()
    }
}

/// Whether a timer is one of an instant. Rulesets do not see these: they are no wishes of theirs.
pub(crate) fn is_instant(id: &Name) -> bool {
    id.as_str().starts_with(PREFIX)
}

/// The timer of the instant for which a rule waits: always the same one.
pub(crate) fn timer_id(rid: &Name, rule: &Name) -> Option<Name> {
    let mut hasher = blake3::Hasher::new_derive_key("stratus instant of a rule v1");
    // Names have no zero bytes, which therefore keep the two names apart.
    hasher.update(rid.as_str().as_bytes()).update(&[0]);
    hasher.update(rule.as_str().as_bytes());
    let hash = hasher.finalize().to_hex();
    Name::new(&format!("{PREFIX}{}", hash.get(..32)?)).ok()
}

fn timer(rule: &Rule<'_>, at: Timestamp) -> Option<Timer> {
    let (rid, name) = (rule.program.rid(), &rule.outline.name);
    let symbol = Symbol::instant();
    let mut attributes = Map::from([("at", at.to_string()), ("rule", name.to_string())]);
    attributes.insert(AT_MS, Value::number(at.0 as f64));
    Some(Timer {
        id: timer_id(rid, name)?,
        rid: rid.clone(),
        at,
        raise: Raise {
            domain: symbol.domain?,
            kind: symbol.kind?,
            attributes,
            for_ruleset: Some(rid.clone()),
        },
        repeat: None,
    })
}

/// How the ids of these timers begin; those that rulesets set are made otherwise.
const PREFIX: &str = "instant-";

/// The attribute that says which instant has come, in milliseconds since 1970: a timer may go off
/// late.
const AT_MS: &str = "at_ms";
