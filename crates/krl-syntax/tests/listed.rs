//! Three hundred changes of one token in public rulesets, none of which can be valid: each must be
//! told as an error. `listed.tsv` has a line for each: the file, the line and the column of the
//! token, what it is, what it becomes, and why that is wrong in both generations.
//!
//! The rulesets are read from the folder that `STRATUS_KRL_CORPUS` names; none is kept here.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads its corpus from files and may panic"
)]

use std::{collections::BTreeSet, env, fs, path::Path};

use stratus_krl_syntax::parse_ruleset;

#[test]
fn listed_changes_of_one_token_are_rejected() {
    let Ok(folder) = env::var("STRATUS_KRL_CORPUS") else {
        let required = env::var("STRATUS_REQUIRE").unwrap_or_default();
        assert!(
            !required.contains("corpus"),
            "STRATUS_KRL_CORPUS names no folder"
        );
        println!("listed changes: skipped, STRATUS_KRL_CORPUS names no folder");
        return;
    };
    let changes: Vec<_> = LISTED.lines().map(Change::read).collect();
    let wrong = changes.iter().filter_map(|change| {
        let told = change.told(Path::new(&folder)).err()?;
        let Change { file, line, .. } = change;
        Some(format!("{file}:{line}: {}: {told}", change.reason))
    });
    let wrong: Vec<_> = wrong.collect();
    let files: BTreeSet<_> = changes.iter().map(|change| change.file).collect();
    println!(
        "{} changes in {} rulesets, {} of them not as they should be",
        changes.len(),
        files.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_list_is_whole() {
    let changes: Vec<_> = LISTED.lines().map(Change::read).collect();
    assert_eq!(changes.len(), 300);
    let places = changes.iter().map(|one| (one.file, one.line, one.column));
    let places: BTreeSet<_> = places.collect();
    assert_eq!(places.len(), 300);
    for folder in ["k3/", "kre/", "modern/", "pe/"] {
        assert!(changes.iter().any(|change| change.file.starts_with(folder)));
    }
    assert!(changes.iter().all(|change| change.token != change.becomes));
}

/// A line of the list.
struct Change<'a> {
    file: &'a str,
    /// Counted from 1, as the column is, which counts characters.
    line: usize,
    column: usize,
    token: &'a str,
    /// Nothing if the token is taken away.
    becomes: &'a str,
    reason: &'a str,
}

impl<'a> Change<'a> {
    fn read(line: &'a str) -> Self {
        let fields: Vec<_> = line.split('\t').collect();
        let [file, line, column, token, becomes, reason] = fields[..] else {
            panic!("six fields: {line}")
        };
        Self {
            file,
            line: line.parse().unwrap(),
            column: column.parse().unwrap(),
            token,
            becomes: if becomes == "(deleted)" { "" } else { becomes },
            reason,
        }
    }

    /// That the ruleset is right, and with the change is not.
    fn told(&self, folder: &Path) -> Result<(), &'static str> {
        let bytes = fs::read(folder.join(self.file)).map_err(|_| "no such file")?;
        let source = String::from_utf8_lossy(&bytes);
        let at = self.offset(&source).ok_or("no such place")?;
        let (before, rest) = source.split_at(at);
        let after = rest.strip_prefix(self.token).ok_or("another token")?;
        let mutant = format!("{before} {} {after}", self.becomes);
        match (parse_ruleset(&source), parse_ruleset(&mutant)) {
            (right, _) if right.has_errors() => Err("wrong without the change"),
            (_, mutant) if !mutant.has_errors() => Err("accepted"),
            _ => Ok(()),
        }
    }

    /// Where the token begins.
    fn offset(&self, source: &str) -> Option<usize> {
        let mut lines = source.split_inclusive('\n');
        let start: usize = lines.by_ref().take(self.line - 1).map(str::len).sum();
        let (column, _) = lines.next()?.char_indices().nth(self.column - 1)?;
        Some(start + column)
    }
}

const LISTED: &str = include_str!("listed.tsv");
