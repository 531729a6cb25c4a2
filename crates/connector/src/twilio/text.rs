//! What is to be sent.

use crate::{Request, Verdict};

/// A text and the number it goes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    pub(super) to: &'a str,
    pub(super) body: &'a str,
}

impl<'a> Text<'a> {
    /// The text that is asked for, or why there is none.
    pub(super) fn of(request: &'a Request) -> Result<Self, Verdict> {
        if request.action != "send_sms" {
            let reason = format!("twilio does not know how to {}", request.action);
            return Err(Verdict::NotDone {
                code: "action-unknown",
                reason,
                again: false,
            });
        }
        let argument = |name: &str| {
            let given = request.arguments.text(name).filter(|text| !text.is_empty());
            given.ok_or_else(|| Verdict::NotDone {
                code: "argument-missing",
                reason: format!("send_sms needs {name}, a text that is not empty"),
                again: false,
            })
        };
        Ok(Self {
            to: argument("to")?,
            body: argument("body")?,
        })
    }
}
