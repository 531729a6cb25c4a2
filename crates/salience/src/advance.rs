//! What each operator does with an event.

use std::cell::Cell;

use stratus_event::{Event, Name, Timestamp, Value};

use crate::{
    Between, Bindings, Conditions, Expression, Filter,
    bindings::Bound,
    key::Key,
    stage::{Absent, Stage},
};

/// An event that is offered to an expression.
#[derive(Clone, Copy)]
pub(crate) struct Offer<'a> {
    pub(crate) event: &'a Event,
    pub(crate) now: Timestamp,
    /// The instant that passes, if the event is that.
    pub(crate) instant: Option<Timestamp>,
    pub(crate) conditions: &'a dyn Conditions,
    /// A filter that captures nothing and is known to match.
    pub(crate) proven: Option<&'a Filter>,
    /// What the partial match is about to which the event is offered.
    pub(crate) key: &'a Key,
    pub(crate) partial_matches_max: usize,
    /// How many partial matches had to go because there were too many.
    pub(crate) dropped: &'a Cell<u64>,
}

/// What an event did to an expression.
#[derive(Debug, Default)]
pub(crate) struct Move {
    /// The event was used; the next part of an `and` does not get it.
    pub(crate) taken: bool,
    /// How far the expression is now; none if that did not change.
    pub(crate) stage: Option<Stage>,
    /// What was bound, if the expression is complete.
    pub(crate) complete: Option<Bound>,
}

/// What was bound before and around a primitive.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope<'a> {
    bindings: Option<&'a Bound>,
    outer: Option<&'a Scope<'a>>,
}

impl Move {
    /// The event was used and the expression is not complete.
    pub(crate) fn to(stage: Stage) -> Self {
        Self {
            taken: true,
            stage: Some(stage),
            complete: None,
        }
    }

    /// The event completes the expression, which goes on from `stage`.
    pub(crate) fn complete(bindings: Bound, stage: Stage) -> Self {
        Self {
            taken: true,
            stage: Some(stage),
            complete: Some(bindings),
        }
    }
}

impl<'a> Scope<'a> {
    /// This scope with more bindings inside.
    pub(crate) fn inside(&'a self, bindings: &'a Bound) -> Self {
        Self {
            bindings: Some(bindings),
            outer: Some(self),
        }
    }

    /// All that is bound; inner bindings hide outer ones.
    pub(crate) fn all(&self) -> Bindings {
        let mut all = self.outer.map(Scope::all).unwrap_or_default();
        all.extend(self.bindings.into_iter().flat_map(Bound::iter).cloned());
        all
    }

    /// The value of a variable.
    pub(crate) fn value(&self, name: &Name) -> Option<&'a Value> {
        let here = self.bindings.and_then(|bindings| bindings.value(name));
        here.or_else(|| self.outer.and_then(|outer| outer.value(name)))
    }
}

impl Expression {
    /// Offers an event to an expression that has come as far as `stage`.
    pub(crate) fn advance(&self, stage: &Stage, scope: &Scope<'_>, offer: &Offer<'_>) -> Move {
        let stage = if stage.fits(self) {
            stage
        } else {
            &Stage::Start
        };
        match self {
            Self::After(parts) => {
                let backwards: Vec<_> = parts.iter().rev().collect();
                sequence(&backwards, stage, scope, offer)
            }
            Self::And(parts) => any(parts.len(), parts, stage, scope, offer),
            Self::Any(wanted, parts) => any(*wanted, parts, stage, scope, offer),
            Self::Before(parts) => sequence(&parts.iter().collect::<Vec<_>>(), stage, scope, offer),
            Self::Between(between) => {
                let Between {
                    first,
                    middle,
                    last,
                } = &**between;
                sequence(&[first, middle, last], stage, scope, offer)
            }
            Self::Count(occurrences) => occurrences.count(None, stage, scope, offer),
            Self::NotBetween(between) => between.absent(stage, scope, offer),
            Self::Or(parts) => or(parts, stage, scope, offer),
            Self::Primitive(primitive) => match primitive.matches(offer, scope) {
                Some(matched) => Move::complete(matched.bindings, Stage::Start),
                None => Move::default(),
            },
            Self::Repeat(occurrences) => occurrences.repeat(None, stage, scope, offer),
            Self::Then(parts) => then(&parts.iter().collect::<Vec<_>>(), stage, scope, offer),
            Self::Within(part, period) => part.within(*period, stage, scope, offer),
        }
    }
}

