//! `stratus krl test`, `explain` and `doc`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use stratus_event::{Fault, Whose};

use super::{
    EXIT,
    check::{Unreadable, verdict},
    files::Files,
};
use crate::{data, exit::Failure, render};

/// Hold Markdown pages to what they say about their rulesets
#[derive(Debug, Args)]
#[command(after_help = EXIT)]
pub(crate) struct Test {
    /// Markdown files, or folders of them, with `krl`, `event` and `expect` blocks
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print what came of each file as JSON
    #[arg(long)]
    json: bool,
}

impl Test {
    pub(super) fn run(self) -> Result<(), Failure> {
        let files = Files::read(&self.files, "md");
        let texts = files.texts.iter();
        let tested = texts.map(|text| Tested::new(&text.name, stratus_krl::test(&text.source)));
        let tested: Vec<Tested> = tested.collect();
        let problems = tested.iter().map(|tested| tested.problems.len());
        let problems = problems.sum::<usize>() + files.unreadable.len();
        if self.json {
            let unreadable = files.unreadable.iter().map(Tested::unreadable);
            render::json(&tested.into_iter().chain(unreadable).collect::<Vec<_>>())?;
        } else {
            tested.iter().try_for_each(Tested::show)?;
        }
        verdict(problems)
    }
}

/// What came of a page, as data.
#[derive(Debug, Serialize)]
struct Tested {
    file: String,
    /// Why the file could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Unreadable>,
    checks: usize,
    problems: Vec<Problem>,
}

/// Where a page says something else than what happens.
#[derive(Debug, Serialize)]
struct Problem {
    line: usize,
    message: String,
}

impl Tested {
    fn new(file: &str, report: stratus_krl::Report) -> Self {
        let problems = report.problems.into_iter().map(|problem| Problem {
            line: problem.line,
            message: problem.message,
        });
        Self {
            file: file.to_owned(),
            error: None,
            checks: report.checks,
            problems: problems.collect(),
        }
    }

    fn unreadable((file, failure): &(String, Failure)) -> Self {
        Self {
            file: file.clone(),
            error: Unreadable::of(failure),
            checks: 0,
            problems: Vec::new(),
        }
    }

    fn show(&self) -> Result<(), Failure> {
        let Self {
            file,
            checks,
            problems,
            ..
        } = self;
        for Problem { line, message } in problems {
            render::line(format_args!("{file}:{line}: {message}"))?;
        }
        let kept = checks.saturating_sub(problems.len());
        render::line(format_args!(
            "{file}: {kept} of {checks} expectations are met"
        ))
    }
}

/// Say what an error code means
#[derive(Debug, Args)]
#[command(after_help = EXIT)]
pub(crate) struct Explain {
    /// The code, such as krl-name-undefined; without it, all that a ruleset can meet are listed
    code: Option<String>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Some(code) = self.code else {
            let codes: Vec<&str> = stratus_krl::codes().collect();
            return if self.json {
                render::json(&codes)
            } else {
                render::line(codes.join("\n"))
            };
        };
        let page = stratus_krl::explain(&code).ok_or_else(|| unknown(&code))?;
        if self.json {
            render::json(&serde_json::json!({ "code": code, "page": page }))
        } else {
            render::line(page)
        }
    }
}

fn unknown(code: &str) -> Failure {
    let near = stratus_krl::nearest_code(code);
    let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    let message = format!("there is no code {code}{near}");
    Fault::new(Whose::Caller, "krl-code-unknown", message)
        .hint("`stratus krl explain` lists all")
        .into()
}

/// Describe a ruleset in Markdown
#[derive(Debug, Args)]
#[command(after_help = EXIT)]
pub(crate) struct Doc {
    /// A KRL file, or - for standard input
    file: PathBuf,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Doc {
    pub(super) fn run(self) -> Result<(), Failure> {
        let page = stratus_krl::document(&data::read_named(&self.file)?);
        let page = page.ok_or_else(|| {
            let message = format!("there is no ruleset in {}", self.file.display());
            Failure::from(Fault::new(Whose::Caller, "krl-ruleset-missing", message))
        })?;
        if self.json {
            render::json(&serde_json::json!({ "markdown": page }))
        } else {
            render::line(page.trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_reported() {
        let report = stratus_krl::test("```expect\ndirective x\n```");
        let tested = Tested::new("x.md", report);
        let json = serde_json::to_string(&tested).unwrap();
        let expected = r#"{"file":"x.md","checks":1,"problems":[{"line":2,"message":"#;
        assert!(json.starts_with(expected), "{json}");
    }

    #[test]
    fn a_code_that_is_none_is_said_to_be() {
        let explain = Explain {
            code: Some("krl-nix".to_owned()),
            json: false,
        };
        let Err(Failure::Fault(fault, _)) = explain.run() else {
            panic!("no failure")
        };
        assert_eq!(&*fault.code, "krl-code-unknown");
        let (file, json) = ("/dev/null".into(), false);
        let Err(Failure::Fault(fault, _)) = Doc { file, json }.run() else {
            panic!("no failure")
        };
        assert_eq!(&*fault.code, "krl-ruleset-missing");
    }
}
