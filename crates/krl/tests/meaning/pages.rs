//! The manual and the fixtures are held to what they say, and every code has its page.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[test]
fn the_pages_are_true() {
    let mut checks = 0;
    let mut problems = Vec::new();
    for page in files("spec/krl", "md")
        .into_iter()
        .chain(files("tests/krl", "md"))
    {
        let report = stratus_krl::test(&read(&page));
        checks += report.checks;
        let told = report.problems.into_iter();
        problems
            .extend(told.map(|told| format!("{}:{}: {}", page.display(), told.line, told.message)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(checks > 0, "nothing was looked at");
}

#[test]
fn every_code_has_a_page() {
    let mut used = BTreeSet::new();
    for folder in [
        "crates/krl/src",
        "crates/krl-syntax/src",
        "node/src/commands/krl",
    ] {
        for file in files(folder, "rs") {
            let text = read(&file);
            let code = text.split("#[cfg(test)]").next().unwrap();
            used.extend(
                code.split('"')
                    .filter(|word| is_code(word))
                    .map(str::to_owned),
            );
        }
    }
    let known = stratus_krl::codes().filter(|code| code.starts_with("krl-"));
    let known: BTreeSet<String> = known.map(str::to_owned).collect();
    assert_eq!(used, known);
}

fn is_code(word: &str) -> bool {
    let rest = word.strip_prefix("krl-");
    rest.is_some_and(|rest| {
        rest.chars()
            .all(|letter| letter == '-' || letter.is_ascii_lowercase())
    })
}

#[expect(clippy::disallowed_methods, reason = "the pages are files")]
fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    below(&root.join(folder), extension)
}

/// All files of that extension below a folder, in order.
pub(crate) fn below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
