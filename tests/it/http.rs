//! Rulesets that talk to a service of the world: a real web server, started here.

use std::{
    fs,
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::program::{Node, free_port};

/// Serves a folder by HTTP, with Python's own server; it ends with the value.
pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Site {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = Command::new("python3")
            .args([
                "-m",
                "http.server",
                "--bind",
                "127.0.0.1",
                &port.to_string(),
            ])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "no server");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            folder,
            port,
            child,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const RULESET: &str = r#"
ruleset weather {
  meta { shares report, failure }
  global {
    report = function() { ent:report }
    failure = function() { ent:failure }
  }
  rule look {
    select when weather wanted
    pre {
      answer = http:get(event:attr("url"), {"day": "today"})
      sky = answer{"content"}.decode(){"sky"}
    }
    if answer{"status_code"} == 200 then send_directive("weather", {"sky": sky})
    fired { ent:report := sky }
    else { ent:report := answer{"status_line"} }
  }
  rule tell {
    select when weather told
    http:post(event:attr("url"), json = {"sky": "blue"})
  }
  rule fail {
    select when system effect_failed
    fired { ent:failure := event:attr("code") }
  }
}
"#;

fn node() -> (Node, tempfile::TempDir) {
    let node = Node::start("");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weather.krl");
    fs::write(&file, RULESET).unwrap();
    node.done(&["ruleset", "install", file.to_str().unwrap()]);
    (node, folder)
}

fn query(node: &Node, name: &str) -> serde_json::Value {
    serde_json::from_str(&node.done(&["query", "weather", name])).unwrap()
}

#[test]
fn a_rule_asks_a_web_server_and_goes_on_with_its_answer() {
    let (site, (node, _folder)) = (Site::start(), node());
    fs::write(site.folder.path().join("today"), r#"{"sky":"grey"}"#).unwrap();
    node.raise("weather:wanted", &[&format!("url={}", site.url("today"))]);
    assert_eq!(query(&node, "report"), json!("grey"));
    node.raise(
        "weather:wanted",
        &[&format!("url={}", site.url("tomorrow"))],
    );
    let report = query(&node, "report");
    assert_eq!(report, json!("Not Found"));
}

#[test]
fn what_a_web_server_refuses_is_told_to_the_ruleset() {
    let (site, (node, _folder)) = (Site::start(), node());
    // Python's server answers 501 to every POST.
    node.raise("weather:told", &[&format!("url={}", site.url("today"))]);
    let begun = Instant::now();
    while query(&node, "failure") != json!("http-refused") {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{}",
            node.logged()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
