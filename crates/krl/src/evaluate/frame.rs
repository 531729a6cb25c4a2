//! Frames: the values of a call's or an iteration's names.

use crate::{
    limit::{Failure, Meter},
    program::Local,
    value::Value,
};

/// The frames of a run, in an arena. A frame is named by number, so that a closure stored in the
/// frame that it refers to makes no cycle.
#[derive(Default)]
pub(super) struct Frames(Vec<Frame>);

/// Names a frame of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameId(usize);

impl FrameId {
    /// What everything at the top level hangs on. It has no slots and is in no arena.
    pub(super) const TOP: Self = Self(0);
}

/// The slots of one call, or of one iteration of a rule.
struct Frame {
    parent: FrameId,
    slots: Vec<Value>,
    /// Whether a closure may refer to it.
    kept: bool,
}

impl Frames {
    pub(super) fn push(&mut self, parent: FrameId, slots: Vec<Value>) -> FrameId {
        self.0.push(Frame {
            parent,
            slots,
            kept: false,
        });
        FrameId(self.0.len())
    }

    /// Frees a frame, and what lies above it, if no closure can refer to it.
    pub(super) fn pop(&mut self, frame: FrameId) {
        let Some(place) = frame.0.checked_sub(1) else {
            return;
        };
        let above = self.0.get(place..).unwrap_or_default();
        if above.iter().all(|frame| !frame.kept) {
            self.0.truncate(place);
        }
    }

    /// A closure refers to the frame; it and those that it hangs on stay for the rest of the run.
    pub(super) fn keep(&mut self, frame: FrameId, meter: &mut Meter) -> Result<(), Failure> {
        let mut next = frame;
        while let Some(frame) = self.get_mut(next) {
            if frame.kept {
                break;
            }
            frame.kept = true;
            meter.allocate_slots(frame.slots.len())?;
            next = frame.parent;
        }
        Ok(())
    }

    /// Puts a value into a slot; none if there is no such slot.
    pub(super) fn set(&mut self, frame: FrameId, slot: usize, value: Value) -> Option<()> {
        *self.get_mut(frame)?.slots.get_mut(slot)? = value;
        Some(())
    }

    /// The value of a local, seen from a frame.
    pub(super) fn local(&self, frame: FrameId, local: Local) -> Option<&Value> {
        let mut frame = self.get(frame)?;
        for _ in 0..local.up {
            frame = self.get(frame.parent)?;
        }
        frame.slots.get(local.slot)
    }

    fn get(&self, frame: FrameId) -> Option<&Frame> {
        self.0.get(frame.0.checked_sub(1)?)
    }

    fn get_mut(&mut self, frame: FrameId) -> Option<&mut Frame> {
        self.0.get_mut(frame.0.checked_sub(1)?)
    }
}
