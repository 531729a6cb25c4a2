//! `stratus ruleset`

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use stratus_api::shape;

use super::invite::segment;
use crate::{client::Client, data, data::DataDirectory, exit, exit::Failure, library, render};

/// Install, list, update and remove rulesets
#[derive(Debug, Subcommand)]
pub(crate) enum Ruleset {
    /// Fetch rulesets again from their address
    Flush(Flush),
    /// Install a ruleset, or put a newer text in its place
    Install(Install),
    /// List the installed rulesets
    List(List),
    /// Remove a ruleset and its variables
    Remove(Remove),
    /// Put an earlier text in the place of the present one
    Rollback(RollBack),
    /// List the texts that a ruleset had
    Versions(Versions),
}

impl Ruleset {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        match self {
            Self::Flush(flush) => flush.run(data).await,
            Self::Install(install) => install.run(data).await,
            Self::List(list) => list.run(data).await,
            Self::Remove(remove) => remove.run(data).await,
            Self::Rollback(back) => back.run(data).await,
            Self::Versions(versions) => versions.run(data).await,
        }
    }
}

/// Install a ruleset, or put a newer text in its place
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// The KRL file, an https address, - for standard input, or the id of a ruleset that the node
    /// brings; several are installed in this order
    #[arg(required = true, value_name = "FILE|URL|RID")]
    files: Vec<PathBuf>,

    /// What the rulesets read as meta:rulesetConfig, a JSON object
    #[arg(long, value_name = "JSON")]
    config: Option<String>,

    /// What they may do beyond the PEN, a JSON object such as `{"hosts": ["api.example"]}`, instead of
    /// what their texts ask for
    #[arg(long, value_name = "JSON", conflicts_with = "yes")]
    permit: Option<String>,

    /// Do not ask whether they may do what they want to do beyond the PEN
    #[arg(long)]
    yes: bool,

    /// Print what was installed as JSON, one line for each file
    #[arg(long)]
    json: bool,
}

impl Install {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        let configuration = self.config.as_deref().map(json).transpose()?;
        let permissions = self.permit.as_deref().map(json).transpose()?;
        for file in &self.files {
            let wish = shape::Install {
                configuration: configuration.clone(),
                permissions: permissions.clone(),
                ..read(file)?
            };
            let wish = self.reviewed(&client, wish).await?;
            let installed: shape::Installed = client.post("/rulesets", &wish).await?;
            self.tell(&installed)?;
        }
        Ok(())
    }

    /// Asks whoever sits there whether the ruleset may do what it wants, and installs the very text
    /// that she was asked about. A script is told afterwards.
    async fn reviewed(
        &self,
        client: &Client,
        wish: shape::Install,
    ) -> Result<shape::Install, Failure> {
        if self.yes || self.permit.is_some() || !std::io::stdin().is_terminal() {
            return Ok(wish);
        }
        let review = shape::Review {
            source: wish.source.clone(),
            url: wish.url.clone(),
        };
        let reviewed: shape::Reviewed = client.post("/rulesets/review", &review).await?;
        if !reviewed.wants.is_empty() {
            let wants = reviewed.wants.join("\n  ");
            render::talk(format_args!("{} wants to\n  {wants}", reviewed.rid));
            render::confirm("It may do that from now on.", false)?;
        }
        Ok(shape::Install {
            source: Some(reviewed.source),
            permissions: Some(reviewed.permissions),
            ..wish
        })
    }

    fn tell(&self, installed: &shape::Installed) -> Result<(), Failure> {
        if self.json {
            return render::json_line(installed);
        }
        tell(installed)
    }
}

fn tell(installed: &shape::Installed) -> Result<(), Failure> {
    let verb = if installed.replaced {
        "replaced"
    } else {
        "installed"
    };
    render::line(format_args!("{verb} {}", installed.rid))?;
    render::talk(format_args!("  rules: {}", render::words(&installed.rules)));
    for line in &installed.may {
        render::talk(format_args!("  may {line}"));
    }
    Ok(())
}

/// A file is read here, an address by the node.
fn read(file: &Path) -> Result<shape::Install, Failure> {
    let name = file.to_string_lossy();
    if name.starts_with("https://") || name.starts_with("http://") {
        return Ok(shape::Install {
            url: Some(name.into_owned()),
            ..shape::Install::default()
        });
    }
    let path = name.strip_prefix("file://").map_or(file, Path::new);
    Ok(shape::Install {
        source: Some(source(path)?),
        ..shape::Install::default()
    })
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    let read = serde_json::from_str(text);
    read.map_err(|error| exit::usage(format!("{text} is not the JSON that is meant: {error}")))
}

/// Fetch rulesets again from their address
#[derive(Debug, Args)]
pub(crate) struct Flush {
    /// The address
    url: String,

    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
}

impl Flush {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let wish = shape::Flush { url: self.url };
        let client = Client::open(data)?;
        let flushed: shape::Flushed = client.post("/rulesets/flush", &wish).await?;
        if self.json {
            return render::json(&flushed);
        }
        for rid in &flushed.changed {
            render::line(format_args!("updated {rid}"))?;
        }
        for rid in &flushed.unchanged {
            render::line(format_args!("unchanged {rid}"))?;
        }
        for shape::NotFlushed { rid, failure } in &flushed.failed {
            render::line(format_args!(
                "kept {rid}: {} [{}]",
                failure.detail, failure.code
            ))?;
        }
        if flushed.changed.len() + flushed.unchanged.len() + flushed.failed.len() == 0 {
            render::talk("No ruleset came from there.");
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

/// List the texts that a ruleset had
#[derive(Debug, Args)]
pub(crate) struct Versions {
    /// The ruleset's id
    rid: String,

    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Versions {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let path = format!("/rulesets/{}/versions", segment(&self.rid)?);
        let versions: Vec<shape::Version> = Client::open(data)?.get(&path).await?;
        if self.json {
            return render::json(&versions);
        }
        let row = |one: &shape::Version| {
            let hash: String = one.hash.chars().take(HASH_DIGITS_SHOWN).collect();
            let mark = if one.present { "present" } else { "" };
            let url = one.url.clone().unwrap_or_else(|| "-".to_owned());
            [hash, one.at.clone(), url, mark.to_owned()]
        };
        let rows: Vec<_> = versions.iter().map(row).collect();
        render::table(["hash", "installed", "from", ""], &rows, "There are none.")
    }
}

/// Put an earlier text in the place of the present one
#[derive(Debug, Args)]
pub(crate) struct RollBack {
    /// The ruleset's id
    rid: String,

    /// How the hash of the wanted text begins; the text before the present one if it is not given
    hash: Option<String>,
}

impl RollBack {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let path = format!("/rulesets/{}/rollback", segment(&self.rid)?);
        let wish = shape::RollBack { hash: self.hash };
        let installed: shape::Installed = Client::open(data)?.post(&path, &wish).await?;
        tell(&installed)
    }
}

/// Digits of a hash in a table: enough to name a text.
const HASH_DIGITS_SHOWN: usize = 12;

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
        let troubled = |one: &shape::Ruleset| {
            let fault = one.trouble.as_ref()?;
            let (rid, detail, code) = (&one.rid, &fault.detail, &fault.code);
            Some(format!("{rid} was not updated: {detail} [{code}]"))
        };
        rulesets.iter().filter_map(troubled).for_each(render::talk);
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
