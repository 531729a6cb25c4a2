//! Events of the CNCF's `CloudEvents` 1.0: one in structured or binary mode, or a batch of them,
//! become events of a PEN.

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
    input::{malformed, name, too_large},
    login::Owner,
    map_from_json,
    openapi::{About, about},
    problem::Refusal,
    shape::{self, Object},
};

/// How many events a batch may have. A larger one is refused with `request-too-large`.
pub const BATCH_EVENTS_MAX: usize = 100;

/// What the routes that take `CloudEvents` are told to do.
pub(super) fn taken() -> About {
    let about = about("Take a CloudEvent, or a batch of them").takes_as(STRUCTURED);
    about.answers::<shape::Raised>().accepted()
}

/// By the owner's own channel.
pub(super) async fn by_owner(
    State(site): State<Arc<Site>>,
    owner: Owner,
    request: Request,
) -> Result<Response, Refusal> {
    let sent = Sent::read(request).await?;
    sent.take(&site, (owner.channel, Door::Owner)).await
}

/// By a channel whose ECI is enough.
pub(super) async fn by_bearer(
    State(site): State<Arc<Site>>,
    Path(channel): Path<String>,
    Asker(door): Asker,
    request: Request,
) -> Result<Response, Refusal> {
    let channel = eci(&channel)?;
    let sent = Sent::read(request).await?;
    sent.take(&site, (channel, door)).await
}

/// What a request brings. All of it is read before anything is raised.
enum Sent {
    Batch(Vec<CloudEvent>),
    One(CloudEvent),
}

impl Sent {
    async fn read(request: Request) -> Result<Self, Fault> {
        if kind(request.headers()) != BATCH {
            return CloudEvent::read(request).await.map(Self::One);
        }
        let AnyJson::Array(events) = json(&bytes(request, &()).await?)? else {
            return Err(malformed("the batch is no array".to_owned()));
        };
        if events.len() > BATCH_EVENTS_MAX {
            let message = format!("a batch has at most {BATCH_EVENTS_MAX} events");
            return Err(too_large(message));
        }
        let events = events.into_iter();
        let events = events.map(|event| CloudEvent::structured(event)?.check());
        events.collect::<Result<_, _>>().map(Self::Batch)
    }

    /// Raises them in their order. If one is refused, those before it were taken; who sends all
    /// again raises none twice.
    async fn take(self, site: &Site, by: (Eci, Door)) -> Result<Response, Refusal> {
        match self {
            Self::One(event) => {
                let raised = ask_raise(site, event.command(by)?).await?;
                Ok((StatusCode::ACCEPTED, Json(raised)).into_response())
            }
            Self::Batch(events) => {
                let commands = events.into_iter().map(|event| event.command(by.clone()));
                let mut raised = Vec::new();
                for command in commands.collect::<Result<Vec<_>, _>>()? {
                    raised.push(ask_raise(site, command).await?);
                }
                Ok((StatusCode::ACCEPTED, Json(raised)).into_response())
            }
        }
    }
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
            STRUCTURED => Self::structured(json(&body)?)?,
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

    /// Raises it once: source and id together name an event.
    fn command(self, (channel, door): (Eci, Door)) -> Result<Command, Fault> {
        let (domain, kind) = self.symbol()?;
        Ok(Command::Raise {
            channel,
            door,
            domain,
            kind,
            external_id: Some(format!("{} {}", self.text("source"), self.text("id"))),
            attributes: self.attributes()?,
            wait: Wait::Accepted,
        })
    }

    fn text(&self, attribute: &str) -> &str {
        let value = self.context.get(attribute);
        value.and_then(AnyJson::as_str).unwrap_or("")
    }
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
        .hint("send one event as application/cloudevents+json, or a batch")
}

/// The media types of one event in structured mode, and of several.
pub(super) const STRUCTURED: &str = "application/cloudevents+json";
pub(super) const BATCH: &str = "application/cloudevents-batch+json";
