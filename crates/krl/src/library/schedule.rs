//! The module `schedule`: events to come.

use indexmap::IndexMap;
use stratus_event::Name;
use stratus_pen::language::{Timer, TimerChange};

use super::{Body, Builtin, Given};
use crate::{
    border,
    evaluate::Evaluator,
    limit::{Failure, Halt},
    value::Value,
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::new("schedule:clear", &[], Body::Action(clear)),
    Builtin::new("schedule:get", &["id"], Body::Function(get)),
    Builtin::new("schedule:list", &[], Body::Function(list)),
    Builtin::new("schedule:remove", &["id"], Body::Action(remove)),
];

/// The ruleset's timers as this run sees them.
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
    Ok(timers.into_values().collect())
}

fn list(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let timers = timers(evaluator, given)?;
    let timers = timers.iter().map(|timer| describe(evaluator, timer));
    let timers = timers.collect::<Result<_, _>>()?;
    Ok(evaluator.meter.list(timers)?)
}

fn get(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let wanted = given.text(0);
    match timers(evaluator, given)?
        .iter()
        .find(|timer| timer.id == *wanted)
    {
        Some(timer) => Ok(describe(evaluator, timer)?),
        None => Ok(Value::Null),
    }
}

/// Removes one of the ruleset's own timers; one that is not there is none to remove.
fn remove(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let wanted = given.text(0);
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

fn describe(evaluator: &mut Evaluator<'_>, timer: &Timer) -> Result<Value, Failure> {
    let meter = &mut evaluator.meter;
    let attributes = border::map_from_data(meter, &timer.raise.attributes)?;
    let text = |text: &str| Value::Text(text.into());
    let event = [
        ("domain".into(), text(timer.raise.domain.as_str())),
        ("name".into(), text(timer.raise.kind.as_str())),
        ("attrs".into(), attributes),
    ];
    let event = meter.map(event.into_iter().collect())?;
    let entries = [
        ("id".into(), text(timer.id.as_str())),
        ("type".into(), text("at")),
        ("time".into(), text(&timer.at.to_string())),
        ("event".into(), event),
    ];
    meter.map(entries.into_iter().collect())
}
