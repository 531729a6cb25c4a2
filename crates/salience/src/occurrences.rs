//! The same event several times.

use stratus_event::{Name, Value};

use crate::{
    Aggregate, Function, Occurrences, Period,
    advance::{Move, Offer, Scope},
    bindings::Bound,
    primitive::Matched,
    stage::{Occurrence, Stage},
    within::in_time,
};

impl Occurrences {
    /// Every so-manieth event; then it begins anew.
    pub(crate) fn count(
        &self,
        period: Option<Period>,
        stage: &Stage,
        scope: &Scope<'_>,
        offer: &Offer<'_>,
    ) -> Move {
        let seen = live(stage, period, offer);
        match self.primitive.matches(offer, scope) {
            Some(matched) => self.next(seen, matched, offer, |_| Stage::Start),
            None => Move {
                taken: false,
                stage: Some(Stage::counted(seen)),
                complete: None,
            },
        }
    }

    /// The so-manieth event and each one after it; an event that fails begins it anew.
    pub(crate) fn repeat(
        &self,
        period: Option<Period>,
        stage: &Stage,
        scope: &Scope<'_>,
        offer: &Offer<'_>,
    ) -> Move {
        let seen = live(stage, period, offer);
        match self.primitive.matches(offer, scope) {
            Some(matched) => self.next(seen, matched, offer, |mut seen| {
                seen.remove(0);
                Stage::counted(seen)
            }),
            None if self.primitive.concerns(offer) => Move {
                taken: false,
                stage: Some(Stage::Start),
                complete: None,
            },
            None => Move {
                taken: false,
                stage: Some(Stage::counted(seen)),
                complete: None,
            },
        }
    }

    /// Adds an occurrence; `rest` says from where to go on after the last one.
    fn next(
        &self,
        mut seen: Vec<Occurrence>,
        matched: Matched,
        offer: &Offer<'_>,
        rest: impl Fn(Vec<Occurrence>) -> Stage,
    ) -> Move {
        let captures = self
            .aggregate
            .as_ref()
            .map(|_| matched.captures)
            .unwrap_or_default();
        seen.push(Occurrence {
            at: offer.now,
            captures: captures.into(),
        });
        if seen.len() < self.times {
            return Move::to(Stage::counted(seen));
        }
        let mut bindings = matched.bindings;
        if let Some(aggregate) = &self.aggregate {
            bindings = bindings.and(&aggregate.bindings(&seen));
        }
        Move::complete(bindings, rest(seen))
    }
}

impl Aggregate {
    fn bindings(&self, seen: &[Occurrence]) -> Bound {
        let values = |place: usize| seen.iter().map(move |one| one.captures.get(place));
        let bind =
            |(place, name): (usize, &Name)| (name.clone(), self.function.apply(values(place)));
        self.setting.iter().enumerate().map(bind).collect()
    }
}

impl Function {
    fn apply<'a>(self, values: impl ExactSizeIterator<Item = Option<&'a Value>>) -> Value {
        let count = values.len();
        match self {
            Self::Average => Value::number(values.map(number).sum::<f64>() / count as f64),
            Self::Maximum => Value::number(values.map(number).fold(f64::NEG_INFINITY, f64::max)),
            Self::Minimum => Value::number(values.map(number).fold(f64::INFINITY, f64::min)),
            Self::Push => Value::list(values.map(|value| value.cloned().unwrap_or_default())),
            Self::Sum => Value::number(values.map(number).sum()),
        }
    }
}

/// The occurrences so far that still count.
fn live(stage: &Stage, period: Option<Period>, offer: &Offer<'_>) -> Vec<Occurrence> {
    let counts = |one: &&Occurrence| period.is_none_or(|period| in_time(one.at, offer.now, period));
    stage.as_counted().iter().filter(counts).cloned().collect()
}

/// A capture as a number; what is none is zero, as in pico-engine.
fn number(value: Option<&Value>) -> f64 {
    let text = value.and_then(Value::as_text).unwrap_or_default();
    text.trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .unwrap_or(0.0)
}
