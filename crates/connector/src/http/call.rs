//! What a ruleset says of a request, as HTTP has it.
//!
//! The arguments are those of KRL's module `http`: `url`, `qs`, `headers`, `body`, `auth`, `json`,
//! `form`, `dontFollowRedirect`. Of several contents `body` counts before `json`, and `json` before
//! `form`.

use reqwest::{
    Method, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use stratus_event::{Fault, Map, Value, json};

use super::trouble::Trouble;
use crate::Request;

/// A request that can be sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// A name and a password.
    pub(super) login: Option<(&'a str, &'a str)>,
    pub(super) content: Content<'a>,
    pub(super) follows: bool,
}

/// What a request carries.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// As a form of a web page is sent.
    Form(Vec<(&'a str, String)>),
    /// Nothing.
    None,
    /// A text, and what kind of text it is unless a header says otherwise.
    Text(String, &'static str),
}

impl<'a> Call<'a> {
    /// Reads the arguments; what they lack is the ruleset's fault.
    pub(super) fn of(request: &'a Request) -> Result<Self, Fault> {
        let arguments = &request.arguments;
        let content = content(arguments)?;
        Ok(Self {
            method: method(request.action.as_str())?,
            url: url(arguments)?,
            headers: headers(arguments, &content)?,
            login: login(arguments)?,
            content,
            follows: !is_true(arguments.get("dontFollowRedirect")),
        })
    }

    /// Whether doing it twice is the same as doing it once (RFC 9110, section 9.2.2).
    pub(super) fn is_repeatable(&self) -> bool {
        !matches!(self.method, Method::POST | Method::PATCH)
    }
}

fn method(action: &str) -> Result<Method, Fault> {
    Ok(match action {
        "delete" => Method::DELETE,
        "get" => Method::GET,
        "head" => Method::HEAD,
        "patch" => Method::PATCH,
        "post" => Method::POST,
        "put" => Method::PUT,
        other => return Err(wrong(&format!("there is no http:{other}"))),
    })
}

fn url(arguments: &Map) -> Result<Url, Fault> {
    let text = arguments.text("url").unwrap_or_default();
    let parsed = Url::parse(text).map_err(|error| wrong(&format!("{text:?}: {error}")));
    let mut url = parsed?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(&format!(
            "{text:?} begins with neither http nor https"
        )));
    }
    let asked = map(arguments, "qs")?.filter(|asked| !asked.is_empty());
    if let Some(asked) = asked {
        let pairs = asked.iter().map(|(name, value)| (&**name, word(value)));
        url.query_pairs_mut().extend_pairs(pairs);
    }
    Ok(url)
}

fn headers(arguments: &Map, content: &Content<'_>) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    if let Content::Text(_, kind) = content {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in map(arguments, "headers")?.into_iter().flat_map(Map::iter) {
        let header = HeaderName::try_from(&**name).map_err(|_| not_a_header(name))?;
        let value = HeaderValue::try_from(word(value)).map_err(|_| not_a_header(name))?;
        headers.insert(header, value);
    }
    Ok(headers)
}

fn login(arguments: &Map) -> Result<Option<(&str, &str)>, Fault> {
    let Some(login) = map(arguments, "auth")? else {
        return Ok(None);
    };
    let name = login.text("username").or_else(|| login.text("user"));
    let password = login.text("password").or_else(|| login.text("pass"));
    match (name, password) {
        (Some(name), password) => Ok(Some((name, password.unwrap_or_default()))),
        (None, _) => Err(wrong("auth has no username")),
    }
}

/// Of several contents the first of these counts.
fn content(arguments: &Map) -> Result<Content<'_>, Fault> {
    if let Some(body) = arguments.get("body") {
        return Ok(Content::Text(word(body), PLAIN));
    }
    if let Some(data) = arguments.get("json") {
        return Ok(Content::Text(json::to_json(data).to_string(), JSON));
    }
    let Some(form) = map(arguments, "form")? else {
        return Ok(Content::None);
    };
    let fields = form.iter().map(|(name, value)| (&**name, word(value)));
    Ok(Content::Form(fields.collect()))
}

fn map<'a>(arguments: &'a Map, name: &str) -> Result<Option<&'a Map>, Fault> {
    match arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Map(map)) => Ok(Some(map)),
        Some(_) => Err(wrong(&format!("{name} is no map"))),
    }
}

/// A value where HTTP has room for text only: text as it is, anything else as JSON.
fn word(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        other => json::to_json(other).to_string(),
    }
}

fn is_true(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Boolean(true)))
}

fn not_a_header(name: &str) -> Fault {
    wrong(&format!(
        "{name:?} is no header, or its value cannot be sent"
    ))
}

fn wrong(what: &str) -> Fault {
    Trouble::Wrong.fault(what)
}

const PLAIN: &str = "text/plain;charset=UTF-8";
const JSON: &str = "application/json";
