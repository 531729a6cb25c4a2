//! Bad input gets a clear error with a stable code, and the node stays up.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::program::Node;

const TWILIO: &str = "[twilio]\naccount_sid = \"AC1\"\nauth_token = \"secret\"\nfrom = \"+1555\"\n";

#[tokio::test]
async fn events_that_may_not_come_in() {
    let node = Node::start("");
    let unknown = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    node.refused(
        &["event", "send", "a:b", "--eci", unknown],
        "channel-unknown",
    );
    node.refused(
        &["event", "send", "a:b", "--eci", "nonsense"],
        "eci-malformed",
    );
    let channel = node.data_of(&["channel", "make", "narrow", "--event", "good:*"]);
    let eci = channel["eci"].as_str().unwrap();
    node.refused(
        &["event", "send", "bad:news", "--eci", eci],
        "policy-refuses",
    );
    node.done(&["event", "send", "good:news", "--eci", eci]);
}

#[tokio::test]
async fn requests_without_the_owner_s_token() {
    let node = Node::start("");
    let http = Client::new();
    let url = format!("{}/api/v1/status", node.url());
    let (status, problem) = problem(http.get(&url).send().await.unwrap()).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::UNAUTHORIZED, &json!("token-wrong"))
    );
    let (status, problem) =
        self::problem(http.get(&url).bearer_auth("x").send().await.unwrap()).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::UNAUTHORIZED, &json!("token-wrong"))
    );
    node.done(&["status"]);
}

#[tokio::test]
async fn webhooks_with_a_wrong_signature() {
    let node = Node::start(TWILIO);
    let channel = node.data_of(&["channel", "make", "phone", "--event", "twilio:sms"]);
    let url = format!(
        "{}/hook/twilio/{}",
        node.url(),
        channel["eci"].as_str().unwrap()
    );
    let form = [
        ("From", "+1"),
        ("To", "+2"),
        ("Body", "hello"),
        ("MessageSid", "SM1"),
    ];
    let http = Client::new();
    let unsigned = http.post(&url).form(&form).send().await.unwrap();
    assert_eq!(problem(unsigned).await.1["code"], "webhook-signature-wrong");
    let forged = http
        .post(&url)
        .header("X-Twilio-Signature", "AAAA")
        .form(&form);
    let (status, forged) = problem(forged.send().await.unwrap()).await;
    assert_eq!(
        (status, &forged["code"]),
        (StatusCode::FORBIDDEN, &json!("webhook-signature-wrong"))
    );
    assert!(
        forged["hint"].as_str().unwrap().contains("auth_token"),
        "{forged}"
    );
    let journal = format!("{:?}", node.journal());
    assert!(!journal.contains("hello"), "{journal}");
}

#[tokio::test]
async fn rulesets_that_do_not_compile() {
    let node = Node::start("");
    let file = node.data().join("wrong.krl");
    std::fs::write(
        &file,
        "ruleset a { rule r { select when x y pre { n = m } } }",
    )
    .unwrap();
    let output = node.run(&["ruleset", "install", file.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("[krl-undefined]") || told.contains("krl-"),
        "{told}"
    );
    node.done(&["status"]);
}

/// A stranger speaks libp2p, but not our protocol: its stream is closed and the node stays up.
#[tokio::test]
async fn frames_that_are_not_ours() {
    use stratus_network::{Config, Network, Notice};
    let node = Node::start("");
    let status = node.data_of(&["status"]);
    let id = status["node"].as_str().unwrap().parse().unwrap();
    let config = Config::new([9; 32], vec!["/ip4/127.0.0.1/tcp/0".to_owned()]);
    let (stranger, mut notices) = Network::start(config).unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{}", node.port());
    for garbage in [
        &b"\xff"[..],
        b"",
        b"\x9f\xff",
        b"\x81\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
        &[0x80; 4096],
    ] {
        stranger.dial(id, vec![address.clone()]);
        wait(&mut notices, |notice| {
            matches!(notice, Notice::Connected(_))
        })
        .await;
        for _ in 0..64 {
            stranger.send(id, garbage.to_vec());
        }
        wait(&mut notices, |notice| {
            matches!(notice, Notice::Disconnected(_))
        })
        .await;
    }
    node.done(&["status"]);
    assert!(node.logged().contains("frame-"), "{}", node.logged());
}

async fn wait(
    notices: &mut stratus_network::Notices,
    fits: impl Fn(&stratus_network::Notice) -> bool,
) {
    let wait = std::time::Duration::from_secs(20);
    tokio::time::timeout(wait, async {
        while !fits(&notices.recv().await.unwrap()) {}
    })
    .await
    .unwrap();
}

async fn problem(response: reqwest::Response) -> (StatusCode, Value) {
    let status = response.status();
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    (status, response.json().await.unwrap())
}
