//! The outside world: effects and questions of rulesets.

use std::sync::Arc;

use stratus_api::WebhookVerifier;
use stratus_connector::{Request, Twilio, TwilioConfig, webhook_signature_fits};
use stratus_engine::{Ask, Input, Perform, Verdict};
use stratus_event::{Fault, Name, Whose};
use tokio::sync::mpsc;

use crate::{
    config::TwilioAccount,
    crash::{Boundary, CrashPoint},
};

/// The connectors of this node.
pub(super) struct Connectors {
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
            twilio: twilio.map(Arc::new),
            crash,
        })
    }

    /// Does what is wanted, in a task of its own. The engine bounds how many there are at a time.
    pub(super) fn perform(&self, perform: Perform, results: &Results) {
        let (twilio, crash, results) = (self.twilio.clone(), self.crash.clone(), results.clone());
        tokio::spawn(async move {
            let (pen, effect) = (perform.pen, perform.effect);
            let verdict = match twilio {
                _ if perform.connector != *TWILIO => unknown(&perform.connector),
                None => without_account(),
                Some(twilio) => text(&twilio, perform, &crash).await,
            };
            if let Verdict::NotDone { code, reason, .. } = &verdict {
                tracing::warn!(
                    "effect {} {}: {reason} [{code}]",
                    effect.position,
                    effect.ordinal
                );
            }
            // A loop that is gone needs no verdict; the next start settles it.
            let _ = results
                .send(Ok(Input::Performed {
                    pen,
                    effect,
                    verdict,
                }))
                .await;
        });
    }

    /// No connector of this version answers questions.
    pub(super) fn ask(ask: &Ask, results: &Results) {
        let (results, pen, question) = (results.clone(), ask.pen, ask.question);
        let message = format!("nothing here can be asked {}:{}", ask.connector, ask.action);
        let answer = Err(Fault::new(Whose::Ruleset, "connector-unknown", message));
        tokio::spawn(async move {
            let _ = results
                .send(Ok(Input::Answered {
                    pen,
                    question,
                    answer,
                }))
                .await;
        });
    }
}

/// Checks that a webhook's signature is of this account.
pub(crate) fn webhook_verifier(account: &TwilioAccount) -> Arc<WebhookVerifier> {
    let token = account.auth_token.clone();
    Arc::new(move |url, fields, signature| webhook_signature_fits(&token, url, fields, signature))
}

async fn text(twilio: &Twilio, perform: Perform, crash: &CrashPoint) -> Verdict {
    let request = Request {
        action: perform.action,
        arguments: perform.arguments,
        wanted: perform.wanted,
        doubt: perform.doubt,
        receipts: perform.receipts,
    };
    let observe = |boundary| {
        if boundary == stratus_connector::Boundary::AnswerUnread {
            crash.pass(Boundary::RequestSent);
        }
    };
    match twilio.perform(&request, &observe).await {
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

const TWILIO: &str = "twilio";

const BASE_URL_USUAL: &str = "https://api.twilio.com";

#[cfg(test)]
mod tests {
    use stratus_engine::EffectId;
    use stratus_event::{Map, PenId, Timestamp};

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
