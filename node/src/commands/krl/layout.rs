//! `stratus krl fmt`

use std::{fs, path::PathBuf};

use clap::Args;
use stratus_event::{Fault, Whose};

use super::{
    EXIT,
    check::{tell, verdict},
    files::{Files, Text},
};
use crate::{exit::Failure, render};

/// Lay KRL files out in the one form; comments stay
#[derive(Debug, Args)]
#[command(after_help = EXIT)]
pub(crate) struct Fmt {
    /// KRL files or folders of them, which are written anew, or - from standard input to standard
    /// output
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Write nothing; name the files that are laid out otherwise, and fail if there are any
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub(super) fn run(self) -> Result<(), Failure> {
        let files = Files::read(&self.files, "krl");
        let mut problems = files.unreadable.len();
        for Text { path, name, source } in &files.texts {
            match stratus_krl_syntax::format(source) {
                Ok(text) if self.check && text != *source => {
                    render::line(format_args!("{name}: is laid out otherwise"))?;
                    problems += 1;
                }
                Ok(_) if self.check => {}
                Ok(text) => write(path, &text, source)?,
                Err(found) => {
                    problems += found.len();
                    tell(name, source, &found)?;
                }
            }
        }
        verdict(problems)
    }
}

/// A file that is laid out well already is left alone.
fn write(file: &PathBuf, text: &str, source: &str) -> Result<(), Failure> {
    if file.as_os_str() == "-" {
        return render::line(text.trim_end());
    }
    if text == source {
        return Ok(());
    }
    fs::write(file, text).map_err(|error| {
        let message = format!("{} cannot be written", file.display());
        Failure::caused(
            Fault::new(Whose::Caller, "file-unwritable", message),
            &error,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fmt(file: PathBuf, check: bool) -> Result<(), Failure> {
        let files = vec![file];
        Fmt { files, check }.run()
    }

    #[test]
    fn a_file_is_laid_out_anew_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.krl");
        fs::write(&file, "ruleset a{rule r{select when b c}}").unwrap();
        assert!(fmt(file.clone(), true).is_err());
        fmt(file.clone(), false).unwrap();
        assert!(
            fs::read_to_string(&file)
                .unwrap()
                .starts_with("ruleset a {\n")
        );
        fmt(file.clone(), true).unwrap();
        fs::write(&file, "ruleset {").unwrap();
        assert!(fmt(file, false).is_err());
        let Err(Failure::Fault(fault, _)) = write(&"/nowhere/a".into(), "a", "b") else {
            panic!("no failure")
        };
        assert_eq!(&*fault.code, "file-unwritable");
    }
}
