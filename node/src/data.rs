//! The data directory: everything that a node keeps.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use stratus_api::OwnerToken;
use stratus_event::{Fault, Whose};
use stratus_store::Beside;

use crate::exit::Failure;

/// A directory with the node's key, the owner's token, the store, the configuration and, while the
/// node runs, the address of its API.
#[derive(Clone, Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
}

impl DataDirectory {
    /// The given directory, or the usual one of this user (XDG base directories).
    pub(crate) fn locate(given: Option<PathBuf>) -> Result<Self, Failure> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        let usual = || usual(variable("XDG_DATA_HOME"), variable("HOME"));
        let path = given.or_else(usual).ok_or_else(homeless)?;
        Ok(Self { path })
    }

    /// Makes the directory, for this user only, unless it is there.
    pub(crate) fn create(&self) -> Result<(), Failure> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path);
        let above = self.path.parent().filter(|above| above.is_dir());
        let durable = made.and_then(|()| above.map_or(Ok(()), sync_folder));
        durable.map_err(|e| self.unusable(&self.path, "made", &e))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    /// Where the configuration is, if the owner wrote one.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.path.join("stratus.toml")
    }

    /// The seed of the node's key; made at the first start.
    pub(crate) fn node_key(&self) -> Result<[u8; 32], Failure> {
        let path = self.path.join("node.key");
        let bytes = self.secret(&path, || random().map(Vec::from))?;
        <[u8; 32]>::try_from(bytes).map_err(|bytes| {
            let message = format!("{} has {} bytes, not 32", path.display(), bytes.len());
            let fault = Fault::new(Whose::World, "node-key-unusable", message);
            fault
                .hint("restore the node's key file from a backup")
                .into()
        })
    }

    /// The owner's token; made at the first start.
    pub(crate) fn make_owner_token(&self) -> Result<OwnerToken, Failure> {
        let path = self.path.join("owner.token");
        let made = || random().map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes).into_bytes());
        self.token(&path, self.secret(&path, made)?)
    }

    /// The owner's token of a node that has been started before.
    pub(crate) fn owner_token(&self) -> Result<OwnerToken, Failure> {
        let path = self.path.join("owner.token");
        let bytes = fs::read(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => self.not_running(),
            _ => self.unusable(&path, "read", &e),
        })?;
        self.token(&path, bytes)
    }

    /// Where the API of the running node is.
    pub(crate) fn api_url(&self) -> Result<String, Failure> {
        let path = self.path.join("api.url");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(self.not_running()),
            Err(e) => Err(self.unusable(&path, "read", &e)),
        }
    }

    /// Says to other commands where the API is. They see the whole address or none.
    pub(crate) fn write_api_url(&self, url: &str) -> Result<(), Failure> {
        let (path, new) = (self.path.join("api.url"), self.path.join("api.url.new"));
        let written = fs::write(&new, format!("{url}\n")).and_then(|()| fs::rename(&new, &path));
        written.map_err(|e| self.unusable(&path, "written", &e))
    }

    /// Says that the API is gone.
    pub(crate) fn remove_api_url(&self) {
        // If this fails the next command finds nobody at the address, and says so.
        let _ = fs::remove_file(self.path.join("api.url"));
    }

    /// The port that was used last for something, so that a later start uses it again.
    pub(crate) fn port(&self, of: Port) -> Option<u16> {
        fs::read_to_string(self.path.join(of.file()))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Keeps the port for the next start.
    pub(crate) fn keep_port(&self, of: Port, port: u16) -> Result<(), Failure> {
        let path = self.path.join(of.file());
        let written = fs::write(&path, format!("{port}\n"));
        written.map_err(|e| self.unusable(&path, "written", &e))
    }

    /// What belongs to the node and is not in the store.
    pub(crate) fn beside(&self) -> Result<Beside, Failure> {
        let mut beside = Beside::new();
        for name in BESIDE {
            let path = self.path.join(name);
            match fs::read(&path) {
                Ok(content) => drop(beside.insert(name.to_owned(), content)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(self.unusable(&path, "read", &e)),
            }
        }
        Ok(beside)
    }

    /// A directory beside this one, which must be empty or not there, in which it is made of a
    /// backup. What an earlier attempt left there is removed.
    pub(crate) fn begin_restoring(&self) -> Result<Self, Failure> {
        if fs::read_dir(&self.path).is_ok_and(|mut entries| entries.next().is_some()) {
            let message = format!("{} is not empty", self.path.display());
            let fault = Fault::new(Whose::Caller, "data-not-empty", message);
            return Err(fault
                .hint("restore into another directory: --data DIR")
                .into());
        }
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".restoring");
        let draft = Self {
            path: self.path.with_file_name(name),
        };
        if draft.path.exists() {
            let removed = fs::remove_dir_all(&draft.path);
            removed.map_err(|e| self.unusable(&draft.path, "removed", &e))?;
        }
        draft.create()?;
        Ok(draft)
    }

    /// Puts back what is not in the store. Only what a backup has is taken from it.
    pub(crate) fn put_beside(&self, beside: &Beside) -> Result<(), Failure> {
        for (name, content) in beside
            .iter()
            .filter(|(name, _)| BESIDE.contains(&name.as_str()))
        {
            let path = self.path.join(name);
            write_new(&path, content).map_err(|e| self.unusable(&path, "written", &e))?;
        }
        Ok(())
    }

    /// Gives this directory the place of that one, which is empty or not there.
    pub(crate) fn become_whole(&self, target: &Self) -> Result<(), Failure> {
        let moved = fs::rename(&self.path, &target.path).and_then(|()| {
            let above = target.path.parent().filter(|above| above.is_dir());
            above.map_or(Ok(()), sync_folder)
        });
        moved.map_err(|e| self.unusable(&target.path, "made", &e))
    }

    /// The failure of a command that needs a running node.
    pub(crate) fn not_running(&self) -> Failure {
        let message = format!("no node runs with its data in {}", self.path.display());
        let start = format!("run `stratus up{}` in another terminal", self.flag());
        Fault::new(Whose::World, "node-not-running", message)
            .hint(start)
            .into()
    }

    /// ` --data DIR`, if commands need it to find this directory.
    pub(crate) fn flag(&self) -> String {
        let usual = Self::locate(None).is_ok_and(|usual| usual.path == self.path);
        let given = std::env::var_os("STRATUS_DATA").is_some_and(|given| given == *self.path);
        if usual || given {
            String::new()
        } else {
            format!(" --data {}", self.path.display())
        }
    }

    /// Reads a file that only this user may read; makes it first if it is not there.
    fn secret(
        &self,
        path: &Path,
        make: impl FnOnce() -> Result<Vec<u8>, Failure>,
    ) -> Result<Vec<u8>, Failure> {
        match fs::read(path) {
            Ok(bytes) => {
                self.close_to_others(path)?;
                Ok(bytes)
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let bytes = make()?;
                write_new(path, &bytes).map_err(|e| self.unusable(path, "written", &e))?;
                Ok(bytes)
            }
            Err(e) => Err(self.unusable(path, "read", &e)),
        }
    }

    /// A copied or restored file may have lost its mode.
    fn close_to_others(&self, path: &Path) -> Result<(), Failure> {
        if is_open_to_others(path) {
            tracing::warn!("{} could be read by others; now it cannot", path.display());
            let closed = fs::set_permissions(path, Permissions::from_mode(0o600));
            closed.map_err(|e| self.unusable(path, "closed to others", &e))?;
        }
        Ok(())
    }

    fn token(&self, path: &Path, bytes: Vec<u8>) -> Result<OwnerToken, Failure> {
        let text = String::from_utf8(bytes).ok();
        text.and_then(|text| OwnerToken::new(text.trim()))
            .ok_or_else(|| {
                let message = format!("{} holds no token", path.display());
                let remedy = format!(
                    "stop the node, remove the file, run `stratus up{}`",
                    self.flag()
                );
                Fault::new(Whose::World, "owner-token-unusable", message)
                    .hint(remedy)
                    .into()
            })
    }

    fn unusable(&self, path: &Path, verb: &str, error: &io::Error) -> Failure {
        let message = format!("{} cannot be {verb}", path.display());
        let fault = Fault::new(Whose::World, "data-unusable", message);
        let hint = format!(
            "look at who owns {} and whether the disk is full",
            self.path.display()
        );
        Failure::caused(fault.hint(hint), error)
    }
}

