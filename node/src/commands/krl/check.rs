//! `stratus krl check`

use std::{fmt, path::PathBuf};

use clap::Args;
use serde::Serialize;
use stratus_event::{Fault, Whose};
use stratus_krl::{check, check_together};
use stratus_krl_syntax::{Diagnostic, Severity, ast::Generation, line_column, parse_ruleset};

use super::{
    EXIT,
    files::{Files, Text},
};
use crate::{exit::Failure, render};

/// Say what is wrong with KRL files
#[derive(Debug, Args)]
#[command(after_help = EXIT)]
pub(crate) struct Check {
    /// KRL files, folders of them, or - for standard input
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
        let files = Files::read(&self.files, "krl");
        let found = self.found(&files);
        let problems = found.iter().map(|found| errors(found)).sum::<usize>();
        let sources = files.texts.iter().zip(&found);
        if self.json {
            let checked = sources.map(|(text, found)| Checked::new(text, found));
            let unreadable = files.unreadable.iter().map(Checked::unreadable);
            render::json(&checked.chain(unreadable).collect::<Vec<_>>())?;
        } else {
            for (text, found) in sources {
                show(&text.name, &text.source, found)?;
            }
        }
        verdict(problems + files.unreadable.len())
    }

    /// What there is to say about each source.
    fn found(&self, files: &Files) -> Vec<Vec<Diagnostic>> {
        let texts = files.texts.iter().map(|text| text.source.as_str());
        let texts: Vec<&str> = texts.collect();
        let mut found: Vec<_> = texts.iter().map(|source| check(source)).collect();
        if self.together {
            for (number, diagnostic) in check_together(&texts) {
                if let Some(found) = found.get_mut(number) {
                    found.push(diagnostic);
                }
            }
        }
        found
    }
}

/// Prints what is found in a source, and for which generation of KRL it is taken.
fn show(name: &str, source: &str, found: &[Diagnostic]) -> Result<(), Failure> {
    tell(name, source, found)?;
    match Taken::of(source) {
        Some(generation) => render::line(format_args!("{name}: {generation}")),
        None => Ok(()),
    }
}

/// Prints what is found in a source.
pub(super) fn tell(name: &str, source: &str, found: &[Diagnostic]) -> Result<(), Failure> {
    for diagnostic in found {
        let text = stratus_krl_syntax::render(diagnostic, source, name);
        render::line(text.trim_end())?;
    }
    Ok(())
}

/// What is found in one file, as data.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    #[serde(flatten)]
    generation: Option<Taken>,
    /// Why the file could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Unreadable>,
    diagnostics: Vec<Shown>,
}

/// Why a file could not be read, as data.
#[derive(Debug, Serialize)]
pub(super) struct Unreadable {
    code: String,
    message: String,
}

impl Checked {
    fn new(text: &Text, found: &[Diagnostic]) -> Self {
        let found = found.iter().map(|found| Shown::new(found, &text.source));
        Self {
            file: text.name.clone(),
            generation: Taken::of(&text.source),
            error: None,
            diagnostics: found.collect(),
        }
    }

    fn unreadable((file, failure): &(String, Failure)) -> Self {
        Self {
            file: file.clone(),
            generation: None,
            error: Unreadable::of(failure),
            diagnostics: Vec::new(),
        }
    }
}

impl Unreadable {
    pub(super) fn of(failure: &Failure) -> Option<Self> {
        let (code, message) = failure.told()?;
        let code = code.to_owned();
        Some(Self { code, message })
    }
}

/// Which generation of KRL a ruleset is taken for.
#[derive(Debug, Serialize)]
struct Taken {
    generation: &'static str,
    /// The form that shows it; without one it is modern.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<Label>,
}

impl Taken {
    /// None if there is no ruleset.
    fn of(source: &str) -> Option<Self> {
        let parsed = parse_ruleset(source);
        let generation = match parsed.ruleset.as_ref()?.generation {
            Generation::Classic => "classic",
            Generation::Modern => "modern",
        };
        let form = parsed.evidence.map(|span| {
            let first = span.text(source).lines().next().unwrap_or_default();
            let printable = first.chars().filter(|character| !character.is_control());
            let text = printable.take(FORM_CHARACTERS_MAX).collect();
            let (line, column) = line_column(source, span.start);
            Label { line, column, text }
        });
        Some(Self { generation, form })
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KRL", self.generation)?;
        match &self.form {
            Some(Label { line, column, text }) => {
                write!(f, ", as `{text}` in line {line}, column {column} shows")
            }
            None => write!(f, ", as nothing in it is of one generation only"),
        }
    }
}

/// Characters that are shown of the form that shows the generation.
const FORM_CHARACTERS_MAX: usize = 40;

/// A diagnostic as data.
#[derive(Debug, Serialize)]
struct Shown {
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
    fn new(diagnostic: &Diagnostic, source: &str) -> Self {
        let (line, column) = line_column(source, diagnostic.span().start);
        let labels = diagnostic.labels.iter().map(|(span, text)| {
            let (line, column) = line_column(source, span.start);
            let text = text.clone();
            Label { line, column, text }
        });
        Self {
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

pub(super) fn errors(found: &[Diagnostic]) -> usize {
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
        let shown = found.iter().map(|found| Shown::new(found, source));
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
    fn the_generation_is_told_with_the_form_that_shows_it() {
        let told = |source: &str| Taken::of(source).map(|taken| taken.to_string());
        let check = |source: &str, expected: &str| {
            assert_eq!(told(source).as_deref(), Some(expected), "{source}");
        };
        check(
            "ruleset a {\n  rule b { select using \"c\" }\n}",
            "classic KRL, as `using` in line 2, column 19 shows",
        );
        check(
            "ruleset a.b { global { c = 'd' } }",
            "modern KRL, as `a.b` in line 1, column 9 shows",
        );
        check(
            "ruleset a {}",
            "modern KRL, as nothing in it is of one generation only",
        );
        assert_eq!(told("rule a {}"), None);
        let shown = serde_json::to_value(Checked {
            file: "x.krl".to_owned(),
            generation: Taken::of("ruleset 10 {}"),
            error: None,
            diagnostics: Vec::new(),
        });
        let form = serde_json::json!({"line": 1, "column": 9, "text": "10"});
        let expected = serde_json::json!({
            "file": "x.krl", "generation": "classic", "form": form, "diagnostics": [],
        });
        assert_eq!(shown.unwrap(), expected);
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
