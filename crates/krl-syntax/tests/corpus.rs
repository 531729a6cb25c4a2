//! Rulesets: the small corpus in `own/`, and any folder of public ones that `STRATUS_KRL_CORPUS`
//! names. They are read from where they are; none is kept here.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test reads its corpus from files and says how many there were"
)]

#[path = "common/tree.rs"]
mod tree;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use stratus_krl_syntax::{Tree, ast::Generation, format, parse_ruleset, print, render};
use tree::without_spans;

#[test]
fn our_own_rulesets_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/own");
    let (right, all) = hold(&folder);
    assert!(right > 4);
    assert_eq!(right, all);
}

#[test]
fn public_rulesets_hold() {
    let Ok(folder) = env::var("STRATUS_KRL_CORPUS") else {
        println!("corpus: skipped, STRATUS_KRL_CORPUS names no folder");
        return;
    };
    let (right, all) = hold(Path::new(&folder));
    let expected = REJECTED.iter().filter(|(name, _)| {
        let found = all_files(Path::new(&folder));
        found.iter().any(|file| file.ends_with(name))
    });
    assert_eq!(right + expected.count(), all, "see FAIL above");
}

/// How many rulesets of a folder are accepted, and how many there are. What is accepted must hold.
fn hold(folder: &Path) -> (usize, usize) {
    let files = all_files(folder);
    let (mut right, mut classic) = (0, 0);
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let source = String::from_utf8_lossy(&bytes);
        let parsed = parse_ruleset(&source);
        let tree = Tree::parse(&*source);
        assert_eq!(tree.text(), source, "{}", file.display());
        if parsed.has_errors() {
            let name = file.display().to_string();
            println!("FAIL {}", render(&parsed.diagnostics[0], &source, &name));
            continue;
        }
        right += 1;
        classic += usize::from(parsed.generation() == Generation::Classic);
        properties(&source, &file.display().to_string());
    }
    println!(
        "{}: {right} of {} accepted, {classic} of them classic",
        folder.display(),
        files.len()
    );
    (right, files.len())
}

/// What holds for every ruleset without errors.
fn properties(source: &str, name: &str) {
    let ruleset = parse_ruleset(source).complete().unwrap();
    let shape = without_spans(&ruleset);
    let printed = print(&ruleset);
    let again = parse_ruleset(&printed);
    let told: String = again
        .diagnostics
        .iter()
        .map(|one| render(one, &printed, name))
        .collect();
    assert_eq!(told, "", "{name}");
    assert_eq!(
        without_spans(&again.ruleset.unwrap()),
        shape,
        "printed {name}\n{printed}"
    );

    let formatted = format(source).unwrap();
    let again = parse_ruleset(&formatted).complete();
    let again = again.map_err(|all| render(&all[0], &formatted, name));
    let again = again.unwrap_or_else(|told| panic!("formatted {name}: {told}"));
    assert_eq!(
        without_spans(&again),
        shape,
        "formatted {name}\n{formatted}"
    );
    assert_eq!(format(&formatted).unwrap(), formatted, "twice {name}");
    assert_eq!(comments(source), comments(&formatted), "comments of {name}");
}

fn comments(source: &str) -> Vec<String> {
    Tree::parse(source).comments().map(str::to_owned).collect()
}

/// All files of a folder that end in `.krl`, sorted.
fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "krl") {
            files.push(path);
        }
    }
}

/// Public rulesets that are no KRL, each with the reason.
const REJECTED: [(&str, &str); 5] = [
    (
        "events/b8d.krl",
        "typographic quotes; the 2012 grammar rejects it too",
    ),
    (
        "events/keyword3.krl",
        "typographic quotes; the 2012 grammar rejects it too",
    ),
    (
        "api/fuse_trips.krl",
        "a function's result in parentheses stands behind a call with no `;` between them, which is \
         a call of the call's result, as in pico-engine",
    ),
    (
        "legacy/krl/io.picolabs.wrangler.krl",
        "`returns`; pico-engine 1.4 rejects it too",
    ),
    (
        "samples/echo_server.krl",
        "an expression for a statement; pico-engine 1.4 rejects it too",
    ),
];
