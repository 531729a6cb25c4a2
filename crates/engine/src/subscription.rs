//! Subscriptions from their beginning to their end.

use stratus_capability::{Grant, GrantHash, GrantId, HolderKey, Terms, mint};
use stratus_event::{Eci, Fault, Name, PenId, Whose};
use stratus_pen::{Channel, Policy, Rule};
use stratus_protocol::{Admitted, Held, SubscriptionId};

use crate::{
    ChannelWish, CommandId, Engine, Reply,
    commit::Draft,
    federation::Order,
    hosted::Hosted,
    names::{ADDED, REMOVED, SUBSCRIPTION, fixed},
    outbox::{subscription_ended, told},
    relation::{Relation, scope, specific},
};

impl Engine {
    /// Ends a subscription, here at once and at the partner's as soon as it hears of it.
    pub(crate) fn unsubscribe(&mut self, command: CommandId, pen: PenId, id: SubscriptionId) {
        let mut draft = Draft::default();
        let reply = self.hosted(pen).and_then(|hosted| {
            let living = hosted
                .relations
                .get(&id)
                .is_some_and(|relation| !relation.record.ended);
            let begun = hosted.pairings.contains_key(&id);
            if living || begun {
                Ok(())
            } else {
                Err(subscription_unknown(id))
            }
        });
        if reply.is_ok() {
            self.give_up_pairing(id, &mut draft);
            self.end_subscription(pen, id, &subscription_ended(), &mut draft);
        }
        draft.reply(command, reply.map(|()| Reply::Done));
        self.commit(draft);
    }

    fn give_up_pairing(&mut self, id: SubscriptionId, draft: &mut Draft) {
        draft.order(Order::DropPairing(id));
        let fault = Fault::new(
            Whose::Caller,
            "pairing-withdrawn",
            "the owner gave the pairing up",
        );
        self.fail_pairing(id, &fault, draft);
    }

    /// The partner no longer honours the grant.
    pub(crate) fn handle_lost(&mut self, grant: GrantHash, code: &str) {
        let Some((pen, id)) = self.holdings.get(&grant).copied() else {
            return;
        };
        let mut draft = Draft::default();
        self.end_subscription(pen, id, &told(code), &mut draft);
        self.commit(draft);
    }

    /// Shuts the channel, revokes the grant, gives back what waits: all on one batch.
    fn end_subscription(
        &mut self,
        pen: PenId,
        id: SubscriptionId,
        fault: &Fault,
        draft: &mut Draft,
    ) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let Some(relation) = hosted.relations.get_mut(&id).filter(|r| !r.record.ended) else {
            return;
        };
        relation.record.ended = true;
        let relation = relation.clone();
        let (key, record) = relation.entry(pen);
        draft.put(key, record);
        hosted.shut(&relation.record.rx, draft);
        hosted.refresh_subscriptions();
        let (eci, grant) = (relation.granted.eci(), relation.granted.id());
        // Before the release, after which nobody knows where the partner is to be told.
        draft.order(Order::Revoke { eci, grant });
        if let Some(held) = relation.outgoing() {
            self.empty_outbox(pen, id, held, fault, draft);
            self.holdings.remove(&held);
            draft.order(Order::Release(held));
        }
        if relation.held.is_some() {
            let event = self.happening(SUBSCRIPTION, REMOVED, relation.attributes());
            self.tell(pen, draft, event);
        }
    }

    /// Takes a relation in whose channel is made: the partner may send.
    pub(crate) fn relate(&mut self, pen: PenId, relation: Relation, draft: &mut Draft) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let (key, record) = relation.entry(pen);
        draft.put(key, record);
        draft.order(Order::Admit(hosted.admitted(&relation)));
        self.subscriptions.insert(relation.record.id, pen);
        hosted.relations.insert(relation.record.id, relation);
    }

    /// Both sides have granted: the PEN may send, and hears of it.
    pub(crate) fn begin_subscription(&mut self, pen: PenId, id: SubscriptionId, draft: &mut Draft) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        hosted.refresh_subscriptions();
        let Some(relation) = hosted.relations.get(&id).cloned() else {
            return;
        };
        let (key, record) = relation.entry(pen);
        draft.put(key, record);
        if let Some(held) = hosted.held(&relation) {
            self.holdings.insert(held.grant.hash(), (pen, id));
            draft.order(Order::Hold(held));
        }
        let event = self.happening(SUBSCRIPTION, ADDED, relation.attributes());
        self.tell(pen, draft, event);
    }

    /// A channel for one partner, which lets in those events and no queries.
    pub(crate) fn partner_channel(
        &mut self,
        pen: PenId,
        symbols: &[(Name, Name)],
        draft: &mut Draft,
    ) -> Result<Channel, Fault> {
        let rule = |(domain, kind): &(Name, Name)| Rule {
            first: specific(domain),
            second: specific(kind),
        };
        let events_allowed = symbols.iter().map(rule).collect();
        let policy = Policy {
            events_allowed,
            ..Policy::default()
        };
        let wish = ChannelWish::closed(vec![fixed(SUBSCRIPTION)], policy);
        self.make_channel(pen, wish, draft)
    }

    /// Grants those events on that channel to the holder of that key.
    pub(crate) fn grant_to(
        &mut self,
        pen: PenId,
        channel: &Channel,
        holder: HolderKey,
        symbols: &[(Name, Name)],
    ) -> Result<Grant, Fault> {
        let id = GrantId(self.random_bytes());
        let issued = self.now.seconds();
        let lifetime = u64::from(self.config.grant_lifetime_days).saturating_mul(SECONDS_PER_DAY);
        let terms = Terms {
            id,
            holder,
            scope: scope(symbols)?,
            issued,
            expires: issued.saturating_add(lifetime),
            rate: self.config.grant_rate,
            event_bytes_max: self.config.event_bytes_max,
            generation: channel.generation,
            depth: 0,
        };
        let bytes = mint(&self.hosted(pen)?.channel_key(channel.id), &terms);
        Ok(Grant::verify(&bytes)?)
    }

    pub(crate) fn check_subscriptions(&self, pen: PenId) -> Result<(), Fault> {
        let hosted = self.hosted(pen)?;
        let living = hosted
            .relations
            .values()
            .filter(|relation| !relation.record.ended)
            .count();
        let subscriptions_max = self.config.subscriptions_max;
        if living.saturating_add(hosted.pairings.len()) < subscriptions_max {
            return Ok(());
        }
        let message = format!("the PEN has {subscriptions_max} subscriptions, which is the most");
        Err(Fault::new(Whose::Caller, "subscriptions-full", message).hint("end some"))
    }
}

