//! Events come in: by a door of the node, from a partner, from the engine itself.

use std::{collections::BTreeMap, net::IpAddr};

use stratus_event::{Eci, Event, EventId, Fault, Map, Name, PenId, Whose, codec};
use stratus_pen::{Bearer, Channel, language::Directive};

use crate::{
    Accepted, CommandId, Door, Engine, Key, Record, Reply, Source, Wait,
    commit::{After, Draft},
    family::check_not_family,
    hosted::{Entry, Hosted, Waiter},
    names::{OWNER, SUBSCRIPTION, fixed},
    seen::First,
};

/// An event as somebody wants it raised.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) channel: Eci,
    pub(crate) door: Door,
    pub(crate) domain: Name,
    pub(crate) kind: Name,
    pub(crate) attributes: Map,
    pub(crate) external_id: Option<String>,
    pub(crate) wait: Wait,
}

/// An event on its way into a PEN, with what has to be written and done together with it.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) accepted: Accepted,
    pub(crate) changes: Vec<(Key, Option<Record>)>,
    pub(crate) after: Vec<After>,
    pub(crate) waiter: Option<Waiter>,
}

impl Engine {
    /// Raises an event for somebody at a door, or says why not.
    pub(crate) fn raise(&mut self, command: CommandId, wish: Wish) {
        let outcome = self.check_wish(&wish).and_then(|pen| {
            if self.answer_duplicate(command, pen, &wish) {
                return Ok(());
            }
            self.check_room(pen)?;
            self.check_rate(pen, &wish.channel)?;
            self.take_wish(command, pen, wish);
            Ok(())
        });
        if let Err(fault) = outcome {
            self.reply(command, Err(fault));
        }
    }

