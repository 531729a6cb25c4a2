//! The module `http`. A request whose answer is used is a question; any other is an effect.
//!
//! The connector `http` is asked to do `get`, `head`, `post`, `put`, `patch` or `delete` with `url`,
//! `qs`, `headers`, `body`, `auth`, `json`, `form` and `dontFollowRedirect`, as far as they are
//! given. It answers with a map of `content`, a text; `content_type`; `content_length`; `headers`;
//! `status_code`; and `status_line`. A status of 400 and more is an answer too; an error is that
//! there was none. What to do with the answer is not its concern.

mod request;

use std::sync::Arc;

use stratus_pen::language::{Effect, Raise};

use self::request::{AUTORAISE, AUTOSEND, PARAMETERS, PARSE_JSON};
use super::{Body, Builtin, Given};
use crate::{
    coerce::truth,
    evaluate::{Evaluator, name},
    json,
    limit::{Failure, Halt, Meter},
    value::{Entries, Value},
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::new(
        "http:delete",
        PARAMETERS,
        Body::Either(|evaluator, given| request(evaluator, given, "delete")),
    ),
    Builtin::new(
        "http:get",
        PARAMETERS,
        Body::Either(|evaluator, given| request(evaluator, given, "get")),
    ),
    Builtin::new(
        "http:head",
        PARAMETERS,
        Body::Either(|evaluator, given| request(evaluator, given, "head")),
    ),
    Builtin::new(
        "http:patch",
        PARAMETERS,
        Body::Either(|evaluator, given| request(evaluator, given, "patch")),
    ),
    Builtin::new(
        "http:post",
        PARAMETERS,
        Body::Either(|evaluator, given| request(evaluator, given, "post")),
    ),
    Builtin::new(
        "http:put",
        PARAMETERS,
        Body::Either(|evaluator, given| request(evaluator, given, "put")),
    ),
];

fn request(evaluator: &mut Evaluator<'_>, given: &Given, method: &str) -> Result<Value, Halt> {
    let arguments = request::arguments(&mut evaluator.meter, given, method)?;
    let (label, template) = (given.get(AUTORAISE), given.get(AUTOSEND));
    if !given.wanted && label.is_null() && template.is_null() {
        evaluator.act("http", method, arguments)?;
        return Ok(Value::Null);
    }
    let answer = evaluator.ask(given.site, "http", method, arguments)?;
    let answer = if truth(given.get(PARSE_JSON)) {
        decoded(evaluator, &answer)?
    } else {
        answer
    };
    if !label.is_null() {
        raise(evaluator, method, &answer, label)?;
    }
    if !template.is_null() {
        send(evaluator, &answer, template)?;
        return Ok(Value::Null);
    }
    Ok(answer)
}

/// The answer with its content as the value that its text says, if it is JSON.
fn decoded(evaluator: &mut Evaluator<'_>, answer: &Value) -> Result<Value, Failure> {
    let Some(Value::Text(content)) = answer.field(&mut evaluator.meter, "content")? else {
        return Ok(answer.clone());
    };
    match json::decode(&mut evaluator.meter, &content)? {
        Some(content) => with(evaluator, answer, [("content".into(), content)]),
        None => Ok(answer.clone()),
    }
}

/// `autoraise`: the answer is an event of the PEN, `http:` and the method, with the label.
fn raise(
    evaluator: &mut Evaluator<'_>,
    method: &str,
    answer: &Value,
    label: &Value,
) -> Result<(), Failure> {
    let attributes = with(evaluator, answer, [("label".into(), label.clone())])?;
    let attributes = evaluator.data_map(&attributes, "an answer")?;
    evaluator.wish()?;
    evaluator.ended.raises.push(Raise {
        domain: name("http")?,
        kind: name(method)?,
        attributes,
        for_ruleset: None,
    });
    Ok(())
}

/// `autosend`: the answer goes to a channel as an event, with the attributes of the template.
fn send(evaluator: &mut Evaluator<'_>, answer: &Value, template: &Value) -> Result<(), Failure> {
    let (to, domain, kind) = super::event::addressed(&mut evaluator.meter, template)?;
    let given = template.field(&mut evaluator.meter, "attrs")?;
    let answer = entries(&mut evaluator.meter, answer)?;
    let attributes = with(evaluator, &given.unwrap_or_default(), answer)?;
    let attributes = evaluator.data_map(&attributes, "the attributes of an event")?;
    evaluator.wish()?;
    evaluator.ended.effects.push(Effect::Send {
        to,
        domain,
        kind,
        attributes,
    });
    Ok(())
}

/// A map with other entries in it.
fn with(
    evaluator: &mut Evaluator<'_>,
    map: &Value,
    more: impl IntoIterator<Item = (Arc<str>, Value)>,
) -> Result<Value, Failure> {
    let mut entries = entries(&mut evaluator.meter, map)?;
    entries.extend(more);
    evaluator.meter.map(entries)
}

/// A copy of a map's entries; none of what is no map.
fn entries(meter: &mut Meter, map: &Value) -> Result<Entries, Failure> {
    let entries = map.as_map().map(|map| map.entries(meter)).transpose()?;
    Ok(entries.cloned().unwrap_or_default())
}
