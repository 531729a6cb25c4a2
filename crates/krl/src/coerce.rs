//! How values turn into one another, and how they compare.

use std::{cmp::Ordering, sync::Arc};

use crate::{
    limit::{Failure, Meter},
    program::Operator,
    value::{Callable, Map, Value},
};

/// The name that `typeof` gives a value's type.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Action(Callable::Builtin(builtin)) if builtin.also_function() => "ActionFunction",
        Value::Action(_) => "Action",
        Value::Boolean(_) => "Boolean",
        Value::Function(_) => "Function",
        Value::List(_) => "Array",
        Value::Map(_) => "Map",
        Value::Null => "Null",
        Value::Number(_) => "Number",
        Value::Pattern(_) => "RegExp",
        Value::Text(text) if is_hexadecimal(text) => "Hex",
        Value::Text(_) => "String",
    }
}

/// Whether a condition holds: nothing, zero, false and the empty text do not.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Boolean(truth) => *truth,
        Value::Null => false,
        Value::Number(number) => *number != 0.0,
        Value::Text(text) => !text.is_empty(),
        _ => true,
    }
}

/// The text of a value; lists, maps and functions have only the name of their type.
pub(crate) fn text(value: &Value) -> Arc<str> {
    match value {
        Value::Text(text) => Arc::clone(text),
        Value::Boolean(true) => "true".into(),
        Value::Boolean(false) => "false".into(),
        Value::Null => "null".into(),
        Value::Number(number) => number_text(*number).into(),
        Value::Pattern(pattern) => pattern.to_string().into(),
        other => format!("[{}]", type_name(other)).into(),
    }
}

/// The number of a value, if it has one. A list and a map count their elements.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(0.0),
        Value::Boolean(truth) => Some(f64::from(u8::from(*truth))),
        Value::Number(number) => Some(*number),
        Value::Text(text) => parse_number(text),
        Value::List(list) => Some(list.items.len() as f64),
        Value::Map(map) => Some(map.len() as f64),
        Value::Action(_) | Value::Function(_) | Value::Pattern(_) => None,
    }
}

/// Deep equality without coercion. Shared parts may make a small value large to walk, so the walk
/// costs fuel.
pub(crate) fn equal(meter: &mut Meter, one: &Value, two: &Value) -> Result<bool, Failure> {
    meter.spend(1)?;
    Ok(match (one, two) {
        (Value::Null, Value::Null) => true,
        (Value::Boolean(one), Value::Boolean(two)) => one == two,
        (Value::Number(one), Value::Number(two)) => one.total_cmp(two).is_eq(),
        (Value::Text(one), Value::Text(two)) => {
            meter.spend_for(one.len())?;
            one == two
        }
        (Value::Pattern(one), Value::Pattern(two)) => one == two,
        (Value::Function(one), Value::Function(two)) | (Value::Action(one), Value::Action(two)) => {
            one.same(two)
        }
        (Value::List(one), Value::List(two)) => equal_lists(meter, &one.items, &two.items)?,
        (Value::Map(one), Value::Map(two)) => equal_maps(meter, one, two)?,
        _ => false,
    })
}

/// By number if both have one, else by text.
pub(crate) fn order(one: &Value, two: &Value) -> Ordering {
    match (number(one), number(two)) {
        (Some(one), Some(two)) => one.partial_cmp(&two).unwrap_or(Ordering::Equal),
        _ => order_text(one, two),
    }
}

/// The number that an operator of arithmetic makes of two. Dividing by zero gives zero.
pub(crate) fn compute(operator: Operator, left: f64, right: f64) -> Option<f64> {
    Some(match operator {
        Operator::Divide | Operator::Remainder if right == 0.0 => 0.0,
        Operator::Divide => left / right,
        Operator::Multiply => left * right,
        Operator::Remainder => left % right,
        Operator::Subtract => left - right,
        _ => return None,
    })
}

/// What a comparison says of the order of its operands.
pub(crate) fn compare(operator: Operator, order: Ordering) -> Option<bool> {
    Some(match operator {
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        _ => return None,
    })
}

/// By text, whatever the values are.
pub(crate) fn order_text(one: &Value, two: &Value) -> Ordering {
    text(one).cmp(&text(two))
}

/// A value as an error message shows it: short, whatever its size.
pub(crate) fn describe(value: &Value) -> String {
    let mut out = String::new();
    describe_into(&mut out, value, 0);
    out
}

/// A whole number from a double that is known to be in range or is clamped into it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates"
)]
pub(crate) fn index(number: f64) -> usize {
    number.max(0.0) as usize
}

/// A number as KRL writes it: the shortest text that reads back, with an exponent only for the
/// very large and the very small.
pub(crate) fn number_text(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{number}");
    }
    let scientific = format!("{number:e}");
    match scientific.split_once('e') {
        Some((_, exponent)) if exponent.starts_with('-') => scientific,
        Some((digits, exponent)) => format!("{digits}e+{exponent}"),
        None => scientific,
    }
}

