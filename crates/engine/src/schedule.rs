//! What happens at a time: timers of rulesets, retries, waits.

use std::{collections::BTreeSet, time::Duration};

use stratus_event::{Name, PenId, Timestamp};

use crate::{AskId, CommandId, EffectId, Engine, Output, Subject};

/// All that waits for a time.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    alarms: BTreeSet<(Timestamp, Alarm)>,
    federation: Option<Timestamp>,
    told: Option<Timestamp>,
}

/// What goes off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// The answer to a question is late.
    Answer(PenId, AskId),
    /// An effect is to be tried, or settled.
    Effect(PenId, EffectId),
    /// Something is to be read: a PEN of which a timer is due, or what could not be read.
    Load(Subject),
    /// A command has waited long enough for its pairing.
    Pair(CommandId),
    /// It is to be seen whether a PEN has not been used for long.
    Sleep,
    /// A timer of a ruleset.
    Timer(PenId, Name),
}

impl Schedule {
    pub(crate) fn set(&mut self, at: Timestamp, alarm: Alarm) {
        self.alarms.insert((at, alarm));
    }

    pub(crate) fn unset(&mut self, at: Timestamp, alarm: Alarm) {
        self.alarms.remove(&(at, alarm));
    }

    /// The federation wants to be woken then; replaces an earlier wish.
    pub(crate) fn set_federation(&mut self, at: Timestamp) {
        self.federation = Some(at);
    }

    /// The world woke the engine: what it was asked for is spent, even if it came early.
    pub(crate) fn woken(&mut self) {
        self.told = None;
    }

    /// The next alarm that is due.
    fn due(&mut self, now: Timestamp) -> Option<Alarm> {
        let (at, _) = self.alarms.first()?;
        if *at > now {
            return None;
        }
        self.alarms.pop_first().map(|(_, alarm)| alarm)
    }

    fn federation_due(&mut self, now: Timestamp) -> bool {
        self.federation.take_if(|at| *at <= now).is_some()
    }

    fn earliest(&self) -> Option<Timestamp> {
        let alarm = self.alarms.first().map(|(at, _)| *at);
        [alarm, self.federation].into_iter().flatten().min()
    }
}

impl Engine {
    /// Lets go off what is due. A timer that is no longer there does nothing.
    pub(crate) fn fire_due(&mut self) {
        if self.schedule.federation_due(self.now) {
            self.federation.handle_wake(self.now);
        }
        while let Some(alarm) = self.schedule.due(self.now) {
            match alarm {
                Alarm::Answer(pen, question) => self.answer_late(pen, question),
                Alarm::Effect(pen, effect) => self.perform(pen, effect),
                Alarm::Load(subject) => self.rouse(subject),
                Alarm::Pair(command) => self.pairing_waited(command),
                Alarm::Sleep => self.awake.alarmed(),
                Alarm::Timer(pen, timer) => self.fire_timer(pen, &timer),
            }
        }
    }

    /// Asks to be woken for the earliest of all, if that is another time than the one asked for.
    pub(crate) fn ask_wake(&mut self) {
        let earliest = self.schedule.earliest();
        if let Some(at) = earliest.filter(|at| self.schedule.told != Some(*at)) {
            self.outputs.push_back(Output::WakeAt(at));
        }
        self.schedule.told = earliest;
    }

    pub(crate) fn in_ms(&self, milliseconds: u64) -> Timestamp {
        self.now + Duration::from_millis(milliseconds)
    }
}
