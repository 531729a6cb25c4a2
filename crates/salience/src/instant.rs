//! Instants: that a time has come is an event too.

use stratus_event::{Name, Timestamp};

use crate::{
    Automaton, Between, Conditions, Expression, Primitive, Progress, Symbol,
    advance::{Offer, Scope},
    bindings::Bound,
    stage::Stage,
};

/// A time for which an expression waits.
///
/// Whoever runs the automaton asks it for the next one ([`Automaton::next_instant`]), and when that
/// has come offers it by [`Automaton::pass`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instant {
    /// What the language makes of variables that earlier events have bound: the number of that, in
    /// its own counting. One that is past when it is bound comes at once.
    Bound(usize),
    /// Every day at so many milliseconds after midnight, UTC.
    Daily(u32),
    /// Once. One that is past does not come.
    Once(Timestamp),
}

/// A millisecond more than the last one of a day.
pub const DAY_MS: u32 = 86_400_000;

impl Primitive {
    /// An instant instead of an event.
    pub fn at(instant: Instant) -> Self {
        Self {
            instant: Some(instant),
            ..Self::of(Symbol::instant())
        }
    }

    /// Whether what is offered is of the sort that this waits for: an instant that passes, or an
    /// event of its symbol.
    pub(crate) fn concerns(&self, offer: &Offer<'_>) -> bool {
        self.instant.is_some() == offer.instant.is_some() && self.symbol.covers(offer.event)
    }
}

impl Instant {
    /// Whether it is the instant that passes.
    pub(crate) fn passes(self, offer: &Offer<'_>, scope: &Scope<'_>) -> bool {
        let passing = offer.instant;
        match self {
            Self::Bound(number) => {
                passing.is_some() && offer.conditions.instant(number, &scope.all()) == passing
            }
            Self::Daily(of_day) => passing.is_some_and(|at| of_day == of(at)),
            Self::Once(at) => passing == Some(at),
        }
    }
}

impl Symbol {
    /// The symbol of an instant that passes: `time:instant`.
    pub fn instant() -> Self {
        Self {
            domain: Name::new("time").ok(),
            kind: Name::new("instant").ok(),
        }
    }
}

impl Automaton {
    /// The next instant for which the expression waits, as far as it has come. Those that the
    /// expression names itself come after `after`; those that are bound may be past, but come after
    /// `bound_after`, if that is given.
    pub fn next_instant(
        &self,
        progress: &Progress,
        after: Timestamp,
        bound_after: Option<Timestamp>,
        conditions: &dyn Conditions,
    ) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        let mut wait = |instant: Instant, scope: &Scope<'_>| {
            let at = match instant {
                Instant::Bound(number) => conditions
                    .instant(number, &scope.all())
                    .filter(|at| bound_after.is_none_or(|bound_after| *at > bound_after)),
                Instant::Daily(of_day) => Some(daily_after(of_day, after)),
                Instant::Once(at) => Some(at).filter(|at| *at > after),
            };
            next = next.into_iter().chain(at).min();
        };
        let expression = self.expression();
        match &progress.0 {
            Stage::Runs(runs) => {
                for run in runs.all() {
                    expression.waits(&run.stage, &Scope::default(), &mut wait);
                }
                expression.waits(&Stage::Start, &Scope::default(), &mut wait);
            }
            stage => expression.waits(stage, &Scope::default(), &mut wait),
        }
        next
    }
}

impl Expression {
    /// Tells of all instants that would be offered to one of its parts.
    fn waits(&self, stage: &Stage, scope: &Scope<'_>, wait: &mut dyn FnMut(Instant, &Scope<'_>)) {
        let stage = if stage.fits(self) {
            stage
        } else {
            &Stage::Start
        };
        match self {
            Self::Count(_) | Self::Primitive(_) | Self::Repeat(_) => {
                let primitives = self.primitives();
                for instant in primitives.iter().filter_map(|one| one.instant) {
                    wait(instant, scope);
                }
            }
            Self::After(_) | Self::Before(_) | Self::Between(_) | Self::Then(_) => {
                let nothing = Bound::default();
                let (at, bindings, inner) =
                    stage.as_sequence().unwrap_or((0, &nothing, &Stage::Start));
                if let Some(part) = self.parts().get(at) {
                    part.waits(inner, &scope.inside(bindings), wait);
                }
            }
            Self::And(parts) | Self::Any(_, parts) => {
                let set = stage.as_set();
                for (place, part) in parts.iter().enumerate() {
                    if !set.done.contains(place) {
                        part.waits(set.stage(place), &scope.inside(&set.bindings), wait);
                    }
                }
            }
            Self::Or(parts) => {
                for (part, stage) in parts.iter().zip(stage.as_or(parts.len())) {
                    part.waits(&stage, scope, wait);
                }
            }
            Self::NotBetween(between) => between.waits(stage, scope, wait),
            Self::Within(part, _) => {
                part.waits(stage, scope, wait);
                for attempt in stage.as_within() {
                    part.waits(&attempt.stage, scope, wait);
                }
            }
        }
    }
}

impl Between {
    fn waits(&self, stage: &Stage, scope: &Scope<'_>, wait: &mut dyn FnMut(Instant, &Scope<'_>)) {
        if let Stage::Absent(absent) = stage {
            let scope = scope.inside(&absent.bindings);
            self.middle.waits(&absent.middle, &scope, wait);
            self.last.waits(&absent.last, &scope, wait);
        } else {
            let inner = stage.as_sequence().map(|(_, _, inner)| inner);
            self.first.waits(inner.unwrap_or(stage), scope, wait);
        }
    }
}

/// The millisecond of its day.
fn of(at: Timestamp) -> u32 {
    u32::try_from(at.0.rem_euclid(i64::from(DAY_MS))).unwrap_or(0)
}

/// The first time of that millisecond of a day after another time.
fn daily_after(of_day: u32, after: Timestamp) -> Timestamp {
    let day = i64::from(DAY_MS);
    let today = after.0.div_euclid(day).saturating_mul(day);
    let at = today.saturating_add(i64::from(of_day));
    Timestamp(if at > after.0 {
        at
    } else {
        at.saturating_add(day)
    })
}
