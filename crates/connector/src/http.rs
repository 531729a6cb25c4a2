//! Requests by HTTP for rulesets: `http:get` and its siblings, as a question or as an effect.
//!
//! What can be done twice without harm (RFC 9110, section 9.2.2) is simply done again when nobody
//! knows how the first try ended. A `post` or a `patch` never is: it stays in doubt, and its
//! ruleset is told so.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, redirect};
use stratus_event::{Fault, Value, Whose};

use crate::{Boundary, Request, Verdict};
use answer::Answer;
use call::{Call, Content};
use trouble::Trouble;

mod answer;
mod call;
mod text;
mod trouble;

/// Asks and tells services of the world.
#[derive(Debug)]
pub struct Http {
    config: HttpConfig,
    fetching: Client,
    following: Client,
    staying: Client,
}

/// The bounds of talking to a service.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// How long a connection may take, in milliseconds, its name's resolution included.
    pub connect_timeout_ms_max: u64,
    /// How long the answer may take after that, in milliseconds.
    pub answer_timeout_ms_max: u64,
    /// The longest answer, in bytes. A longer one is `http-answer-oversize`.
    pub answer_bytes_max: usize,
    /// How often one request is sent elsewhere. One more is `http-no-answer`.
    pub redirects_max: usize,
}

impl Http {
    /// A connector with these bounds.
    pub fn new(config: HttpConfig) -> Result<Self, Fault> {
        let client = |policy| client(&config, policy).map_err(|error| unusable(&error));
        let fetching = client(text::securely(config.redirects_max))?;
        let following = client(redirect::Policy::limited(config.redirects_max))?;
        let staying = client(redirect::Policy::none())?;
        Ok(Self {
            config,
            fetching,
            following,
            staying,
        })
    }

    /// Asks, and gives the answer as a map: `content`, `content_type`, `content_length`, `headers`,
    /// `status_code` and `status_line`.
    pub async fn ask(&self, question: &Request) -> Result<Value, Fault> {
        let call = Call::of(question)?;
        if question.doubt && !call.is_repeatable() {
            return Err(Trouble::Doubt.fault("the node stopped while it was asked"));
        }
        let response = self.send(&call, &|_| {}).await;
        let answer = self.read(response.map_err(|trouble| trouble.0)?).await;
        answer.map(Answer::value)
    }

    /// Does what is wanted. `observe` is called at each boundary.
    pub async fn perform(
        &self,
        request: &Request,
        observe: &(dyn Fn(Boundary) + Send + Sync),
    ) -> Verdict {
        let call = match Call::of(request) {
            Ok(call) => call,
            Err(fault) => return not_done(Trouble::Wrong, fault.message, false),
        };
        let repeatable = call.is_repeatable();
        if request.doubt && !repeatable {
            let reason = "nobody knows whether an earlier try was done".to_owned();
            return not_done(Trouble::Doubt, reason, false);
        }
        // Nobody sees what the answer holds, so it is not read.
        match self.send(&call, observe).await {
            Ok(response) => Answer::begun(&response).verdict(repeatable),
            Err((fault, trouble)) => trouble.verdict(fault.message, repeatable),
        }
    }

    async fn send(
        &self,
        call: &Call<'_>,
        observe: &(dyn Fn(Boundary) + Send + Sync),
    ) -> Result<Response, (Fault, Trouble)> {
        observe(Boundary::RequestUnsent);
        let sent = self.request(call).send().await;
        let response = sent.map_err(|error| Trouble::of(&error))?;
        observe(Boundary::AnswerUnread);
        Ok(response)
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let client = if call.follows {
            &self.following
        } else {
            &self.staying
        };
        let request = client.request(call.method.clone(), call.url.clone());
        let request = request.headers(call.headers.clone());
        let request = match call.login {
            Some((name, password)) => request.basic_auth(name, Some(password)),
            None => request,
        };
        match &call.content {
            Content::Form(fields) => request.form(fields),
            Content::None => request,
            Content::Text(text, _) => request.body(text.clone()),
        }
    }

    async fn read(&self, mut response: Response) -> Result<Answer, Fault> {
        let mut answer = Answer::begun(&response);
        let bytes_max = self.config.answer_bytes_max;
        loop {
            let chunk = response.chunk().await;
            let Some(chunk) = chunk.map_err(|error| Trouble::of(&error).0)? else {
                return Ok(answer);
            };
            if answer.content.len() + chunk.len() > bytes_max {
                let reason = format!("the answer is longer than {bytes_max} bytes");
                return Err(Trouble::Oversize.fault(&reason));
            }
            answer.content.extend_from_slice(&chunk);
        }
    }
}

impl Default for HttpConfig {
    /// The usual bounds.
    fn default() -> Self {
        Self {
            connect_timeout_ms_max: 10_000,
            answer_timeout_ms_max: 20_000,
            answer_bytes_max: 1 << 20,
            redirects_max: 10,
        }
    }
}

fn client(config: &HttpConfig, policy: redirect::Policy) -> reqwest::Result<Client> {
    let connect = Duration::from_millis(config.connect_timeout_ms_max);
    let answer = Duration::from_millis(config.answer_timeout_ms_max);
    Client::builder()
        .connect_timeout(connect)
        .timeout(connect + answer)
        .redirect(policy)
        // A connection kept open may be closed just when the next request is written; then nobody
        // knows whether it came.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("stratus/", env!("CARGO_PKG_VERSION")))
        .build()
}

fn unusable(error: &reqwest::Error) -> Fault {
    let message = format!("no request can be made from here: {error}");
    Fault::new(Whose::World, "http-unusable", message).hint("look at the system's certificates")
}

fn not_done(trouble: Trouble, reason: String, again: bool) -> Verdict {
    let code = trouble.code();
    Verdict::NotDone {
        code,
        reason,
        again,
    }
}

#[cfg(test)]
mod tests;
