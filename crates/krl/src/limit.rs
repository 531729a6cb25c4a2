//! What a run may use up, and how it stops.

use std::sync::Arc;

use stratus_event::{ENTRIES_INLINE_MAX, Map as DataMap};
use stratus_pen::language::{FUEL_EXHAUSTED, Limits, QuestionId, RuleError, Stop};

use crate::value::{Entries, List, Map, Value};

/// Lists and maps within each other, at most. Data from outside has a lower limit of its own; this
/// one keeps every walk over a value within a small stack.
pub(crate) const VALUE_DEPTH_MAX: u32 = 64;

/// Expressions within expressions, over all calls of a run, at most: keeps the evaluator within the
/// stack of an ordinary thread.
pub(crate) const NESTING_DEPTH_MAX: u32 = 700;

/// Iterations of one rule over its `foreach` collections, at most.
pub(crate) const ITERATIONS_MAX: u64 = 100_000;

/// What an element of a list or an entry of a map is counted as, besides its text.
const SLOT_BYTES: u64 = 32;

/// The longest text that is read for nothing, in bytes.
pub(crate) const SHORT_TEXT_BYTES_MAX: usize = 64;

/// What a piece of a text is counted as, besides itself, when it becomes a value of its own.
const PIECE_BYTES: u64 = 48;

/// Counts what a run uses up.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    fuel: u64,
    bytes: u64,
    kept: u64,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            fuel: 0,
            bytes: 0,
            kept: 0,
        }
    }

    /// The fuel used so far.
    pub(crate) fn fuel(&self) -> u64 {
        self.fuel
    }

    /// The bytes of what has become data and will be there when the run has ended.
    pub(crate) fn kept(&self) -> u64 {
        self.kept
    }

    /// Counts bytes of data that will be there when the run has ended.
    pub(crate) fn keep(&mut self, bytes: usize) {
        self.kept = self.kept.saturating_add(bytes as u64);
    }

    /// The same, of a list or map of that many slots.
    pub(crate) fn keep_slots(&mut self, slots: usize) -> Result<(), Failure> {
        self.kept = self
            .kept
            .saturating_add(SLOT_BYTES.saturating_mul(slots as u64 + 1));
        self.allocate_slots(slots)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Uses fuel.
    #[inline]
    pub(crate) fn spend(&mut self, steps: u64) -> Result<(), Failure> {
        self.fuel = self.fuel.saturating_add(steps);
        if self.fuel <= self.limits.fuel_max {
            return Ok(());
        }
        Err(self.out_of_fuel())
    }

    #[cold]
    fn out_of_fuel(&self) -> Failure {
        let message = format!(
            "the rule ran for {} steps without an end",
            self.limits.fuel_max
        );
        Failure::new(FUEL_EXHAUSTED, message)
    }

    /// Uses fuel for work that grows with a length.
    pub(crate) fn spend_for(&mut self, length: usize) -> Result<(), Failure> {
        self.spend(length as u64 / 16 + 1)
    }

    /// Uses fuel for reading a text; a short one costs no more than the step that reads it.
    pub(crate) fn spend_for_text(&mut self, text: &str) -> Result<(), Failure> {
        if text.len() <= SHORT_TEXT_BYTES_MAX {
            return Ok(());
        }
        self.spend_for(text.len())
    }

    /// Counts bytes that are about to be built.
    pub(crate) fn allocate(&mut self, bytes: u64) -> Result<(), Failure> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= self.limits.value_bytes_max {
            return Ok(());
        }
        let message = format!(
            "the rule built more than {} bytes of values",
            self.limits.value_bytes_max
        );
        Err(Failure::new("value-bytes-exhausted", message))
    }

    /// Counts a list or map of that many slots before it is built.
    pub(crate) fn allocate_slots(&mut self, slots: usize) -> Result<(), Failure> {
        self.spend_for(slots)?;
        self.allocate(SLOT_BYTES.saturating_mul(slots as u64 + 1))
    }

    /// A text, counted.
    pub(crate) fn text(&mut self, text: impl AsRef<str>) -> Result<Value, Failure> {
        let text = text.as_ref();
        self.spend_for(text.len())?;
        self.allocate(text.len() as u64)?;
        Ok(Value::Text(text.into()))
    }

    /// Pieces of a text as values, each counted before the next one is looked for.
    pub(crate) fn pieces<'t>(
        &mut self,
        pieces: impl Iterator<Item = Option<&'t str>>,
    ) -> Result<Vec<Value>, Failure> {
        let mut values = Vec::new();
        for piece in pieces {
            self.allocate(PIECE_BYTES)?;
            values.push(match piece {
                Some(piece) => self.text(piece)?,
                None => Value::Null,
            });
        }
        Ok(values)
    }

    /// A list, counted.
    pub(crate) fn list(&mut self, items: Vec<Value>) -> Result<Value, Failure> {
        self.allocate_slots(items.len())?;
        let depth = depth_above(items.iter())?;
        Ok(Value::List(Arc::new(List { items, depth })))
    }

    /// A map, counted; the names count too.
    pub(crate) fn map(&mut self, entries: Entries) -> Result<Value, Failure> {
        self.allocate_slots(entries.len())?;
        self.allocate(entries.keys().map(|name| name.len() as u64).sum())?;
        let depth = depth_above(entries.values())?;
        Ok(Value::Map(Arc::new(Map::of_values(entries, depth))))
    }

    /// A large map of data, which shares its entries with others: it counts as many slots as one
    /// that just does not, however many entries there are.
    pub(crate) fn shared(&mut self, data: DataMap) -> Result<Value, Failure> {
        self.allocate_slots(ENTRIES_INLINE_MAX)?;
        let depth = allowed_depth(u32::try_from(data.depth()).unwrap_or(u32::MAX))?;
        Ok(Value::Map(Arc::new(Map::of_data(data, depth))))
    }
}

