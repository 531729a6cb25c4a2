//! Timers that rulesets set.

use stratus_event::{EventId, Name, PenId, Timestamp};
use stratus_pen::language::{Timer, TimerChange};

use crate::{Accepted, Engine, Key, Record, Source, commit::Draft, schedule::Alarm};

impl Engine {
    /// A timer goes off: it is gone, or set for its next time, and its event is accepted on the
    /// same batch, so that it goes off once, however often the process ends in between.
    pub(crate) fn fire_timer(&mut self, pen: PenId, id: &Name) {
        let now = self.now;
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        // It may be gone, or be set anew for a later time, which has an alarm of its own.
        if hosted.state.timer(id).is_none_or(|timer| timer.at > now) {
            return;
        }
        // The running event may still remove it.
        if hosted.running.is_some() {
            hosted.due.insert(id.clone());
            return;
        }
        if self.check_room(pen).is_err() {
            let later = self.in_ms(self.config.timer_retry_delay_ms);
            self.schedule.set(later, Alarm::Timer(pen, id.clone()));
            return;
        }
        let (event, seed) = (EventId(self.random_bytes()), self.random_bytes());
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let Some(timer) = hosted.state.remove_timer(id) else {
            return;
        };
        let mut draft = Draft::default();
        self.set_again(pen, &mut draft, &timer);
        let accepted = Accepted {
            event: stratus_event::Event {
                id: event,
                domain: timer.raise.domain,
                kind: timer.raise.kind,
                attributes: timer.raise.attributes,
                time: now,
                cause: None,
            },
            channel: None,
            source: Source::Timer { id: id.clone() },
            for_ruleset: timer.raise.for_ruleset,
            at: now,
            seed,
        };
        self.enter(pen, &mut draft, accepted);
        self.commit(draft);
    }

    /// A timer that repeats is set for its next time from now on: what it missed while the node was
    /// down is one event, not many.
    fn set_again(&mut self, pen: PenId, draft: &mut Draft, timer: &Timer) {
        let change = match timer.after(self.now) {
            Some(next) => TimerChange::Set(next),
            None => TimerChange::Remove {
                id: timer.id.clone(),
            },
        };
        self.change_timer(pen, &change, draft);
    }

    /// Sets the timers of the instants for which rules wait and that have none.
    pub(crate) fn set_instants(
        &mut self,
        pen: PenId,
        passed: Option<Timestamp>,
        draft: &mut Draft,
    ) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        for change in hosted.state.instants(self.now, passed) {
            self.change_timer(pen, &change, draft);
        }
    }

    fn change_timer(&mut self, pen: PenId, change: &TimerChange, draft: &mut Draft) {
        if let Some(hosted) = self.pens.get_mut(&pen) {
            hosted.state.change_timer(change);
        }
        write_timer(pen, change, draft);
        self.arm_timer(pen, change);
    }

    /// Lets a timer that was set go off in time.
    pub(crate) fn arm_timer(&mut self, pen: PenId, change: &TimerChange) {
        if let TimerChange::Set(timer) = change {
            self.schedule
                .set(timer.at, Alarm::Timer(pen, timer.id.clone()));
        }
    }
}

pub(crate) fn write_timer(pen: PenId, change: &TimerChange, draft: &mut Draft) {
    match change {
        TimerChange::Remove { id } => draft.remove(Key::Timer(pen, id.clone())),
        TimerChange::Set(timer) => draft.put(
            Key::Timer(pen, timer.id.clone()),
            Record::Timer(timer.clone()),
        ),
    }
}
