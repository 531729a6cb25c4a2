//! `pick`: `JSONPath`, as classic KRL has it, which is the first description of it with a few
//! operators of its own; what RFC 9535 adds in brackets works too.

mod parse;

use std::{cmp::Ordering, sync::Arc};

use self::parse::parse;
use super::{Builtin, Given};
use crate::{
    coerce::{describe, index, number, text, truth},
    limit::{Failure, Meter},
    value::Value,
};

pub(super) static FUNCTIONS: &[Builtin] =
    &[Builtin::pure("pick", &["val", "path", "forceArray"], pick)];

/// A step from a value to some of what is in it.
#[derive(Debug)]
enum Step {
    /// `..`: the value itself and all that is in it, however deep.
    Descend,
    /// `.name`, `[0]`, `['a', 'b']`, `[*]`, `[1:5]`, `[?(@.price < 10)]`: any of them.
    Select(Vec<Selector>),
}

/// What of a value is meant.
#[derive(Debug)]
enum Selector {
    All,
    Filter(Filter),
    /// A name in a map, or the position of an element, from the end if it is negative.
    Key(Arc<str>),
    /// From, to (not included), in steps of.
    Slice(Option<f64>, Option<f64>, f64),
}

/// `@.name < 10`; without an operator the place must only be there.
#[derive(Debug)]
struct Filter {
    place: Vec<Arc<str>>,
    test: Option<(Comparison, Value)>,
}

/// How a filter compares; `eq` and `ne` are other words for the first two, which classic KRL has
/// for texts.
#[derive(Clone, Copy, Debug)]
enum Comparison {
    Contains,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    NotEqual,
}

/// What a path leads to: the one value if there is one, else all of them as an array; always an
/// array if the second argument says so.
fn pick(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let Value::Text(path) = given.get(1) else {
        let message = format!(
            "pick takes a path as a text, not {}",
            describe(given.get(1))
        );
        return Err(Failure::kind(message));
    };
    if given.get(0).is_null() {
        return Ok(Value::Null);
    }
    meter.spend_for(path.len())?;
    let mut found = vec![given.get(0)];
    for step in parse(path)? {
        found = match &step {
            Step::Descend => descended(meter, &found)?,
            Step::Select(selectors) => selected(meter, &found, selectors)?,
        };
    }
    if let ([one], false) = (&found[..], truth(given.get(2))) {
        return Ok((*one).clone());
    }
    meter.list(found.into_iter().cloned().collect())
}

fn descended<'v>(meter: &mut Meter, found: &[&'v Value]) -> Result<Vec<&'v Value>, Failure> {
    let mut within = Vec::new();
    // The last first, so that what is found stays in the order of the text.
    let mut open: Vec<&Value> = found.iter().rev().copied().collect();
    while let Some(value) = open.pop() {
        meter.spend(1)?;
        meter.allocate(FOUND_BYTES)?;
        within.push(value);
        open.extend(children(meter, value)?.into_iter().rev());
    }
    Ok(within)
}

fn selected<'v>(
    meter: &mut Meter,
    found: &[&'v Value],
    selectors: &[Selector],
) -> Result<Vec<&'v Value>, Failure> {
    let mut chosen = Vec::new();
    for value in found {
        for selector in selectors {
            meter.spend(1)?;
            let before = chosen.len();
            match selector {
                Selector::All => chosen.extend(children(meter, value)?),
                Selector::Filter(filter) => {
                    for child in children(meter, value)? {
                        meter.spend(1)?;
                        if filter.holds(meter, child)? {
                            chosen.push(child);
                        }
                    }
                }
                Selector::Key(key) => chosen.extend(child(meter, value, key)?),
                Selector::Slice(from, to, step) => slice(value, (*from, *to, *step), &mut chosen),
            }
            let added = chosen.len().saturating_sub(before) as u64;
            meter.spend(added)?;
            meter.allocate(FOUND_BYTES.saturating_mul(added))?;
        }
    }
    Ok(chosen)
}

impl Filter {
    fn holds(&self, meter: &mut Meter, value: &Value) -> Result<bool, Failure> {
        let mut place = value;
        for key in &self.place {
            match child(meter, place, key)? {
                Some(child) => place = child,
                None => return Ok(false),
            }
        }
        match &self.test {
            None => Ok(true),
            Some((comparison, with)) => {
                meter.spend_for(text(place).len())?;
                Ok(comparison.holds(place, with))
            }
        }
    }
}

impl Comparison {
    fn holds(self, place: &Value, with: &Value) -> bool {
        if let Self::Contains = self {
            return match place {
                Value::List(list) => list.items.iter().any(|item| is_like(item, with)),
                Value::Map(map) => map.contains(&text(with)),
                other => is_like(other, with),
            };
        }
        let order = match (number(place), number(with)) {
            (Some(place), Some(with)) => place.partial_cmp(&with),
            _ => Some(text(place).cmp(&text(with))),
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Contains => false,
        }
    }
}

/// Whether a number is the one sought, or a text has the text in it.
fn is_like(value: &Value, with: &Value) -> bool {
    match (value, with) {
        (Value::List(_) | Value::Map(_) | Value::Null, _) => false,
        (Value::Number(one), Value::Number(other)) => {
            one.partial_cmp(other) == Some(Ordering::Equal)
        }
        _ => text(value).contains(&*text(with)),
    }
}

fn children<'v>(meter: &mut Meter, value: &'v Value) -> Result<Vec<&'v Value>, Failure> {
    Ok(match value {
        Value::List(list) => list.items.iter().collect(),
        Value::Map(map) => map.entries(meter)?.values().collect(),
        _ => Vec::new(),
    })
}

fn child<'v>(meter: &mut Meter, value: &'v Value, key: &str) -> Result<Option<&'v Value>, Failure> {
    Ok(match value {
        Value::List(list) => element(&list.items, key),
        Value::Map(map) => map.entries(meter)?.get(key),
        _ => None,
    })
}

/// The element at a position, which counts from the end if it is negative.
fn element<'v>(items: &'v [Value], key: &str) -> Option<&'v Value> {
    let position: i64 = key.parse().ok()?;
    let from_end = usize::try_from(position.unsigned_abs()).ok()?;
    let position = if position < 0 {
        items.len().checked_sub(from_end)?
    } else {
        from_end
    };
    items.get(position)
}

/// The elements from one position to before another, which count from the end if negative.
fn slice<'v>(
    value: &'v Value,
    (from, to, step): (Option<f64>, Option<f64>, f64),
    chosen: &mut Vec<&'v Value>,
) {
    let Some(items) = value.as_list() else {
        return;
    };
    let at = |position: f64| {
        let length = items.len() as f64;
        let position = if position < 0.0 {
            position + length
        } else {
            position
        };
        index(position.clamp(0.0, length))
    };
    let (from, to) = (from.map_or(0, at), to.map_or(items.len(), at));
    let within = items.get(from..to.max(from)).unwrap_or_default();
    chosen.extend(within.iter().step_by(index(step).max(1)));
}

/// What a value that a path has come to is counted as.
const FOUND_BYTES: u64 = 8;
