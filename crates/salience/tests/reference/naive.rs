//! What each operator means, told by looking at all events.

use std::collections::{BTreeMap, BTreeSet};

use stratus_event::{Event, Name, Timestamp, Value};
use stratus_salience::{
    Between, Bindings, Conditions, Expression, Function, Instant, Occurrences, Period, Primitive,
};

use super::cases::{Tests, passing};

/// What an expression makes of one of the events that are offered to it.
#[derive(Clone, Debug)]
struct Outcome {
    /// The event is used.
    taken: bool,
    /// It completes the expression, which binds this.
    complete: Option<Bindings>,
    /// Until when what has come counts, if no other event comes; then it is as at the start.
    live: i64,
    /// What is bound of what is not complete.
    partial: Vec<(Name, Value)>,
}

/// As at the start.
const NOT: i64 = i64::MIN;
/// There is no time limit.
const EVER: i64 = i64::MAX;

/// The history, and what copies of the rule for joined values bound before each place.
struct World<'a> {
    events: &'a [Event],
    keys: &'a BTreeMap<usize, Bindings>,
}

/// What is bound around an expression, each with the place after which it is.
type Scope = Vec<(usize, Bindings)>;

/// For each event whether it completes the expression, and with what.
pub(crate) fn fired(expression: &Expression, events: &[Event]) -> Vec<Option<Bindings>> {
    let primitives = expression.primitives();
    let known = |place: &usize| {
        primitives
            .iter()
            .any(|one| one.symbol.covers(&events[*place]))
    };
    let places: Vec<usize> = (0..events.len()).filter(known).collect();
    let mut joined = joined(&primitives);
    joined.retain(|name| !aggregates(expression, name));
    let mut fired = vec![None; events.len()];
    if joined.is_empty() {
        let keys = BTreeMap::new();
        let world = World {
            events,
            keys: &keys,
        };
        for (place, outcome) in places
            .iter()
            .zip(run(expression, &places, &Scope::new(), &world))
        {
            fired[*place] = outcome.complete;
        }
    } else {
        let mut copies = Copies {
            expression,
            events,
            joined,
            all: Vec::new(),
        };
        for place in places {
            fired[place] = copies.offer(place);
        }
    }
    fired
}

/// The variables that one event binds and another is tested against.
fn joined(primitives: &[&Primitive]) -> BTreeSet<Name> {
    let mut joined = BTreeSet::new();
    for (place, primitive) in primitives.iter().enumerate() {
        for join in &primitive.joins {
            let mut others = primitives.iter().enumerate().filter(|(at, _)| *at != place);
            if others.any(|(_, other)| other.setting.contains(&join.variable)) {
                joined.insert(join.variable.clone());
            }
        }
    }
    joined
}

/// Whether an aggregate binds the variable, which then does not tell copies apart.
fn aggregates(expression: &Expression, name: &Name) -> bool {
    match expression {
        Expression::After(parts)
        | Expression::And(parts)
        | Expression::Any(_, parts)
        | Expression::Before(parts)
        | Expression::Or(parts)
        | Expression::Then(parts) => parts.iter().any(|part| aggregates(part, name)),
        Expression::Between(between) | Expression::NotBetween(between) => {
            let parts = [&between.first, &between.middle, &between.last];
            parts.into_iter().any(|part| aggregates(part, name))
        }
        Expression::Count(one) | Expression::Repeat(one) => one
            .aggregate
            .as_ref()
            .is_some_and(|aggregate| aggregate.setting.contains(name)),
        Expression::Primitive(_) => false,
        Expression::Within(part, _) => aggregates(part, name),
    }
}

/// A copy of the rule for each joined value.
struct Copies<'a> {
    expression: &'a Expression,
    events: &'a [Event],
    joined: BTreeSet<Name>,
    all: Vec<Copy>,
}

#[derive(Clone, Debug)]
struct Copy {
    alive: bool,
    live: i64,
    key: Bindings,
    parent: Option<usize>,
    /// The events that happened to it, and what it was about at each.
    offered: BTreeMap<usize, Bindings>,
}

