//! How far each operator of an event expression has come.

use stratus_event::{Timestamp, Value};

use crate::{Expression, PRIMITIVES_MAX, bindings::Bound, key::Key, runs::Runs};

/// How far one expression has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Stage {
    /// `not between`: the first has come.
    Absent(Box<Absent>),
    /// `count` and `repeat`: the occurrences so far, oldest first.
    Counted(Vec<Occurrence>),
    /// `or`: each part.
    Or(Box<[Stage]>),
    /// A whole expression with joins: a partial match for each distinct binding.
    Runs(Box<Runs>),
    /// `before`, `after`, `then`, `between`: the parts before `at` are done.
    Sequence {
        at: u16,
        bindings: Bound,
        inner: Inner,
    },
    /// `and`, `any`.
    Set(Box<Set>),
    /// Nothing has come yet.
    #[default]
    Start,
    /// `within`: attempts that have begun, oldest first.
    Within(Vec<Attempt>),
}

/// The stage of a part; mostly it is at its start, which then takes no room.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Inner(Option<Box<Stage>>);

/// The first of a `not between` has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Absent {
    pub(crate) bindings: Bound,
    pub(crate) middle: Stage,
    pub(crate) last: Stage,
}

/// Parts in any order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Set {
    pub(crate) bindings: Bound,
    /// The parts that need no more events.
    pub(crate) done: Mask,
    /// The parts that are in the middle, by their place.
    pub(crate) open: Vec<(u16, Stage)>,
}

/// A set of parts, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mask([u64; PRIMITIVES_MAX / 64]);

/// An event that counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Occurrence {
    pub(crate) at: Timestamp,
    pub(crate) captures: Box<[Value]>,
}

/// An attempt at an expression that has to be complete within a time.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Its number among those that there are, the oldest first: under it it is written down.
    pub(crate) number: u64,
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
            Self::Or(parts.into())
        }
    }

    pub(crate) fn sequence(at: usize, bindings: Bound, inner: Self) -> Self {
        if at == 0 && inner == Self::Start {
            return Self::Start;
        }
        Self::Sequence {
            // An expression has at most PRIMITIVES_MAX parts.
            at: u16::try_from(at).unwrap_or(u16::MAX),
            bindings,
            inner: inner.into(),
        }
    }

    /// Where a complete sequence goes on: at its start, unless its last part (a `repeat`) can be
    /// complete again.
    pub(crate) fn sequence_left(at: usize, bindings: &Bound, inner: Option<Self>) -> Self {
        match inner {
            None | Some(Self::Start) => Self::Start,
            Some(inner) => Self::sequence(at, bindings.clone(), inner),
        }
    }

    pub(crate) fn set(set: Set) -> Self {
        if set.done == Mask::default() && set.open.is_empty() {
            return Self::Start;
        }
        Self::Set(Box::new(set))
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
            parts.to_vec()
        } else {
            vec![Self::Start; parts]
        }
    }

    pub(crate) fn as_sequence(&self) -> Option<(usize, &Bound, &Self)> {
        match self {
            Self::Sequence {
                at,
                bindings,
                inner,
            } => Some((usize::from(*at), bindings, inner.stage())),
            _ => None,
        }
    }

    pub(crate) fn as_set(&self) -> Set {
        match self {
            Self::Set(set) => (**set).clone(),
            _ => Set::default(),
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
            (Self::Start, _) | (Self::Absent(_), Expression::NotBetween(_)) => true,
            (Self::Counted(seen), expression) => expression
                .as_occurrences()
                .is_some_and(|asked| seen.len() <= asked.times),
            (Self::Or(stages), Expression::Or(parts)) => stages.len() == parts.len(),
            (Self::Set(set), Expression::And(parts) | Expression::Any(_, parts)) => {
                set.parts() <= parts.len()
            }
            (
                Self::Sequence { at, .. },
                Expression::After(parts) | Expression::Before(parts) | Expression::Then(parts),
            ) => usize::from(*at) < parts.len(),
            (Self::Sequence { at, .. }, Expression::Between(_)) => *at < 3,
            (Self::Sequence { at, .. }, Expression::NotBetween(_)) => *at == 0,
            (Self::Within(_), Expression::Within(part, _)) => {
                !matches!(**part, Expression::Count(_) | Expression::Repeat(_))
            }
            _ => false,
        }
    }

    /// Adds what is bound of the joined variables.
    pub(crate) fn collect(&self, key: &mut Key) {
        match self {
            Self::Absent(absent) => {
                key.add(&absent.bindings);
                absent.middle.collect(key);
                absent.last.collect(key);
            }
            Self::Counted(_) | Self::Runs(_) | Self::Start => {}
            Self::Or(parts) => parts.iter().for_each(|part| part.collect(key)),
            Self::Sequence {
                bindings, inner, ..
            } => {
                key.add(bindings);
                inner.stage().collect(key);
            }
            Self::Set(set) => {
                key.add(&set.bindings);
                set.open.iter().for_each(|(_, part)| part.collect(key));
            }
            Self::Within(attempts) => {
                for attempt in attempts {
                    attempt.stage.collect(key);
                }
            }
        }
    }
}

/// Equal if they are equally far: numbers only tell those apart that are there together.
impl PartialEq for Attempt {
    fn eq(&self, other: &Self) -> bool {
        self.began == other.began && self.stage == other.stage
    }
}

impl Inner {
    pub(crate) fn stage(&self) -> &Stage {
        self.0.as_deref().unwrap_or(&Stage::Start)
    }
}

impl From<Stage> for Inner {
    fn from(stage: Stage) -> Self {
        Self((stage != Stage::Start).then(|| Box::new(stage)))
    }
}

impl Set {
    /// How far a part is that is not done.
    pub(crate) fn stage(&self, part: usize) -> &Stage {
        let open = self.open.iter().find(|(at, _)| usize::from(*at) == part);
        open.map_or(&Stage::Start, |(_, stage)| stage)
    }

    /// A part moved; parts stand in their order.
    pub(crate) fn move_part(&mut self, part: usize, stage: Stage) {
        self.open.retain(|(at, _)| usize::from(*at) != part);
        if let Ok(part) = u16::try_from(part)
            && stage != Stage::Start
        {
            let place = self.open.partition_point(|(at, _)| *at < part);
            self.open.insert(place, (part, stage));
        }
    }

    /// A part is complete.
    pub(crate) fn complete(&mut self, part: usize, bound: &Bound) {
        self.move_part(part, Stage::Start);
        self.done.insert(part);
        self.bindings = self.bindings.and(bound);
    }

    /// The number of parts that there must be at least.
    pub(crate) fn parts(&self) -> usize {
        let open = self
            .open
            .last()
            .map_or(0, |(part, _)| usize::from(*part) + 1);
        self.done.end().max(open)
    }
}

impl Mask {
    pub(crate) fn insert(&mut self, part: usize) {
        if let Some(word) = self.0.get_mut(part / 64) {
            *word |= 1 << (part % 64);
        }
    }

    pub(crate) fn contains(&self, part: usize) -> bool {
        self.0
            .get(part / 64)
            .is_some_and(|word| word >> (part % 64) & 1 == 1)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// One more than the greatest part in it.
    pub(crate) fn end(&self) -> usize {
        let last = self.0.iter().rposition(|word| *word != 0);
        let end = |word: usize| {
            let bits = self.0.get(word).map_or(0, |word| 64 - word.leading_zeros());
            word * 64 + bits as usize
        };
        last.map_or(0, end)
    }
}
