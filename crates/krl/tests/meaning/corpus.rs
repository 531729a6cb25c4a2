//! Rulesets of others, where there are any: `STRATUS_KRL_CORPUS` names folders, separated by colons.

use std::{collections::BTreeMap, fs, path::Path};

use stratus_krl_syntax::Severity;

/// Prints how many are accepted, and which codes refuse the others.
#[test]
#[expect(clippy::disallowed_methods, reason = "the corpus is files")]
fn rulesets_of_others_are_accepted() {
    let folders = std::env::var("STRATUS_KRL_CORPUS").unwrap_or_default();
    for folder in folders.split(':').filter(|folder| !folder.is_empty()) {
        let (mut accepted, mut refused) = (0, 0);
        let mut codes = BTreeMap::<String, usize>::new();
        for file in super::pages::below(Path::new(folder), "krl") {
            let Ok(source) = fs::read_to_string(&file) else {
                continue;
            };
            let found = stratus_krl::check(&source);
            let mut errors = found
                .iter()
                .filter(|found| found.severity == Severity::Error);
            match errors.next() {
                None => accepted += 1,
                Some(error) => {
                    refused += 1;
                    *codes.entry(error.code.to_owned()).or_default() += 1;
                    println!("{}: {}: {}", file.display(), error.code, error.title);
                }
            }
        }
        println!("{folder}: {accepted} accepted, {refused} refused: {codes:?}");
    }
}
