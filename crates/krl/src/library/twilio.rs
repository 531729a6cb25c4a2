//! The module `twilio`: text messages.

use stratus_event::Map as DataMap;

use super::{Body, Builtin, Given};
use crate::{
    evaluate::Evaluator,
    limit::{Failure, Halt},
    value::Value,
};

pub(super) static FUNCTIONS: &[Builtin] = &[Builtin::new(
    "twilio:send_sms",
    &["to", "body"],
    Body::Action(send_sms),
)];

/// Sends a text to a telephone number. The receipt is not for the rule: it goes to the journal.
fn send_sms(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    if given.get(0).is_null() || given.get(1).is_null() {
        return Err(Failure::argument("twilio:send_sms needs a number and a text").into());
    }
    let (to, body) = (given.text(0), given.text(1));
    evaluator.act(
        "twilio",
        "send_sms",
        DataMap::from([("to", &*to), ("body", &*body)]),
    )?;
    Ok(Value::Null)
}
