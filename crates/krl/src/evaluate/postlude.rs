//! What a rule leaves behind: changed variables, raised and scheduled events.

use stratus_event::{EventId, Map as DataMap, Name, Timestamp};
use stratus_pen::{
    Cron,
    language::{Raise as Raised, Timer, TimerChange},
};

use super::{At, Evaluator, internal, name};
use crate::{
    border,
    coerce::{describe, text},
    library,
    limit::{Failure, Halt},
    program::{Expression, Guard, Raise, ScheduleTime, Statement, StatementKind},
    value::{Entries, Value},
};

impl Evaluator<'_> {
    pub(super) fn statements(&mut self, at: At, statements: &[Statement]) -> Result<(), Halt> {
        for statement in statements {
            if self.stopped {
                break;
            }
            let outcome = self.guarded(at, statement);
            outcome.map_err(|halt| halt.at(|| self.place(at, statement.site)))?;
        }
        Ok(())
    }

    fn guarded(&mut self, at: At, statement: &Statement) -> Result<(), Halt> {
        self.meter.spend(1)?;
        let holds = match &statement.guard {
            Guard::Always => true,
            Guard::Final => self.is_final,
            Guard::If(condition) => self.test(at, condition)?,
        };
        if holds {
            self.statement(at, &statement.kind)
        } else {
            Ok(())
        }
    }

    fn statement(&mut self, at: At, kind: &StatementKind) -> Result<(), Halt> {
        match kind {
            StatementKind::Assign {
                variable,
                path,
                value,
            } => self.assign(at, variable, path.as_ref(), value),
            StatementKind::Clear { variable, path } => self.clear(at, variable, path.as_ref()),
            StatementKind::Declare(declaration) => {
                let value = self.value(at, &declaration.value)?;
                Ok(self.set_slot(at.frame, declaration.slot, value)?)
            }
            StatementKind::Error(level, value) => self.error(at, level, value),
            StatementKind::Forget { variable, pattern } => self.forget(at, variable, pattern),
            StatementKind::Increment { .. } => self.increment(at, kind),
            StatementKind::Mark { variable, place } => self.mark(at, variable, place.as_ref()),
            StatementKind::Last => {
                self.ended.last = true;
                Ok(())
            }
            StatementKind::Log(level, value) => {
                let value = self.value(at, value)?;
                Ok(self.log(level, &value)?)
            }
            StatementKind::Raise(raise) => {
                for raised in self.raised(at, raise)? {
                    self.wish()?;
                    self.ended.raises.push(raised);
                }
                Ok(())
            }
            StatementKind::Schedule {
                time,
                raise,
                setting,
            } => self.schedule(at, time, raise, *setting),
        }
    }

    fn assign(
        &mut self,
        at: At,
        variable: &Name,
        path: Option<&Expression>,
        value: &Expression,
    ) -> Result<(), Halt> {
        let path = path.map(|path| self.value(at, path)).transpose()?;
        let value = self.value(at, value)?;
        self.put(at, variable, path, value)
    }

    /// Gives a variable, or a place in it, a value.
    pub(super) fn put(
        &mut self,
        at: At,
        variable: &Name,
        path: Option<Value>,
        value: Value,
    ) -> Result<(), Halt> {
        let whole = match path {
            None => value,
            Some(path) => {
                let old = self.variable(at, variable)?;
                let old = if old.depth() == 0 {
                    self.meter.map(Entries::new())?
                } else {
                    old
                };
                library::put(&mut self.meter, &old, &path, value)?
            }
        };
        // Checked now, so that the error names this place.
        border::check(&mut self.meter, &whole)?;
        Ok(self.set_variable(at, variable, whole)?)
    }

    fn clear(&mut self, at: At, variable: &Name, path: Option<&Expression>) -> Result<(), Halt> {
        let whole = match path {
            None => Value::Null,
            Some(path) => {
                let path = self.value(at, path)?;
                let old = self.variable(at, variable)?;
                library::delete(&mut self.meter, &old, &path)?
            }
        };
        Ok(self.set_variable(at, variable, whole)?)
    }

    /// `error`: tells the ruleset's own rules for `system:error`; a grave one ends the rule here
    /// and keeps the event from the ruleset's further rules.
    fn error(&mut self, at: At, level: &'static str, value: &Expression) -> Result<(), Halt> {
        let value = self.value(at, value)?;
        let data = border::to_data(&mut self.meter, &value)?;
        self.log(level, &value)?;
        let ruleset = self.ruleset(at.instance)?;
        let rid = ruleset.rid.clone();
        let mut attributes = DataMap::from([("level", level), ("rid", rid.as_str())]);
        attributes.insert("data", data);
        attributes.insert("genus", "user");
        if let Some(rule) = &self.rule {
            attributes.insert("rule_name", rule.as_str());
        }
        let (domain, kind) = (name("system")?, name("error")?);
        let told = std::iter::once(rid).chain(ruleset.errors_to.clone());
        for for_ruleset in told.map(Some) {
            self.wish()?;
            self.ended.raises.push(Raised {
                domain: domain.clone(),
                kind: kind.clone(),
                attributes: attributes.clone(),
                for_ruleset,
            });
        }
        if level == "error" {
            self.ended.last = true;
            self.stopped = true;
        }
        Ok(())
    }

    /// The events of a `raise`: one, or one for each of the rulesets that it names.
    fn raised(&mut self, at: At, raise: &Raise) -> Result<Vec<Raised>, Halt> {
        let (domain, kind) = self.symbol(at, raise)?;
        let attributes = match &raise.attributes {
            Some(attributes) => self.raised_attributes(at, attributes)?,
            None => DataMap::new(),
        };
        let recipients = match &raise.recipient {
            Some(recipient) => recipients(&self.value(at, recipient)?)?,
            None => vec![None],
        };
        let raised = recipients.into_iter().map(|for_ruleset| Raised {
            domain: domain.clone(),
            kind: kind.clone(),
            attributes: attributes.clone(),
            for_ruleset,
        });
        Ok(raised.collect())
    }

    fn raised_attributes(&mut self, at: At, attributes: &Expression) -> Result<DataMap, Halt> {
        let attributes = self.value(at, attributes)?;
        let before = self.meter.kept();
        let attributes = self.data_map(&attributes, "the attributes of an event")?;
        if self.meter.kept() - before > RAISED_BYTES_MAX {
            let message = format!("an event of more than {RAISED_BYTES_MAX} bytes is raised");
            return Err(Failure::new("event-oversize", message).into());
        }
        Ok(attributes)
    }

    fn symbol(&mut self, at: At, raise: &Raise) -> Result<(Name, Name), Halt> {
        let kind = text(&self.value(at, &raise.kind)?);
        if let Some(domain) = &raise.domain {
            return Ok((domain.clone(), name(&kind)?));
        }
        if let Some((domain, kind)) = kind.split_once(':') {
            return Ok((name(domain)?, name(kind)?));
        }
        let message = format!("an event is named \"domain:type\", not \"{kind}\"");
        Err(Failure::argument(message).into())
    }

    fn schedule(
        &mut self,
        at: At,
        time: &ScheduleTime,
        raise: &Raise,
        setting: Option<usize>,
    ) -> Result<(), Halt> {
        let (due, repeat) = self.due(at, time)?;
        let raised = self
            .raised(at, raise)?
            .pop()
            .ok_or_else(|| internal("no event"))?;
        self.wish()?;
        let id = self.timer_id()?;
        let rid = self.ruleset(at.instance)?.rid.clone();
        let timer = Timer {
            id,
            rid,
            at: due,
            raise: raised,
            repeat,
        };
        if let Some(slot) = setting {
            let shown = library::describe_timer(&mut self.meter, &timer)?;
            self.set_slot(at.frame, slot, shown)?;
        }
        self.ended.timers.push(TimerChange::Set(timer));
        Ok(())
    }

    /// The first time, and how it goes on.
    fn due(&mut self, at: At, time: &ScheduleTime) -> Result<(Timestamp, Option<Cron>), Halt> {
        let now = self.scene.now;
        match time {
            ScheduleTime::At(time) => {
                let time = self.value(at, time)?;
                let due = library::instant(&time, now).ok_or_else(|| {
                    let shown = describe(&time);
                    Failure::argument(format!("an event is scheduled at a time, not {shown}"))
                })?;
                Ok((Timestamp(due), None))
            }
            ScheduleTime::Repeat(cron) => {
                let cron = self.value(at, cron)?;
                let cron = library::cron(&mut self.meter, &cron)?;
                let due = cron.after(now);
                let due = due.ok_or_else(|| {
                    let message = format!("{} comes no more after {now}", cron.expression());
                    Failure::new("krl-cron-invalid", message)
                })?;
                Ok((due, Some(cron)))
            }
        }
    }

    /// An id that no other timer of the PEN has: it is derived from the event, the rule and the
    /// order within the run, so evaluating again gives the same.
    fn timer_id(&self) -> Result<Name, Failure> {
        let event = self.event().map_or(EventId([0; 16]), |event| event.id);
        let mut hasher = blake3::Hasher::new_derive_key("stratus timer id v1");
        let rid = self.ruleset(super::TOP.instance)?.rid.clone();
        let rule = self.rule.as_ref().map_or("", |rule| rule.as_str());
        for part in [&event.0[..], rid.as_str().as_bytes(), rule.as_bytes()] {
            hasher
                .update(&(part.len() as u64).to_be_bytes())
                .update(part);
        }
        hasher.update(&(self.ended.timers.len() as u64).to_be_bytes());
        let id = hasher.finalize().to_hex();
        name(id.get(..32).unwrap_or_default())
    }
}

/// The bytes of an event that a rule raises, at most: the patterns of all rules that may wait for
/// it search its attributes.
const RAISED_BYTES_MAX: u64 = 1 << 20;

fn recipients(value: &Value) -> Result<Vec<Option<Name>>, Failure> {
    match value {
        Value::Null => Ok(vec![None]),
        Value::List(list) => list
            .items
            .iter()
            .map(|rid| name(&text(rid)).map(Some))
            .collect(),
        rid => Ok(vec![Some(name(&text(rid))?)]),
    }
}
