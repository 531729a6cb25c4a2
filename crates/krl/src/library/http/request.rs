//! What a request consists of, from what a rule says of it.

use std::{borrow::Cow, fmt::Write as _};

use stratus_event::{Map as DataMap, Value as Data};

use crate::{
    border,
    coerce::{describe, text, truth},
    json,
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

const QUERY: usize = 1;
const HEADERS: usize = 2;
const BODY: usize = 3;
const AUTH: usize = 4;
const JSON: usize = 5;
const FORM: usize = 6;
pub(super) const PARSE_JSON: usize = 7;
pub(super) const AUTORAISE: usize = 8;
pub(super) const AUTOSEND: usize = 9;
const DONT_FOLLOW_REDIRECT: usize = 10;
const PARAMS: usize = 11;
const CREDENTIALS: usize = 12;

/// What the connector is told.
pub(super) fn arguments(
    meter: &mut Meter,
    given: &Given,
    method: &str,
) -> Result<DataMap, Failure> {
    let Value::Text(url) = given.get(0) else {
        let message = format!("http:{method} needs a url, not {}", describe(given.get(0)));
        return Err(Failure::argument(message));
    };
    let mut headers = headers(given.get(HEADERS))?;
    let has_body = !matches!(method, "get" | "head");
    let (query, form) = if has_body {
        (given.get(QUERY), given.get(PARAMS))
    } else {
        let params = [given.get(PARAMS), given.get(QUERY)];
        (params[usize::from(params[0].is_null())], &Value::Null)
    };
    let mut arguments = DataMap::new();
    arguments.insert("url", address(meter, url, query)?);
    if has_body && let Some((body, kind)) = body(meter, given, form)? {
        if let Some(kind) = kind.filter(|_| headers.get("content-type").is_none()) {
            headers.insert("content-type", kind);
        }
        arguments.insert("body", body);
    }
    if !headers.is_empty() {
        arguments.insert("headers", Data::map(headers));
    }
    let auth = [given.get(AUTH), given.get(CREDENTIALS)];
    if let Some(map @ Value::Map(_)) = auth.into_iter().find(|auth| !auth.is_null()) {
        arguments.insert("auth", border::to_data(meter, map)?);
    }
    if truth(given.get(DONT_FOLLOW_REDIRECT)) {
        arguments.insert("redirect", Data::Boolean(false));
    }
    Ok(arguments)
}

/// An address with what is asked for behind it.
pub(super) fn address(meter: &mut Meter, url: &str, query: &Value) -> Result<String, Failure> {
    let mut address = url.to_owned();
    let pairs = pairs(meter, query, "%20")?;
    if !pairs.is_empty() {
        let mark = match address.chars().next_back() {
            Some('?' | '&') => "",
            _ if address.contains('?') => "&",
            _ => "?",
        };
        address.push_str(mark);
        address.push_str(&pairs);
    }
    Ok(address)
}

/// A text as part of an address (RFC 3986): all but unreserved characters are escaped.
pub(in crate::library) fn escaped(text: &str, blank: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push_str(blank),
            other => {
                // Writing to a text cannot fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

/// The names and values of a map, as they stand in an address or a form; a list gives its name
/// several times.
fn pairs(meter: &mut Meter, map: &Value, blank: &str) -> Result<String, Failure> {
    let Value::Map(map) = map else {
        return Ok(String::new());
    };
    let mut out = String::new();
    for (name, value) in &map.entries {
        let single = std::slice::from_ref(value);
        for value in value.as_list().unwrap_or(single) {
            let value = plain(meter, value)?;
            meter.spend_for(name.len() + value.len())?;
            meter.allocate(3 * (name.len() + value.len()) as u64)?;
            if !out.is_empty() {
                out.push('&');
            }
            out.push_str(&escaped(name, blank));
            out.push('=');
            out.push_str(&escaped(&value, blank));
        }
    }
    Ok(out)
}

/// The body and its type: the first of `body`, `json`, and `form` or classic `params`.
fn body(
    meter: &mut Meter,
    given: &Given,
    params: &Value,
) -> Result<Option<(String, Option<&'static str>)>, Failure> {
    let body = given.get(BODY);
    if !body.is_null() {
        return Ok(Some((plain(meter, body)?.into_owned(), None)));
    }
    let json = given.get(JSON);
    if !json.is_null() {
        let body = json::encode(meter, json, 0)?;
        return Ok(Some((body, Some("application/json"))));
    }
    let forms = [given.get(FORM), params];
    let Some(form) = forms.into_iter().find(|form| !form.is_null()) else {
        return Ok(None);
    };
    let kind = "application/x-www-form-urlencoded";
    Ok(Some((pairs(meter, form, "+")?, Some(kind))))
}

fn headers(value: &Value) -> Result<DataMap, Failure> {
    let mut headers = DataMap::new();
    match value {
        Value::Null => {}
        Value::Map(map) => {
            for (name, value) in &map.entries {
                headers.insert(&*name.to_ascii_lowercase(), &*text(value));
            }
        }
        other => {
            let message = format!("headers are a map, not {}", describe(other));
            return Err(Failure::kind(message));
        }
    }
    Ok(headers)
}

/// A value as the text that it goes out as: lists and maps as JSON.
fn plain<'v>(meter: &mut Meter, value: &'v Value) -> Result<Cow<'v, str>, Failure> {
    match value {
        Value::Text(text) => Ok(Cow::Borrowed(text)),
        Value::List(_) | Value::Map(_) => json::encode(meter, value, 0).map(Cow::Owned),
        other => Ok(Cow::Owned(text(other).to_string())),
    }
}
