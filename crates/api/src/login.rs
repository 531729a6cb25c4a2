//! Who may come in.

use std::{fmt, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::Response,
};
use stratus_event::{Fault, Whose};
use subtle::ConstantTimeEq;

use crate::{Site, problem::Refusal};

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

/// Lets a request pass if it carries the owner's token.
pub(crate) async fn require_owner(
    State(site): State<Arc<Site>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let admitted = bearer(request.headers()).is_some_and(|token| site.token.admits(token));
    if admitted {
        Ok(next.run(request).await)
    } else {
        Err(stranger().into())
    }
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
