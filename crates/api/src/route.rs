//! The routes, one file per thing.

mod account;
mod backup;
mod channel;
mod cloud_event;
mod event;
mod journal;
mod legacy;
mod login;
mod page;
mod pen;
mod relation;
mod ruleset;
mod session;
mod webhook;
mod why;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{Method, Uri},
    middleware::from_fn_with_state,
    routing::{delete, get, patch, post, put},
};
use stratus_engine::Reply;
use stratus_event::{Fault, Whose};

use crate::{LEGACY_BODY_BYTES_MAX, Site, WEBHOOK_BODY_BYTES_MAX, problem::Refusal};

pub use journal::{JOURNAL_ENTRIES_MAX, JOURNAL_WAIT_MS_MAX};
pub use page::ITEMS_MAX;
pub use relation::PAIRING_WAIT_MS_MAX;
pub use session::{LINK_S_MAX, SESSION_S_MAX, TOKEN_S, TOKEN_S_MAX};

/// What a route answers.
type Answer<T> = Result<Json<T>, Refusal>;

/// The routes about all that an owner has.
pub(crate) fn of_account() -> Router<Arc<Site>> {
    Router::new()
        .route("/status", get(pen::status))
        .route("/accounts", get(account::list).post(account::create))
        .route("/accounts/{name}", delete(account::remove))
        .route("/accounts/{name}/links", post(account::link))
        .route("/accounts/{name}/password", put(account::set_password))
        .route("/password", put(session::set_password))
        .route("/session", get(session::who).delete(session::log_out))
        .route("/sessions", get(session::sessions))
        .route("/sessions/{id}", delete(session::end))
        .route("/tokens", get(session::tokens).post(session::make_token))
        .route("/tokens/{id}", delete(session::end))
        .merge(backup::routes())
}

/// The routes about one PEN of an owner. The PEN that is meant is in [`crate::login::Owner`].
pub(crate) fn of_pen() -> Router<Arc<Site>> {
    Router::new()
        .route("/pen", get(pen::list))
        .route("/rulesets", post(ruleset::install))
        .route("/rulesets/flush", post(ruleset::flush))
        .route("/rulesets/review", post(ruleset::review))
        .route("/rulesets/{rid}", delete(ruleset::uninstall))
        .route("/rulesets/{rid}/rollback", post(ruleset::roll_back))
        .route("/rulesets/{rid}/versions", get(ruleset::versions))
        .route("/channels", post(channel::make))
        .route(
            "/channels/{eci}",
            patch(channel::change).delete(channel::delete),
        )
        .route("/events", post(event::raise))
        .route("/cloudevents", post(cloud_event::by_owner))
        .route("/queries", post(event::query))
        .route("/invites", post(relation::invite))
        .route("/invites/{id}", delete(relation::withdraw))
        .route("/pairings", post(relation::pair))
        .route("/subscriptions/{id}", delete(relation::unsubscribe))
        .route("/journal/{event}/why", get(why::tell))
        .merge(journal::routes())
}

/// The routes by which a stranger becomes somebody.
pub(crate) fn of_strangers() -> Router<Arc<Site>> {
    Router::new().route("/sessions", post(session::log_in))
}

/// The routes of services, each of which proves in its own way who it is.
pub(crate) fn hooks() -> Router<Arc<Site>> {
    Router::new()
        .route("/hook/twilio/{eci}", post(webhook::twilio))
        .layer(DefaultBodyLimit::max(WEBHOOK_BODY_BYTES_MAX))
}

/// The routes of those who show nothing but the ECI of a channel.
pub(crate) fn legacy(site: &Arc<Site>) -> Router<Arc<Site>> {
    legacy::routes()
        .route("/c/{eci}/cloudevents", post(cloud_event::by_bearer))
        .layer(DefaultBodyLimit::max(LEGACY_BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(site), legacy::speak))
}

/// The routes of everybody.
pub(crate) fn open() -> Router<Arc<Site>> {
    Router::new()
        .route("/health", get(health))
        .route("/login", get(login::show).post(login::enter_by_form))
}

/// The answer where there is no route.
pub(crate) async fn unknown(uri: Uri) -> Refusal {
    let message = format!("there is nothing at {}", uri.path());
    Fault::new(Whose::Caller, "address-unknown", message)
        .hint("the addresses are listed in spec/http-api.md")
        .into()
}

/// The answer where there is a route, but not for this method.
pub(crate) async fn not_allowed(method: Method, uri: Uri) -> Refusal {
    let message = format!("{} does not answer {method}", uri.path());
    Fault::new(Whose::Caller, "request-method-wrong", message).into()
}

/// Says that the node runs, and nothing else.
async fn health() -> Json<serde_json::Value> {
    Json(serde_json::json!({ "state": "running" }))
}

/// The fault of an engine that answers something else than was asked.
pub(crate) fn unexpected(reply: &Reply) -> Refusal {
    let message = format!("the engine gave an answer that does not fit: {reply:?}");
    Fault::new(Whose::Bug, "answer-unexpected", message).into()
}

/// How long a command may take.
pub(crate) const COMMAND_WAIT: Duration = Duration::from_secs(30);
