//! Events of the CNCF's `CloudEvents` 1.0: one in structured or binary mode becomes an event of a
//! PEN.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::Value as AnyJson;
use stratus_engine::{Command, Door, Wait};
use stratus_event::{Eci, Fault, Map, Name, Whose};

use super::{event::ask_raise, legacy::eci};
use crate::{
    Site,
    call::{Asker, bytes, json, kind},
    input::{malformed, name},
    login::Owner,
    map_from_json,
    problem::Refusal,
    shape::Object,
};

/// By the owner's own channel.
pub(super) async fn by_owner(
    State(site): State<Arc<Site>>,
    owner: Owner,
    request: Request,
) -> Result<Response, Refusal> {
    let event = CloudEvent::read(request).await?;
    take(&site, (owner.channel, Door::Owner), event).await
}

/// By a channel whose ECI is enough.
pub(super) async fn by_bearer(
    State(site): State<Arc<Site>>,
    Path(channel): Path<String>,
    Asker(door): Asker,
    request: Request,
) -> Result<Response, Refusal> {
    let channel = eci(&channel)?;
    let event = CloudEvent::read(request).await?;
    take(&site, (channel, door), event).await
}

/// An event with its context attributes, extensions among them, as texts, and its data.
#[derive(Debug)]
struct CloudEvent {
    context: Object,
    data: AnyJson,
}

impl CloudEvent {
    async fn read(request: Request) -> Result<Self, Fault> {
        let headers = request.headers().clone();
        let kind = kind(&headers);
        let body = bytes(request, &()).await?;
        let event = match &*kind {
            "application/cloudevents+json" => Self::structured(json(&body)?)?,
            batch if batch.starts_with("application/cloudevents") => {
                return Err(unsupported(batch));
            }
            _ if body.is_empty() => Self::binary(&headers, AnyJson::Null)?,
            json_kind if json_kind == "application/json" || json_kind.ends_with("+json") => {
                Self::binary(&headers, json(&body)?)?
            }
            _ => {
                let text = String::from_utf8(body.into());
                let text = text.map_err(|_| malformed("the data is no UTF-8 text".to_owned()))?;
                Self::binary(&headers, AnyJson::String(text))?
            }
        };
        event.check()
    }

    /// All in the body.
    fn structured(body: AnyJson) -> Result<Self, Fault> {
        let AnyJson::Object(mut context) = body else {
            return Err(malformed("the body is no object".to_owned()));
        };
        let data = ["data", "data_base64"].map(|member| context.remove(member));
        let data = data.into_iter().flatten().next().unwrap_or_default();
        Ok(Self { context, data })
    }

    /// The context in headers, the data in the body.
    fn binary(headers: &HeaderMap, data: AnyJson) -> Result<Self, Fault> {
        let mut context = Object::new();
        for (header, value) in headers {
            let Some(attribute) = header.as_str().strip_prefix("ce-") else {
                continue;
            };
            let text = percent_decoded(value.as_bytes())
                .ok_or_else(|| malformed(format!("the header {header} is no UTF-8 text")))?;
            context.insert(attribute.to_owned(), AnyJson::String(text));
        }
        Ok(Self { context, data })
    }

    fn check(self) -> Result<Self, Fault> {
        for attribute in ["id", "source", "type", "specversion"] {
            if self.text(attribute).is_empty() {
                let message = format!("the CloudEvent has no {attribute}");
                return Err(malformed(message));
            }
        }
        match self.text("specversion") {
            "1.0" => Ok(self),
            version => {
                let message = format!("CloudEvents {version} are not read, only 1.0");
                Err(malformed(message))
            }
        }
    }

    /// The event's domain and type: the extensions `krldomain` and `krltype`, or the last two parts
    /// of its type.
    fn symbol(&self) -> Result<(Name, Name), Fault> {
        let (domain, kind) = (self.text("krldomain"), self.text("krltype"));
        if !domain.is_empty() && !kind.is_empty() {
            return Ok((name(domain)?, name(kind)?));
        }
        let mut parts = self.text("type").rsplit('.');
        let (kind, domain) = (parts.next(), parts.next());
        let (Some(kind), Some(domain)) = (kind, domain) else {
            let message = format!("the type {:?} names no domain", self.text("type"));
            return Err(malformed(message));
        };
        Ok((name(domain)?, name(kind)?))
    }

    /// The data's members, or the data as `data`, and the context as `_cloudevent`.
    fn attributes(self) -> Result<Map, Fault> {
        let mut attributes = match self.data {
            AnyJson::Object(members) => members,
            AnyJson::Null => Object::new(),
            data => [("data".to_owned(), data)].into_iter().collect(),
        };
        let context = AnyJson::Object(self.context);
        attributes.insert("_cloudevent".to_owned(), context);
        map_from_json(&attributes)
    }

    fn text(&self, attribute: &str) -> &str {
        let value = self.context.get(attribute);
        value.and_then(AnyJson::as_str).unwrap_or("")
    }
}

/// Raises it once: source and id together name an event.
async fn take(
    site: &Site,
    (channel, door): (Eci, Door),
    event: CloudEvent,
) -> Result<Response, Refusal> {
    let (domain, kind) = event.symbol()?;
    let command = Command::Raise {
        channel,
        door,
        domain,
        kind,
        external_id: Some(format!("{} {}", event.text("source"), event.text("id"))),
        attributes: event.attributes()?,
        wait: Wait::Accepted,
    };
    let raised = ask_raise(site, command).await?;
    Ok((StatusCode::ACCEPTED, Json(raised)).into_response())
}

/// A header's value: printable ASCII as it is, everything else as `%` and two digits.
fn percent_decoded(mut value: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    while let Some((&first, rest)) = value.split_first() {
        let escaped = (first == b'%').then(|| escape(rest)).flatten();
        bytes.push(escaped.unwrap_or(first));
        value = if escaped.is_some() {
            rest.get(2..).unwrap_or_default()
        } else {
            rest
        };
    }
    String::from_utf8(bytes).ok()
}

fn escape(rest: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_number.then(|| u8::from_str_radix(digits, 16).ok())?
}

fn unsupported(kind: &str) -> Fault {
    let message = format!("{kind} is not read");
    Fault::new(Whose::Caller, "request-type-wrong", message)
        .hint("send one event as application/cloudevents+json")
}
