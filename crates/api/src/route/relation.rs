//! Invites, pairings and subscriptions.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use stratus_engine::{Command, Reply, SubscriptionId};
use stratus_event::{Fault, Name};

use super::{Answer, COMMAND_WAIT, pen::done, unexpected};
use crate::{
    Site,
    input::{Body, id, symbol},
    login::Owner,
    now,
    problem::Refusal,
    shape,
};

/// The longest wait for a partner's node. A longer one is cut to it.
pub const PAIRING_WAIT_MS_MAX: u64 = 45_000;

/// The part of an address that names an invite or a subscription.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    id: String,
}

pub(super) async fn invite(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Body(wanted): Body<shape::MakeInvite>,
) -> Answer<shape::Invited> {
    let command = Command::Invite {
        pen: owner.pen,
        name: wanted.name,
        role_mine: wanted.role_mine,
        role_theirs: wanted.role_theirs,
        offered: symbols(&wanted.offered)?,
        wanted: symbols(&wanted.wanted)?,
        expires: now() + Duration::from_secs(wanted.expires_s),
        uses_max: wanted.uses,
    };
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Invite { id, link, sentence } => Ok(Json(shape::Invited {
            id: shape::hexadecimal(id),
            link,
            sentence,
        })),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn withdraw(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Path(Named { id: invite }): Path<Named>,
) -> Result<StatusCode, Refusal> {
    let command = Command::Withdraw {
        pen: owner.pen,
        invite: id(&invite)?,
    };
    done(&site.desk.ask(command, COMMAND_WAIT).await?)
}

pub(super) async fn pair(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Body(wanted): Body<shape::Pair>,
) -> Answer<shape::Paired> {
    let wait_ms = wanted.wait_ms.min(PAIRING_WAIT_MS_MAX);
    let command = Command::Pair {
        pen: owner.pen,
        link: wanted.link,
        name: wanted.name,
        wait_ms,
    };
    let wait = COMMAND_WAIT + Duration::from_millis(wait_ms);
    match site.desk.ask(command, wait).await? {
        Reply::Paired {
            subscription,
            sentence,
        } => Ok(Json(paired(subscription, "established", Some(sentence)))),
        Reply::PairingPending { subscription } => Ok(Json(paired(subscription, "pending", None))),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn unsubscribe(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Path(Named { id: subscription }): Path<Named>,
) -> Result<StatusCode, Refusal> {
    let subscription = SubscriptionId(id(&subscription)?);
    let command = Command::Unsubscribe {
        pen: owner.pen,
        subscription,
    };
    done(&site.desk.ask(command, COMMAND_WAIT).await?)
}

fn paired(id: SubscriptionId, state: &str, sentence: Option<String>) -> shape::Paired {
    shape::Paired {
        subscription: id.to_string(),
        state: state.to_owned(),
        sentence,
    }
}

fn symbols(texts: &[String]) -> Result<Vec<(Name, Name)>, Fault> {
    texts.iter().map(|text| symbol(text)).collect()
}
