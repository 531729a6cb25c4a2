//! Rulesets from an address: installed, brought up to date, rolled back, held to what they may.

use std::fs;

use serde_json::json;

use crate::{http::Site, program::Node};

fn text(says: &str) -> String {
    format!(
        r#"ruleset greeter {{
  meta {{ shares say }}
  global {{ say = function() {{ [meta:rulesetConfig{{"name"}}, "{says}"] }} }}
}}"#
    )
}

fn check_says(node: &Node, says: &str) {
    let said: serde_json::Value =
        serde_json::from_str(&node.done(&["query", "greeter", "say"])).unwrap();
    assert_eq!(said, json!(["Ada", says]));
}

#[test]
fn a_ruleset_follows_its_address_and_can_go_back() {
    let (site, mut node) = (Site::start(), Node::start(""));
    let file = site.folder.path().join("greeter.krl");
    let url = site.url("greeter.krl");
    let put = |text: &str| fs::write(&file, text).unwrap();
    put(&text("one"));
    let arguments = ["ruleset", "install", &url, "--config", r#"{"name": "Ada"}"#];
    assert_eq!(node.done(&arguments), "installed greeter\n");
    check_says(&node, "one");
    assert_eq!(
        node.done(&["ruleset", "flush", &url]),
        "unchanged greeter\n"
    );
    put(&text("two"));
    assert_eq!(node.done(&["ruleset", "flush", &url]), "updated greeter\n");
    check_says(&node, "two");
    put("ruleset greeter {");
    assert!(
        node.done(&["ruleset", "flush", &url])
            .starts_with("kept greeter: ")
    );
    check_says(&node, "two");
    let listed = node.data_of(&["ruleset", "list"]);
    assert_eq!(listed[0]["url"], json!(url));
    assert_eq!(listed[0]["trouble"]["code"], json!("krl-unclosed-bracket"));
    assert_eq!(
        node.done(&["ruleset", "rollback", "greeter"]),
        "replaced greeter\n"
    );
    check_says(&node, "one");
    node.kill();
    node.up();
    check_says(&node, "one");
    let versions = node.data_of(&["ruleset", "versions", "greeter"]);
    assert_eq!(versions.as_array().unwrap().len(), 3);
    let two = versions[1]["hash"].as_str().unwrap();
    node.done(&["ruleset", "rollback", "greeter", &two[..12]]);
    check_says(&node, "two");
    node.refused(
        &["ruleset", "rollback", "greeter", "0000"],
        "version-unknown",
    );
    let journal = node.journal();
    let told = |kind: &str| {
        journal
            .iter()
            .filter(|entry| entry["event"]["type"] == kind)
            .count()
    };
    assert_eq!((told("ruleset_updated"), told("ruleset_failed")), (3, 1));
}

#[test]
fn an_address_must_be_secure_and_have_a_text() {
    let (site, node) = (Site::start(), Node::start(""));
    node.refused(
        &["ruleset", "install", "http://192.0.2.1/a.krl"],
        "fetch-insecure",
    );
    node.refused(
        &["ruleset", "install", &site.url("nothing.krl")],
        "fetch-refused",
    );
}

#[test]
fn a_ruleset_may_what_its_owner_permits() {
    let (site, node) = (Site::start(), Node::start(""));
    let text = r#"ruleset caller {
  rule call { select when call wanted http:post(event:attr("url")) }
}"#;
    fs::write(site.folder.path().join("caller.krl"), text).unwrap();
    let url = site.url("caller.krl");
    let installed = node.data_of(&["ruleset", "install", &url]);
    assert_eq!(installed["may"], json!(["talk to the hosts: any host"]));
    let refused = ["ruleset", "install", &url, "--permit", "{}"];
    node.refused(&refused, "permissions-needed");
    let permit = r#"{"hosts": ["shop.example"]}"#;
    node.done(&["ruleset", "install", &url, "--permit", permit]);
    node.raise("call:wanted", &["url=https://thief.example/"]);
    let journal = node.journal();
    let failed = journal
        .iter()
        .find(|entry| entry["event"]["type"] == "effect_failed");
    let attributes = &failed.unwrap()["event"]["attributes"];
    assert_eq!(attributes["code"], json!("effect-not-permitted"));
}
