//! Channels, as the owner makes, changes and deletes them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use stratus_engine::{ChannelChange, ChannelWish, Command, Reply};
use stratus_event::{Fault, Name};
use stratus_pen::{Policy, Rule};

use super::{Answer, COMMAND_WAIT, pen::done, unexpected};
use crate::{
    Site,
    input::{Body, eci, name, rule},
    login::Owner,
    problem::Refusal,
    shape,
};

/// The part of an address that names a channel.
#[derive(Debug, Deserialize)]
pub(super) struct OfChannel {
    eci: String,
}

pub(super) async fn make(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Body(wanted): Body<shape::MakeChannel>,
) -> Answer<shape::Channel> {
    let policy = Policy {
        events_allowed: rules(&wanted.events)?,
        events_denied: rules(&wanted.events_denied)?,
        queries_allowed: rules(&wanted.queries)?,
        queries_denied: rules(&wanted.queries_denied)?,
    };
    let wish = ChannelWish {
        tags: names(&wanted.tags)?,
        policy,
        bearer: wanted.legacy.bearer(),
        rate: wanted.rate.map(shape::Rate::rate),
    };
    let pen = owner.pen;
    channel(&site, Command::MakeChannel { pen, wish }).await
}

pub(super) async fn change(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Path(OfChannel { eci: address }): Path<OfChannel>,
    Body(wanted): Body<shape::ChangeChannel>,
) -> Answer<shape::Channel> {
    let told = |texts: &Option<Vec<String>>| texts.as_deref().map(rules).transpose();
    let change = ChannelChange {
        tags: wanted.tags.as_deref().map(names).transpose()?,
        events_allowed: told(&wanted.events)?,
        events_denied: told(&wanted.events_denied)?,
        queries_allowed: told(&wanted.queries)?,
        queries_denied: told(&wanted.queries_denied)?,
        bearer: wanted.legacy.map(shape::Legacy::bearer),
        rate: wanted.rate.map(|rate| rate.map(shape::Rate::rate)),
        open: wanted.open,
    };
    let command = Command::ChangeChannel {
        pen: owner.pen,
        eci: eci(&address)?,
        change: Box::new(change),
    };
    channel(&site, command).await
}

pub(super) async fn delete(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Path(OfChannel { eci: address }): Path<OfChannel>,
) -> Result<StatusCode, Refusal> {
    let command = Command::DeleteChannel {
        pen: owner.pen,
        eci: eci(&address)?,
    };
    done(&site.desk.ask(command, COMMAND_WAIT).await?)
}

async fn channel(site: &Site, command: Command) -> Answer<shape::Channel> {
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Channel(channel) => Ok(Json(shape::Channel::new(&channel))),
        other => Err(unexpected(&other)),
    }
}

fn names(texts: &[String]) -> Result<Vec<Name>, Fault> {
    texts.iter().map(|text| name(text)).collect()
}

fn rules(texts: &[String]) -> Result<Vec<Rule>, Fault> {
    texts.iter().map(|text| rule(text)).collect()
}
