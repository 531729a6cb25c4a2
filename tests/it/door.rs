//! Programs that know nothing but an ECI: clients of pico-engine, generators of the Evented API,
//! and senders of `CloudEvents`.

use std::fs;

use reqwest::{Client, RequestBuilder, Response, header, redirect};
use serde_json::{Value as Json, json};

use crate::program::Node;

const RULESET: &str = r#"
ruleset io.example.door {
  meta { shares told, add, page, hidden }
  global {
    told = function() { ent:told }
    add = function(a, b) { a.as("Number") + b.as("Number") }
    page = function() { "<b>hi</b>" }
    hidden = function() { 1 }
  }
  rule tell {
    select when door told
    pre { told = event:attrs.delete(["_headers"]) }
    send_directive("told", told)
    fired { ent:told := told }
  }
  rule greet {
    select when door agent
    send_directive("agent", {"agent": event:attr("_headers"){"user-agent"}})
  }
  rule login {
    select when door login
    every {
      send_directive("_cookie", {"cookie": "who=ann; Path=/"})
      send_directive("_redirect", {"url": "/c/home"})
    }
  }
  rule secret {
    select when door secret
    send_directive("secret", {})
  }
}
"#;

/// A node, a client, and a channel whose ECI is enough for some events and queries.
struct House {
    node: Node,
    client: Client,
    eci: String,
}

impl House {
    fn start(settings: &str) -> Self {
        let node = Node::start(settings);
        let file = node.data().join("door.krl");
        fs::write(&file, RULESET).unwrap();
        node.done(&["ruleset", "install", file.to_str().unwrap()]);
        let eci = channel(&node, &["--legacy"]);
        let client = Client::builder()
            .no_proxy()
            .user_agent("door/1")
            .redirect(redirect::Policy::none())
            // A node that was started again does not know the connections of before.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self { node, client, eci }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{}", self.node.url(), path.replace("ECI", &self.eci))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    fn post(&self, path: &str, kind: &str, body: impl Into<String>) -> RequestBuilder {
        self.client
            .post(self.url(path))
            .header(header::CONTENT_TYPE, kind)
            .body(body.into())
    }

    /// Raises `door:told` in some form and says what its rule was told.
    async fn told(&self, request: RequestBuilder) -> Json {
        let answer: Json = done(request).await.json().await.unwrap();
        let directive = &answer["directives"][0];
        let meta = json!({
            "rid": "io.example.door", "rule_name": "tell", "txnId": answer["eid"],
        });
        assert_eq!(directive["type"], "directive", "{answer}");
        assert_eq!(directive["name"], "told");
        assert_eq!(directive["meta"], meta);
        directive["options"].clone()
    }

    async fn asked(&self, request: RequestBuilder) -> Json {
        done(request).await.json().await.unwrap()
    }
}

fn channel(node: &Node, more: &[&str]) -> String {
    let arguments = [
        "channel",
        "make",
        "app",
        "--event",
        "door:told",
        "--event",
        "door:login",
        "--event",
        "door:agent",
        "--query",
        "io.example.door:told",
        "--query",
        "io.example.door:add",
        "--query",
        "io.example.door:page",
    ];
    let made = node.data_of(&[&arguments, more].concat());
    made["eci"].as_str().unwrap().to_owned()
}

async fn done(request: RequestBuilder) -> Response {
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    response
}

