//! Two people become subscribers of each other, and everything that can be wrong with an invite.

use std::time::{Duration, Instant};

use crate::program::Node;

const INVITE: [&str; 10] = [
    "invite",
    "Anna",
    "--role-mine",
    "class",
    "--role-theirs",
    "ta",
    "--offered",
    "schedule:response",
    "--wanted",
    "schedule:inquiry",
];

#[test]
fn an_event_goes_to_the_partner_and_is_refused_after_the_end() {
    let (class, anna) = (Node::start(""), Node::start(""));
    let link = invite(&class, &[]);
    anna.done(&["pair", &link, "--name", "CS 462"]);
    for (node, partner) in [(&class, "Anna"), (&anna, "CS 462")] {
        let listed = node.data_of(&["subscriptions"]);
        assert_eq!(listed[0]["name"], partner);
        assert_eq!(listed[0]["state"], "established");
    }
    class.done(&["ruleset", "install", &fixture("asker.krl")]);
    class.done(&["event", "send", "ask:now", "what=when"]);
    wait_for(&anna, |entry| {
        entry["event"]["domain"] == "schedule" && entry["event"]["attributes"]["what"] == "when"
    });

    anna.done(&["unsubscribe", "CS 462", "--yes"]);
    class.done(&["event", "send", "ask:now", "what=again"]);
    wait_for(&class, |entry| {
        entry["event"]["domain"] == "subscription" && entry["event"]["type"] == "removed"
    });
    let heard = anna.journal();
    assert!(
        !heard
            .iter()
            .any(|entry| entry.to_string().contains("again")),
        "{heard:?}"
    );
}

#[test]
fn what_waits_for_a_partner_is_sent_when_she_is_back() {
    let (class, mut anna) = (Node::start(""), Node::start(""));
    anna.done(&["pair", &invite(&class, &[]), "--name", "CS 462"]);
    class.done(&["ruleset", "install", &fixture("asker.krl")]);
    anna.stop();
    class.done(&["event", "send", "ask:now", "what=later"]);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(class.data_of(&["subscriptions"])[0]["waiting"], 1);
    anna.up();
    wait_for(&anna, |entry| {
        entry["event"]["attributes"]["what"] == "later"
    });
}

#[test]
fn a_used_invite_is_refused() {
    let (class, anna, ben) = (Node::start(""), Node::start(""), Node::start(""));
    let link = invite(&class, &[]);
    anna.done(&["pair", &link]);
    ben.refused(&["pair", &link], "invite-used");
    class.done(&["status"]);
}

#[test]
fn an_expired_invite_is_refused() {
    let (class, anna) = (Node::start(""), Node::start(""));
    let link = invite(&class, &["--expires", "1s"]);
    std::thread::sleep(Duration::from_millis(1_500));
    anna.refused(&["pair", &link], "invite-expired");
}

#[test]
fn an_altered_invite_is_refused() {
    let (class, anna) = (Node::start(""), Node::start(""));
    let link = invite(&class, &[]);
    let middle = link.len() / 2;
    let other = if link.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    let altered = format!("{}{other}{}", &link[..middle], &link[middle + 1..]);
    anna.refused(&["pair", &altered], "invite-altered");
    anna.refused(&["pair", "nonsense"], "invite-malformed");
}

#[test]
fn a_withdrawn_or_own_invite_is_foreign() {
    let (class, anna) = (Node::start(""), Node::start(""));
    let invited = invited(&class, &[]);
    let link = invited["link"].as_str().unwrap().to_owned();
    class.refused(&["pair", &link], "invite-foreign");
    class.done(&["withdraw", invited["id"].as_str().unwrap()]);
    anna.refused(&["pair", &link], "invite-foreign");
}

fn invite(node: &Node, more: &[&str]) -> String {
    invited(node, more)["link"].as_str().unwrap().to_owned()
}

fn invited(node: &Node, more: &[&str]) -> serde_json::Value {
    let invited = node.data_of(&[&INVITE[..], more].concat());
    assert!(
        invited["sentence"]
            .as_str()
            .unwrap()
            .contains("schedule:response"),
        "{invited}"
    );
    invited
}

fn fixture(name: &str) -> String {
    format!("{}/../tests/krl/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Waits until the node's journal has such an entry.
fn wait_for(node: &Node, fits: impl Fn(&serde_json::Value) -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let journal = node.journal();
        if journal.iter().any(&fits) {
            return;
        }
        assert!(Instant::now() < end, "{journal:#?}\n{}", node.logged());
        std::thread::sleep(Duration::from_millis(50));
    }
}
