//! Functions of lists and maps, most of them with a function to apply.

use std::sync::Arc;

use super::{Body, Builtin, Given};
use crate::{
    coerce::{describe, index, text, truth},
    evaluate::Evaluator,
    limit::{Failure, Halt, Meter},
    value::{Entries, Value},
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::new("all", &["val", "iter"], Body::Function(all)),
    Builtin::new("any", &["val", "iter"], Body::Function(any)),
    Builtin::pure("append", &["val", "a", "b", "c", "d", "e"], append),
    Builtin::new("collect", &["val", "iter"], Body::Function(collect)),
    Builtin::new("filter", &["val", "iter"], Body::Function(filter)),
    Builtin::pure("head", &["val"], |_, given| Ok(head(given))),
    Builtin::pure("index", &["val", "elm"], index_of),
    Builtin::pure("isEmpty", &["val"], |_, given| Ok(is_empty(given))),
    Builtin::pure("join", &["val", "str"], join),
    Builtin::pure("length", &["val"], length),
    Builtin::new("map", &["val", "iter"], Body::Function(map)),
    Builtin::new("none", &["val", "iter"], Body::Function(none)),
    Builtin::new("notall", &["val", "iter"], Body::Function(not_all)),
    Builtin::new("pairwise", &["val", "iter"], Body::Function(pairwise)),
    Builtin::new("reduce", &["val", "iter", "dflt"], Body::Function(reduce)),
    Builtin::pure("reverse", &["val"], reverse),
    Builtin::pure("slice", &["val", "start", "end"], slice),
    Builtin::pure("splice", &["val", "start", "nElements", "value"], splice),
    Builtin::pure("tail", &["val"], tail),
];

/// The elements of the first argument with their keys or positions.
fn elements<'g>(meter: &mut Meter, given: &'g Given) -> Result<Elements<'g>, Failure> {
    let collection = given.get(0);
    match collection {
        Value::List(list) => {
            meter.spend_for(list.items.len())?;
            let items = list.items.iter().enumerate();
            Ok(Box::new(
                items.map(|(position, item)| (Value::count(position), item)),
            ))
        }
        Value::Map(map) => {
            meter.spend_for(map.len())?;
            let entries = map.entries(meter)?.iter();
            Ok(Box::new(
                entries.map(|(name, item)| (Value::Text(Arc::clone(name)), item)),
            ))
        }
        other => {
            let message = format!(
                "this works on arrays and maps only, not on {}",
                describe(other)
            );
            Err(Failure::kind(message))
        }
    }
}

type Elements<'g> = Box<dyn Iterator<Item = (Value, &'g Value)> + 'g>;

/// Applies the second argument to an element; without one, the element stands for itself.
fn apply(
    evaluator: &mut Evaluator<'_>,
    given: &Given,
    key: &Value,
    value: &Value,
) -> Result<Value, Halt> {
    if given.get(1).is_null() {
        return Ok(value.clone());
    }
    call(
        evaluator,
        given,
        vec![value.clone(), key.clone(), given.get(0).clone()],
    )
}

/// Calls the second argument.
fn call(
    evaluator: &mut Evaluator<'_>,
    given: &Given,
    arguments: Vec<Value>,
) -> Result<Value, Halt> {
    match given.get(1) {
        Value::Function(callable) => evaluator.call(given.at, callable, arguments, given.site),
        other => {
            Err(Failure::kind(format!("{} cannot be used as a function", describe(other))).into())
        }
    }
}

