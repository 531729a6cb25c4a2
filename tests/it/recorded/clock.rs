//! A clock that a test sets: `tests/clock/clock.c`, preloaded into a node.

use std::{fs, os::unix::fs::FileExt, path::Path, process::Command};

use crate::program::Node;

/// The time of day of one node.
pub(super) struct Clock(fs::File);

impl Clock {
    /// Puts the clock under a node that has not been started; none where no C compiler is.
    pub(super) fn under(node: &mut Node) -> Option<Self> {
        let library = node.folder().join("clock.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clock/clock.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .status();
        if !built.is_ok_and(|status| status.success()) {
            return None;
        }
        let file = node.folder().join("clock");
        fs::write(&file, 0_i64.to_ne_bytes()).unwrap();
        node.set_variable("LD_PRELOAD", library);
        node.set_variable("STRATUS_CLOCK", file.clone());
        Some(Self(fs::File::options().write(true).open(file).unwrap()))
    }

    /// Sets it, in milliseconds since 1970; zero is the real time.
    pub(super) fn set(&self, milliseconds: i64) {
        self.0.write_all_at(&milliseconds.to_ne_bytes(), 0).unwrap();
    }
}
