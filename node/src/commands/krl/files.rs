//! The files that a command is given.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{data, exit::Failure};

/// The texts of the files that a command is given.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Those that could be read, in the order in which they were named.
    pub(super) texts: Vec<Text>,
    /// Those that could not, with the reason.
    pub(super) unreadable: Vec<(String, Failure)>,
}

/// A file's text.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) source: String,
}

impl Files {
    /// Reads files; a folder stands for all files below it with an extension. Those that cannot be
    /// read are told of at once, and the others are read nevertheless.
    pub(super) fn read(paths: &[PathBuf], extension: &str) -> Self {
        let mut files = Self::default();
        for path in named(paths, extension) {
            let name = path.display().to_string();
            match data::read_named(&path) {
                Ok(source) => files.texts.push(Text { path, name, source }),
                Err(failure) => {
                    failure.report();
                    files.unreadable.push((name, failure));
                }
            }
        }
        files
    }
}

/// The files that paths stand for: a folder for all files below it with an extension, by name.
fn named(paths: &[PathBuf], extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        let mut found = Vec::new();
        if path.is_dir() {
            below(path, extension, &mut found);
        }
        if found.is_empty() {
            // What cannot be read is told of when it is read.
            found.push(path.clone());
        }
        found.sort();
        files.append(&mut found);
    }
    files
}

/// Links to folders are not followed, so this comes to an end.
fn below(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        found.push(folder.to_owned());
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            below(&path, extension, found);
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_the_files_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("inner")).unwrap();
        for name in ["b.krl", "a.krl", "a.md", "inner/c.krl"] {
            fs::write(path(name), "").unwrap();
        }
        let all = named(
            &[path("b.krl"), folder.path().to_owned(), path("none")],
            "krl",
        );
        let names = ["b.krl", "a.krl", "b.krl", "inner/c.krl", "none"];
        assert_eq!(all, names.map(path));
        assert_eq!(named(&[path("inner")], "md"), [path("inner")]);
    }

    #[test]
    fn a_file_that_cannot_be_read_does_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.krl"), [0xff]).unwrap();
        fs::write(path("b.krl"), "ruleset b {}").unwrap();
        fs::create_dir(path("c.krl")).unwrap();
        let files = Files::read(&[folder.path().to_owned(), path("c.krl")], "krl");
        let texts: Vec<_> = files.texts.iter().map(|text| text.path.clone()).collect();
        assert_eq!(texts, [path("b.krl")]);
        let unreadable: Vec<_> = files.unreadable.iter().map(|(name, _)| name).collect();
        let names = [path("a.krl"), path("c.krl")];
        assert_eq!(
            unreadable,
            names
                .each_ref()
                .map(|name| name.display().to_string())
                .iter()
                .collect::<Vec<_>>()
        );
    }
}
