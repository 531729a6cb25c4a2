//! What can go wrong with a store, in words.

use std::{fmt, path::Path};

use stratus_engine::Key;
use stratus_event::{Fault, PenId, Whose};

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

/// It is no file of this program, or one of another sort.
pub(crate) fn file_foreign() -> Fault {
    Fault::new(
        Whose::Caller,
        "backup-foreign",
        "this is no backup and no exported PEN of Stratus",
    )
    .hint("give a file that `stratus backup` or `stratus export` wrote")
}

pub(crate) fn file_damaged(block: u64, offset: u64, reason: &dyn fmt::Display) -> Fault {
    let message = format!("the file is damaged in block {block}, at byte {offset}: {reason}");
    Fault::new(Whose::World, "backup-damaged", message)
        .hint("use another copy of it; what is in a damaged file is not restored in part")
}

/// The one who wrote it said why it is not whole.
pub(crate) fn file_given_up(reason: &str) -> Fault {
    let message = format!("the file was given up while it was written: {reason}");
    Fault::new(Whose::World, "backup-given-up", message).hint("make it again")
}

pub(crate) fn passphrase_short(characters_min: usize) -> Fault {
    let message = format!("a passphrase has at least {characters_min} characters");
    Fault::new(Whose::Caller, "passphrase-short", message)
        .hint("take a few words that do not belong together")
}

/// A wrong passphrase and a file whose beginning is damaged cannot be told apart.
pub(crate) fn passphrase_wrong() -> Fault {
    let message = "the passphrase is wrong, or the file is damaged at its beginning";
    Fault::new(Whose::Caller, "passphrase-wrong", message)
}

/// The file asks for more work than anybody's file would.
pub(crate) fn passphrase_costly() -> Fault {
    let message = "the file wants more memory or time for its passphrase than is given";
    Fault::new(Whose::Caller, "passphrase-costly", message)
        .hint("`stratus export` writes no such file: it is damaged, or made to do harm")
}

pub(crate) fn pen_unknown(pen: PenId) -> Fault {
    Fault::new(
        Whose::Caller,
        "pen-unknown",
        format!("there is no PEN {pen}"),
    )
}

pub(crate) fn pen_copy(pen: PenId) -> Fault {
    let message = format!("the PEN {pen} is only a copy here");
    Fault::new(Whose::Caller, "pen-copy", message).hint("export it where it lives")
}

pub(crate) fn pen_exists(pen: PenId) -> Fault {
    let message = format!("the PEN {pen} lives here already");
    Fault::new(Whose::Caller, "pen-exists", message)
        .hint("a file never takes the place of a PEN that lives: nothing was done")
}

pub(crate) fn file_version(format: u64) -> Fault {
    let message = format!("the file was made of a store in format {format}, which is newer");
    Fault::new(Whose::Caller, "store-version", message)
        .hint("use the stratus that wrote it, or a newer one")
}

pub(crate) fn file_unwritable(error: &std::io::Error) -> Fault {
    let message = format!("the file cannot be written: {error}");
    Fault::new(Whose::World, "backup-unwritable", message)
        .hint("look at the place where it is to be, and at its free space")
}

/// The database knows of fewer commits than there were.
pub(crate) fn cut_short(path: &Path, lost: u64) -> Fault {
    let message = format!("the database has lost the last {lost} commits: a file of it is damaged");
    let hint = format!(
        "restore the data directory from a backup, and look at the disk; to go on with what is \
         left, remove {}",
        path.display()
    );
    Fault::new(Whose::World, "store-cut-short", message).hint(hint)
}

/// There is no store where one should be.
pub(crate) fn absent(path: &Path) -> Fault {
    let message = format!("there is no store in {}", path.display());
    Fault::new(Whose::Caller, "store-absent", message)
        .hint("name the data directory of a node that has run: --data DIR")
}

/// There is a store already where one is to be made of a file.
pub(crate) fn occupied(path: &Path) -> Fault {
    let message = format!("there is a store already in {}", path.display());
    Fault::new(Whose::Caller, "data-not-empty", message)
        .hint("restore into another directory: --data DIR")
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
