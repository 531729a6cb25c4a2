//! Events for other PENs. Those for partners are on a batch first, then sent until the partner has
//! them durably.

use std::borrow::Cow;

use stratus_capability::GrantHash;
use stratus_event::{Eci, Event, EventId, Fault, Map, PenId, Value, Whose};
use stratus_pen::{Wanted, language::Effect};
use stratus_protocol::{SubscriptionId, explain};

use crate::{
    EffectId, Engine, Key, Outcome, Record,
    commit::Draft,
    effect::FAILURES,
    federation::Order,
    hosted::{Entry, Hosted, Waiting},
    names::{EVENT, SEND_FAILED, attribute},
};

/// An event that goes to another PEN, or comes back.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) to: Eci,
    pub(crate) event: Event,
    /// The effect that it is.
    pub(crate) effect: Option<EffectId>,
    /// How many failed effects led to it.
    pub(crate) failures: u32,
}

impl Engine {
    /// Takes in an event that a rule sends: it is in the outbox on the batch of its cause.
    pub(crate) fn post(
        &mut self,
        pen: PenId,
        entry: &Entry,
        id: EffectId,
        wanted: &Wanted,
        outcome: &mut Outcome,
        draft: &mut Draft,
    ) {
        let Effect::Send {
            to,
            domain,
            kind,
            attributes,
        } = &wanted.effect
        else {
            return;
        };
        let event = Event {
            id: sent_id(wanted.run.event, id),
            domain: domain.clone(),
            kind: kind.clone(),
            attributes: attributes.clone(),
            time: self.now,
            cause: Some(wanted.run.event),
        };
        let letter = Letter {
            to: *to,
            event,
            effect: Some(id),
            failures: entry.failures(),
        };
        let hosted = self.pens.get(&pen);
        let is_partner = hosted.is_some_and(|hosted| hosted.partners.contains_key(to));
        let permitted = self.check_domain(pen, &wanted.run.rid, domain);
        let posted = permitted.and_then(|()| {
            if is_partner {
                self.put_in_outbox(pen, &letter, draft)
            } else {
                self.post_here(pen, &letter, draft)
            }
        });
        if let Err(fault) = posted {
            note(outcome, wanted, &fault);
            self.send_failed(pen, &letter, &fault, draft);
        }
    }

    fn put_in_outbox(
        &mut self,
        pen: PenId,
        letter: &Letter,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        let (now, waiting_max) = (self.now, self.config.outbox_events_max);
        self.federation.fits(&letter.event)?;
        let hosted = self
            .pens
            .get_mut(&pen)
            .ok_or_else(|| partner_unknown(&letter.to))?;
        let (id, grant) = hosted.partner(&letter.to)?;
        let waiting = hosted.outbox.range((grant, 0)..=(grant, u64::MAX)).count();
        if waiting >= waiting_max {
            return Err(outbox_full(waiting_max));
        }
        let relation = hosted
            .relations
            .get_mut(&id)
            .ok_or_else(|| partner_unknown(&letter.to))?;
        let sequence = relation.record.sequence_next;
        relation.record.sequence_next = sequence.saturating_add(1);
        let (key, record) = relation.entry(pen);
        draft.put(key, record);
        let (event, effect) = (letter.event.clone(), letter.effect);
        draft.put(
            Key::Outbox(pen, grant, sequence),
            Record::Outbox {
                event: event.clone(),
                since: now,
                effect,
            },
        );
        hosted.outbox.insert(
            (grant, sequence),
            Waiting {
                event: event.clone(),
                since: now,
                effect,
            },
        );
        draft.order(Order::Send {
            grant,
            sequence,
            event,
        });
        Ok(())
    }

    /// The partner has made all events up to that one durable.
    pub(crate) fn handle_acked(&mut self, grant: GrantHash, through: u64) {
        let now = self.now;
        let Some((pen, _)) = self.holdings.get(&grant).copied() else {
            return;
        };
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let mut draft = Draft::default();
        let acked: Vec<_> = hosted
            .outbox
            .range((grant, 0)..=(grant, through))
            .map(|(key, _)| *key)
            .collect();
        for (grant, sequence) in acked {
            let waiting = hosted.outbox.remove(&(grant, sequence));
            draft.remove(Key::Outbox(pen, grant, sequence));
            if let Some(effect) = waiting.and_then(|waiting| waiting.effect) {
                draft.verdict(pen, effect, now, Ok(String::new()));
            }
        }
        self.commit(draft);
    }

    /// The partner refuses that event for good.
    pub(crate) fn handle_rejected(&mut self, grant: GrantHash, sequence: u64, code: &str) {
        let fault = told(code);
        let Some((pen, id)) = self.holdings.get(&grant).copied() else {
            return;
        };
        let mut draft = Draft::default();
        self.return_to_sender(pen, id, (grant, sequence), &fault, &mut draft);
        self.commit(draft);
    }

    /// The federation has room again for what waits from that number on.
    pub(crate) fn handle_wanted(&mut self, grant: GrantHash, from: u64) {
        let Some((pen, _)) = self.holdings.get(&grant).copied() else {
            return;
        };
        let Some(hosted) = self.pens.get(&pen) else {
            return;
        };
        let mut draft = Draft::default();
        for ((grant, sequence), waiting) in hosted.outbox.range((grant, from)..=(grant, u64::MAX)) {
            let (grant, sequence, event) = (*grant, *sequence, waiting.event.clone());
            draft.order(Order::Send {
                grant,
                sequence,
                event,
            });
        }
        self.commit(draft);
    }

