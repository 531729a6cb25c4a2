//! Whether a text was sent: the list of messages, newest first.

use chrono::DateTime;
use reqwest::Url;
use serde_json::Value as Json;
use stratus_event::Timestamp;

use super::{Text, Twilio};
use crate::{Request, broken::reason};

impl Twilio {
    /// The message that this request sent before, if there is one: to the same number, with the
    /// same words, not older than the request, and of no other effect. An error if it cannot be
    /// found out.
    pub(super) async fn find(
        &self,
        request: &Request,
        text: &Text<'_>,
    ) -> Result<Option<String>, String> {
        let skew = i64::try_from(self.config.clock_skew_ms_max).unwrap_or(i64::MAX);
        let since = Timestamp(request.wanted.0.saturating_sub(skew));
        let mut page = Some(self.first_page(text));
        for _ in 0..self.config.pages_max {
            let Some(url) = page else { return Ok(None) };
            let list = self.page(url).await?;
            let messages = list["messages"]
                .as_array()
                .ok_or("the service gave no list")?;
            for message in messages {
                let message = Message::of(message).ok_or("the service gave a strange message")?;
                if message.created < since {
                    return Ok(None);
                }
                if message.body == text.body && !self.belongs_to_another(request, message.sid) {
                    return Ok(Some(message.sid.to_owned()));
                }
            }
            page = self.next_page(&list)?;
        }
        match page {
            None => Ok(None),
            Some(_) => Err(format!(
                "the list is longer than {} pages",
                self.config.pages_max
            )),
        }
    }

    fn belongs_to_another(&self, request: &Request, sid: &str) -> bool {
        request.receipts.iter().any(|receipt| receipt == sid)
            || self.taken().iter().any(|receipt| receipt == sid)
    }

    fn first_page(&self, text: &Text<'_>) -> Url {
        let mut url = self.messages.clone();
        url.query_pairs_mut()
            .append_pair("To", text.to)
            .append_pair("From", &self.config.from)
            .append_pair("PageSize", &self.config.page_messages_max.to_string());
        url
    }

    async fn page(&self, url: Url) -> Result<Json, String> {
        let response = self.authorised(self.client.get(url)).send().await;
        let answer = self.read(response.map_err(|error| reason(&error))?).await;
        match answer.status {
            200..=299 => Ok(answer.body),
            _ => Err(answer.reason()),
        }
    }

    /// The address of the next page: another page of the same list, never another place, because
    /// the account's secret goes there.
    fn next_page(&self, list: &Json) -> Result<Option<Url>, String> {
        let Some(next) = list["next_page_uri"].as_str() else {
            return Ok(None);
        };
        let next = self
            .messages
            .join(next)
            .map_err(|error| error.to_string())?;
        let same = next.origin() == self.messages.origin() && next.path() == self.messages.path();
        if same {
            Ok(Some(next))
        } else {
            Err("the next page is somewhere else".into())
        }
    }
}

/// A message of the list.
struct Message<'a> {
    sid: &'a str,
    body: &'a str,
    created: Timestamp,
}

impl<'a> Message<'a> {
    fn of(message: &'a Json) -> Option<Self> {
        let created = DateTime::parse_from_rfc2822(message["date_created"].as_str()?).ok()?;
        Some(Self {
            sid: message["sid"].as_str()?,
            body: message["body"].as_str()?,
            // The list says whole seconds.
            created: Timestamp(created.timestamp_millis().saturating_add(999)),
        })
    }
}
