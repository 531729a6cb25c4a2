use serde_json::{Value as Json, json};
use stratus_event::{Map, Name, Timestamp, json::to_json};

use super::*;
use crate::service::{Act, Service};

fn http() -> Http {
    let config = HttpConfig {
        connect_timeout_ms_max: 1_000,
        answer_timeout_ms_max: 1_000,
        answer_bytes_max: 1_000,
        redirects_max: 2,
    };
    Http::new(config).unwrap()
}

fn request(action: &str, url: &str, more: &Json) -> Request {
    let mut arguments = Map::from([("url", url)]);
    for (name, value) in more.as_object().unwrap() {
        arguments.insert(name, stratus_event::json::from_json(value).unwrap());
    }
    Request {
        action: Name::new(action).unwrap(),
        arguments,
        wanted: Timestamp(0),
        doubt: false,
        receipts: vec![],
    }
}

/// The request as it was sent, headers that are named included.
async fn check_sent(action: &str, more: &Json, headers: &[&str], expected: &str) {
    let service = Service::start(vec![Act::Answer(200, json!(1))]).await;
    let url = format!("{}/p?a=1", service.url);
    http().ask(&request(action, &url, more)).await.unwrap();
    assert_eq!(service.requests(), [expected]);
    for header in headers {
        let heads = service.heads();
        assert!(heads[0].contains(header), "{header} in {}", heads[0]);
    }
}

#[tokio::test]
async fn a_request_is_sent_as_it_is_said() {
    let get = "GET /p?a=1";
    check_sent("get", &json!({}), &["user-agent: stratus/"], get).await;
    check_sent("head", &json!({}), &[], "HEAD /p?a=1").await;
    check_sent("delete", &json!({}), &[], "DELETE /p?a=1").await;
    let asked = json!({ "qs": { "q": "x & y", "n": 2, "l": [1] } });
    check_sent("get", &asked, &[], "GET /p?a=1&q=x+%26+y&n=2&l=%5B1%5D").await;
    let login = json!({ "auth": { "username": "ann", "password": "b" }, "headers": { "X-A": 1 } });
    let heads = ["authorization: Basic YW5uOmI=", "x-a: 1"];
    check_sent("get", &login, &heads, get).await;
}

#[tokio::test]
async fn of_several_contents_one_is_sent() {
    let form = json!({ "form": { "a": "1 2", "b": null } });
    let kind = ["content-type: application/x-www-form-urlencoded"];
    check_sent("post", &form, &kind, "POST /p?a=1 a=1+2&b=null").await;
    let both = json!({ "form": { "a": 1 }, "json": { "b": [true] } });
    let kind = ["content-type: application/json"];
    check_sent("put", &both, &kind, "PUT /p?a=1 {\"b\":[true]}").await;
    let all = json!({ "body": "<x/>", "json": 1, "headers": { "content-type": "text/xml" } });
    let kind = ["content-type: text/xml"];
    check_sent("patch", &all, &kind, "PATCH /p?a=1 <x/>").await;
}

/// What a ruleset sees of an answer, or the code of the fault.
async fn check_answer(act: Act, method: &str, expected: &str) {
    let service = Service::start(vec![act.clone()]).await;
    let asked = request(method, &service.url, &json!({ "dontFollowRedirect": true }));
    let said = match http().ask(&asked).await {
        Ok(answer) => to_json(&answer).to_string(),
        Err(fault) => fault.code.into_owned(),
    };
    assert_eq!(said, expected, "{act:?}");
}

#[tokio::test]
async fn an_answer_is_told_whole_or_not_at_all() {
    let told = |status, reason, content, length| {
        format!(
            r#"{{"content":"{content}","content_type":"application/json","content_length":{length},"headers":{{"content-length":"{length}","content-type":"application/json","x-twice":"a, b","location":"/x"}},"status_code":{status},"status_line":"{reason}"}}"#
        )
    };
    let answer = Act::Answer(200, json!([1]));
    check_answer(answer, "get", &told(200, "OK", "[1]", 3)).await;
    let missing = Act::Answer(404, json!(0));
    check_answer(missing, "post", &told(404, "Not Found", "0", 1)).await;
    let moved = Act::Answer(302, json!(0));
    check_answer(moved, "get", &told(302, "Found", "0", 1)).await;
    check_answer(Act::Half(200, "0123456789".into()), "get", "http-no-answer").await;
    for act in [Act::Cut, Act::Noise, Act::Silence] {
        check_answer(act, "get", "http-no-answer").await;
    }
    let long = Act::Answer(200, json!("x".repeat(1_000)));
    check_answer(long, "get", "http-answer-oversize").await;
}

async fn check_verdict(act: Act, method: &str, expected: &str) {
    let service = Service::start(vec![act.clone()]).await;
    let wanted = request(method, &service.url, &json!({ "dontFollowRedirect": true }));
    let said = perform(&wanted).await;
    assert_eq!(said, expected, "{method} {act:?}");
}

