//! `stratus krl`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use stratus_event::{Fault, Whose};
use stratus_krl_syntax::{Severity, parse_ruleset};
use stratus_pen::language::Language;

use crate::{data, exit::Failure, render};

/// Work with KRL files; needs no node
#[derive(Debug, Subcommand)]
pub(crate) enum Krl {
    /// Say what is wrong with KRL files
    Check(Check),
}

impl Krl {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
        }
    }
}

/// Say what is wrong with KRL files
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// KRL files, or - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        let mut problems = 0;
        for file in &self.files {
            let (source, name) = (data::read_named(file)?, file.display().to_string());
            let found = findings(&source, &name);
            problems += found.errors;
            found
                .texts
                .iter()
                .try_for_each(|text| render::line(text.trim_end()))?;
        }
        verdict(problems)
    }
}

/// What there is to say about a ruleset.
#[derive(Debug, Default)]
struct Findings {
    texts: Vec<String>,
    errors: usize,
}

/// What a text means is looked at only once it can be read.
fn findings(source: &str, name: &str) -> Findings {
    let mut found = Findings::default();
    for diagnostic in parse_ruleset(source).diagnostics {
        found
            .texts
            .push(stratus_krl_syntax::render(&diagnostic, source, name));
        found.errors += usize::from(diagnostic.severity == Severity::Error);
    }
    if found.errors == 0 {
        let faults = stratus_krl::Krl.compile(source).err().unwrap_or_default();
        found.errors = faults.len();
        found
            .texts
            .extend(faults.iter().map(|fault| meaning(fault, name)));
    }
    found
}

fn meaning(fault: &Fault, name: &str) -> String {
    let hint = fault.hint.iter().map(|hint| format!("\n  hint: {hint}"));
    format!("{name}: {fault}{}", hint.collect::<String>())
}

fn verdict(problems: usize) -> Result<(), Failure> {
    let message = match problems {
        0 => return Ok(()),
        1 => "there is 1 problem".to_owned(),
        n => format!("there are {n} problems"),
    };
    Err(Fault::new(Whose::Caller, "krl-problems", message).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, errors: usize, expected: &str) {
        let found = findings(source, "x.krl");
        assert_eq!(found.errors, errors, "{found:?}");
        assert!(found.texts.concat().contains(expected), "{found:?}");
    }

    #[test]
    fn what_is_wrong_is_found_with_its_place() {
        check("ruleset x { rule a { select when b c } }", 0, "");
        check("ruleset x { rule }", 1, "x.krl:1:18");
        check(
            "ruleset x { rule a { select when b c pre { d = e } } }",
            1,
            "line 1, column",
        );
    }

    #[test]
    fn problems_are_a_failure() {
        assert!(verdict(0).is_ok());
        let Err(Failure::Fault(fault, _)) = verdict(2) else {
            panic!("no failure")
        };
        assert_eq!(
            (&*fault.code, &*fault.message),
            ("krl-problems", "there are 2 problems")
        );
    }
}
