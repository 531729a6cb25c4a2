//! Requests over a real socket against an engine that is played.

use std::{
    collections::BTreeMap,
    io::Write,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use serde_json::{Value as Json, json};
use stratus_engine::{
    Accepted, AccountCommand, Command, Door, Identity, NodeId, Outcome, PenListing, Reply, Scopes,
    Shown, Source, Wait,
    journal::{Entry, Page, Reader, Verdict, Wanted},
};
use stratus_event::{Eci, Event, EventId, Fault, Map, Name, PenId, Timestamp, Value, Whose};
use stratus_krl::Krl;
use stratus_pen::language::Directive;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

use crate::{
    Archive, Desk, Dropped, Keeper, Kept, Order, OwnerToken, Site, WebhookVerifier, serve,
};

mod description;

const TOKEN: &str = "a-token-of-at-least-22-characters";
const ECI: Eci = Eci([7; 32]);

/// A served site: where it is, and how to tell it of news.
struct Served {
    address: SocketAddr,
    moved: watch::Sender<u64>,
}

impl Served {
    async fn start() -> Self {
        Self::start_with(Some(Arc::new(|url, _, signature| {
            signature == format!("signed {url}")
        })))
        .await
    }

    async fn start_with(twilio: Option<Arc<WebhookVerifier>>) -> Self {
        let (desk, orders) = Desk::new(8);
        let (moved, journal_moved) = watch::channel(0);
        let site = site(desk, journal_moved, twilio);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(play(orders));
        tokio::spawn(serve(listener, site, std::future::pending()));
        Self { address, moved }
    }

    /// Sends a request as it stands and gives status and body.
    async fn exchange(&self, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{head}\r\nHost: node.example\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // The server may answer and hang up before it has read a body that is too large.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    /// The whole answer, head and body.
    async fn told(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{head}\r\nHost: node.example\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn owner(&self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json"
        );
        let (status, body) = self.exchange(&head, &body.to_string()).await;
        (status, serde_json::from_str(&body).unwrap_or(Json::Null))
    }

    async fn check(&self, method: &str, path: &str, body: Json, status: u16, code: &str) {
        let (found, problem) = self.owner(method, path, &body).await;
        assert_eq!(
            (found, problem["code"].as_str()),
            (status, Some(code)),
            "{path} {body}"
        );
    }

    async fn wait_for_news(&self, wait_ms: u64) -> u16 {
        let path = format!("/journal?after=2&wait_ms={wait_ms}");
        self.owner("GET", &path, &Json::Null).await.0
    }

    async fn webhook(&self, signature: &str, form: &str) -> (u16, String) {
        let head = format!(
            "POST /hook/twilio/{ECI}?x=1 HTTP/1.1\r\nX-Twilio-Signature: {signature}\r\n\
             Content-Type: application/x-www-form-urlencoded"
        );
        self.exchange(&head, form).await
    }
}

/// One who keeps two megabytes, and drops all that is asked.
struct Clerk;

impl Keeper for Clerk {
    fn backup(&self, out: &mut dyn Write) -> Result<(), Fault> {
        (0..200).for_each(|_| out.write_all(&[b'x'; 10_000]).unwrap());
        out.flush().unwrap();
        Ok(())
    }

    fn trim(&self, _: PenId, kept: Kept) -> Result<Dropped, Fault> {
        assert_eq!(kept.since, Some(Timestamp(1_795_392_000_000)));
        Ok(Dropped {
            entries: 2,
            bytes: kept.bytes_max.unwrap(),
        })
    }
}

fn site(
    desk: Desk,
    journal_moved: watch::Receiver<u64>,
    twilio: Option<Arc<WebhookVerifier>>,
) -> Site {
    Site {
        desk,
        library: Arc::new(Shelf),
        journal: Archive::new(Arc::new(Past), Arc::new(Krl)),
        keeper: Arc::new(Clerk),
        journal_moved,
        pen: PenId([1; 16]),
        owner_channel: ECI,
        token: OwnerToken::new(TOKEN).unwrap(),
        url: "http://node.example".to_owned(),
        public_url: None,
        twilio,
        legacy_errors_as_200: false,
        guard: crate::Guard::default(),
    }
}

/// Answers each command as an engine could.
async fn play(mut orders: mpsc::Receiver<Order>) {
    while let Some(Order { command, reply }) = orders.recv().await {
        let _ = reply.send(answer(command));
    }
}

fn answer(command: Command) -> Result<Reply, Fault> {
    match command {
        Command::Status => Ok(Reply::Status {
            node: NodeId([3; 32]),
            addresses: vec!["/ip4/127.0.0.1/tcp/4810".to_owned()],
            pens: vec![PenListing {
                id: PenId([1; 16]),
                name: "Ann".to_owned(),
                parent: None,
            }],
            connected: vec![],
        }),
        Command::Query { arguments, .. } | Command::QueryBy { arguments, .. } => {
            Ok(Reply::Value(Value::map(arguments)))
        }
        Command::Account(AccountCommand::Holds { channel, .. }) if channel != ECI => Err(
            Fault::new(Whose::Caller, "channel-unknown", "no such channel"),
        ),
        Command::Account(AccountCommand::Identify {
            shown: Shown::Credential(..),
            ..
        }) => Err(Fault::new(Whose::Caller, "token-wrong", "no such token")),
        Command::Account(AccountCommand::Identify { pen: Some(pen), .. })
            if pen != PenId([1; 16]) =>
        {
            Err(Fault::new(Whose::Caller, "pen-unknown", "no such PEN"))
        }
        Command::Account(AccountCommand::Identify { .. }) => Ok(identity()),
        Command::Raise { channel, .. } if channel != ECI => Err(Fault::new(
            Whose::Caller,
            "channel-unknown",
            "no such channel",
        )),
        Command::Raise {
            door: Door::Bearer { from },
            domain,
            kind,
            attributes,
            ..
        } => heard(from, &format!("{domain}:{kind}"), attributes),
        Command::Raise {
            door: Door::Service(_),
            attributes,
            external_id,
            wait,
            ..
        } => {
            assert_eq!(attributes.text("Body"), Some("Where are you? ☂"));
            assert_eq!(
                (external_id.as_deref(), wait),
                (Some("SM1"), Wait::Accepted)
            );
            Ok(raised())
        }
        Command::Raise {
            door: Door::Owner, ..
        } => Ok(raised()),
        // An engine that is wrong about what was asked.
        _ => Ok(Reply::Done),
    }
}

/// Answers a bearer's event with what it said.
fn heard(from: Option<IpAddr>, symbol: &str, mut attributes: Map) -> Result<Reply, Fault> {
    if from.is_none() {
        let fault = Fault::new(
            Whose::Caller,
            "channel-only-nearby",
            "from nobody knows where",
        );
        return Err(fault);
    }
    attributes.remove("_headers");
    let directive = Directive {
        name: symbol.to_owned(),
        options: attributes,
        by: Some((Name::new("r").unwrap(), Name::new("tell").unwrap())),
    };
    Ok(Reply::Raised {
        event: EventId([9; 16]),
        position: 4,
        directives: vec![directive],
        duplicate: false,
    })
}

fn identity() -> Reply {
    let pen = PenId([1; 16]);
    Reply::Identity(Box::new(Identity {
        account: Name::new("operator").unwrap(),
        root: pen,
        pen,
        channel: ECI,
        scopes: Scopes::ALL,
        credential: None,
    }))
}

fn raised() -> Reply {
    Reply::Raised {
        event: EventId([9; 16]),
        position: 4,
        directives: vec![],
        duplicate: false,
    }
}

/// A journal of three entries, of which the last has no outcome. Their events' ids differ in the
/// last byte.
struct Past;

/// A library with one text.
struct Shelf;

impl crate::Library for Shelf {
    fn fetch<'a>(&'a self, url: &'a str) -> crate::Fetched<'a> {
        let text = match url {
            "https://rulesets.example/a.krl" => Ok("ruleset a { }".to_owned()),
            _ => Err(Fault::new(
                Whose::World,
                "fetch-refused",
                "the answer is 404",
            )),
        };
        Box::pin(async { text })
    }
}

impl Reader for Past {
    fn read(&self, _: PenId, wanted: &Wanted) -> Result<Page, Fault> {
        let mut entries: Vec<_> = (0..=2)
            .map(|position| Entry {
                position,
                accepted: accepted(position),
                outcome: (position < 2).then(Outcome::default),
            })
            .filter(|entry| {
                wanted
                    .filter
                    .matches(&entry.accepted, entry.outcome.as_ref())
            })
            .collect();
        if wanted.newest_first {
            entries.reverse();
            entries.retain(|entry| wanted.from.is_none_or(|from| entry.position < from));
        } else {
            entries.retain(|entry| Some(entry.position) > wanted.from);
        }
        let complete = entries.len() <= wanted.limit;
        entries.truncate(wanted.limit);
        Ok(Page {
            next: entries.last().map(|entry| entry.position),
            entries,
            complete,
        })
    }

    fn events(
        &self,
        _: PenId,
        (first, last): (EventId, EventId),
        limit: usize,
    ) -> Result<Vec<(EventId, u64)>, Fault> {
        let all = (0..=2).map(|position| (accepted(position).event.id, position));
        let found = all.filter(|(id, _)| (first..=last).contains(id));
        Ok(found.take(limit).collect())
    }

    fn verdicts(&self, _: PenId, _: u64) -> Result<Vec<Verdict>, Fault> {
        Ok(Vec::new())
    }

    fn installed(
        &self,
        _: PenId,
        position: u64,
    ) -> Result<BTreeMap<Name, Option<[u8; 32]>>, Fault> {
        let hash = [u8::from(position == u64::MAX); 32];
        Ok([(Name::new("broken").unwrap(), Some(hash))].into())
    }

    fn program(&self, _: [u8; 32]) -> Result<Option<String>, Fault> {
        Ok(Some("ruleset broken {".to_owned()))
    }
}

fn accepted(position: u64) -> Accepted {
    let mut id = [9; 16];
    id[15] = u8::try_from(position).unwrap();
    let event = Event {
        id: EventId(id),
        domain: Name::new("student").unwrap(),
        kind: Name::new("asked").unwrap(),
        attributes: Map::from([("n", 1)]),
        time: Timestamp(0),
        cause: None,
    };
    Accepted {
        event,
        channel: None,
        source: Source::Owner,
        for_ruleset: None,
        at: Timestamp(0),
        seed: [0; 32],
    }
}

#[tokio::test]
async fn strangers_see_health_and_nothing_else() {
    let site = Served::start().await;
    let health = site.exchange("GET /health HTTP/1.1", "").await;
    assert_eq!(health, (200, r#"{"state":"running"}"#.to_owned()));
    for authorization in [
        "",
        "Authorization: Bearer wrong\r\n",
        "Authorization: Basic x\r\n",
    ] {
        let head = format!("GET /api/v1/status HTTP/1.1\r\n{authorization}X: y");
        let (status, body) = site.exchange(&head, "").await;
        assert_eq!(status, 401);
        assert!(body.contains("token-wrong"), "{body}");
    }
}

#[tokio::test]
async fn the_owner_asks_and_is_answered() {
    let site = Served::start().await;
    let (status, body) = site.owner("GET", "/status", &Json::Null).await;
    assert_eq!((status, &body["pens"][0]["name"]), (200, &json!("Ann")));
    let wanted = json!({"rid": "r", "name": "q", "arguments": {"b": [1, 2.5], "a": null}});
    let (status, body) = site.owner("POST", "/queries", &wanted).await;
    assert_eq!(
        (status, body.to_string()),
        (200, r#"{"b":[1,2.5],"a":null}"#.to_owned())
    );
    let (status, body) = site
        .owner("POST", "/events", &json!({"domain": "a", "type": "b"}))
        .await;
    assert_eq!((status, &body["position"]), (200, &json!(4)));
}

#[tokio::test]
async fn a_pen_is_its_owner_s_alone() {
    let site = Served::start().await;
    let journal = |pen: &str| format!("/pens/{pen}/journal");
    let mine = site
        .owner("GET", &journal(&"01".repeat(16)), &Json::Null)
        .await;
    assert_eq!((mine.0, &mine.1["next"]), (200, &json!(2)));
    for other in [&"02".repeat(16), "nobody", "01"] {
        site.check("GET", &journal(other), Json::Null, 404, "pen-unknown")
            .await;
    }
}

#[tokio::test]
async fn bad_requests_have_codes() {
    let site = Served::start().await;
    let event = |eci: &str, attributes: Json| {
        let domain = "a";
        json!({"eci": eci, "domain": domain, "type": "b", "attributes": attributes})
    };
    let stranger = Eci([8; 32]).to_string();
    site.check(
        "POST",
        "/events",
        event(&stranger, json!({})),
        404,
        "channel-unknown",
    )
    .await;
    site.check(
        "POST",
        "/events",
        event("nobody", json!({})),
        400,
        "eci-malformed",
    )
    .await;
    let inexact = event(&ECI.to_string(), json!({"n": u64::MAX}));
    site.check("POST", "/events", inexact, 400, "json-number-inexact")
        .await;
    let unknown = json!({"domain": "a", "type": "b", "colour": 1});
    site.check("POST", "/events", unknown, 400, "request-malformed")
        .await;
    site.check("POST", "/queries", json!([]), 400, "request-malformed")
        .await;
    let channel = json!({"events": ["schedule"]});
    site.check("POST", "/channels", channel, 400, "name-malformed")
        .await;
    site.check("DELETE", "/invites/7", json!({}), 400, "id-malformed")
        .await;
    site.check(
        "GET",
        "/journal?behind=1",
        json!({}),
        400,
        "request-malformed",
    )
    .await;
    site.check("GET", "/nowhere", json!({}), 404, "address-unknown")
        .await;
    site.check("PUT", "/events", json!({}), 405, "request-method-wrong")
        .await;
    let large = json!({"source": "x".repeat(crate::BODY_BYTES_MAX)});
    site.check("POST", "/rulesets", large, 413, "request-too-large")
        .await;
}

#[tokio::test]
async fn a_reply_that_does_not_fit_is_a_bug() {
    let site = Served::start().await;
    site.check("GET", "/pen", json!({}), 500, "answer-unexpected")
        .await;
    let (status, _) = site.owner("DELETE", "/rulesets/r", &Json::Null).await;
    assert_eq!(status, 204);
}

#[tokio::test]
async fn a_deep_body_is_refused() {
    let site = Served::start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json"
    );
    let body = format!(r#"{{"domain":"a","type":"b","attributes":{{"x":{deep}}}}}"#);
    let (status, answer) = site.exchange(&head, &body).await;
    assert_eq!(status, 400);
    assert!(answer.contains("request-malformed"), "{answer}");
}

#[tokio::test]
async fn the_journal_is_read_in_pages_and_waited_for() {
    let site = Served::start().await;
    let positions = |body: &Json| {
        let entries = body["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["position"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    let (_, body) = site.owner("GET", "/journal?limit=2", &Json::Null).await;
    assert_eq!((positions(&body), &body["next"]), (vec![0, 1], &json!(1)));
    let (_, body) = site.owner("GET", "/journal?after=1", &Json::Null).await;
    assert_eq!((positions(&body), &body["next"]), (vec![2], &json!(2)));
    assert_eq!(body["entries"][0]["outcome"], Json::Null);
    let (_, body) = site
        .owner("GET", "/journal?after=1&settled=true", &Json::Null)
        .await;
    assert_eq!((positions(&body), &body["next"]), (vec![], &json!(1)));
    let waiting = site.owner("GET", "/journal?after=2&wait_ms=50", &Json::Null);
    let (answer, ()) = tokio::join!(waiting, async {
        site.moved.send_replace(1);
    });
    assert_eq!(positions(&answer.1), Vec::<u64>::new());
}

#[tokio::test]
async fn a_webhook_is_taken_if_it_is_signed() {
    let site = Served::start().await;
    let form = "MessageSid=SM1&From=%2B1555&Body=Where+are+you%3F+%E2%98%82";
    let signature = format!("signed http://node.example/hook/twilio/{ECI}?x=1");
    let (status, body) = site.webhook(&signature, form).await;
    assert_eq!(status, 200);
    assert!(body.ends_with("<Response/>"), "{body}");
    let (status, body) = site.webhook("forged", form).await;
    assert_eq!(status, 403);
    assert!(body.contains("webhook-signature-wrong"), "{body}");
    let (status, body) = site.webhook(&signature, "From=%2B1555").await;
    assert_eq!(status, 400);
    assert!(body.contains("request-malformed"), "{body}");
}

#[tokio::test]
async fn without_an_account_there_is_no_webhook() {
    let site = Served::start_with(None).await;
    let (status, body) = site.webhook("forged", "MessageSid=SM1").await;
    assert_eq!(status, 404);
    assert!(body.contains("webhook-unknown"), "{body}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let site = Served::start().await;
    let head = format!(
        "GET /health HTTP/1.1\r\nX: {}",
        "x".repeat(crate::HEAD_BYTES_MAX)
    );
    assert_eq!(site.exchange(&head, "").await.0, 431);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_is_not_waited_for() {
    let site = Served::start().await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nX: ")
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"));
}

#[tokio::test]
async fn those_who_wait_for_news_are_bounded() {
    let site = Arc::new(Served::start().await);
    // Some may find the last place taken by the one who only looks; they come again.
    let wait = |site: Arc<Served>| async move { while site.wait_for_news(25_000).await == 429 {} };
    let waiting: Vec<_> = (0..crate::LONG_POLLS_MAX)
        .map(|_| tokio::spawn(wait(Arc::clone(&site))))
        .collect();
    while site.wait_for_news(1).await != 429 {}
    site.check("GET", "/nowhere", json!({}), 404, "address-unknown")
        .await;
    let path = "/journal?after=2&wait_ms=1";
    site.check("GET", path, json!({}), 429, "requests-too-many")
        .await;
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn it_is_told_why_or_said_what_is_wrong_with_the_question() {
    let site = Served::start().await;
    let first = accepted(0).event.id.to_string();
    let (status, why) = site
        .owner("GET", &format!("/journal/{first}/why"), &Json::Null)
        .await;
    assert_eq!((status, &why["position"]), (200, &json!(0)));
    let other = &why["tree"]["others"][0];
    assert_eq!(other["verdict"], "does_not_compile");
    assert_eq!(why["changed"], json!(["broken"]));
    let (_, why) = site.owner("GET", "/journal/last/why", &Json::Null).await;
    assert_eq!(
        (&why["position"], &why["waiting"]),
        (&json!(2), &json!(true))
    );
    let check = async |event: &str, status, code: &str| {
        let path = format!("/journal/{event}/why");
        site.check("GET", &path, Json::Null, status, code).await;
    };
    check("0909", 400, "event-ambiguous").await;
    check("0808", 404, "event-unknown").await;
    check("xyz", 400, "event-id-malformed").await;
    check("090", 400, "event-id-malformed").await;
    check(&format!("{first}0"), 400, "event-id-malformed").await;
    let check = async |rule: &str, code: &str| {
        let path = format!("/journal/{first}/why?rule={rule}");
        site.check("GET", &path, Json::Null, 404, code).await;
    };
    check("r", "rule-unknown").await;
    check("other/r", "ruleset-unknown").await;
    let path = format!("/journal/{first}/why?rule=broken/r");
    let (_, why) = site.owner("GET", &path, &Json::Null).await;
    assert_eq!(why["rules"][0]["verdict"], "does_not_compile");
}

#[tokio::test]
async fn the_journal_is_filtered_and_read_from_its_end() {
    let site = Served::start().await;
    let positions = async |query: &str| {
        let (_, body) = site
            .owner("GET", &format!("/journal?{query}"), &Json::Null)
            .await;
        let entries = body["entries"].as_array().cloned().unwrap_or_default();
        let positions: Vec<_> = entries
            .iter()
            .map(|entry| entry["position"].clone())
            .collect();
        (json!(positions), body["complete"].clone())
    };
    let all = json!([0, 1, 2]);
    assert_eq!(
        positions("domain=student&type=asked").await,
        (all, json!(true))
    );
    assert_eq!(positions("domain=other").await, (json!([]), json!(true)));
    assert_eq!(
        positions("since=1970-01-02").await,
        (json!([]), json!(true))
    );
    assert_eq!(
        positions("newest_first=true&limit=2").await,
        (json!([2, 1]), json!(false))
    );
    assert_eq!(positions("before=1").await, (json!([0]), json!(true)));
    for (query, code) in [
        ("since=soon", "time-malformed"),
        ("type=asked", "request-malformed"),
        ("channel=x", "eci-malformed"),
        ("cause=x", "id-malformed"),
        ("domain=", "name-malformed"),
    ] {
        site.check("GET", &format!("/journal?{query}"), Json::Null, 400, code)
            .await;
    }
}

/// Reads what a stream sends until it has seen so many of something, and hangs up.
async fn listen(site: &Served, head: &str, wanted: &str, count: usize) -> String {
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let request = format!(
        "GET /api/v1/journal/stream{head}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Host: node.example\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut told = String::new();
    while told.matches(wanted).count() < count {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "{told}");
        told.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    told
}

#[tokio::test]
async fn the_journal_is_streamed_and_goes_on_where_it_was_cut_off() {
    let site = Served::start().await;
    let told = listen(&site, " HTTP/1.1", "event: entry", 2).await;
    assert!(told.contains("content-type: text/event-stream"), "{told}");
    assert!(
        told.contains("id: 0\n") && told.contains("id: 1\n"),
        "{told}"
    );
    let told = listen(&site, " HTTP/1.1\r\nLast-Event-ID: 0", "event: entry", 1).await;
    assert!(
        told.contains("id: 1\n") && !told.contains("id: 0\n"),
        "{told}"
    );
    let path = "/journal/stream?newest_first=true";
    site.check("GET", path, Json::Null, 400, "request-malformed")
        .await;
}

/// What an event came to whose rule answers with all that it was told.
async fn check_told(head: &str, body: &str, symbol: &str, expected: Json) {
    let site = Served::start().await;
    let head = head.replace("ECI", &ECI.to_string());
    let (status, answer) = site.exchange(&head, body).await;
    let directive = json!({
        "type": "directive", "name": symbol, "options": expected,
        "meta": {"rid": "r", "rule_name": "tell", "txnId": "09".repeat(16)},
    });
    let expected = json!({"eid": "09".repeat(16), "directives": [directive]});
    assert_eq!((status, answer), (200, expected.to_string()), "{head}");
}

#[tokio::test]
async fn whoever_knows_the_eci_raises_events() {
    let form = "HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded";
    let wait = "/c/ECI/event-wait/a/b";
    let get = format!("GET {wait}?x=1&y%5Bz%5D=%E2%98%82 HTTP/1.1");
    check_told(&get, "", "a:b", json!({"x": "1", "y": {"z": "☂"}})).await;
    let post = format!("POST {wait}?x=0&w=0 {form}");
    check_told(&post, "x=1&x=2", "a:b", json!({"x": ["1", "2"], "w": "0"})).await;
    let post = format!("POST {wait} HTTP/1.1\r\nContent-Type: application/json");
    check_told(&post, r#"{"x": [1]}"#, "a:b", json!({"x": [1]})).await;
    let sky = "GET /sky/event/ECI/7/a/b HTTP/1.1";
    check_told(sky, "", "a:b", json!({"__eid": "7"})).await;
    let signal = format!("POST /sky/event/ECI {form}");
    let body = "_domain=c&_type=d&_epi=e";
    check_told(&signal, body, "c:d", json!({"_epi": "e"})).await;
}

#[tokio::test]
async fn a_proxy_hides_where_a_request_comes_from() {
    let site = Served::start().await;
    for header in [
        "Forwarded: for=10.0.0.1",
        "X-Forwarded-For: ::1",
        "Via: 1.1 x",
        "X-Real-IP: ::1",
    ] {
        let head = format!("GET /c/{ECI}/event/a/b HTTP/1.1\r\n{header}");
        let (status, problem) = site.exchange(&head, "").await;
        assert_eq!(status, 403, "{header}");
        assert!(problem.contains("channel-only-nearby"), "{problem}");
    }
}

#[tokio::test]
async fn whoever_knows_the_eci_asks_queries() {
    let site = Served::start().await;
    for path in [
        "/c/ECI/query/r/q",
        "/sky/cloud/ECI/r/q",
        "/c/ECI/event/a/b/query/r/q",
    ] {
        let path = path.replace("ECI", &ECI.to_string());
        let head = format!("GET {path}?x=1 HTTP/1.1");
        let answer = site.exchange(&head, "").await;
        assert_eq!(answer, (200, r#"{"x":"1"}"#.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_backup_comes_as_a_whole() {
    let served = Served::start().await;
    let head = format!("GET /api/v1/backup HTTP/1.0\r\nAuthorization: Bearer {TOKEN}");
    let (status, body) = served.exchange(&head, "").await;
    assert_eq!((status, body), (200, "x".repeat(2_000_000)));
}

#[tokio::test]
async fn a_journal_is_trimmed_if_it_is_said_how_far() {
    let served = Served::start().await;
    let wanted = json!({ "since": "2026-11-23T00:00Z", "bytes_max": 70 });
    let (status, dropped) = served.owner("POST", "/journal/trim", &wanted).await;
    assert_eq!(
        (status, dropped),
        (200, json!({ "entries": 2, "bytes": 70 }))
    );
    for wanted in [json!({}), json!({ "days": 1 })] {
        served
            .check("POST", "/journal/trim", wanted, 400, "request-malformed")
            .await;
    }
    let wanted = json!({ "since": "soon" });
    served
        .check("POST", "/journal/trim", wanted, 400, "time-malformed")
        .await;
}
