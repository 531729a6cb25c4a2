use std::sync::Mutex;

use chrono::DateTime;
use serde_json::json;
use stratus_event::{Map, Name, Timestamp};
use tokio::net::TcpListener;

use super::*;
use crate::service::{Act, Service};

fn twilio(url: &str) -> Twilio {
    let mut config = TwilioConfig::new(
        url.into(),
        "AC1".into(),
        "secret".into(),
        "+15550000".into(),
    );
    config.answer_timeout_ms_max = 1_000;
    config.connect_timeout_ms_max = 1_000;
    config.doubt_wait_ms = 0;
    config.pages_max = 3;
    Twilio::new(config).unwrap()
}

/// 2026-11-23T03:00:00Z.
const WANTED: Timestamp = Timestamp(1_795_402_800_000);

fn request(doubt: bool, receipts: &[&str]) -> Request {
    Request {
        action: Name::new("send_sms").unwrap(),
        arguments: Map::from([("to", "+15551111"), ("body", "Can you & he come?")]),
        wanted: WANTED,
        doubt,
        receipts: receipts.iter().map(ToString::to_string).collect(),
    }
}

/// The verdict and the boundaries, as text.
async fn perform(twilio: &Twilio, request: &Request) -> String {
    let boundaries = Mutex::new(String::new());
    let observe = |boundary| {
        let letter = match boundary {
            Boundary::AnswerUnread => 'a',
            Boundary::RequestUnsent => 'r',
        };
        boundaries.lock().unwrap().push(letter);
    };
    let verdict = match twilio.perform(request, &observe).await {
        Verdict::Done { receipt } => format!("done {receipt}"),
        Verdict::NotDone {
            code, again: true, ..
        } => format!("{code} again"),
        Verdict::NotDone { code, .. } => code.into(),
        Verdict::Unknown { reason } => format!("unknown: {reason}"),
    };
    format!("{} {verdict}", boundaries.into_inner().unwrap())
}

const POST: &str = "POST /2010-04-01/Accounts/AC1/Messages.json \
                    To=%2B15551111&From=%2B15550000&Body=Can+you+%26+he+come%3F";
const LIST: &str = "GET /2010-04-01/Accounts/AC1/Messages.json\
                    ?To=%2B15551111&From=%2B15550000&PageSize=100";

fn created(sid: &str) -> Act {
    Act::Answer(201, json!({ "sid": sid, "status": "queued" }))
}

/// A message of the list, so many seconds after the request was first wanted.
fn message(sid: &str, body: &str, seconds: i64) -> Json {
    let time = DateTime::from_timestamp_millis(WANTED.0 + seconds * 1000).unwrap();
    json!({ "sid": sid, "body": body, "date_created": time.to_rfc2822() })
}

fn list(messages: &[Json], next: Option<&str>) -> Act {
    Act::Answer(200, json!({ "messages": messages, "next_page_uri": next }))
}

#[tokio::test]
async fn a_text_is_sent() {
    let service = Service::start(vec![created("SM1"), created("SM2")]).await;
    let twilio = twilio(&service.url);
    assert_eq!(perform(&twilio, &request(false, &[])).await, "ra done SM1");
    assert_eq!(perform(&twilio, &request(false, &[])).await, "ra done SM2");
    assert_eq!(service.requests(), [POST, POST]);
    for head in service.heads() {
        let login = "authorization: Basic QUMxOnNlY3JldA==";
        assert!(head.contains(login), "{head}");
    }
}

/// What a sender says of one try.
async fn check(act: Act, expected: &str) {
    let service = Service::start(vec![act.clone()]).await;
    let said = perform(&twilio(&service.url), &request(false, &[])).await;
    assert!(
        said.starts_with(expected),
        "{act:?}: {said:?} should begin with {expected:?}"
    );
    assert_eq!(service.requests(), [POST], "{act:?}");
}

#[tokio::test]
async fn what_is_certain_is_told_from_what_is_not() {
    let problem = |status: u16| Act::Answer(status, json!({ "code": 1, "message": "no" }));
    check(problem(400), "ra text-refused").await;
    check(problem(404), "ra text-refused").await;
    check(problem(401), "ra text-credentials-refused again").await;
    check(problem(429), "ra text-service-busy again").await;
    check(problem(503), "ra text-service-busy again").await;
    check(problem(302), "ra text-service-moved").await;
    check(problem(500), "ra unknown: the service answered 500 (1): no").await;
    check(problem(502), "ra unknown").await;
    check(Act::Answer(201, json!({})), "ra unknown").await;
    check(Act::Cut, "r unknown: the connection to the service broke").await;
    check(Act::Noise, "r unknown: the connection to the service broke").await;
    check(
        Act::Half(201, json!({ "sid": "SM1" }).to_string()),
        "ra unknown",
    )
    .await;
    check(
        Act::Half(400, json!({ "message": "no" }).to_string()),
        "ra text-refused",
    )
    .await;
    check(
        Act::Silence,
        "r unknown: the service did not answer in time",
    )
    .await;
    let endless = Act::Answer(201, json!({ "sid": "SM1", "x": "x".repeat(5 << 20) }));
    check(endless, "ra unknown").await;
}

