//! Pairing, from both sides.

use std::collections::BTreeMap;

use stratus_capability::{Grant, GrantError, HolderKey};
use stratus_event::{Fault, Timestamp};

use super::{Federation, Timer};
use crate::{
    Invite, InviteLink, NodeId, Output, Pairing, SubscriptionId, explain,
    link::Claim,
    message::{Message, is_code, is_peer_name},
    peer::Peer,
};

/// An invite that somebody may redeem.
pub(super) struct Offer {
    invite: Invite,
    /// The hash of its link; none if the link cannot be read.
    link: Option<[u8; 32]>,
    /// Who redeems it and may not be durable yet.
    redeemers: BTreeMap<HolderKey, NodeId>,
}

/// A pairing as the redeemer sees it.
pub(super) struct Redeeming {
    peer: NodeId,
    invite: [u8; 16],
    secret: [u8; 32],
    link: [u8; 32],
    holder: HolderKey,
    step: Step,
    /// When the step is said again.
    due: Timestamp,
}

/// What the redeemer says, or waits for.
#[derive(PartialEq)]
enum Step {
    /// It says Redeem until it is granted.
    Redeem,
    /// It makes the grant durable.
    Granted,
    /// It says Confirm, with this grant, until it hears Established.
    Confirm(Vec<u8>),
}

/// A pairing as the inviter sees it after the grant.
pub(super) struct Given {
    peer: NodeId,
    /// The key to which the redeemer is to grant.
    holder: HolderKey,
}

impl Federation {
    pub(super) fn offer(&mut self, invite: Invite) {
        let link = InviteLink::parse(&invite.link).ok().map(|link| link.hash());
        let old = self.invites.remove(&invite.id);
        let redeemers = old.map(|offer| offer.redeemers).unwrap_or_default();
        self.invites.insert(
            invite.id,
            Offer {
                invite,
                link,
                redeemers,
            },
        );
    }

    pub(super) fn begin_pairing(&mut self, pairing: &Pairing, holder: HolderKey) {
        let id = pairing.subscription;
        let link = match InviteLink::parse(&pairing.link) {
            Ok(link) if link.node == self.config.node => {
                self.pairing_failed(id, explain("invite-foreign"));
                return;
            }
            Ok(link) => link,
            Err(fault) => {
                self.pairing_failed(id, fault);
                return;
            }
        };
        let step = pairing
            .confirming
            .clone()
            .map_or(Step::Redeem, Step::Confirm);
        let redeeming = Redeeming {
            peer: link.node,
            invite: link.invite,
            secret: link.secret,
            link: link.hash(),
            holder,
            step,
            due: self.now,
        };
        let entry = self.peers.entry(link.node).or_default();
        entry.learn(pairing.addresses.clone());
        entry.learn(link.addresses);
        entry.pairings.insert(id);
        // One that confirms already knows more than a repetition of its beginning.
        let confirms = |known: &Redeeming| matches!(known.step, Step::Confirm(_));
        if redeeming.step == Step::Redeem && self.pairings.get(&id).is_some_and(confirms) {
            return;
        }
        self.pairings.insert(id, redeeming);
        self.step_pairing(id);
    }

    pub(super) fn give(
        &mut self,
        peer: NodeId,
        subscription: SubscriptionId,
        grant: Vec<u8>,
        holder: HolderKey,
    ) {
        self.given.insert(subscription, Given { peer, holder });
        self.say_if_open(
            peer,
            &Message::Granted {
                subscription,
                grant,
                holder,
            },
        );
    }

    pub(super) fn confirm_pairing(&mut self, subscription: SubscriptionId, grant: Vec<u8>) {
        if let Some(pairing) = self.pairings.get_mut(&subscription) {
            pairing.step = Step::Confirm(grant);
            self.step_pairing(subscription);
        }
    }

    pub(super) fn establish_pairing(&mut self, peer: NodeId, subscription: SubscriptionId) {
        self.given.remove(&subscription);
        self.say_if_open(peer, &Message::Established { subscription });
    }

    /// A code that could not be sent becomes one that can.
    pub(super) fn refuse_redeemer(
        &mut self,
        peer: NodeId,
        subscription: SubscriptionId,
        code: &str,
    ) {
        self.given.remove(&subscription);
        for offer in self.invites.values_mut() {
            let id = offer.invite.id;
            offer
                .redeemers
                .retain(|holder, _| SubscriptionId::derive(&id, holder) != subscription);
        }
        let code = if is_code(code) {
            code
        } else {
            "pairing-withdrawn"
        }
        .into();
        self.say_if_open(peer, &Message::PairingRefused { subscription, code });
    }