impl Copies<'_> {
    fn offer(&mut self, place: usize) -> Option<Bindings> {
        let now = self.events[place].time.0;
        for copy in &mut self.all {
            copy.alive &= copy.live >= now;
        }
        let before = self.keys();
        let mut fired = None;
        for at in 0..self.all.len() {
            if !self.all[at].alive {
                continue;
            }
            let (copy, outcome) = self.after(Some(at), place);
            match outcome.complete {
                Some(bound) if fired.is_none() => {
                    fired = Some(bound);
                    self.all[at] = Copy {
                        key: self.all[at].key.clone(),
                        ..copy
                    };
                    self.consume_parents(at);
                }
                Some(_) => {}
                None if copy.key == self.all[at].key || !copy.alive => self.all[at] = copy,
                None => self.branch(&before, copy),
            }
        }
        let (copy, outcome) = self.after(None, place);
        if outcome.complete.is_none() || fired.is_none() {
            fired = outcome.complete.or(fired);
            self.branch(&before, copy);
        }
        fired
    }

    /// What the event would make of a copy, or of the start.
    fn after(&self, at: Option<usize>, place: usize) -> (Copy, Outcome) {
        let start = Copy {
            alive: true,
            live: NOT,
            key: Bindings::new(),
            parent: None,
            offered: BTreeMap::new(),
        };
        let mut copy = at.map_or(start, |at| self.all[at].clone());
        copy.offered.insert(place, copy.key.clone());
        let places: Vec<usize> = copy.offered.keys().copied().collect();
        let world = World {
            events: self.events,
            keys: &copy.offered,
        };
        let outcome = run(self.expression, &places, &Scope::new(), &world)
            .pop()
            .unwrap();
        let mut key = copy.key.clone();
        for (name, value) in &outcome.partial {
            if self.joined.contains(name) && *value != Value::Null {
                key.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        if key != copy.key {
            copy.parent = at;
        }
        copy.key = key;
        copy.live = outcome.live;
        copy.alive = outcome.live != NOT;
        (copy, outcome)
    }

    fn branch(&mut self, before: &[Bindings], copy: Copy) {
        let known = before.contains(&copy.key) || self.keys().contains(&copy.key);
        if copy.alive && !known {
            self.all.push(copy);
        }
    }

    fn keys(&self) -> Vec<Bindings> {
        let alive = self.all.iter().filter(|copy| copy.alive);
        alive.map(|copy| copy.key.clone()).collect()
    }

    fn consume_parents(&mut self, at: usize) {
        let mut parent = self.all[at].parent;
        while let Some(at) = parent {
            if !self.all[at].alive {
                break;
            }
            self.all[at].alive = false;
            parent = self.all[at].parent;
        }
    }
}

/// What an expression makes of each of these events, offered from its start on.
fn run(
    expression: &Expression,
    offered: &[usize],
    scope: &Scope,
    world: &World<'_>,
) -> Vec<Outcome> {
    match expression {
        Expression::After(parts) => {
            let backwards: Vec<_> = parts.iter().rev().collect();
            sequence(&backwards, false, offered, scope, world)
        }
        Expression::And(parts) => set(parts.len(), parts, offered, scope, world),
        Expression::Any(wanted, parts) => set(*wanted, parts, offered, scope, world),
        Expression::Before(parts) => sequence(
            &parts.iter().collect::<Vec<_>>(),
            false,
            offered,
            scope,
            world,
        ),
        Expression::Between(between) => {
            let parts = [&between.first, &between.middle, &between.last];
            sequence(&parts, false, offered, scope, world)
        }
        Expression::Count(one) => counted(one, false, None, offered, scope, world),
        Expression::NotBetween(between) => not_between(between, offered, scope, world),
        Expression::Or(parts) => or(parts, offered, scope, world),
        Expression::Primitive(one) => offered
            .iter()
            .map(|place| {
                let complete = matched(one, *place, scope, world).map(|(bound, _)| bound);
                outcome(complete.is_some(), complete, NOT, Vec::new())
            })
            .collect(),
        Expression::Repeat(one) => counted(one, true, None, offered, scope, world),
        Expression::Then(parts) => sequence(
            &parts.iter().collect::<Vec<_>>(),
            true,
            offered,
            scope,
            world,
        ),
        Expression::Within(part, period) => match &**part {
            Expression::Count(one) => counted(one, false, Some(*period), offered, scope, world),
            Expression::Repeat(one) => counted(one, true, Some(*period), offered, scope, world),
            part => within(part, *period, offered, scope, world),
        },
    }
}

fn outcome(
    taken: bool,
    complete: Option<Bindings>,
    live: i64,
    partial: Vec<(Name, Value)>,
) -> Outcome {
    Outcome {
        taken,
        complete,
        live,
        partial,
    }
}

/// Whether the event is of the primitive's symbol, and both are about an instant, or neither is.
fn concerns(primitive: &Primitive, event: &Event) -> bool {
    primitive.instant.is_some() == passing(event).is_some() && primitive.symbol.covers(event)
}

/// What a primitive binds, and all its captures.
fn matched(
    primitive: &Primitive,
    place: usize,
    scope: &Scope,
    world: &World<'_>,
) -> Option<(Bindings, Vec<Value>)> {
    let event = &world.events[place];
    let text = event.attributes.text("n").unwrap_or_default();
    if !concerns(primitive, event) {
        return None;
    }
    let mut captures = Vec::new();
    for filter in &primitive.filters {
        let groups = filter.pattern.captures(text)?;
        let value = |group: Option<regex::Match<'_>>| {
            group.map_or(Value::Null, |group| Value::text(group.as_str()))
        };
        captures.extend(groups.iter().skip(1).map(value));
    }
    let bound: Bindings = primitive
        .setting
        .iter()
        .cloned()
        .zip(captures.clone())
        .collect();
    let key = world.keys.get(&place).cloned().unwrap_or_default();
    if bound
        .iter()
        .any(|(name, value)| key.get(name).is_some_and(|known| known != value))
    {
        return None;
    }
    let mut visible = Bindings::new();
    for (_, bound) in scope.iter().filter(|(since, _)| *since < place) {
        visible.extend(bound.clone());
    }
    visible.extend(bound.clone());
    if let (Some(instant), Some(passing)) = (primitive.instant, passing(event)) {
        let wanted = match instant {
            Instant::Bound(number) => Tests.instant(number, &visible),
            Instant::Daily(of_day) => Some(Timestamp(i64::from(of_day))),
            Instant::Once(at) => Some(at),
        };
        return (wanted == Some(passing)).then(Default::default);
    }
    let equal = |variable| match visible.get(variable) {
        Some(Value::Text(known)) => **known == *text,
        Some(Value::Number(known)) => known.to_string() == text,
        _ => false,
    };
    let mut equalities = primitive
        .joins
        .iter()
        .filter(|join| join.attribute.is_some());
    if !equalities.all(|join| equal(&join.variable)) {
        return None;
    }
    let holds = |condition| Tests.holds(condition, event, &visible);
    primitive
        .condition
        .is_none_or(holds)
        .then_some((bound, captures))
}

