//! What an answer of the service means, and what the lack of one means.

use serde_json::Value as Json;

use crate::{Verdict, broken::reason};

/// An answer that came, as far as it could be read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Null if it is no JSON.
    pub(super) body: Json,
}

impl Answer {
    /// What it says about a text that was to be sent.
    pub(super) fn sent(&self) -> Verdict {
        let not_done = |code, again| Verdict::NotDone {
            code,
            reason: self.reason(),
            again,
        };
        match (self.status, self.body["sid"].as_str()) {
            (200..=299, Some(sid)) => Verdict::Done {
                receipt: sid.to_owned(),
            },
            (401, _) => not_done("text-credentials-refused", true),
            (408 | 425 | 429 | 503, _) => not_done("text-service-busy", true),
            (400..=499, _) => not_done("text-refused", false),
            // Not the service itself: it never sends elsewhere.
            (300..=399, _) => not_done("text-service-moved", false),
            _ => Verdict::Unknown {
                reason: self.reason(),
            },
        }
    }

    /// In a sentence: the service's own number and words, if there are any.
    pub(super) fn reason(&self) -> String {
        let words = self.body["message"]
            .as_str()
            .unwrap_or("it does not say why");
        // Others' words are shown to people; a hostile service cannot fill their screens.
        let words: String = words.chars().take(WORDS_MAX).collect();
        match self.body["code"].as_u64() {
            Some(code) => format!("the service answered {} ({code}): {words}", self.status),
            None => format!("the service answered {}: {words}", self.status),
        }
    }
}

/// What it means that no answer came.
pub(super) fn unsent(error: &reqwest::Error) -> Verdict {
    let reason = reason(error);
    if error.is_builder() {
        return Verdict::NotDone {
            code: "text-unsendable",
            reason,
            again: false,
        };
    }
    // Without a connection nothing was sent. Everything else may have happened after the last byte
    // was sent.
    if error.is_connect() {
        return Verdict::NotDone {
            code: "text-service-unreachable",
            reason,
            again: true,
        };
    }
    Verdict::Unknown { reason }
}

/// Characters of the service's words that are passed on.
const WORDS_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(status: u16, body: Json, expected: &str) {
        let verdict = match (Answer { status, body }).sent() {
            Verdict::Done { receipt } => format!("done {receipt}"),
            Verdict::NotDone {
                code,
                reason,
                again,
            } => {
                format!("{code} {}{reason}", if again { "again " } else { "" })
            }
            Verdict::Unknown { reason } => format!("unknown {reason}"),
        };
        assert_eq!(verdict, expected);
    }

    #[test]
    fn an_answer_means_one_thing() {
        let twilio = json!({ "code": 21211, "message": "Invalid 'To'", "status": 400 });
        check(201, json!({ "sid": "SM1" }), "done SM1");
        check(200, json!({ "sid": "SM1" }), "done SM1");
        check(
            201,
            Json::Null,
            "unknown the service answered 201: it does not say why",
        );
        check(
            400,
            twilio,
            "text-refused the service answered 400 (21211): Invalid 'To'",
        );
        check(
            404,
            Json::Null,
            "text-refused the service answered 404: it does not say why",
        );
        let said = json!({ "message": "no" });
        check(
            401,
            said.clone(),
            "text-credentials-refused again the service answered 401: no",
        );
        check(
            429,
            said.clone(),
            "text-service-busy again the service answered 429: no",
        );
        check(
            503,
            said.clone(),
            "text-service-busy again the service answered 503: no",
        );
        check(
            302,
            said.clone(),
            "text-service-moved the service answered 302: no",
        );
        check(500, said.clone(), "unknown the service answered 500: no");
        check(504, said, "unknown the service answered 504: no");
    }

    #[test]
    fn a_request_that_cannot_be_made_is_not_tried_again() {
        let request = reqwest::Client::new().post("no address").build();
        let verdict = unsent(&request.unwrap_err());
        assert!(
            matches!(
                &verdict,
                Verdict::NotDone {
                    code: "text-unsendable",
                    again: false,
                    ..
                }
            ),
            "{verdict:?}"
        );
    }

    #[test]
    fn the_words_of_others_are_cut() {
        let answer = Answer {
            status: 400,
            body: json!({ "message": "ä".repeat(1 << 20) }),
        };
        assert!(answer.reason().chars().count() < 600);
    }
}
