//! A disk that can lose what was not synced: `tests/power/disk.c`, preloaded into a node.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    process::Command,
};

use super::Random;
use crate::program::Node;

/// The disk below one node's data directory.
pub(super) struct Disk {
    root: PathBuf,
    mirror: PathBuf,
}

impl Disk {
    /// Puts the disk under a node that has not been started; none where no C compiler is.
    pub(super) fn under(node: &mut Node) -> Option<Self> {
        let library = node.folder().join("disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/power/disk.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .args(["-ldl", "-lpthread"])
            .status();
        if !built.is_ok_and(|status| status.success()) {
            return None;
        }
        let disk = Self {
            root: node.data(),
            mirror: node.folder().join("mirror"),
        };
        fs::create_dir_all(&disk.root).unwrap();
        fs::create_dir(&disk.mirror).unwrap();
        node.set_variable("LD_PRELOAD", library);
        node.set_variable("STRATUS_DISK_ROOT", disk.root.clone());
        node.set_variable("STRATUS_DISK_MIRROR", disk.mirror.clone());
        Some(disk)
    }

    /// From now on everything that is there is durable.
    pub(super) fn settle(&self) {
        fs::remove_dir_all(&self.mirror).unwrap();
        fs::create_dir(&self.mirror).unwrap();
        self.settle_folder(&self.root);
    }

    /// Makes the disk fail in this way (`full`, `sync` or `write`), or work again.
    pub(super) fn set_failing(&self, way: &str, failing: bool) {
        let sign = self.mirror.join(format!("fail.{way}"));
        if failing {
            fs::write(sign, "").unwrap();
        } else {
            fs::remove_file(sign).unwrap();
        }
    }

    /// Leaves what a power cut would: all that was synced, and of the rest as chance will have it.
    pub(super) fn cut(&self, random: &mut Random) {
        self.cut_folder(&self.root, random);
    }

    fn settle_folder(&self, folder: &Path) {
        let mut listing = Vec::new();
        for (name, inode) in entries(folder) {
            let path = folder.join(&name);
            listing.push(format!("{inode} {name}"));
            if path.is_dir() {
                self.settle_folder(&path);
            } else {
                write(&self.path("content", inode), &fs::read(&path).unwrap());
                fs::hard_link(&path, self.path("pin", inode)).unwrap();
            }
        }
        fs::write(self.path("listing", inode(folder)), listing.join("\n")).unwrap();
    }

    /// A name that only one of listing and folder has may be there after the cut or not.
    fn cut_folder(&self, folder: &Path, random: &mut Random) {
        let (synced, now) = (self.listing(inode(folder)), entries(folder));
        let mut names: Vec<_> = synced.keys().chain(now.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let path = folder.join(name);
            let is_new = random.below(2) == 1;
            match (synced.get(name), now.get(name)) {
                (Some(synced), Some(now)) if synced == now => {}
                (Some(synced), _) if !is_new => self.restore(&path, *synced),
                (None, Some(_)) if !is_new => remove(&path),
                _ => {}
            }
            if path.is_dir() {
                self.cut_folder(&path, random);
            } else if path.exists() {
                self.cut_file(&path, random);
            }
        }
    }

    /// Gives a file back that was removed or renamed, if its folder does not know of that yet.
    fn restore(&self, path: &Path, inode: u64) {
        let pin = self.path("pin", inode);
        if pin.exists() {
            remove(path);
            fs::hard_link(pin, path).unwrap();
        }
    }

    /// What was not synced may be there up to some byte, or here a page and there a page.
    fn cut_file(&self, path: &Path, random: &mut Random) {
        let durable = fs::read(self.path("content", inode(path))).unwrap_or_default();
        let now = fs::read(path).unwrap();
        if durable == now {
            return;
        }
        let torn = if random.below(2) == 0 {
            up_to_some_byte(&durable, &now, random)
        } else {
            here_and_there(&durable, &now, random)
        };
        let mode = fs::metadata(path).unwrap().permissions();
        // The file may have other names, which are to keep what they have.
        remove(path);
        write(path, &torn);
        fs::set_permissions(path, mode).unwrap();
    }

    fn listing(&self, folder: u64) -> BTreeMap<String, u64> {
        let text = fs::read_to_string(self.path("listing", folder)).unwrap_or_default();
        let entry = |line: &str| {
            let (inode, name) = line.split_once(' ').unwrap();
            (name.to_owned(), inode.parse().unwrap())
        };
        text.lines().map(entry).collect()
    }

    fn path(&self, kind: &str, inode: u64) -> PathBuf {
        self.mirror.join(format!("{kind}.{inode}"))
    }
}

fn up_to_some_byte(durable: &[u8], now: &[u8], random: &mut Random) -> Vec<u8> {
    let pages = now.chunks(PAGE_BYTES).zip(durable.chunks(PAGE_BYTES));
    let same = pages.take_while(|(now, durable)| now == durable).count() * PAGE_BYTES;
    // Files are made longer than what is in them; a cut in what is empty would tell nothing.
    let full = now
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    let end = same + random.below(full.saturating_sub(same) + 1);
    let end = end.min(now.len());
    let rest = durable.get(end..).unwrap_or_default();
    [&now[..end], rest].concat()
}

fn here_and_there(durable: &[u8], now: &[u8], random: &mut Random) -> Vec<u8> {
    let mut torn = durable.to_vec();
    for (page, bytes) in now.chunks(PAGE_BYTES).enumerate() {
        let (from, to) = (page * PAGE_BYTES, page * PAGE_BYTES + bytes.len());
        if durable.get(from..to) == Some(bytes) || random.below(2) == 0 {
            continue;
        }
        torn.resize(torn.len().max(to), 0);
        torn[from..to].copy_from_slice(bytes);
    }
    torn
}

/// Writes a file, with holes where it is empty: the database makes files of many megabytes for a
/// few bytes.
fn write(path: &Path, bytes: &[u8]) {
    let file = fs::File::create(path).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    for (page, bytes) in bytes.chunks(PAGE_BYTES).enumerate() {
        if bytes.iter().any(|byte| *byte != 0) {
            file.write_all_at(bytes, (page * PAGE_BYTES) as u64)
                .unwrap();
        }
    }
}

fn entries(folder: &Path) -> BTreeMap<String, u64> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, entry.metadata().unwrap().ino())
        })
        .collect()
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        fs::remove_file(path).unwrap();
    }
}

const PAGE_BYTES: usize = 4096;