/// One part after the other; what is not for the part whose turn it is changes nothing.
fn sequence(parts: &[&Expression], stage: &Stage, scope: &Scope<'_>, offer: &Offer<'_>) -> Move {
    let nothing = Bound::default();
    let (at, bindings, inner) = stage.as_sequence().unwrap_or((0, &nothing, &Stage::Start));
    let Some(part) = parts.get(at) else {
        return Move::default();
    };
    let moved = part.advance(inner, &scope.inside(bindings), offer);
    let at_last = at + 1 == parts.len();
    match moved.complete {
        Some(bound) if at_last => {
            let rest = Stage::sequence_left(at, bindings, moved.stage);
            Move::complete(bindings.and(&bound), rest)
        }
        Some(bound) => Move::to(Stage::sequence(at + 1, bindings.and(&bound), Stage::Start)),
        None => Move {
            taken: moved.taken,
            stage: moved
                .stage
                .map(|inner| Stage::sequence(at, bindings.clone(), inner)),
            complete: None,
        },
    }
}

/// Like [`sequence`], but what is not for the part whose turn it is begins it all anew, unless that
/// part is in the middle of something. That event is not looked at again: of `a`, `a`, `b` the
/// second `a` undoes the first and begins nothing.
fn then(parts: &[&Expression], stage: &Stage, scope: &Scope<'_>, offer: &Offer<'_>) -> Move {
    let moved = sequence(parts, stage, scope, offer);
    let waits = stage.as_sequence().is_some_and(|(at, _, inner)| {
        let part = parts.get(at).filter(|_| at > 0);
        part.is_some_and(|part| part.rests(inner, offer.now))
    });
    if waits && !moved.taken {
        return Move {
            taken: false,
            stage: Some(Stage::Start),
            complete: None,
        };
    }
    moved
}

/// So many of the parts in any order. The event goes to the first part that it moves.
fn any(
    wanted: usize,
    parts: &[Expression],
    stage: &Stage,
    scope: &Scope<'_>,
    offer: &Offer<'_>,
) -> Move {
    let mut set = stage.as_set();
    let mut taken = false;
    for (place, part) in parts.iter().enumerate() {
        if set.done.contains(place) {
            continue;
        }
        let moved = part.advance(set.stage(place), &scope.inside(&set.bindings), offer);
        taken = moved.taken;
        if let Some(bound) = moved.complete {
            set.complete(place, &bound);
        } else if let Some(next) = moved.stage {
            set.move_part(place, next);
        }
        if taken {
            break;
        }
    }
    if taken && set.done.len() >= wanted {
        return Move::complete(set.bindings, Stage::Start);
    }
    Move {
        taken,
        stage: Some(Stage::set(set)),
        complete: None,
    }
}

/// Any of the parts. All get the event, but once some have begun only these, until they are
/// complete or undone. If several are complete, the first in the text counts.
fn or(parts: &[Expression], stage: &Stage, scope: &Scope<'_>, offer: &Offer<'_>) -> Move {
    let mut stages = stage.as_or(parts.len());
    let both = parts.iter().zip(&stages);
    let begun: Vec<bool> = both
        .map(|(part, stage)| !part.rests(stage, offer.now))
        .collect();
    let committed = begun.contains(&true);
    let mut taken = false;
    for (place, (part, begun)) in parts.iter().zip(begun).enumerate() {
        let Some(stage) = stages.get_mut(place).filter(|_| begun || !committed) else {
            continue;
        };
        let moved = part.advance(stage, scope, offer);
        taken |= moved.taken;
        if let Some(bindings) = moved.complete {
            let mut rest = vec![Stage::Start; parts.len()];
            rest.splice(place..=place, moved.stage);
            return Move::complete(bindings, Stage::or(rest));
        }
        if let Some(next) = moved.stage {
            *stage = next;
        }
    }
    Move {
        taken,
        stage: Some(Stage::or(stages)),
        complete: None,
    }
}

impl Between {
    /// The first, then the last without the middle. If an event completes both, the last counts.
    fn absent(&self, stage: &Stage, scope: &Scope<'_>, offer: &Offer<'_>) -> Move {
        let Stage::Absent(absent) = stage else {
            return self.open(stage, scope, offer);
        };
        let scope = scope.inside(&absent.bindings);
        let ends = self.last.advance(&absent.last, &scope, offer);
        if let Some(bound) = ends.complete {
            return Move::complete(absent.bindings.and(&bound), Stage::Start);
        }
        let breaks = self.middle.advance(&absent.middle, &scope, offer);
        if breaks.complete.is_some() {
            return Move::to(Stage::Start);
        }
        let next = Absent {
            bindings: absent.bindings.clone(),
            middle: breaks.stage.unwrap_or_else(|| absent.middle.clone()),
            last: ends.stage.unwrap_or_else(|| absent.last.clone()),
        };
        Move {
            taken: ends.taken || breaks.taken,
            stage: Some(Stage::Absent(Box::new(next))),
            complete: None,
        }
    }

    fn open(&self, stage: &Stage, scope: &Scope<'_>, offer: &Offer<'_>) -> Move {
        let moved = sequence(&[&self.first], stage, scope, offer);
        match moved.complete {
            Some(bindings) => Move::to(Stage::Absent(Box::new(Absent {
                bindings,
                middle: Stage::Start,
                last: Stage::Start,
            }))),
            None => moved,
        }
    }
}
