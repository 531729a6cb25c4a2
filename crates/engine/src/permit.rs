//! What leaves a PEN is held to what its ruleset may do.

use stratus_event::{Fault, Map, Name, PenId, Whose};
use stratus_pen::{HTTP, Permissions};

use crate::Engine;

impl Engine {
    /// Refuses a question or an effect that the owner did not permit its ruleset.
    pub(crate) fn check_permitted(
        &self,
        pen: PenId,
        rid: &Name,
        connector: &Name,
        arguments: &Map,
    ) -> Result<(), Fault> {
        let permissions = self.hosted(pen)?.state.permissions(rid);
        if permissions.permits(connector, arguments) {
            return Ok(());
        }
        Err(not_permitted(rid, &named(connector, arguments)))
    }

    /// Refuses an event for another PEN whose domain the owner did not permit its ruleset.
    pub(crate) fn check_domain(&self, pen: PenId, rid: &Name, domain: &Name) -> Result<(), Fault> {
        let permissions = self.hosted(pen)?.state.permissions(rid);
        if permissions.domains.permits(domain.as_str()) {
            return Ok(());
        }
        Err(not_permitted(
            rid,
            &format!("send events of the domain {domain}"),
        ))
    }
}

/// What is not told of an address may hold a secret.
fn named(connector: &Name, arguments: &Map) -> String {
    let host = arguments.text("url").and_then(stratus_pen::host);
    match (connector.as_str(), host) {
        (HTTP, Some(host)) => format!("talk to {host}"),
        (HTTP, None) => "talk to a host that its address does not plainly name".to_owned(),
        (other, _) => format!("use the connector {other}"),
    }
}

fn not_permitted(rid: &Name, what: &str) -> Fault {
    let message = format!("the ruleset {rid} may not {what}");
    Fault::new(Whose::Ruleset, "effect-not-permitted", message)
        .hint("install it again and permit it, if you want that")
}

/// The owner has to say that she permits more.
pub(crate) fn permissions_needed(rid: &Name, lacking: &Permissions) -> Fault {
    let lines = lacking.lines().join("; ");
    let message = format!("the ruleset {rid} wants to {lines}");
    Fault::new(Whose::Caller, "permissions-needed", message)
        .hint("install it and permit that, if you want it")
}