    pub(super) fn forget_pairing(&mut self, subscription: SubscriptionId) {
        let as_redeemer = self.remove_pairing(subscription);
        let as_inviter = self.given.remove(&subscription).map(|given| given.peer);
        if let Some(peer) = as_redeemer.or(as_inviter) {
            let code = "pairing-withdrawn".into();
            self.say_if_open(peer, &Message::PairingRefused { subscription, code });
            self.forget(peer);
        }
    }

    /// The step was not answered in time: it is said again.
    pub(super) fn pairing_due(&mut self, subscription: SubscriptionId) {
        if self
            .pairings
            .get(&subscription)
            .is_some_and(|pairing| pairing.due <= self.now)
        {
            self.step_pairing(subscription);
        }
    }

    /// Whether the pairing has something to say.
    pub(super) fn pairing_waits(&self, subscription: SubscriptionId) -> bool {
        self.pairings
            .get(&subscription)
            .is_some_and(|pairing| pairing.step != Step::Granted)
    }

    /// Says the redeemer's present step, or asks for a stream on which to say it.
    pub(super) fn step_pairing(&mut self, subscription: SubscriptionId) {
        let Some(pairing) = self.pairings.get(&subscription) else {
            return;
        };
        let peer = pairing.peer;
        let nonces = self.peers.get(&peer).and_then(Peer::nonces);
        let message = match (&pairing.step, nonces) {
            (Step::Granted, _) => return,
            (_, None) => {
                self.reach(peer);
                return;
            }
            (Step::Redeem, Some(nonces)) => self.redeem_message(pairing, nonces),
            (Step::Confirm(grant), _) => Message::Confirm {
                subscription,
                grant: grant.clone(),
            },
        };
        self.say(peer, &message);
        let again = self.after(self.config.pairing_retry_ms.max(1));
        if let Some(pairing) = self.pairings.get_mut(&subscription) {
            let old = std::mem::replace(&mut pairing.due, again);
            self.timers.remove(&(old, Timer::Pairing(subscription)));
            self.timers.insert((again, Timer::Pairing(subscription)));
        }
    }

    pub(super) fn pairing_message_came(&mut self, peer: NodeId, message: Message) {
        match message {
            Message::Redeem {
                invite,
                link,
                holder,
                proof,
                name,
            } => {
                self.redeem_came(peer, invite, link, holder, &proof, name);
            }
            Message::Granted {
                subscription,
                grant,
                holder,
            } => {
                self.granted(peer, subscription, &grant, holder);
            }
            Message::Confirm {
                subscription,
                grant,
            } => self.confirmed(peer, subscription, &grant),
            Message::Established { subscription } => self.established(peer, subscription),
            Message::PairingRefused { subscription, code } => {
                self.pairing_refused(peer, subscription, &code);
            }
            _ => {}
        }
    }

    fn redeem_message(&self, pairing: &Redeeming, nonces: ([u8; 32], [u8; 32])) -> Message {
        let claim = Claim {
            link: pairing.link,
            redeemer: self.config.node,
            inviter: pairing.peer,
            redeemer_nonce: nonces.0,
            inviter_nonce: nonces.1,
            holder: pairing.holder,
        };
        Message::Redeem {
            invite: pairing.invite,
            link: pairing.link,
            holder: pairing.holder,
            proof: claim.prove(&pairing.secret),
            name: self.config.name.clone().filter(|name| is_peer_name(name)),
        }
    }

    fn redeem_came(
        &mut self,
        peer: NodeId,
        invite: [u8; 16],
        link: [u8; 32],
        holder: HolderKey,
        proof: &[u8; 32],
        name: Option<String>,
    ) {
        let Some(entry) = self.peers.get(&peer) else {
            return;
        };
        let Some((mine, theirs)) = entry.nonces() else {
            return;
        };
        let addresses = entry.addresses.clone();
        let claim = Claim {
            link,
            redeemer: peer,
            inviter: self.config.node,
            redeemer_nonce: theirs,
            inviter_nonce: mine,
            holder,
        };
        let subscription = SubscriptionId::derive(&invite, &holder);
        match self.may_redeem(&invite, &claim, proof) {
            Ok(()) => {
                self.of_use(peer);
                let output = Output::Redeemed {
                    peer,
                    invite,
                    holder,
                    subscription,
                    name,
                    addresses,
                };
                self.outputs.push_back(output);
            }
            Err(code) => {
                let refusal = Message::PairingRefused {
                    subscription,
                    code: code.into(),
                };
                self.say(peer, &refusal);
                self.fault(peer, code);
            }
        }
    }

