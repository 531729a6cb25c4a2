//! Sorting.

use std::cmp::Ordering;

use super::{Body, Builtin, Given};
use crate::{
    coerce::{number, order, order_text},
    evaluate::Evaluator,
    limit::Halt,
    value::{Callable, Value},
};

pub(super) static FUNCTIONS: &[Builtin] = &[Builtin::new(
    "sort",
    &["val", "sortBy"],
    Body::Function(sort),
)];

/// Sorts a list by text, by number, or by a function that tells the order of two elements.
fn sort(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let Some(items) = given.get(0).as_list() else {
        return Ok(given.get(0).clone());
    };
    evaluator.meter.allocate_slots(items.len())?;
    let mut items = items.to_vec();
    if let Value::Function(callable) = given.get(1) {
        items = merge_sort(evaluator, given, callable, items)?;
    } else {
        // On each of so many levels every element is compared once, and its text read once.
        let levels = u64::from(items.len().max(1).ilog2() + 1);
        let texts = items.iter().filter_map(Value::as_text);
        let read: u64 = texts.map(|text| text.len() as u64 / 16).sum();
        evaluator
            .meter
            .spend(levels * (items.len() as u64 + read))?;
        let sorter = given.get(1).as_text().map_or("default", |name| &**name);
        let compare: fn(&Value, &Value) -> Ordering = match sorter {
            "ciremun" => |one, two| order(two, one),
            "numeric" => order,
            "reverse" => |one, two| order_text(two, one),
            _ => order_text,
        };
        items = stable(items, compare);
    }
    Ok(evaluator.meter.list(items)?)
}

/// Comparing by number where both have one, and by text elsewhere, is not a total order: a mixed
/// list may come out in any order, but the standard sort may panic on it.
fn stable(mut items: Vec<Value>, compare: fn(&Value, &Value) -> Ordering) -> Vec<Value> {
    if items.len() < 2 {
        return items;
    }
    let right = items.split_off(items.len() / 2);
    let (left, right) = (stable(items, compare), stable(right, compare));
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let mut left = left.into_iter().peekable();
    let mut right = right.into_iter().peekable();
    while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
        let next = if compare(one, two).is_gt() {
            right.next()
        } else {
            left.next()
        };
        merged.extend(next);
    }
    merged.extend(left.chain(right));
    merged
}

fn merge_sort(
    evaluator: &mut Evaluator<'_>,
    given: &Given,
    callable: &Callable,
    mut items: Vec<Value>,
) -> Result<Vec<Value>, Halt> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = items.split_off(items.len() / 2);
    let left = merge_sort(evaluator, given, callable, items)?;
    let right = merge_sort(evaluator, given, callable, right)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let mut left = left.into_iter().peekable();
    let mut right = right.into_iter().peekable();
    while let (Some(one), Some(two)) = (left.peek(), right.peek()) {
        let arguments = vec![one.clone(), two.clone()];
        let order = evaluator.call(given.at, callable, arguments, given.site)?;
        let is_after = number(&order).is_some_and(|order| order > 0.0);
        merged.extend(if is_after { right.next() } else { left.next() });
    }
    merged.extend(left.chain(right));
    Ok(merged)
}
