//! Keeping a node: backups, checks, and nodes made of them.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::program::Node;

const COUNTER: &str = r"
ruleset counter {
  meta { shares count }
  global { count = function() { ent:count } }
  rule up { select when tally up fired { ent:count := ent:count.defaultsTo(0) + 1 } }
}
";

/// A node with a ruleset that counts, and so many events.
fn counter(events: u64) -> Node {
    let node = Node::start("");
    let file = node.folder().join("counter.krl");
    fs::write(&file, COUNTER).unwrap();
    node.done(&["ruleset", "install", file.to_str().unwrap()]);
    count(&node, events);
    node
}

fn count(node: &Node, events: u64) {
    for _ in 0..events {
        node.raise("tally:up", &[]);
    }
}

fn counted(node: &Node) -> String {
    node.done(&["query", "counter", "count"]).trim().to_owned()
}

fn file(node: &Node, name: &str) -> (PathBuf, String) {
    let path = node.folder().join(name);
    let text = path.to_str().unwrap().to_owned();
    (path, text)
}

/// A node of which nothing is there yet, restored from a file of another.
fn restored(file: &str) -> Node {
    let node = Node::new();
    node.done(&["restore", file]);
    node
}

#[test]
fn a_node_is_restored_from_a_backup_that_was_made_while_it_ran() {
    let mut node = counter(3);
    let (path, backup) = file(&node, "node.backup");
    let told = node.done(&["backup", &backup]);
    assert!(told.contains("all whole"), "{told}");
    let told = node.done(&["verify", &backup]);
    assert!(
        told.starts_with("a node, as of ") && told.contains("1 PENs"),
        "{told}"
    );
    // Secrets are in it.
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    count(&node, 2);
    let (before, id) = (node.journal(), node.data_of(&["status"])["node"].clone());
    node.stop();

    let mut copy = restored(&backup);
    copy.up();
    assert_eq!(
        (counted(&copy), copy.data_of(&["status"])["node"].clone()),
        ("3".into(), id)
    );
    let journal = copy.journal();
    assert_eq!(journal[..], before[..journal.len()]);
    let up = journal.last().unwrap()["event"]["id"].as_str().unwrap();
    assert!(copy.done(&["why", up]).contains("counter up: fired"));
    count(&copy, 1);
    assert_eq!(counted(&copy), "4");
    copy.stop();
    assert!(copy.done(&["verify", "--store"]).contains("all whole"));
}

#[test]
fn a_node_that_does_not_run_is_copied_too() {
    let mut node = counter(2);
    node.stop();
    let (_, backup) = file(&node, "node.backup");
    node.done(&["backup", &backup]);
    let mut copy = restored(&backup);
    copy.up();
    assert_eq!(counted(&copy), "2");
    let empty = Node::new();
    let (_, nothing) = file(&empty, "x");
    empty.refused(&["backup", &nothing], "node-not-running");
    empty.refused(&["verify", "--store"], "store-absent");
}

#[test]
fn what_is_damaged_or_would_overwrite_is_refused() {
    let node = counter(1);
    let (path, backup) = file(&node, "node.backup");
    node.done(&["backup", &backup]);
    node.refused(&["backup", &backup], "file-exists");
    node.refused(&["restore", &backup], "data-not-empty");
    node.refused(&["verify", "--store"], "store-locked");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&path, &bytes).unwrap();
    node.refused(&["verify", &backup], "backup-damaged");
    let other = Node::new();
    other.refused(&["restore", &backup], "backup-damaged");
    assert!(!other.data().exists());
    fs::write(&path, "no backup").unwrap();
    other.refused(&["restore", &backup], "backup-foreign");
    other.refused(&["verify", "/nowhere"], "file-unreadable");
}

#[test]
fn backups_under_load_are_whole_and_of_one_moment() {
    let node = counter(1);
    for round in 0..3 {
        let (_, backup) = file(&node, &format!("{round}.backup"));
        std::thread::scope(|scope| {
            scope.spawn(|| count(&node, 20));
            node.done(&["backup", &backup]);
        });
        let mut copy = restored(&backup);
        copy.up();
        let ups = copy.journal();
        let ups = ups.iter().filter(|entry| entry["event"]["type"] == "up");
        assert_eq!(counted(&copy), ups.count().to_string());
    }
}

