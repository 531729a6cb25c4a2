//! PENs, as the owner makes and lists them.

use stratus_event::{Fault, Name, PenId, Whose};
use stratus_pen::language::{Program, StateView as _};
use stratus_protocol::SubscriptionId;

use crate::{
    Engine, InviteListing, Listing, PenListing, Reply, RulesetListing, SubscriptionListing,
    hosted::Hosted, relation::Relation,
};

impl Engine {
    /// The node as a whole, with some of its PENs.
    pub(crate) fn status(&self, pens: Vec<PenListing>) -> Reply {
        Reply::Status {
            node: self.config.node,
            addresses: self.addresses.clone(),
            pens,
            connected: self.connected.iter().copied().collect(),
        }
    }

    /// What there is in a PEN.
    pub(crate) fn list(&self, pen: PenId) -> Result<Reply, Fault> {
        let hosted = self.hosted(pen)?;
        let state = &hosted.state;
        let listing = Listing {
            channels: state.channels().cloned().collect(),
            rulesets: state
                .programs()
                .map(|program| ruleset(program.as_ref()))
                .collect(),
            installed: state
                .programs()
                .map(|program| (program.rid().clone(), hosted.ruleset(program.as_ref())))
                .collect(),
            broken: hosted
                .broken
                .iter()
                .map(|(rid, broken)| (rid.clone(), broken.fault.clone()))
                .collect(),
            subscriptions: hosted.subscriptions(),
            invites: hosted.invites.values().map(invite).collect(),
            timers: state.all_timers().cloned().collect(),
            parent: state.parent().map(|parent| parent.kin.pen),
            children: state.children().map(|child| child.pen).collect(),
        };
        Ok(Reply::Listing(Box::new(listing)))
    }

    pub(crate) fn hosted(&self, pen: PenId) -> Result<&Hosted, Fault> {
        self.pens.get(&pen).ok_or_else(|| pen_unknown(pen))
    }

    pub(crate) fn hosted_mut(&mut self, pen: PenId) -> Result<&mut Hosted, Fault> {
        self.pens.get_mut(&pen).ok_or_else(|| pen_unknown(pen))
    }

    pub(crate) fn check_name(&self, what: &str, name: &str) -> Result<(), Fault> {
        let (bytes, bytes_max) = (name.len(), self.config.name_bytes_max);
        if bytes <= bytes_max {
            return Ok(());
        }
        let message = format!("{what} has {bytes} bytes, {bytes_max} are allowed");
        Err(Fault::new(Whose::Caller, "name-oversize", message).hint("choose a shorter one"))
    }
}

impl Hosted {
    fn ruleset(&self, program: &dyn Program) -> RulesetListing {
        let terms = self.state.terms(program.rid());
        let history = self.histories.get(program.rid()).cloned();
        let history = history.unwrap_or_default();
        RulesetListing {
            permissions: terms.permissions.clone().unwrap_or_else(|| program.wants()),
            terms,
            versions: history.versions,
            trouble: history.trouble,
        }
    }

    fn subscriptions(&self) -> Vec<SubscriptionListing> {
        let begun = self
            .pairings
            .values()
            .filter(|p| !self.relations.contains_key(&p.subscription));
        let begun = begun.map(|pairing| SubscriptionListing {
            id: pairing.subscription,
            name: pairing.name.clone(),
            state: "pending",
            role_mine: String::new(),
            role_theirs: String::new(),
            node: pairing.node,
            rx: pairing.rx,
            tx: None,
            waiting: 0,
            waiting_since: None,
        });
        self.relations
            .values()
            .map(|relation| self.subscription(relation))
            .chain(begun)
            .collect()
    }

    fn subscription(&self, relation: &Relation) -> SubscriptionListing {
        let record = &relation.record;
        let grant = relation.outgoing();
        let waiting = grant.map(|grant| self.outbox.range((grant, 0)..=(grant, u64::MAX)));
        let waiting = || waiting.clone().into_iter().flatten();
        SubscriptionListing {
            id: record.id,
            name: record.name.clone(),
            state: self.state_of(record.id, relation),
            role_mine: record.role_mine.clone(),
            role_theirs: record.role_theirs.clone(),
            node: record.node,
            rx: record.rx,
            tx: relation.held.as_ref().map(stratus_capability::Grant::eci),
            waiting: waiting().map(|_| 1).sum(),
            waiting_since: waiting().next().map(|(_, waiting)| waiting.since),
        }
    }

    fn state_of(&self, id: SubscriptionId, relation: &Relation) -> &'static str {
        if relation.record.ended {
            "ended"
        } else if relation.held.is_none() || self.pairings.contains_key(&id) {
            "pending"
        } else {
            "established"
        }
    }
}

fn ruleset(program: &dyn Program) -> (Name, Vec<Name>, Vec<Name>) {
    let rules = program
        .rules()
        .iter()
        .map(|rule| rule.name.clone())
        .collect();
    (program.rid().clone(), rules, program.queries().to_vec())
}

fn invite(invite: &stratus_protocol::Invite) -> InviteListing {
    let used = u32::try_from(invite.used.len()).unwrap_or(u32::MAX);
    InviteListing {
        id: invite.id,
        name: invite.name.clone(),
        role_theirs: invite.role_theirs.clone(),
        expires: invite.expires,
        uses_left: invite.uses_max.saturating_sub(used),
    }
}

fn pen_unknown(pen: PenId) -> Fault {
    Fault::new(
        Whose::Caller,
        "pen-unknown",
        format!("this node hosts no PEN {pen}"),
    )
    .hint("ask for the node's status to see its PENs")
}
