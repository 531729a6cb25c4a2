//! What rule runs want: whether they may, and what becomes of it.

use std::collections::BTreeSet;

use stratus_event::{Event, Fault, Name, Value, Whose};

use crate::{
    Arranged, Run, RunEnd, RunId, Wanted,
    bounds::{bytes_exceeded, failures_exceeded, fuel_exceeded},
    evaluation::{Evaluation, Halt, Queued, trace},
    language::{
        Answers, Arrangement, Change, Directive, Effect, Ended, Question, Raise, RuleError,
        StateView as _, Timer, TimerChange,
    },
    variable,
};

impl Evaluation<'_> {
    /// Takes over what a run wants; says whether its ruleset has seen enough of the event.
    pub(crate) fn take(
        &mut self,
        queued: &Queued,
        id: &RunId,
        ended: Ended,
        mut log: Vec<(String, String)>,
    ) -> Result<bool, Halt> {
        self.burn(ended.fuel)?;
        self.keep(ended.bytes)?;
        let end = if ended.fired {
            RunEnd::Fired
        } else {
            RunEnd::NotFired
        };
        log.extend(ended.log);
        let changes = changed(&ended.changes);
        let effects = self.want(id, ended.effects);
        let arranged = self.arrange(id, ended.arrangements);
        let raised: Vec<_> = ended
            .raises
            .into_iter()
            .map(|raise| self.raise(queued, raise, queued.error_depth))
            .collect();
        self.raised = self.raised.saturating_add(raised.len());
        self.done.runs.push(Run {
            changes,
            arranged,
            raised,
            saw: ended.saw,
            last: ended.last,
            effects,
            ..trace(queued, id, end, log)
        });
        if ended.fired && !ended.preface.is_empty() && self.prefaced.insert(id.rid.clone()) {
            self.answer(id, ended.preface);
        }
        self.answer(id, ended.directives);
        ended
            .changes
            .into_iter()
            .for_each(|change| self.overlay.change(change));
        ended
            .timers
            .into_iter()
            .for_each(|change| self.overlay.change_timer(change));
        Ok(ended.last)
    }

    /// Adds changes of the PEN itself, and tells them.
    fn arrange(&mut self, id: &RunId, arrangements: Vec<Arrangement>) -> Vec<String> {
        let told = arrangements.iter().map(ToString::to_string).collect();
        for arrangement in arrangements {
            self.overlay.arrange(arrangement.clone());
            self.done.arrangements.push(Arranged {
                run: id.clone(),
                arrangement,
            });
        }
        told
    }

    /// Adds what a run answers to whoever raised the event.
    fn answer(&mut self, id: &RunId, directives: Vec<Directive>) {
        let given = |directive| Directive {
            by: Some((id.rid.clone(), id.rule.clone())),
            ..directive
        };
        self.done
            .directives
            .extend(directives.into_iter().map(given));
    }

    /// Counts bytes that stay until the end of the transaction.
    pub(crate) fn keep(&mut self, bytes: u64) -> Result<(), Halt> {
        self.bytes = self.bytes.saturating_add(bytes);
        let max = self.bounds().bytes_max;
        if self.bytes > max {
            return Err(Halt::GiveUp(bytes_exceeded(max)));
        }
        Ok(())
    }

    /// Counts steps of evaluation.
    pub(crate) fn burn(&mut self, fuel: u64) -> Result<(), Halt> {
        self.fuel = self.fuel.saturating_add(fuel);
        if self.fuel > self.patience {
            return Err(Halt::Later);
        }
        if self.fuel > self.bounds().fuel_max {
            return Err(Halt::GiveUp(fuel_exceeded(self.bounds().fuel_max)));
        }
        Ok(())
    }

    /// Counts the steps of a run that used up all it was given, which may be less than it may have.
    pub(crate) fn burn_all(&mut self, given: u64) -> Result<(), Halt> {
        if given < self.bounds().rule.fuel_max {
            return Err(Halt::Later);
        }
        self.burn(given)
    }

    /// Adds effects and gives their ordinals.
    fn want(&mut self, id: &RunId, effects: Vec<Effect>) -> Vec<u32> {
        let first = self.done.effects.len();
        let wanted = |effect| Wanted {
            run: id.clone(),
            effect,
        };
        self.done.effects.extend(effects.into_iter().map(wanted));
        let ordinals = first..self.done.effects.len();
        ordinals
            .map(|ordinal| u32::try_from(ordinal).unwrap_or(u32::MAX))
            .collect()
    }

    /// Undoes a run, which here means to take over nothing of it, and tells the PEN.
    pub(crate) fn fail(
        &mut self,
        queued: &Queued,
        id: &RunId,
        error: &RuleError,
        log: Vec<(String, String)>,
    ) -> Result<(), Halt> {
        self.failures += 1;
        let fault = Fault::new(Whose::Ruleset, error.code, error.message.clone());
        let told = queued.error_depth < self.bounds().error_depth_max;
        let event = error_event(id, error).filter(|_| told);
        let raised = event.map(|raise| self.raise(queued, raise, queued.error_depth + 1));
        self.done.runs.push(Run {
            raised: raised.into_iter().collect(),
            ..trace(queued, id, RunEnd::Failed(fault), log)
        });
        if self.failures >= self.bounds().failures_max {
            return Err(Halt::GiveUp(failures_exceeded(self.bounds().failures_max)));
        }
        Ok(())
    }

    /// Queues an event, and gives it for the trace.
    fn raise(&mut self, queued: &Queued, raise: Raise, error_depth: u32) -> (Event, Option<Name>) {
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
            event: event.clone(),
            for_ruleset: raise.for_ruleset.clone(),
            passing: None,
            depth,
            error_depth,
        });
        (event, raise.for_ruleset)
    }

    /// Whether what a run wants is within the bounds; and how many bytes its variables write.
    pub(crate) fn check(
        &self,
        queued: &Queued,
        id: &RunId,
        ended: &Ended,
    ) -> Result<u64, RuleError> {
        let bounds = self.bounds();
        let effects = self.done.effects.len() + ended.effects.len();
        let wanted = ended.directives.len() + ended.preface.len();
        let directives = self.done.directives.len() + wanted;
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
        self.check_arrangements(&ended.arrangements)?;
        self.check_timers(&id.rid, &ended.timers)?;
        let written = ended
            .changes
            .iter()
            .map(|change| self.check_variable(change));
        written.sum()
    }

    /// Whether a variable is within the bounds; and how many bytes are written of it.
    fn check_variable(&self, change: &Change) -> Result<u64, RuleError> {
        let Change { rid, name, value } = change;
        let bounds = self.bounds();
        let too_large = |what: &str, max: u64| {
            let message =
                format!("{what} the variable {rid}:{name} would take more than {max} bytes");
            RuleError {
                code: "variable-oversize",
                message,
            }
        };
        let bytes = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        if bytes(value.as_ref().map_or(0, Value::size)) > bounds.variable_bytes_max {
            return Err(too_large("all of", bounds.variable_bytes_max));
        }
        let before = self.overlay.variable(rid, name);
        let rewritten = variable::rewritten(before.as_ref(), value.as_ref(), bounds.bytes_max);
        let rewritten = rewritten.ok_or_else(|| too_large("the change of", bounds.bytes_max))?;
        let written = rewritten.iter().filter_map(|(_, written)| written.as_ref());
        let sizes: Vec<u64> = written.map(|written| bytes(written.size())).collect();
        if sizes
            .iter()
            .any(|size| *size > bounds.variable_part_bytes_max)
        {
            return Err(too_large("one part of", bounds.variable_part_bytes_max));
        }
        Ok(sizes.iter().sum())
    }

    fn check_arrangements(&self, arrangements: &[Arrangement]) -> Result<(), RuleError> {
        let bounds = self.bounds();
        let mut counted = self.overlay.counted();
        for arrangement in arrangements {
            counted.count(arrangement);
            match arrangement {
                Arrangement::CreatePen(_) => {
                    bounds.check_children(counted.children)?;
                    bounds.check_depth(self.transaction.state.ancestors().len() + 1)?;
                }
                Arrangement::MakeChannel(_) => bounds.check_channels(counted.channels)?,
                Arrangement::ChangeChannel { .. }
                | Arrangement::DeleteChannel { .. }
                | Arrangement::DeletePen(_) => {}
            }
        }
        Ok(())
    }

    fn check_timers(&self, rid: &Name, changes: &[TimerChange]) -> Result<(), RuleError> {
        for change in changes {
            let (TimerChange::Remove { id } | TimerChange::Set(Timer { id, .. })) = change;
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
    pub(crate) fn unanswered(
        &self,
        id: &RunId,
        asked: Vec<Question>,
    ) -> Result<Vec<Question>, RuleError> {
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
}

fn within(code: &'static str, what: &str, count: usize, max: usize) -> Result<(), RuleError> {
    if count <= max {
        return Ok(());
    }
    let message = format!("{count} {what} are more than the {max} that one event may cause");
    Err(RuleError { code, message })
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

/// The variables that were set or cleared, each once.
fn changed(changes: &[Change]) -> Vec<(Name, Name)> {
    let names: BTreeSet<_> = changes
        .iter()
        .map(|change| (change.rid.clone(), change.name.clone()))
        .collect();
    names.into_iter().collect()
}
