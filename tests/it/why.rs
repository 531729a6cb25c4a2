//! It is told why an event did what it did, or why a rule did nothing about it.

use std::fs;

use serde_json::{Value as Json, json};
use stratus_engine::{Batch, Key, Position, Record};
use stratus_store::Store;

use crate::program::Node;

const RULESET: &str = r#"
ruleset shop {
  meta { shares sold }
  global { sold = function() { ent:sold } }
  rule sell {
    select when shop order count re#(\d+)# setting(count)
    if count.as("Number") < 10 then send_directive("sold", {"count": count})
    fired {
      ent:sold := ent:sold.defaultsTo(0) + count.as("Number")
      raise shop event "sold" attributes {"count": count}
    }
  }
  rule tell { select when shop sold noop() fired { log info "told" } }
  rule fail { select when shop sold send_directive("told", "no map") }
  rule parcel {
    select when shop order where event:attr("count") == "3"
      before post sent parcel re#^(p\d+)$# setting(parcel)
    send_directive("parcel", {"parcel": parcel})
  }
  rule asleep is inactive { select when shop order noop() }
}
"#;

fn shop() -> Node {
    let node = Node::start("");
    install(&node, RULESET);
    node
}

fn install(node: &Node, source: &str) {
    let file = node.data().join("ruleset.krl");
    fs::write(&file, source).unwrap();
    node.done(&["ruleset", "install", file.to_str().unwrap()]);
}

/// What is said of a rule: the verdict in a word, and the text.
fn rule(node: &Node, event: &str, rule: &str) -> (String, String) {
    let why = node.data_of(&["why", event, rule]);
    let told = &why["rules"][0];
    let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
    (text("verdict"), text("text"))
}

fn check(node: &Node, event: &str, asked: &str, verdict: &str, part: &str) {
    let (found, text) = rule(node, event, asked);
    assert_eq!(found, verdict, "{asked}: {text}");
    assert!(text.contains(part), "{asked}: {text:?} should say {part:?}");
}

#[test]
fn each_rule_says_why_it_ran_or_did_not() {
    let node = shop();
    let few = node.raise("shop:order", &["count=3"]);
    let many = node.raise("shop:order", &["count=30"]);
    let odd = node.raise("shop:order", &["count=x"]);
    let lost = node.raise("post:sent", &["parcel=lost"]);
    let sent = node.raise("post:sent", &["parcel=p7"]);
    check(&node, &few, "shop/sell", "fired", "was 3");
    check(
        &node,
        &many,
        "sell",
        "not_fired",
        r#"count.as("Number") was 30"#,
    );
    check(
        &node,
        &odd,
        "sell",
        "not_woken",
        r#"count of shop:order is "x""#,
    );
    check(&node, &lost, "sell", "not_woken", "it is about shop:order");
    check(
        &node,
        &few,
        "parcel",
        "waiting",
        "step 2 of 2 for post:sent",
    );
    check(
        &node,
        &lost,
        "parcel",
        "waiting",
        r#"parcel of post:sent is "lost""#,
    );
    check(&node, &sent, "parcel", "fired", "fired");
    check(&node, &many, "asleep", "inactive", "inactive");
    // The order of 30 was none that the rule waits for.
    check(&node, &odd, "parcel", "waiting", "step 2 of 2");
}