    /// Takes everything for that partner out of the outbox; each comes back as a failure.
    pub(crate) fn empty_outbox(
        &mut self,
        pen: PenId,
        id: SubscriptionId,
        grant: GrantHash,
        fault: &Fault,
        draft: &mut Draft,
    ) {
        let Some(hosted) = self.pens.get(&pen) else {
            return;
        };
        let of_grant = hosted.outbox.range((grant, 0)..=(grant, u64::MAX));
        for place in of_grant.map(|(place, _)| *place).collect::<Vec<_>>() {
            self.return_to_sender(pen, id, place, fault, draft);
        }
    }

    fn return_to_sender(
        &mut self,
        pen: PenId,
        id: SubscriptionId,
        (grant, sequence): (GrantHash, u64),
        fault: &Fault,
        draft: &mut Draft,
    ) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let Some(waiting) = hosted.outbox.remove(&(grant, sequence)) else {
            return;
        };
        draft.remove(Key::Outbox(pen, grant, sequence));
        let held = hosted
            .relations
            .get(&id)
            .and_then(|relation| relation.held.as_ref());
        let Some(to) = held.map(stratus_capability::Grant::eci) else {
            return;
        };
        let letter = Letter {
            to,
            event: waiting.event,
            effect: waiting.effect,
            failures: 0,
        };
        self.send_failed(pen, &letter, fault, draft);
    }

    /// Tells the PEN that its event did not reach the partner. No event vanishes silently.
    pub(crate) fn send_failed(
        &mut self,
        pen: PenId,
        letter: &Letter,
        fault: &Fault,
        draft: &mut Draft,
    ) {
        if let Some(effect) = letter.effect {
            draft.verdict(pen, effect, self.now, Err(fault.clone()));
        }
        if letter.failures >= self.config.failures_max {
            return;
        }
        let attributes = Map::from([
            ("eci", Value::text(letter.to.to_string())),
            ("domain", attribute(&letter.event.domain)),
            ("type", attribute(&letter.event.kind)),
            ("code", Value::text(&fault.code)),
            ("reason", Value::text(&fault.message)),
            (FAILURES, Value::number(f64::from(letter.failures + 1))),
            ("attributes", Value::map(letter.event.attributes.clone())),
        ]);
        let mut event = self.happening(EVENT, SEND_FAILED, attributes);
        event.cause = letter.event.cause;
        self.tell(pen, draft, event);
    }
}

impl Hosted {
    /// The living subscription whose partner has that channel, and the grant to send under.
    fn partner(&self, to: &Eci) -> Result<(SubscriptionId, GrantHash), Fault> {
        let relation = self.partners.get(to).and_then(|id| self.relations.get(id));
        let relation = relation.ok_or_else(|| partner_unknown(to))?;
        if relation.record.ended {
            return Err(subscription_ended());
        }
        let id = relation.record.id;
        let grant = relation
            .outgoing()
            .filter(|_| !self.pairings.contains_key(&id));
        grant
            .map(|grant| (id, grant))
            .ok_or_else(|| partner_unknown(to))
    }
}

/// What a code says that the partner told. It stays, even if it is one that nobody here knows.
pub(crate) fn told(code: &str) -> Fault {
    Fault {
        code: Cow::Owned(code.to_owned()),
        ..explain(code)
    }
}

/// An event that waits for a subscription comes back when that ends.
pub(crate) fn subscription_ended() -> Fault {
    Fault::new(
        Whose::Caller,
        "subscription-ended",
        "the subscription has ended",
    )
    .hint("pair again with a new invite")
}

pub(crate) fn partner_unknown(to: &Eci) -> Fault {
    let message = format!("neither a partner nor the family of this PEN has the channel {to}");
    Fault::new(Whose::Ruleset, "partner-unknown", message)
        .hint("send to the Tx of a subscription, or to a channel of the family")
}

pub(crate) fn outbox_full(waiting_max: usize) -> Fault {
    let message = format!("{waiting_max} events wait for the other PEN already");
    Fault::new(Whose::World, "outbox-full", message).hint("wait until it can be reached again")
}

/// The id of an event that a rule sends: evaluating again gives the same.
fn sent_id(cause: EventId, effect: EffectId) -> EventId {
    let mut hasher = blake3::Hasher::new_derive_key("stratus sent event id v1");
    hasher
        .update(&cause.0)
        .update(&effect.ordinal.to_be_bytes());
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    EventId(id)
}

/// Leaves a line in the trace of the run whose event could not be sent.
fn note(outcome: &mut Outcome, wanted: &Wanted, fault: &Fault) {
    let of_run = outcome.runs.iter_mut().find(|run| {
        run.event.id == wanted.run.event && run.rid == wanted.run.rid && run.rule == wanted.run.rule
    });
    if let Some(run) = of_run {
        run.log
            .push(("error".to_owned(), format!("event:send failed: {fault}")));
    }
}