fn equal_lists(meter: &mut Meter, one: &[Value], two: &[Value]) -> Result<bool, Failure> {
    if one.len() != two.len() {
        return Ok(false);
    }
    for (left, right) in one.iter().zip(two) {
        if !equal(meter, left, right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_maps(meter: &mut Meter, one: &Map, two: &Map) -> Result<bool, Failure> {
    if one.len() != two.len() {
        return Ok(false);
    }
    let (one, two) = (one.entries(meter)?, two.entries(meter)?);
    for (name, left) in one {
        match two.get(name) {
            Some(right) if equal(meter, left, right)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn is_hexadecimal(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    digits.is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The number that a text writes.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    if text.len() > NUMBER_BYTES_MAX {
        return None;
    }
    let text = text.trim();
    if text.is_empty() {
        return Some(0.0);
    }
    if let Some((radix, digits)) = split_radix(text) {
        return parse_with_radix(radix, digits);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !is_decimal {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The radix that the text names, and the digits after it.
fn split_radix(text: &str) -> Option<(u32, &str)> {
    let (prefix, digits) = text.split_at_checked(2)?;
    match prefix {
        "0x" | "0X" => Some((16, digits)),
        "0o" | "0O" => Some((8, digits)),
        "0b" | "0B" => Some((2, digits)),
        _ => None,
    }
}

fn parse_with_radix(radix: u32, digits: &str) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    let add =
        |sum: f64, digit: char| Some(sum * f64::from(radix) + f64::from(digit.to_digit(radix)?));
    digits
        .chars()
        .try_fold(0.0, add)
        .filter(|number| number.is_finite())
}

fn describe_into(out: &mut String, value: &Value, depth: u32) {
    match value {
        Value::Text(text) => {
            out.push('"');
            out.extend(text.chars().take(DESCRIBED_CHARACTERS_MAX));
            out.push_str(if text.chars().nth(DESCRIBED_CHARACTERS_MAX).is_some() {
                "…\""
            } else {
                "\""
            });
        }
        Value::List(list) if depth < DESCRIBED_DEPTH_MAX => {
            out.push('[');
            let items = list.items.iter().map(|item| (None, item));
            describe_items(out, items, list.items.len(), depth);
            out.push(']');
        }
        Value::Map(map) if depth < DESCRIBED_DEPTH_MAX => {
            out.push('{');
            let first = map.first(DESCRIBED_ITEMS_MAX);
            let first = first.iter().map(|(name, item)| (Some(name), item));
            describe_items(out, first, map.len(), depth);
            out.push('}');
        }
        other => out.push_str(&text(other)),
    }
}

fn describe_items<'a>(
    out: &mut String,
    items: impl Iterator<Item = (Option<&'a Arc<str>>, &'a Value)>,
    length: usize,
    depth: u32,
) {
    for (position, (name, item)) in items.take(DESCRIBED_ITEMS_MAX).enumerate() {
        if position > 0 {
            out.push_str(", ");
        }
        if let Some(name) = name {
            out.push('"');
            out.extend(name.chars().take(DESCRIBED_CHARACTERS_MAX));
            out.push_str("\": ");
        }
        describe_into(out, item, depth + 1);
    }
    if length > DESCRIBED_ITEMS_MAX {
        out.push_str(", …");
    }
}

/// The longest text that is read as a number, in bytes; none of them is written so long.
const NUMBER_BYTES_MAX: usize = 1_000;
/// How much of a text an error message shows.
const DESCRIBED_CHARACTERS_MAX: usize = 40;
/// How many elements an error message shows.
const DESCRIBED_ITEMS_MAX: usize = 4;
/// How many lists and maps within each other an error message shows.
const DESCRIBED_DEPTH_MAX: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let check = |number: f64, expected: &str| assert_eq!(number_text(number), expected);
        check(0.0, "0");
        check(2.3 + 0.1, "2.4");
        check(-1.5, "-1.5");
        check(1e20, "100000000000000000000");
        check(1e21, "1e+21");
        check(1.25e-7, "1.25e-7");
        check(0.000_001, "0.000001");
    }

    #[test]
    fn texts_are_read_as_numbers() {
        let check =
            |text: &str, expected: Option<f64>| assert_eq!(parse_number(text), expected, "{text}");
        check("", Some(0.0));
        check(" +5  ", Some(5.0));
        check("+ 5", None);
        check("0xAF", Some(175.0));
        check("0o72", Some(58.0));
        check("0b02", None);
        check("0x", None);
        check("1e3", Some(1000.0));
        check(".5", Some(0.5));
        check("5.", Some(5.0));
        check(".", None);
        check("inf", None);
        check("NaN", None);
        check("1e999", None);
        check("-0x10", None);
        check(&"1".repeat(NUMBER_BYTES_MAX + 1), None);
    }

    #[test]
    fn long_values_are_described_shortly() {
        let long = Value::Text("x".repeat(100).into());
        assert_eq!(describe(&long), format!("\"{}…\"", "x".repeat(40)));
    }
}
