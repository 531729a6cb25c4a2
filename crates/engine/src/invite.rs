//! As the inviter: make an invite, grant to who redeems it.

use stratus_capability::Grant;
use stratus_event::{Fault, PenId, Whose};
use stratus_protocol::{Invite, InviteLink, NodeId, Redemption, SubscriptionId, explain};

use crate::{
    Command, CommandId, Engine, Key, Record, Reply, Subscription,
    commit::Draft,
    federation::Order,
    pairing::Redeemer,
    relation::{Relation, check_grant, scope},
};

impl Engine {
    pub(crate) fn handle_partner_command(&mut self, id: CommandId, command: Command) {
        match command {
            Command::Invite {
                pen,
                name,
                role_mine,
                role_theirs,
                offered,
                wanted,
                expires,
                uses_max,
            } => {
                let invite = Invite {
                    id: [0; 16],
                    secret: [0; 32],
                    name,
                    role_mine,
                    role_theirs,
                    offered,
                    wanted,
                    expires,
                    uses_max,
                    used: Vec::new(),
                    link: String::new(),
                };
                self.invite(id, pen, invite);
            }
            Command::Pair {
                pen,
                link,
                name,
                wait_ms,
            } => self.pair(id, pen, &link, name, wait_ms),
            Command::Unsubscribe { pen, subscription } => self.unsubscribe(id, pen, subscription),
            Command::Withdraw { pen, invite } => self.withdraw(id, pen, invite),
            _ => {}
        }
    }

    /// Makes an invite; its id, secret and link are given here.
    fn invite(&mut self, command: CommandId, pen: PenId, invite: Invite) {
        let mut draft = Draft::default();
        let reply = self.make_invite(pen, invite, &mut draft);
        draft.reply(command, reply);
        self.commit(draft);
    }

    fn make_invite(
        &mut self,
        pen: PenId,
        mut invite: Invite,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        self.check_invite(pen, &invite)?;
        self.forget_ended_invites(pen, draft);
        self.check_invites(pen)?;
        invite.id = self.random_bytes();
        invite.secret = self.random_bytes();
        let (node, addresses) = (self.config.node, self.addresses.clone());
        let hosted = self.hosted_mut(pen)?;
        let link = InviteLink::new(&invite, node, addresses, hosted.state.name().to_owned());
        invite.link = link.text();
        hosted.invites.insert(invite.id, invite.clone());
        self.invites.insert(invite.id, pen);
        draft.put(Key::Invite(pen, invite.id), Record::Invite(invite.clone()));
        let reply = Reply::Invite {
            id: invite.id,
            link: invite.link.clone(),
            sentence: link.sentence(),
        };
        draft.order(Order::Invite(invite));
        Ok(reply)
    }

    /// Withdraws an invite; what came of it stays.
    fn withdraw(&mut self, command: CommandId, pen: PenId, id: [u8; 16]) {
        let mut draft = Draft::default();
        let reply = self.hosted_mut(pen).and_then(|hosted| {
            hosted
                .invites
                .remove(&id)
                .map(|_| Reply::Done)
                .ok_or_else(invite_unknown)
        });
        if reply.is_ok() {
            self.invites.remove(&id);
            draft.remove(Key::Invite(pen, id));
            draft.order(Order::Withdraw(id));
        }
        draft.reply(command, reply);
        self.commit(draft);
    }

    /// Somebody redeems an invite. A repetition is answered alike.
    pub(crate) fn handle_redeemed(&mut self, invite: [u8; 16], redeemer: &Redeemer) {
        let (peer, subscription) = (redeemer.peer, redeemer.subscription);
        let mut draft = Draft::default();
        if let Err(fault) = self.grant_redeemer(invite, redeemer, &mut draft) {
            let code = fault.code.into_owned();
            draft.order(Order::Refuse {
                peer,
                subscription,
                code,
            });
        }
        self.commit(draft);
    }

