//! Operators between values, and from one type to another.

use std::cmp::Ordering;

use super::{Body, Builtin, Given};
use crate::{
    coerce::{
        compare, compute, describe, equal, number, order, order_text, text, truth, type_name,
    },
    evaluate::Evaluator,
    json,
    limit::{Failure, Halt, Meter},
    pattern::Pattern,
    program::Operator,
    value::Value,
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::pure("as", &["val", "type"], convert),
    Builtin::pure("decode", &["val"], decode),
    Builtin::new(
        "defaultsTo",
        &["val", "defaultVal", "message"],
        Body::Function(defaults_to),
    ),
    Builtin::pure("encode", &["val", "indent"], encode),
    Builtin::pure("isnull", &["val"], |_, given| {
        Ok(Value::Boolean(given.get(0).is_null()))
    }),
    Builtin::new("klog", &["val", "message"], Body::Function(klog)),
    Builtin::pure("sprintf", &["val", "template"], sprintf),
    Builtin::pure("typeof", &["val"], type_of),
];

/// The value of an operator between two operands.
pub(crate) fn operate(
    meter: &mut Meter,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Result<Value, Failure> {
    if let (Value::Text(left), Value::Text(right)) = (left, right) {
        meter.spend_for_text(if left.len() < right.len() {
            left
        } else {
            right
        })?;
    }
    Ok(match operator {
        Operator::Add => return add(meter, left, right),
        Operator::Compare => sign(order(left, right)),
        Operator::CompareText => sign(order_text(left, right)),
        Operator::Contains => Value::Boolean(contains(meter, left, right)?),
        Operator::Equal => Value::Boolean(equal(meter, left, right)?),
        Operator::Divide => arithmetic(operator, left, right, "/")?,
        Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual => {
            Value::Boolean(compare(operator, order(left, right)).unwrap_or_default())
        }
        Operator::Like => Value::Boolean(matches(meter, left, right)?),
        Operator::Multiply => arithmetic(operator, left, right, "*")?,
        Operator::NotEqual => Value::Boolean(!equal(meter, left, right)?),
        Operator::Remainder => arithmetic(operator, left, right, "%")?,
        Operator::Subtract => arithmetic(operator, left, right, "-")?,
    })
}

/// `-a`.
pub(crate) fn negate(operand: &Value) -> Result<Value, Failure> {
    match number(operand) {
        Some(number) => Ok(Value::number(-number)),
        None => Err(Failure::kind(format!(
            "{} cannot be negated",
            describe(operand)
        ))),
    }
}

/// Whether a text matches a pattern, or a text that is one.
pub(super) fn matches(meter: &mut Meter, value: &Value, pattern: &Value) -> Result<bool, Failure> {
    let text = text(value);
    with_pattern(meter, pattern, text.len(), |_, pattern| {
        Ok(pattern.regex().is_match(&text))
    })
}

/// Hands a pattern on, compiled if it is a text; its work on a text of that length is counted.
pub(super) fn with_pattern<T>(
    meter: &mut Meter,
    value: &Value,
    length: usize,
    body: impl FnOnce(&mut Meter, &Pattern) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let compiled;
    let pattern = if let Value::Pattern(pattern) = value {
        &**pattern
    } else {
        let source = text(value);
        meter.spend(1_000 + 50 * source.len() as u64)?;
        compiled = Pattern::new(&source, "")?;
        &compiled
    };
    meter.spend_for(length.saturating_mul(pattern.weight()))?;
    body(meter, pattern)
}

fn add(meter: &mut Meter, left: &Value, right: &Value) -> Result<Value, Failure> {
    if let (Value::Number(left), Value::Number(right)) = (left, right) {
        return Ok(Value::number(left + right));
    }
    let (left, right) = (text(left), text(right));
    meter.allocate((left.len() + right.len()) as u64)?;
    meter.text([&*left, &*right].concat())
}

fn arithmetic(
    operator: Operator,
    left: &Value,
    right: &Value,
    sign: &str,
) -> Result<Value, Failure> {
    if let (Some(one), Some(two)) = (number(left), number(right)) {
        return Ok(compute(operator, one, two).map_or(Value::Null, Value::number));
    }
    let (left, right) = (describe(left), describe(right));
    let message = format!("{left} {sign} {right} needs two numbers");
    Err(Failure::kind(message))
}

fn contains(meter: &mut Meter, left: &Value, right: &Value) -> Result<bool, Failure> {
    match left {
        Value::List(list) => {
            for item in &list.items {
                if equal(meter, item, right)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(map) => Ok(match right {
            Value::List(_) => super::path::find(meter, left, right)?.is_some(),
            name => {
                let name = text(name);
                meter.spend_for_text(&name)?;
                map.contains(&name)
            }
        }),
        _ => Ok(false),
    }
}

fn sign(order: Ordering) -> Value {
    Value::Number(f64::from(order as i8))
}

fn convert(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let value = given.get(0);
    let wanted = given.text(1);
    if given.len() < 2 || *wanted == *type_name(value) {
        return Ok(value.clone());
    }
    match &*wanted {
        "Boolean" => Ok(Value::Boolean(
            truth(value) && value.as_text().is_none_or(|t| &**t != "false"),
        )),
        "String" => meter.text(text(value)),
        "Number" => Ok(number(value).map_or(Value::Null, Value::number)),
        "RegExp" => {
            let source = text(value);
            let source = match value {
                Value::Text(_) => source.to_string(),
                _ if source.starts_with('[') => regex::escape(&source),
                _ => source.to_string(),
            };
            meter.spend(1_000 + 50 * source.len() as u64)?;
            Ok(Value::Pattern(Pattern::new(&source, "")?.into()))
        }
        wanted => {
            let kind = type_name(value);
            let message = format!(
                "{} (type {kind}) cannot be made a {wanted}",
                describe(value)
            );
            Err(Failure::kind(message))
        }
    }
}

fn decode(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let value = given.get(0);
    match value {
        Value::Text(source) => Ok(json::decode(meter, source)?.unwrap_or_else(|| value.clone())),
        other => Ok(other.clone()),
    }
}

fn encode(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let indent = crate::coerce::index(given.number(1).unwrap_or(0.0));
    let encoded = json::encode(meter, given.get(0), indent)?;
    meter.text(encoded)
}

fn defaults_to(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    if !given.get(0).is_null() {
        return Ok(given.get(0).clone());
    }
    if !given.get(2).is_null() {
        let message = Value::Text(format!("defaultsTo: {}", given.text(2)).into());
        evaluator.log("debug", &message)?;
    }
    Ok(given.get(1).clone())
}

fn klog(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let value = given.get(0);
    let shown = json::encode(&mut evaluator.meter, value, 0)?;
    let message = if given.get(1).is_null() {
        "klog".into()
    } else {
        given.text(1)
    };
    evaluator.log("klog", &Value::Text(format!("{message} {shown}").into()))?;
    Ok(value.clone())
}

fn type_of(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    meter.text(type_name(given.get(0)))
}

/// Puts a number for `%d`, or a text for `%s`, into a template. `\%d` stands for itself, and `\\`
/// for a backslash.
fn sprintf(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let (value, template) = (given.get(0), given.get(1));
    if template.is_null() {
        return meter.text("");
    }
    let template = text(template);
    let specifier = match value {
        Value::Number(_) => "%d",
        Value::Text(_) => "%s",
        _ => return meter.text(template),
    };
    let value = text(value);
    let mut out = String::new();
    let mut rest = &*template;
    while let Some(character) = rest.chars().next() {
        let unescaped = rest
            .strip_prefix('\\')
            .filter(|rest| rest.starts_with(specifier));
        let (piece, taken) = if rest.starts_with(r"\\") {
            (r"\", 2)
        } else if unescaped.is_some() {
            (specifier, 1 + specifier.len())
        } else if rest.starts_with(specifier) {
            (&*value, specifier.len())
        } else {
            let length = character.len_utf8();
            (rest.get(..length).unwrap_or_default(), length)
        };
        meter.allocate(piece.len() as u64)?;
        out.push_str(piece);
        rest = rest.get(taken..).unwrap_or_default();
    }
    meter.text(out)
}
