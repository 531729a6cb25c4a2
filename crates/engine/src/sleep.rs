//! PENs that are not used leave the memory.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use stratus_event::{PenId, Timestamp};

use crate::{Engine, Key, Position, Record, Subject, hosted::Hosted, schedule::Alarm};

/// The PENs in memory, by when they were last used.
#[derive(Debug, Default)]
pub(crate) struct Awake {
    uses: u64,
    by_use: BTreeMap<u64, (Timestamp, PenId)>,
    /// An alarm is set.
    alarm: bool,
    /// How many programs there may be before those are looked for that nobody uses.
    sweep_at: usize,
}

impl Awake {
    /// The alarm has gone off.
    pub(crate) fn alarmed(&mut self) {
        self.alarm = false;
    }

    fn oldest(&self) -> Option<(Timestamp, PenId)> {
        self.by_use.first_key_value().map(|(_, oldest)| *oldest)
    }
}

impl Engine {
    /// The PEN is used now.
    pub(crate) fn touch(&mut self, pen: PenId) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        self.awake.by_use.remove(&hosted.used);
        self.awake.uses += 1;
        hosted.used = self.awake.uses;
        self.awake.by_use.insert(hosted.used, (self.now, pen));
    }

    /// These changes are on that batch: until it is durable, their PENs stay in memory, and those
    /// that are gone are not read again.
    pub(crate) fn note_written(&mut self, changes: &[(Key, Option<Record>)], position: Position) {
        let mut last = None;
        for (key, record) in changes {
            let pen = match key {
                Key::Window(eci, _) => self.channels.get(eci).copied(),
                key => key.pen(),
            };
            let Some(pen) = pen else { continue };
            if let Key::Pen(_) = key {
                self.count(pen, record.is_some(), position);
            }
            if last.replace(pen) != Some(pen) {
                if let Some(hosted) = self.pens.get_mut(&pen) {
                    hosted.written = position;
                }
                self.touch(pen);
            }
        }
    }

    /// There is a PEN more or less, unless it was only changed.
    fn count(&mut self, pen: PenId, is_there: bool, position: Position) {
        if !is_there {
            self.departed.insert(pen, position);
            self.pens_hosted = self.pens_hosted.saturating_sub(1);
        } else if let Some(hosted) = self.pens.get_mut(&pen)
            && !std::mem::replace(&mut hosted.counted, true)
        {
            self.pens_hosted += 1;
        }
    }

    /// Drops PENs that were not used for long, or that are too many.
    pub(crate) fn let_sleep(&mut self) {
        let idle_max = Duration::from_millis(self.config.pens_idle_ms_max);
        for _ in 0..EXAMINED_MAX {
            let Some((since, pen)) = self.awake.oldest() else {
                return;
            };
            let idle = self.now.since(since) >= idle_max;
            if !idle && self.pens.len() <= self.config.pens_loaded_max {
                break;
            }
            self.awake.by_use.pop_first();
            let durable = self.ledger.durable();
            let hosted = self.pens.get(&pen);
            if hosted.is_some_and(|hosted| hosted.is_at_rest(durable)) {
                self.drop_pen(pen);
            } else {
                // If it is there at all, it is its turn again when the others had theirs.
                self.touch(pen);
            }
        }
        self.set_sleep_alarm(idle_max);
    }

    fn set_sleep_alarm(&mut self, idle_max: Duration) {
        if let Some((since, _)) = self.awake.oldest().filter(|_| !self.awake.alarm) {
            self.awake.alarm = true;
            self.schedule.set(since + idle_max, Alarm::Sleep);
        }
    }

    /// Takes a PEN out of the memory. Its next timer has it read again.
    fn drop_pen(&mut self, pen: PenId) {
        let Some(hosted) = self.discard(pen) else {
            return;
        };
        let mut next: Option<Timestamp> = None;
        for timer in hosted.state.all_timers() {
            let alarm = Alarm::Timer(pen, timer.id.clone());
            self.schedule.unset(timer.at, alarm);
            next = Some(next.map_or(timer.at, |next| next.min(timer.at)));
        }
        if let Some(at) = next {
            self.schedule.set(at, Alarm::Load(Subject::Pen(pen)));
        }
        drop(hosted);
        self.forget_programs();
    }

    /// Takes a PEN out of the memory, and what says that it is there.
    pub(crate) fn discard(&mut self, pen: PenId) -> Option<Hosted> {
        let hosted = self.pens.remove(&pen)?;
        self.awake.by_use.remove(&hosted.used);
        for channel in hosted.state.channels() {
            self.channels.remove(&channel.eci);
        }
        Some(hosted)
    }

    /// Drops the programs that nobody uses, once there are so many that it is worth a look.
    fn forget_programs(&mut self) {
        if self.programs.len() < self.awake.sweep_at.max(self.config.programs_unused_max) {
            return;
        }
        self.programs
            .retain(|_, program| Arc::strong_count(program) > 1);
        self.awake.sweep_at = 2 * self.programs.len() + self.config.programs_unused_max;
    }
}

/// PENs that are looked at after one input.
const EXAMINED_MAX: usize = 16;