    fn grant_redeemer(
        &mut self,
        invite: [u8; 16],
        redeemer: &Redeemer,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        let foreign = || explain("invite-foreign");
        let pen = self.invites.get(&invite).copied().ok_or_else(foreign)?;
        let id = redeemer.subscription;
        if self
            .subscriptions
            .get(&id)
            .is_some_and(|known| *known != pen)
        {
            return Err(foreign());
        }
        if !self.hosted(pen)?.relations.contains_key(&id) {
            self.relate_redeemer(pen, invite, redeemer, draft)?;
        }
        let hosted = self.hosted(pen)?;
        let relation = hosted.relations.get(&id).ok_or_else(foreign)?;
        let record = &relation.record;
        if record.ended || record.node != redeemer.peer {
            return Err(explain("invite-used"));
        }
        let holder = hosted.holder_of(&record.rx).ok_or_else(foreign)?;
        let (peer, grant) = (record.node, record.granted.clone());
        draft.order(Order::Grant {
            peer,
            subscription: id,
            grant,
            holder,
        });
        Ok(())
    }

    /// The channel, the grant, the subscription and the use of the invite: all on one batch.
    fn relate_redeemer(
        &mut self,
        pen: PenId,
        invite: [u8; 16],
        redeemer: &Redeemer,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        self.check_subscriptions(pen)?;
        let hosted = self.hosted(pen)?;
        let Some(mut invite) = hosted.invites.get(&invite).cloned() else {
            return Ok(());
        };
        let channel = self.partner_channel(pen, &invite.offered, draft)?;
        let granted = self.grant_to(pen, &channel, redeemer.holder, &invite.offered);
        let granted = granted.inspect_err(|_| self.forget_channel(pen, channel.eci, draft))?;
        let record = Subscription {
            id: redeemer.subscription,
            invite: invite.id,
            name: self.partner_name(&invite, redeemer),
            role_mine: invite.role_mine.clone(),
            role_theirs: invite.role_theirs.clone(),
            node: redeemer.peer,
            addresses: redeemer.addresses.clone(),
            rx: channel.eci,
            granted: granted.bytes().to_vec(),
            held: None,
            sequence_next: 1,
            ended: false,
        };
        let (holder, subscription) = (redeemer.holder, redeemer.subscription);
        // One whose pairing failed may use the invite again.
        if !invite.used.iter().any(|before| before.holder == holder) {
            invite.used.push(Redemption {
                holder,
                subscription,
            });
        }
        draft.put(Key::Invite(pen, invite.id), Record::Invite(invite.clone()));
        draft.order(Order::Invite(invite.clone()));
        self.hosted_mut(pen)?.invites.insert(invite.id, invite);
        self.relate(
            pen,
            Relation {
                record,
                granted,
                held: None,
            },
            draft,
        );
        Ok(())
    }

    /// The redeemer granted in return: the subscription begins.
    pub(crate) fn handle_confirmed(&mut self, peer: NodeId, id: SubscriptionId, held: Grant) {
        let mut draft = Draft::default();
        match self.complete(peer, id, held, &mut draft) {
            Ok(()) => draft.order(Order::Establish {
                peer,
                subscription: id,
            }),
            Err(fault) => {
                if self.granted_to(peer, id).is_ok() {
                    self.fail_pairing(id, &fault, &mut draft);
                }
                let code = fault.code.into_owned();
                draft.order(Order::Refuse {
                    peer,
                    subscription: id,
                    code,
                });
            }
        }
        self.commit(draft);
    }