impl Hosted {
    /// Rules see the subscriptions under which they can send.
    pub(crate) fn refresh_subscriptions(&mut self) {
        let held = self.relations.values().filter_map(|relation| {
            relation
                .held
                .as_ref()
                .map(|held| (held.eci(), relation.record.id))
        });
        self.partners = held.collect();
        let living = self.relations.values().filter(|relation| {
            !relation.record.ended && !self.pairings.contains_key(&relation.record.id)
        });
        let views = living.filter_map(Relation::view).collect();
        self.state.set_subscriptions(views);
    }

    /// What the federation has to know so that the partner can send.
    pub(crate) fn admitted(&self, relation: &Relation) -> Admitted {
        let window = self
            .windows
            .get(&(relation.granted.eci(), relation.granted.id()));
        let window = window.cloned().unwrap_or_default();
        Admitted {
            grant: relation.granted.clone(),
            through: window.through,
            refused: window.refused.into(),
            peer: relation.record.node,
        }
    }

    /// What the federation has to know to send to the partner.
    pub(crate) fn held(&self, relation: &Relation) -> Option<Held> {
        let channel = self.state.channel(&relation.record.rx)?;
        Some(Held {
            grant: relation.held.clone()?,
            key: self.holder_key(channel),
            peer: relation.record.node,
            addresses: relation.record.addresses.clone(),
        })
    }

    /// The key to which the partner of that channel is to grant.
    pub(crate) fn holder_of(&self, rx: &Eci) -> Option<HolderKey> {
        let channel = self.state.channel(rx)?;
        Some(HolderKey(self.holder_key(channel).public()))
    }

    /// The subscription that a pairing with that link will make.
    pub(crate) fn pairing_of(&self, link: &str) -> Option<SubscriptionId> {
        let begun = self
            .pairings
            .values()
            .find(|pairing| pairing.link == link)?;
        Some(begun.subscription)
    }

    fn shut(&mut self, eci: &Eci, draft: &mut Draft) {
        let Some(channel) = self.state.channel(eci).cloned() else {
            return;
        };
        let channel = Channel {
            open: false,
            ..channel
        };
        self.put_channel(channel, draft);
    }
}

fn subscription_unknown(id: SubscriptionId) -> Fault {
    let message = format!("the PEN has no subscription {id} that has not ended");
    Fault::new(Whose::Caller, "subscription-unknown", message)
        .hint("list the PEN to see its subscriptions")
}

const SECONDS_PER_DAY: u64 = 86_400;
