//! Several people on one node: how each comes in, and that none sees what is another's.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use reqwest::{Client, RequestBuilder, Response, header, redirect};
use serde_json::{Value as Json, json};

use crate::program::{Node, stratus};

const PASSWORD: &str = "a few words of mine";

/// A node on which ann and ben have accounts beside the operator's.
struct House {
    node: Node,
    client: Client,
}

impl House {
    fn start() -> Self {
        let node = Node::start("");
        for name in ["ann", "ben"] {
            node.done(&["account", "create", name]);
        }
        set_password(&node, "ann");
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self { node, client }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.node.url())
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(&format!("/api/v1{path}")))
    }

    fn post(&self, path: &str, body: &Json) -> RequestBuilder {
        let url = self.url(&format!("/api/v1{path}"));
        self.client.post(url).json(body)
    }

    /// A token of that account.
    fn token(&self, account: &str, scopes: &[&str]) -> String {
        let mut arguments = vec!["token", "create", "test", "--account", account];
        for scope in scopes {
            arguments.extend(["--scope", scope]);
        }
        let made = self.node.data_of(&arguments);
        made["token"].as_str().unwrap().to_owned()
    }

    /// Logs in and gives the session's cookie.
    async fn log_in(&self, wanted: &Json) -> String {
        let response = self.post("/sessions", wanted).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        cookie(&response)
    }
}

