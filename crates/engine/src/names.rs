//! The symbols of the events by which the engine tells a PEN something.

use stratus_event::{Name, Value};

pub(crate) const ADDED: &str = "added";
pub(crate) const EFFECT_FAILED: &str = "effect_failed";
pub(crate) const ERROR: &str = "error";
pub(crate) const EVENT: &str = "event";
pub(crate) const PAIRING_FAILED: &str = "pairing_failed";
pub(crate) const REMOVED: &str = "removed";
pub(crate) const RULESET_FAILED: &str = "ruleset_failed";
pub(crate) const RULESET_INSTALLED: &str = "ruleset_installed";
pub(crate) const RULESET_UPDATED: &str = "ruleset_updated";
pub(crate) const SEND_FAILED: &str = "send_failed";
pub(crate) const SUBSCRIPTION: &str = "subscription";
pub(crate) const SYSTEM: &str = "system";
/// The account of whoever has the node's data directory.
pub(crate) const OPERATOR: &str = "operator";
/// The tag of the channel that only the owner may use.
pub(crate) const OWNER: &str = "owner";

/// A name that stands in this crate's text.
#[expect(
    clippy::expect_used,
    reason = "the texts are the constants above, tested below"
)]
pub(crate) fn fixed(text: &'static str) -> Name {
    Name::new(text).expect("a constant of this module is a name")
}

/// A name as an attribute of an event.
pub(crate) fn attribute(name: &Name) -> Value {
    Value::text(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_names() {
        let all = [
            ADDED,
            EFFECT_FAILED,
            ERROR,
            EVENT,
            OPERATOR,
            OWNER,
            PAIRING_FAILED,
            REMOVED,
            RULESET_FAILED,
            RULESET_INSTALLED,
            RULESET_UPDATED,
            SEND_FAILED,
            SUBSCRIPTION,
            SYSTEM,
        ];
        for text in all {
            assert_eq!(fixed(text).as_str(), text);
        }
    }
}