fn depth_above<'a>(children: impl Iterator<Item = &'a Value>) -> Result<u32, Failure> {
    allowed_depth(children.map(Value::depth).max().unwrap_or(0))
}

/// The depth of a list or map whose elements are that deep.
fn allowed_depth(below: u32) -> Result<u32, Failure> {
    let depth = below.saturating_add(1);
    if depth <= VALUE_DEPTH_MAX {
        return Ok(depth);
    }
    let message = format!("lists and maps are nested more than {VALUE_DEPTH_MAX} deep");
    Err(Failure::new("value-depth-exhausted", message))
}

/// What went wrong, before and after it is known where. It is boxed, because every result has room
/// for it and hardly any has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(Box<Told>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    code: &'static str,
    message: String,
    located: bool,
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Told {
            code,
            message: message.into(),
            located: false,
        }))
    }

    /// A value of the wrong kind.
    pub(crate) fn kind(message: impl Into<String>) -> Self {
        Self::new("krl-type-mismatch", message)
    }

    /// An argument that is missing or makes no sense.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new("krl-argument-invalid", message)
    }

    /// Adds where it happened; the innermost place stays.
    pub(crate) fn at(mut self, place: impl FnOnce() -> String) -> Self {
        if !self.0.located {
            self.0.message = format!("{}: {}", place(), self.0.message);
            self.0.located = true;
        }
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }
}

impl From<Failure> for RuleError {
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.0.code,
            message: failure.0.message,
        }
    }
}

/// Why an evaluation stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// A question is open; it stands in the evaluator's list.
    Ask(QuestionId),
    Error(Failure),
}

impl Halt {
    pub(crate) fn at(self, place: impl FnOnce() -> String) -> Self {
        match self {
            Self::Ask(id) => Self::Ask(id),
            Self::Error(failure) => Self::Error(failure.at(place)),
        }
    }
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Error(failure)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Error(failure.into())
    }
}
