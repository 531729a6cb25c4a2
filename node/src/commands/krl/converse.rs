//! `stratus krl repl`

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use stratus_krl::{Session, check};

use super::{
    EXIT,
    check::{errors, tell, verdict},
    files::{Files, Text},
};
use crate::{exit::Failure, render};

/// Try rulesets: send events, look at variables, ask why
#[derive(Debug, Args)]
#[command(after_help = EXIT)]
pub(crate) struct Repl {
    /// KRL files to install, in this order; expressions are those of the last
    files: Vec<PathBuf>,
}

impl Repl {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut session = installed(&self.files)?;
        let is_terminal = io::stdin().is_terminal();
        if is_terminal {
            render::talk("expressions are evaluated; :help says what else there is");
        }
        prompt(is_terminal);
        for line in io::stdin().lock().lines() {
            let line = line?;
            if line.trim() == ":quit" {
                break;
            }
            session.line(&line).iter().try_for_each(render::line)?;
            prompt(is_terminal);
        }
        Ok(())
    }
}

/// A conversation about the rulesets of files. All that is wrong with them is told.
fn installed(paths: &[PathBuf]) -> Result<Session, Failure> {
    let mut session = Session::new();
    let files = Files::read(paths, "krl");
    let mut problems = files.unreadable.len();
    for Text { name, source, .. } in &files.texts {
        let found = check(source);
        problems += errors(&found);
        tell(name, source, &found)?;
        if errors(&found) == 0
            && let Err(faults) = session.install(source)
        {
            problems += faults.len();
            for fault in faults {
                Failure::from(fault).report();
            }
        }
    }
    verdict(problems)?;
    Ok(session)
}

/// Only a person needs to know that it is their turn.
fn prompt(is_terminal: bool) {
    if is_terminal {
        let _ = write!(io::stderr().lock(), "krl> ");
    }
}
