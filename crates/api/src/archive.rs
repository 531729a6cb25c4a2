//! What the API reads of the past.

use std::{collections::BTreeMap, sync::Arc};

use stratus_engine::journal::{Page, Verdict, Wanted};
use stratus_event::{EventId, Fault, Name, PenId};
use stratus_pen::language::Program;

/// A program, or what its compiler says is wrong with it.
pub type Compiled = Result<Arc<dyn Program>, Vec<Fault>>;

/// The journals of a node's PENs, and what is kept beside them. Each call may wait for the disk.
pub trait Archive: Send + Sync {
    /// The wanted entries of a PEN.
    fn read(&self, pen: PenId, wanted: &Wanted) -> Result<Page, Fault>;

    /// The events, raised ones included, whose ids lie between two, both included, and the
    /// positions of the entries in which they stand; at most so many.
    fn events(
        &self,
        pen: PenId,
        ids: (EventId, EventId),
        limit: usize,
    ) -> Result<Vec<(EventId, u64)>, Fault>;

    /// What became of the effects of the entry at that position.
    fn verdicts(&self, pen: PenId, position: u64) -> Result<Vec<Verdict>, Fault>;

    /// The programs that the rulesets of a PEN had when the event at that position was evaluated;
    /// none of a ruleset that had been taken out.
    fn installed(
        &self,
        pen: PenId,
        position: u64,
    ) -> Result<BTreeMap<Name, Option<[u8; 32]>>, Fault>;

    /// The program of that hash; none if its text is not kept.
    fn program(&self, hash: [u8; 32]) -> Result<Option<Compiled>, Fault>;
}
