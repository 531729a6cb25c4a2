//! Bounds on requests.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::Response,
};
use stratus_event::{Fault, Whose};
use tokio::sync::Semaphore;

use crate::{Site, connection::Caller, meters::household, problem::Refusal};

/// The largest body of a request of the owner. Above it: `request-too-large`.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// The largest body of a service's webhook. Above it: `request-too-large`.
pub const WEBHOOK_BODY_BYTES_MAX: usize = 1 << 16;

/// The largest body of a request to a channel whose ECI is enough. Above it: `request-too-large`.
pub const LEGACY_BODY_BYTES_MAX: usize = 100 << 10;

/// How many requests are worked on at a time, long polls included. Above it: `requests-too-many`.
pub const REQUESTS_MAX: usize = 256;

/// How many requests wait for news at a time. Above it: `requests-too-many`.
pub const LONG_POLLS_MAX: usize = 64;

/// How long a request may take from its head to its answer. Above it: `request-late`.
pub const REQUEST_MS_MAX: u64 = 90_000;

/// Puts the bounds that hold for every request around the routes.
pub(crate) fn bounded(routes: Router<Arc<Site>>, site: &Arc<Site>) -> Router<Arc<Site>> {
    let turnstile = Arc::new(Semaphore::new(REQUESTS_MAX));
    routes
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(turnstile, pass))
        .layer(middleware::from_fn_with_state(Arc::clone(site), slow_down))
}

/// The fault of one who comes when there are too many already.
pub(crate) fn too_many() -> Fault {
    Fault::new(
        Whose::World,
        "requests-too-many",
        "too many requests at a time",
    )
    .hint("wait for the answers to earlier ones")
}

/// Holds an address to its rate, before anything is read or looked up.
async fn slow_down(
    State(site): State<Arc<Site>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let caller = request.extensions().get::<Caller>();
    let caller = caller.map(|caller| household(caller.0));
    if let Some(address) = caller.filter(|address| !address.is_loopback()) {
        site.guard.meters.addresses.take(address)?;
    }
    Ok(next.run(request).await)
}

async fn pass(
    State(turnstile): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let _permit = turnstile.try_acquire().map_err(|_| too_many())?;
    let wait = Duration::from_millis(REQUEST_MS_MAX);
    tokio::time::timeout(wait, next.run(request))
        .await
        .map_err(|_| late().into())
}

fn late() -> Fault {
    let message = format!("the request took longer than {} s", REQUEST_MS_MAX / 1000);
    Fault::new(Whose::Caller, "request-late", message)
}
