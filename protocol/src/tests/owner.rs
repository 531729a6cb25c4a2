//! A node's owner: what an engine does, as little of it as there can be.

use std::collections::{BTreeMap, BTreeSet};

use stratus_capability::{
    CHANNEL_KEY, Grant, GrantHash, GrantId, HOLDER_KEY, HolderKey, Match, Rate, Scope, SigningKey,
    Terms, mint,
};
use stratus_event::{Eci, Event, EventId, Map, Name, Timestamp};

use crate::{
    Admitted, Config, Federation, Held, Invite, InviteLink, NodeId, Output, Pairing, Redemption,
    SubscriptionId,
};

/// What is durable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Disk {
    pub(super) invites: BTreeMap<[u8; 16], Invite>,
    pub(super) pairings: BTreeMap<SubscriptionId, Pairing>,
    pub(super) subscriptions: BTreeMap<SubscriptionId, Subscription>,
    pub(super) windows: BTreeMap<(Eci, GrantId), Window>,
    pub(super) outbox: BTreeMap<(GrantHash, u64), Event>,
    /// Everything that was accepted, in order.
    pub(super) accepted: Vec<EventId>,
    pub(super) acked: u64,
    pub(super) rejected: Vec<(u64, String)>,
    pub(super) lost: Vec<String>,
    pub(super) failed: Vec<String>,
}

/// The last event that was taken, and those that were refused.
type Window = (u64, Vec<(u64, String)>);

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Subscription {
    pub(super) node: NodeId,
    pub(super) granted: Grant,
    pub(super) held: Option<Grant>,
    pub(super) established: bool,
    pub(super) sequence: u64,
    pub(super) revoked: bool,
}

/// What the federation hears once the state is durable.
type Order = Box<dyn FnOnce(&mut Federation, Timestamp)>;

pub(super) struct Owner {
    pub(super) config: Config,
    pub(super) federation: Federation,
    /// What is true if no commit fails.
    pub(super) state: Disk,
    pub(super) disk: Disk,
    pub(super) orders: Vec<Order>,
    pub(super) codes: BTreeSet<String>,
    pub(super) terms: fn(Terms) -> Terms,
    starts: u8,
    number: u8,
}

impl Owner {
    pub(super) fn new(number: u8) -> Self {
        let mut config = Config::new(NodeId([number; 32]));
        config.window_events_max = 8;
        config.batch_events_max = 3;
        config.queue_events_max = 12;
        Self {
            federation: Federation::new(config.clone(), [number; 32]),
            config,
            state: Disk::default(),
            disk: Disk::default(),
            orders: Vec::new(),
            codes: BTreeSet::new(),
            terms: |terms| terms,
            starts: 0,
            number,
        }
    }

    pub(super) fn node(&self) -> NodeId {
        self.config.node
    }

    /// Makes an invite and says its link.
    pub(super) fn invite(&mut self, id: u8, expires: Timestamp, uses_max: u32) -> String {
        let mut invite = Invite {
            id: [id; 16],
            secret: [id; 32],
            name: "partner".into(),
            role_mine: "class".into(),
            role_theirs: "assistant".into(),
            offered: vec![],
            wanted: vec![],
            expires,
            uses_max,
            used: vec![],
            link: String::new(),
        };
        let addresses = vec!["/ip4/127.0.0.1/tcp/1".into()];
        invite.link = InviteLink::new(&invite, self.node(), addresses, "class".into()).text();
        let link = invite.link.clone();
        self.state.invites.insert(invite.id, invite.clone());
        self.after_commit(move |federation, _| federation.invite(invite));
        link
    }

    pub(super) fn redeem(&mut self, link: &str) -> SubscriptionId {
        let parsed = InviteLink::parse(link).unwrap();
        let key = self.holder_key(&parsed.invite);
        let subscription = SubscriptionId::derive(&parsed.invite, &HolderKey(key.public()));
        let pairing = Pairing {
            subscription,
            link: link.into(),
            name: "class".into(),
            node: parsed.node,
            addresses: parsed.addresses,
            rx: Eci(self.channel_key(subscription).public()),
            since: Timestamp(0),
            confirming: None,
        };
        self.state.pairings.insert(subscription, pairing.clone());
        self.after_commit(move |federation, now| federation.redeem(now, &pairing, &key));
        subscription
    }