#[test]
fn an_event_s_tree_tells_all_that_followed() {
    let node = shop();
    let order = node.raise("shop:order", &["count=3"]);
    let why = node.data_of(&["why", &order[..8]]);
    let sell = &why["tree"]["woken"][0];
    assert_eq!(sell["rule"], "sell");
    assert_eq!(sell["changes"], json!(["shop:sold"]));
    let raised = &sell["raised"][0];
    assert_eq!(raised["event"]["type"], "sold");
    let woken: Vec<_> = raised["woken"].as_array().unwrap().iter().collect();
    let ends: Vec<_> = woken
        .iter()
        .map(|woken| (&woken["rule"], &woken["end"]))
        .collect();
    assert_eq!(json!(ends), json!([["tell", "fired"], ["fail", "failed"]]));
    // Its failure raised an event too.
    assert_eq!(woken[1]["raised"][0]["event"]["type"], "error");
    // An event that was raised on the way has a tree of its own.
    let id = raised["event"]["id"].as_str().unwrap();
    assert_eq!(rule(&node, id, "tell").0, "fired");
    let text = node.done(&["why", "last"]);
    for part in [
        "shop sell: fired",
        "set shop:sold",
        "raised shop:sold",
        "shop tell: fired",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let again = node.data_of(&["why", "last", "sell"]);
    assert_eq!(again["tree"], Json::Null);
}

#[test]
fn the_text_of_then_is_told_about() {
    let node = shop();
    let order = node.raise("shop:order", &["count=30"]);
    install(
        &node,
        "ruleset shop { rule sell { select when other event noop() } }",
    );
    let told = node.data_of(&["why", &order, "sell"]);
    assert_eq!(told["rules"][0]["verdict"], "not_fired");
    assert_eq!(told["rules"][0]["changed"], true);
    assert_eq!(told["changed"], json!(["shop"]));
    node.done(&["ruleset", "remove", "shop", "--yes"]);
    check(&node, &order, "sell", "not_fired", "was 30");
    let later = node.raise("shop:order", &["count=1"]);
    node.refused(&["why", &later, "shop/sell"], "ruleset-unknown");
    node.refused(&["why", &later, "sell"], "rule-unknown");
}

/// Puts another text under the hash of a program: as if the language had changed.
fn tamper(node: &Node, source: &str) {
    let mut store = Store::open(&node.data().join("store")).unwrap();
    let image = store.image().unwrap();
    let program = image.keys().find(|key| matches!(key, Key::Program(_)));
    let record = Record::Program {
        source: source.to_owned(),
    };
    let changes = vec![(program.unwrap().clone(), Some(record))];
    let position = Position(1);
    store.commit(&[Batch { position, changes }]).unwrap();
}

#[test]
fn a_ruleset_that_no_longer_compiles_stops_nothing_else() {
    let mut node = shop();
    node.raise("shop:order", &["count=3"]);
    node.stop();
    tamper(&node, "ruleset shop { rule }");
    node.up();
    install(
        &node,
        "ruleset other { rule hear { select when shop order noop() } }",
    );
    let order = node.raise("shop:order", &["count=3"]);
    check(&node, &order, "other/hear", "fired", "fired");
    check(
        &node,
        &order,
        "shop/sell",
        "does_not_compile",
        "does not compile",
    );
    let told = node.done(&["why", &order]);
    assert!(
        told.contains("shop *: the ruleset does not compile"),
        "{told}"
    );
    let rulesets = node.data_of(&["ruleset", "list"]);
    let faults: Vec<_> = rulesets.as_array().unwrap().iter().collect();
    let broken = faults
        .iter()
        .find(|ruleset| ruleset["rid"] == "shop")
        .unwrap();
    assert!(broken["fault"]["code"].is_string(), "{broken}");
    node.refused(&["query", "shop", "sold"], "ruleset-broken");
    // Its variables wait for a text that compiles.
    install(&node, RULESET);
    assert_eq!(node.done(&["query", "shop", "sold"]).trim(), "3");
    node.raise("shop:order", &["count=4"]);
    node.stop();
    node.up();
    assert_eq!(node.done(&["query", "shop", "sold"]).trim(), "7");
}

#[test]
fn a_question_that_cannot_be_answered_is_refused() {
    let node = shop();
    node.raise("shop:order", &["count=1"]);
    node.refused(&["why", "abcdef0123"], "event-unknown");
    node.refused(&["why", "yesterday"], "event-id-malformed");
    node.refused(&["why", "last", "none"], "rule-unknown");
    node.refused(&["journal", "--since", "soon"], "argument-malformed");
}

#[test]
fn the_journal_shows_what_is_wanted() {
    let mut node = shop();
    let order = node.raise("shop:order", &["count=1"]);
    node.raise("post:sent", &["parcel=p1"]);
    node.stop();
    node.up();
    let kinds = |arguments: &[&str]| -> Vec<String> {
        let printed = node.done(&[&["journal", "--json"], arguments].concat());
        let entry = |line: &str| serde_json::from_str::<Json>(line).unwrap();
        let kind = |entry: Json| entry["event"]["type"].as_str().unwrap().to_owned();
        printed.lines().map(|line| kind(entry(line))).collect()
    };
    assert_eq!(kinds(&["--domain", "shop"]), ["order"]);
    assert_eq!(kinds(&["--domain", "shop", "--type", "sold"]), ["order"]);
    assert_eq!(kinds(&["--domain", "post", "--type", "order"]), [""; 0]);
    assert_eq!(kinds(&["--ruleset", "shop", "--since", "1h"]), ["order"]);
    assert_eq!(kinds(&["--newest-first", "--limit", "1"]), ["sent"]);
    assert_eq!(kinds(&["--until", "2026-01-01"]), [""; 0]);
    assert_eq!(kinds(&["--cause", &order]), [""; 0]);
}
