//! `stratus krl`

mod check;
mod converse;
mod files;
mod layout;
mod pages;

use clap::Subcommand;

use crate::exit::Failure;

/// Work with KRL files; needs no node
#[derive(Debug, Subcommand)]
#[command(after_help = EXIT)]
pub(crate) enum Krl {
    /// Say what is wrong with KRL files
    Check(check::Check),
    /// Lay KRL files out in the one form; comments stay
    Fmt(layout::Fmt),
    /// Hold Markdown pages to what they say about their rulesets
    Test(pages::Test),
    /// Try rulesets: send events, look at variables, ask why
    Repl(converse::Repl),
    /// Say what an error code means
    Explain(pages::Explain),
    /// Describe a ruleset in Markdown
    Doc(pages::Doc),
}

impl Krl {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
            Self::Fmt(fmt) => fmt.run(),
            Self::Test(test) => test.run(),
            Self::Repl(repl) => repl.run(),
            Self::Explain(explain) => explain.run(),
            Self::Doc(doc) => doc.run(),
        }
    }
}

/// How these commands end.
const EXIT: &str = "\
Exit status: 0 if all is well, be it with warnings; 1 if there are errors, or a file cannot be
read; 2 if the command line cannot be understood.";
