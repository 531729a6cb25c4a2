//! The directory of a store: who has it, and in which format it is.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use stratus_event::Fault;

use crate::fault;

/// A directory that no other process has. Dropping it gives it back.
///
/// In it are `lock`, `format` (the number of the format, as text, so that it can be read before
/// the database is) and `database`.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory if need be, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, Fault> {
        let unusable = |error: io::Error| fault::unusable(path, &error);
        make(path).map_err(unusable)?;
        let lock = lock(path)?;
        let directory = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        match fs::read_to_string(directory.format()) {
            Ok(found) => directory.check(&found)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                directory.begin().map_err(unusable)?;
            }
            Err(error) => return Err(unusable(error)),
        }
        Ok(directory)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("database")
    }

    /// Makes the names durable by which the database is found. fjall syncs what is in the folders
    /// that it makes, and not the folders above them (seen in 3.1.13 on a disk that loses what was
    /// not synced: `tests/it/power.rs`).
    pub(crate) fn sync(&self) -> io::Result<()> {
        let database = self.database();
        let above = self.path.parent().unwrap_or(&self.path);
        let folders = [&*database.join("keyspaces"), &*database, &*self.path, above];
        folders
            .iter()
            .try_for_each(|folder| File::open(folder)?.sync_all())
    }

    fn format(&self) -> PathBuf {
        self.path.join("format")
    }

    fn check(&self, found: &str) -> Result<(), Fault> {
        match found.trim().parse::<u64>() {
            Ok(FORMAT) => Ok(()),
            // What is missing is made when the database is open; a version that would not keep it
            // up is shut out first.
            Ok(WITHOUT_REGISTER) => {
                let written = self.write_format();
                written.map_err(|error| fault::unusable(&self.path, &error))
            }
            Ok(newer) if newer > FORMAT => Err(fault::version(&self.path, found.trim())),
            _ => Err(fault::corrupt(
                &self.format(),
                &"it is not the number of a format",
            )),
        }
    }

    /// Writes the format of a directory that has none.
    fn begin(&self) -> io::Result<()> {
        if self.database().exists() {
            let message = "there is a database but its file `format` is missing";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        self.write_format()
    }

    /// Under another name first, so that the file is there as a whole or not at all.
    fn write_format(&self) -> io::Result<()> {
        let draft = self.path.join("format.new");
        let mut file = File::create(&draft)?;
        writeln!(file, "{FORMAT}")?;
        file.sync_all()?;
        fs::rename(draft, self.format())?;
        File::open(&self.path)?.sync_all()
    }
}

/// The PENs' seeds are in there, so it is the owner's alone.
fn make(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn lock(path: &Path) -> Result<File, Fault> {
    let unusable = |error: io::Error| fault::unusable(path, &error);
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path.join("lock"));
    let file = file.map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(fault::locked(path)),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// The number of the format that this code writes. Counted up when records or keys change so that
/// older code cannot read them.
const FORMAT: u64 = 2;

/// The format that had no register.
const WITHOUT_REGISTER: u64 = 1;
