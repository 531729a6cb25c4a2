//! Who may come in.

use std::{fmt, sync::Arc};

use axum::{
    extract::{FromRequestParts, RawPathParams, Request, State},
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::Response,
};
use stratus_event::{Eci, Fault, PenId, Whose};
use subtle::ConstantTimeEq;

use crate::{Site, input::id, problem::Refusal};

/// The secret that lets the owner in (RFC 6750, bearer token).
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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    /// The PEN that the request is about.
    pub(crate) pen: PenId,
    /// The channel by which the owner's own events come into it.
    pub(crate) channel: Eci,
}

impl<S: Send + Sync> FromRequestParts<S> for Owner {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let owner = parts.extensions.get::<Self>().copied();
        owner.ok_or_else(|| stranger().into())
    }
}

/// Lets a request pass that shows a credential, if the PEN that it names is its owner's.
pub(crate) async fn admit(
    State(site): State<Arc<Site>>,
    parameters: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let named = parameters.iter().find(|(name, _)| *name == PEN);
    let named = named.map(|(_, text)| pen(text)).transpose();
    let token = bearer(request.headers()).ok_or_else(stranger)?;
    let owner = owner(&site, token)?;
    // Another's PEN, and what is no PEN at all, are answered alike.
    if !matches!(named, Ok(named) if named.is_none_or(|named| named == owner.pen)) {
        return Err(no_pen().into());
    }
    request.extensions_mut().insert(owner);
    Ok(next.run(request).await)
}

/// The name of the part of an address that names a PEN.
pub(crate) const PEN: &str = "pen";

fn owner(site: &Site, token: &str) -> Result<Owner, Fault> {
    if !site.token.admits(token) {
        return Err(stranger());
    }
    Ok(Owner {
        pen: site.pen,
        channel: site.owner_channel,
    })
}

fn pen(text: &str) -> Result<PenId, Fault> {
    id(text).map(PenId)
}

fn no_pen() -> Fault {
    Fault::new(Whose::Caller, "pen-unknown", "you have no such PEN")
        .hint("ask `/api/v1/status` for your PENs")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn stranger() -> Fault {
    Fault::new(
        Whose::Caller,
        "token-wrong",
        "the owner's token is missing or wrong",
    )
    .hint("send `Authorization: Bearer …` with the text of `owner.token` in the data directory")
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
}
