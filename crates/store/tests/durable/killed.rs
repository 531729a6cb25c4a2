//! A process that is killed while it commits.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use stratus_engine::{Batch, Image, Key, Position, Record, Source};
use stratus_store::{Progress, Store, Writer};

use crate::samples::{self, PEN, name};

/// Set for the process that is to be killed: the directory.
const CHILD: &str = "STRATUS_STORE_TEST_CHILD";

/// Kills as often as this.
const ROUNDS: u64 = 8;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Some(directory) = env::var_os(CHILD) {
        return commit_for_ever(Path::new(&directory));
    }
    let directory = super::directory();
    let mut acknowledged = 0;
    for round in 1..=ROUNDS {
        let more = acknowledged_before_kill(directory.path(), Duration::from_millis(round * 20));
        assert!(more > acknowledged, "round {round} got on");
        acknowledged = check(directory.path(), more);
    }
}

/// Starts this very test in a process of its own, reads what it says, and kills it (SIGKILL).
fn acknowledged_before_kill(directory: &Path, after: Duration) -> u64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "killed::what_was_acknowledged_survives_a_kill",
            "--nocapture",
        ])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = 0;
    let mut since = None;
    for line in &mut lines {
        let Some(through) = line.unwrap().strip_prefix("through ").map(str::to_owned) else {
            continue;
        };
        last = through.trim_end_matches('.').parse().unwrap();
        if since.get_or_insert_with(Instant::now).elapsed() > after {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had said before it died counts too; the last line may be cut.
    for line in lines.map_while(Result::ok) {
        let number = line
            .strip_prefix("through ")
            .and_then(|line| line.strip_suffix('.'));
        last = number
            .and_then(|number| number.parse().ok())
            .unwrap_or(last);
    }
    last
}

/// Each position has a journal entry, and the variable holds the last; in one batch, so never one
/// without the other. Gives the last position.
fn check(directory: &Path, acknowledged: u64) -> u64 {
    let store = Store::open(directory).unwrap();
    let image = store.image().unwrap();
    let last = last(&image);
    assert!(
        last >= acknowledged,
        "{acknowledged} was acknowledged, {last} is there"
    );
    let entries = store.journal().after(PEN, None, usize::MAX).unwrap();
    let positions = entries.iter().map(|entry| entry.position);
    assert!(
        positions.eq(1..=last),
        "no batch is torn and none is left out"
    );
    last
}

fn last(image: &Image) -> u64 {
    match image.get(&Key::Journal(PEN)) {
        Some(Record::Journal { next }) => *next,
        _ => 0,
    }
}

fn commit_for_ever(directory: &Path) {
    let store = Store::open(directory).unwrap();
    let image = store.image().unwrap();
    let tell = |progress| {
        let Progress::Committed { through } = progress else {
            panic!("{progress:?}")
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "through {}.", through.0).unwrap();
        out.flush().unwrap();
    };
    let writer = Writer::start(store, tell).unwrap();
    for position in last(&image) + 1.. {
        writer.commit(batch(position)).unwrap();
    }
}

fn batch(position: u64) -> Batch {
    let accepted = samples::accepted(Source::Owner);
    let variable = Key::Variable(PEN, name("r"), name(&format!("v{}", position % 7)));
    let changes = vec![
        (Key::Journal(PEN), Some(Record::Journal { next: position })),
        (
            Key::Accepted(PEN, position),
            Some(Record::Accepted(accepted)),
        ),
        (
            variable,
            Some(Record::Variable(i32::try_from(position).unwrap().into())),
        ),
    ];
    Batch {
        position: Position(position),
        changes,
    }
}
