//! The simulation finds what it is there to find: with a safety taken out, it fails within fifty
//! seeds.
//!
//! Each patch in `tests/sabotage` takes one safety out of a copy of the tree.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const SEEDS: &str = "50";

#[test]
fn without_dedup_the_simulation_fails() {
    check("no-dedup.patch");
}

#[test]
fn with_acknowledgements_before_the_commit_the_simulation_fails() {
    check("ack-before-commit.patch");
}

fn check(patch: &str) {
    let tree = tempfile::tempdir().unwrap();
    copy_tree(tree.path());
    let patch = root().join("tests/sabotage").join(patch);
    done(
        Command::new("git")
            .arg("apply")
            .arg(&patch)
            .current_dir(tree.path()),
    );
    done(&mut simnet(tree.path(), "build", &[]));
    let arguments = [
        "--",
        "run",
        "on-call",
        "--nodes",
        "40",
        "--inquiries",
        "60",
        "--seeds",
        SEEDS,
    ];
    let output = simnet(tree.path(), "run", &arguments).output().unwrap();
    let (printed, told) = texts(&output);
    assert_eq!(
        output.status.code(),
        Some(1),
        "nothing was found:\n{printed}\n{told}"
    );
    // It is the checkers that fail, not the program, and they say how to see it again.
    assert!(told.contains("replay: cargo run"), "{told}");
    assert!(!told.contains("panicked"), "{told}");
    let seeds = printed
        .lines()
        .filter(|line| line.starts_with("seed "))
        .count();
    println!("{}: found with seed {seeds}:\n{printed}", patch.display());
}

/// All files that git knows or would add.
fn copy_tree(to: &Path) {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git")
        .args(list)
        .current_dir(root())
        .output()
        .unwrap();
    for file in String::from_utf8(listed.stdout).unwrap().lines() {
        let (from, to) = (root().join(file), to.join(file));
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
    }
}

/// Built in this build's own target directory, where the libraries are already.
fn simnet(tree: &Path, verb: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args([
        verb,
        "--quiet",
        "--release",
        "--offline",
        "--package",
        "simnet",
    ]);
    command
        .args(arguments)
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target().join("sabotage"));
    command
}

/// The target directory, from where this build put the program.
fn target() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_stratus"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn done(command: &mut Command) {
    let output = command.output().unwrap();
    let (printed, told) = texts(&output);
    assert!(output.status.success(), "{command:?}:\n{printed}\n{told}");
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}
