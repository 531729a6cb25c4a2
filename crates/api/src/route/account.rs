//! Accounts, as the node's operator makes them.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use stratus_engine::{AccountCommand, Command, Credential, CredentialKind, Reply, Scopes};

use super::{
    Answer, COMMAND_WAIT,
    page::{Pages, page},
    pen::done,
    session::{LINK_S_MAX, change_password, issue},
    unexpected,
};
use crate::{
    Site,
    input::{Asked, Body, name},
    login::Operator,
    now,
    problem::Refusal,
    secret::Secret,
    shape,
};

/// The part of an address that names an account.
#[derive(Debug, Deserialize)]
pub(super) struct OfAccount {
    name: String,
}

pub(super) async fn list(
    State(site): State<Arc<Site>>,
    _: Operator,
    Asked(pages): Asked<Pages>,
) -> Answer<shape::Accounts> {
    let command = Command::Account(AccountCommand::List);
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Accounts(accounts) => {
            let accounts = accounts.iter().map(shape::Account::new);
            let (items, next) = page(accounts, &pages, |one| one.name.clone());
            Ok(Json(shape::Accounts { items, next }))
        }
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn create(
    State(site): State<Arc<Site>>,
    _: Operator,
    Body(wanted): Body<shape::MakeAccount>,
) -> Answer<shape::Account> {
    let account = name(&wanted.name)?;
    // A password that cannot be is found before there is an account.
    let password = match wanted.password {
        Some(password) => Some(site.guard.passwords.hash(password).await?),
        None => None,
    };
    let command = AccountCommand::Create {
        name: account,
        password,
    };
    match site
        .desk
        .ask(Command::Account(command), COMMAND_WAIT)
        .await?
    {
        Reply::Account(account) => Ok(Json(shape::Account::new(&account))),
        other => Err(unexpected(&other)),
    }
}

pub(super) async fn remove(
    State(site): State<Arc<Site>>,
    _: Operator,
    Path(OfAccount { name: account }): Path<OfAccount>,
) -> Result<StatusCode, Refusal> {
    let account = name(&account)?;
    let command = Command::Account(AccountCommand::Remove { account });
    done(&site.desk.ask(command, COMMAND_WAIT).await?)
}

pub(super) async fn set_password(
    State(site): State<Arc<Site>>,
    _: Operator,
    Path(OfAccount { name: account }): Path<OfAccount>,
    Body(wanted): Body<shape::SetPassword>,
) -> Result<StatusCode, Refusal> {
    change_password(&site, name(&account)?, wanted.password).await
}

/// Makes a link that logs its first user in.
pub(super) async fn link(
    State(site): State<Arc<Site>>,
    _: Operator,
    Path(OfAccount { name: account }): Path<OfAccount>,
) -> Answer<shape::Link> {
    let secret = Secret::new()?;
    let expires = now() + Duration::from_secs(LINK_S_MAX);
    let credential = Credential {
        account: name(&account)?,
        kind: CredentialKind::Link,
        label: "link".to_owned(),
        scopes: Scopes::ALL,
        made: now(),
        expires,
    };
    issue(&site, &secret, credential).await?;
    let link = secret.expose().to_owned();
    Ok(Json(shape::Link {
        url: format!("{}/login?link={link}", site.address()),
        link,
        expires: expires.to_string(),
    }))
}
