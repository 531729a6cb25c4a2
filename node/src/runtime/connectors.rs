//! The outside world: effects and questions of rulesets.

use std::sync::Arc;

use stratus_api::{Fetched, WebhookVerifier};
use stratus_connector::{Http, HttpConfig, Request, Twilio, TwilioConfig, webhook_signature_fits};
use stratus_engine::{Ask, Input, Perform, Verdict};
use stratus_event::{Fault, Name, Timestamp, Value, Whose};
use tokio::sync::mpsc;

use crate::{
    config::TwilioAccount,
    crash::{Boundary, CrashPoint},
};

/// The connectors of this node.
#[derive(Clone)]
pub(super) struct Connectors {
    http: Arc<Http>,
    twilio: Option<Arc<Twilio>>,
    crash: Arc<CrashPoint>,
}

type Results = mpsc::Sender<Result<Input, Fault>>;

impl Connectors {
    pub(super) fn new(
        account: Option<TwilioAccount>,
        crash: Arc<CrashPoint>,
    ) -> Result<Self, Fault> {
        let twilio = account
            .map(|account| Twilio::new(configuration(account)))
            .transpose()?;
        Ok(Self {
            http: Arc::new(Http::new(HttpConfig::default())?),
            twilio: twilio.map(Arc::new),
            crash,
        })
    }

    /// Does what is wanted, in a task of its own. The engine bounds how many there are at a time.
    pub(super) fn perform(&self, perform: Perform, results: &Results) {
        let (connectors, results) = (self.clone(), results.clone());
        tokio::spawn(async move {
            let (pen, effect) = (perform.pen, perform.effect);
            let verdict = connectors.verdict(perform).await;
            if let Verdict::NotDone { code, reason, .. } = &verdict {
                let (position, ordinal) = (effect.position, effect.ordinal);
                tracing::warn!("effect {position} {ordinal}: {reason} [{code}]");
            }
            let input = Input::Performed {
                pen,
                effect,
                verdict,
            };
            // A loop that is gone needs no verdict; the next start settles it.
            let _ = results.send(Ok(input)).await;
        });
    }

    /// Finds the answer, in a task of its own.
    pub(super) fn ask(&self, ask: Ask, results: &Results) {
        let (connectors, results) = (self.clone(), results.clone());
        tokio::spawn(async move {
            let (pen, question) = (ask.pen, ask.question);
            let answer = connectors.answer(ask).await;
            let input = Input::Answered {
                pen,
                question,
                answer,
            };
            let _ = results.send(Ok(input)).await;
        });
    }

    async fn verdict(&self, perform: Perform) -> Verdict {
        let connector = perform.connector.clone();
        let request = Request {
            action: perform.action,
            arguments: perform.arguments,
            wanted: perform.wanted,
            doubt: perform.doubt,
            receipts: perform.receipts,
        };
        let observe = |boundary| {
            if boundary == stratus_connector::Boundary::AnswerUnread {
                self.crash.pass(Boundary::RequestSent);
            }
        };
        match (connector.as_str(), &self.twilio) {
            (HTTP, _) => engine_verdict(self.http.perform(&request, &observe).await),
            (TWILIO, Some(twilio)) => engine_verdict(twilio.perform(&request, &observe).await),
            (TWILIO, None) => without_account(),
            _ => unknown(&connector),
        }
    }

    async fn answer(&self, ask: Ask) -> Result<Value, Fault> {
        if ask.connector != *HTTP {
            let message = format!("nothing here can be asked {}:{}", ask.connector, ask.action);
            return Err(Fault::new(Whose::Ruleset, "connector-unknown", message));
        }
        let question = Request {
            action: ask.action,
            arguments: ask.arguments,
            wanted: Timestamp(0),
            doubt: ask.doubt,
            receipts: Vec::new(),
        };
        self.http.ask(&question).await
    }
}

/// Fetches the texts of rulesets.
pub(crate) struct Library(Http);

impl Library {
    pub(crate) fn new() -> Result<Self, Fault> {
        Http::new(HttpConfig::default()).map(Self)
    }
}

impl stratus_api::Library for Library {
    fn fetch<'a>(&'a self, url: &'a str) -> Fetched<'a> {
        Box::pin(self.0.text(url))
    }
}

/// Checks that a webhook's signature is of this account.
pub(crate) fn webhook_verifier(account: &TwilioAccount) -> Arc<WebhookVerifier> {
    let token = account.auth_token.clone();
    Arc::new(move |url, fields, signature| webhook_signature_fits(&token, url, fields, signature))
}

fn engine_verdict(verdict: stratus_connector::Verdict) -> Verdict {
    match verdict {
        stratus_connector::Verdict::Done { receipt } => Verdict::Done { receipt },
        stratus_connector::Verdict::NotDone {
            code,
            reason,
            again,
        } => Verdict::NotDone {
            code: code.to_owned(),
            reason,
            again,
        },
        stratus_connector::Verdict::Unknown { reason } => Verdict::Unknown { reason },
    }
}

fn configuration(account: TwilioAccount) -> TwilioConfig {
    let base_url = account
        .base_url
        .unwrap_or_else(|| BASE_URL_USUAL.to_owned());
    TwilioConfig::new(
        base_url,
        account.account_sid,
        account.auth_token,
        account.from,
    )
}

fn unknown(connector: &Name) -> Verdict {
    Verdict::NotDone {
        code: "connector-unknown".to_owned(),
        reason: format!("this node has no connector {connector}"),
        again: false,
    }
}

/// The owner may add the account and start the node again; until then it is tried again.
fn without_account() -> Verdict {
    Verdict::NotDone {
        code: "connector-unconfigured".to_owned(),
        reason: "this node has no Twilio account; put it under [twilio] in stratus.toml".to_owned(),
        again: true,
    }
}

const HTTP: &str = "http";

const TWILIO: &str = "twilio";

const BASE_URL_USUAL: &str = "https://api.twilio.com";

#[cfg(test)]
mod tests {
    use stratus_engine::EffectId;
    use stratus_event::{Map, PenId};

    use super::*;

    async fn check(connector: &str, expected: &str, expected_again: bool) {
        let connectors = Connectors::new(None, Arc::default()).unwrap();
        let (results, mut verdicts) = mpsc::channel(1);
        let name = |text| Name::new(text).unwrap();
        let perform = Perform {
            pen: PenId([0; 16]),
            effect: EffectId {
                position: 0,
                ordinal: 0,
            },
            rid: name("r"),
            connector: name(connector),
            action: name("send_sms"),
            arguments: Map::new(),
            wanted: Timestamp(0),
            doubt: false,
            receipts: vec![],
        };
        connectors.perform(perform, &results);
        let Some(Ok(Input::Performed { verdict, .. })) = verdicts.recv().await else {
            panic!("no verdict")
        };
        let Verdict::NotDone { code, again, .. } = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!((code.as_str(), again), (expected, expected_again));
    }

    #[tokio::test]
    async fn what_nobody_can_do_is_not_done() {
        check("pigeon", "connector-unknown", false).await;
        check("twilio", "connector-unconfigured", true).await;
    }
}
