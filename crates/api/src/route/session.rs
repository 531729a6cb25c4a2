//! Logging in and out, and what else lets an owner in: sessions and tokens.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use stratus_engine::{AccountCommand, Command, Credential, CredentialKind, Reply, Scopes};
use stratus_event::{Fault, Name, Timestamp, Whose};
use utoipa::IntoParams;

use super::{Answer, COMMAND_WAIT, pen::done, unexpected};
use crate::{
    Site,
    connection::Caller,
    input::{Asked, Body, id, malformed, name},
    login::{Owner, SESSION_COOKIE, check_origin},
    meters::household,
    now,
    problem::Refusal,
    secret::Secret,
    shape,
};

/// How long a browser stays logged in.
pub const SESSION_S_MAX: u64 = 30 * 24 * 3600;

/// How long a link to log in can be used.
pub const LINK_S_MAX: u64 = 15 * 60;

/// How long a token is good if nobody says.
pub const TOKEN_S: u64 = 90 * 24 * 3600;

/// How long a token is good at most. A longer wish is cut to it.
pub const TOKEN_S_MAX: u64 = 5 * 365 * 24 * 3600;

/// The part of an address that names a session or a token.
#[derive(Debug, Deserialize)]
pub(super) struct Ended {
    id: String,
}

/// Whose tokens are meant; only the operator may say another's.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Whom {
    account: Option<String>,
}

pub(super) async fn log_in(
    State(site): State<Arc<Site>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Body(wanted): Body<shape::LogIn>,
) -> Result<Response, Refusal> {
    // A page of another site could otherwise log its visitor in as somebody else.
    if headers.contains_key("origin") {
        check_origin(&site, &axum::http::Method::POST, &headers)?;
    }
    let (session, answer) = enter(&site, caller.0, wanted).await?;
    Ok((cookie(&site, &session)?, Json(answer)).into_response())
}

/// Logs somebody in, by password or link.
pub(super) async fn enter(
    site: &Site,
    from: IpAddr,
    wanted: shape::LogIn,
) -> Result<(Secret, shape::Session), Refusal> {
    let session = Secret::new()?;
    let expires = now() + Duration::from_secs(SESSION_S_MAX);
    let account = match wanted {
        shape::LogIn {
            link: Some(link), ..
        } => by_link(site, from, &link, (&session, expires)).await?,
        shape::LogIn {
            account: Some(account),
            password: Some(password),
            ..
        } => by_password(site, from, (&account, password), (&session, expires)).await?,
        _ => {
            let message = "say `account` and `password`, or `link`".to_owned();
            return Err(malformed(message).into());
        }
    };
    let answer = shape::Session {
        account: account.name.to_string(),
        pen: account.pen.to_string(),
        operator: false,
        scopes: shape::Scope::all(Scopes::ALL),
        expires: Some(expires.to_string()),
    };
    Ok((session, answer))
}

async fn by_link(
    site: &Site,
    from: IpAddr,
    link: &str,
    (session, expires): (&Secret, Timestamp),
) -> Result<stratus_engine::AccountListing, Refusal> {
    count(site, from, None)?;
    let command = AccountCommand::Exchange {
        link: Secret::shown(link).hash(),
        session: session.hash(),
        expires,
    };
    match site
        .desk
        .ask(Command::Account(command), COMMAND_WAIT)
        .await?
    {
        Reply::Account(account) => Ok(account),
        other => Err(unexpected(&other)),
    }
}

/// An account that is not there is answered like a wrong password, and as late.
async fn by_password(
    site: &Site,
    from: IpAddr,
    (account, password): (&str, String),
    (session, expires): (&Secret, Timestamp),
) -> Result<stratus_engine::AccountListing, Refusal> {
    count(site, from, Some(account))?;
    let known = name(account).ok();
    let kept = match &known {
        Some(account) => password_of(site, account).await?,
        None => None,
    };
    if !site.guard.passwords.is_right(password, kept).await? {
        tracing::info!("a login failed, from {from}");
        return Err(wrong().into());
    }
    site.guard.meters.logins_at.forget(account);
    let account = known.ok_or_else(wrong)?;
    let credential = Credential {
        account: account.clone(),
        kind: CredentialKind::Session,
        label: "password".to_owned(),
        scopes: Scopes::ALL,
        made: now(),
        expires,
    };
    issue(site, session, credential).await?;
    listing(site, &account).await
}

