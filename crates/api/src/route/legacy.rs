//! The routes of pico-engine and, before it, of the Evented API 1.0: who knows the ECI of a channel
//! that was made for it raises events and asks queries.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use stratus_engine::{Command, Wait};
use stratus_event::{Eci, Fault, Map, Whose};

use super::event::{ask_query, ask_raise};
use crate::{
    Site,
    call::Call,
    input::{self, malformed, name},
    openapi::{Routes, about},
    problem::Refusal,
    shape::Episode,
};

type Answer = Result<Response, Refusal>;

pub(super) fn routes() -> Routes {
    let raise = || about("Raise an event; its id is the answer").answers_as(JSON);
    let wait = || about("Raise an event; what its rules said is the answer").answers::<Episode>();
    let ask = || about("Ask a query").answers_as(JSON);
    let raise_and_ask = about("Raise an event, then ask a query").answers_as(JSON);
    Routes::new()
        .either("/c/{eci}/event/{domain}/{name}", event, raise())
        .either("/c/{eci}/event-wait/{domain}/{name}", event_wait, wait())
        .either(EVENT_QUERY, event_query, raise_and_ask)
        .either("/c/{eci}/query/{rid}/{query}", query, ask())
        .either("/sky/cloud/{eci}/{rid}/{query}", query, ask())
        .either("/sky/event/{eci}/{eid}/{domain}/{name}", sky_event, wait())
        .either("/sky/event/{eci}/{eid}", signal_with_id, wait())
        .either("/sky/event/{eci}", signal, wait())
}

