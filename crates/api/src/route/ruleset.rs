//! Rulesets: from a text or an address, in the versions that they had, with what they may do.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use stratus_engine::{Command, Listing, Reply, Version};
use stratus_event::{Fault, Name, PenId, Whose};
use stratus_krl::Krl;
use stratus_pen::language::Language as _;

use super::{Answer, COMMAND_WAIT, pen::done, unexpected};
use crate::{
    Site,
    input::{Body, name},
    login::Owner,
    map_from_json,
    problem::Refusal,
    shape,
};

/// The part of an address that names a ruleset.
#[derive(Debug, Deserialize)]
pub(super) struct OfRuleset {
    rid: String,
}

pub(super) async fn install(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Body(wanted): Body<shape::Install>,
) -> Answer<shape::Installed> {
    let source = text(&site, wanted.source, wanted.url.as_deref()).await?;
    let configuration = wanted
        .configuration
        .as_ref()
        .map(map_from_json)
        .transpose()?;
    let permissions = wanted.permissions.as_ref();
    let permissions = permissions.map(|granted| Box::new(granted.read()));
    let command = Command::Install {
        pen: owner.pen,
        source,
        from: wanted.url,
        configuration,
        permissions,
    };
    installed(&site, command).await
}

/// Says what a text is and what it wants, without installing it.
pub(super) async fn review(
    State(site): State<Arc<Site>>,
    Body(wanted): Body<shape::Review>,
) -> Answer<shape::Reviewed> {
    let source = text(&site, wanted.source, wanted.url.as_deref()).await?;
    let program = Krl.compile(&source).map_err(first)?;
    Ok(Json(shape::Reviewed::new(program.as_ref(), source)))
}

pub(super) async fn uninstall(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Path(OfRuleset { rid }): Path<OfRuleset>,
) -> Result<StatusCode, Refusal> {
    let command = Command::Uninstall {
        pen: owner.pen,
        rid: name(&rid)?,
    };
    done(&site.desk.ask(command, COMMAND_WAIT).await?)
}

/// Fetches again what came from an address.
pub(super) async fn flush(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Body(wanted): Body<shape::Flush>,
) -> Answer<shape::Flushed> {
    // That there is no text is for the PEN to know, too.
    let text = site.library.fetch(&wanted.url).await;
    let command = Command::Update {
        pen: owner.pen,
        from: wanted.url,
        text,
    };
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Updated(updated) => Ok(Json(shape::Flushed::new(updated))),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn versions(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Path(OfRuleset { rid }): Path<OfRuleset>,
) -> Answer<Vec<shape::Version>> {
    let versions = history(&site, owner.pen, &name(&rid)?).await?;
    Ok(Json(shape::Version::list(&versions)))
}

/// Puts an earlier text in the place of the present one.
pub(super) async fn roll_back(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Path(OfRuleset { rid }): Path<OfRuleset>,
    Body(wanted): Body<shape::RollBack>,
) -> Answer<shape::Installed> {
    let versions = history(&site, owner.pen, &name(&rid)?).await?;
    let version = earlier(&versions, wanted.hash.as_deref())?;
    let kept = site.journal.journal().program(version.program)?;
    let source = kept.ok_or_else(version_unknown)?;
    let command = Command::Install {
        pen: owner.pen,
        source,
        from: version.from.clone(),
        configuration: None,
        permissions: None,
    };
    installed(&site, command).await
}

async fn installed(site: &Site, command: Command) -> Answer<shape::Installed> {
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Ruleset {
            rid,
            rules,
            replaced,
            hash,
            permissions,
        } => Ok(Json(shape::Installed {
            rid: rid.to_string(),
            rules: rules.iter().map(ToString::to_string).collect(),
            replaced,
            hash: shape::digits(&hash),
            may: permissions.lines(),
            permissions: shape::Permissions::new(&permissions),
        })),
        other => Err(unexpected(&other)),
    }
}

/// The text that is given, or else that at the address.
async fn text(site: &Site, source: Option<String>, url: Option<&str>) -> Result<String, Refusal> {
    match (source, url) {
        (Some(source), _) => Ok(source),
        (None, Some(url)) => Ok(site.library.fetch(url).await?),
        (None, None) => {
            let message = "neither a text nor an address is given";
            Err(Fault::new(Whose::Caller, "request-malformed", message).into())
        }
    }
}

async fn history(site: &Site, pen: PenId, rid: &Name) -> Result<Vec<Version>, Refusal> {
    let command = Command::List { pen };
    let Listing { installed, .. } = match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Listing(listing) => *listing,
        other => return Err(unexpected(&other)),
    };
    let mut installed = installed.into_iter();
    let found = installed.find(|(installed, _)| installed == rid);
    Ok(found.ok_or_else(|| ruleset_unknown(rid))?.1.versions)
}

/// The version whose hash begins so, or the last one that is not the present one.
fn earlier<'a>(versions: &'a [Version], hash: Option<&str>) -> Result<&'a Version, Fault> {
    let present = versions.last().map(|version| version.program);
    let mut others = versions.iter().rev();
    let found = match hash {
        Some(hash) => others.find(|version| {
            hash.len() >= HASH_DIGITS_MIN && shape::digits(&version.program).starts_with(hash)
        }),
        None => others.find(|version| Some(version.program) != present),
    };
    found.ok_or_else(version_unknown)
}

fn first(faults: Vec<Fault>) -> Fault {
    let refused = || Fault::new(Whose::Bug, "program-refused", "the compiler gave no reason");
    faults.into_iter().next().unwrap_or_else(refused)
}

fn ruleset_unknown(rid: &Name) -> Fault {
    let message = format!("there is no ruleset {rid} in this PEN");
    Fault::new(Whose::Caller, "ruleset-unknown", message)
        .hint("list the PEN to see what is installed")
}

fn version_unknown() -> Fault {
    let message = "the ruleset had no such text, or it is not remembered";
    Fault::new(Whose::Caller, "version-unknown", message)
        .hint("list them: `stratus ruleset versions RID`")
}

/// Digits of a hash that are enough to name a version.
const HASH_DIGITS_MIN: usize = 4;
