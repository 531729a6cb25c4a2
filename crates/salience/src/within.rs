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
    /// that runs out of time takes no later one with it. Of attempts that are equally far, only the
    /// oldest and the newest are kept: the oldest says what is bound while it lives, the newest is
    /// the last to run out of time.
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
        let fresh = Attempt {
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
            let stage = moved.stage.unwrap_or_else(|| attempt.stage.clone());
            let next = Attempt {
                began: attempt.began,
                stage,
            };
            if let Some(bindings) = moved.complete {
                return Move::complete(bindings, Stage::within(vec![next]));
            }
            kept.push(next);
        }
        thin(&mut kept);
        Move {
            taken,
            stage: Some(Stage::within(kept)),
            complete: None,
        }
    }
}

/// Whether what happens now is within the period of what began then; the period's end counts.
pub(crate) fn in_time(began: Timestamp, now: Timestamp, period: Period) -> bool {
    now.since(began) <= period
}

/// Keeps the oldest and the newest of attempts that are equally far.
fn thin(attempts: &mut Vec<Attempt>) {
    let mut place = 0;
    while let Some(attempt) = attempts.get(place) {
        let alike = |other: &Attempt| other.stage.alike(&attempt.stage);
        let before = attempts.iter().take(place).any(alike);
        let after = attempts.iter().skip(place + 1).any(alike);
        if before && after {
            attempts.remove(place);
        } else {
            place += 1;
        }
    }
}
