//! HTTP: the only JSON API of a node, described in `spec/http-api.md`.
//!
//! Everything under `/api/v1` needs the owner's token; what is there about her PEN is under
//! `/api/v1/pens/{pen}` about any of her PENs. `/health` needs nothing,
//! `/hook/twilio/{eci}` needs Twilio's signature, and what is under `/c` and `/sky` a channel whose
//! ECI is enough. The crate decides nothing: every request becomes
//! a [`Command`](stratus_engine::Command) that goes through the [`Desk`] to whoever drives the
//! engine, and its reply becomes JSON. A fault becomes problem+json (RFC 9457).

mod archive;
mod call;
mod connection;
mod desk;
mod form;
mod input;
mod keeper;
mod library;
mod limit;
mod login;
mod meters;
mod openapi;
mod password;
mod problem;
mod route;
mod secret;
pub mod shape;
#[cfg(test)]
mod tests;
mod why;

use std::{
    future::Future,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::Router;
use stratus_event::{Eci, PenId, Timestamp};
use tokio::{net::TcpListener, sync::watch};

pub use archive::{Archive, Compiled};
pub use connection::{ADDRESS_CONNECTIONS_MAX, CONNECTIONS_MAX, HEAD_BYTES_MAX, HEAD_MS_MAX};
pub use desk::{Desk, Order};
pub use form::{PARAMETER_DEPTH_MAX, PARAMETERS_MAX};
pub use keeper::{Dropped, Keeper, Kept};
pub use library::{Fetched, Library};
pub use limit::{
    BODY_BYTES_MAX, LEGACY_BODY_BYTES_MAX, LONG_POLLS_MAX, REQUEST_MS_MAX, REQUESTS_MAX,
    WEBHOOK_BODY_BYTES_MAX,
};
pub use login::OwnerToken;
pub use meters::{ACCOUNT_RATE, ADDRESS_RATE, LOGIN_RATE, METERS_MIN};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, PASSWORDS_HASHING_MAX};
pub use problem::status;
pub use route::{
    BATCH_EVENTS_MAX, ITEMS_MAX, JOURNAL_ENTRIES_MAX, JOURNAL_WAIT_MS_MAX, LINK_S_MAX,
    PAIRING_WAIT_MS_MAX, SESSION_S_MAX, TOKEN_S, TOKEN_S_MAX,
};
pub use stratus_event::json::{from_json, map_from_json, map_to_json, to_json};
pub use why::{WHY_CAUSED_MAX, WHY_RULESETS_MAX, why};

/// What the API needs to know of the node that it speaks for.
pub struct Site {
    /// The way to the engine.
    pub desk: Desk,
    /// Fetches the texts of rulesets.
    pub library: Arc<dyn Library>,
    /// The past.
    pub journal: Archive,
    /// Keeps the data.
    pub keeper: Arc<dyn Keeper>,
    /// Changes whenever a journal entry, or the outcome of one, became durable.
    pub journal_moved: watch::Receiver<u64>,
    /// The PEN that the API is about.
    pub pen: PenId,
    /// The channel by which the owner's events come in.
    pub owner_channel: Eci,
    /// What lets the owner in.
    pub token: OwnerToken,
    /// Where the API listens, without a slash at its end: links lead there.
    pub url: String,
    /// Where the world reaches this API, without a slash at its end, such as
    /// `https://node.example`. A service signs the address that it was given, so this has to be
    /// the same. Without it the request's `Host` is taken, with `http`.
    pub public_url: Option<String>,
    /// Checks a webhook of Twilio; none if the node has no Twilio account.
    pub twilio: Option<Arc<WebhookVerifier>>,
    /// What is not done under `/c` and `/sky` is answered as pico-engine does: with status 200 and
    /// `{"error":…}`.
    pub legacy_errors_as_200: bool,
    /// What is counted and worked on.
    pub guard: Guard,
}

impl Site {
    /// Where people reach it.
    pub(crate) fn address(&self) -> &str {
        self.public_url.as_deref().unwrap_or(&self.url)
    }
}

/// What keeps a site from being asked too much; nothing is counted at first.
#[derive(Debug, Default)]
pub struct Guard {
    pub(crate) meters: meters::Meters,
    pub(crate) passwords: password::Passwords,
}

/// Says whether a signature is that of the service, over the address that it called and the
/// fields of the form in the order in which they came.
pub type WebhookVerifier = dyn Fn(&str, &[(String, String)], &str) -> bool + Send + Sync;

/// Answers requests until `stop` is done, and then those that have begun.
pub async fn serve(
    listener: TcpListener,
    site: Site,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    connection::serve(listener, router(site), stop).await;
}

/// The time, by the node's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(0) + since.unwrap_or_default()
}

/// All routes.
pub fn router(site: Site) -> Router {
    let site = Arc::new(site);
    let routes = route::all(&site).into_router();
    limit::bounded(
        routes
            .fallback(route::unknown)
            .method_not_allowed_fallback(route::not_allowed),
        &site,
    )
    .with_state(site)
}
