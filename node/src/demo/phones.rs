//! The outside world: a text service on loopback that speaks Twilio's Messages API and plays the
//! phones.
//!
//! It takes what nodes send, keeps it, and never removes duplicates. A second request that says the
//! same is a second text. It offers the list of messages, as Twilio does.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The account that all nodes of the demonstration share.
pub(crate) const ACCOUNT: &str = "ACdemo00000000000000000000000000000";
/// The account's secret; it exists on this machine and for this run only.
pub(crate) const TOKEN: &str = "demo-token";

/// The texts kept at most; a demonstration sends about thirty.
const TEXTS_MAX: usize = 100_000;
/// Messages of one page of the list, at most.
const PAGE_SIZE_MAX: usize = 1_000;

/// The text service, running until it is dropped.
pub(crate) struct Phones {
    address: SocketAddr,
    texts: Arc<Mutex<Vec<Text>>>,
    server: tokio::task::JoinHandle<()>,
}

/// One text that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The service's id of it.
    pub(crate) sid: String,
    /// The number that it came from.
    pub(crate) from: String,
    /// The number that it went to.
    pub(crate) to: String,
    /// What it says.
    pub(crate) body: String,
    /// When it came, as the service writes it (RFC 2822).
    pub(crate) created: String,
}

impl Phones {
    /// Starts the service on a free port of the loopback interface.
    pub(crate) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let texts = Arc::new(Mutex::new(Vec::new()));
        let router = Router::new()
            .route(
                "/2010-04-01/Accounts/{account}/Messages.json",
                post(take).get(list),
            )
            .with_state(Arc::clone(&texts));
        let server = tokio::spawn(async move {
            // It ends with the task; an error then has nobody to tell.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            address,
            texts,
            server,
        })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All texts so far, oldest first.
    pub(crate) fn texts(&self) -> Vec<Text> {
        lock(&self.texts).clone()
    }

    /// Waits until a text to that number, after the first `after` texts of all, fits.
    pub(crate) async fn wait_for(
        &self,
        to: &str,
        after: usize,
        wait: Duration,
        fits: impl Fn(&Text) -> bool,
    ) -> Option<Text> {
        let end = tokio::time::Instant::now() + wait;
        loop {
            let texts = self.texts();
            let found = texts
                .iter()
                .skip(after)
                .find(|text| text.to == to && fits(text));
            if found.is_some() || tokio::time::Instant::now() > end {
                return found.cloned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Phones {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Shared = Arc<Mutex<Vec<Text>>>;
type Parameters = BTreeMap<String, String>;

async fn take(
    State(texts): State<Shared>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Parameters>,
) -> Response {
    if let Some(refusal) = refuse(&account, &headers) {
        return refusal;
    }
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (from, to, body) = (field("From"), field("To"), field("Body"));
    if to.is_empty() || body.is_empty() {
        return problem(
            StatusCode::BAD_REQUEST,
            21604,
            "A 'To' phone number and a 'Body' are required.",
        );
    }
    let mut texts = lock(&texts);
    if texts.len() >= TEXTS_MAX {
        return problem(StatusCode::TOO_MANY_REQUESTS, 20429, "Too many requests.");
    }
    let sid = format!("SM{:032x}", texts.len() + 1);
    let created = chrono::Utc::now().to_rfc2822();
    let text = Text {
        sid,
        from,
        to,
        body,
        created,
    };
    let answer = message(&text);
    texts.push(text);
    (StatusCode::CREATED, Json(answer)).into_response()
}

/// The list of messages, newest first, filtered by `To` and `From`.
async fn list(
    State(texts): State<Shared>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(query): Query<Parameters>,
) -> Response {
    if let Some(refusal) = refuse(&account, &headers) {
        return refusal;
    }
    let number = |name: &str, otherwise: usize| {
        query
            .get(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let size = number("PageSize", 50).clamp(1, PAGE_SIZE_MAX);
    let page = number("Page", 0);
    let fits = |field: &str, value: &str| query.get(field).is_none_or(|wanted| wanted == value);
    let texts = lock(&texts);
    let fitting: Vec<&Text> = texts
        .iter()
        .rev()
        .filter(|text| fits("To", &text.to) && fits("From", &text.from))
        .collect();
    let more = fitting.len() > (page + 1) * size;
    let shown: Vec<Value> = fitting
        .into_iter()
        .skip(page * size)
        .take(size)
        .map(message)
        .collect();
    let next = more.then(|| next_page(&account, &query, page + 1, size));
    Json(json!({ "messages": shown, "page": page, "page_size": size, "next_page_uri": next }))
        .into_response()
}

fn next_page(account: &str, query: &Parameters, page: usize, size: usize) -> String {
    let mut next =
        format!("/2010-04-01/Accounts/{account}/Messages.json?PageSize={size}&Page={page}");
    for field in ["To", "From"] {
        if let Some(value) = query.get(field) {
            // Of the characters in a phone number, only this one means something in a query.
            next.extend(["&", field, "=", &value.replace('+', "%2B")]);
        }
    }
    next
}

fn message(text: &Text) -> Value {
    json!({
        "sid": text.sid,
        "account_sid": ACCOUNT,
        "from": text.from,
        "to": text.to,
        "body": text.body,
        "status": "delivered",
        "direction": "outbound-api",
        "date_created": text.created,
        "date_sent": text.created,
    })
}

fn refuse(account: &str, headers: &HeaderMap) -> Option<Response> {
    let expected = format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"))
    );
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let allowed = account == ACCOUNT && given == Some(expected.as_str());
    (!allowed).then(|| problem(StatusCode::UNAUTHORIZED, 20003, "Authenticate"))
}

/// An error in the form that Twilio gives it.
fn problem(status: StatusCode, code: u32, message: &str) -> Response {
    let body = json!({ "code": code, "message": message, "status": status.as_u16() });
    (status, Json(body)).into_response()
}

fn lock(texts: &Mutex<Vec<Text>>) -> MutexGuard<'_, Vec<Text>> {
    texts.lock().unwrap_or_else(PoisonError::into_inner)
}
