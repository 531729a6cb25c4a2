//! The federation inside the engine: what it hears and when, and what it says.

use stratus_capability::{GrantHash, GrantId, HolderKey, SigningKey};
use stratus_event::{Eci, Event};
use stratus_protocol::{Admitted, Held, Invite, NodeId, Output as Said, Pairing, SubscriptionId};

use crate::{Engine, Output, pairing::Redeemer};

/// What the federation is to hear, once what it says is durable.
#[derive(Debug)]
pub(crate) enum Order {
    Accepted {
        eci: Eci,
        grant: GrantId,
        sequence: u64,
    },
    Admit(Admitted),
    Confirm {
        subscription: SubscriptionId,
        grant: Vec<u8>,
    },
    DropPairing(SubscriptionId),
    Establish {
        peer: NodeId,
        subscription: SubscriptionId,
    },
    Grant {
        peer: NodeId,
        subscription: SubscriptionId,
        grant: Vec<u8>,
        holder: HolderKey,
    },
    Hold(Held),
    Invite(Invite),
    Redeem {
        pairing: Pairing,
        key: SigningKey,
    },
    Refuse {
        peer: NodeId,
        subscription: SubscriptionId,
        code: String,
    },
    Rejected {
        eci: Eci,
        grant: GrantId,
        sequence: u64,
        code: String,
    },
    Release(GrantHash),
    Revoke {
        eci: Eci,
        grant: GrantId,
    },
    Send {
        grant: GrantHash,
        sequence: u64,
        event: Event,
    },
    Withdraw([u8; 16]),
}

impl Engine {
    /// Tells the federation what is durable now.
    pub(crate) fn obey(&mut self, order: Order) {
        let (now, federation) = (self.now, &mut self.federation);
        match order {
            Order::Accepted {
                eci,
                grant,
                sequence,
            } => federation.accepted(eci, grant, sequence),
            Order::Admit(admitted) => federation.admit(admitted),
            Order::Confirm {
                subscription,
                grant,
            } => federation.confirm(now, subscription, grant),
            Order::DropPairing(subscription) => federation.drop_pairing(subscription),
            Order::Establish { peer, subscription } => federation.establish(peer, subscription),
            Order::Grant {
                peer,
                subscription,
                grant,
                holder,
            } => {
                federation.grant_redeemer(peer, subscription, grant, holder);
            }
            Order::Hold(held) => federation.hold(now, held),
            Order::Invite(invite) => federation.invite(invite),
            Order::Redeem { pairing, key } => federation.redeem(now, &pairing, &key),
            Order::Refuse {
                peer,
                subscription,
                code,
            } => {
                federation.refuse_pairing(peer, subscription, &code);
            }
            Order::Rejected {
                eci,
                grant,
                sequence,
                code,
            } => {
                federation.rejected(eci, grant, sequence, code);
            }
            Order::Release(grant) => federation.release(grant),
            Order::Revoke { eci, grant } => federation.revoke(now, eci, grant),
            Order::Send {
                grant,
                sequence,
                event,
            } => federation.send(now, grant, sequence, &event),
            Order::Withdraw(invite) => federation.withdraw(invite),
        }
    }

    /// Takes in what the federation says. Says whether there was anything.
    pub(crate) fn drain_federation(&mut self) -> bool {
        let mut any = false;
        while let Some(said) = self.federation.poll() {
            any = true;
            self.hear(said);
        }
        any
    }

    /// Does what was said, once the PEN is in memory that it is about.
    fn hear(&mut self, said: Said) {
        if let Some(said) = self.hold_said(said) {
            self.hear_present(said);
        }
    }

    pub(crate) fn hear_present(&mut self, said: Said) {
        match said {
            Said::Acked { grant, through } => self.handle_acked(grant, through),
            Said::Close { peer } => self.outputs.push_back(Output::Close { peer }),
            Said::Confirmed { .. }
            | Said::Established { .. }
            | Said::Granted { .. }
            | Said::PairingFailed { .. }
            | Said::Redeemed { .. } => self.hear_pairing(said),
            Said::Deliver {
                eci,
                grant,
                sequence,
                event,
                ..
            } => {
                self.handle_delivered(eci, grant, sequence, event);
            }
            Said::Dial { peer, addresses } => {
                self.outputs.push_back(Output::Dial { peer, addresses });
            }
            Said::Fault { peer, fault } => self.outputs.push_back(Output::Fault { peer, fault }),
            Said::Lost { grant, code } => self.handle_lost(grant, &code),
            Said::Refuse {
                eci,
                grant,
                sequence,
                code,
                ..
            } => {
                self.refuse(eci, grant, sequence, code);
            }
            Said::Rejected {
                grant,
                sequence,
                code,
            } => {
                self.handle_rejected(grant, sequence, &code);
            }
            Said::Send { peer, bytes } => self.outputs.push_back(Output::Send { peer, bytes }),
            Said::WakeAt(at) => self.schedule.set_federation(at),
            Said::Wanted { grant, from } => self.handle_wanted(grant, from),
        }
    }

    fn hear_pairing(&mut self, said: Said) {
        match said {
            Said::Confirmed {
                peer,
                subscription,
                grant,
            } => {
                self.handle_confirmed(peer, subscription, grant);
            }
            Said::Established { subscription } => self.handle_established(subscription),
            Said::Granted {
                subscription,
                grant,
                holder,
                peer,
            } => {
                self.handle_granted(peer, subscription, grant, holder);
            }
            Said::PairingFailed {
                subscription,
                fault,
            } => {
                self.handle_pairing_failed(subscription, &fault);
            }
            Said::Redeemed {
                peer,
                invite,
                holder,
                subscription,
                name,
                addresses,
            } => {
                let redeemer = Redeemer {
                    peer,
                    holder,
                    subscription,
                    name,
                    addresses,
                };
                self.handle_redeemed(invite, &redeemer);
            }
            _ => {}
        }
    }
}
