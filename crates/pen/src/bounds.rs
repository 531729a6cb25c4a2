//! What the evaluation of one event may use up.

use stratus_event::{Fault, Whose};

use crate::language::{Limits, RuleError};

/// What one transaction may use up.
///
/// Where a single rule run goes beyond a bound, that run fails and is undone; where the transaction
/// as a whole does, all of it is given up ([`crate::Done::failed`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// What each rule run may use up.
    pub rule: Limits,
    /// Bytes of what all runs leave behind: variables, events raised, effects, directives, timers
    /// and logs; at the bound the transaction is given up.
    pub bytes_max: u64,
    /// Channels that the PEN may have at one time, shut ones included, without those for its
    /// family. One more is refused with `channels-full`.
    pub channels_max: usize,
    /// Children that the PEN may have at one time. One more is refused with `children-full`.
    pub children_max: usize,
    /// Steps of evaluation of one `where` predicate.
    pub condition_fuel_max: u64,
    /// Answers to the one who raised the event, over all runs.
    pub directives_max: usize,
    /// Work for the world, over all runs.
    pub effects_max: usize,
    /// How many `system:error` events may lie between the accepted event and one whose failed run
    /// raises another: errors of error handlers come to an end here.
    pub error_depth_max: u32,
    /// How many PENs may be above a PEN of the family. A child below the last is refused with
    /// `family-depth-exceeded`.
    pub family_depth_max: usize,
    /// Failed runs; at the bound the transaction is given up.
    pub failures_max: usize,
    /// Steps of evaluation over all predicates, and all runs that did not fail or failed for want
    /// of them; at the bound the transaction is given up.
    pub fuel_max: u64,
    /// Questions that one rule run may ask, answered ones included.
    pub questions_max: usize,
    /// Events raised by events raised by events.
    pub raise_depth_max: u32,
    /// Events raised, over all runs, without `system:error`.
    pub raises_max: usize,
    /// Rule runs; at the bound the transaction is given up.
    pub runs_max: usize,
    /// Event expressions in the middle whose stand is kept for the trace; what more there are is
    /// counted ([`crate::Done::stands_left_out`]).
    pub stands_max: usize,
    /// Timers that the PEN may have at one time.
    pub timers_max: usize,
    /// Bytes of one variable, as [`stratus_event::Value::size`] counts them.
    pub variable_bytes_max: u64,
    /// Bytes of one part of a variable ([`crate::variable`]): of an entry of a large map, or of all
    /// that is in none. It is written as one record.
    pub variable_part_bytes_max: u64,
}

impl Bounds {
    /// Whether a PEN may have that many channels, without those for its family: `channels-full`.
    pub fn check_channels(&self, channels: usize) -> Result<(), RuleError> {
        let max = self.channels_max;
        let message = || format!("the PEN has {max} channels, which is the most");
        full("channels-full", channels <= max, message)
    }

    /// Whether a PEN may have that many children: `children-full`.
    pub fn check_children(&self, children: usize) -> Result<(), RuleError> {
        let max = self.children_max;
        let message = || format!("the PEN has {max} children, which is the most");
        full("children-full", children <= max, message)
    }

    /// Whether that many PENs may be above a PEN: `family-depth-exceeded`.
    pub fn check_depth(&self, depth: usize) -> Result<(), RuleError> {
        let max = self.family_depth_max;
        let message = || format!("there are {max} PENs above this one, so it can have no children");
        full("family-depth-exceeded", depth <= max, message)
    }

    /// What the evaluation of one `where` predicate may use up. It may wish for nothing.
    pub(crate) fn condition_limits(&self) -> Limits {
        Limits {
            fuel_max: self.condition_fuel_max,
            wishes_max: 0,
            ..self.rule
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            rule: Limits::default(),
            bytes_max: 256 << 20,
            channels_max: 10_000,
            children_max: 100_000,
            condition_fuel_max: 100_000,
            directives_max: 10_000,
            effects_max: 10_000,
            error_depth_max: 2,
            family_depth_max: 32,
            failures_max: 256,
            fuel_max: 100_000_000,
            questions_max: 256,
            raise_depth_max: 128,
            raises_max: 10_000,
            runs_max: 20_000,
            stands_max: 256,
            timers_max: 10_000,
            variable_bytes_max: 1 << 30,
            variable_part_bytes_max: 32 << 20,
        }
    }
}

fn full(code: &'static str, fits: bool, message: impl FnOnce() -> String) -> Result<(), RuleError> {
    if fits {
        return Ok(());
    }
    let message = message();
    Err(RuleError { code, message })
}

pub(crate) fn runs_exceeded(max: usize) -> Fault {
    let message = format!("one event made rules run more than {max} times");
    Fault::new(Whose::Ruleset, "runs-exceeded", message).hint(LOOP_HINT)
}

pub(crate) fn failures_exceeded(max: usize) -> Fault {
    let message = format!("{max} rule runs failed in the handling of one event");
    Fault::new(Whose::Ruleset, "failures-exceeded", message).hint(LOOP_HINT)
}

pub(crate) fn bytes_exceeded(max: u64) -> Fault {
    let message = format!("what the rules keep of one event takes more than {max} bytes");
    Fault::new(Whose::Ruleset, "event-bytes-exceeded", message).hint(LOOP_HINT)
}

pub(crate) fn fuel_exceeded(max: u64) -> Fault {
    let message = format!("the handling of one event took more than {max} steps");
    Fault::new(Whose::Ruleset, "event-fuel-exceeded", message).hint(LOOP_HINT)
}

/// What to do about all of them.
const LOOP_HINT: &str = "look in the event's trace for rules that wake each other";
