//! Functions of texts. Lengths and positions count Unicode characters.

use std::sync::Arc;

use regex::Captures;

use super::{Body, Builtin, Given, conversion::with_pattern};
use crate::{
    coerce::{index, text},
    evaluate::Evaluator,
    limit::{Failure, Halt, Meter},
    pattern::Pattern,
    value::Value,
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::pure("capitalize", &["val"], capitalize),
    Builtin::pure("contains", &["val", "target"], |meter, given| {
        compare(meter, given, |text, target| text.contains(target))
    }),
    Builtin::pure("endsWith", &["val", "target"], |meter, given| {
        compare(meter, given, |text, target| text.ends_with(target))
    }),
    Builtin::pure("extract", &["val", "regex"], extract),
    Builtin::pure("lc", &["val"], |meter, given| {
        change(meter, given, str::to_lowercase)
    }),
    Builtin::pure("match", &["val", "regex"], matches),
    Builtin::pure("ord", &["val"], |_, given| Ok(ord(given))),
    Builtin::new(
        "replace",
        &["val", "regex", "replacement"],
        Body::Function(replace),
    ),
    Builtin::pure("split", &["val", "splitOn"], split),
    Builtin::pure("startsWith", &["val", "target"], |meter, given| {
        compare(meter, given, |text, target| text.starts_with(target))
    }),
    Builtin::pure("substr", &["val", "start", "len"], substr),
    Builtin::pure("trim", &["val"], |meter, given| {
        change(meter, given, |text| text.trim().to_owned())
    }),
    Builtin::pure("trimLeading", &["val"], |meter, given| {
        change(meter, given, |text| text.trim_start().to_owned())
    }),
    Builtin::pure("trimTrailing", &["val"], |meter, given| {
        change(meter, given, |text| text.trim_end().to_owned())
    }),
    Builtin::pure("uc", &["val"], |meter, given| {
        change(meter, given, str::to_uppercase)
    }),
];

fn change(meter: &mut Meter, given: &Given, change: fn(&str) -> String) -> Result<Value, Failure> {
    let text = given.text(0);
    meter.allocate(text.len() as u64)?;
    meter.text(change(&text))
}

fn compare(
    meter: &mut Meter,
    given: &Given,
    holds: fn(&str, &str) -> bool,
) -> Result<Value, Failure> {
    let (text, target) = (given.text(0), given.text(1));
    meter.spend_for(text.len() + target.len())?;
    Ok(Value::Boolean(holds(&text, &target)))
}

fn capitalize(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let text = given.text(0);
    let mut characters = text.chars();
    let first: String = characters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    meter.text(first + characters.as_str())
}

fn ord(given: &Given) -> Value {
    let first = given.text(0).chars().next();
    first.map_or(Value::Null, |first| {
        Value::Number(f64::from(u32::from(first)))
    })
}

fn matches(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let holds = match given.get(1) {
        pattern @ (Value::Pattern(_) | Value::Text(_)) => {
            super::conversion::matches(meter, given.get(0), pattern)?
        }
        _ => false,
    };
    Ok(Value::Boolean(holds))
}

/// The groups of the first match, or, of a global pattern, all matches.
fn extract(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    if given.len() < 2 {
        return meter.list(Vec::new());
    }
    let text = given.text(0);
    let found = with_pattern(meter, given.get(1), text.len(), |meter, pattern| {
        if pattern.is_global() {
            let found = pattern.regex().find_iter(&text);
            return meter.pieces(found.map(|found| Some(found.as_str())));
        }
        let captures = pattern.regex().captures(&text);
        let groups = captures.iter().flat_map(|captures| captures.iter().skip(1));
        meter.pieces(groups.map(|group| group.map(|group| group.as_str())))
    })?;
    meter.list(found)
}

fn split(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let text = given.text(0);
    if let Value::Pattern(_) = given.get(1) {
        let parts = with_pattern(meter, given.get(1), text.len(), |meter, pattern| {
            meter.pieces(pattern.regex().split(&text).map(Some))
        })?;
        return meter.list(parts);
    }
    let separator = given.text(1);
    meter.spend_for(text.len() + separator.len())?;
    let parts = if separator.is_empty() {
        let characters = text.char_indices();
        let characters = characters.map(|(at, character)| text.get(at..at + character.len_utf8()));
        meter.pieces(characters)?
    } else {
        meter.pieces(text.split(&*separator).map(Some))?
    };
    meter.list(parts)
}