async fn refused(request: RequestBuilder, status: u16, code: &str) {
    let response = request.send().await.unwrap();
    let found = response.status().as_u16();
    let problem: Json = response.json().await.unwrap();
    assert_eq!(
        (found, &problem["code"]),
        (status, &json!(code)),
        "{problem}"
    );
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn events_come_in_every_form() {
    let house = House::start("");
    let wait = "/c/ECI/event-wait/door/told";
    let expected = json!({"a": "1", "m": {"x": "y z"}, "l": ["2", "3"]});
    let form = "a=1&m[x]=y+z&l=2&l=3";
    let told = house.told(house.get(&format!("{wait}?{form}"))).await;
    assert_eq!(told, expected);
    assert_eq!(house.told(house.post(wait, FORM, form)).await, expected);
    let body = json!({"a": 1, "m": {"x": [null, true, 2.5]}});
    for kind in [
        JSON,
        "application/octet-stream",
        "application/json; charset=utf-8",
    ] {
        assert_eq!(
            house.told(house.post(wait, kind, body.to_string())).await,
            body
        );
    }
    // What the body says goes before what the address says.
    let both = house.post(&format!("{wait}?a=0&b=0"), JSON, r#"{"a": 1}"#);
    assert_eq!(house.told(both).await, json!({"a": 1, "b": "0"}));
    let list = house.post(wait, JSON, r#"["x", "y"]"#);
    assert_eq!(house.told(list).await, json!({"0": "x", "1": "y"}));
    assert_eq!(
        house.told(house.get("/sky/event/ECI/none/door/told")).await,
        json!({})
    );
    let named = house
        .told(house.get("/sky/event/ECI/e7/door/told?a=1"))
        .await;
    assert_eq!(named, json!({"a": "1", "__eid": "e7"}));
    let id = house
        .asked(house.get("/c/ECI/event/door/told?last=1"))
        .await;
    assert_eq!(id.as_str().unwrap().len(), 32);
    let agent = house.asked(house.get("/c/ECI/event-wait/door/agent")).await;
    assert_eq!(
        agent["directives"][0]["options"],
        json!({"agent": "door/1"})
    );
    let newest = &house.node.journal()[9];
    assert_eq!(
        (&newest["source"]["kind"], &newest["channel"]),
        (&json!("bearer"), &json!(house.eci))
    );
}

#[tokio::test]
async fn queries_are_answered() {
    let mut house = House::start("");
    for path in ["/c/ECI/query", "/sky/cloud/ECI"] {
        let at = |rest: &str| format!("{path}/io.example.door/{rest}");
        assert_eq!(house.asked(house.get(&at("told"))).await, Json::Null);
        assert_eq!(house.asked(house.get(&at("add?a=1&b=2"))).await, json!(3));
        let form = house.post(&at("add"), FORM, "a=1&b=3");
        assert_eq!(house.asked(form).await, json!(4));
        let body = house.post(&at("add"), JSON, r#"{"a":2,"b":3}"#);
        assert_eq!(house.asked(body).await, json!(5));
        let page = done(house.get(&at("page.html"))).await;
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert!(page.headers().contains_key("content-security-policy"));
        assert_eq!(page.text().await.unwrap(), "<b>hi</b>");
        let text = done(house.get(&at("add.txt?a=1&b=2"))).await;
        assert_eq!(text.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(text.text().await.unwrap(), "3");
    }
    let both = "/c/ECI/event/door/told/query/io.example.door/told?a=9";
    assert_eq!(house.asked(house.get(both)).await, json!({"a": "9"}));
    // The channel is durable, and so is what it is for.
    house.node.stop();
    house.node.up();
    let told = house.get("/c/ECI/query/io.example.door/told");
    assert_eq!(house.asked(told).await, json!({"a": "9"}));
    let listed = house.node.data_of(&["channel", "list"]);
    let listed = listed.as_array().unwrap();
    let legacy = |eci: &str| listed.iter().find(|one| one["eci"] == eci).unwrap()["legacy"].clone();
    assert_eq!(legacy(&house.eci), "nearby");
}

#[tokio::test]
async fn what_may_not_be_is_refused() {
    let house = House::start("");
    let event = "/c/ECI/event/door/told";
    let query = "/c/ECI/query/io.example.door/told";
    refused(house.get("/c/ECI/event/door/secret"), 403, "policy-refuses").await;
    let hidden = "/c/ECI/query/io.example.door/hidden";
    refused(house.get(hidden), 403, "policy-refuses").await;
    let plain = channel(&house.node, &[]);
    let owner = house.node.data_of(&["status"])["owner_channel"].clone();
    for eci in [&plain, owner.as_str().unwrap()] {
        for path in [event, query, "/sky/event/ECI/1/door/told"] {
            refused(
                house.get(&path.replace("ECI", eci)),
                403,
                "channel-not-legacy",
            )
            .await;
        }
    }
    for eci in [
        "ckqj5h3xk002",
        "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
    ] {
        refused(
            house.get(&event.replace("ECI", eci)),
            404,
            "channel-unknown",
        )
        .await;
        refused(
            house.get(&query.replace("ECI", eci)),
            404,
            "channel-unknown",
        )
        .await;
    }
    let far = house.get(event).header("X-Forwarded-For", "127.0.0.1");
    refused(far, 403, "channel-only-nearby").await;
    let anywhere = channel(&house.node, &["--legacy-anywhere"]);
    let far = house.get(&event.replace("ECI", &anywhere));
    done(far.header("X-Forwarded-For", "192.0.2.1")).await;
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(100 << 10));
    refused(
        house.post(event, JSON, large.as_str()),
        413,
        "request-too-large",
    )
    .await;
    refused(house.post(event, FORM, large), 413, "request-too-large").await;
    refused(house.post(event, JSON, "{"), 400, "request-malformed").await;
    refused(house.post(event, JSON, "7"), 400, "request-malformed").await;
    refused(
        house.post(event, "text/xml", "<a/>"),
        415,
        "request-type-wrong",
    )
    .await;
    refused(
        house.client.delete(house.url(event)),
        405,
        "request-method-wrong",
    )
    .await;
    let absent = house.get("/c/ECI/query/io.example.door/told/more");
    refused(absent, 404, "address-unknown").await;
    // Only the one event from anywhere is in the journal.
    assert_eq!(house.node.journal().len(), 1);
}

#[tokio::test]
async fn refusals_can_be_told_like_pico_engine() {
    let house = House::start("legacy_errors_as_200 = true\n");
    let error = house.asked(house.get("/c/ECI/event/door/secret")).await;
    let text = error["error"].as_str().unwrap();
    assert!(
        text.starts_with("Error: ") && text.contains("door:secret"),
        "{text}"
    );
    assert_eq!(error["code"], "policy-refuses");
    let wrong = house.post("/c/ECI/event/door/told", JSON, "{");
    assert_eq!(house.asked(wrong).await["code"], "request-malformed");
    // It is about these paths alone.
    refused(house.get("/api/v1/status"), 401, "token-wrong").await;
}

#[tokio::test]
async fn directives_set_cookies_and_redirect() {
    let house = House::start("");
    let path = "/sky/event/ECI/none/door/login";
    let response = house.get(path).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 302);
    assert_eq!(response.headers()["set-cookie"], "who=ann; Path=/");
    assert_eq!(response.headers()["location"], "/c/home");
    // A web page of any origin may call.
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let method = reqwest::Method::OPTIONS;
    let before = house
        .client
        .request(method, house.url(path))
        .send()
        .await
        .unwrap();
    assert_eq!(before.status().as_u16(), 204);
    assert_eq!(
        before.headers()["access-control-allow-methods"],
        "GET, POST, OPTIONS"
    );
    assert_eq!(house.node.journal().len(), 1);
}

#[tokio::test]
async fn event_signals_say_themselves_what_they_are() {
    let house = House::start("");
    let form = "_domain=door&_type=told&_epl=http://e.example&a=1";
    let expected = json!({"_epl": "http://e.example", "a": "1"});
    assert_eq!(
        house.told(house.post("/sky/event/ECI", FORM, form)).await,
        expected
    );
    let address = house.get("/sky/event/ECI/e1?_domain=door&_name=told");
    assert_eq!(house.told(address).await, json!({"__eid": "e1"}));
    let body = r#"{"_domain": "door", "_type": "told", "_async": "true"}"#;
    let answer = house.asked(house.post("/sky/event/ECI", JSON, body)).await;
    assert_eq!(answer["directives"], json!([]));
    for lacking in [
        "_domain=door",
        "_type=told",
        "_domain=door&_type=told&_rids=a",
    ] {
        let post = house.post("/sky/event/ECI", FORM, lacking);
        refused(post, 400, "request-malformed").await;
    }
}

async fn accepted(request: RequestBuilder) -> Json {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let answer: Json = response.json().await.unwrap();
    assert_eq!(status, 202, "{answer}");
    answer
}

#[tokio::test]
async fn cloud_events_come_in_once() {
    let house = House::start("");
    let path = "/c/ECI/cloudevents";
    let event = json!({
        "specversion": "1.0", "id": "1", "source": "/meter", "type": "com.example.door.told",
        "data": {"a": 1},
    });
    let structured = |event: &Json| {
        house.post(
            path,
            "application/cloudevents+json; charset=utf-8",
            event.to_string(),
        )
    };
    let first = accepted(structured(&event)).await;
    let again = accepted(structured(&event)).await;
    assert_eq!(
        (&first["duplicate"], &again["duplicate"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(first["event"], again["event"]);
    let binary = |data: &str, kind: &str| {
        house
            .post(path, kind, data)
            .header("ce-specversion", "1.0")
            .header("ce-id", "2")
            .header("ce-source", "/m%C3%BCller")
            .header("ce-type", "anything")
            .header("ce-krldomain", "door")
            .header("ce-krltype", "told")
    };
    accepted(binary("[1]", JSON)).await;
    let token = fs::read_to_string(house.node.data().join("owner.token")).unwrap();
    let owner = house.post(
        "/api/v1/cloudevents",
        "application/cloudevents+json",
        event.to_string(),
    );
    accepted(owner.bearer_auth(token.trim())).await;
    let journal = house.node.journal();
    let attributes = |at: usize| journal[at]["event"]["attributes"].clone();
    assert_eq!((journal.len(), &attributes(0)["a"]), (3, &json!(1)));
    assert_eq!(attributes(0)["_cloudevent"]["source"], "/meter");
    assert_eq!(attributes(1)["data"], json!([1]));
    assert_eq!(attributes(1)["_cloudevent"]["source"], "/müller");
    assert_eq!(journal[2]["source"]["kind"], "owner");
    for (member, wrong) in [
        ("id", json!("")),
        ("specversion", json!("0.3")),
        ("type", json!("x")),
    ] {
        let mut event = event.clone();
        event[member] = wrong;
        refused(structured(&event), 400, "request-malformed").await;
    }
    let batch = house.post(path, "application/cloudevents+avro", "[]");
    refused(batch, 415, "request-type-wrong").await;
    refused(
        house.post("/api/v1/cloudevents", JSON, "{}"),
        401,
        "token-wrong",
    )
    .await;
}
