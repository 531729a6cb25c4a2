//! A disk that takes no more.

use std::{
    env,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
};

use stratus_engine::{Batch, Key, Position, Record};
use stratus_store::{Progress, Store, Writer};

use crate::samples::{PEN, name};

/// Set for the process whose disk is small: the directory.
const CHILD: &str = "STRATUS_STORE_TEST_SMALL_DISK";

/// A file may have this many blocks of 512 bytes, then writing to it fails (EFBIG). fjall takes 64 MiB
/// for its journal at once, so it cannot be less.
const BLOCKS: u64 = 131_072;

#[test]
fn a_refused_write_is_told_and_ends_all_writing() {
    if let Some(directory) = env::var_os(CHILD) {
        return fill(Path::new(&directory));
    }
    let directory = super::directory();
    // A shell sets the limit, and makes the signal that comes with it be ignored.
    let script = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" \"$@\"");
    let child = Command::new("sh")
        .args(["-c", &script])
        .arg(env::current_exe().unwrap())
        .args([
            "--exact",
            "refused::a_refused_write_is_told_and_ends_all_writing",
            "--nocapture",
        ])
        .env(CHILD, directory.path())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success(), "{said}");
    let acknowledged = said.lines().find_map(|line| line.strip_prefix("through "));
    let acknowledged: usize = acknowledged.unwrap().parse().unwrap();
    let image = Store::open(directory.path()).unwrap().image().unwrap();
    assert!(acknowledged > 0);
    assert!(
        image.len() >= acknowledged,
        "{acknowledged} acknowledged, {} there",
        image.len()
    );
}

/// Commits until the disk refuses, and once more.
fn fill(directory: &Path) {
    let store = Store::open(directory).unwrap();
    let (sender, progress) = mpsc::channel();
    let writer = Writer::start(store, move |news| sender.send(news).unwrap()).unwrap();
    let mut through = 0;
    for position in 1.. {
        writer.commit(batch(position)).unwrap();
        match progress.recv().unwrap() {
            Progress::Committed { through: position } => through = position.0,
            Progress::Failed { from, fault } => {
                assert_eq!(
                    (from.0, &*fault.code),
                    (position, "store-write-failed"),
                    "{fault}"
                );
                break;
            }
        }
    }
    writer.commit(batch(through + 2)).unwrap();
    let Progress::Failed { fault, .. } = progress.recv().unwrap() else {
        panic!("written")
    };
    assert_eq!(fault.code, "store-poisoned");
    let mut out = std::io::stdout().lock();
    writeln!(out, "through {through}").unwrap();
}

/// Bytes that do not compress.
fn batch(position: u64) -> Batch {
    let mut state = position;
    let noise = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'!' + u8::try_from((state >> 57) % 90).unwrap())
    });
    let value = noise.take(1_000_000).collect::<String>();
    let key = Key::Variable(PEN, name("r"), name(&format!("v{position}")));
    Batch {
        position: Position(position),
        changes: vec![(key, Some(Record::Variable(value.into())))],
    }
}
