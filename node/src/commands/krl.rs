//! `stratus krl`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use stratus_event::{Fault, Whose};
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
            let source = data::read_named(file)?;
            let Err(faults) = stratus_krl::Krl.compile(&source) else {
                continue;
            };
            problems += faults.len();
            for fault in faults {
                render::line(format_args!("{}: {fault}", file.display()))?;
                if let Some(hint) = &fault.hint {
                    render::line(format_args!("  hint: {hint}"))?;
                }
            }
        }
        verdict(problems)
    }
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
