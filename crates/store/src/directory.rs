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
    format: u64,
}

impl Directory {
    /// Makes the directory if need be, and takes it.
    pub(crate) fn take(path: &Path) -> Result<Self, Fault> {
        let unusable = |error: io::Error| fault::unusable(path, &error);
        make(path).map_err(unusable)?;
        let lock = lock(path)?;
        let mut directory = Self {
            path: path.to_owned(),
            _lock: lock,
            format: FORMAT,
        };
        match fs::read_to_string(directory.format_file()) {
            Ok(found) => directory.format = directory.read_format(&found)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                directory.begin().map_err(unusable)?;
            }
            Err(error) => return Err(unusable(error)),
        }
        Ok(directory)
    }

    /// Takes a directory that has a store.
    pub(crate) fn take_existing(path: &Path) -> Result<Self, Fault> {
        if !path.join(FORMAT_FILE).exists() {
            return Err(fault::absent(path));
        }
        Self::take(path)
    }

    /// Makes a directory for a store of that format, where there is none.
    pub(crate) fn make_in_format(path: &Path, format: u64) -> Result<Self, Fault> {
        let unusable = |error: io::Error| fault::unusable(path, &error);
        make(path).map_err(unusable)?;
        let directory = Self {
            path: path.to_owned(),
            _lock: lock(path)?,
            format,
        };
        if directory.database().exists() || directory.format_file().exists() {
            return Err(fault::occupied(path));
        }
        directory.write_format(format).map_err(unusable)?;
        Ok(directory)
    }

    /// The format in which the database is.
    pub(crate) fn format(&self) -> u64 {
        self.format
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Says that the database is in another format now. Under another name first, so that the file
    /// is there as a whole or not at all.
    pub(crate) fn write_format(&self, format: u64) -> io::Result<()> {
        let draft = self.path.join("format.new");
        let mut file = File::create(&draft)?;
        writeln!(file, "{format}")?;
        file.sync_all()?;
        fs::rename(draft, self.format_file())?;
        File::open(&self.path)?.sync_all()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("database")
    }

    /// How many commits there were, as far as that is known beside the database.
    pub(crate) fn commits(&self) -> PathBuf {
        self.path.join("commits")
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

    fn format_file(&self) -> PathBuf {
        self.path.join(FORMAT_FILE)
    }

    fn read_format(&self, found: &str) -> Result<u64, Fault> {
        match found.trim().parse::<u64>() {
            Ok(format) if (FORMAT_FIRST..=FORMAT).contains(&format) => Ok(format),
            Ok(newer) if newer > FORMAT => Err(fault::version(&self.path, found.trim())),
            _ => Err(fault::corrupt(
                &self.format_file(),
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
        self.write_format(FORMAT)
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
/// older code cannot read them; `migrate` has a step from each to the next.
pub(crate) const FORMAT: u64 = 2;

/// The first format that there was.
const FORMAT_FIRST: u64 = 1;

const FORMAT_FILE: &str = "format";
