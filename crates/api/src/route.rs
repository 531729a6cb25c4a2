//! The routes, one file per thing.

mod account;
mod backup;
mod channel;
mod cloud_event;
mod event;
mod journal;
mod legacy;
mod listing;
mod login_page;
mod page;
mod pen;
mod relation;
mod ruleset;
mod session;
mod webhook;
mod why;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::DefaultBodyLimit,
    http::{Method, Uri},
    middleware::from_fn_with_state,
};
use stratus_engine::Reply;
use stratus_event::{Fault, Whose};

use crate::{
    LEGACY_BODY_BYTES_MAX, Site, WEBHOOK_BODY_BYTES_MAX, login,
    openapi::{Routes, about},
    problem::Refusal,
    shape,
};
use page::Pages;

pub use cloud_event::BATCH_EVENTS_MAX;
pub use journal::{JOURNAL_ENTRIES_MAX, JOURNAL_WAIT_MS_MAX};
pub use page::ITEMS_MAX;
pub use relation::PAIRING_WAIT_MS_MAX;
pub use session::{LINK_S_MAX, SESSION_S_MAX, TOKEN_S, TOKEN_S_MAX};

/// What a route answers.
type Answer<T> = Result<Json<T>, Refusal>;

/// All routes.
pub(crate) fn all(site: &Arc<Site>) -> Routes {
    let admit = from_fn_with_state(Arc::clone(site), login::admit);
    let owners = of_account()
        .merge(of_operator())
        .merge(of_pen())
        .nest("/pens/{pen}", of_pen())
        .within(|router| router.layer(admit));
    Routes::new()
        .nest("/api/v1", owners.merge(of_strangers()))
        .merge(hooks())
        .merge(of_bearers(site))
        .merge(open())
}

/// The routes about all that an owner has.
fn of_account() -> Routes {
    let status = about("The node, as far as it is the account's").answers::<shape::Status>();
    let who = about("Who asks").answers::<shape::Session>();
    let password = about("Set the account's password").takes::<shape::SetPassword>();
    let sessions = about("Who is logged in").asks::<session::Whom>();
    let tokens = about("Tokens of the account").asks::<session::Whom>();
    let make = about("Make a token, which is shown this once").takes::<shape::MakeToken>();
    let end = |what| about(what).asks::<session::Whom>();
    Routes::new()
        .get("/status", pen::status, status)
        .put("/password", session::set_password, password)
        .get("/session", session::who, who)
        .delete("/session", session::log_out, about("Log out"))
        .get(
            "/sessions",
            session::sessions,
            sessions.answers::<shape::KeptList>(),
        )
        .delete("/sessions/{id}", session::end, end("End a session"))
        .get(
            "/tokens",
            session::tokens,
            tokens.answers::<shape::KeptList>(),
        )
        .post(
            "/tokens",
            session::make_token,
            make.answers::<shape::NewToken>(),
        )
        .delete("/tokens/{id}", session::end, end("End a token"))
}

/// The routes of the node's operator.
fn of_operator() -> Routes {
    let list = about("The accounts of the node").asks::<Pages>();
    let create = about("Make an account").takes::<shape::MakeAccount>();
    let password = about("Set an account's password").takes::<shape::SetPassword>();
    let link = about("Make a link that logs in once").answers::<shape::Link>();
    Routes::new()
        .get(
            "/accounts",
            account::list,
            list.answers::<shape::Accounts>(),
        )
        .post(
            "/accounts",
            account::create,
            create.answers::<shape::Account>(),
        )
        .delete(
            "/accounts/{name}",
            account::remove,
            about("Take an account out"),
        )
        .post("/accounts/{name}/links", account::link, link)
        .merge(backup::routes())
        .put("/accounts/{name}/password", account::set_password, password)
}

/// The routes about one PEN of an owner. The PEN that is meant is in [`crate::login::Owner`].
fn of_pen() -> Routes {
    let list = about("All there is in the PEN").answers::<shape::Pen>();
    let raise = about("Raise an event").takes::<shape::Raise>();
    let query = about("Ask a ruleset")
        .takes::<shape::Query>()
        .answers_as(JSON);
    let why = about("Why an event did what it did").asks::<why::Wanted>();
    Routes::new()
        .get("/pen", pen::list, list)
        .post("/events", event::raise, raise.answers::<shape::Raised>())
        .post("/cloudevents", cloud_event::by_owner, cloud_event::taken())
        .post("/queries", event::query, query)
        .get(
            "/journal/{event}/why",
            why::tell,
            why.answers::<shape::Why>(),
        )
        .merge(journal::routes())
        .merge(listing::routes())
        .merge(of_rules())
        .merge(of_channels())
        .merge(of_partners())
}