/// Who asks.
pub(super) async fn who(owner: Owner) -> Json<shape::Session> {
    Json(shape::Session {
        account: owner.account.to_string(),
        pen: owner.root.to_string(),
        operator: owner.is_operator(),
        scopes: shape::Scope::all(owner.scopes),
        expires: owner.credential.map(|held| held.expires.to_string()),
    })
}

/// Ends the session that the request shows.
pub(super) async fn log_out(
    State(site): State<Arc<Site>>,
    owner: Owner,
) -> Result<Response, Refusal> {
    let session = owner.credential;
    let session = session.filter(|held| held.kind == CredentialKind::Session);
    let held = session.ok_or_else(|| {
        let message = "the request shows no session";
        Fault::new(Whose::Caller, "credential-unknown", message)
    })?;
    let id = held.hash.first_chunk().copied().unwrap_or_default();
    let status = revoke(&site, owner.account, id).await?;
    let cookie = format!("{SESSION_COOKIE}=; Path=/; Max-Age=0");
    Ok((status, [(SET_COOKIE, cookie)]).into_response())
}

pub(super) async fn sessions(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Asked(whom): Asked<Whom>,
) -> Answer<shape::KeptList> {
    kept(
        &site,
        &owner,
        whom.account.as_deref(),
        CredentialKind::Session,
    )
    .await
}

pub(super) async fn tokens(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Asked(whom): Asked<Whom>,
) -> Answer<shape::KeptList> {
    kept(
        &site,
        &owner,
        whom.account.as_deref(),
        CredentialKind::Token,
    )
    .await
}

/// Ends a session or a token.
pub(super) async fn end(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Path(Ended { id: ended }): Path<Ended>,
    Asked(whom): Asked<Whom>,
) -> Result<StatusCode, Refusal> {
    let account = self::whom(&owner, whom.account.as_deref())?;
    revoke(&site, account, id(&ended)?).await
}

pub(super) async fn make_token(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Body(wanted): Body<shape::MakeToken>,
) -> Answer<shape::NewToken> {
    let scopes = shape::Scope::scopes(&wanted.scopes)?;
    if !scopes.are_within(owner.scopes) {
        let message = "a token permits no more than the one by which it is made";
        return Err(Fault::new(Whose::Caller, "scope-missing", message).into());
    }
    let seconds = wanted.expires_s.unwrap_or(TOKEN_S).min(TOKEN_S_MAX);
    let credential = Credential {
        account: whom(&owner, wanted.account.as_deref())?,
        kind: CredentialKind::Token,
        label: wanted.name,
        scopes,
        made: now(),
        expires: now() + Duration::from_secs(seconds),
    };
    let secret = Secret::new()?;
    issue(&site, &secret, credential.clone()).await?;
    Ok(Json(shape::NewToken {
        token: secret.expose().to_owned(),
        kept: shape::Kept::new(&secret.hash(), &credential, None),
    }))
}

pub(super) async fn set_password(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Extension(caller): Extension<Caller>,
    Body(wanted): Body<shape::SetPassword>,
) -> Result<StatusCode, Refusal> {
    let kept = password_of(&site, &owner.account).await?;
    if kept.is_some() && !owner.is_operator() {
        count(&site, caller.0, Some(owner.account.as_str()))?;
        let old = wanted.old.unwrap_or_default();
        if !site.guard.passwords.is_right(old, kept).await? {
            return Err(wrong().into());
        }
    }
    change_password(&site, owner.account, wanted.password).await
}

/// Sets a password, as whoever may.
pub(super) async fn change_password(
    site: &Site,
    account: Name,
    password: String,
) -> Result<StatusCode, Refusal> {
    let password = site.guard.passwords.hash(password).await?;
    let command = AccountCommand::SetPassword { account, password };
    done(
        &site
            .desk
            .ask(Command::Account(command), COMMAND_WAIT)
            .await?,
    )
}

