//! Text messages by Twilio's Messages API, or a service that speaks it.
//!
//! <https://www.twilio.com/docs/messaging/api/message-resource>

use std::{
    collections::VecDeque,
    fmt,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{Client, RequestBuilder, Response, Url, redirect};
use serde_json::Value as Json;
use stratus_event::{Fault, Whose};
use tokio::{sync::RwLock, time::Instant};

use crate::{Boundary, Request, Verdict};
use answer::{Answer, unsent};
use text::Text;

mod answer;
mod doubt;
mod signature;
mod text;

pub use signature::{webhook_signature, webhook_signature_fits};

/// Sends texts.
///
/// The service has no key that would make a repeated request harmless. So after a try of which
/// nobody knows whether it was done, the list of messages is read first.
#[derive(Debug)]
pub struct Twilio {
    config: TwilioConfig,
    messages: Url,
    client: Client,
    /// Sends read, the settling of a doubt writes: while a doubt is settled nothing is sent, so it
    /// never takes another effect's message, whose receipt is still on its way, for its own.
    gate: RwLock<()>,
    /// The last moment at which a message may have been taken without anybody here knowing: when
    /// this process began, because a former one may have sent it, or when a try ended unknown.
    uncertain: Mutex<Instant>,
    /// The latest messages that this process has found to belong to an effect, oldest first; the
    /// one who asks may not know of them yet.
    taken: Mutex<VecDeque<String>>,
}

/// An account, and the bounds of talking to the service.
#[derive(Clone)]
pub struct TwilioConfig {
    /// The service's address, such as `https://api.twilio.com`.
    pub base_url: String,
    /// The account's id.
    pub account_sid: String,
    /// The account's secret.
    pub auth_token: String,
    /// The number from which texts are sent.
    pub from: String,
    /// How long a connection may take, in milliseconds, its name's resolution included.
    pub connect_timeout_ms_max: u64,
    /// How long the answer may take after that, in milliseconds.
    pub answer_timeout_ms_max: u64,
    /// How long after the last uncertain moment the list is read to settle a doubt, in
    /// milliseconds: a message that was just taken may not be listed yet.
    pub doubt_wait_ms: u64,
    /// How far the service's clock may be behind this node's, in milliseconds.
    pub clock_skew_ms_max: u64,
    /// Pages of the list that are read to settle one doubt. If the end is not reached, it stays.
    pub pages_max: usize,
    /// Messages of one page.
    pub page_messages_max: usize,
    /// The longest answer, in bytes. What comes after is not read, and the answer counts as none.
    pub answer_bytes_max: usize,
    /// The most messages remembered as taken. Beyond it the oldest are forgotten; by then they have
    /// long been among the receipts of those who ask.
    pub taken_max: usize,
}

impl Twilio {
    /// A sender with that account. Nothing is sent yet.
    pub fn new(config: TwilioConfig) -> Result<Self, Fault> {
        let malformed = |reason: String| {
            let message = format!(
                "{} is no address of a text service: {reason}",
                config.base_url
            );
            Fault::new(Whose::Caller, "text-service-malformed", message)
                .hint("write it like https://api.twilio.com")
        };
        let base = config.base_url.trim_end_matches('/');
        let account = &config.account_sid;
        if account.is_empty() || !account.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(malformed(format!("{account:?} is no account sid")));
        }
        let messages = format!("{base}/2010-04-01/Accounts/{account}/Messages.json");
        let messages = Url::parse(&messages).map_err(|error| malformed(error.to_string()))?;
        let client = client(&config, &messages).map_err(|error| malformed(error.to_string()))?;
        let (gate, taken) = (RwLock::new(()), Mutex::default());
        let uncertain = Mutex::new(Instant::now());
        Ok(Self {
            config,
            messages,
            client,
            gate,
            uncertain,
            taken,
        })
    }

    /// Does what is wanted, or finds out that it was done. `observe` is called at each boundary.
    pub async fn perform(
        &self,
        request: &Request,
        observe: &(dyn Fn(Boundary) + Send + Sync),
    ) -> Verdict {
        let text = match Text::of(request) {
            Ok(text) => text,
            Err(verdict) => return verdict,
        };
        if request.doubt {
            return self.settle(request, &text, observe).await;
        }
        let _open = self.gate.read().await;
        self.remember(self.send(&text, observe).await)
    }

    /// Finds the text among those of the service, or sends it.
    async fn settle(
        &self,
        request: &Request,
        text: &Text<'_>,
        observe: &(dyn Fn(Boundary) + Send + Sync),
    ) -> Verdict {
        let uncertain = *lock(&self.uncertain);
        tokio::time::sleep_until(uncertain + Duration::from_millis(self.config.doubt_wait_ms))
            .await;
        let _shut = self.gate.write().await;
        let verdict = match self.find(request, text).await {
            Ok(Some(receipt)) => Verdict::Done { receipt },
            Ok(None) => self.send(text, observe).await,
            Err(reason) => Verdict::Unknown { reason },
        };
        self.remember(verdict)
    }

    async fn send(&self, text: &Text<'_>, observe: &(dyn Fn(Boundary) + Send + Sync)) -> Verdict {
        observe(Boundary::RequestUnsent);
        let form = [
            ("To", text.to),
            ("From", &*self.config.from),
            ("Body", text.body),
        ];
        let request = self.client.post(self.messages.clone()).form(&form);
        match self.authorised(request).send().await {
            Ok(response) => {
                observe(Boundary::AnswerUnread);
                self.read(response).await.sent()
            }
            Err(error) => unsent(&error),
        }
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        request.basic_auth(&self.config.account_sid, Some(&self.config.auth_token))
    }

    /// The whole answer, if it is not too long.
    async fn read(&self, mut response: Response) -> Answer {
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= self.config.answer_bytes_max => {
                    bytes.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => {
                    return Answer {
                        status,
                        body: Json::Null,
                    };
                }
            }
        }
        Answer {
            status,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    fn remember(&self, verdict: Verdict) -> Verdict {
        match &verdict {
            Verdict::Done { receipt } => {
                let mut taken = self.taken();
                taken.push_back(receipt.clone());
                if taken.len() > self.config.taken_max {
                    taken.pop_front();
                }
            }
            Verdict::NotDone { .. } => {}
            Verdict::Unknown { .. } => *lock(&self.uncertain) = Instant::now(),
        }
        verdict
    }

    fn taken(&self) -> MutexGuard<'_, VecDeque<String>> {
        lock(&self.taken)
    }
}

