//! Expressions in which one event must fit what an earlier one bound.
//!
//! It is as if each value of the joined variables had a copy of the expression of its own, to which
//! every event is offered that does not bind another value. A copy comes into being when an event
//! binds the value; what had come before belongs to it too, and to the copies of other values.
//! Of the copies that an event completes the oldest one fires. The match consumes that copy and
//! what it came of; to the others that the event would have completed it has not happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use stratus_event::{Event, Name, Value};

use crate::{
    Expression, Primitive,
    advance::{Offer, Scope},
    bindings::Bound,
    key::{Key, hash},
    primitive::{attribute_text, text},
    runs::{Run, Runs},
    stage::Stage,
};

/// The joined variables of an expression.
#[derive(Clone, Debug)]
pub(crate) struct Joins {
    pub(crate) names: Arc<[Name]>,
    /// The variable by whose value partial matches are found.
    pub(crate) pivot: usize,
    /// Whether an event that fits no partial match can change none.
    patient: bool,
    primitives: Vec<Primitive>,
}

/// Where partial matches are that an event may move.
enum Where {
    /// Anywhere.
    All,
    /// On these shelves.
    Shelves(BTreeSet<Option<u64>>),
}

impl Joins {
    /// The joins of an expression, if it has any.
    pub(crate) fn of(expression: &Expression) -> Option<Self> {
        let primitives = expression.primitives();
        let aggregated = expression.aggregated();
        let mut names: BTreeMap<&Name, usize> = BTreeMap::new();
        for (place, primitive) in primitives.iter().enumerate() {
            // An aggregate changes its value while the partial match stays the same.
            let joins = primitive.joins.iter();
            for join in joins.filter(|join| !aggregated.contains(&&join.variable)) {
                let others = primitives.iter().enumerate().filter(|(at, _)| *at != place);
                let mut others = others.map(|(_, other)| &other.setting);
                if others.any(|setting| setting.contains(&join.variable)) {
                    *names.entry(&join.variable).or_default() +=
                        usize::from(join.attribute.is_some());
                }
            }
        }
        let most = names.values().max()?;
        Some(Self {
            pivot: names.values().position(|equalities| equalities == most)?,
            names: names.keys().map(|name| (*name).clone()).collect(),
            patient: expression.is_patient(),
            primitives: primitives.into_iter().cloned().collect(),
        })
    }

    /// No partial matches, or those that were kept, if they are of the same joins.
    pub(crate) fn runs(&self, stage: &Stage) -> Runs {
        match stage {
            Stage::Runs(runs) if runs.pivot == self.pivot && runs.names == self.names => {
                (**runs).clone()
            }
            _ => Runs::new(self.names.clone(), self.pivot),
        }
    }

    /// Offers an event to every partial match that it may move, and to the start.
    pub(crate) fn step(
        &self,
        expression: &Expression,
        before: &Runs,
        offer: &Offer<'_>,
    ) -> (Runs, Option<Bound>) {
        let mut after = before.clone();
        let mut fired = None;
        for run in self.candidates(before, offer.event) {
            if expression.rests(&run.stage, offer.now) {
                after.remove(run.key.hash(after.pivot), run.number);
            }
            if !after.has(&run) {
                continue;
            }
            let offer = Offer {
                key: &run.key,
                ..*offer
            };
            let moved = expression.advance(&run.stage, &Scope::default(), &offer);
            match moved.complete {
                Some(bound) if fired.is_none() => {
                    fired = Some(bound);
                    consume(&mut after, &run, moved.stage.unwrap_or_default());
                }
                Some(_) => {}
                None => {
                    let stage = moved.stage.unwrap_or_else(|| run.stage.clone());
                    settle(expression, before, &mut after, &run, stage, &offer);
                }
            }
        }
        self.begin(expression, before, &mut after, &mut fired, offer);
        (after, fired)
    }