/// A small disk; none where nobody may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&folder)
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Raises events until one is refused, or until one is taken again.
fn await_refusal(node: &Node, refused: bool) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let output = node.run(&["event", "send", "tally:up"]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_ne!(
            output.status.success(),
            told.contains("[disk-reserve-reached]"),
            "{told}"
        );
        if output.status.success() != refused {
            return;
        }
        assert!(Instant::now() < end, "{}", node.logged());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_disk_that_fills_up_refuses_events_before_the_store_fails() {
    let mut node = Node::new();
    let Some(disk) = SmallDisk::mount(node.data(), "400m") else {
        println!("skipped: no disk can be mounted here");
        return;
    };
    node.up();
    let source = node.folder().join("counter.krl");
    fs::write(&source, COUNTER).unwrap();
    node.done(&["ruleset", "install", source.to_str().unwrap()]);
    count(&node, 2);
    let ballast = disk.0.join("ballast");
    fs::write(&ballast, vec![1; 150 << 20]).unwrap();
    await_refusal(&node, true);
    let before = counted(&node);
    fs::remove_file(&ballast).unwrap();
    await_refusal(&node, false);
    let after: u64 = counted(&node).parse().unwrap();
    assert_eq!(after, before.parse::<u64>().unwrap() + 1);
    assert!(!node.logged().contains("reopening"), "{}", node.logged());
    node.stop();
    node.up();
    assert_eq!(counted(&node), after.to_string());
    node.stop();
}

#[test]
fn a_trimmed_node_goes_on_as_if_nothing_had_been_dropped() {
    let mut node = counter(6);
    let journal = node.journal();
    let id = |entry: &serde_json::Value| entry["event"]["id"].as_str().unwrap().to_owned();
    let first = id(journal
        .iter()
        .find(|entry| entry["event"]["type"] == "up")
        .unwrap());
    let told = node.done(&["journal", "trim", "--bytes-max", "0"]);
    assert!(
        told.starts_with(&format!("{} entries dropped", journal.len())),
        "{told}"
    );
    count(&node, 1);
    node.refused(&["why", &first], "event-dropped");
    assert!(node.done(&["why", "last"]).contains("counter up: fired"));
    node.stop();
    node.up();
    count(&node, 1);
    assert_eq!((counted(&node), node.journal().len()), ("8".into(), 2));
    assert!(node.done(&["why", "last"]).contains("counter up: fired"));
    assert_eq!(node.run(&["journal", "trim"]).status.code(), Some(2));
}

#[test]
fn journals_are_bounded_as_configured() {
    let mut node = counter(3);
    node.stop();
    let settings = node.data().join("stratus.toml");
    fs::write(&settings, "journal_bytes_max = 0\n").unwrap();
    node.up();
    let end = Instant::now() + Duration::from_secs(20);
    while !node.journal().is_empty() {
        assert!(Instant::now() < end, "{}", node.logged());
        std::thread::sleep(Duration::from_millis(100));
    }
    count(&node, 1);
    assert_eq!(counted(&node), "4");
}

/// Runs a command with a passphrase.
fn sealed(node: &Node, passphrase: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(crate::program::stratus())
        .args(arguments)
        .arg("--data")
        .arg(node.data())
        .env("STRATUS_PASSPHRASE", passphrase)
        .output()
        .unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(told).unwrap())
}

const PASSPHRASE: &str = "twelve good fish";

#[test]
fn a_pen_moves_to_another_node_with_all_that_belongs_to_it() {
    let mut old = counter(3);
    let pen = old.data_of(&["status"])["pen"].as_str().unwrap().to_owned();
    let channel = old.data_of(&["status"])["owner_channel"].clone();
    let (_, exported) = file(&old, "me.pen");
    let refused = sealed(&old, PASSPHRASE, &["export", &exported]);
    assert!(refused.1.contains("[store-locked]"), "{refused:?}");
    old.stop();
    let moved = sealed(&old, PASSPHRASE, &["export", &exported, "--move"]);
    assert_eq!(moved.0, Some(0), "{moved:?}");
    let mut new = Node::new();
    let wrong = sealed(&new, "twelve bad fish", &["import", &exported]);
    assert!(wrong.1.contains("[passphrase-wrong]"), "{wrong:?}");
    let moved = sealed(&new, PASSPHRASE, &["import", &exported]);
    assert!(moved.1.contains("lives here now"), "{moved:?}");
    let again = sealed(&new, PASSPHRASE, &["import", &exported]);
    assert!(again.1.contains("[pen-exists]"), "{again:?}");

    new.up();
    let status = new.data_of(&["status"]);
    assert_eq!(
        (status["pen"].as_str(), &status["owner_channel"]),
        (Some(&*pen), &channel)
    );
    count(&new, 1);
    assert_eq!(counted(&new), "4");
    assert!(new.done(&["why", "last"]).contains("counter up: fired"));
    // What is left of it may be exported again.
    let (_, again) = file(&old, "again.pen");
    assert_eq!(sealed(&old, PASSPHRASE, &["export", &again]).0, Some(0));
}

#[test]
fn a_copy_does_nothing_as_long_as_the_original_lives() {
    let mut old = counter(2);
    old.stop();
    let (_, copied) = file(&old, "copy.pen");
    assert_eq!(sealed(&old, PASSPHRASE, &["export", &copied]).0, Some(0));
    assert!(
        sealed(&old, "short", &["export", &copied])
            .1
            .contains("[passphrase-short]")
    );
    let mut new = Node::new();
    let copy = sealed(&new, PASSPHRASE, &["import", &copied]);
    assert!(copy.1.contains("does nothing"), "{copy:?}");
    let (_, again) = file(&new, "again.pen");
    let refused = sealed(&new, PASSPHRASE, &["export", &again]);
    assert!(refused.1.contains("[pen-copy]"), "{refused:?}");
    // The original lives on, and its move makes the copy it.
    old.up();
    count(&old, 1);
    old.stop();
    let (_, moved) = file(&old, "moved.pen");
    assert_eq!(
        sealed(&old, PASSPHRASE, &["export", &moved, "--move"]).0,
        Some(0)
    );
    assert_eq!(sealed(&new, PASSPHRASE, &["import", &moved]).0, Some(0));
    new.up();
    assert_eq!(counted(&new), "3");
    // A copy may live where the original is lost.
    let mut third = Node::new();
    let lives = sealed(
        &third,
        PASSPHRASE,
        &["import", &copied, "--original-is-gone"],
    );
    assert!(lives.1.contains("lives here now"), "{lives:?}");
    third.up();
    assert_eq!(counted(&third), "2");
}
