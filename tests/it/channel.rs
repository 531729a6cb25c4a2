//! `stratus channel`, and what comes in by a channel that is changed meanwhile.

use reqwest::{Client, Response};
use serde_json::{Value as Json, json};

use crate::program::Node;

/// A node with a channel whose ECI is enough for `door:opened`.
struct Door {
    node: Node,
    client: Client,
    eci: String,
}

impl Door {
    fn new() -> Self {
        let node = Node::start("");
        let made = node.data_of(&[
            "channel",
            "make",
            "door",
            "--legacy",
            "--event",
            "door:opened",
        ]);
        let client = Client::builder().no_proxy().build().unwrap();
        let eci = made["eci"].as_str().unwrap().to_owned();
        Self { node, client, eci }
    }

    async fn knock(&self) -> Response {
        let path = format!("{}/c/{}/event-wait/door/opened", self.node.url(), self.eci);
        self.client.get(path).send().await.unwrap()
    }

    /// The code with which an event is refused; empty if it is let in.
    async fn told(&self) -> String {
        let told: Json = self.knock().await.json().await.unwrap();
        told["code"].as_str().unwrap_or_default().to_owned()
    }

    fn channel(&self, verb: &str, more: &[&str]) {
        self.node
            .done(&[&["channel", verb, &self.eci], more].concat());
    }
}

#[tokio::test]
async fn a_channel_is_shut_opened_changed_and_deleted() {
    let door = Door::new();
    assert_eq!(door.told().await, "");
    door.channel("shut", &[]);
    assert_eq!(door.told().await, "channel-shut");
    door.channel("open", &[]);
    assert_eq!(door.told().await, "");
    door.channel("edit", &["--deny-event", "door:*"]);
    assert_eq!(door.told().await, "policy-refuses");
    let listed = door.node.data_of(&["channel", "list"]);
    let mine = |one: &&Json| one["eci"] == door.eci.as_str();
    let found = listed.as_array().unwrap().iter().find(mine).unwrap();
    assert_eq!(found["events"], json!(["door:opened"]));
    assert_eq!(found["events_denied"], json!(["door:*"]));
    door.channel("edit", &["--no-legacy"]);
    assert_eq!(door.told().await, "channel-not-legacy");
    door.channel("delete", &[]);
    assert_eq!(door.told().await, "channel-unknown");
}

#[tokio::test]
async fn more_than_the_rate_is_told_when_to_come_again() {
    let door = Door::new();
    door.channel("edit", &["--rate", "1/min", "--burst", "2"]);
    for _ in 0..2 {
        assert_eq!(door.knock().await.status(), 200);
    }
    let refused = door.knock().await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let told: Json = refused.json().await.unwrap();
    assert_eq!(told["code"], "rate-exceeded");
    door.channel("edit", &["--no-rate"]);
    assert_eq!(door.told().await, "");
}
