//! `stratus ruleset`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use stratus_api::shape;

use super::invite::segment;
use crate::{client::Client, data, data::DataDirectory, exit::Failure, library, render};

/// Install, list and remove rulesets
#[derive(Debug, Subcommand)]
pub(crate) enum Ruleset {
    /// Install a ruleset, or put a newer text in its place
    Install(Install),
    /// List the installed rulesets
    List(List),
    /// Remove a ruleset and its variables
    Remove(Remove),
}

impl Ruleset {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        match self {
            Self::Install(install) => install.run(data).await,
            Self::List(list) => list.run(data).await,
            Self::Remove(remove) => remove.run(data).await,
        }
    }
}

/// Install a ruleset, or put a newer text in its place
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// The KRL file, or - for standard input, or the id of a ruleset that the node brings; several
    /// are installed in this order
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// Print what was installed as JSON, one line for each file
    #[arg(long)]
    json: bool,
}

impl Install {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        for file in &self.files {
            let wish = shape::Install {
                source: source(file)?,
            };
            let installed: shape::Installed = client.post("/rulesets", &wish).await?;
            if self.json {
                render::json_line(&installed)?;
                continue;
            }
            let verb = if installed.replaced {
                "replaced"
            } else {
                "installed"
            };
            render::line(format_args!("{verb} {}", installed.rid))?;
            render::talk(format_args!("  rules: {}", render::words(&installed.rules)));
        }
        Ok(())
    }
}

/// The text of a ruleset that the node brings, or else of a file.
fn source(file: &Path) -> Result<String, Failure> {
    match file.to_str().and_then(library::text) {
        Some(text) => Ok(text.to_owned()),
        None => data::read_named(file),
    }
}

/// List the installed rulesets
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl List {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let rulesets = Client::open(data)?.pen().await?.rulesets;
        if self.json {
            return render::json(&rulesets);
        }
        let row = |one: &shape::Ruleset| {
            [
                one.rid.clone(),
                render::words(&one.rules),
                render::words(&one.queries),
            ]
        };
        let rows: Vec<_> = rulesets.iter().map(row).collect();
        let broken = |one: &shape::Ruleset| {
            let fault = one.fault.as_ref()?;
            Some(format!(
                "{} does nothing: {} [{}]",
                one.rid, fault.detail, fault.code
            ))
        };
        rulesets.iter().filter_map(broken).for_each(render::talk);
        let none = "There are no rulesets. Begin with `stratus ruleset install FILE`.";
        render::table(["ruleset", "rules", "queries"], &rows, none)
    }
}

/// Remove a ruleset and its variables
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The ruleset's id
    rid: String,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Remove {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let (client, rid) = (Client::open(data)?, segment(&self.rid)?);
        render::confirm(
            &format!("{rid} will be removed, with all that it remembers."),
            self.yes,
        )?;
        client.delete(&format!("/rulesets/{rid}")).await?;
        render::talk(format_args!("{rid} is removed."));
        Ok(())
    }
}
