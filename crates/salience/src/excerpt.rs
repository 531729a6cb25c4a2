//! The part of a large progress that tells what an event did.

use std::sync::Arc;

use crate::{
    Progress,
    runs::{Run, Runs},
    stage::Stage,
};

impl Progress {
    /// This progress with at most that many partial matches, and how many were left out. Those
    /// stay that `other`, the progress before or after the event, does not have; then the newest.
    pub fn excerpt(&self, other: &Self, matches_max: usize) -> (Self, usize) {
        let left_out = self.partial_matches().saturating_sub(matches_max);
        let stage = match &self.0 {
            Stage::Runs(runs) if left_out > 0 => {
                Stage::Runs(part(runs, &other.0, matches_max).into())
            }
            Stage::Within(attempts) if left_out > 0 => {
                Stage::Within(attempts.get(left_out..).unwrap_or_default().to_vec())
            }
            stage => return (Self(stage.clone()), 0),
        };
        (Self(stage), left_out)
    }
}

fn part(runs: &Runs, other: &Stage, matches_max: usize) -> Runs {
    let stays = |run: &Arc<Run>| match other {
        Stage::Runs(other) => {
            let mut same = other.shelf(run.key.hash(other.pivot));
            same.any(|same| Arc::ptr_eq(same, run))
        }
        _ => false,
    };
    let mut all: Vec<_> = runs.all().map(|run| (stays(run), run)).collect();
    all.sort_unstable_by_key(|(stays, run)| (*stays, std::cmp::Reverse(run.number)));
    let mut part = Runs::new(runs.names.clone(), runs.pivot);
    (part.next, part.dropped) = (runs.next, runs.dropped);
    for (_, run) in all.into_iter().take(matches_max) {
        part.put(Run::clone(run));
    }
    part
}