fn set_password(node: &Node, account: &str) {
    let mut child = Command::new(stratus())
        .args(["account", "password", account, "--data"])
        .arg(node.data())
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let line = format!("{PASSWORD}\n");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(response: &Response) -> String {
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
    for word in ["HttpOnly", "SameSite=Strict", "Max-Age=", "Path=/"] {
        assert!(set.contains(word), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

async fn answered(request: RequestBuilder) -> Json {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let answer: Json = response.json().await.unwrap();
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn refused(request: RequestBuilder, status: u16, code: &str) {
    let response = request.send().await.unwrap();
    let found = response.status().as_u16();
    let problem: Json = response.json().await.unwrap();
    let expected = (status, &json!(code));
    assert_eq!((found, &problem["code"]), expected, "{problem}");
}

#[tokio::test]
async fn whoever_has_an_account_owns_one_pen_and_sees_no_other() {
    let house = House::start();
    let (ann, ben) = (
        house.token("ann", &["read", "event", "manage"]),
        house.token("ben", &["read", "event", "manage"]),
    );
    let pen = |token: String| async {
        let session = answered(house.get("/session").bearer_auth(token)).await;
        session["pen"].as_str().unwrap().to_owned()
    };
    let (anns, bens) = (pen(ann.clone()).await, pen(ben.clone()).await);
    assert_ne!(anns, bens);
    let status = answered(house.get("/status").bearer_auth(&ann)).await;
    let own = json!([{"id": anns, "name": "ann", "parent": null}]);
    assert_eq!(status["pens"], own);
    for path in ["pen", "journal", "journal/last/why", "journal/stream"] {
        for other in [&*bens, "no-pen", "00000000000000000000000000000000"] {
            let path = format!("/pens/{other}/{path}");
            refused(house.get(&path).bearer_auth(&ann), 404, "pen-unknown").await;
        }
    }
    let event = json!({"domain": "door", "type": "opened"});
    let raised = house.post("/events", &event).bearer_auth(&ann);
    answered(raised).await;
    let to_ben = house.post(&format!("/pens/{bens}/events"), &event);
    refused(to_ben.bearer_auth(&ann), 404, "pen-unknown").await;
    let journal = format!("/pens/{anns}/journal");
    let entries = answered(house.get(&journal).bearer_auth(&ann)).await;
    assert_eq!(entries["entries"][0]["event"]["domain"], "door");
    let empty = answered(house.get("/journal").bearer_auth(&ben)).await;
    assert_eq!(empty["entries"], json!([]));
    assert_eq!(house.node.journal(), Vec::<Json>::new());
}

#[tokio::test]
async fn another_s_channel_is_no_way_in_for_an_owner() {
    let house = House::start();
    let (ann, ben) = (
        house.token("ann", &["event", "manage"]),
        house.token("ben", &["event"]),
    );
    let wish = json!({"tags": ["app"], "events": ["*:*"]});
    let made = answered(house.post("/channels", &wish).bearer_auth(&ann)).await;
    let event = json!({"eci": made["eci"], "domain": "door", "type": "opened"});
    answered(house.post("/events", &event).bearer_auth(&ann)).await;
    let by_ben = house.post("/events", &event).bearer_auth(&ben);
    refused(by_ben, 404, "channel-unknown").await;
}

#[tokio::test]
async fn a_password_makes_a_session_that_can_be_seen_and_ended() {
    let house = House::start();
    let by_password = json!({"account": "ann", "password": PASSWORD});
    let session = house.log_in(&by_password).await;
    let with = |request: RequestBuilder| request.header(header::COOKIE, &session);
    let who = answered(with(house.get("/session"))).await;
    assert_eq!(
        (&who["account"], &who["operator"]),
        (&json!("ann"), &json!(false))
    );
    let sessions = answered(with(house.get("/sessions"))).await;
    assert_eq!(sessions["items"][0]["current"], true);
    let other = house.log_in(&by_password).await;
    let log_out = house.client.delete(house.url("/api/v1/session"));
    let log_out = log_out.header(header::ORIGIN, house.node.url());
    assert_eq!(with(log_out).send().await.unwrap().status().as_u16(), 204);
    refused(with(house.get("/session")), 401, "token-wrong").await;
    let other = |request: RequestBuilder| request.header(header::COOKIE, &other);
    answered(other(house.get("/session"))).await;
    set_password(&house.node, "ann");
    refused(other(house.get("/session")), 401, "token-wrong").await;
}

#[tokio::test]
async fn who_is_not_there_is_answered_like_a_wrong_password() {
    let house = House::start();
    let mut answers = Vec::new();
    for (account, password) in [
        ("ann", "not the password"),
        ("nobody", PASSWORD),
        ("ben", PASSWORD),
        ("no name", PASSWORD),
    ] {
        let wanted = json!({"account": account, "password": password});
        let response = house.post("/sessions", &wanted).send().await.unwrap();
        let status = response.status().as_u16();
        answers.push((status, response.json::<Json>().await.unwrap()));
    }
    assert_eq!(answers[0].0, 401);
    assert_eq!(answers[0].1["code"], "login-wrong");
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let house = House::start();
    let wrong = json!({"account": "ann", "password": "not the password"});
    let mut last = 401;
    for _ in 0..stratus_api::LOGIN_RATE.burst + 2 {
        let response = house.post("/sessions", &wrong).send().await.unwrap();
        last = response.status().as_u16();
        if last == 429 {
            let wait: u64 = response.headers()[header::RETRY_AFTER]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            assert!((1..=10).contains(&wait), "{wait}");
            break;
        }
    }
    assert_eq!(last, 429);
    let right = json!({"account": "ann", "password": PASSWORD});
    refused(house.post("/sessions", &right), 429, "rate-exceeded").await;
}

#[tokio::test]
async fn a_link_logs_in_once_and_by_a_click() {
    let house = House::start();
    let link = house.node.data_of(&["account", "link", "ben"]);
    let url = link["url"].as_str().unwrap();
    let page = house.client.get(url).send().await.unwrap();
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
    let page = page.text().await.unwrap();
    assert!(page.contains(link["link"].as_str().unwrap()), "{page}");
    let click = || {
        let form = [("link", link["link"].as_str().unwrap())];
        house.client.post(house.url("/login")).form(&form)
    };
    refused(
        click().header(header::ORIGIN, "http://evil.example"),
        403,
        "origin-foreign",
    )
    .await;
    let entered = click().header(header::ORIGIN, house.node.url());
    let entered = entered.send().await.unwrap();
    assert_eq!(entered.status().as_u16(), 200);
    let session = cookie(&entered);
    let who = house.get("/session").header(header::COOKIE, session);
    assert_eq!(answered(who).await["account"], "ben");
    let again = click().header(header::ORIGIN, house.node.url());
    refused(again, 401, "login-wrong").await;
}

#[tokio::test]
async fn other_sites_pages_change_nothing() {
    let house = House::start();
    let by_password = json!({"account": "ann", "password": PASSWORD});
    let session = house.log_in(&by_password).await;
    let event = json!({"domain": "door", "type": "opened"});
    let raise = || {
        house
            .post("/events", &event)
            .header(header::COOKIE, &session)
    };
    refused(raise(), 403, "origin-foreign").await;
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let raise = raise().header(header::ORIGIN, origin);
        refused(raise, 403, "origin-foreign").await;
    }
    let cross = raise().header("Sec-Fetch-Site", "cross-site");
    refused(cross, 403, "origin-foreign").await;
    answered(raise().header(header::ORIGIN, house.node.url())).await;
    answered(raise().header("Sec-Fetch-Site", "same-origin")).await;
    let log_in = house.post("/sessions", &by_password);
    let log_in = log_in.header(header::ORIGIN, "http://evil.example");
    refused(log_in, 403, "origin-foreign").await;
}

#[tokio::test]
async fn a_token_permits_what_it_was_made_for_until_it_is_revoked() {
    let house = House::start();
    let event = json!({"domain": "door", "type": "opened"});
    let query = json!({"rid": "none", "name": "none"});
    let (read, raise) = (
        house.token("ann", &["read"]),
        house.token("ann", &["event"]),
    );
    answered(house.get("/pen").bearer_auth(&read)).await;
    answered(house.post("/events", &event).bearer_auth(&raise)).await;
    let asked = house.post("/queries", &query).bearer_auth(&read);
    refused(asked, 404, "ruleset-unknown").await;
    refused(
        house.post("/events", &event).bearer_auth(&read),
        403,
        "scope-missing",
    )
    .await;
    refused(house.get("/pen").bearer_auth(&raise), 403, "scope-missing").await;
    refused(
        house.post("/queries", &query).bearer_auth(&raise),
        403,
        "scope-missing",
    )
    .await;
    refused(
        house.post("/channels", &json!({})).bearer_auth(&read),
        403,
        "scope-missing",
    )
    .await;
    let manage = house.token("ann", &["manage"]);
    let wider = json!({"name": "more", "scopes": ["read"]});
    refused(
        house.post("/tokens", &wider).bearer_auth(&manage),
        403,
        "scope-missing",
    )
    .await;
    let others = json!({"name": "more", "scopes": ["manage"], "account": "ben"});
    refused(
        house.post("/tokens", &others).bearer_auth(&manage),
        403,
        "operator-only",
    )
    .await;
    let none = json!({"name": "more", "scopes": []});
    refused(
        house.post("/tokens", &none).bearer_auth(&manage),
        403,
        "scope-missing",
    )
    .await;
    // A token is no session, and a session no token.
    let as_cookie = format!("stratus_session={read}");
    refused(
        house.get("/pen").header(header::COOKIE, as_cookie),
        401,
        "token-wrong",
    )
    .await;
    let tokens = house.node.data_of(&["token", "list", "--account", "ann"]);
    let id = tokens[0]["id"].as_str().unwrap();
    house
        .node
        .done(&["token", "revoke", id, "--account", "ann"]);
    refused(house.get("/pen").bearer_auth(&read), 401, "token-wrong").await;
    let gone = ["token", "revoke", id, "--account", "ann"];
    house.node.refused(&gone, "credential-unknown");
}

#[tokio::test]
async fn only_the_operator_makes_accounts() {
    let house = House::start();
    let ann = house.token("ann", &["read", "event", "manage"]);
    let wish = json!({"name": "eve"});
    refused(
        house.post("/accounts", &wish).bearer_auth(&ann),
        403,
        "operator-only",
    )
    .await;
    refused(
        house.get("/accounts").bearer_auth(&ann),
        403,
        "operator-only",
    )
    .await;
    let link = house
        .post("/accounts/ben/links", &json!({}))
        .bearer_auth(&ann);
    refused(link, 403, "operator-only").await;
    let node = &house.node;
    node.refused(&["account", "create", "ann"], "account-taken");
    node.refused(&["account", "create", "operator"], "account-taken");
    node.refused(&["account", "link", "eve"], "account-unknown");
    node.refused(
        &["account", "remove", "operator", "--yes"],
        "account-operator",
    );
    let listed = node.data_of(&["account", "list"]);
    let names: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["ann", "ben", "operator"]);
    node.done(&["account", "remove", "ann", "--yes"]);
    refused(house.get("/pen").bearer_auth(&ann), 401, "token-wrong").await;
}

#[tokio::test]
async fn accounts_are_there_after_a_restart() {
    let mut house = House::start();
    let ann = house.token("ann", &["read"]);
    let before = answered(house.get("/session").bearer_auth(&ann)).await;
    let operators = house.node.data_of(&["status"])["pen"].clone();
    house.node.kill();
    house.node.up();
    assert_eq!(
        answered(house.get("/session").bearer_auth(&ann)).await,
        before
    );
    assert_eq!(house.node.data_of(&["status"])["pen"], operators);
    let session = house
        .log_in(&json!({"account": "ann", "password": PASSWORD}))
        .await;
    answered(house.get("/pen").header(header::COOKIE, session)).await;
    let stored = std::process::Command::new("grep")
        .args(["-rlF", "-e", PASSWORD, "-e", &ann])
        .arg(house.node.data())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&stored.stdout), "");
}
