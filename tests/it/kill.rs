//! Nodes of the story are killed at every boundary, and the story still ends right.
//!
//! `stratus demo on-call --kill` makes a node send itself SIGKILL at a named point and starts it
//! again. The demonstration checks what people see: each ending comes, and each person gets exactly
//! the texts that she should. The text service never removes duplicates.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use crate::{program::stratus, random::Random};

const BOUNDARIES: [&str; 5] = ["accepted", "outcome", "request_sent", "frame_sent", "ack"];
const KILLS_MIN: usize = 50;
const STORIES_MAX: u64 = 12;

#[test]
fn the_story_ends_right_whoever_is_killed_wherever() {
    let mut random = Random(0x5eed);
    let mut killed: BTreeMap<String, usize> = BTreeMap::new();
    for story in 1..=STORIES_MAX {
        for point in play(story, &plan(&mut random)) {
            let boundary = point.split(':').next().unwrap().to_owned();
            assert!(
                BOUNDARIES.contains(&boundary.as_str()),
                "died on its own: {point}"
            );
            *killed.entry(boundary).or_default() += 1;
        }
        let hit: BTreeSet<&str> = killed.keys().map(String::as_str).collect();
        if killed.values().sum::<usize>() >= KILLS_MIN && hit.len() == BOUNDARIES.len() {
            println!("{story} stories, kills by boundary: {killed:?}");
            return;
        }
    }
    panic!("too few kills in {STORIES_MAX} stories: {killed:?}");
}

/// Points for each node, drawn at random. Most are early, because a node counts anew after each
/// death and must come to the point before the story is over.
fn plan(random: &mut Random) -> Vec<String> {
    let mut kills = Vec::new();
    for (node, count) in [("class", 7), ("anna", 4), ("ben", 3), ("cleo", 3)] {
        for _ in 0..count {
            let boundary = BOUNDARIES[random.below(BOUNDARIES.len())];
            // Only the class has a crowd at its door, so only there events have to queue.
            let boundary = if node == "class" || boundary != "accepted" {
                boundary
            } else {
                "ack"
            };
            let most = if boundary == "outcome" { 5 } else { 2 };
            kills.push(format!("{node}={boundary}:{}", 1 + random.below(most)));
        }
    }
    kills.push("class=accepted:1".to_owned());
    kills
}

/// Plays all six endings and gives the points at which nodes died.
fn play(story: u64, kills: &[String]) -> Vec<String> {
    let mut command = Command::new(stratus());
    command.args(["demo", "on-call", "--json"]);
    for kill in kills {
        command.args(["--kill", kill]);
    }
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "story {story} with {kills:?}:\n{printed}\n{told}"
    );
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let deaths = report["kills"].as_object().unwrap().values();
    deaths
        .flat_map(|points| points.as_array().unwrap())
        .map(|point| point.as_str().unwrap().to_owned())
        .collect()
}
