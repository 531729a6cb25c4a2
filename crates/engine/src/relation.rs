//! A subscription with its grants read.

use stratus_capability::{Grant, GrantHash, HolderKey, Permit, Scope};
use stratus_event::{Fault, Map, Name, PenId, Timestamp, Whose};
use stratus_pen::language::SubscriptionView;

use crate::{Key, Record, Subscription};

/// A subscription as it is kept, and its grants, verified.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    /// What is durable.
    pub(crate) record: Subscription,
    /// What the partner may send here.
    pub(crate) granted: Grant,
    /// What may be sent to the partner.
    pub(crate) held: Option<Grant>,
}

impl Relation {
    /// Reads the grants of a subscription that was kept.
    pub(crate) fn restore(record: Subscription) -> Result<Self, Fault> {
        let unreadable = |error| {
            let message = format!(
                "a grant of the subscription {} is broken: {error}",
                record.id
            );
            Fault::new(Whose::Bug, "record-unreadable", message)
        };
        let granted = Grant::verify(&record.granted).map_err(unreadable)?;
        let held = record
            .held
            .as_deref()
            .map(Grant::verify)
            .transpose()
            .map_err(unreadable)?;
        Ok(Self {
            record,
            granted,
            held,
        })
    }

    /// The grant's hash by which the federation knows what is sent to the partner.
    pub(crate) fn outgoing(&self) -> Option<GrantHash> {
        self.held.as_ref().map(Grant::hash)
    }

    pub(crate) fn entry(&self, pen: PenId) -> (Key, Record) {
        let key = Key::Subscription(pen, self.record.id);
        (key, Record::Subscription(self.record.clone()))
    }

    /// As rules see it; none before the partner has granted.
    pub(crate) fn view(&self) -> Option<SubscriptionView> {
        Some(SubscriptionView {
            id: self.record.id.to_string(),
            name: self.record.name.clone(),
            rx: self.record.rx,
            tx: self.held.as_ref()?.eci(),
            rx_role: self.record.role_mine.clone(),
            tx_role: self.record.role_theirs.clone(),
        })
    }

    /// The attributes of `subscription:added` and `subscription:removed`.
    pub(crate) fn attributes(&self) -> Map {
        let mut attributes = Map::from([
            ("Id", self.record.id.to_string()),
            ("name", self.record.name.clone()),
            ("Rx", self.record.rx.to_string()),
        ]);
        if let Some(held) = &self.held {
            attributes.insert("Tx", held.eci().to_string());
        }
        attributes.insert("Rx_role", self.record.role_mine.clone());
        attributes.insert("Tx_role", self.record.role_theirs.clone());
        attributes
    }
}

/// Whether a partner's grant is what was agreed: for that holder, in force, and for those events.
pub(crate) fn check_grant(
    grant: &Grant,
    holder: HolderKey,
    symbols: &[(Name, Name)],
    now: Timestamp,
) -> Result<(), Fault> {
    grant.in_force(now)?;
    let permits = grant.terms().scope.permits();
    let missing = symbols
        .iter()
        .find(|symbol| !permits.contains(&permit(symbol)));
    if grant.holder() != holder || missing.is_some() {
        return Err(stratus_protocol::explain("pairing-grant-invalid"));
    }
    Ok(())
}

/// The scope of a grant for those events.
pub(crate) fn scope(symbols: &[(Name, Name)]) -> Result<Scope, Fault> {
    Ok(Scope::new(symbols.iter().map(permit).collect())?)
}

/// The name, unless it stands for any.
pub(crate) fn specific(name: &Name) -> Option<Name> {
    (*name != "*").then(|| name.clone())
}

fn permit((domain, kind): &(Name, Name)) -> Permit {
    Permit::event(specific(domain).into(), specific(kind).into())
}
