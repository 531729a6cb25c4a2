//! What can go wrong with a store, in words.

use std::{fmt, path::Path};

use stratus_engine::Key;
use stratus_event::{Fault, Whose};

pub(crate) fn locked(path: &Path) -> Fault {
    let message = format!("another process uses {}", path.display());
    Fault::new(Whose::Caller, "store-locked", message)
        .hint("stop the other stratus, or give this one another data directory")
}

pub(crate) fn version(path: &Path, found: &str) -> Fault {
    let message = format!(
        "{} was written in format {found:?}, which is newer",
        path.display()
    );
    Fault::new(Whose::Caller, "store-version", message)
        .hint("use the stratus that wrote it, or a newer one")
}

/// The directory or the database in it cannot be made or opened.
pub(crate) fn unusable(path: &Path, error: &dyn fmt::Display) -> Fault {
    let message = format!("the store in {} cannot be opened: {error}", path.display());
    Fault::new(Whose::World, "store-unusable", message)
        .hint("look at the disk, its free space and the directory's permissions")
}

pub(crate) fn corrupt(key: &dyn fmt::Debug, reason: &dyn fmt::Display) -> Fault {
    let message = format!("the record at {key:?} is damaged: {reason}");
    Fault::new(Whose::World, "store-corrupt", message)
        .hint("restore the data directory from a backup, and look at the disk")
}

pub(crate) fn missing(key: &Key) -> Fault {
    corrupt(key, &"it is not there")
}

pub(crate) fn unreadable(error: &fjall::Error) -> Fault {
    let message = format!("the store cannot be read: {error}");
    Fault::new(Whose::World, "store-unreadable", message).hint("look at the disk")
}

pub(crate) fn write_failed(error: &fjall::Error) -> Fault {
    let message = format!("the store cannot be written: {error}");
    Fault::new(Whose::World, "store-write-failed", message)
        .hint("look at the disk and its free space, then start the node again")
}

pub(crate) fn poisoned(first: &Fault) -> Fault {
    let message = format!(
        "nothing is written any more since a write failed: {}",
        first.message
    );
    Fault::new(Whose::World, "store-poisoned", message)
        .hint("look at the disk and its free space, then start the node again")
}

pub(crate) fn too_large(key: &Key, limit: &dyn fmt::Display) -> Fault {
    let message = format!("the record for {key:?} is too large: {limit}");
    Fault::new(Whose::Bug, "store-record-too-large", message)
}

pub(crate) fn unfit(key: &Key) -> Fault {
    Fault::new(
        Whose::Bug,
        "store-record-unfit",
        format!("the record for {key:?} is of another key"),
    )
}

pub(crate) fn writer_gone() -> Fault {
    Fault::new(
        Whose::Bug,
        "store-writer-gone",
        "the thread that writes the store has ended",
    )
}

pub(crate) fn thread(error: &std::io::Error) -> Fault {
    let message = format!("no thread to write the store with: {error}");
    Fault::new(Whose::World, "store-thread", message).hint("look at the system's limits")
}