/// Makes a credential with that secret.
pub(super) async fn issue(
    site: &Site,
    secret: &Secret,
    credential: Credential,
) -> Result<(), Refusal> {
    let hash = secret.hash();
    let command = AccountCommand::Issue { hash, credential };
    done(
        &site
            .desk
            .ask(Command::Account(command), COMMAND_WAIT)
            .await?,
    )
    .map(drop)
}

/// The cookie of a session. Scripts cannot read it, and other sites' pages cannot send it.
pub(super) fn cookie(
    site: &Site,
    session: &Secret,
) -> Result<[(axum::http::HeaderName, HeaderValue); 1], Refusal> {
    let is_secure = site.public_url.as_ref();
    let is_secure = is_secure.is_some_and(|url| url.starts_with("https://"));
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!(
        "{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={SESSION_S_MAX}{secure}",
        session.expose()
    );
    let value = HeaderValue::try_from(text).map_err(|error| malformed(error.to_string()))?;
    Ok([(SET_COOKIE, value)])
}

async fn listing(site: &Site, account: &Name) -> Result<stratus_engine::AccountListing, Refusal> {
    let command = Command::Account(AccountCommand::List);
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Accounts(accounts) => {
            let found = accounts.into_iter().find(|one| one.name == *account);
            found.ok_or_else(|| wrong().into())
        }
        other => Err(unexpected(&other)),
    }
}

async fn password_of(site: &Site, account: &Name) -> Result<Option<String>, Refusal> {
    let account = account.clone();
    let command = Command::Account(AccountCommand::Password { account });
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Password(password) => Ok(password),
        other => Err(unexpected(&other)),
    }
}

async fn kept(
    site: &Site,
    owner: &Owner,
    account: Option<&str>,
    kind: CredentialKind,
) -> Answer<shape::KeptList> {
    let account = whom(owner, account)?;
    let command = Command::Account(AccountCommand::Credentials { account });
    let mut all = match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Credentials(all) => all,
        other => return Err(unexpected(&other)),
    };
    all.retain(|(_, one)| one.kind == kind);
    all.sort_by_key(|(_, one)| one.made);
    let shown = owner.credential.map(|held| held.hash);
    let items = all.iter();
    let items = items.map(|(hash, one)| shape::Kept::new(hash, one, shown));
    Ok(Json(shape::KeptList {
        items: items.collect(),
    }))
}

async fn revoke(site: &Site, account: Name, id: [u8; 16]) -> Result<StatusCode, Refusal> {
    let command = AccountCommand::Revoke {
        account,
        credential: id,
    };
    done(
        &site
            .desk
            .ask(Command::Account(command), COMMAND_WAIT)
            .await?,
    )
}

/// The account that is meant: the asker's own, or the one that the operator names.
fn whom(owner: &Owner, named: Option<&str>) -> Result<Name, Fault> {
    match named {
        Some(named) if owner.is_operator() || *named == *owner.account.as_str() => name(named),
        Some(_) => Err(Fault::new(
            Whose::Caller,
            "operator-only",
            "only the node's operator may name another's account",
        )),
        None => Ok(owner.account.clone()),
    }
}

/// Counts a login before it is tried, so that many at a time are counted too. On the node's own
/// computer only the account counts, because proxies there speak for many.
fn count(site: &Site, from: IpAddr, account: Option<&str>) -> Result<(), Fault> {
    let from = household(from);
    if !from.is_loopback() {
        site.guard.meters.logins_from.take(from)?;
    }
    account.map_or(Ok(()), |account| {
        site.guard.meters.logins_at.take(account.to_owned())
    })
}

/// Of an account that is not there as of a password that is not right.
fn wrong() -> Fault {
    let message = "the account or the password is not right";
    Fault::new(Whose::Caller, "login-wrong", message)
        .hint("the node's operator can make a link: `stratus account link NAME`")
}