    fn complete(
        &mut self,
        peer: NodeId,
        id: SubscriptionId,
        held: Grant,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        let (pen, relation) = self.granted_to(peer, id)?;
        match &relation.held {
            // A repetition.
            Some(before) if before.hash() == held.hash() => return Ok(()),
            Some(_) => return Err(explain("invite-used")),
            None => {}
        }
        let hosted = self.hosted(pen)?;
        let holder = hosted.holder_of(&relation.record.rx);
        let holder = holder.ok_or_else(|| explain("pairing-unknown"))?;
        let invite = hosted.invites.get(&relation.record.invite);
        let wanted = invite.map_or(&[][..], |invite| &invite.wanted);
        check_grant(&held, holder, wanted, self.now)?;
        if let Some(relation) = self.hosted_mut(pen)?.relations.get_mut(&id) {
            relation.record.held = Some(held.bytes().to_vec());
            relation.held = Some(held);
        }
        self.begin_subscription(pen, id, draft);
        Ok(())
    }

    /// The living subscription for which this node granted to that one.
    fn granted_to(&self, peer: NodeId, id: SubscriptionId) -> Result<(PenId, &Relation), Fault> {
        let unknown = || explain("pairing-unknown");
        let pen = self.subscriptions.get(&id).copied().ok_or_else(unknown)?;
        let relation = self.hosted(pen)?.relations.get(&id).ok_or_else(unknown)?;
        if relation.record.node != peer || relation.record.ended {
            return Err(unknown());
        }
        Ok((pen, relation))
    }

    /// One invite for many is used under the names that they call themselves.
    fn partner_name(&self, invite: &Invite, redeemer: &Redeemer) -> String {
        let theirs = redeemer.name.as_ref().filter(|name| !name.is_empty());
        let fits = |name: &&String| name.len() <= self.config.name_bytes_max;
        match theirs.filter(fits) {
            Some(name) if invite.uses_max > 1 => name.clone(),
            _ => invite.name.clone(),
        }
    }

    fn check_invite(&self, pen: PenId, invite: &Invite) -> Result<(), Fault> {
        self.hosted(pen)?;
        for (what, name) in [
            ("the partner's name", &invite.name),
            ("a role", &invite.role_mine),
            ("a role", &invite.role_theirs),
        ] {
            self.check_name(what, name)?;
        }
        let events_max = self.config.invite_events_max;
        if invite.offered.len().max(invite.wanted.len()) > events_max {
            let message = format!("an invite names at most {events_max} events each way");
            return Err(Fault::new(Whose::Caller, "invite-oversize", message).hint("use `*`"));
        }
        scope(&invite.offered)?;
        scope(&invite.wanted)?;
        if !(1..=self.config.invite_uses_max).contains(&invite.uses_max) {
            let message = format!("an invite has 1 to {} uses", self.config.invite_uses_max);
            return Err(Fault::new(Whose::Caller, "invite-uses", message));
        }
        if invite.expires <= self.now {
            let message = format!("the invite would have ended at {}", invite.expires);
            return Err(
                Fault::new(Whose::Caller, "invite-past", message).hint("let it end in the future")
            );
        }
        Ok(())
    }

    fn check_invites(&self, pen: PenId) -> Result<(), Fault> {
        let invites_max = self.config.invites_max;
        if self.hosted(pen)?.invites.len() < invites_max {
            return Ok(());
        }
        let message = format!("the PEN has {invites_max} open invites, which is the most");
        Err(Fault::new(Whose::Caller, "invites-full", message).hint("withdraw some"))
    }

    fn forget_ended_invites(&mut self, pen: PenId, draft: &mut Draft) {
        let now = self.now;
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let ended = hosted
            .invites
            .values()
            .filter(|invite| invite.expires < now);
        for id in ended.map(|invite| invite.id).collect::<Vec<_>>() {
            hosted.invites.remove(&id);
            self.invites.remove(&id);
            draft.remove(Key::Invite(pen, id));
            draft.order(Order::Withdraw(id));
        }
    }
}

fn invite_unknown() -> Fault {
    Fault::new(
        Whose::Caller,
        "invite-unknown",
        "the PEN has no such invite",
    )
    .hint("list the PEN to see its open invites")
}
