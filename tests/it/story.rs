//! The demonstration, as a user starts it.

use std::process::Command;

use crate::program::stratus;

#[test]
fn the_demonstration_plays_all_six_endings() {
    let output = Command::new(stratus())
        .args(["demo", "on-call"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for rule in [
        "open_inquiry",
        "ask_everybody",
        "consider",
        "text_owner",
        "claim",
        "time_out",
    ] {
        assert!(
            told.contains(rule),
            "the story does not tell of {rule}:\n{told}"
        );
    }
}

#[test]
fn the_story_is_data_too() {
    let output = Command::new(stratus())
        .args([
            "demo",
            "on-call",
            "--json",
            "--ending",
            "helped",
            "--ending",
            "nobody-on-call",
        ])
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{report:#}");
    let endings = report["endings"].as_array().unwrap();
    let seen: Vec<_> = endings
        .iter()
        .map(|ending| (&ending["ending"], &ending["seen"]))
        .collect();
    assert_eq!(
        serde_json::json!(seen),
        serde_json::json!([["helped", true], ["nobody-on-call", true]])
    );
    assert!(
        endings[0]["student_told"]
            .as_str()
            .unwrap()
            .starts_with("Anna is on call")
    );
    let lines = report["lines"].as_array().unwrap();
    let tells = |node: &str, rule: &str| {
        lines
            .iter()
            .any(|line| line["node"] == node && line["rule"] == rule)
    };
    assert!(
        tells("class", "ask_everybody") && tells("anna", "consider") && tells("cleo", "decline")
    );
}
