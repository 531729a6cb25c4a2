//! An answer, as a ruleset sees it and as a verdict on an effect.

use reqwest::{
    Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap},
};
use stratus_event::{Map, Value};

use super::{not_done, trouble::Trouble};
use crate::Verdict;

/// An answer that came.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    pub(super) content: Vec<u8>,
}

impl Answer {
    /// Its head; the content is yet to come.
    pub(super) fn begun(response: &Response) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            content: Vec::new(),
        }
    }

    /// As a ruleset sees it. Bytes that are no UTF-8 are told by the replacement character.
    pub(super) fn value(self) -> Value {
        let content = String::from_utf8_lossy(&self.content).into_owned();
        let mut answer = Map::new();
        answer.insert("content", content);
        answer.insert("content_type", self.header(CONTENT_TYPE.as_str()));
        answer.insert("content_length", self.length());
        answer.insert("headers", self.headers());
        answer.insert("status_code", i32::from(self.status.as_u16()));
        answer.insert("status_line", self.reason());
        Value::map(answer)
    }

    /// What it says of something that was to be done.
    pub(super) fn verdict(self, repeatable: bool) -> Verdict {
        let status = self.status.as_u16();
        let reason = format!("the service answered {status} {}", self.reason());
        match status {
            200..=399 => Verdict::Done {
                receipt: status.to_string(),
            },
            408 | 425 | 429 | 503 => not_done(Trouble::Busy, reason, true),
            501 | 505 => not_done(Trouble::Refused, reason, false),
            500.. if repeatable => not_done(Trouble::Busy, reason, true),
            500.. => not_done(Trouble::Doubt, reason, false),
            _ => not_done(Trouble::Refused, reason, false),
        }
    }

    fn reason(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or_default()
    }

    fn header(&self, name: &str) -> Value {
        let first = self.headers.get(name);
        first.map_or(Value::Null, |value| {
            Value::from(String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
    }

    /// What the service says, which for `head` is not what came.
    fn length(&self) -> Value {
        let said = self.headers.get(CONTENT_LENGTH);
        let said = said.and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        said.map_or(Value::Null, |bytes| Value::number(f64::from(bytes)))
    }

    /// Every header once; what stands in several of one name is joined (RFC 9110, section 5.3).
    fn headers(&self) -> Map {
        let joined = self.headers.keys().map(|name| {
            let values = self.headers.get_all(name).iter();
            let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
            let values: Vec<_> = values.collect();
            (name.as_str(), Value::from(values.join(", ")))
        });
        joined.collect()
    }
}
