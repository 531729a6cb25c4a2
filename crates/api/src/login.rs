//! Who may come in.

use std::{fmt, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State},
    http::{
        HeaderMap, Method,
        header::{AUTHORIZATION, COOKIE, HOST, ORIGIN},
        request::Parts,
    },
    middleware::Next,
    response::Response,
};
use stratus_engine::{AccountCommand, Command, CredentialKind, Identity, Reply, Scopes, Shown};
use stratus_event::{Eci, Fault, Name, PenId, Timestamp, Whose};
use subtle::ConstantTimeEq;

use crate::{
    Site,
    input::{id, name},
    problem::Refusal,
    route::{COMMAND_WAIT, unexpected},
    secret::Secret,
};

/// The secret that lets the node's operator in (RFC 6750, bearer token).
#[derive(Clone)]
pub struct OwnerToken(String);

impl OwnerToken {
    /// A token of at least [`TOKEN_CHARACTERS_MIN`] characters.
    pub fn new(text: &str) -> Option<Self> {
        (text.len() >= TOKEN_CHARACTERS_MIN).then(|| Self(text.to_owned()))
    }

    /// The text, for the owner's own file.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Takes the same time for every wrong token of the right length.
    fn admits(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

impl fmt::Debug for OwnerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerToken(…)")
    }
}

/// Who asks, and about which PEN. Only a request that was let in has one, so a route that takes it
/// cannot be reached by a stranger, and cannot touch a PEN that is not hers.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// Her account.
    pub(crate) account: Name,
    /// The root of her PENs.
    pub(crate) root: PenId,
    /// The PEN that the request is about.
    pub(crate) pen: PenId,
    /// The channel by which the owner's own events come into it.
    pub(crate) channel: Eci,
    /// What she may do.
    pub(crate) scopes: Scopes,
    /// The credential that she showed; none of the operator's token.
    pub(crate) credential: Option<Held>,
}

/// A credential that somebody showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) hash: [u8; 32],
    pub(crate) kind: CredentialKind,
    pub(crate) expires: Timestamp,
}

impl Owner {
    /// Whether she has the node's data directory.
    pub(crate) fn is_operator(&self) -> bool {
        self.credential.is_none()
    }

    fn new(identity: Identity, kind: CredentialKind) -> Self {
        let held = |(hash, expires)| Held {
            hash,
            kind,
            expires,
        };
        Self {
            account: identity.account,
            root: identity.root,
            pen: identity.pen,
            channel: identity.channel,
            scopes: identity.scopes,
            credential: identity.credential.map(held),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Owner {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let owner = parts.extensions.get::<Self>().cloned();
        owner.ok_or_else(|| stranger().into())
    }
}

/// The node's operator: whoever shows the token of the data directory, and nobody else.
pub(crate) struct Operator;

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let owner = Owner::from_request_parts(parts, state).await?;
        if owner.is_operator() {
            return Ok(Self);
        }
        let message = "only the node's operator may do this";
        Err(Fault::new(Whose::Caller, "operator-only", message)
            .hint("use the command line on the node's computer")
            .into())
    }
}

/// Lets a request pass that shows a credential, if what it wants is within the credential's scopes
/// and the PEN that it names is its owner's.
pub(crate) async fn admit(
    State(site): State<Arc<Site>>,
    parameters: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let named = parameters.iter().find(|(name, _)| *name == PEN);
    let named = named.map(|(_, text)| id(text).map(PenId)).transpose();
    // Another's PEN, and what is no PEN at all, are answered alike.
    let named = named.map_err(|_| no_pen());
    let owner = identify(&site, request.method(), request.headers(), named).await?;
    check_scope(&owner, &request)?;
    if !owner.is_operator() {
        site.guard.meters.accounts.take(owner.account.to_string())?;
    }
    request.extensions_mut().insert(owner);
    Ok(next.run(request).await)
}

/// The name of the part of an address that names a PEN.
pub(crate) const PEN: &str = "pen";

/// The name of the cookie that keeps a browser logged in.
pub(crate) const SESSION_COOKIE: &str = "stratus_session";

/// Who shows what the request shows. That it shows nothing is found before what PEN it names.
async fn identify(
    site: &Site,
    method: &Method,
    headers: &HeaderMap,
    pen: Result<Option<PenId>, Fault>,
) -> Result<Owner, Refusal> {
    let (shown, kind) = match (bearer(headers), session(headers)) {
        (Some(token), _) if site.token.admits(token) => {
            if let Ok(None) = pen {
                return operator(site);
            }
            (Shown::Operator, CredentialKind::Token)
        }
        (Some(token), _) => shown(token, CredentialKind::Token),
        (None, Some(session)) => {
            check_origin(site, method, headers)?;
            shown(session, CredentialKind::Session)
        }
        (None, None) => return Err(stranger().into()),
    };
    let known = ask(site, shown, pen.as_ref().copied().unwrap_or_default()).await?;
    pen?;
    Ok(Owner::new(known, kind))
}