    /// Lets an accepted event into its PEN: written together with its outcome if it need not wait,
    /// else at once, so that no acknowledgement waits for another event's rules.
    pub(crate) fn admit(&mut self, pen: PenId, arrival: Arrival) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let idle = hosted.unsettled() == 0;
        hosted.enqueue(pen, arrival);
        if !idle {
            let mut draft = Draft::default();
            hosted.flush(pen, &mut draft);
            self.commit(draft);
        }
        self.ready.insert(pen);
    }

    /// The engine tells a PEN of something, on the same batch as what it tells of.
    pub(crate) fn tell(&mut self, pen: PenId, draft: &mut Draft, event: Event) {
        let accepted = Accepted {
            event,
            channel: None,
            source: Source::Engine,
            for_ruleset: None,
            at: self.now,
            seed: self.random_bytes(),
        };
        self.enter(pen, draft, accepted);
    }

    /// Lets an event in that is already decided on: it is durable with that draft.
    pub(crate) fn enter(&mut self, pen: PenId, draft: &mut Draft, accepted: Accepted) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let arrival = Arrival {
            accepted,
            changes: Vec::new(),
            after: Vec::new(),
            waiter: None,
        };
        hosted.enqueue(pen, arrival);
        hosted.flush(pen, draft);
        self.ready.insert(pen);
    }

    /// News for a PEN.
    pub(crate) fn happening(
        &mut self,
        domain: &'static str,
        kind: &'static str,
        attributes: Map,
    ) -> Event {
        self.occur(fixed(domain), fixed(kind), attributes)
    }

    /// An event that happens here and now.
    pub(crate) fn occur(&mut self, domain: Name, kind: Name, attributes: Map) -> Event {
        let id = EventId(self.random_bytes());
        Event {
            id,
            domain,
            kind,
            attributes,
            time: self.now,
            cause: None,
        }
    }

    /// The disk has room again, or no longer. What is under way goes on; partners send again what
    /// was passed over.
    pub(crate) fn handle_disk_space(&mut self, enough: bool) {
        self.disk_short = !enough;
        let pens: Vec<PenId> = self.pens.keys().copied().collect();
        for pen in pens.into_iter().filter(|_| enough) {
            self.resume_partners(pen);
        }
    }

    /// Refuses an event for which there is no room.
    pub(crate) fn check_room(&self, pen: PenId) -> Result<(), Fault> {
        if self.disk_short {
            return Err(disk_short());
        }
        let unsettled = self.pens.get(&pen).map_or(0, Hosted::unsettled);
        if unsettled < self.config.queue_events_max {
            return Ok(());
        }
        let message = format!("{unsettled} events wait for their rules already");
        Err(Fault::new(Whose::World, "queue-full", message).hint("try again later"))
    }

    fn check_wish(&self, wish: &Wish) -> Result<PenId, Fault> {
        let (pen, channel) = self.channel(&wish.channel)?;
        channel.check_open()?;
        check_door(channel, &wish.door)?;
        channel.check_event(&wish.domain, &wish.kind)?;
        check_size(&wish.attributes, self.config.event_bytes_max)?;
        check_external_id(
            wish.external_id.as_deref(),
            self.config.external_id_bytes_max,
        )?;
        Ok(pen)
    }

    /// The channel of that ECI and the PEN that it belongs to.
    pub(crate) fn channel(&self, eci: &Eci) -> Result<(PenId, &Channel), Fault> {
        let pen = self
            .channels
            .get(eci)
            .and_then(|id| Some((*id, self.pens.get(id)?)));
        let channel = pen.and_then(|(id, hosted)| Some((id, hosted.state.channel(eci)?)));
        channel.ok_or_else(|| {
            let message = format!("this node has no channel {eci}");
            Fault::new(Whose::Caller, "channel-unknown", message).hint("list the PEN's channels")
        })
    }

    fn take_wish(&mut self, command: CommandId, pen: PenId, wish: Wish) {
        let event = self.occur(wish.domain, wish.kind, wish.attributes);
        let id = event.id;
        let source = match wish.door {
            Door::Bearer { .. } => Source::Bearer {
                external_id: wish.external_id.clone(),
            },
            Door::Owner => Source::Owner,
            Door::Service(service) => Source::Service {
                service,
                external_id: wish.external_id.clone(),
            },
        };
        let changes = wish
            .external_id
            .map(|external| self.remember(pen, wish.channel, &external, id))
            .unwrap_or_default();
        let accepted = Accepted {
            event,
            channel: Some(wish.channel),
            source,
            for_ruleset: None,
            at: self.now,
            seed: self.random_bytes(),
        };
        let waiter = Waiter {
            command,
            wait: wish.wait,
            duplicate: false,
        };
        let arrival = Arrival {
            accepted,
            changes,
            after: Vec::new(),
            waiter: Some(waiter),
        };
        self.admit(pen, arrival);
    }

    /// The records that keep an external id from being taken twice.
    fn remember(
        &mut self,
        pen: PenId,
        channel: Eci,
        external_id: &str,
        event: EventId,
    ) -> Vec<(Key, Option<Record>)> {
        let ids_max = self.config.seen_ids_max;
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return Vec::new();
        };
        let first = First {
            position: hosted.next,
            event,
            directives: Vec::new(),
            external_id: external_id.to_owned(),
        };
        let record = first.record();
        let key = |id: String| Key::Seen(pen, channel, id);
        let forgotten = hosted
            .seen
            .entry(channel)
            .or_default()
            .remember(first, ids_max);
        let mut changes: Vec<_> = forgotten.into_iter().map(|id| (key(id), None)).collect();
        changes.push((key(external_id.to_owned()), Some(record)));
        changes
    }

    /// Answers an event like the first one of the same external id, if there was one.
    fn answer_duplicate(&mut self, command: CommandId, pen: PenId, wish: &Wish) -> bool {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return false;
        };
        let Some(first) = hosted.first(wish) else {
            return false;
        };
        let position = first.position;
        let reply = first.reply(wish.wait);
        let mut draft = Draft::default();
        match hosted.entry_mut(position) {
            Some(entry) if wish.wait == Wait::Outcome => {
                entry.waiters.push(Waiter {
                    command,
                    wait: Wait::Outcome,
                    duplicate: true,
                });
            }
            Some(_) => {
                hosted.flush(pen, &mut draft);
                draft.reply(command, Ok(reply));
            }
            None => draft.reply(command, Ok(reply)),
        }
        self.commit(draft);
        true
    }
}

impl Hosted {
    /// Gives an event its place in the journal and in the queue.
    fn enqueue(&mut self, pen: PenId, arrival: Arrival) {
        let Arrival {
            accepted,
            changes: mut unwritten,
            after,
            waiter,
        } = arrival;
        let position = self.next;
        self.next = position.saturating_add(1);
        unwritten.push((Key::Journal(pen), Some(Record::Journal { next: self.next })));
        unwritten.push((
            Key::Accepted(pen, position),
            Some(Record::Accepted(accepted.clone())),
        ));
        self.queue.push_back(Entry {
            position,
            accepted,
            unwritten,
            after,
            waiters: waiter.into_iter().collect(),
            restored: None,
            questions: BTreeMap::default(),
        });
    }

