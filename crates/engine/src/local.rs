//! Events between PENs of this node: on one batch with their cause, or waiting durably for room.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use stratus_event::{Eci, Fault, PenId};
use stratus_pen::{Bearer, Channel, SUBSCRIPTION, State};

use crate::{
    Accepted, Engine, Key, Record, Source, Subject,
    commit::Draft,
    family::check_not_family,
    hosted::Hosted,
    outbox::{Letter, outbox_full, partner_unknown},
    raise::check_size,
};

/// By which channels PENs of this node are waited for, and who waits.
#[derive(Debug, Default)]
pub(crate) struct Awaited {
    senders: BTreeMap<Eci, BTreeSet<PenId>>,
    /// The channel by which something was let in last: the next one's turn comes first.
    last: Option<Eci>,
}

impl Awaited {
    fn put(&mut self, channel: Eci, sender: PenId) {
        self.senders.entry(channel).or_default().insert(sender);
    }

    fn take(&mut self, channel: &Eci, sender: &PenId) {
        if let Some(senders) = self.senders.get_mut(channel) {
            senders.remove(sender);
            if senders.is_empty() {
                self.senders.remove(channel);
            }
        }
    }

    fn holds(&self, channel: &Eci, sender: &PenId) -> bool {
        let senders = self.senders.get(channel);
        senders.is_some_and(|senders| senders.contains(sender))
    }

    /// All channels that are waited for, those first whose turn it is.
    fn channels(&self) -> impl Iterator<Item = &Eci> {
        let after = |last| {
            self.senders
                .range((Bound::Excluded(last), Bound::Unbounded))
        };
        let until = |last| self.senders.range(..=last);
        let (first, rest) = match self.last {
            Some(last) => (after(last), Some(until(last))),
            None => (self.senders.range(..), None),
        };
        let all = first.chain(rest.into_iter().flatten());
        all.map(|(channel, _)| channel)
    }
}

impl Engine {
    /// Takes in an event for a PEN of this node: into its queue, or into the outbox if there is no
    /// room, or others of the same sender wait for the channel already.
    pub(crate) fn post_here(
        &mut self,
        sender: PenId,
        letter: &Letter,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        // Whose channel it is, is not known before that PEN is in memory.
        if !self.channels.contains_key(&letter.to) {
            self.keep_letter(sender, letter, draft)?;
            self.rouse(Subject::Channel(letter.to));
            return Ok(());
        }
        let receiver = self.check_letter(sender, letter)?;
        let others_wait = self.awaited.holds(&letter.to, &sender);
        if others_wait || self.check_room(receiver).is_err() {
            return self.keep_letter(sender, letter, draft);
        }
        self.deliver_letter(sender, receiver, letter, draft);
        Ok(())
    }

    /// There is room at a PEN again: what waits for it is let in as long as the room lasts, each
    /// sender's in its order, the senders in turn.
    pub(crate) fn resume_letters(&mut self, receiver: PenId) {
        let room_from = self.config.queue_events_max / 2;
        let unsettled = self.pens.get(&receiver).map_or(0, Hosted::unsettled);
        if self.awaited.senders.is_empty() || unsettled > room_from {
            return;
        }
        let of_receiver = |channel: &&Eci| self.channels.get(*channel) == Some(&receiver);
        let channels: Vec<Eci> = self
            .awaited
            .channels()
            .filter(of_receiver)
            .copied()
            .collect();
        let mut draft = Draft::default();
        for channel in channels {
            while self.check_room(receiver).is_ok() && self.open_next(channel, &mut draft) {
                self.awaited.last = Some(channel);
            }
        }
        self.commit(draft);
    }

    /// What waits for a channel that is gone comes back to its senders.
    pub(crate) fn lose_letters(&mut self, channel: Eci, draft: &mut Draft) {
        while self.open_next(channel, draft) {}
    }

    /// The same on a batch of its own.
    pub(crate) fn return_letters(&mut self, channel: Eci) {
        let mut draft = Draft::default();
        self.lose_letters(channel, &mut draft);
        self.commit(draft);
    }

    /// Takes in, at a start, a letter that waits.
    pub(crate) fn take_letter(&mut self, sender: PenId, number: u64, letter: Letter) {
        if let Some(hosted) = self.pens.get_mut(&sender) {
            self.awaited.put(letter.to, sender);
            hosted.letters.insert(number, letter);
        }
    }

