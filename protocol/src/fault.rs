//! The stable codes of federation, and what they say to a person.

use stratus_event::{Fault, Whose};

/// The fault that belongs to a code that came from another node or from this crate.
///
/// A code that nobody here knows, perhaps of a later version, becomes `peer-refused` and stands in
/// the message.
pub fn explain(code: &str) -> Fault {
    match EXPLANATIONS
        .iter()
        .find(|explanation| explanation.0 == code)
    {
        Some((code, whose, message, "")) => Fault::new(*whose, code, *message),
        Some((code, whose, message, hint)) => Fault::new(*whose, code, *message).hint(*hint),
        None => {
            let message = format!("the other node says: {code}");
            Fault::new(Whose::Peer, "peer-refused", message)
        }
    }
}

/// Code, whose fault, what happened, what to do.
const EXPLANATIONS: &[(&str, Whose, &str, &str)] = &[
    (
        "ack-unsent",
        Whose::Peer,
        "the other node acknowledged an event that was never sent",
        "report it to the makers of that node",
    ),
    (
        "channel-unknown",
        Whose::Peer,
        "the partner's node does not have this channel, or no longer",
        "ask the partner for a new invite",
    ),
    (
        "connections-max",
        Whose::World,
        "the node has as many streams as it may have",
        "try later, or raise connections_max there",
    ),
    (
        "event-malformed",
        Whose::Peer,
        "an event could not be read",
        "report it to the makers of the sending node",
    ),
    (
        "event-oversize",
        Whose::Caller,
        "an event is too large or too deeply nested for one frame",
        "send less in one event",
    ),
    (
        "event-refused",
        Whose::Peer,
        "the partner's node refused the event",
        "ask the partner why",
    ),
    (
        "event-withdrawn",
        Whose::Peer,
        "the sender withdrew an event that it had numbered",
        "",
    ),
    (
        "faults-max",
        Whose::Peer,
        "too many wrong frames came on one stream",
        "report it to the makers of the sending node",
    ),
    (
        "frame-malformed",
        Whose::Peer,
        "a frame is not what the protocol allows",
        "report it to the makers of the sending node",
    ),
    (
        "frame-oversize",
        Whose::Peer,
        "a frame is larger than frame_bytes_max",
        "set frame_bytes_max alike on both nodes",
    ),
    (
        "frame-unknown",
        Whose::Peer,
        "a frame holds a message of an unknown sort",
        "update the older of the two nodes",
    ),
    (
        "grant-delegated",
        Whose::Peer,
        "the grant is one that can be handed on, which is not supported",
        "ask for a grant to your own key",
    ),
    (
        "grant-early",
        Whose::World,
        "the grant begins in the future, by the partner's clock",
        "check the clocks of both nodes; it is tried again later",
    ),
    (
        "grant-event-too-large",
        Whose::Caller,
        "the event is larger than the grant permits",
        "send less in one event, or ask the partner for a wider grant",
    ),
    (
        "grant-expired",
        Whose::Peer,
        "the grant has ended",
        "ask the partner for a new invite",
    ),
    (
        "grant-holder",
        Whose::Peer,
        "the sender does not hold the key for which the grant was made",
        "use the grant from the PEN to which it was given",
    ),
    (
        "grant-key",
        Whose::Peer,
        "a key in the grant is not acceptable",
        "ask the partner for a new invite",
    ),
    (
        "grant-malformed",
        Whose::Peer,
        "the grant cannot be read",
        "ask the partner for a new invite",
    ),
    (
        "grant-revoked",
        Whose::Peer,
        "the partner revoked the grant",
        "ask the partner for a new invite",
    ),
    (
        "grant-scope",
        Whose::Caller,
        "the grant does not permit this event",
        "ask the partner for a wider grant",
    ),
    (
        "grant-signature",
        Whose::Peer,
        "the grant's signature is wrong",
        "ask the partner for a new invite",
    ),
    (
        "grant-too-large",
        Whose::Peer,
        "the grant is larger than any grant",
        "ask the partner for a new invite",
    ),
    (
        "grant-type",
        Whose::Peer,
        "the grant is of an unknown type",
        "update the older of the two nodes",
    ),
    (
        "grant-unknown",
        Whose::Peer,
        "the partner's node does not know this grant",
        "ask the partner for a new invite",
    ),
    (
        "hello-late",
        Whose::Peer,
        "the other node connected and did not introduce itself in time",
        "",
    ),
    (
        "hello-missing",
        Whose::Peer,
        "the other node spoke before it introduced itself",
        "report it to the makers of that node",
    ),
    (
        "hello-repeated",
        Whose::Peer,
        "the other node introduced itself twice on one stream",
        "report it to the makers of that node",
    ),
    (
        "invite-altered",
        Whose::Caller,
        "the invite is not as it was made: something in it was changed or cut off",
        "copy the whole link again from where it came",
    ),
    (
        "invite-expired",
        Whose::Caller,
        "the invite has ended",
        "ask for a new one",
    ),
    (
        "invite-foreign",
        Whose::Caller,
        "the node that the invite names does not know it: it was withdrawn or never made there",
        "ask for a new one",
    ),
    (
        "invite-malformed",
        Whose::Caller,
        "this is not an invite",
        "an invite is one line that begins with stratus:",
    ),
    (
        "invite-used",
        Whose::Caller,
        "the invite was used already, as often as it may be",
        "ask for a new one",
    ),
    (
        "invite-version",
        Whose::Caller,
        "the invite was made by a later version of Stratus",
        "update this node",
    ),
    (
        "pairing-grant-invalid",
        Whose::Peer,
        "the grant that the partner gave is not the one that was asked for",
        "ask the partner for a new invite",
    ),
    (
        "pairing-unknown",
        Whose::Peer,
        "the other node speaks of a pairing that is not its own",
        "",
    ),
    (
        "pairing-withdrawn",
        Whose::Peer,
        "the partner gave the pairing up before it was done",
        "make a new invite",
    ),
    (
        "proofs-max",
        Whose::Peer,
        "more proofs came on one stream than it may bring",
        "it goes on with the next stream; if it comes again, report it",
    ),
    (
        "resume-repeated",
        Whose::Peer,
        "the other node asks for the same events over and over",
        "report it to the makers of that node",
    ),
    (
        "resume-unsent",
        Whose::Peer,
        "the other node asks for events after one that was never sent",
        "report it to the makers of that node",
    ),
    (
        "session-repeated",
        Whose::Peer,
        "a session number was used twice on one stream",
        "report it to the makers of the sending node",
    ),
    (
        "session-unknown",
        Whose::Peer,
        "a frame names a session that was never opened",
        "report it to the makers of the sending node",
    ),
    (
        "sessions-max",
        Whose::World,
        "the partner's node holds as many sessions for this node as it may",
        "it is tried again later; or raise sessions_max there",
    ),
    (
        "version-unsupported",
        Whose::Peer,
        "the other node speaks another version of the protocol",
        "update the older of the two nodes",
    ),
    (
        "window-ahead",
        Whose::World,
        "the partner has events that this node never sent: this node was restored from a backup",
        "pair again, so that no event is taken for an old one",
    ),
    (
        "window-behind",
        Whose::World,
        "the partner lacks events that it acknowledged: it was restored from a backup",
        "pair again",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_well_formed() {
        assert!(EXPLANATIONS.is_sorted_by(|one, next| one.0 < next.0));
        for (code, ..) in EXPLANATIONS {
            assert!(
                code.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{code}"
            );
            assert_eq!(explain(code).code, *code);
        }
    }

    #[test]
    fn an_unknown_code_is_told_as_such() {
        let fault = explain("quantum-tangled");
        assert_eq!(fault.code, "peer-refused");
        assert!(fault.message.contains("quantum-tangled"));
    }
}