    /// Offers the event to the start.
    fn begin(
        &self,
        expression: &Expression,
        before: &Runs,
        after: &mut Runs,
        fired: &mut Option<Bound>,
        offer: &Offer<'_>,
    ) {
        let key = Key::new(&self.names);
        let offer = Offer {
            key: &key,
            ..*offer
        };
        let moved = expression.advance(&Stage::Start, &Scope::default(), &offer);
        if moved.complete.is_some() {
            if fired.is_some() {
                return;
            }
            *fired = moved.complete;
        }
        let stage = moved.stage.unwrap_or_default();
        branch(expression, before, after, None, stage, &offer);
    }

    /// The partial matches that the event may move, the oldest first.
    fn candidates(&self, runs: &Runs, event: &Event) -> Vec<Arc<Run>> {
        let mut found: Vec<_> = match self.shelves(event) {
            Where::All => runs.all().cloned().collect(),
            Where::Shelves(hashes) => {
                let shelves = hashes.into_iter().map(|hash| runs.shelf(hash));
                shelves.flatten().cloned().collect()
            }
        };
        found.sort_unstable_by_key(|run| run.number);
        found.dedup_by_key(|run| run.number);
        found
    }

    fn shelves(&self, event: &Event) -> Where {
        let mut shelves = BTreeSet::new();
        if !self.patient {
            return Where::All;
        }
        for primitive in &self.primitives {
            if !primitive.symbol.covers(event) {
                continue;
            }
            let Some(captures) = primitive.capture(event, None) else {
                continue;
            };
            match self.value(primitive, &captures, event) {
                None => return Where::All,
                Some(hash) => drop(shelves.insert(Some(hash))),
            }
            // One that has not bound the variable yet may bind it now.
            shelves.insert(None);
        }
        Where::Shelves(shelves)
    }

    /// The hash of the value that the variable must have in a partial match that this moves.
    fn value(&self, primitive: &Primitive, captures: &[Value], event: &Event) -> Option<u64> {
        let name = self.names.get(self.pivot)?;
        let mut joins = primitive.joins.iter().filter(|join| join.variable == *name);
        if let Some(attribute) = joins.find_map(|join| join.attribute.as_ref()) {
            return Some(hash(&attribute_text(event, attribute)));
        }
        match primitive.bind(captures).value(name)? {
            Value::Null => None,
            value => Some(hash(&text(value))),
        }
    }
}

/// The partial match came as far as `stage`.
fn settle(
    expression: &Expression,
    before: &Runs,
    after: &mut Runs,
    run: &Run,
    stage: Stage,
    offer: &Offer<'_>,
) {
    if stage == run.stage {
        return;
    }
    if stage == Stage::Start {
        after.remove(run.key.hash(after.pivot), run.number);
        return;
    }
    let mut key = run.key.clone();
    stage.collect(&mut key);
    if key == run.key {
        after.put(Run {
            stage,
            ..run.clone()
        });
    } else {
        branch(expression, before, after, Some(run.number), stage, offer);
    }
}

/// Adds a partial match, unless there is, or was until now, one that has bound the same.
fn branch(
    expression: &Expression,
    before: &Runs,
    after: &mut Runs,
    parent: Option<u64>,
    stage: Stage,
    offer: &Offer<'_>,
) {
    let mut key = offer.key.clone();
    stage.collect(&mut key);
    let known = |runs: &Runs| {
        let mut same = runs.of(&key);
        same.any(|run| !expression.rests(&run.stage, offer.now))
    };
    if stage == Stage::Start || known(before) || known(after) {
        return;
    }
    after.add(parent, key, stage);
    if after.len > offer.partial_matches_max {
        after.drop_oldest();
        offer.dropped.set(offer.dropped.get().saturating_add(1));
    }
}

/// The partial match is complete; so are those that it branched off from.
fn consume(after: &mut Runs, run: &Run, left: Stage) {
    let hash = run.key.hash(after.pivot);
    if left == Stage::Start {
        after.remove(hash, run.number);
    } else {
        after.put(Run {
            stage: left,
            ..run.clone()
        });
    }
    let mut parent = run.parent;
    while let Some(number) = parent {
        let removed = after.remove(hash, number);
        let removed = removed.or_else(|| after.remove(None, number));
        parent = removed.and_then(|removed| removed.parent);
    }
}