    /// Writes the acceptance of all events that have to wait. It precedes everything that could
    /// make a later event of the PEN durable, so that no number of a grant is ever skipped.
    pub(crate) fn flush(&mut self, pen: PenId, draft: &mut Draft) {
        let entries = self.running.iter_mut().chain(&mut self.queue);
        for entry in entries.filter(|entry| !entry.unwritten.is_empty()) {
            entry.write(draft);
            draft.put(
                Key::Queue(pen, entry.position),
                Record::Queue { attempts: 0 },
            );
            let (accepted, waiting) = entry
                .waiters
                .drain(..)
                .partition(|waiter: &Waiter| waiter.wait == Wait::Accepted);
            entry.waiters = waiting;
            let waiters: Vec<Waiter> = accepted;
            for waiter in waiters {
                let reply = entry.reply(waiter, &[]);
                draft.reply(waiter.command, Ok(reply));
            }
        }
    }

    fn first(&self, wish: &Wish) -> Option<&First> {
        self.seen
            .get(&wish.channel)?
            .get(wish.external_id.as_deref()?)
    }
}

impl Entry {
    /// Moves the records of the acceptance to a draft, and what follows them.
    pub(crate) fn write(&mut self, draft: &mut Draft) {
        draft.extend(std::mem::take(&mut self.unwritten));
        for after in std::mem::take(&mut self.after) {
            draft.after(after);
        }
    }

    /// What a command hears that waited for this event.
    pub(crate) fn reply(&self, waiter: Waiter, directives: &[Directive]) -> Reply {
        let directives = match waiter.wait {
            Wait::Accepted => Vec::new(),
            Wait::Outcome => directives.to_vec(),
        };
        let (event, position) = (self.accepted.event.id, self.position);
        Reply::Raised {
            event,
            position,
            directives,
            duplicate: waiter.duplicate,
        }
    }
}

fn disk_short() -> Fault {
    let message = "the disk is nearly full, so no new event is taken";
    Fault::new(Whose::World, "disk-reserve-reached", message)
        .hint("make room on the disk of the node; it goes on by itself")
}

/// The owner's channel is for the owner, a partner's is for what comes under its grant, and one
/// whose ECI is enough was made for that.
pub(crate) fn check_door(channel: &Channel, door: &Door) -> Result<(), Fault> {
    check_not_family(channel)?;
    match door {
        Door::Bearer { from } => check_bearer(channel, *from),
        Door::Owner => Ok(()),
        Door::Service(service) => check_service(channel, service),
    }
}

/// Whether the ECI is enough, and for one from there.
fn check_bearer(channel: &Channel, from: Option<IpAddr>) -> Result<(), Fault> {
    if channel.bearer == Bearer::Nobody {
        let message = format!(
            "to know the ECI of the channel {} is not enough",
            channel.eci
        );
        return Err(Fault::new(Whose::Caller, "channel-not-legacy", message)
            .hint("make a channel for it: `stratus channel make --legacy`"));
    }
    if channel.bearer.admits(from) {
        return Ok(());
    }
    let message = match from {
        Some(address) => format!("{address} is neither this computer nor in its private network"),
        None => "the request came by a proxy, from nobody knows where".to_owned(),
    };
    Err(Fault::new(Whose::Caller, "channel-only-nearby", message)
        .hint("make a channel for it: `stratus channel make --legacy-anywhere`"))
}

fn check_service(channel: &Channel, service: &Name) -> Result<(), Fault> {
    let reserved = |tag: &Name| *tag == OWNER || *tag == SUBSCRIPTION;
    if !channel.tags.iter().any(reserved) {
        return Ok(());
    }
    let message = format!(
        "the channel {} is not for the service {service}",
        channel.eci
    );
    Err(Fault::new(Whose::Caller, "policy-refuses", message)
        .hint("make a channel of its own for the service"))
}

pub(crate) fn check_size(attributes: &Map, bytes_max: u32) -> Result<(), Fault> {
    let value = stratus_event::Value::map(attributes.clone());
    let bytes = codec::encode(&codec::Item::from(&value)).len();
    if u32::try_from(bytes).is_ok_and(|bytes| bytes <= bytes_max) {
        return Ok(());
    }
    let message = format!("the event has {bytes} bytes of attributes, {bytes_max} are allowed");
    Err(Fault::new(Whose::Caller, "event-oversize", message).hint("send less, or in parts"))
}

fn check_external_id(id: Option<&str>, bytes_max: usize) -> Result<(), Fault> {
    let bytes = id.map_or(0, str::len);
    if bytes <= bytes_max {
        return Ok(());
    }
    let message = format!("the event's id has {bytes} bytes, {bytes_max} are allowed");
    Err(Fault::new(Whose::Caller, "external-id-oversize", message).hint("give a shorter id"))
}