async fn perform(wanted: &Request) -> String {
    match http().perform(wanted, &|_| {}).await {
        Verdict::Done { receipt } => receipt,
        Verdict::NotDone {
            code, again: true, ..
        } => format!("{code} again"),
        Verdict::NotDone { code, .. } => code.to_owned(),
        Verdict::Unknown { reason } => panic!("{reason}"),
    }
}

#[tokio::test]
async fn only_what_does_no_harm_is_done_again() {
    let answered = |status| Act::Answer(status, json!(0));
    for method in ["get", "post"] {
        check_verdict(answered(200), method, "200").await;
        check_verdict(answered(302), method, "302").await;
        check_verdict(answered(403), method, "http-refused").await;
        check_verdict(answered(501), method, "http-refused").await;
        check_verdict(answered(429), method, "http-busy again").await;
        check_verdict(answered(503), method, "http-busy again").await;
    }
    check_verdict(answered(500), "put", "http-busy again").await;
    check_verdict(answered(500), "patch", "http-in-doubt").await;
    for act in [Act::Cut, Act::Noise, Act::Silence] {
        check_verdict(act.clone(), "delete", "http-no-answer again").await;
        check_verdict(act, "post", "http-in-doubt").await;
    }
}

#[tokio::test]
async fn a_doubt_about_a_post_stays() {
    let service = Service::start(vec![Act::Answer(200, json!(0))]).await;
    let doubtful = |method| Request {
        doubt: true,
        ..request(method, &service.url, &json!({}))
    };
    assert_eq!(perform(&doubtful("post")).await, "http-in-doubt");
    let asked = http().ask(&doubtful("patch")).await.unwrap_err();
    assert_eq!(asked.code, "http-in-doubt");
    assert_eq!(service.requests(), Vec::<String>::new());
    assert_eq!(perform(&doubtful("get")).await, "200");
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let wanted = request("post", &url, &json!({}));
    assert_eq!(perform(&wanted).await, "http-unreachable again");
    assert_eq!(
        http().ask(&wanted).await.unwrap_err().code,
        "http-unreachable"
    );
}

#[tokio::test]
async fn a_request_follows_only_so_far() {
    let moved = Act::Answer(302, json!(0));
    let service = Service::start(vec![moved; 3]).await;
    let asked = http().ask(&request("get", &service.url, &json!({}))).await;
    assert_eq!(asked.unwrap_err().code, "http-no-answer");
    assert_eq!(service.requests(), ["GET /", "GET /x", "GET /x"]);
}

/// What is wrong with a request is told before anything is sent.
async fn check_wrong(action: &str, url: &str, more: &Json, expected: &str) {
    let fault = http().ask(&request(action, url, more)).await.unwrap_err();
    assert_eq!(
        (&*fault.code, fault.whose),
        ("http-request-wrong", Whose::Ruleset)
    );
    assert!(fault.message.contains(expected), "{}", fault.message);
}

#[tokio::test]
async fn what_cannot_be_sent_is_the_ruleset_s_fault() {
    let url = "http://localhost";
    check_wrong("get", "no address", &json!({}), "no address").await;
    check_wrong("get", "file:///etc/passwd", &json!({}), "neither http").await;
    check_wrong("trace", url, &json!({}), "no http:trace").await;
    check_wrong("get", url, &json!({ "qs": "a=1" }), "qs is no map").await;
    check_wrong("get", url, &json!({ "headers": { "a b": 1 } }), "no header").await;
    check_wrong(
        "get",
        url,
        &json!({ "headers": { "a": "\n" } }),
        "no header",
    )
    .await;
    check_wrong("get", url, &json!({ "auth": {} }), "no username").await;
    let wanted = request("post", "gopher://x", &json!({}));
    assert_eq!(perform(&wanted).await, "http-request-wrong");
}

#[tokio::test]
async fn a_text_is_fetched_securely_or_not_at_all() {
    let service = Service::start(vec![
        Act::Answer(200, json!("ruleset a {}")),
        Act::Answer(404, json!("nothing")),
        Act::Answer(200, json!("x".repeat(2_000))),
    ])
    .await;
    let url = format!("{}/a.krl", service.url);
    let code = |answer: Result<String, Fault>| answer.unwrap_err().code;
    assert_eq!(http().text(&url).await.unwrap(), "\"ruleset a {}\"");
    assert_eq!(code(http().text(&url).await), "fetch-refused");
    assert_eq!(code(http().text(&url).await), "http-answer-oversize");
    let refused = async |url: &str| code(http().text(url).await);
    assert_eq!(
        refused("http://rulesets.example/a.krl").await,
        "fetch-insecure"
    );
    assert_eq!(refused("file:///etc/passwd").await, "fetch-insecure");
    assert_eq!(refused("no address").await, "http-request-wrong");
}
