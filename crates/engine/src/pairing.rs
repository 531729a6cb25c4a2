//! From an invite to a subscription, on both sides.
//!
//! The inviter grants when the invite is redeemed, the redeemer grants in return, the inviter says
//! that it is done. Each step is durable before the next is said, and each can be repeated.

use stratus_capability::{Grant, HolderKey};
use stratus_event::{Fault, PenId};
use stratus_protocol::{InviteLink, NodeId, Pairing, SubscriptionId, explain};

use crate::{
    CommandId, Engine, Key, Record, Reply, Subscription,
    commit::Draft,
    federation::Order,
    names::{PAIRING_FAILED, SUBSCRIPTION},
    relation::{Relation, check_grant, scope},
    schedule::Alarm,
};

/// Who redeems an invite.
#[derive(Debug)]
pub(crate) struct Redeemer {
    pub(crate) peer: NodeId,
    pub(crate) holder: HolderKey,
    pub(crate) subscription: SubscriptionId,
    pub(crate) name: Option<String>,
    pub(crate) addresses: Vec<String>,
}

/// A command that waits for a pairing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairWait {
    pub(crate) command: CommandId,
    subscription: SubscriptionId,
}

impl Engine {
    /// Begins a pairing with somebody's invite.
    pub(crate) fn pair(
        &mut self,
        command: CommandId,
        pen: PenId,
        link: &str,
        name: Option<String>,
        wait_ms: u64,
    ) {
        let mut draft = Draft::default();
        match self.begin_pairing(pen, link, name, &mut draft) {
            Ok(subscription) => {
                self.pairing_waits.push(PairWait {
                    command,
                    subscription,
                });
                let until = self.in_ms(wait_ms.min(self.config.pair_wait_ms_max));
                self.schedule.set(until, Alarm::Pair(command));
            }
            Err(fault) => draft.reply(command, Err(fault)),
        }
        self.commit(draft);
    }

    fn begin_pairing(
        &mut self,
        pen: PenId,
        text: &str,
        name: Option<String>,
        draft: &mut Draft,
    ) -> Result<SubscriptionId, Fault> {
        let link = InviteLink::parse(text)?;
        link.usable(self.now, self.config.node)?;
        let name = name.unwrap_or_else(|| link.label.clone());
        self.check_name("the partner's name", &name)?;
        if let Some(begun) = self.hosted(pen)?.pairing_of(text) {
            return Ok(begun);
        }
        self.check_subscriptions(pen)?;
        self.check_unused(pen, &link)?;
        scope(&link.wanted)?;
        let channel = self.partner_channel(pen, &link.wanted, draft)?;
        let now = self.now;
        let hosted = self.hosted_mut(pen)?;
        let key = hosted.holder_key(&channel);
        let subscription = SubscriptionId::derive(&link.invite, &HolderKey(key.public()));
        let pairing = Pairing {
            subscription,
            link: text.to_owned(),
            name,
            node: link.node,
            addresses: link.addresses,
            rx: channel.eci,
            since: now,
            confirming: None,
        };
        hosted.pairings.insert(subscription, pairing.clone());
        draft.put(
            Key::Pairing(pen, subscription),
            Record::Pairing(pairing.clone()),
        );
        draft.order(Order::Redeem { pairing, key });
        self.subscriptions.insert(subscription, pen);
        Ok(subscription)
    }

    /// As the redeemer: the inviter granted. What it granted has to be what the invite offered.
    pub(crate) fn handle_granted(
        &mut self,
        peer: NodeId,
        id: SubscriptionId,
        held: Grant,
        holder: HolderKey,
    ) {
        let mut draft = Draft::default();
        if let Err(fault) = self.grant_in_return(peer, id, held, holder, &mut draft) {
            draft.order(Order::DropPairing(id));
            self.fail_pairing(id, &fault, &mut draft);
        }
        self.commit(draft);
    }

    fn grant_in_return(
        &mut self,
        peer: NodeId,
        id: SubscriptionId,
        held: Grant,
        holder: HolderKey,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        // A pairing that is done, or was given up, is not begun again by the other side.
        let Some((pen, pairing)) = self.pairing(id) else {
            return Ok(());
        };
        if let Some(grant) = pairing.confirming {
            draft.order(Order::Confirm {
                subscription: id,
                grant,
            });
            return Ok(());
        }
        let link = InviteLink::parse(&pairing.link)?;
        let hosted = self.hosted(pen)?;
        let invalid = || explain("pairing-grant-invalid");
        let channel = hosted
            .state
            .channel(&pairing.rx)
            .cloned()
            .ok_or_else(invalid)?;
        let mine = HolderKey(hosted.holder_key(&channel).public());
        check_grant(&held, mine, &link.offered, self.now)?;
        if peer != pairing.node {
            return Err(invalid());
        }
        let granted = self.grant_to(pen, &channel, holder, &link.wanted)?;
        let relation = relation_of(&pairing, link, granted, held);
        let grant = relation.record.granted.clone();
        let pairing = Pairing {
            confirming: Some(grant.clone()),
            ..pairing
        };
        draft.put(Key::Pairing(pen, id), Record::Pairing(pairing.clone()));
        draft.order(Order::Confirm {
            subscription: id,
            grant,
        });
        self.hosted_mut(pen)?.pairings.insert(id, pairing);
        self.relate(pen, relation, draft);
        Ok(())
    }

