//! Faults as HTTP answers: problem+json (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use stratus_event::{Fault, Whose};

use crate::shape::Problem;

/// A request that is not done, and why.
#[derive(Debug)]
pub(crate) struct Refusal(Fault);

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = status(&self.0);
        if status.is_server_error() {
            tracing::warn!("a request failed: {}", self.0);
        }
        let kind = HeaderValue::from_static("application/problem+json");
        let retry = self
            .0
            .retry_after_ms
            .map(|ms| HeaderValue::from(ms.div_ceil(1000)));
        let problem = Json(problem(self.0.clone(), status));
        let mut response = (status, [(header::CONTENT_TYPE, kind)], problem).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        // For routes that tell it in another way.
        response.extensions_mut().insert(self.0);
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The HTTP status of a fault: by its code where HTTP has a word for it, else by whose it is.
pub fn status(fault: &Fault) -> StatusCode {
    match &*fault.code {
        "login-wrong" | "token-wrong" => StatusCode::UNAUTHORIZED,
        "account-operator"
        | "channel-not-legacy"
        | "channel-only-nearby"
        | "channel-reserved"
        | "operator-only"
        | "origin-foreign"
        | "policy-refuses"
        | "scope-missing"
        | "webhook-signature-wrong" => StatusCode::FORBIDDEN,
        "account-taken" | "channel-in-use" => StatusCode::CONFLICT,
        "request-method-wrong" => StatusCode::METHOD_NOT_ALLOWED,
        "request-too-large" => StatusCode::PAYLOAD_TOO_LARGE,
        "request-late" => StatusCode::REQUEST_TIMEOUT,
        "request-type-wrong" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "rate-exceeded" | "requests-too-many" => StatusCode::TOO_MANY_REQUESTS,
        "command-late" => StatusCode::GATEWAY_TIMEOUT,
        code if code.ends_with("-unknown") => StatusCode::NOT_FOUND,
        _ => match fault.whose {
            Whose::Bug => StatusCode::INTERNAL_SERVER_ERROR,
            Whose::Caller => StatusCode::BAD_REQUEST,
            Whose::Peer => StatusCode::BAD_GATEWAY,
            Whose::Ruleset => StatusCode::UNPROCESSABLE_ENTITY,
            Whose::World => StatusCode::SERVICE_UNAVAILABLE,
        },
    }
}

fn problem(fault: Fault, status: StatusCode) -> Problem {
    Problem {
        r#type: format!("urn:stratus:fault:{}", fault.code),
        title: fault.code.replace('-', " "),
        status: status.as_u16(),
        detail: fault.message,
        whose: fault.whose.as_str().to_owned(),
        code: fault.code.into_owned(),
        hint: fault.hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(whose: Whose, code: &'static str, expected: u16) {
        assert_eq!(
            status(&Fault::new(whose, code, "")).as_u16(),
            expected,
            "{code}"
        );
    }

    #[test]
    fn every_fault_has_a_status() {
        check(Whose::Caller, "login-wrong", 401);
        check(Whose::Caller, "token-wrong", 401);
        check(Whose::Caller, "account-operator", 403);
        check(Whose::Caller, "operator-only", 403);
        check(Whose::Caller, "origin-foreign", 403);
        check(Whose::Caller, "scope-missing", 403);
        check(Whose::Caller, "webhook-signature-wrong", 403);
        check(Whose::Caller, "channel-not-legacy", 403);
        check(Whose::Caller, "channel-only-nearby", 403);
        check(Whose::Caller, "channel-reserved", 403);
        check(Whose::Caller, "channel-unknown", 404);
        check(Whose::Caller, "request-method-wrong", 405);
        check(Whose::Caller, "request-late", 408);
        check(Whose::Caller, "channel-in-use", 409);
        check(Whose::Caller, "request-too-large", 413);
        check(Whose::Caller, "request-type-wrong", 415);
        check(Whose::Caller, "account-taken", 409);
        check(Whose::Caller, "rate-exceeded", 429);
        check(Whose::World, "requests-too-many", 429);
        check(Whose::Bug, "anything", 500);
        check(Whose::Caller, "anything", 400);
        check(Whose::Peer, "anything", 502);
        check(Whose::Ruleset, "anything", 422);
        check(Whose::World, "anything", 503);
        check(Whose::World, "command-late", 504);
    }

    #[test]
    fn a_problem_says_all_that_the_fault_says() {
        let fault = Fault::new(Whose::Caller, "channel-unknown", "no such channel").hint("look");
        let json = serde_json::to_value(problem(fault.clone(), status(&fault))).unwrap();
        let expected = serde_json::json!({
            "type": "urn:stratus:fault:channel-unknown", "title": "channel unknown", "status": 404,
            "detail": "no such channel", "code": "channel-unknown", "whose": "caller",
            "hint": "look",
        });
        assert_eq!(json, expected);
    }
}