/// Whether some element, or with `false` some element not, makes the function true.
fn some(evaluator: &mut Evaluator<'_>, given: &Given, wanted: bool) -> Result<bool, Halt> {
    for (key, value) in elements(&mut evaluator.meter, given)? {
        let arguments = vec![value.clone(), key, given.get(0).clone()];
        if truth(&call(evaluator, given, arguments)?) == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn all(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    Ok(Value::Boolean(!some(evaluator, given, false)?))
}

fn any(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    Ok(Value::Boolean(some(evaluator, given, true)?))
}

fn none(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    Ok(Value::Boolean(!some(evaluator, given, true)?))
}

fn not_all(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    Ok(Value::Boolean(some(evaluator, given, false)?))
}

/// The elements in groups, by the text of what the function gives for them.
fn collect(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let mut groups: indexmap::IndexMap<Arc<str>, Vec<Value>> = indexmap::IndexMap::new();
    for (key, value) in elements(&mut evaluator.meter, given)? {
        let group = text(&apply(evaluator, given, &key, value)?);
        evaluator.meter.spend_for_text(&group)?;
        groups.entry(group).or_default().push(value.clone());
    }
    let mut entries = Entries::with_capacity(groups.len());
    for (group, items) in groups {
        entries.insert(group, evaluator.meter.list(items)?);
    }
    Ok(evaluator.meter.map(entries)?)
}

fn filter(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let mut kept = Vec::new();
    for (key, value) in elements(&mut evaluator.meter, given)? {
        if truth(&apply(evaluator, given, &key, value)?) {
            kept.push((key, value.clone()));
        }
    }
    Ok(gather(&mut evaluator.meter, given, kept)?)
}

fn map(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let mut mapped = Vec::new();
    for (key, value) in elements(&mut evaluator.meter, given)? {
        let value = apply(evaluator, given, &key, value)?;
        mapped.push((key, value));
    }
    Ok(gather(&mut evaluator.meter, given, mapped)?)
}

/// Elements as a collection of the first argument's type.
fn gather(
    meter: &mut Meter,
    given: &Given,
    elements: Vec<(Value, Value)>,
) -> Result<Value, Failure> {
    if let Value::List(_) = given.get(0) {
        return meter.list(elements.into_iter().map(|(_, value)| value).collect());
    }
    meter.map(
        elements
            .into_iter()
            .map(|(key, value)| (text(&key), value))
            .collect(),
    )
}

/// The function of the first elements, of the second elements, and so on, of several lists.
fn pairwise(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let lists = given.items()?;
    if lists.len() < 2 {
        return Err(Failure::kind("pairwise needs a list of at least two lists").into());
    }
    if !matches!(given.get(1), Value::Function(_)) {
        let message = format!("{} cannot be used as a function", describe(given.get(1)));
        return Err(Failure::kind(message).into());
    }
    let lists: Vec<&[Value]> = lists
        .iter()
        .map(|list| list.as_list().unwrap_or(std::slice::from_ref(list)))
        .collect();
    let longest = lists.iter().map(|list| list.len()).max().unwrap_or(0);
    let mut results = Vec::new();
    for position in 0..longest {
        evaluator.meter.allocate_slots(lists.len())?;
        let arguments = lists
            .iter()
            .map(|list| list.get(position).cloned().unwrap_or_default());
        results.push(call(evaluator, given, arguments.collect())?);
    }
    Ok(evaluator.meter.list(results)?)
}

fn reduce(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    given.items()?;
    let mut elements = elements(&mut evaluator.meter, given)?;
    let start = if given.len() > 2 {
        Some(given.get(2).clone())
    } else {
        elements.next().map(|(_, first)| first.clone())
    };
    let Some(mut result) = start else {
        return Ok(Value::Number(0.0));
    };
    for (key, value) in elements {
        result = call(
            evaluator,
            given,
            vec![result, value.clone(), key, given.get(0).clone()],
        )?;
    }
    Ok(result)
}

fn append(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let lengths = given
        .values
        .iter()
        .map(|value| value.as_list().map_or(1, <[Value]>::len));
    meter.allocate_slots(lengths.sum())?;
    let parts = given.values.iter();
    let parts = parts.flat_map(|part| part.as_list().unwrap_or(std::slice::from_ref(part)));
    meter.list(parts.cloned().collect())
}

fn head(given: &Given) -> Value {
    match given.get(0).as_list() {
        Some(items) => items.first().cloned().unwrap_or_default(),
        None => given.get(0).clone(),
    }
}

fn tail(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let items = given.get(0).as_list().unwrap_or_default();
    meter.list(items.iter().skip(1).cloned().collect())
}

fn index_of(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    for (position, item) in given.items()?.iter().enumerate() {
        if crate::coerce::equal(meter, item, given.get(1))? {
            return Ok(Value::count(position));
        }
    }
    Ok(Value::Number(-1.0))
}

fn is_empty(given: &Given) -> Value {
    Value::Boolean(match given.get(0) {
        Value::List(list) => list.items.is_empty(),
        Value::Map(map) => map.len() == 0,
        Value::Text(text) => text.is_empty(),
        _ => true,
    })
}

fn length(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    Ok(Value::count(match given.get(0) {
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.len(),
        Value::Text(text) => {
            meter.spend_for(text.len())?;
            text.chars().count()
        }
        _ => 0,
    }))
}

fn join(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let Some(items) = given.get(0).as_list() else {
        return meter.text(given.text(0));
    };
    let separator = if given.get(1).is_null() {
        ",".into()
    } else {
        given.text(1)
    };
    let mut out = String::new();
    for (position, item) in items.iter().enumerate() {
        let item = text(item);
        meter.allocate((item.len() + separator.len()) as u64)?;
        if position > 0 {
            out.push_str(&separator);
        }
        out.push_str(&item);
    }
    meter.text(out)
}

fn reverse(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let items = given.items()?.iter().rev().cloned().collect();
    meter.list(items)
}

/// From one position to another, both included, in either order; nothing if one is out of range.
/// With one position, from the start to there.
fn slice(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let items = given.items()?;
    if items.is_empty() || given.len() < 2 {
        return meter.list(items.to_vec());
    }
    let first = position(given, 1)?;
    if given.len() == 2 {
        let wanted = if first > items.len() as f64 {
            0
        } else {
            index(first + 1.0)
        };
        return meter.list(items.iter().take(wanted).cloned().collect());
    }
    let second = position(given, 2)?;
    let (from, to) = (first.min(second), first.max(second));
    if from < 0.0 || to >= items.len() as f64 {
        return meter.list(Vec::new());
    }
    let (from, to) = (index(from), index(to));
    meter.list(
        items
            .iter()
            .skip(from)
            .take(to + 1 - from)
            .cloned()
            .collect(),
    )
}

/// Takes elements out at a position, and puts others there.
fn splice(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let items = given.items()?;
    if items.is_empty() {
        return meter.list(Vec::new());
    }
    let start = index(position(given, 1)?).min(items.len() - 1);
    let count = position(given, 2)?;
    let is_inside = count >= 0.0 && start as f64 + count <= items.len() as f64;
    let count = if is_inside {
        index(count)
    } else {
        items.len() - start
    };
    let new = match given.values.get(3) {
        None => &[],
        Some(value) => value.as_list().unwrap_or(std::slice::from_ref(value)),
    };
    let kept = items.iter().skip(start + count);
    meter.list(
        items
            .iter()
            .take(start)
            .chain(new)
            .chain(kept)
            .cloned()
            .collect(),
    )
}

fn position(given: &Given, argument: usize) -> Result<f64, Failure> {
    given.number(argument).ok_or_else(|| {
        Failure::kind(format!(
            "{} cannot be used as a position",
            describe(given.get(argument))
        ))
    })
}