    fn pairing(&self, id: SubscriptionId) -> Option<(PenId, Pairing)> {
        let pen = self.subscriptions.get(&id).copied()?;
        let pairing = self.pens.get(&pen)?.pairings.get(&id)?;
        Some((pen, pairing.clone()))
    }

    /// As the redeemer: the subscription is durable at the inviter.
    pub(crate) fn handle_established(&mut self, id: SubscriptionId) {
        let Some(pen) = self.subscriptions.get(&id).copied() else {
            return;
        };
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        if hosted.pairings.remove(&id).is_none() {
            return;
        }
        let mut draft = Draft::default();
        draft.remove(Key::Pairing(pen, id));
        self.begin_subscription(pen, id, &mut draft);
        let held = self
            .pens
            .get(&pen)
            .and_then(|hosted| hosted.relations.get(&id));
        let held = held.and_then(|relation| relation.held.as_ref());
        let sentence = held.map(Grant::sentence).unwrap_or_default();
        for command in self.take_pair_waits(id) {
            let sentence = sentence.clone();
            draft.reply(
                command,
                Ok(Reply::Paired {
                    subscription: id,
                    sentence,
                }),
            );
        }
        self.commit(draft);
    }

    pub(crate) fn handle_pairing_failed(&mut self, id: SubscriptionId, fault: &Fault) {
        let mut draft = Draft::default();
        self.fail_pairing(id, fault, &mut draft);
        self.commit(draft);
    }

    /// Nothing remains of the pairing; the redeemer's PEN and those who wait hear that it failed.
    pub(crate) fn fail_pairing(&mut self, id: SubscriptionId, fault: &Fault, draft: &mut Draft) {
        let Some(pen) = self.subscriptions.get(&id).copied() else {
            return;
        };
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let pairing = hosted.pairings.remove(&id);
        let granted = hosted.relations.get(&id);
        let pending = granted.is_some_and(|relation| relation.held.is_none());
        // As the inviter, one that is established ends otherwise.
        if pairing.is_none() && !pending {
            return;
        }
        draft.remove(Key::Pairing(pen, id));
        self.subscriptions.remove(&id);
        if let Some(relation) = hosted.relations.remove(&id) {
            draft.remove(Key::Subscription(pen, id));
            let (eci, grant) = (relation.granted.eci(), relation.granted.id());
            draft.order(Order::Revoke { eci, grant });
            self.forget_channel(pen, eci, draft);
        }
        let Some(pairing) = pairing else { return };
        self.forget_channel(pen, pairing.rx, draft);
        self.tell_failure(pen, &pairing, fault, draft);
        for command in self.take_pair_waits(id) {
            draft.reply(command, Err(fault.clone()));
        }
    }

    fn tell_failure(&mut self, pen: PenId, pairing: &Pairing, fault: &Fault, draft: &mut Draft) {
        let attributes = [
            ("Id", pairing.subscription.to_string()),
            ("name", pairing.name.clone()),
            ("code", fault.code.to_string()),
            ("reason", fault.message.clone()),
        ];
        let event = self.happening(SUBSCRIPTION, PAIRING_FAILED, attributes.into());
        self.tell(pen, draft, event);
    }

    /// The command has waited long enough; the pairing goes on without it.
    pub(crate) fn pairing_waited(&mut self, command: CommandId) {
        let place = self
            .pairing_waits
            .iter()
            .position(|wait| wait.command == command);
        if let Some(place) = place {
            let subscription = self.pairing_waits.remove(place).subscription;
            self.reply(command, Ok(Reply::PairingPending { subscription }));
        }
    }

    pub(crate) fn take_pair_waits(&mut self, id: SubscriptionId) -> Vec<CommandId> {
        let waits = std::mem::take(&mut self.pairing_waits);
        let (mine, others) = waits
            .into_iter()
            .partition(|wait: &PairWait| wait.subscription == id);
        self.pairing_waits = others;
        let mine: Vec<PairWait> = mine;
        mine.into_iter().map(|wait| wait.command).collect()
    }

    fn check_unused(&self, pen: PenId, link: &InviteLink) -> Result<(), Fault> {
        let relations = &self.hosted(pen)?.relations;
        let used = |relation: &Relation| {
            relation.record.invite == link.invite && relation.record.node == link.node
        };
        if relations.values().any(used) {
            return Err(explain("invite-used"));
        }
        Ok(())
    }
}

/// The redeemer's side of the subscription that a pairing makes.
fn relation_of(pairing: &Pairing, link: InviteLink, granted: Grant, held: Grant) -> Relation {
    let record = Subscription {
        id: pairing.subscription,
        invite: link.invite,
        name: pairing.name.clone(),
        role_mine: link.role_redeemer,
        role_theirs: link.role_inviter,
        node: pairing.node,
        addresses: pairing.addresses.clone(),
        rx: pairing.rx,
        granted: granted.bytes().to_vec(),
        held: Some(held.bytes().to_vec()),
        sequence_next: 1,
        ended: false,
    };
    Relation {
        record,
        granted,
        held: Some(held),
    }
}