/// One part after the other. `strict`: nothing between.
fn sequence(
    parts: &[&Expression],
    strict: bool,
    offered: &[usize],
    scope: &Scope,
    world: &World<'_>,
) -> Vec<Outcome> {
    let from = |at: usize, begin: usize, bound: &Bindings| {
        let scope = with(scope, begin.checked_sub(1).map(|last| offered[last]), bound);
        run(parts[at], &offered[begin..], &scope, world)
    };
    let mut all = Vec::new();
    let (mut at, mut begin, mut bound, mut live) = (0, 0, Bindings::new(), NOT);
    let mut part = from(0, 0, &bound);
    for (place, event) in offered.iter().enumerate() {
        let one = part[place - begin].clone();
        let undone = strict
            && at > 0
            && one.complete.is_none()
            && !one.taken
            && live < world.events[*event].time.0;
        let finished = one.complete.is_some() && at + 1 == parts.len();
        let mut complete = None;
        live = one.live;
        if let Some(more) = &one.complete {
            let mut both = bound.clone();
            both.extend(more.clone());
            complete = finished.then(|| both.clone());
            if !finished {
                (at, begin, bound, live) = (at + 1, place + 1, both, NOT);
                part = from(at, begin, &bound);
            }
        }
        if undone || (finished && one.live == NOT) {
            (at, begin, bound, live) = (0, place + 1, Bindings::new(), NOT);
            part = from(0, begin, &bound);
        }
        let mut partial: Vec<_> = bound.clone().into_iter().collect();
        if begin <= place {
            partial.extend(one.partial);
        }
        let alive = if at > 0 { EVER } else { live };
        all.push(outcome(one.taken, complete, alive, partial));
    }
    all
}

fn with(scope: &Scope, since: Option<usize>, bound: &Bindings) -> Scope {
    let mut scope = scope.clone();
    scope.extend(since.map(|since| (since, bound.clone())));
    scope
}

