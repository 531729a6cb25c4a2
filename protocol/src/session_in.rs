//! Receiving under one grant: what came, what of it is durable, what is refused.

use std::collections::VecDeque;

use stratus_capability::{Grant, Meter};
use stratus_event::{
    Event, Timestamp,
    codec::{self, CodecError, Limits},
};

use crate::{Config, NodeId};

/// The receiver's end of a grant. It outlives streams; a session is its part in one of them.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) grant: Grant,
    /// Where its holder was last seen.
    pub(crate) peer: NodeId,
    /// The stream and number of its session, if one is open.
    pub(crate) session: Option<(NodeId, u64)>,
    /// All events up to here are durable, accepted or refused.
    through: u64,
    /// All events up to here were handed to the owner; at least `through`.
    delivered: u64,
    /// The latest refusals, oldest first, for a partner whose stream broke.
    refused: VecDeque<(u64, String)>,
    /// How fast events come.
    meter: Meter,
    /// The sender knows that this event comes next: until it comes, all later ones are remains of
    /// what was under way, and passed over.
    resumed: Option<u64>,
    /// The window was full: the sender has to be told when it is not.
    stalled: bool,
}

/// What to do with an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Judgement {
    /// It is new and allowed.
    Deliver(Event),
    /// It came before and is durable.
    Durable,
    /// The grant has ended.
    Ended(&'static str),
    /// Nothing: it is being made durable, or comes again later.
    Ignore,
    /// It came too fast; in so many milliseconds it may come again.
    Quota(u64),
    /// It is new and not allowed.
    Refuse(&'static str),
    /// Another event has to come first.
    Resume(u64),
}

impl Inbound {
    pub(crate) fn new(grant: Grant, peer: NodeId) -> Self {
        Self {
            grant,
            peer,
            session: None,
            through: 0,
            delivered: 0,
            refused: VecDeque::new(),
            meter: Meter::new(),
            resumed: None,
            stalled: false,
        }
    }

    /// What is durable by the owner's word.
    pub(crate) fn restore(&mut self, through: u64, refused: Vec<(u64, String)>) {
        self.durable(through);
        if !refused.is_empty() {
            self.refused = refused.into();
        }
    }

    /// A session opens on a new stream.
    pub(crate) fn open(&mut self, peer: NodeId, session: u64) {
        self.peer = peer;
        self.session = Some((peer, session));
        self.resumed = None;
        self.stalled = false;
    }

    /// What to do with the next event of a frame.
    pub(crate) fn judge(
        &mut self,
        config: &Config,
        now: Timestamp,
        sequence: u64,
        bytes: &[u8],
    ) -> Judgement {
        if sequence <= self.through {
            return Judgement::Durable;
        }
        if sequence <= self.delivered {
            return Judgement::Ignore;
        }
        if sequence > self.next() {
            return self.gap();
        }
        if let Err(error) = self.grant.in_force(now) {
            return Judgement::Ended(error.code());
        }
        if self.delivered - self.through >= config.window_events_max as u64 {
            self.stalled = true;
            self.resumed = Some(sequence);
            return Judgement::Ignore;
        }
        // Forbidden events count against the rate too, or they would be a way around it.
        if let Err(wait_ms) = self.meter.take(self.grant.terms().rate, now) {
            self.resumed = Some(sequence);
            return Judgement::Quota(wait_ms);
        }
        self.resumed = None;
        self.delivered = sequence;
        match self.permitted(bytes) {
            Ok(event) => Judgement::Deliver(event),
            Err(code) => Judgement::Refuse(code),
        }
    }

    /// The owner says that all up to this event is durable. Says from where the sender shall
    /// resume, if it was stopped.
    pub(crate) fn durable(&mut self, through: u64) -> Option<u64> {
        self.through = self.through.max(through);
        self.delivered = self.delivered.max(self.through);
        let room = self.stalled && self.delivered == self.through;
        self.stalled &= !room;
        room.then(|| self.next())
    }

    /// The owner says that it is durable that this event is refused.
    pub(crate) fn refuse(&mut self, config: &Config, sequence: u64, code: String) -> Option<u64> {
        self.refused.push_back((sequence, code));
        while self.refused.len() > config.rejections_max {
            self.refused.pop_front();
        }
        self.durable(sequence)
    }

    /// The owner lost what was delivered above. Says from where the sender shall resume.
    pub(crate) fn rewind(&mut self, through: u64) -> u64 {
        self.delivered = self.through.max(through.min(self.delivered));
        self.stalled = false;
        self.resumed = Some(self.next());
        self.next()
    }

    pub(crate) fn through(&self) -> u64 {
        self.through
    }

    /// The refusals that are remembered, oldest first.
    pub(crate) fn refused(&self) -> impl Iterator<Item = &(u64, String)> {
        self.refused.iter()
    }

    fn next(&self) -> u64 {
        self.delivered.saturating_add(1)
    }

    /// The sender is told once; what it sent before it heard that is passed over.
    fn gap(&mut self) -> Judgement {
        let next = self.next();
        if self.resumed == Some(next) {
            return Judgement::Ignore;
        }
        self.resumed = Some(next);
        Judgement::Resume(next)
    }

    fn permitted(&self, bytes: &[u8]) -> Result<Event, &'static str> {
        if bytes.is_empty() {
            return Err("event-withdrawn");
        }
        let event = read_event(bytes).map_err(|_| "event-malformed")?;
        self.grant
            .permits(&event.domain, &event.kind, &event.attributes, bytes.len())
            .map_err(|error| error.code())?;
        Ok(event)
    }
}

/// The event that the bytes encode.
pub(crate) fn read_event(bytes: &[u8]) -> Result<Event, CodecError> {
    let limits = Limits {
        bytes_max: bytes.len(),
        depth_max: EVENT_DEPTH_MAX,
        // Each item takes a byte at least, so the bytes are the limit.
        items_max: bytes.len(),
        tags: &[],
    };
    codec::decode(bytes, &limits)?.try_into()
}

/// How deep an event's attributes may be nested: the event is a map, its attributes are one.
const EVENT_DEPTH_MAX: usize = 32;
