//! `stratus krl check`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use stratus_event::{Fault, Whose};
use stratus_krl::{check, check_together};
use stratus_krl_syntax::{Diagnostic, Severity, line_column};

use crate::{data, exit::Failure, render};

/// Say what is wrong with KRL files
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// KRL files, or - for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Take the files for all that is installed, and say which raised events no rule selects
    #[arg(long)]
    together: bool,
    /// Print what is found as JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut shown = Vec::new();
        let mut problems = 0;
        for (source, name, found) in self.found()? {
            problems += errors(&found);
            for diagnostic in &found {
                if self.json {
                    shown.push(Shown::new(diagnostic, &source, &name));
                } else {
                    let text = stratus_krl_syntax::render(diagnostic, &source, &name);
                    render::line(text.trim_end())?;
                }
            }
        }
        if self.json {
            render::json(&shown)?;
        }
        verdict(problems)
    }
}

impl Check {
    /// Each source with its name and what there is to say about it.
    fn found(&self) -> Result<Vec<(String, String, Vec<Diagnostic>)>, Failure> {
        let mut sources = Vec::new();
        for file in &self.files {
            sources.push((data::read_named(file)?, file.display().to_string()));
        }
        let texts: Vec<&str> = sources.iter().map(|(source, _)| source.as_str()).collect();
        let mut together = if self.together {
            check_together(&texts)
        } else {
            Vec::new()
        };
        let mut found: Vec<_> = texts.iter().map(|source| check(source)).collect();
        for (number, diagnostic) in together.drain(..) {
            if let Some(found) = found.get_mut(number) {
                found.push(diagnostic);
            }
        }
        let found = sources.into_iter().zip(found);
        Ok(found
            .map(|((source, name), found)| (source, name, found))
            .collect())
    }
}

/// A diagnostic as data.
#[derive(Debug, Serialize)]
struct Shown {
    file: String,
    line: usize,
    column: usize,
    severity: &'static str,
    code: &'static str,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    labels: Vec<Label>,
}

/// A place that a diagnostic points at.
#[derive(Debug, Serialize)]
struct Label {
    line: usize,
    column: usize,
    text: String,
}

impl Shown {
    fn new(diagnostic: &Diagnostic, source: &str, file: &str) -> Self {
        let (line, column) = line_column(source, diagnostic.span().start);
        let labels = diagnostic.labels.iter().map(|(span, text)| {
            let (line, column) = line_column(source, span.start);
            let text = text.clone();
            Label { line, column, text }
        });
        Self {
            file: file.to_owned(),
            line,
            column,
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: diagnostic.code,
            title: diagnostic.title.clone(),
            help: diagnostic.help.clone(),
            labels: labels.collect(),
        }
    }
}

fn errors(found: &[Diagnostic]) -> usize {
    let errors = found.iter();
    errors
        .filter(|found| found.severity == Severity::Error)
        .count()
}

/// The end of a command that found problems.
pub(super) fn verdict(problems: usize) -> Result<(), Failure> {
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

    fn shown(source: &str) -> Vec<String> {
        let found = check(source);
        let shown = found.iter().map(|found| Shown::new(found, source, "x.krl"));
        shown
            .map(|shown| format!("{} {}:{}", shown.code, shown.line, shown.column))
            .collect()
    }

    #[test]
    fn what_is_wrong_is_found_with_its_place() {
        assert!(shown("ruleset x { rule a { select when b c } }").is_empty());
        assert_eq!(shown("ruleset x { rule }"), ["krl-expected 1:18"]);
        let undefined = "ruleset x { rule a { select when b c if d then noop() } }";
        assert_eq!(shown(undefined), ["krl-name-undefined 1:41"]);
        assert_eq!(errors(&check(undefined)), 1);
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
