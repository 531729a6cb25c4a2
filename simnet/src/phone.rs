//! The telephone network: a text service that never removes duplicates.

use stratus_engine::{Perform, Verdict};
use stratus_event::Timestamp;

/// A text that was sent to a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The service's id of it.
    pub sid: String,
    /// Whose phone it went to.
    pub to: String,
    /// What it said.
    pub body: String,
    /// When the service took it.
    pub at: Timestamp,
}

/// All texts that the service has taken, in order.
#[derive(Debug, Default)]
pub(crate) struct Phones {
    pub(crate) texts: Vec<Text>,
}

impl Phones {
    /// Takes a request as the service would. What may have been done before is looked up in the
    /// list of messages first, as the real connector does.
    pub(crate) fn perform(&mut self, now: Timestamp, request: &Perform) -> (Verdict, bool) {
        if request.connector != "twilio" || request.action != "send_sms" {
            return (unknown_connector(), false);
        }
        let to = request.arguments.text("to").unwrap_or_default().to_owned();
        let body = request
            .arguments
            .text("body")
            .unwrap_or_default()
            .to_owned();
        if let Some(sid) = request
            .doubt
            .then(|| self.find(request, &to, &body))
            .flatten()
        {
            return (Verdict::Done { receipt: sid }, false);
        }
        let sid = format!("SM{:08}", self.texts.len());
        self.texts.push(Text {
            sid: sid.clone(),
            to,
            body,
            at: now,
        });
        (Verdict::Done { receipt: sid }, true)
    }

    fn find(&self, request: &Perform, to: &str, body: &str) -> Option<String> {
        let text = self.texts.iter().find(|text| {
            text.to == to
                && text.body == body
                && text.at >= request.wanted
                && !request.receipts.contains(&text.sid)
        });
        text.map(|text| text.sid.clone())
    }
}

fn unknown_connector() -> Verdict {
    Verdict::NotDone {
        code: "connector-unknown".to_owned(),
        reason: "there are only telephones in this world".to_owned(),
        again: false,
    }
}