/// A file that gets its name when all of it is on the disk. Without that nothing is left of it.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    draft: PathBuf,
    file: File,
}

impl NewFile {
    /// Begins a file, which must not be there, for this user only.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        if path.exists() {
            let message = format!("{} is there already", path.display());
            let fault = Fault::new(Whose::Caller, "file-exists", message);
            return Err(fault.hint("give another name, or remove it first").into());
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let draft = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&draft).map_err(|e| unwritable(path, &e))?;
        Ok(Self {
            path: path.to_owned(),
            draft,
            file,
        })
    }

    /// What is written goes here.
    pub(crate) fn writer(&mut self) -> &mut File {
        &mut self.file
    }

    /// Where it is until it has its name.
    pub(crate) fn draft(&self) -> &Path {
        &self.draft
    }

    /// Makes it durable, and then gives it its name.
    pub(crate) fn keep(self) -> Result<(), Failure> {
        let kept = self.file.sync_all().and_then(|()| {
            fs::rename(&self.draft, &self.path)?;
            let folder = self.path.parent().filter(|folder| folder.is_dir());
            folder.map_or(Ok(()), sync_folder)
        });
        kept.map_err(|e| unwritable(&self.path, &e))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // One that has its name is no longer here.
        let _ = fs::remove_file(&self.draft);
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be written", path.display());
    Failure::caused(Fault::new(Whose::Caller, "file-unwritable", message), error)
}

