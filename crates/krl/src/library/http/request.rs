//! What a request consists of, from what a rule says of it.

use stratus_event::{Map as DataMap, Value as Data};

use crate::{
    border,
    coerce::{describe, truth},
    library::Given,
    limit::{Failure, Meter},
    value::Value,
};

/// Today's names in today's order, and behind them those that only classic KRL has: what it calls
/// `params` is the query of a `get`, and the form of a `post`.
pub(super) const PARAMETERS: &[&str] = &[
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
    "params",
    "credentials",
    "response_headers",
];

pub(super) const PARSE_JSON: usize = 7;
pub(super) const AUTORAISE: usize = 8;
pub(super) const AUTOSEND: usize = 9;
const DONT_FOLLOW_REDIRECT: usize = 10;
const PARAMS: usize = 11;
const CREDENTIALS: usize = 12;

/// What the connector is told: the first seven as they are given, and whether to follow.
pub(super) fn arguments(
    meter: &mut Meter,
    given: &Given,
    method: &str,
) -> Result<DataMap, Failure> {
    let Value::Text(_) = given.get(0) else {
        let message = format!("http:{method} needs a url, not {}", describe(given.get(0)));
        return Err(Failure::argument(message));
    };
    let mut arguments = DataMap::new();
    let names = PARAMETERS.iter().enumerate().take(PARSE_JSON);
    for (position, name) in names {
        let value = match *name {
            "auth" => or(given.get(position), given.get(CREDENTIALS)),
            "form" if method != "get" && method != "head" => {
                or(given.get(position), given.get(PARAMS))
            }
            "qs" if matches!(method, "get" | "head") => or(given.get(position), given.get(PARAMS)),
            _ => given.get(position),
        };
        if !value.is_null() {
            arguments.insert(name, border::to_data(meter, value)?);
        }
    }
    if truth(given.get(DONT_FOLLOW_REDIRECT)) {
        arguments.insert("dontFollowRedirect", Data::Boolean(true));
    }
    Ok(arguments)
}

fn or<'v>(one: &'v Value, other: &'v Value) -> &'v Value {
    if one.is_null() { other } else { one }
}
