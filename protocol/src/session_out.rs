//! Sending under one grant: what waits, what was sent, what was acknowledged.

use std::collections::VecDeque;

use stratus_capability::{Grant, SigningKey};
use stratus_event::{Event, Timestamp, codec};

use crate::{Config, NodeId, session_in::read_event};

/// The sender's end of a grant. It outlives streams; a session is its part in one of them.
#[derive(Debug)]
pub(crate) struct Outbound {
    pub(crate) grant: Grant,
    pub(crate) key: SigningKey,
    pub(crate) peer: NodeId,
    /// The number of its session on the present stream.
    pub(crate) session: Option<u64>,
    /// Nothing is sent before.
    pub(crate) paused: Option<Timestamp>,
    /// The partner does not honour the grant any more.
    pub(crate) lost: bool,
    /// The number of the first event in the queue; 0 before any event was handed over.
    first: u64,
    /// Encoded events that are not acknowledged, in order. An empty one does not fit a frame.
    queue: VecDeque<Vec<u8>>,
    /// The last event that was sent on the present stream.
    sent: u64,
    /// How often the partner asked for events again since one was acknowledged.
    resumes: u32,
    missing: Missing,
}

/// Events that the owner handed over when there was no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    /// The owner was asked for them.
    Asked,
    /// There are some, from the end of the queue on.
    Some,
    /// There are none.
    None,
}

/// What came of an answer of the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It names events that were never sent.
    Ahead,
    /// It lacks events that it acknowledged before.
    Behind,
    /// It says nothing new.
    None,
    /// Something has moved.
    Some,
}

impl Outbound {
    pub(crate) fn new(grant: Grant, key: SigningKey, peer: NodeId) -> Self {
        Self {
            grant,
            key,
            peer,
            session: None,
            paused: None,
            lost: false,
            first: 0,
            queue: VecDeque::new(),
            sent: 0,
            resumes: 0,
            missing: Missing::None,
        }
    }

    /// Takes an event to be sent. One that comes again, or before there is room, is passed over.
    pub(crate) fn push(&mut self, config: &Config, sequence: u64, event: &Event) {
        if self.queue.is_empty() && self.missing == Missing::None && sequence >= self.first {
            self.first = sequence;
            self.sent = sequence.saturating_sub(1);
        }
        if sequence < self.next() {
            return;
        }
        if sequence > self.next() || self.queue.len() >= config.queue_events_max {
            self.missing = Missing::Some;
            return;
        }
        self.missing = Missing::None;
        self.queue.push_back(encode_event(config, event));
    }

    /// A new stream, or none: what was sent on the old one has to be sent again.
    pub(crate) fn disconnected(&mut self) {
        self.session = None;
        self.resumes = 0;
        self.sent = self.first.saturating_sub(1);
    }

    /// The partner wants the event of this number next.
    pub(crate) fn rewind(&mut self, sequence: u64) -> Progress {
        if sequence < self.first {
            return Progress::Behind;
        }
        if sequence > self.next() {
            return Progress::Ahead;
        }
        self.resumes = self.resumes.saturating_add(1);
        self.sent = sequence.saturating_sub(1);
        Progress::Some
    }

    /// Whether the partner asks for events over and over without taking any.
    pub(crate) fn insatiable(&self, config: &Config) -> bool {
        self.resumes >= config.resumes_max
    }

    /// The partner says up to where all is durable.
    pub(crate) fn acknowledge(&mut self, through: u64) -> Progress {
        if through >= self.next() && self.missing == Missing::None {
            return Progress::Ahead;
        }
        self.drop_through(through)
    }

    /// The partner says, as a session opens, up to where all is durable.
    pub(crate) fn opened(&mut self, through: u64) -> Progress {
        if through.saturating_add(1) < self.first {
            return Progress::Behind;
        }
        self.acknowledge(through)
    }

    /// Whether the event is one that waits for an answer.
    pub(crate) fn awaits(&self, sequence: u64) -> bool {
        (self.first..self.next()).contains(&sequence)
    }

    /// Whether the event was too large for a frame.
    pub(crate) fn withdrawn(&self, sequence: u64) -> bool {
        let index = sequence
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok());
        index
            .and_then(|index| self.queue.get(index))
            .is_some_and(Vec::is_empty)
    }

    /// Whether events wait for the partner.
    pub(crate) fn waiting(&self) -> bool {
        !self.lost && !self.queue.is_empty()
    }

    /// How many events wait in memory.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Asks, once there is room, for the events that had none.
    pub(crate) fn wanted(&mut self, config: &Config) -> Option<u64> {
        let room = self.queue.len() <= config.queue_events_max / 2;
        if self.lost || self.missing != Missing::Some || !room {
            return None;
        }
        self.missing = Missing::Asked;
        Some(self.next())
    }

    /// The events of the next frame: the number of the first, and their bytes.
    pub(crate) fn batch(&mut self, config: &Config) -> Option<(u64, Vec<Vec<u8>>)> {
        let start = self.sent.saturating_add(1);
        let skip = usize::try_from(start.checked_sub(self.first)?).ok()?;
        let window = config.window_events_max.saturating_sub(skip);
        let mut bytes = FRAME_OVERHEAD_BYTES;
        let fits = |event: &&Vec<u8>| {
            bytes += event.len() + EVENT_OVERHEAD_BYTES;
            bytes <= config.frame_bytes_max
        };
        let events = self
            .queue
            .iter()
            .skip(skip)
            .take(window.min(config.batch_events_max));
        let events: Vec<_> = events.take_while(fits).cloned().collect();
        if events.is_empty() {
            return None;
        }
        self.sent += events.len() as u64;
        Some((start, events))
    }

    /// The number that the next event will have.
    fn next(&self) -> u64 {
        self.first.saturating_add(self.queue.len() as u64)
    }

    fn drop_through(&mut self, through: u64) -> Progress {
        let Some(count) = through.checked_sub(self.first) else {
            return Progress::None;
        };
        let count = usize::try_from(count.saturating_add(1)).unwrap_or(usize::MAX);
        self.queue.drain(..count.min(self.queue.len()));
        self.first = through.saturating_add(1);
        self.resumes = 0;
        self.sent = self.sent.max(through);
        Progress::Some
    }
}

/// Whether the event fits into a frame, and is not nested too deeply.
pub(crate) fn fits(config: &Config, event: &Event) -> bool {
    !encode_event(config, event).is_empty()
}

fn encode_event(config: &Config, event: &Event) -> Vec<u8> {
    let bytes = codec::encode(&event.into());
    let frame_bytes = bytes.len() + FRAME_OVERHEAD_BYTES + EVENT_OVERHEAD_BYTES;
    if frame_bytes > config.frame_bytes_max || read_event(&bytes).is_err() {
        return Vec::new();
    }
    bytes
}

/// What a frame of events has besides them: map, type, session, number and the list's length.
const FRAME_OVERHEAD_BYTES: usize = 64;

/// The length of an event in a frame.
const EVENT_OVERHEAD_BYTES: usize = 9;