/// What all these routes have in common: any web page may call them, as with pico-engine, since
/// nothing but the ECI counts; and the owner may want refusals in pico-engine's shape.
pub(super) async fn speak(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS;
    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    if site.legacy_errors_as_200
        && let Some(fault) = response.extensions().get::<Fault>()
    {
        response = as_200(fault);
    }
    for (name, value) in OPEN_TO_PAGES {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn as_200(fault: &Fault) -> Response {
    let error = format!("Error: {}", fault.message);
    Json(serde_json::json!({ "error": error, "code": fault.code })).into_response()
}

async fn event(
    State(site): State<Arc<Site>>,
    Path((channel, domain, kind)): Path<(String, String, String)>,
    call: Call,
) -> Answer {
    let command = raise(&channel, (&domain, &kind), call, Wait::Accepted)?;
    let raised = ask_raise(&site, command).await?;
    Ok(Json(raised.event).into_response())
}

async fn event_wait(
    State(site): State<Arc<Site>>,
    Path((channel, domain, kind)): Path<(String, String, String)>,
    call: Call,
) -> Answer {
    let command = raise(&channel, (&domain, &kind), call, Wait::Outcome)?;
    let raised = ask_raise(&site, command).await?;
    Ok(Json(Episode::new(raised)).into_response())
}

async fn event_query(
    State(site): State<Arc<Site>>,
    Path((channel, domain, kind, rid, query)): Path<(String, String, String, String, String)>,
    call: Call,
) -> Answer {
    let asked = ask(&channel, (&rid, &query), &call)?;
    let command = raise(&channel, (&domain, &kind), call, Wait::Outcome)?;
    ask_raise(&site, command).await?;
    Ok(Json(ask_query(&site, asked).await?).into_response())
}

async fn query(
    State(site): State<Arc<Site>>,
    Path((channel, rid, query)): Path<(String, String, String)>,
    call: Call,
) -> Answer {
    let (query, kind) = media(&query);
    let value = ask_query(&site, ask(&channel, (&rid, query), &call)?).await?;
    Ok(match kind {
        Some(kind) => page(kind, value),
        None => Json(value).into_response(),
    })
}

async fn sky_event(
    State(site): State<Arc<Site>>,
    Path((channel, eid, domain, kind)): Path<(String, String, String, String)>,
    mut call: Call,
) -> Answer {
    call.name_event(&eid);
    let command = raise(&channel, (&domain, &kind), call, Wait::Outcome)?;
    Ok(obey(Episode::new(ask_raise(&site, command).await?)))
}

async fn signal_with_id(
    State(site): State<Arc<Site>>,
    Path((channel, eid)): Path<(String, String)>,
    mut call: Call,
) -> Answer {
    call.name_event(&eid);
    tell(&site, &channel, call).await
}

async fn signal(State(site): State<Arc<Site>>, Path(channel): Path<String>, call: Call) -> Answer {
    tell(&site, &channel, call).await
}

/// An event that says itself what it is (Evented API 1.0, event signal URL).
async fn tell(site: &Site, channel: &str, mut call: Call) -> Answer {
    let signal = Signal::take(&mut call.data)?;
    let wait = if signal.asynchronous {
        Wait::Accepted
    } else {
        Wait::Outcome
    };
    let command = raise(channel, (&signal.domain, &signal.kind), call, wait)?;
    Ok(obey(Episode::new(ask_raise(site, command).await?)))
}

/// The reserved attributes of an event signal.
struct Signal {
    domain: String,
    kind: String,
    asynchronous: bool,
}

impl Signal {
    /// Takes them out of an event's attributes. Those that describe the generator stay.
    fn take(data: &mut Map) -> Result<Self, Fault> {
        let mut text = |names: [&str; 2]| {
            let taken = names.map(|name| data.remove(name));
            let taken = taken.into_iter().flatten().next();
            taken.and_then(|value| value.as_text().map(ToOwned::to_owned))
        };
        let (domain, kind) = (text(["_domain", ""]), text(["_type", "_name"]));
        let asynchronous = text(["_async", ""]);
        if text(["_rids", ""]).is_some_and(|rids| !rids.is_empty()) {
            let message = "`_rids` cannot choose among the rulesets of a PEN".to_owned();
            return Err(malformed(message));
        }
        let missing = |what: &str| malformed(format!("the event signal has no `{what}`"));
        Ok(Self {
            domain: domain.ok_or_else(|| missing("_domain"))?,
            kind: kind.ok_or_else(|| missing("_type"))?,
            asynchronous: asynchronous.is_some_and(|text| !matches!(&*text, "" | "0" | "false")),
        })
    }
}

fn raise(
    channel: &str,
    (domain, kind): (&str, &str),
    call: Call,
    wait: Wait,
) -> Result<Command, Fault> {
    Ok(Command::Raise {
        channel: eci(channel)?,
        door: call.door.clone(),
        domain: name(domain)?,
        kind: name(kind)?,
        attributes: call.attributes(),
        external_id: None,
        wait,
    })
}

fn ask(channel: &str, (rid, query): (&str, &str), call: &Call) -> Result<Command, Fault> {
    Ok(Command::QueryBy {
        channel: eci(channel)?,
        door: call.door.clone(),
        rid: name(rid)?,
        name: name(query)?,
        arguments: call.data.clone(),
    })
}

/// A text that is no ECI is the address of no channel.
pub(super) fn eci(text: &str) -> Result<Eci, Fault> {
    input::eci(text).map_err(|_| {
        let message = format!("this node has no channel {text:?}");
        Fault::new(Whose::Caller, "channel-unknown", message)
            .hint("run `stratus channel list` to see the channels of this PEN")
    })
}

/// Does what directives ask of the HTTP answer itself: `_cookie` and `_redirect`.
fn obey(episode: Episode) -> Response {
    let wanted = |directive, option| {
        let text = episode.option(directive, option)?;
        let value = HeaderValue::from_str(text);
        value
            .inspect_err(|_| tracing::warn!("{directive} has an unfit {option}"))
            .ok()
    };
    let (cookie, location) = (wanted("_cookie", "cookie"), wanted("_redirect", "url"));
    let mut response = Json(episode).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    if let Some(location) = location {
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// A query's name without the ending that asks for a media type.
fn media(query: &str) -> (&str, Option<&'static str>) {
    if let Some(query) = query.strip_suffix(".html") {
        (query, Some("text/html; charset=utf-8"))
    } else if let Some(query) = query.strip_suffix(".txt") {
        (query, Some("text/plain; charset=utf-8"))
    } else {
        (query, None)
    }
}

/// An answer as a page, which is kept apart from everything else at this address.
fn page(kind: &'static str, value: serde_json::Value) -> Response {
    let text = match value {
        serde_json::Value::String(text) => text,
        value => value.to_string(),
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox allow-scripts allow-forms allow-popups",
        ),
    ];
    (headers, text).into_response()
}

const JSON: &str = "application/json";

const EVENT_QUERY: &str = "/c/{eci}/event/{domain}/{name}/query/{rid}/{query}";

const OPEN_TO_PAGES: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
    (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
];
