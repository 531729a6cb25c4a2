//! The page by which people log in. It needs no script.

use std::sync::Arc;

use axum::{
    Extension, Form,
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, HeaderName, Method, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::session::{cookie, enter};
use crate::{
    Site,
    connection::Caller,
    input::{Asked, malformed},
    login::check_origin,
    problem::Refusal,
    shape::LogIn,
};

/// What the page is opened with.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Opened {
    /// The secret of a link. It is used up by a click, because programs that look at addresses in
    /// messages open them too.
    link: Option<String>,
}

pub(super) async fn show(Asked(opened): Asked<Opened>) -> Response {
    let fields = match &opened.link {
        Some(link) => format!("<input type=hidden name=link value=\"{}\">", escaped(link)),
        None => ACCOUNT_AND_PASSWORD.to_owned(),
    };
    let form = format!("<form method=post action=/login>{fields}<button>Log in</button></form>");
    page(&form)
}

pub(super) async fn enter_by_form(
    State(site): State<Arc<Site>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    form: Result<Form<LogIn>, FormRejection>,
) -> Result<Response, Refusal> {
    check_origin(&site, &Method::POST, &headers)?;
    let Form(wanted) = form.map_err(|error| malformed(error.body_text()))?;
    let (session, who) = enter(&site, caller.0, wanted).await?;
    let text = format!("<p>You are logged in as <b>{}</b>.", escaped(&who.account));
    Ok((cookie(&site, &session)?, page(&text)).into_response())
}

fn page(body: &str) -> Response {
    let html = format!("<!doctype html><meta charset=utf-8><title>Stratus</title>{body}\n");
    (HEADERS, Html(html)).into_response()
}

/// A text within HTML, within double quotes too.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const ACCOUNT_AND_PASSWORD: &str = "<p><label>Account <input name=account autocomplete=username>\
    </label><p><label>Password <input type=password name=password \
    autocomplete=current-password></label><p>";

/// No script, no frame, no copy in a cache. A form's `Origin` would be kept back with the address
/// of the page, so only other sites do not learn that.
const HEADERS: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "same-origin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_stays_text() {
        assert_eq!(escaped("\"><b>&"), "&quot;&gt;&lt;b&gt;&amp;");
    }
}
