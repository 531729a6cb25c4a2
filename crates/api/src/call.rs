//! What a request says that shows nothing but an ECI: where it comes from, and its attributes.

use axum::{
    Form, Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, Uri, header, request::Parts},
};
use serde_json::Value as AnyJson;
use stratus_engine::Door;
use stratus_event::{Fault, Map, Value, Whose};

use crate::{
    connection::Caller,
    form,
    input::{malformed, too_large},
    map_from_json,
    problem::Refusal,
    shape::Object,
};

/// A request by GET or POST, its values in the address, in a form or in JSON.
pub(crate) struct Call {
    /// Where it comes from.
    pub(crate) door: Door,
    /// The values of the address, and over them those of the body.
    pub(crate) data: Map,
    headers: Map,
}

impl Call {
    /// Adds the id that the sender gave the event, as pico-engine does.
    pub(crate) fn name_event(&mut self, eid: &str) {
        if eid != "none" {
            self.data.insert("__eid", Value::text(eid));
        }
    }

    /// The attributes of an event: the values and, as with pico-engine, the request's headers.
    pub(crate) fn attributes(mut self) -> Map {
        self.data.insert("_headers", Value::map(self.headers));
        self.data
    }
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let (door, headers) = (door(&parts), told(&parts.headers));
        let mut data = of_address(&parts.uri)?;
        let kind = kind(&parts.headers);
        data.extend(of_body(&kind, Request::from_parts(parts, body), state).await?);
        Ok(Self {
            door,
            data: map_from_json(&data)?,
            headers,
        })
    }
}

/// The door of one who shows nothing but an ECI.
impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(door(parts)))
    }
}

/// The door by which a request comes, if it shows nothing but an ECI.
pub(crate) struct Asker(pub(crate) Door);

/// Behind a proxy the socket's address is the proxy's, and what it says of others is not proven.
fn door(parts: &Parts) -> Door {
    let proxied = PROXIES.iter().any(|name| parts.headers.contains_key(*name));
    let caller = parts.extensions.get::<Caller>().filter(|_| !proxied);
    Door::Bearer {
        from: caller.map(|caller| caller.0),
    }
}

/// The headers as an event tells them: without passwords and tokens.
fn told(headers: &HeaderMap) -> Map {
    let secret = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION];
    let shown = headers.iter().filter(|(name, _)| !secret.contains(name));
    shown
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), Value::from(text))
        })
        .collect()
}

fn of_address(uri: &Uri) -> Result<Object, Fault> {
    let fields = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Query(fields) = fields.map_err(|e| malformed(e.body_text()))?;
    form::tree(fields)
}

/// The media type of a body, without its parameters.
pub(crate) fn kind(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = text.split(';').next().unwrap_or("");
    kind.trim().to_ascii_lowercase()
}

async fn of_body(
    kind: &str,
    request: Request,
    state: &(impl Send + Sync),
) -> Result<Object, Fault> {
    if kind == "application/x-www-form-urlencoded" && request.method() == axum::http::Method::POST {
        let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, state)
            .await
            .map_err(|e| unread(e.status(), e.body_text()))?;
        return form::tree(fields);
    }
    let bytes = bytes(request, state).await?;
    if bytes.is_empty() {
        return Ok(Object::new());
    }
    if !JSON.contains(&kind) {
        let message = format!("the body is {kind:?}, which is neither a form nor JSON");
        return Err(Fault::new(Whose::Caller, "request-type-wrong", message)
            .hint("send `Content-Type: application/json`"));
    }
    object(json(&bytes)?)
}

/// The whole body, within the bound of the route.
pub(crate) async fn bytes(request: Request, state: &(impl Send + Sync)) -> Result<Bytes, Fault> {
    Bytes::from_request(request, state)
        .await
        .map_err(|e| unread(e.status(), e.body_text()))
}

/// A body as JSON.
pub(crate) fn json(bytes: &Bytes) -> Result<AnyJson, Fault> {
    let Json(json) = Json::from_bytes(bytes).map_err(|e| malformed(e.body_text()))?;
    Ok(json)
}

/// The members of an object, or the items of a list by their numbers.
fn object(json: AnyJson) -> Result<Object, Fault> {
    match json {
        AnyJson::Object(members) => Ok(members),
        AnyJson::Array(items) => Ok((0..)
            .map(|number: usize| number.to_string())
            .zip(items)
            .collect()),
        _ => Err(malformed(
            "the body is neither an object nor a list".to_owned(),
        )),
    }
}

fn unread(status: axum::http::StatusCode, text: String) -> Fault {
    if status == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        too_large(text)
    } else {
        malformed(text)
    }
}

/// Headers by which a proxy tells that it is one.
const PROXIES: [&str; 4] = ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"];

/// What pico-engine takes for JSON.
const JSON: [&str; 3] = [
    "application/json",
    "application/octet-stream",
    "application/ssi-agent-wire",
];