    /// Sends an event over the subscription, if there is one yet.
    pub(super) fn send(&mut self, event: Event) -> bool {
        let Some(subscription) = self
            .state
            .subscriptions
            .values_mut()
            .find(|s| s.held.is_some())
        else {
            return false;
        };
        subscription.sequence += 1;
        let sequence = subscription.sequence;
        let grant = subscription.held.as_ref().unwrap().hash();
        self.state.outbox.insert((grant, sequence), event.clone());
        self.after_commit(move |federation, now| federation.send(now, grant, sequence, &event));
        true
    }

    pub(super) fn revoke(&mut self) {
        let subscription = self.state.subscriptions.values_mut().next().unwrap();
        subscription.revoked = true;
        let (eci, id) = (subscription.granted.eci(), subscription.granted.id());
        self.after_commit(move |federation, now| federation.revoke(now, eci, id));
    }

    /// All that happened becomes durable.
    pub(super) fn commit(&mut self, now: Timestamp) {
        self.disk = self.state.clone();
        for order in std::mem::take(&mut self.orders) {
            order(&mut self.federation, now);
        }
    }

    /// The store failed: all that is not durable is undone, and begun again.
    pub(super) fn lose_commit(&mut self, now: Timestamp) {
        self.state = self.disk.clone();
        self.orders.clear();
        let windows: Vec<_> = self
            .granted()
            .map(|grant| (grant.eci(), grant.id()))
            .collect();
        for (eci, grant) in windows {
            let through = self
                .state
                .windows
                .get(&(eci, grant))
                .map_or(0, |window| window.0);
            self.federation.rewind(eci, grant, through);
        }
        self.tell(now);
    }

    /// The process dies and starts again.
    pub(super) fn restart(&mut self, now: Timestamp) {
        self.state = self.disk.clone();
        self.orders.clear();
        self.starts += 1;
        let mut seed = [self.number; 32];
        seed[0] = self.starts;
        self.federation = Federation::new(self.config.clone(), seed);
        self.tell(now);
    }

    pub(super) fn hear(&mut self, output: Output) {
        match output {
            Output::Acked { grant, through } => {
                let outbox = &mut self.state.outbox;
                outbox.retain(|(of, at), _| *of != grant || *at > through);
                self.state.acked = through;
            }
            Output::Confirmed {
                peer,
                subscription,
                grant,
            } => {
                self.confirmed(peer, subscription, grant);
            }
            Output::Established { subscription } => {
                self.state.pairings.remove(&subscription);
                let subscription = self.state.subscriptions.get_mut(&subscription);
                subscription.unwrap().established = true;
            }
            Output::Fault { fault, .. } => _ = self.codes.insert(fault.code.into_owned()),
            Output::Granted {
                subscription,
                grant,
                holder,
                peer,
            } => {
                self.granted_to_me(subscription, grant, holder, peer);
            }
            Output::Lost { code, .. } => self.state.lost.push(code),
            Output::PairingFailed {
                subscription,
                fault,
            } => {
                self.state.pairings.remove(&subscription);
                self.state.failed.push(fault.code.into_owned());
            }
            Output::Redeemed {
                peer,
                invite,
                holder,
                subscription,
                ..
            } => {
                self.redeemed(peer, invite, holder, subscription);
            }
            Output::Rejected {
                grant,
                sequence,
                code,
            } => {
                self.state.outbox.remove(&(grant, sequence));
                self.state.rejected.push((sequence, code));
            }
            Output::Wanted { grant, from } => self.wanted(grant, from),
            other => self.event_came(other),
        }
    }

