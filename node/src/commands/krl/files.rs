//! The files that a command is given.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The files that paths stand for: a folder for all files below it with an extension, by name.
pub(super) fn named(paths: &[PathBuf], extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        let mut found = Vec::new();
        if path.is_dir() && below(path, extension, &mut found).is_ok() && !found.is_empty() {
            found.sort();
            files.append(&mut found);
        } else {
            // What cannot be read is told of when it is read.
            files.push(path.clone());
        }
    }
    files
}

/// Links to folders are not followed, so this comes to an end.
fn below(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            below(&path, extension, found)?;
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    Ok(())
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
}