#[tokio::test]
async fn what_cannot_be_reached_was_not_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for url in [refused.as_str(), "http://no-such-host.invalid"] {
        let said = perform(&twilio(url), &request(false, &[])).await;
        assert_eq!(said, "r text-service-unreachable again", "{url}");
    }
    // A doubt stays one.
    let said = perform(&twilio(&refused), &request(true, &[])).await;
    assert!(
        said.starts_with(" unknown: the service cannot be reached"),
        "{said}"
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_not_sent() {
    let twilio = twilio("http://127.0.0.1:1");
    let check = async |action: &str, arguments: Map, expected: &str| {
        let action = Name::new(action).unwrap();
        let request = Request {
            action,
            arguments,
            ..request(false, &[])
        };
        assert_eq!(perform(&twilio, &request).await, expected);
    };
    let text = || Map::from([("to", "+1"), ("body", "b")]);
    check("send_fax", text(), " action-unknown").await;
    for name in ["to", "body"] {
        let mut without = text();
        without.remove(name);
        check("send_sms", without, " argument-missing").await;
        let mut empty = text();
        empty.insert(name, "");
        check("send_sms", empty, " argument-missing").await;
        let mut number = text();
        number.insert(name, 5);
        check("send_sms", number, " argument-missing").await;
    }
}

#[test]
fn a_service_has_an_address() {
    let check = |url: &str, account: &str| {
        let config = TwilioConfig::new(url.into(), account.into(), "s".into(), "+1".into());
        assert!(
            !format!("{config:?}").contains("\"s\""),
            "the secret is not shown"
        );
        Twilio::new(config)
            .map(|_| ())
            .map_err(|fault| fault.code.into_owned())
    };
    assert_eq!(check("https://api.twilio.com/", "AC1"), Ok(()));
    let malformed = Err("text-service-malformed".into());
    assert_eq!(check("api.twilio.com", "AC1"), malformed);
    assert_eq!(check("", "AC1"), malformed);
    assert_eq!(check("https://api.twilio.com", "AC1/../AC2"), malformed);
    assert_eq!(check("https://api.twilio.com", ""), malformed);
}

/// What a sender in doubt says, and what it asked for.
async fn settle(receipts: &[&str], acts: Vec<Act>, expected: &str, asked: &[&str]) {
    let service = Service::start(acts).await;
    let said = perform(&twilio(&service.url), &request(true, receipts)).await;
    assert!(
        said.starts_with(expected),
        "{said:?} should begin with {expected:?}"
    );
    assert_eq!(service.requests(), asked);
}

#[tokio::test]
async fn a_doubt_is_settled_by_the_list() {
    let body = "Can you & he come?";
    let found = |sid| message(sid, body, 1);
    // It is there.
    settle(&[], vec![list(&[found("SM1")], None)], " done SM1", &[LIST]).await;
    // Other words.
    let other = message("SM2", "Can you", 2);
    settle(
        &[],
        vec![list(&[other.clone(), found("SM1")], None)],
        " done SM1",
        &[LIST],
    )
    .await;
    settle(
        &[],
        vec![list(&[other], None), created("SM9")],
        "ra done SM9",
        &[LIST, POST],
    )
    .await;
    // Nothing is there.
    settle(
        &[],
        vec![list(&[], None), created("SM9")],
        "ra done SM9",
        &[LIST, POST],
    )
    .await;
    // It belongs to another effect.
    let acts = || vec![list(&[found("SM1")], None), created("SM9")];
    settle(&["SM1"], acts(), "ra done SM9", &[LIST, POST]).await;
    let both = vec![list(&[found("SM2"), found("SM1")], None)];
    settle(&["SM2", "SM3"], both, " done SM1", &[LIST]).await;
    // The service's clock may be five minutes behind, no more.
    let skewed = |seconds| vec![list(&[message("SM1", body, seconds)], None), created("SM9")];
    settle(&[], skewed(-299), " done SM1", &[LIST]).await;
    settle(&[], skewed(-302), "ra done SM9", &[LIST, POST]).await;
    // The try that follows can be unknown too.
    settle(
        &[],
        vec![list(&[], None), Act::Cut],
        "r unknown",
        &[LIST, POST],
    )
    .await;
}

#[tokio::test]
async fn the_list_has_pages() {
    let page = |n: u32| format!("/2010-04-01/Accounts/AC1/Messages.json?Page={n}&PageToken=PA");
    let get = |n: u32| format!("GET {}", page(n));
    let other = |n: i64| message("SM5", "other", n);
    let mine = message("SM1", "Can you & he come?", 1);
    let (one, two) = (page(1), page(2));
    let pages = vec![list(&[other(9)], Some(&one)), list(&[mine], Some(&two))];
    settle(&[], pages, " done SM1", &[LIST, &get(1)]).await;
    // It is not looked for among the older ones.
    let pages = vec![
        list(&[other(9)], Some(&one)),
        list(&[other(-900)], Some(&two)),
        created("SM9"),
    ];
    settle(&[], pages, "ra done SM9", &[LIST, &get(1), POST]).await;
    // The last page is the end.
    let pages = vec![
        list(&[], Some(&one)),
        list(&[], Some(&two)),
        list(&[other(1)], None),
        created("SM9"),
    ];
    settle(&[], pages, "ra done SM9", &[LIST, &get(1), &get(2), POST]).await;
    // So far and no further; then nobody knows.
    let pages = vec![
        list(&[], Some(&one)),
        list(&[], Some(&two)),
        list(&[], Some(&one)),
    ];
    settle(
        &[],
        pages,
        " unknown: the list is longer than 3 pages",
        &[LIST, &get(1), &get(2)],
    )
    .await;
    // The secret goes nowhere else.
    for elsewhere in [
        "http://example.com/2010-04-01/Accounts/AC1/Messages.json",
        "/x",
        "//x/y",
    ] {
        let pages = vec![list(&[], Some(elsewhere))];
        settle(
            &[],
            pages,
            " unknown: the next page is somewhere else",
            &[LIST],
        )
        .await;
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_settles_nothing() {
    let strange = |message: Json| vec![list(&[message], None)];
    let unknown = " unknown: the service gave a strange message";
    settle(&[], strange(json!({})), unknown, &[LIST]).await;
    let time = json!({ "sid": "SM1", "body": "b", "date_created": "yesterday" });
    settle(&[], strange(time), unknown, &[LIST]).await;
    let no_list = vec![Act::Answer(200, json!([]))];
    settle(&[], no_list, " unknown: the service gave no list", &[LIST]).await;
    settle(
        &[],
        vec![Act::Answer(500, Json::Null)],
        " unknown: the service answered 500",
        &[LIST],
    )
    .await;
    settle(
        &[],
        vec![Act::Answer(401, Json::Null)],
        " unknown: the service answered 401",
        &[LIST],
    )
    .await;
    settle(
        &[],
        vec![Act::Silence],
        " unknown: the service did not answer in time",
        &[LIST],
    )
    .await;
    settle(
        &[],
        vec![Act::Cut],
        " unknown: the connection to the service broke",
        &[LIST],
    )
    .await;
}

#[tokio::test]
async fn two_doubts_never_find_the_same_message() {
    let body = "Can you & he come?";
    let both = || list(&[message("SM2", body, 2), message("SM1", body, 1)], None);
    let service = Service::start(vec![both(), both(), both(), created("SM9")]).await;
    let twilio = twilio(&service.url);
    let twice = request(true, &[]);
    let (a, b) = tokio::join!(perform(&twilio, &twice), perform(&twilio, &twice));
    assert_ne!(a, b);
    assert!(a.starts_with(" done") && b.starts_with(" done"), "{a} {b}");
    assert_eq!(perform(&twilio, &twice).await, "ra done SM9");
}

#[tokio::test]
async fn while_a_doubt_is_settled_nothing_is_sent() {
    let body = "Can you & he come?";
    // The first text is on its way when the doubt comes: the doubt waits, and then knows it.
    let acts = vec![
        created("SM1"),
        list(&[message("SM1", body, 1)], None),
        created("SM2"),
    ];
    let service = Service::start(acts).await;
    let twilio = twilio(&service.url);
    let (fresh, doubtful) = (request(false, &[]), request(true, &[]));
    let (sent, settled) =
        tokio::join!(twilio.perform(&fresh, &|_| {}), perform(&twilio, &doubtful));
    assert_eq!(
        sent,
        Verdict::Done {
            receipt: "SM1".into()
        }
    );
    assert_eq!(settled, "ra done SM2");
    assert_eq!(service.requests(), [POST, LIST, POST]);
}
