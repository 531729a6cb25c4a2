//! Incoming messages of Twilio (its messaging webhook).
//!
//! Twilio posts a form and signs the address it called together with the form's fields. The event
//! is `twilio:sms`, its attributes are the fields as they came. Twilio repeats a request that it
//! saw no answer to; the message's sid makes the repetition harmless.

use std::sync::Arc;

use axum::{
    Form,
    extract::{OriginalUri, Path, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use stratus_engine::{Command, Door, Reply, Wait};
use stratus_event::{Eci, Fault, Map, Whose};

use super::{COMMAND_WAIT, unexpected};
use crate::{
    Site,
    input::{eci, malformed, name, too_large},
    problem::Refusal,
};

pub(super) async fn twilio(
    State(site): State<Arc<Site>>,
    Path(channel): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<impl IntoResponse, Refusal> {
    let Form(fields) = form.map_err(|e| form_fault(&e))?;
    check_signature(&site, &uri.to_string(), &headers, &fields)?;
    match site
        .desk
        .ask(command(eci(&channel)?, fields)?, COMMAND_WAIT)
        .await?
    {
        Reply::Raised { .. } => Ok(([(header::CONTENT_TYPE, "text/xml")], EMPTY_TWIML)),
        other => Err(unexpected(&other)),
    }
}

fn command(channel: Eci, fields: Vec<(String, String)>) -> Result<Command, Fault> {
    let attributes: Map = fields.into_iter().collect();
    let sid = attributes
        .text("MessageSid")
        .filter(|sid| !sid.is_empty())
        .map(ToOwned::to_owned);
    let sid = sid.ok_or_else(|| malformed("the form has no MessageSid".to_owned()))?;
    Ok(Command::Raise {
        channel,
        door: Door::Service(name("twilio")?),
        domain: name("twilio")?,
        kind: name("sms")?,
        attributes,
        external_id: Some(sid),
        wait: Wait::Accepted,
    })
}

fn check_signature(
    site: &Site,
    path: &str,
    headers: &HeaderMap,
    fields: &[(String, String)],
) -> Result<(), Fault> {
    let verify = site.twilio.as_ref().ok_or_else(without_account)?;
    let text = |header: &str| headers.get(header).and_then(|value| value.to_str().ok());
    let base = match (&site.public_url, text("host")) {
        (Some(url), _) => url.clone(),
        (None, Some(host)) => format!("http://{host}"),
        (None, None) => return Err(malformed("the request has no Host".to_owned())),
    };
    let url = format!("{base}{path}");
    let signed =
        text("x-twilio-signature").is_some_and(|signature| verify(&url, fields, signature));
    if signed { Ok(()) } else { Err(forged(&url)) }
}

fn forged(url: &str) -> Fault {
    let message = format!("the webhook's signature is missing, or not Twilio's for {url}");
    Fault::new(Whose::Caller, "webhook-signature-wrong", message).hint(
        "check `twilio.auth_token` and `public_url` in stratus.toml: Twilio signs the very \
         address that it was told to call",
    )
}

fn without_account() -> Fault {
    Fault::new(
        Whose::Caller,
        "webhook-unknown",
        "this node has no Twilio account",
    )
    .hint("put the account under [twilio] in stratus.toml and start the node again")
}

fn form_fault(rejection: &FormRejection) -> Fault {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(rejection.body_text()),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            let message = "the body is not marked as a form";
            Fault::new(Whose::Caller, "request-type-wrong", message)
        }
        _ => malformed(rejection.body_text()),
    }
}

/// An answer in Twilio's markup that says nothing: replies are messages of their own.
const EMPTY_TWIML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";
