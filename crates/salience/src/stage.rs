//! How far each operator of an event expression has come.

use stratus_event::{Timestamp, Value};

use crate::{Bindings, Expression};

/// How far one expression has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Stage {
    /// `not between`: the first has come.
    Absent {
        bindings: Bindings,
        middle: Box<Stage>,
        last: Box<Stage>,
    },
    /// `count` and `repeat`: the occurrences so far, oldest first.
    Counted(Vec<Occurrence>),
    /// A part of a set that needs no more events.
    Done,
    /// `or`: each part.
    Or(Vec<Stage>),
    /// `before`, `after`, `then`, `between`: the parts before `at` are done.
    Sequence {
        at: usize,
        bindings: Bindings,
        inner: Box<Stage>,
    },
    /// `and`, `any`: each part.
    Set {
        bindings: Bindings,
        parts: Vec<Stage>,
    },
    /// Nothing has come yet.
    #[default]
    Start,
    /// `within`: attempts that have begun, oldest first.
    Within(Vec<Attempt>),
}

/// An event that counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Occurrence {
    pub(crate) at: Timestamp,
    pub(crate) captures: Vec<Value>,
}

/// An attempt at an expression that has to be complete within a time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) began: Timestamp,
    pub(crate) stage: Stage,
}

/// Stages in their one form: what is as good as the start is the start.
impl Stage {
    pub(crate) fn counted(seen: Vec<Occurrence>) -> Self {
        if seen.is_empty() {
            Self::Start
        } else {
            Self::Counted(seen)
        }
    }

    pub(crate) fn or(parts: Vec<Self>) -> Self {
        if parts.iter().all(|part| *part == Self::Start) {
            Self::Start
        } else {
            Self::Or(parts)
        }
    }

    pub(crate) fn sequence(at: usize, bindings: Bindings, inner: Self) -> Self {
        if at == 0 && inner == Self::Start {
            return Self::Start;
        }
        Self::Sequence {
            at,
            bindings,
            inner: Box::new(inner),
        }
    }

    /// Where a complete sequence goes on: at its start, unless its last part (a `repeat`) can be
    /// complete again.
    pub(crate) fn sequence_left(at: usize, bindings: &Bindings, inner: Option<Self>) -> Self {
        match inner {
            None | Some(Self::Start) => Self::Start,
            Some(inner) => Self::sequence(at, bindings.clone(), inner),
        }
    }

    pub(crate) fn set(bindings: Bindings, parts: Vec<Self>) -> Self {
        if parts.iter().all(|part| *part == Self::Start) {
            return Self::Start;
        }
        Self::Set { bindings, parts }
    }

    pub(crate) fn within(mut attempts: Vec<Attempt>) -> Self {
        attempts.retain(|attempt| attempt.stage != Self::Start);
        if attempts.is_empty() {
            Self::Start
        } else {
            Self::Within(attempts)
        }
    }

    pub(crate) fn as_counted(&self) -> &[Occurrence] {
        if let Self::Counted(seen) = self {
            seen
        } else {
            &[]
        }
    }

    pub(crate) fn as_or(&self, parts: usize) -> Vec<Self> {
        if let Self::Or(parts) = self {
            parts.clone()
        } else {
            vec![Self::Start; parts]
        }
    }

    pub(crate) fn as_sequence(&self) -> Option<(usize, &Bindings, &Self)> {
        match self {
            Self::Sequence {
                at,
                bindings,
                inner,
            } => Some((*at, bindings, inner)),
            _ => None,
        }
    }

    pub(crate) fn as_set(&self, parts: usize) -> (Bindings, Vec<Self>) {
        match self {
            Self::Set { bindings, parts } => (bindings.clone(), parts.clone()),
            _ => (Bindings::new(), vec![Self::Start; parts]),
        }
    }

    pub(crate) fn as_within(&self) -> &[Attempt] {
        if let Self::Within(attempts) = self {
            attempts
        } else {
            &[]
        }
    }

    /// Whether an expression can be at this stage, its parts aside. One that cannot, because what
    /// was kept is another expression's, begins anew.
    pub(crate) fn fits(&self, expression: &Expression) -> bool {
        match (self, expression) {
            (Self::Start, _) | (Self::Absent { .. }, Expression::NotBetween(_)) => true,
            (Self::Counted(seen), expression) => expression
                .as_occurrences()
                .is_some_and(|asked| seen.len() <= asked.times),
            (Self::Or(stages), Expression::Or(parts))
            | (
                Self::Set { parts: stages, .. },
                Expression::And(parts) | Expression::Any(_, parts),
            ) => stages.len() == parts.len(),
            (
                Self::Sequence { at, .. },
                Expression::After(parts) | Expression::Before(parts) | Expression::Then(parts),
            ) => *at < parts.len(),
            (Self::Sequence { at, .. }, Expression::Between(_)) => *at < 3,
            (Self::Sequence { at, .. }, Expression::NotBetween(_)) => *at == 0,
            (Self::Within(_), Expression::Within(part, _)) => part.as_occurrences().is_none(),
            _ => false,
        }
    }

    /// Whether both are equally far, whatever they bound.
    pub(crate) fn alike(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Absent { middle, last, .. },
                Self::Absent {
                    middle: other_middle,
                    last: other_last,
                    ..
                },
            ) => middle.alike(other_middle) && last.alike(other_last),
            (Self::Counted(seen), Self::Counted(others)) => seen.len() == others.len(),
            (Self::Or(parts), Self::Or(others))
            | (Self::Set { parts, .. }, Self::Set { parts: others, .. }) => parts
                .iter()
                .zip(others)
                .all(|(part, other)| part.alike(other)),
            (
                Self::Sequence { at, inner, .. },
                Self::Sequence {
                    at: other_at,
                    inner: other_inner,
                    ..
                },
            ) => at == other_at && inner.alike(other_inner),
            (Self::Within(attempts), Self::Within(others)) => {
                attempts.len() == others.len()
                    && attempts
                        .iter()
                        .zip(others)
                        .all(|(one, other)| one.stage.alike(&other.stage))
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}