    /// Somebody who does not prove the secret learns nothing, not even whether there is such an
    /// invite.
    fn may_redeem(
        &mut self,
        invite: &[u8; 16],
        claim: &Claim,
        proof: &[u8; 32],
    ) -> Result<(), &'static str> {
        let offer = self.invites.get_mut(invite);
        let secret = offer.as_ref().map_or([0; 32], |offer| offer.invite.secret);
        let proven = claim.check(&secret, proof);
        let offer = offer.filter(|_| proven).ok_or("invite-foreign")?;
        if offer.link != Some(claim.link) {
            return Err("invite-altered");
        }
        let holder = claim.holder;
        if let Some(node) = offer.redeemers.get(&holder) {
            return if *node == claim.redeemer {
                Ok(())
            } else {
                Err("invite-used")
            };
        }
        if !offer.used_by(holder) {
            if self.now > offer.invite.expires {
                return Err("invite-expired");
            }
            if offer.uses() >= offer.invite.uses_max as usize {
                return Err("invite-used");
            }
        }
        offer.redeemers.insert(holder, claim.redeemer);
        Ok(())
    }

    fn granted(
        &mut self,
        peer: NodeId,
        subscription: SubscriptionId,
        grant: &[u8],
        holder: HolderKey,
    ) {
        let pairing = self
            .pairings
            .get(&subscription)
            .filter(|pairing| pairing.peer == peer);
        let Some(pairing) = pairing else {
            let code = "pairing-withdrawn".into();
            self.say(peer, &Message::PairingRefused { subscription, code });
            return;
        };
        if pairing.step != Step::Redeem {
            return;
        }
        let mine = pairing.holder;
        match self.readable(grant) {
            Ok(grant) if grant.holder() == mine => {
                self.of_use(peer);
                if let Some(pairing) = self.pairings.get_mut(&subscription) {
                    pairing.step = Step::Granted;
                }
                self.outputs.push_back(Output::Granted {
                    subscription,
                    grant,
                    holder,
                    peer,
                });
            }
            _ => self.break_off(peer, subscription, "pairing-grant-invalid"),
        }
    }

    fn confirmed(&mut self, peer: NodeId, subscription: SubscriptionId, grant: &[u8]) {
        let given = self.given.get(&subscription);
        let code = match (self.readable(grant), given) {
            (_, Some(given)) if given.peer != peer => "pairing-unknown",
            (Err(error), _) => error.code(),
            (Ok(grant), Some(given)) if given.holder != grant.holder() => "pairing-grant-invalid",
            (Ok(grant), _) => {
                self.of_use(peer);
                self.outputs.push_back(Output::Confirmed {
                    peer,
                    subscription,
                    grant,
                });
                return;
            }
        };
        self.say(
            peer,
            &Message::PairingRefused {
                subscription,
                code: code.into(),
            },
        );
        self.fault(peer, code);
    }

    fn established(&mut self, peer: NodeId, subscription: SubscriptionId) {
        let confirming = self.pairings.get(&subscription).is_some_and(|pairing| {
            pairing.peer == peer && matches!(pairing.step, Step::Confirm(_))
        });
        if confirming {
            self.of_use(peer);
            self.remove_pairing(subscription);
            self.outputs.push_back(Output::Established { subscription });
        }
    }

    /// Only the other party of a pairing can end it.
    fn pairing_refused(&mut self, peer: NodeId, subscription: SubscriptionId, code: &str) {
        let redeeming = self.pairings.get(&subscription).map(|pairing| pairing.peer);
        let giving = self.given.get(&subscription).map(|given| given.peer);
        if redeeming == Some(peer) || giving == Some(peer) {
            self.remove_pairing(subscription);
            self.given.remove(&subscription);
            self.pairing_failed(subscription, explain(code));
        }
    }

    fn break_off(&mut self, peer: NodeId, subscription: SubscriptionId, code: &str) {
        self.remove_pairing(subscription);
        self.say(
            peer,
            &Message::PairingRefused {
                subscription,
                code: code.into(),
            },
        );
        self.pairing_failed(subscription, explain(code));
    }

    fn pairing_failed(&mut self, subscription: SubscriptionId, fault: Fault) {
        self.outputs.push_back(Output::PairingFailed {
            subscription,
            fault,
        });
    }

    /// Takes a pairing out, and says with whom it was.
    fn remove_pairing(&mut self, subscription: SubscriptionId) -> Option<NodeId> {
        let pairing = self.pairings.remove(&subscription)?;
        if let Some(entry) = self.peers.get_mut(&pairing.peer) {
            entry.pairings.remove(&subscription);
        }
        Some(pairing.peer)
    }

    fn readable(&self, grant: &[u8]) -> Result<Grant, GrantError> {
        let grant = Grant::verify(grant)?;
        grant.in_force(self.now)?;
        Ok(grant)
    }
}

impl Offer {
    fn used_by(&self, holder: HolderKey) -> bool {
        self.invite
            .used
            .iter()
            .any(|redemption| redemption.holder == holder)
    }

    /// How many have used it, or are about to.
    fn uses(&self) -> usize {
        let about = self
            .redeemers
            .keys()
            .filter(|holder| !self.used_by(**holder))
            .count();
        self.invite.used.len() + about
    }
}