    /// Tries, at a start, all that waits.
    pub(crate) fn resume_all_letters(&mut self) {
        let channels: Vec<Eci> = self.awaited.senders.keys().copied().collect();
        for channel in channels {
            match self.channels.get(&channel).copied() {
                Some(receiver) => self.resume_letters(receiver),
                None => self.rouse(Subject::Channel(channel)),
            }
        }
    }

    /// Whether the sender may use that channel for that event, and whose it is.
    fn check_letter(&self, sender: PenId, letter: &Letter) -> Result<PenId, Fault> {
        let unknown = || partner_unknown(&letter.to);
        let (receiver, channel) = self.channel(&letter.to).map_err(|_| unknown())?;
        let (from, to) = (&self.hosted(sender)?.state, &self.hosted(receiver)?.state);
        if channel.family != Some(sender) {
            check_not_family(channel)?;
            if !may_use(from, to, channel) {
                return Err(unknown());
            }
        }
        channel.check_open()?;
        channel.check_event(&letter.event.domain, &letter.event.kind)?;
        check_size(&letter.event.attributes, self.config.event_bytes_max)?;
        Ok(receiver)
    }

    fn deliver_letter(
        &mut self,
        sender: PenId,
        receiver: PenId,
        letter: &Letter,
        draft: &mut Draft,
    ) {
        let accepted = Accepted {
            event: letter.event.clone(),
            channel: Some(letter.to),
            source: Source::Pen { pen: sender },
            for_ruleset: None,
            at: self.now,
            seed: self.random_bytes(),
        };
        self.enter(receiver, draft, accepted);
        if let Some(effect) = letter.effect {
            draft.verdict(sender, effect, self.now, Ok(String::new()));
        }
    }

    fn keep_letter(
        &mut self,
        sender: PenId,
        letter: &Letter,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        let waiting_max = self.config.outbox_events_max;
        let hosted = self.hosted_mut(sender)?;
        if hosted.letters.len() >= waiting_max {
            return Err(outbox_full(waiting_max));
        }
        let last = hosted.letters.last_key_value();
        let number = last.map_or(0, |(last, _)| last.saturating_add(1));
        draft.put(Key::Letter(sender, number), letter.record());
        hosted.letters.insert(number, letter.clone());
        self.awaited.put(letter.to, sender);
        Ok(())
    }

    /// Takes the next letter for a channel out of its outbox and lets it in, or sends it back. Says
    /// whether there was one.
    fn open_next(&mut self, channel: Eci, draft: &mut Draft) -> bool {
        let senders = self.awaited.senders.get(&channel);
        let Some(sender) = senders.and_then(|senders| senders.first().copied()) else {
            return false;
        };
        let Some((number, letter)) = self.take_first(sender, &channel) else {
            self.awaited.take(&channel, &sender);
            return true;
        };
        draft.remove(Key::Letter(sender, number));
        match self.check_letter(sender, &letter) {
            Ok(receiver) => self.deliver_letter(sender, receiver, &letter, draft),
            Err(fault) => self.send_failed(sender, &letter, &fault, draft),
        }
        true
    }

    fn take_first(&mut self, sender: PenId, channel: &Eci) -> Option<(u64, Letter)> {
        let letters = &mut self.pens.get_mut(&sender)?.letters;
        let mut all = letters.iter();
        let number = *all.find(|(_, letter)| letter.to == *channel)?.0;
        Some((number, letters.remove(&number)?))
    }
}

impl Letter {
    /// What was kept of it while it waited.
    pub(crate) fn of(record: Record) -> Option<Self> {
        let Record::Letter {
            to,
            event,
            effect,
            failures,
        } = record
        else {
            return None;
        };
        Some(Self {
            to,
            event,
            effect,
            failures,
        })
    }

    fn record(&self) -> Record {
        Record::Letter {
            to: self.to,
            event: self.event.clone(),
            effect: self.effect,
            failures: self.failures,
        }
    }
}

/// A PEN may use the channels of its own family, and those for which it is enough to know the ECI,
/// but none that is a partner's.
fn may_use(from: &State, to: &State, channel: &Channel) -> bool {
    let is_partners = channel.tags.iter().any(|tag| *tag == SUBSCRIPTION);
    let is_family = from.root() == to.root();
    !is_partners && (is_family || channel.bearer != Bearer::Nobody)
}