/// Any one of the parts; once some have begun, one of these. The first in the text if an event
/// completes several.
fn or(parts: &[Expression], offered: &[usize], scope: &Scope, world: &World<'_>) -> Vec<Outcome> {
    let nothing = outcome(false, None, NOT, Vec::new());
    let mut seen: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    let mut last = vec![nothing.clone(); parts.len()];
    let mut all = Vec::new();
    for place in offered {
        let now = world.events[*place].time.0;
        let begun: Vec<bool> = last.iter().map(|one| one.live >= now).collect();
        let (mut taken, mut winner) = (false, None);
        for (at, part) in parts.iter().enumerate() {
            if winner.is_some() || (begun.contains(&true) && !begun[at]) {
                continue;
            }
            seen[at].push(*place);
            last[at] = run(part, &seen[at], scope, world).pop().unwrap();
            taken |= last[at].taken;
            winner = last[at].complete.is_some().then_some(at);
        }
        if let Some(winner) = winner {
            for at in (0..parts.len()).filter(|at| *at != winner) {
                seen[at].clear();
                last[at] = nothing.clone();
            }
            all.push(last[winner].clone());
            continue;
        }
        let live = last.iter().map(|one| one.live).max().unwrap();
        let partial = last.iter().flat_map(|one| one.partial.clone()).collect();
        all.push(outcome(taken, None, live, partial));
    }
    all
}

/// So many of the parts in any order; an event goes to the first part that uses it.
fn set(
    wanted: usize,
    parts: &[Expression],
    offered: &[usize],
    scope: &Scope,
    world: &World<'_>,
) -> Vec<Outcome> {
    let mut all = Vec::new();
    let mut rest = offered;
    while !rest.is_empty() {
        let outcomes = set_once(wanted, parts, rest, scope, world);
        rest = &rest[outcomes.len()..];
        all.extend(outcomes);
    }
    all
}

/// Up to its first completion.
fn set_once(
    wanted: usize,
    parts: &[Expression],
    offered: &[usize],
    scope: &Scope,
    world: &World<'_>,
) -> Vec<Outcome> {
    let mut scope = scope.clone();
    let mut bound = Bindings::new();
    let mut seen: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    let mut last = vec![outcome(false, None, NOT, Vec::new()); parts.len()];
    let mut all = Vec::new();
    for place in offered {
        let mut taken = false;
        for (at, part) in parts.iter().enumerate() {
            if taken || last[at].complete.is_some() {
                continue;
            }
            seen[at].push(*place);
            last[at] = run(part, &seen[at], &scope, world).pop().unwrap();
            taken = last[at].taken;
            if let Some(more) = &last[at].complete {
                bound.extend(more.clone());
                scope.push((*place, more.clone()));
            }
        }
        let done = last.iter().filter(|part| part.complete.is_some()).count();
        if taken && done >= wanted {
            all.push(outcome(true, Some(bound), NOT, Vec::new()));
            return all;
        }
        let open: Vec<_> = last.iter().filter(|part| part.complete.is_none()).collect();
        let live = open.iter().map(|part| part.live).max().unwrap_or(NOT);
        let mut partial: Vec<_> = bound.clone().into_iter().collect();
        partial.extend(open.into_iter().flat_map(|part| part.partial.clone()));
        all.push(outcome(
            taken,
            None,
            if done > 0 { EVER } else { live },
            partial,
        ));
    }
    all
}

/// Every so-manieth event, or (`slides`) each one that has so many with it.
fn counted(
    one: &Occurrences,
    slides: bool,
    period: Option<Period>,
    offered: &[usize],
    scope: &Scope,
    world: &World<'_>,
) -> Vec<Outcome> {
    let mut window: Vec<(Timestamp, Vec<Value>)> = Vec::new();
    let mut all = Vec::new();
    for place in offered {
        let now = world.events[*place].time;
        window.retain(|(at, _)| period.is_none_or(|period| now.since(*at) <= period));
        let matched = matched(&one.primitive, *place, scope, world);
        let mut complete = None;
        let taken = matched.is_some();
        if let Some((mut bound, captures)) = matched {
            window.push((now, captures));
            if window.len() == one.times {
                bound.extend(aggregate(one, &window));
                complete = Some(bound);
                window.drain(..if slides { 1 } else { one.times });
            }
        } else if slides && concerns(&one.primitive, &world.events[*place]) {
            window.clear();
        }
        let live = match (window.last(), period) {
            (None, _) => NOT,
            (Some(_), None) => EVER,
            (Some((at, _)), Some(period)) => deadline(*at, period),
        };
        all.push(outcome(taken, complete, live, Vec::new()));
    }
    all
}

