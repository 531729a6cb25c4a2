//! What a request says, taken apart: bodies, queries and identifiers.

use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Query, Request,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;
use stratus_event::{Eci, Fault, Name, Whose};
use stratus_pen::Rule;

use crate::problem::Refusal;

/// A JSON body of one known shape.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let Json(body) = Json::from_request(request, state)
            .await
            .map_err(|e| body_fault(&e))?;
        Ok(Self(body))
    }
}

/// The part of the address after the question mark, of one known shape.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let rejected = |e: QueryRejection| malformed(e.body_text());
        let Query(asked) = Query::from_request_parts(parts, state)
            .await
            .map_err(rejected)?;
        Ok(Self(asked))
    }
}

/// Reads a name: of a domain, a type, a ruleset, a tag.
pub(crate) fn name(text: &str) -> Result<Name, Fault> {
    let wrong = |e| Fault::new(Whose::Caller, "name-malformed", format!("{text:?}: {e}"));
    Name::new(text).map_err(wrong)
}

/// Reads an ECI.
pub(crate) fn eci(text: &str) -> Result<Eci, Fault> {
    text.parse().map_err(|e| {
        Fault::new(Whose::Caller, "eci-malformed", format!("{text:?}: {e}"))
            .hint("run `stratus channel list` to see the channels of this PEN")
    })
}

/// Reads 16 bytes written as 32 hexadecimal digits.
pub(crate) fn id(text: &str) -> Result<[u8; 16], Fault> {
    let id = text.parse::<stratus_event::EventId>();
    id.map(|id| id.0).map_err(|e| {
        Fault::new(Whose::Caller, "id-malformed", format!("{text:?}: {e}"))
            .hint("run `stratus subscriptions` or `stratus status` to see the ids")
    })
}

/// Reads `first:second`, without wildcards.
pub(crate) fn symbol(text: &str) -> Result<(Name, Name), Fault> {
    let (first, second) = halves(text)?;
    Ok((name(first)?, name(second)?))
}

/// Reads `first:second` of a policy, each half of which may be `*`.
pub(crate) fn rule(text: &str) -> Result<Rule, Fault> {
    let (first, second) = halves(text)?;
    let half = |text: &str| {
        if text == "*" {
            Ok(None)
        } else {
            name(text).map(Some)
        }
    };
    Ok(Rule {
        first: half(first)?,
        second: half(second)?,
    })
}

/// The fault of a request that does not have the shape it should have.
pub(crate) fn malformed(message: String) -> Fault {
    Fault::new(Whose::Caller, "request-malformed", message)
        .hint("the shapes are described in spec/http-api.md")
}

fn halves(text: &str) -> Result<(&str, &str), Fault> {
    text.split_once(':').ok_or_else(|| {
        let message = format!("{text:?} has no colon");
        Fault::new(Whose::Caller, "name-malformed", message)
            .hint("write domain:type, such as schedule:inquiry")
    })
}

fn body_fault(rejection: &JsonRejection) -> Fault {
    let fault = |code, message: String| Fault::new(Whose::Caller, code, message);
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(rejection.body_text()),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => fault(
            "request-type-wrong",
            "the body is not marked as JSON".to_owned(),
        )
        .hint("send `Content-Type: application/json`"),
        _ => malformed(rejection.body_text()),
    }
}

/// The fault of a body above its bound.
pub(crate) fn too_large(message: String) -> Fault {
    Fault::new(Whose::Caller, "request-too-large", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T>(read: Result<T, Fault>, expected: Option<&str>) {
        let code = read.err().map(|fault| fault.code);
        assert_eq!(code.as_deref(), expected);
    }

    #[test]
    fn names_and_symbols() {
        check(symbol("schedule:inquiry"), None);
        check(symbol("schedule"), Some("name-malformed"));
        check(symbol("schedule:"), Some("name-malformed"));
        check(symbol("a b:c"), Some("name-malformed"));
        check(name(&"n".repeat(129)), Some("name-malformed"));
    }

    #[test]
    fn rules_may_have_wildcards() {
        assert_eq!(
            rule("*:*"),
            Ok(Rule {
                first: None,
                second: None
            })
        );
        let twilio = Some(Name::new("twilio").unwrap());
        assert_eq!(
            rule("twilio:*"),
            Ok(Rule {
                first: twilio,
                second: None
            })
        );
        check(rule("*"), Some("name-malformed"));
    }

    #[test]
    fn identifiers() {
        check(id("00112233445566778899aabbccddeeff"), None);
        check(id("0011"), Some("id-malformed"));
        check(
            eci("z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"),
            None,
        );
        check(eci("nobody"), Some("eci-malformed"));
    }
}