/// Nothing is left half-done here by a panic, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TwilioConfig {
    /// The usual bounds.
    pub fn new(base_url: String, account_sid: String, auth_token: String, from: String) -> Self {
        Self {
            base_url,
            account_sid,
            auth_token,
            from,
            connect_timeout_ms_max: 10_000,
            answer_timeout_ms_max: 20_000,
            doubt_wait_ms: 2_000,
            clock_skew_ms_max: 300_000,
            pages_max: 20,
            page_messages_max: 100,
            answer_bytes_max: 4 << 20,
            taken_max: 1_000,
        }
    }
}

impl fmt::Debug for TwilioConfig {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioConfig")
            .field("base_url", &self.base_url)
            .field("account_sid", &self.account_sid)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

fn client(config: &TwilioConfig, url: &Url) -> reqwest::Result<Client> {
    let connect = Duration::from_millis(config.connect_timeout_ms_max);
    let answer = Duration::from_millis(config.answer_timeout_ms_max);
    let builder = Client::builder()
        .connect_timeout(connect)
        .timeout(connect + answer)
        // The account's secret goes to that address and no other.
        .redirect(redirect::Policy::none())
        // A connection kept open may be closed just when the next request is written; then nobody
        // knows whether it came.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("stratus/", env!("CARGO_PKG_VERSION")));
    let builder = if is_here(url) {
        builder.no_proxy()
    } else {
        builder
    };
    builder.build()
}

/// Whether the service runs on this machine, where no proxy leads.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests;
