//! The module `http`. A request whose answer is used is a question; any other is an effect.

use stratus_event::{Map as DataMap, Value as Data};

use super::{Body, Builtin, Given};
use crate::{
    border,
    evaluate::Evaluator,
    limit::{Failure, Halt},
    value::Value,
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

const PARAMETERS: &[&str] = &[
    "url",
    "qs",
    "headers",
    "body",
    "auth",
    "json",
    "form",
    "parseJSON",
    "autoraise",
    "autosend",
    "dontFollowRedirect",
];

fn request(evaluator: &mut Evaluator<'_>, given: &Given, method: &str) -> Result<Value, Halt> {
    let Value::Text(_) = given.get(0) else {
        return Err(Failure::argument(format!("http:{method} needs a url")).into());
    };
    let mut arguments = DataMap::new();
    for (position, name) in PARAMETERS.iter().enumerate() {
        let argument = border::to_data(&mut evaluator.meter, given.get(position))?;
        if argument != Data::Null {
            arguments.insert(name, argument);
        }
    }
    if given.wanted {
        return evaluator.ask(given.site, "http", method, arguments);
    }
    evaluator.act("http", method, arguments)?;
    Ok(Value::Null)
}
