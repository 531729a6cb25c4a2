//! Variables that remember: counters with the time of their last change, and trails of places.
//!
//! A trail is a list of maps with a `place` and the `time` at which it was added, in milliseconds
//! since 1970, the newest first.

use std::sync::Arc;

use stratus_event::Name;

use super::{At, Evaluator, name};
use crate::{
    coerce::{number, text, truth},
    library,
    limit::{Failure, Halt, Meter},
    pattern::Pattern,
    program::{Expression, Operator, StatementKind, Trail, TrailKind},
    value::Value,
};

impl Evaluator<'_> {
    /// What a trail, or a variable that remembers when it was written, has to say.
    pub(super) fn trail(&mut self, at: At, trail: &Trail) -> Result<Value, Halt> {
        let value = self.variable(at, &trail.variable)?;
        let oldest = match &trail.within {
            Some(within) => {
                let within = number(&self.value(at, within)?).unwrap_or(0.0);
                Some(self.scene.now.0 as f64 - within)
            }
            None => None,
        };
        match &trail.kind {
            TrailKind::Compared(comparison) => {
                let holds = match comparison {
                    Some((operator, other)) => {
                        let other = self.value(at, other)?;
                        truth(&library::operate(
                            &mut self.meter,
                            *operator,
                            &value,
                            &other,
                        )?)
                    }
                    None => !value.is_null(),
                };
                let is_young = self.is_young(at, &trail.variable, oldest)?;
                Ok(Value::Boolean(holds && is_young))
            }
            TrailKind::Current => Ok(place(&mut self.meter, &value, 0)?),
            TrailKind::History(back) => {
                let back = number(&self.value(at, back)?).unwrap_or(0.0);
                let mut places = 0..value.as_list().map_or(0, <[Value]>::len);
                let found = places.find(|place| *place as f64 >= back);
                let found = found.map(|found| place(&mut self.meter, &value, found));
                Ok(found.transpose()?.unwrap_or_default())
            }
            TrailKind::Seen(pattern) => {
                let found = self.seen(at, &value, pattern, oldest)?;
                Ok(Value::Boolean(found.is_some()))
            }
            TrailKind::SeenInOrder(first, after, second) => {
                let first = self.seen(at, &value, first, oldest)?;
                let second = self.seen(at, &value, second, oldest)?;
                // The newest stand first, so what was before stands behind.
                let before = first
                    .zip(second)
                    .map(|(first, second)| (first > second) != *after);
                Ok(Value::Boolean(before.unwrap_or(false)))
            }
        }
    }

    /// `mark`: adds a place to a trail; without one, the address of the page.
    pub(super) fn mark(
        &mut self,
        at: At,
        variable: &Name,
        place: Option<&Expression>,
    ) -> Result<(), Halt> {
        let place = match place {
            Some(place) => self.value(at, place)?,
            None => self.page()?,
        };
        let time = Value::number(self.scene.now.0 as f64);
        let entry = [("place".into(), place), ("time".into(), time)];
        let entry = self.meter.map(entry.into_iter().collect())?;
        let old = self.variable(at, variable)?;
        let places = old.as_list().unwrap_or_default().iter().cloned();
        let places = std::iter::once(entry).chain(places).take(PLACES_MAX);
        let places = self.meter.list(places.collect())?;
        self.put(at, variable, None, places)
    }

    /// The address of the page that the event came from, where it says so.
    fn page(&mut self) -> Result<Value, Failure> {
        let attributes = self.event().map(|event| &event.attributes);
        let page = attributes.and_then(|attributes| {
            let caller = attributes.get("caller");
            caller.or_else(|| attributes.get("url"))
        });
        page.map_or(Ok(Value::Null), |page| {
            crate::border::from_data(&mut self.meter, page)
        })
    }

    /// `forget`: takes the newest place that matches out of a trail.
    pub(super) fn forget(
        &mut self,
        at: At,
        variable: &Name,
        pattern: &Expression,
    ) -> Result<(), Halt> {
        let old = self.variable(at, variable)?;
        let Some(found) = self.seen(at, &old, pattern, None)? else {
            return Ok(());
        };
        let mut places = old.as_list().unwrap_or_default().to_vec();
        places.remove(found);
        let places = self.meter.list(places)?;
        self.put(at, variable, None, places)
    }

    /// `+=` and `-=`.
    pub(super) fn increment(&mut self, at: At, statement: &StatementKind) -> Result<(), Halt> {
        let StatementKind::Increment {
            variable,
            path,
            amount,
            negative,
            start,
        } = statement
        else {
            return Ok(());
        };
        let path = path.as_ref().map(|path| self.value(at, path)).transpose()?;
        let whole = self.variable(at, variable)?;
        let old = match &path {
            Some(path) => library::get(&mut self.meter, &whole, path)?,
            None => whole,
        };
        let value = match start {
            Some(start) if old.is_null() => self.value(at, start)?,
            _ => {
                let amount = self.value(at, amount)?;
                let old = if old.is_null() {
                    Value::number(0.0)
                } else {
                    old
                };
                let operator = if *negative {
                    Operator::Subtract
                } else {
                    Operator::Add
                };
                library::operate(&mut self.meter, operator, &old, &amount)?
            }
        };
        self.put(at, variable, path, value)
    }

    /// The position of the newest place that matches and is young enough.
    fn seen(
        &mut self,
        at: At,
        trail: &Value,
        pattern: &Expression,
        oldest: Option<f64>,
    ) -> Result<Option<usize>, Halt> {
        let pattern = match self.value(at, pattern)? {
            Value::Pattern(pattern) => pattern,
            other => Arc::new(Pattern::new(&text(&other), "")?),
        };
        let entries = trail.as_list().unwrap_or_default();
        self.meter.spend_for(entries.len())?;
        for (position, entry) in entries.iter().enumerate() {
            let place = entry.field(&mut self.meter, "place")?;
            let time = entry.field(&mut self.meter, "time")?;
            let is_young = oldest.is_none_or(|oldest| {
                time.is_some_and(|time| number(&time).is_some_and(|time| time >= oldest))
            });
            if is_young && place.is_some_and(|place| pattern.regex().is_match(&text(&place))) {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    fn is_young(&mut self, at: At, variable: &Name, oldest: Option<f64>) -> Result<bool, Failure> {
        let Some(oldest) = oldest else {
            return Ok(true);
        };
        let time = self.variable(at, &time_of(variable)?)?;
        Ok(!time.is_null() && number(&time).is_some_and(|time| time >= oldest))
    }
}

/// The variable beside another that keeps when that one was written.
pub(super) fn time_of(variable: &Name) -> Result<Name, Failure> {
    name(&format!("{variable}.time"))
}

fn place(meter: &mut Meter, trail: &Value, back: usize) -> Result<Value, Failure> {
    let entry = trail.as_list().unwrap_or_default().get(back);
    let place = entry.map(|entry| entry.field(meter, "place")).transpose()?;
    Ok(place.flatten().unwrap_or_default())
}

/// Places that a trail keeps; the oldest go first.
const PLACES_MAX: usize = 1_000;
