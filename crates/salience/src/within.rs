//! All of an expression within a time.

use stratus_event::Timestamp;

use crate::{
    Expression, Period,
    advance::{Move, Offer, Scope},
    stage::{Attempt, Stage},
};

impl Expression {
    /// The expression within a period.
    ///
    /// Every event that can begin the expression begins an attempt of its own, so that an attempt
    /// that runs out of time takes no later one with it. The oldest one that an event completes
    /// says what is bound, and the match consumes the others too. Of neighbours that are equally
    /// far and have bound the same only the newer is kept, because it is the last to run out of
    /// time.
    pub(crate) fn within(
        &self,
        period: Period,
        stage: &Stage,
        scope: &Scope<'_>,
        offer: &Offer<'_>,
    ) -> Move {
        match self {
            Self::Count(occurrences) => occurrences.count(Some(period), stage, scope, offer),
            Self::Repeat(occurrences) => occurrences.repeat(Some(period), stage, scope, offer),
            _ => self.attempt(period, stage.as_within(), scope, offer),
        }
    }

    fn attempt(
        &self,
        period: Period,
        attempts: &[Attempt],
        scope: &Scope<'_>,
        offer: &Offer<'_>,
    ) -> Move {
        let newest = attempts.last();
        let fresh = Attempt {
            number: newest.map_or(0, |newest| newest.number.saturating_add(1)),
            began: offer.now,
            stage: Stage::Start,
        };
        let live = attempts
            .iter()
            .filter(|attempt| in_time(attempt.began, offer.now, period));
        let mut kept = Vec::with_capacity(attempts.len() + 1);
        let mut taken = false;
        for attempt in live.chain([&fresh]) {
            let moved = self.advance(&attempt.stage, scope, offer);
            taken |= moved.taken;
            if let Some(bindings) = moved.complete {
                return Move::complete(bindings, Stage::Start);
            }
            let stage = moved.stage.unwrap_or_else(|| attempt.stage.clone());
            let (number, began) = (attempt.number, attempt.began);
            kept.push(Attempt {
                number,
                began,
                stage,
            });
        }
        bound(&mut kept, offer);
        Move {
            taken,
            stage: Some(Stage::within(kept)),
            complete: None,
        }
    }
}

impl Expression {
    /// Whether what has come counts no longer, because its time is over, so that the stage is as
    /// good as the start.
    pub(crate) fn rests(&self, stage: &Stage, now: Timestamp) -> bool {
        match (self, stage) {
            (_, Stage::Start) => true,
            (Self::Within(_, period), Stage::Counted(seen)) => {
                seen.iter().all(|one| !in_time(one.at, now, *period))
            }
            (Self::Within(part, period), Stage::Within(attempts)) => attempts
                .iter()
                .all(|one| !in_time(one.began, now, *period) || part.rests(&one.stage, now)),
            (Self::Or(parts), Stage::Or(stages)) => {
                let mut both = parts.iter().zip(stages);
                both.all(|(part, stage)| part.rests(stage, now))
            }
            (Self::And(parts) | Self::Any(_, parts), Stage::Set(set)) => {
                let open = |(part, stage): &(u16, Stage)| {
                    let part = parts.get(usize::from(*part));
                    part.is_none_or(|part| part.rests(stage, now))
                };
                set.done.len() == 0 && set.open.iter().all(open)
            }
            (_, Stage::Sequence { at: 0, inner, .. }) => {
                let first = self.parts().into_iter().next();
                first.is_none_or(|part| part.rests(inner.stage(), now))
            }
            _ => false,
        }
    }
}

/// Whether what happens now is within the period of what began then; the period's end counts.
pub(crate) fn in_time(began: Timestamp, now: Timestamp, period: Period) -> bool {
    now.since(began) <= period
}

/// Lets the oldest go where there are too many.
fn bound(attempts: &mut Vec<Attempt>, offer: &Offer<'_>) {
    attempts.retain(|attempt| attempt.stage != Stage::Start);
    // Neighbours only: a third one between two that are alike may have bound something else, and
    // would come into its turn when the older one's time is over.
    attempts.dedup_by(|newer, older| {
        let same = newer.stage == older.stage;
        if same {
            older.began = newer.began;
        }
        same
    });
    let excess = attempts.len().saturating_sub(offer.partial_matches_max);
    attempts.drain(..excess);
    let excess = u64::try_from(excess).unwrap_or(u64::MAX);
    offer
        .dropped
        .set(offer.dropped.get().saturating_add(excess));
}