/// What a node listens for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// Requests to the API.
    Api,
    /// Other nodes.
    Nodes,
}

impl Port {
    fn file(self) -> &'static str {
        match self {
            Self::Api => "api.port",
            Self::Nodes => "listen.port",
        }
    }
}

/// Whether users other than the owner of the file may read it.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// Reads a file that the user names, or standard input if she names `-`.
pub(crate) fn read_named(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map(|_| text).map_err(|e| {
        let message = format!("{} cannot be read", path.display());
        Failure::caused(Fault::new(Whose::Caller, "file-unreadable", message), &e)
    })
}

/// Writes all of a new file to the disk, and then gives it its name.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Makes the names in a folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The files of the data directory that a backup takes along.
const BESIDE: [&str; 5] = [
    "node.key",
    "owner.token",
    "stratus.toml",
    "api.port",
    "listen.port",
];

fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Failure::from(io::Error::other(e)))?;
    Ok(bytes)
}

fn usual(xdg: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let share = || home.filter(absolute).map(|home| home.join(".local/share"));
    let shared = xdg.filter(absolute).or_else(share)?;
    Some(shared.join("stratus"))
}

fn homeless() -> Failure {
    Fault::new(
        Whose::Caller,
        "data-directory-unknown",
        "it is not known where your data is",
    )
    .hint("say it with --data DIR, or set HOME")
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn code<T>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Fault(fault, _)) => fault.code.into_owned(),
            _ => String::new(),
        }
    }

    fn fresh() -> (tempfile::TempDir, DataDirectory) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::locate(Some(folder.path().join("a/b"))).unwrap();
        data.create().unwrap();
        (folder, data)
    }

    #[test]
    fn secrets_are_made_once_and_kept_from_others() {
        let (_folder, data) = fresh();
        assert_eq!(mode(data.path()), 0o700);
        assert_eq!(data.node_key().unwrap(), data.node_key().unwrap());
        let token = data.make_owner_token().unwrap();
        assert_eq!(data.owner_token().unwrap().expose(), token.expose());
        assert_eq!(mode(&data.path().join("node.key")), 0o600);
        assert_eq!(mode(&data.path().join("owner.token")), 0o600);
        fs::set_permissions(data.path().join("node.key"), Permissions::from_mode(0o644)).unwrap();
        data.node_key().unwrap();
        assert_eq!(mode(&data.path().join("node.key")), 0o600);
    }

    #[test]
    fn the_usual_directory_follows_xdg() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(usual(path("/x"), path("/h")), path("/x/stratus"));
        assert_eq!(
            usual(path("x"), path("/h")),
            path("/h/.local/share/stratus")
        );
        assert_eq!(usual(None, path("/h")), path("/h/.local/share/stratus"));
        assert_eq!(usual(None, path("")), None);
        assert_eq!(usual(None, None), None);
        assert_eq!(code::<()>(Err(homeless())), "data-directory-unknown");
    }

    #[test]
    fn what_is_broken_is_named() {
        let (_folder, data) = fresh();
        assert_eq!(code(data.owner_token()), "node-not-running");
        assert_eq!(code(data.api_url()), "node-not-running");
        fs::write(data.path().join("node.key"), "short").unwrap();
        assert_eq!(code(data.node_key()), "node-key-unusable");
        fs::write(data.path().join("owner.token"), "short").unwrap();
        assert_eq!(code(data.owner_token()), "owner-token-unusable");
        fs::create_dir(data.path().join("api.url")).unwrap();
        assert_eq!(code(data.api_url()), "data-unusable");
        assert_eq!(code(read_named(Path::new("/nowhere"))), "file-unreadable");
    }

    #[test]
    fn ports_are_kept_apart() {
        let (_folder, data) = fresh();
        assert_eq!(data.port(Port::Api), None);
        data.keep_port(Port::Api, 4801).unwrap();
        assert_eq!(
            (data.port(Port::Api), data.port(Port::Nodes)),
            (Some(4801), None)
        );
    }

    #[test]
    fn the_api_is_found_while_it_is_there() {
        let (_folder, data) = fresh();
        data.write_api_url("http://127.0.0.1:4800").unwrap();
        assert_eq!(data.api_url().unwrap(), "http://127.0.0.1:4800");
        data.remove_api_url();
        assert_eq!(code(data.api_url()), "node-not-running");
    }
}
