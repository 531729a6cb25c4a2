//! How many commits there were, in the database and beside it.
//!
//! fjall takes what it cannot read of its write-ahead journal for a write that a power cut broke
//! off, and drops it with all that follows, which is right at the end of a journal and wrong before
//! it. So every commit is counted in the database, and once it is durable the count is written
//! beside the database too, without waiting for the disk. A database that knows of fewer commits
//! has lost some. The file beside it may be old, torn or gone; then it says less, never too much.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};

use stratus_event::Fault;

use crate::{fault, key::Space};

/// The count of commits, and the file in which it stands.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
    count: u64,
}

impl Mark {
    /// Opens the file and compares it with what the database knows: the bytes at [`KEY`].
    pub(crate) fn open(path: &Path, known: Option<&[u8]>) -> Result<Self, Fault> {
        let known = known.and_then(|bytes| bytes.try_into().ok());
        let count = known.map_or(0, u64::from_be_bytes);
        let opened = open(path).map_err(|error| fault::unusable(path, &error))?;
        let (file, marked) = opened;
        match marked.filter(|marked| *marked > count) {
            Some(marked) => Err(fault::cut_short(path, marked - count)),
            None => Ok(Self { file, count }),
        }
    }

    /// What the next commit writes into the database.
    pub(crate) fn next(&self) -> (Space, Vec<u8>, Vec<u8>) {
        let next = self.count.saturating_add(1);
        (Space::Index, KEY.to_vec(), next.to_be_bytes().to_vec())
    }

    /// The commit is durable.
    pub(crate) fn step(&mut self) {
        self.count = self.count.saturating_add(1);
        // Without it a later loss may go unnoticed; that is no reason to refuse what is durable.
        if let Err(error) = self.file.write_all_at(&written(self.count), 0) {
            tracing::debug!("the count of commits cannot be written: {error}");
        }
    }
}

fn open(path: &Path) -> io::Result<(File, Option<u64>)> {
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(path)?;
    let mut bytes = Vec::new();
    (&mut file).take(64).read_to_end(&mut bytes)?;
    let count = bytes.first_chunk().copied().map(u64::from_be_bytes);
    Ok((file, count.filter(|count| bytes == written(*count))))
}

/// The count, and a checksum of it.
fn written(count: u64) -> Vec<u8> {
    let count = count.to_be_bytes();
    let hash = blake3::hash(&count);
    [&count[..], &hash.as_bytes()[..8]].concat()
}

/// Where the count stands in the database; no PEN's key is so short.
pub(crate) const KEY: &[u8] = b"commits";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &[u8], known: u64, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("commits");
        std::fs::write(&path, written).unwrap();
        let opened = Mark::open(&path, Some(&known.to_be_bytes()));
        let code = opened
            .err()
            .map_or_else(String::new, |fault| fault.code.into_owned());
        assert_eq!(code, expected, "{written:?} {known}");
    }

    #[test]
    fn only_a_count_that_was_written_is_believed() {
        check(&written(7), 6, "store-cut-short");
        check(&written(7), 7, "");
        check(&written(7), 8, "");
        check(&written(7)[..15], 6, "");
        check(&[&written(7)[..], &[0]].concat(), 6, "");
        check(&[255; 16], 6, "");
        check(&[], 6, "");
    }

    #[test]
    fn each_commit_is_one_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("commits");
        let mut mark = Mark::open(&path, None).unwrap();
        assert_eq!(mark.next().2, 1_u64.to_be_bytes());
        mark.step();
        mark.step();
        drop(mark);
        assert_eq!(Mark::open(&path, None).unwrap_err().code, "store-cut-short");
        let mark = Mark::open(&path, Some(&2_u64.to_be_bytes())).unwrap();
        assert_eq!(mark.next().2, 3_u64.to_be_bytes());
    }
}