    fn event_came(&mut self, output: Output) {
        match output {
            Output::Deliver {
                eci,
                grant,
                sequence,
                event,
                ..
            } => {
                self.take_number(eci, grant, sequence);
                self.state.accepted.push(event.id);
                self.after_commit(move |f, _| f.accepted(eci, grant, sequence));
            }
            Output::Refuse {
                eci,
                grant,
                sequence,
                code,
                ..
            } => {
                let window = self.take_number(eci, grant, sequence);
                window.1.push((sequence, code.clone()));
                self.after_commit(move |f, _| f.rejected(eci, grant, sequence, code));
            }
            other => unreachable!("{other:?} is for the world"),
        }
    }

    fn take_number(&mut self, eci: Eci, grant: GrantId, sequence: u64) -> &mut Window {
        let window = self.state.windows.entry((eci, grant)).or_default();
        assert_eq!(sequence, window.0 + 1, "out of order");
        window.0 = sequence;
        window
    }

    fn wanted(&mut self, grant: GrantHash, from: u64) {
        let events = self.state.outbox.range((grant, from)..);
        for ((_, sequence), event) in events.take_while(|((of, _), _)| *of == grant) {
            let (sequence, event) = (*sequence, event.clone());
            let order: Order = Box::new(move |f, now| f.send(now, grant, sequence, &event));
            self.orders.push(order);
        }
    }

    fn redeemed(
        &mut self,
        peer: NodeId,
        invite: [u8; 16],
        holder: HolderKey,
        subscription: SubscriptionId,
    ) {
        let mine = HolderKey(self.holder_key(&invite).public());
        if let Some(known) = self.state.subscriptions.get(&subscription) {
            let bytes = known.granted.bytes().to_vec();
            assert_eq!(known.node, peer);
            self.after_commit(move |f, _| f.grant_redeemer(peer, subscription, bytes, mine));
            return;
        }
        let granted = self.grant(subscription, holder);
        self.subscribe(subscription, peer, granted.clone(), None);
        let entry = self.state.invites.get_mut(&invite).unwrap();
        entry.used.push(Redemption {
            holder,
            subscription,
        });
        let entry = entry.clone();
        self.after_commit(move |federation, _| {
            federation.invite(entry);
            federation.grant_redeemer(peer, subscription, granted.bytes().to_vec(), mine);
        });
    }

    fn granted_to_me(
        &mut self,
        subscription: SubscriptionId,
        grant: Grant,
        holder: HolderKey,
        peer: NodeId,
    ) {
        let mine = self.grant(subscription, holder);
        let bytes = mine.bytes().to_vec();
        self.state
            .pairings
            .get_mut(&subscription)
            .unwrap()
            .confirming = Some(bytes.clone());
        self.subscribe(subscription, peer, mine, Some(grant));
        self.after_commit(move |federation, now| federation.confirm(now, subscription, bytes));
    }

    fn confirmed(&mut self, peer: NodeId, subscription: SubscriptionId, grant: Grant) {
        let known = self.state.subscriptions.get(&subscription).cloned();
        let Some(known) = known.filter(|known| known.node == peer) else {
            return self.after_commit(move |federation, _| {
                federation.refuse_pairing(peer, subscription, "pairing-unknown");
            });
        };
        self.subscribe(subscription, peer, known.granted, Some(grant));
        self.state
            .subscriptions
            .get_mut(&subscription)
            .unwrap()
            .established = true;
        self.after_commit(move |federation, _| federation.establish(peer, subscription));
    }

    fn subscribe(&mut self, id: SubscriptionId, node: NodeId, granted: Grant, held: Option<Grant>) {
        let new = Subscription {
            node,
            granted,
            held: None,
            established: false,
            sequence: 0,
            revoked: false,
        };
        let subscription = self.state.subscriptions.entry(id).or_insert(new);
        if held.is_some() {
            subscription.held = held;
        }
        let subscription = subscription.clone();
        let (admitted, held) = self.uses(&id, &subscription);
        self.after_commit(move |federation, now| {
            federation.admit(admitted);
            if let Some(held) = held {
                federation.hold(now, held);
            }
        });
    }