/// The routes by which an owner says what a PEN does.
fn of_rules() -> Routes {
    let install = about("Install a ruleset").takes::<shape::Install>();
    let review = about("What a ruleset would want").takes::<shape::Review>();
    let flush = about("Fetch the rulesets of an address again").takes::<shape::Flush>();
    let roll_back = about("Install an earlier text again").takes::<shape::RollBack>();
    let versions = about("The texts that a ruleset had").answers_as(JSON);
    let (rid, past) = ("/rulesets/{rid}", "/rulesets/{rid}/versions");
    let back = "/rulesets/{rid}/rollback";
    Routes::new()
        .post(
            "/rulesets",
            ruleset::install,
            install.answers::<shape::Installed>(),
        )
        .post(
            "/rulesets/flush",
            ruleset::flush,
            flush.answers::<shape::Flushed>(),
        )
        .post(
            "/rulesets/review",
            ruleset::review,
            review.answers::<shape::Reviewed>(),
        )
        .delete(rid, ruleset::uninstall, about("Take a ruleset out"))
        .post(
            back,
            ruleset::roll_back,
            roll_back.answers::<shape::Installed>(),
        )
        .get(past, ruleset::versions, versions)
}

/// The routes by which an owner says what a PEN lets in.
fn of_channels() -> Routes {
    let make = about("Make a channel").takes::<shape::MakeChannel>();
    let change = about("Change a channel").takes::<shape::ChangeChannel>();
    let one = "/channels/{eci}";
    Routes::new()
        .post("/channels", channel::make, make.answers::<shape::Channel>())
        .patch(one, channel::change, change.answers::<shape::Channel>())
        .delete(one, channel::delete, about("Delete a channel"))
}

/// The routes about other people's PENs.
fn of_partners() -> Routes {
    let invite = about("Make an invite").takes::<shape::MakeInvite>();
    let pair = about("Use an invite").takes::<shape::Pair>();
    let withdraw = about("Withdraw an invite");
    let end = about("End a subscription");
    Routes::new()
        .post(
            "/invites",
            relation::invite,
            invite.answers::<shape::Invited>(),
        )
        .delete("/invites/{id}", relation::withdraw, withdraw)
        .post("/pairings", relation::pair, pair.answers::<shape::Paired>())
        .delete("/subscriptions/{id}", relation::unsubscribe, end)
}

/// The routes by which a stranger becomes somebody.
fn of_strangers() -> Routes {
    let log_in = about("Log in, by password or link").takes::<shape::LogIn>();
    Routes::new().post(
        "/sessions",
        session::log_in,
        log_in.answers::<shape::Session>(),
    )
}

/// The routes of services, each of which proves in its own way who it is.
fn hooks() -> Routes {
    let twilio = about("A text that came to Twilio")
        .takes_as(FORM)
        .answers_as("text/xml");
    Routes::new()
        .post("/hook/twilio/{eci}", webhook::twilio, twilio)
        .within(|router| router.layer(DefaultBodyLimit::max(WEBHOOK_BODY_BYTES_MAX)))
}

/// The routes of those who show nothing but the ECI of a channel.
fn of_bearers(site: &Arc<Site>) -> Routes {
    let speak = from_fn_with_state(Arc::clone(site), legacy::speak);
    legacy::routes()
        .post(
            "/c/{eci}/cloudevents",
            cloud_event::by_bearer,
            cloud_event::taken(),
        )
        .within(|router| {
            router
                .layer(DefaultBodyLimit::max(LEGACY_BODY_BYTES_MAX))
                .layer(speak)
        })
}

/// The routes of everybody.
fn open() -> Routes {
    let page = about("The page by which people log in").asks::<login_page::Opened>();
    let enter = about("Log in by that page")
        .takes_as(FORM)
        .answers_as("text/html");
    Routes::new()
        .get(
            "/health",
            health,
            about("Whether the node runs").answers_as("application/json"),
        )
        .get("/login", login_page::show, page.answers_as("text/html"))
        .post("/login", login_page::enter_by_form, enter)
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

const FORM: &str = "application/x-www-form-urlencoded";

const JSON: &str = "application/json";
