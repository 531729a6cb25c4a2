//! `stratus krl repl`

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use stratus_krl::Session;

use crate::{data, exit::Failure, render};

/// Try rulesets: send events, look at variables, ask why
#[derive(Debug, Args)]
pub(crate) struct Repl {
    /// KRL files to install, in this order; expressions are those of the last
    files: Vec<PathBuf>,
}

impl Repl {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut session = Session::new();
        for file in &self.files {
            let installed = session.install(&data::read_named(file)?);
            if let Err(fault) = installed.map_err(|faults| faults.into_iter().next()) {
                return fault.map_or(Ok(()), |fault| Err(fault.into()));
            }
        }
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

/// Only a person needs to know that it is their turn.
fn prompt(is_terminal: bool) {
    if is_terminal {
        let _ = write!(io::stderr().lock(), "krl> ");
    }
}