    /// Tells the federation all that is durable, as after a start.
    fn tell(&mut self, now: Timestamp) {
        self.disk
            .invites
            .values()
            .for_each(|invite| self.federation.invite(invite.clone()));
        for (id, subscription) in self.disk.subscriptions.clone() {
            let (admitted, held) = self.uses(&id, &subscription);
            let key = (admitted.grant.eci(), admitted.grant.id());
            self.federation.admit(admitted);
            if subscription.revoked {
                self.federation.revoke(now, key.0, key.1);
            }
            if let Some(held) = held {
                self.federation.hold(now, held);
            }
        }
        for ((grant, sequence), event) in &self.disk.outbox {
            self.federation.send(now, *grant, *sequence, event);
        }
        for pairing in self.disk.pairings.values() {
            let invite = InviteLink::parse(&pairing.link).unwrap().invite;
            self.federation
                .redeem(now, pairing, &self.holder_key(&invite));
        }
    }

    fn uses(&self, id: &SubscriptionId, subscription: &Subscription) -> (Admitted, Option<Held>) {
        let (peer, grant) = (subscription.node, subscription.granted.clone());
        let window = self.disk.windows.get(&(grant.eci(), grant.id())).cloned();
        let (through, refused) = window.unwrap_or_default();
        let held = subscription.held.clone().map(|grant| {
            let invites = self.state.invites.keys().copied();
            let pairings = self.state.pairings.values();
            let pairings = pairings.map(|p| InviteLink::parse(&p.link).unwrap().invite);
            let all = (0..=9).map(|n| [n; 16]).chain(invites).chain(pairings);
            let mut keys = all.map(|invite| self.holder_key(&invite));
            let key = keys
                .find(|key| key.public() == grant.holder().0)
                .unwrap_or_else(|| {
                    panic!("no key for {id}");
                });
            Held {
                grant,
                key,
                peer,
                addresses: vec!["/ip4/127.0.0.1/tcp/2".into()],
            }
        });
        (
            Admitted {
                grant,
                through,
                refused,
                peer,
            },
            held,
        )
    }

    fn granted(&self) -> impl Iterator<Item = &Grant> {
        self.state
            .subscriptions
            .values()
            .map(|subscription| &subscription.granted)
    }

    fn grant(&self, subscription: SubscriptionId, holder: HolderKey) -> Grant {
        let terms = Terms {
            id: GrantId(subscription.0),
            holder,
            scope: Scope::events([(Match::Exactly(Name::new("test").unwrap()), Match::Any)])
                .unwrap(),
            issued: 0,
            expires: 1_000_000,
            rate: Rate {
                burst: 1_000_000,
                per_minute: 1_000_000,
            },
            event_bytes_max: 4096,
            generation: 1,
            depth: 0,
        };
        let key = self.channel_key(subscription);
        Grant::verify(&mint(&key, &(self.terms)(terms))).unwrap()
    }

    fn channel_key(&self, subscription: SubscriptionId) -> SigningKey {
        SigningKey::derive(&[self.number; 32], CHANNEL_KEY, &subscription.0)
    }

    fn holder_key(&self, invite: &[u8; 16]) -> SigningKey {
        SigningKey::derive(&[self.number; 32], HOLDER_KEY, invite)
    }

    fn after_commit(&mut self, order: impl FnOnce(&mut Federation, Timestamp) + 'static) {
        self.orders.push(Box::new(order));
    }
}

/// The `n`-th event of a node.
pub(super) fn event(number: u8, n: u16, domain: &str) -> Event {
    let mut id = [number; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    Event {
        id: EventId(id),
        domain: Name::new(domain).unwrap(),
        kind: Name::new("thing").unwrap(),
        attributes: Map::from([("n", i32::from(n))]),
        time: Timestamp(0),
        cause: None,
    }
}
