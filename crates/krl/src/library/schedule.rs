//! The module `schedule`: events to come.

use std::sync::Arc;

use indexmap::IndexMap;
use stratus_event::Name;
use stratus_pen::{
    Cron,
    language::{Timer, TimerChange},
};

use super::{Body, Builtin, Given};
use crate::{
    border,
    coerce::{describe, text},
    evaluate::Evaluator,
    limit::{Failure, Halt, Meter},
    value::Value,
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::new("schedule:clear", &[], Body::Action(clear)),
    Builtin::new("schedule:get", &["id"], Body::Function(get)),
    Builtin::new("schedule:list", &[], Body::Function(list)),
    Builtin::new("schedule:remove", &["id"], Body::Action(remove)),
];

/// The ruleset's timers as this run sees them, the next first.
fn timers(evaluator: &Evaluator<'_>, given: &Given) -> Result<Vec<Timer>, Failure> {
    let rid = evaluator.ruleset(given.at.instance)?.rid.clone();
    let known = evaluator.scene.view.timers(&rid);
    let mut timers: IndexMap<Name, Timer> = known
        .into_iter()
        .map(|timer| (timer.id.clone(), timer))
        .collect();
    for change in &evaluator.ended.timers {
        match change {
            TimerChange::Remove { id } => {
                timers.shift_remove(id);
            }
            TimerChange::Set(timer) if timer.rid == rid => {
                timers.insert(timer.id.clone(), timer.clone());
            }
            TimerChange::Set(_) => {}
        }
    }
    let mut timers: Vec<Timer> = timers.into_values().collect();
    timers.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
    Ok(timers)
}

fn list(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let timers = timers(evaluator, given)?;
    let timers = timers
        .iter()
        .map(|timer| describe_timer(&mut evaluator.meter, timer));
    let timers = timers.collect::<Result<_, _>>()?;
    Ok(evaluator.meter.list(timers)?)
}

fn get(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let wanted = id(&mut evaluator.meter, given.get(0))?;
    match timers(evaluator, given)?
        .iter()
        .find(|timer| timer.id == *wanted)
    {
        Some(timer) => Ok(describe_timer(&mut evaluator.meter, timer)?),
        None => Ok(Value::Null),
    }
}

/// Removes one of the ruleset's own timers; one that is not there is none to remove.
fn remove(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let wanted = id(&mut evaluator.meter, given.get(0))?;
    let found = timers(evaluator, given)?
        .into_iter()
        .find(|timer| timer.id == *wanted);
    let is_there = found.is_some();
    if let Some(timer) = found {
        evaluator.wish()?;
        evaluator
            .ended
            .timers
            .push(TimerChange::Remove { id: timer.id });
    }
    Ok(Value::Boolean(is_there))
}

/// A timer is named by its id, or by the map that it is shown as.
fn id(meter: &mut Meter, value: &Value) -> Result<Arc<str>, Failure> {
    Ok(match value {
        Value::Map(map) => map
            .get(meter, "id")?
            .map_or_else(|| "".into(), |id| text(&id)),
        other => text(other),
    })
}

fn clear(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    for timer in timers(evaluator, given)? {
        evaluator.wish()?;
        evaluator
            .ended
            .timers
            .push(TimerChange::Remove { id: timer.id });
    }
    Ok(Value::Null)
}

/// A timer as rules see it.
pub(crate) fn describe_timer(meter: &mut Meter, timer: &Timer) -> Result<Value, Failure> {
    let attributes = border::map_from_data(meter, &timer.raise.attributes)?;
    let word = |text: &str| Value::Text(text.into());
    let event = [
        ("domain".into(), word(timer.raise.domain.as_str())),
        ("name".into(), word(timer.raise.kind.as_str())),
        ("attrs".into(), attributes),
    ];
    let event = meter.map(event.into_iter().collect())?;
    let mut entries = vec![("id".into(), word(timer.id.as_str()))];
    match &timer.repeat {
        None => entries.push(("type".into(), word("at"))),
        Some(cron) => entries.extend([
            ("type".into(), word("repeat")),
            ("timespec".into(), word(cron.expression())),
            ("tz".into(), word(cron.zone())),
        ]),
    }
    entries.push(("time".into(), word(&timer.at.to_string())));
    entries.push(("event".into(), event));
    meter.map(entries.into_iter().collect())
}

/// A cron expression in UTC, or a map such as `{"rule": "0 8 * * *", "tz": "Europe/Vienna"}`.
pub(crate) fn cron(meter: &mut Meter, value: &Value) -> Result<Cron, Failure> {
    let (rule, zone) = match value {
        Value::Map(map) => (map.get(meter, "rule")?, map.get(meter, "tz")?),
        other => (Some(other.clone()), None),
    };
    let zone = zone.filter(|zone| !zone.is_null()).map(|zone| text(&zone));
    let Some(Value::Text(rule)) = rule else {
        let message = format!("{} is no cron expression", describe(value));
        return Err(Failure::new("krl-cron-invalid", message));
    };
    Cron::new(&rule, zone.as_deref())
        .map_err(|error| Failure::new("krl-cron-invalid", error.to_string()))
}