fn shown(text: &str, kind: CredentialKind) -> (Shown, CredentialKind) {
    (Shown::Credential(Secret::shown(text).hash(), kind), kind)
}

async fn ask(site: &Site, shown: Shown, pen: Option<PenId>) -> Result<Identity, Refusal> {
    let command = Command::Account(AccountCommand::Identify { shown, pen });
    match site.desk.ask(command, COMMAND_WAIT).await? {
        Reply::Identity(identity) => Ok(*identity),
        other => Err(unexpected(&other)),
    }
}

/// The operator and her own PEN, who are the same while the node runs.
fn operator(site: &Site) -> Result<Owner, Refusal> {
    Ok(Owner {
        account: name("operator")?,
        root: site.pen,
        pen: site.pen,
        channel: site.owner_channel,
        scopes: Scopes::ALL,
        credential: None,
    })
}

/// Reading needs `read`, raising events `event`, and all else `manage`; asking a query is reading.
fn check_scope(owner: &Owner, request: &Request) -> Result<(), Fault> {
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("", MatchedPath::as_str);
    let (scope, has) = if path.ends_with("/events") || path.ends_with("/cloudevents") {
        ("event", owner.scopes.event)
    } else if request.method().is_safe() || path.ends_with("/queries") {
        ("read", owner.scopes.read)
    } else {
        ("manage", owner.scopes.manage)
    };
    if has {
        return Ok(());
    }
    let message = format!("the token lacks the scope {scope}");
    Err(Fault::new(Whose::Caller, "scope-missing", message)
        .hint("make a token that has it, with `stratus token create`"))
}

/// A browser sends its cookies with requests that other sites' pages make too. Such a page can
/// change nothing: a request that may change something has to come of a page of this node.
pub(crate) fn check_origin(site: &Site, method: &Method, headers: &HeaderMap) -> Result<(), Fault> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let own = match text(ORIGIN.as_str()) {
        Some(origin) => is_own(site, origin, text(HOST.as_str())),
        None => text("sec-fetch-site") == Some("same-origin"),
    };
    if own {
        return Ok(());
    }
    let message = "with a session, only pages of this node may change something";
    Err(Fault::new(Whose::Caller, "origin-foreign", message)
        .hint("send `Origin`, or use a token instead of the cookie"))
}

/// Whether that is where this API is: where the configuration says, or where the request went.
fn is_own(site: &Site, origin: &str, host: Option<&str>) -> bool {
    if let Some(url) = &site.public_url
        && (url == origin || url.starts_with(&format!("{origin}/")))
    {
        return true;
    }
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some() && authority == host
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// The session's secret among the cookies (RFC 6265).
fn session(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).into_iter();
    let cookies = lines.filter_map(|line| line.to_str().ok());
    let mut cookies = cookies.flat_map(|line| line.split(';'));
    cookies.find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == SESSION_COOKIE).then_some(value)
    })
}

fn no_pen() -> Fault {
    Fault::new(Whose::Caller, "pen-unknown", "you have no such PEN")
        .hint("ask `/api/v1/status` for your PENs")
}

fn stranger() -> Fault {
    let message = "there is no session and no token, or they are wrong";
    Fault::new(Whose::Caller, "token-wrong", message).hint(
        "log in, or send `Authorization: Bearer …` with a token; the node's operator has one in \
         `owner.token` in the data directory",
    )
}

/// Twenty-two characters of base64 are 128 bits.
const TOKEN_CHARACTERS_MIN: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_is_admitted() {
        let text = "abcdefghijklmnopqrstuvwxyz";
        let token = OwnerToken::new(text).unwrap();
        assert!(token.admits(text));
        for wrong in [
            "",
            "abcdefghijklmnopqrstuvwxyZ",
            "abcdefghijklmnopqrstuvwxyz0",
        ] {
            assert!(!token.admits(wrong), "{wrong}");
        }
        assert!(OwnerToken::new("short").is_none());
        assert_eq!(format!("{token:?}"), "OwnerToken(…)");
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        let header = |text: &str| HeaderMap::from_iter([(AUTHORIZATION, text.parse().unwrap())]);
        assert_eq!(bearer(&header("Bearer abc")), Some("abc"));
        assert_eq!(bearer(&header("bearer abc")), Some("abc"));
        assert_eq!(bearer(&header("Basic abc")), None);
        assert_eq!(bearer(&header("abc")), None);
    }

    #[test]
    fn the_session_is_found_among_the_cookies() {
        let header = |text: &str| HeaderMap::from_iter([(COOKIE, text.parse().unwrap())]);
        assert_eq!(session(&header("a=1; stratus_session=x; b=2")), Some("x"));
        assert_eq!(session(&header("stratus_sessions=x; a")), None);
        assert_eq!(session(&HeaderMap::new()), None);
    }
}
