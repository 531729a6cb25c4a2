//! `stratus export` and `stratus import`

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use clap::Args;
use stratus_engine::{Residence, Standing};
use stratus_event::{Fault, PenId, Whose};
use stratus_store::{Passphrase, Randomness, Transfer};

use crate::{
    data::{self, DataDirectory, NewFile},
    exit::{self, Failure},
    render,
};

/// Put one PEN with all that belongs to it into one file, sealed by a passphrase
///
/// No node may run with the data directory. With --move the PEN leaves: it does nothing here any
/// more, and lives where the file is imported. Without, the file is a copy, which does nothing
/// where it is imported as long as the original lives.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  stratus export ann.pen --passphrase-file secret --move\n  \
    STRATUS_PASSPHRASE=… stratus export copy.pen"
)]
pub(crate) struct Export {
    /// The file to make; it must not be there yet
    file: PathBuf,

    /// The PEN, by its name or id; needless if there is only one
    #[arg(long)]
    pen: Option<String>,

    /// Let the PEN leave this node
    #[arg(long = "move")]
    moved: bool,

    #[command(flatten)]
    secret: Secret,
}

/// Bring a PEN in that was exported elsewhere
///
/// No node may run with the data directory, which is made if it is not there.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file
    file: PathBuf,

    /// Let a copy live: the node that it was made on is gone for ever
    #[arg(long)]
    original_is_gone: bool,

    #[command(flatten)]
    secret: Secret,
}

/// Where the passphrase is
#[derive(Debug, Args)]
struct Secret {
    /// A file whose first line is the passphrase; `-` is standard input
    /// [default: what the variable `STRATUS_PASSPHRASE` says]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let passphrase = self.secret.read()?;
        let transfer = Transfer::open(&data.store())?;
        let pens = transfer.pens()?;
        let (pen, name, _) = self.choose(&pens)?;
        let mut file = NewFile::create(&self.file)?;
        let mut random: Randomness = [0; _];
        getrandom::fill(&mut random).map_err(|e| Failure::from(std::io::Error::other(e)))?;
        let sealed = (&passphrase, &random);
        transfer.export(*pen, self.moved, render::now(), sealed, file.writer())?;
        let (_, findings) = stratus_store::check_sealed(open(file.draft())?, &passphrase)?;
        super::backup::whole(&findings)?;
        file.keep()?;
        let what = if self.moved {
            "left this node for"
        } else {
            "was copied into"
        };
        render::line(format_args!(
            "{name} ({pen}) {what} {}",
            self.file.display()
        ))
    }

    /// The PEN that is meant.
    fn choose<'a>(
        &self,
        pens: &'a [(PenId, String, Standing)],
    ) -> Result<&'a (PenId, String, Standing), Failure> {
        let means = |(id, name, _): &&(PenId, String, Standing)| {
            self.pen
                .as_ref()
                .is_none_or(|pen| *pen == *name || *pen == id.to_string())
        };
        let mut chosen = pens.iter().filter(means);
        match (chosen.next(), chosen.next()) {
            (Some(pen), None) => Ok(pen),
            (None, _) => {
                Err(Fault::new(Whose::Caller, "pen-unknown", "there is no such PEN").into())
            }
            (Some(_), Some(_)) => {
                let names: Vec<_> = pens
                    .iter()
                    .map(|(id, name, _)| format!("{name} ({id})"))
                    .collect();
                let message = format!("say which PEN with --pen: {}", names.join(", "));
                Err(exit::usage(message))
            }
        }
    }
}

impl Import {
    pub(super) fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let passphrase = self.secret.read()?;
        let (_, findings) = stratus_store::check_sealed(open(&self.file)?, &passphrase)?;
        super::backup::whole(&findings)?;
        data.create()?;
        let transfer = Transfer::open_or_make(&data.store())?;
        let (gone, now) = (self.original_is_gone, render::now());
        let (pen, standing) = transfer.import(open(&self.file)?, &passphrase, gone, now)?;
        if standing.residence == Residence::Here {
            return render::line(format_args!("the PEN {pen} lives here now"));
        }
        render::line(format_args!(
            "the PEN {pen} is here as a copy, and does nothing"
        ))?;
        render::talk("Export the original with --move and import that, and it lives here.");
        Ok(())
    }
}

impl Secret {
    fn read(&self) -> Result<Passphrase, Failure> {
        let text = match &self.passphrase_file {
            Some(file) => data::read_named(file)?,
            None => std::env::var("STRATUS_PASSPHRASE").map_err(|_| {
                exit::usage("give a passphrase: --passphrase-file FILE, or STRATUS_PASSPHRASE")
            })?,
        };
        Ok(Passphrase::new(text.lines().next().unwrap_or_default())?)
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    super::backup::open(path)
}
