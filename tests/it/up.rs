//! Starting, stopping and starting again.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::program::Node;

#[test]
fn a_first_start_makes_everything_and_a_second_finds_it_again() {
    let mut node = Node::start("");
    let first = node.data_of(&["status"]);
    for secret in ["node.key", "owner.token"] {
        let mode = fs::metadata(node.data().join(secret))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    assert_eq!(
        fs::metadata(node.data()).unwrap().permissions().mode() & 0o077,
        0
    );
    let raised = node.raise("test:happened", &["how=well"]);
    assert_eq!(node.stop(), Some(0), "{}", node.logged());

    node.up();
    let second = node.data_of(&["status"]);
    for same in ["node", "pens", "owner_channel"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    let journal = node.journal();
    let kept = journal
        .iter()
        .find(|entry| entry["event"]["id"] == *raised)
        .unwrap();
    assert_eq!(kept["event"]["attributes"]["how"], "well");
}

#[test]
fn a_second_node_on_the_same_data_is_refused() {
    let node = Node::start("");
    let output = node.up_command().output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("[node-already-running]") && told.contains("hint: "),
        "{told}"
    );
    node.done(&["status"]);
}

#[test]
fn without_a_node_a_command_says_how_to_start_one() {
    let mut node = Node::start("");
    node.stop();
    assert_eq!(node.refused(&["journal"], "node-not-running"), 3);
}

#[test]
fn a_killed_node_has_what_it_said_it_has() {
    let mut node = Node::start("");
    let raised = node.raise("test:happened", &["n=1"]);
    node.kill();
    node.up();
    assert!(
        node.journal()
            .iter()
            .any(|entry| entry["event"]["id"] == *raised)
    );
}