/// From a position, so many characters; a length that is not positive counts from the end.
fn substr(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let text = given.text(0);
    meter.spend_for(text.len())?;
    let length = text.chars().count();
    let Some(start) = given.number(1) else {
        return meter.text(text);
    };
    if start > length as f64 {
        return meter.text("");
    }
    let wanted = if given.len() > 2 {
        given.number(2)
    } else {
        None
    };
    let end = match wanted {
        None => length as f64,
        Some(wanted) if wanted > 0.0 => start + wanted,
        Some(wanted) => length as f64 + wanted,
    };
    let (from, to) = (index(start.min(end)), index(start.max(end)));
    let part: String = text.chars().skip(from).take(to - from).collect();
    meter.text(part)
}

fn replace(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    if given.len() < 2 {
        return Ok(given.get(0).clone());
    }
    let source = given.text(0);
    let pattern = replaced(&mut evaluator.meter, given)?;
    evaluator
        .meter
        .spend_for(source.len().saturating_mul(pattern.weight()))?;
    let count = if pattern.is_global() { usize::MAX } else { 1 };
    let mut out = String::new();
    let mut end = 0;
    for captures in pattern.regex().captures_iter(&source).take(count) {
        let Some(whole) = captures.get(0) else {
            continue;
        };
        let before = source.get(end..whole.start()).unwrap_or_default();
        let put = replacement(evaluator, given, &captures, &source)?;
        evaluator
            .meter
            .allocate((before.len() + put.len()) as u64)?;
        out.push_str(before);
        out.push_str(&put);
        end = whole.end();
    }
    out.push_str(source.get(end..).unwrap_or_default());
    Ok(evaluator.meter.text(out)?)
}

/// What is to be replaced: a text stands for itself, except where a function computes what is put.
fn replaced(meter: &mut Meter, given: &Given) -> Result<Arc<Pattern>, Failure> {
    if let Value::Pattern(pattern) = given.get(1) {
        return Ok(Arc::clone(pattern));
    }
    let source = given.text(1);
    meter.spend(1_000 + 50 * source.len() as u64)?;
    let is_pattern = matches!(given.get(2), Value::Function(_));
    let source = if is_pattern {
        source.to_string()
    } else {
        regex::escape(&source)
    };
    Ok(Arc::new(Pattern::new(&source, "")?))
}

fn replacement(
    evaluator: &mut Evaluator<'_>,
    given: &Given,
    captures: &Captures<'_>,
    source: &str,
) -> Result<Arc<str>, Halt> {
    match given.get(2) {
        Value::Null => Ok("".into()),
        Value::Function(callable) => {
            evaluator.meter.allocate_slots(captures.len() + 2)?;
            let group = |group: Option<regex::Match<'_>>| {
                group.map_or(Value::Null, |group| Value::Text(group.as_str().into()))
            };
            let mut arguments: Vec<Value> = captures.iter().map(group).collect();
            let start = captures.get(0).map_or(0, |whole| whole.start());
            let before = source.get(..start).unwrap_or_default();
            evaluator.meter.spend_for(before.len())?;
            arguments.push(Value::count(before.chars().count()));
            arguments.push(given.get(0).clone());
            Ok(text(
                &evaluator.call(given.at, callable, arguments, given.site)?,
            ))
        }
        template => {
            let template = text(template);
            evaluator.meter.spend_for(template.len())?;
            Ok(expand(&mut evaluator.meter, &template, captures)?.into())
        }
    }
}

/// `$1` to `$99` and `$&` in a replacement stand for groups and for the match, `$$` for `$`.
fn expand(meter: &mut Meter, template: &str, captures: &Captures<'_>) -> Result<String, Failure> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (put, behind) = reference(after, captures);
        meter.allocate(put.len() as u64)?;
        out.push_str(put);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// What stands for what follows a `$`, and what is behind it.
fn reference<'t>(after: &'t str, captures: &Captures<'t>) -> (&'t str, &'t str) {
    if let Some(rest) = after.strip_prefix('$') {
        return ("$", rest);
    }
    if let Some(rest) = after.strip_prefix('&') {
        return (captures.get(0).map_or("", |whole| whole.as_str()), rest);
    }
    for length in [2, 1] {
        let group = after
            .get(..length)
            .and_then(|digits| digits.parse::<usize>().ok());
        if let Some(group) = group.filter(|group| (1..captures.len()).contains(group)) {
            let put = captures.get(group).map_or("", |group| group.as_str());
            return (put, after.get(length..).unwrap_or_default());
        }
    }
    ("$", after)
}