fn aggregate(one: &Occurrences, window: &[(Timestamp, Vec<Value>)]) -> Bindings {
    let Some(aggregate) = &one.aggregate else {
        return Bindings::new();
    };
    let bind = |(place, name): (usize, &Name)| {
        let captures = || {
            window
                .iter()
                .map(|(_, captures)| captures.get(place).cloned())
        };
        let number = |value: Option<Value>| -> f64 {
            let text = value.unwrap_or_default();
            text.as_text()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0.0)
        };
        let mut numbers: Vec<f64> = captures().map(number).collect();
        let sum: f64 = numbers.iter().sum();
        let mean = sum / numbers.len() as f64;
        numbers.sort_by(f64::total_cmp);
        let value = match aggregate.function {
            Function::Average => Value::number(mean),
            Function::Maximum => Value::number(*numbers.last().unwrap()),
            Function::Minimum => Value::number(*numbers.first().unwrap()),
            Function::Push => Value::list(captures().map(Option::unwrap_or_default)),
            Function::Sum => Value::number(sum),
        };
        (name.clone(), value)
    };
    aggregate.setting.iter().enumerate().map(bind).collect()
}

/// The first, then the last without the middle.
fn not_between(
    between: &Between,
    offered: &[usize],
    scope: &Scope,
    world: &World<'_>,
) -> Vec<Outcome> {
    let mut all = Vec::new();
    let mut rest = offered;
    while !rest.is_empty() {
        let outcomes = not_between_once(between, rest, scope, world);
        rest = &rest[outcomes.len()..];
        all.extend(outcomes);
    }
    all
}

/// Up to where it is complete or undone.
fn not_between_once(
    between: &Between,
    offered: &[usize],
    scope: &Scope,
    world: &World<'_>,
) -> Vec<Outcome> {
    let mut all = run(&between.first, offered, scope, world);
    let Some(first) = all.iter().position(|one| one.complete.is_some()) else {
        return all;
    };
    all.truncate(first + 1);
    let bound = all[first].complete.take().unwrap();
    let known: Vec<_> = bound.clone().into_iter().collect();
    all[first] = outcome(true, None, EVER, known.clone());
    let scope = with(scope, Some(offered[first]), &bound);
    let rest = &offered[first + 1..];
    let middle = run(&between.middle, rest, &scope, world);
    let last = run(&between.last, rest, &scope, world);
    for (middle, last) in middle.into_iter().zip(last) {
        if let Some(more) = last.complete {
            let mut both = bound.clone();
            both.extend(more);
            all.push(outcome(true, Some(both), NOT, Vec::new()));
            return all;
        }
        if middle.complete.is_some() {
            all.push(outcome(true, None, NOT, Vec::new()));
            return all;
        }
        let partial = [known.clone(), middle.partial, last.partial].concat();
        all.push(outcome(middle.taken || last.taken, None, EVER, partial));
    }
    all
}

/// An attempt from each event on; the oldest one that is complete in time counts.
fn within(
    part: &Expression,
    period: Period,
    offered: &[usize],
    scope: &Scope,
    world: &World<'_>,
) -> Vec<Outcome> {
    let time = |place: usize| world.events[offered[place]].time;
    let mut attempts: Vec<(usize, Vec<Outcome>)> = Vec::new();
    let mut all = Vec::new();
    for place in 0..offered.len() {
        attempts.retain(|(begin, _)| time(place).since(time(*begin)) <= period);
        attempts.push((place, run(part, &offered[place..], scope, world)));
        let now = |(begin, outcomes): &(usize, Vec<Outcome>)| outcomes[place - begin].clone();
        let taken = attempts.iter().any(|attempt| now(attempt).taken);
        if let Some(complete) = attempts.iter().find_map(|attempt| now(attempt).complete) {
            attempts.clear();
            all.push(outcome(true, Some(complete), NOT, Vec::new()));
            continue;
        }
        attempts.retain(|attempt| now(attempt).live != NOT);
        let end = |attempt: &(usize, Vec<Outcome>)| {
            now(attempt).live.min(deadline(time(attempt.0), period))
        };
        let live = attempts.iter().map(end).max().unwrap_or(NOT);
        let partial = attempts
            .iter()
            .flat_map(|attempt| now(attempt).partial)
            .collect();
        all.push(outcome(taken, None, live, partial));
    }
    all
}

fn deadline(since: Timestamp, period: Period) -> i64 {
    since.0 + i64::try_from(period.as_millis()).unwrap()
}
