//! The pieces in which a progress is kept, so that a step writes only what moved.
//!
//! The head says how far the automaton is; the partial matches of an expression with joins, and
//! the attempts of a `within` around the whole expression, are a piece each.

use std::collections::BTreeMap;

use stratus_event::Value;

use crate::{
    Progress, ProgressError,
    progress::{STAGES_DEPTH_MAX, read_attempt, read_run, unwrap, wrap},
    runs::Runs,
    stage::{Attempt, Stage},
};

/// A piece of a written progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// All but the partial matches that are pieces of their own.
    Head,
    /// The partial match of that number, which no later one of the rule has while this is there.
    PartialMatch(u64),
}

impl Progress {
    /// Takes in a partial match that was written by itself. The head must be there, and partial
    /// matches come in the order of their numbers.
    pub fn put(&mut self, number: u64, written: &Value) -> Result<(), ProgressError> {
        let written = unwrap(written)?;
        match &mut self.0 {
            Stage::Runs(runs) => {
                let run = read_run(written, &runs.names, STAGES_DEPTH_MAX)?;
                if run.number != number {
                    return Err(ProgressError::Damaged);
                }
                runs.put(run);
            }
            Stage::Within(attempts) => {
                attempts.push(read_attempt(number, written, STAGES_DEPTH_MAX)?);
            }
            _ => return Err(ProgressError::Damaged),
        }
        Ok(())
    }

    /// The pieces that are not as they were before, each with what is written now; none if it is
    /// gone.
    pub fn changes(&self, before: &Self) -> Vec<(Piece, Option<Value>)> {
        let mut changes = Vec::new();
        let (old, new) = (before.head(), self.head());
        if old != new {
            changes.push((Piece::Head, new));
        }
        let partial = match (&before.0, &self.0) {
            (Stage::Runs(old), Stage::Runs(new)) => changed_runs(old, new),
            (Stage::Within(old), Stage::Within(new)) => changed_attempts(old, new),
            (old, new) => {
                let gone = all(old).into_keys().map(|number| (number, None));
                gone.chain(all(new)).collect()
            }
        };
        let piece = |(number, written)| (Piece::PartialMatch(number), written);
        changes.extend(partial.into_iter().map(piece));
        changes
    }

    /// Whether it holds partial matches that are pieces of their own.
    pub fn is_whole(&self) -> bool {
        match &self.0 {
            Stage::Runs(runs) => runs.len > 0,
            Stage::Within(attempts) => !attempts.is_empty(),
            _ => false,
        }
    }

    /// The pieces that it has.
    pub fn pieces(&self) -> Vec<Piece> {
        let changes = self.changes(&Self::default());
        changes.into_iter().map(|(piece, _)| piece).collect()
    }

    fn head(&self) -> Option<Value> {
        match &self.0 {
            Stage::Start => None,
            Stage::Runs(runs) => Some(wrap(&Stage::Runs(runs.emptied().into()))),
            Stage::Within(_) => Some(wrap(&Stage::Within(Vec::new()))),
            stage => Some(wrap(stage)),
        }
    }
}

type Partial = BTreeMap<u64, Option<Value>>;

fn all(stage: &Stage) -> Partial {
    match stage {
        Stage::Runs(runs) => changed_runs(&runs.emptied(), runs),
        Stage::Within(attempts) => changed_attempts(&[], attempts),
        _ => Partial::new(),
    }
}

fn changed_runs(old: &Runs, new: &Runs) -> Partial {
    let changed = new.changed(old).into_iter();
    changed
        .map(|(number, run)| (number, run.map(|run| wrap(&*run))))
        .collect()
}

fn changed_attempts(old: &[Attempt], new: &[Attempt]) -> Partial {
    let mut before: BTreeMap<u64, &Attempt> = old
        .iter()
        .map(|attempt| (attempt.number, attempt))
        .collect();
    let mut changed = Partial::new();
    for attempt in new {
        if before.remove(&attempt.number) != Some(attempt) {
            changed.insert(attempt.number, Some(wrap(attempt)));
        }
    }
    changed.extend(before.into_keys().map(|number| (number, None)));
    changed
}
