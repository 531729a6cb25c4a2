//! Automata against a matcher that knows all events and no state.
//!
//! The reference looks at the whole history since the last match each time; it shares nothing with
//! the automata but the meaning. The drawing of cases is seeded, so a failure can be repeated.

#![cfg(test)]

use std::{collections::BTreeSet, fmt::Write, sync::LazyLock, time::Duration};

use regex::Regex;
use stratus_event::{Event, EventId, Name, Timestamp, Value};
use stratus_salience::{
    Automaton, Bindings, Conditions, Expression, Filter, Index, Occurrences, Primitive, Progress,
    RulePlace, Symbol,
};

const CASES: u64 = 2000;
const EVENTS: usize = 24;

/// Compiled once: that takes longer than a case.
static PATTERNS: LazyLock<[Regex; 3]> =
    LazyLock::new(|| ["([0-3])", "([01])", "([12])"].map(|text| Regex::new(text).unwrap()));

/// Condition `n` holds for events whose attribute is not `n`.
struct NotThat;

impl Conditions for NotThat {
    fn holds(&self, condition: usize, event: &Event, _: &Bindings) -> bool {
        event.attributes.text("n") != Some(&condition.to_string())
    }
}

/// What the reference finds: which event completes the expression, which ones it used until then,
/// what it bound.
#[derive(Debug, Default)]
struct Found {
    end: Option<usize>,
    used: BTreeSet<usize>,
    bindings: Bindings,
}

/// Looks at the events at those places of the history.
fn find(expression: &Expression, history: &[Event], places: &[usize]) -> Found {
    match expression {
        Expression::After(parts) => {
            let backwards: Vec<_> = parts.iter().rev().cloned().collect();
            find_sequence(&backwards, history, places)
        }
        Expression::And(parts) => find_some(parts.len(), parts, history, places),
        Expression::Any(wanted, parts) => find_some(*wanted, parts, history, places),
        Expression::Before(parts) => find_sequence(parts, history, places),
        Expression::Count(occurrences) => {
            let parts =
                vec![Expression::Primitive(occurrences.primitive.clone()); occurrences.times];
            find_sequence(&parts, history, places)
        }
        Expression::Or(parts) => find_first(parts, history, places),
        Expression::Primitive(primitive) => find_one(primitive, history, places),
        Expression::Within(part, period) => find_within(part, *period, history, places),
        _ => unreachable!("not drawn"),
    }
}

fn find_one(primitive: &Primitive, history: &[Event], places: &[usize]) -> Found {
    let fits = |place: &&usize| matches(primitive, &history[**place]);
    let Some(&place) = places.iter().find(fits) else {
        return Found::default();
    };
    let text = history[place].attributes.text("n").unwrap_or_default();
    let bindings = primitive
        .setting
        .iter()
        .map(|name| (name.clone(), Value::text(text)))
        .collect();
    Found {
        end: Some(place),
        used: BTreeSet::from([place]),
        bindings,
    }
}

fn matches(primitive: &Primitive, event: &Event) -> bool {
    let text = event.attributes.text("n").unwrap_or_default();
    primitive
        .symbol
        .domain
        .as_ref()
        .is_none_or(|domain| *domain == event.domain)
        && primitive
            .symbol
            .kind
            .as_ref()
            .is_none_or(|kind| *kind == event.kind)
        && primitive
            .filters
            .iter()
            .all(|filter| filter.pattern.is_match(text))
        && primitive
            .condition
            .is_none_or(|it| NotThat.holds(it, event, &Bindings::new()))
}

fn find_sequence(parts: &[Expression], history: &[Event], places: &[usize]) -> Found {
    let mut found = Found::default();
    let mut rest = places.to_vec();
    for part in parts {
        let next = find(part, history, &rest);
        found.used.extend(next.used);
        found.end = next.end;
        let Some(end) = next.end else { break };
        found.bindings.extend(next.bindings);
        rest.retain(|place| *place > end);
    }
    found
}

fn find_first(parts: &[Expression], history: &[Event], places: &[usize]) -> Found {
    let found: Vec<_> = parts
        .iter()
        .map(|part| find(part, history, places))
        .collect();
    let used = found
        .iter()
        .flat_map(|one| one.used.iter().copied())
        .collect();
    match found
        .into_iter()
        .filter(|one| one.end.is_some())
        .min_by_key(|one| one.end)
    {
        Some(first) => Found { used, ..first }.cut(),
        None => Found {
            used,
            ..Found::default()
        },
    }
}

/// Each part sees what the parts before it left; it ends with the last of so many.
fn find_some(wanted: usize, parts: &[Expression], history: &[Event], places: &[usize]) -> Found {
    let mut rest = places.to_vec();
    let mut found = Vec::new();
    for part in parts {
        let one = find(part, history, &rest);
        rest.retain(|place| !one.used.contains(place));
        found.push(one);
    }
    let used = found
        .iter()
        .flat_map(|one| one.used.iter().copied())
        .collect();
    let mut complete: Vec<_> = found.into_iter().filter(|one| one.end.is_some()).collect();
    // The last to come says what a variable is that several bind.
    complete.sort_by_key(|one| one.end);
    let end = complete.get(wanted - 1).and_then(|one| one.end);
    let bindings = complete
        .into_iter()
        .take(wanted)
        .flat_map(|one| one.bindings)
        .collect();
    Found {
        end,
        used,
        bindings,
    }
    .cut()
}

/// From each beginning anew. What is bound is not compared, because only some beginnings are kept.
fn find_within(part: &Expression, period: Duration, history: &[Event], places: &[usize]) -> Found {
    let mut best: Option<(usize, Bindings)> = None;
    let mut used = BTreeSet::new();
    for (skipped, &first) in places.iter().enumerate() {
        let found = find(part, history, &places[skipped..]);
        let in_time = |place: &usize| history[*place].time.since(history[first].time) <= period;
        // Else it is the attempt of a later event.
        if found.used.first() != Some(&first) {
            continue;
        }
        used.extend(found.used.iter().filter(|place| in_time(place)));
        if let Some(end) = found.end.filter(in_time)
            && best.as_ref().is_none_or(|(other, _)| end < *other)
        {
            best = Some((end, found.bindings));
        }
    }
    match best {
        Some((end, bindings)) => Found {
            end: Some(end),
            used,
            bindings,
        }
        .cut(),
        None => Found {
            end: None,
            used,
            bindings: Bindings::new(),
        },
    }
}

impl Found {
    /// What comes after the end was never used.
    fn cut(mut self) -> Self {
        if let Some(end) = self.end {
            self.used.retain(|place| *place <= end);
        }
        self
    }
}

/// Marsaglia's xorshift64.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn name(&mut self, names: &[&str]) -> Name {
        Name::new(names[self.below(names.len())]).unwrap()
    }

    fn primitive(&mut self) -> Primitive {
        let some = |draw: &mut Self, names| (draw.below(8) > 0).then(|| draw.name(names));
        let symbol = Symbol {
            domain: some(self, &["s", "t"]),
            kind: some(self, &["a", "b", "c"]),
        };
        let pattern = PATTERNS[self.below(3)].clone();
        let filter = Filter {
            attribute: Name::new("n").unwrap(),
            pattern,
        };
        let filtered = self.below(3) == 0;
        Primitive {
            symbol,
            filters: filtered.then_some(filter).into_iter().collect(),
            setting: filtered
                .then(|| self.name(&["x", "y"]))
                .into_iter()
                .collect(),
            condition: (self.below(5) == 0).then(|| self.below(4)),
        }
    }

    fn expression(&mut self, depth: usize, timed: bool) -> Expression {
        if depth == 0 {
            return Expression::Primitive(self.primitive());
        }
        let operator = self.below(if timed { 8 } else { 7 });
        // Attempts within attempts are kept by halves only, so the reference does not cover them.
        let timed = timed && operator < 7;
        let count = 1 + self.below(3);
        let parts = (0..count)
            .map(|_| self.expression(depth - 1, timed))
            .collect::<Vec<_>>();
        match operator {
            0 => Expression::After(parts),
            1 => Expression::And(parts),
            2 => Expression::Any(1 + self.below(count), parts),
            3 => Expression::Before(parts),
            4 => Expression::Count(Occurrences {
                times: count,
                primitive: self.primitive(),
                aggregate: None,
            }),
            5 => Expression::Or(parts),
            6 => Expression::Primitive(self.primitive()),
            _ => {
                let period = Duration::from_millis(u64::try_from(self.below(30)).unwrap());
                let part = [Expression::And, Expression::Before, Expression::Or][self.below(3)];
                Expression::Within(Box::new(part(parts)), period)
            }
        }
    }

    fn events(&mut self) -> Vec<Event> {
        let mut now = 0;
        let mut draw = || {
            now += i64::try_from(self.below(5)).unwrap();
            Event {
                id: EventId([0; 16]),
                domain: self.name(&["s", "t", "t", "t"]),
                kind: self.name(&["a", "b", "c"]),
                attributes: [("n", self.below(4).to_string())].into(),
                time: Timestamp(now),
                cause: None,
            }
        };
        (0..EVENTS).map(|_| draw()).collect()
    }
}

/// For each event whether it completes the expression, by looking back.
fn by_reference(expression: &Expression, events: &[Event]) -> Vec<Option<Bindings>> {
    let mut begin = 0;
    let mut fired = Vec::new();
    for place in 0..events.len() {
        let places: Vec<_> = (begin..=place).collect();
        let found = find(expression, events, &places);
        let complete = found.end == Some(place);
        fired.push(complete.then_some(found.bindings));
        begin = if complete { place + 1 } else { begin };
    }
    fired
}

/// The same by an automaton behind an index.
fn by_automaton(expression: &Expression, events: &[Event]) -> Vec<Option<Bindings>> {
    let automaton = Automaton::new(expression);
    let place = RulePlace {
        ruleset: 3,
        rule: 1,
    };
    let mut index = Index::default();
    index.install(place, &automaton);
    let mut progress = Progress::default();
    let mut fired = Vec::new();
    for event in events {
        if index.woken(event, |_| !progress.is_start()).is_empty() {
            let step = automaton.step(&progress, event, event.time, &NotThat);
            assert!(
                step.fired.is_none() && step.progress.is_none(),
                "the index hides an event"
            );
            fired.push(None);
            continue;
        }
        let step = automaton.step(&progress, event, event.time, &NotThat);
        progress = step.progress.unwrap_or(progress);
        progress = Progress::try_from(&Value::from(&progress)).unwrap();
        fired.push(step.fired);
    }
    fired
}

fn describe(seed: u64, expression: &Expression, events: &[Event]) -> String {
    let mut text = format!("seed {seed}\n{expression:#?}\n");
    for event in events {
        let n = event.attributes.text("n").unwrap_or_default();
        writeln!(text, "{} {n} at {}", event.symbol(), event.time.0).unwrap();
    }
    text
}

#[test]
fn untimed_expressions_fire_and_bind_as_the_reference_says() {
    let mut matches = 0;
    for seed in 1..=CASES {
        let mut draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let expression = draw.expression(3, false);
        let events = draw.events();
        let expected = by_reference(&expression, &events);
        matches += expected.iter().flatten().count();
        let found = by_automaton(&expression, &events);
        assert_eq!(found, expected, "{}", describe(seed, &expression, &events));
    }
    assert!(
        matches > 5_000,
        "only {matches} matches: the cases say little"
    );
}

#[test]
fn timed_expressions_fire_as_the_reference_says() {
    let mut matches = 0;
    for seed in 1..=CASES {
        let mut draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let expression = draw.expression(3, true);
        let events = draw.events();
        let fires = |fired: Vec<Option<Bindings>>| -> Vec<bool> {
            fired.iter().map(Option::is_some).collect()
        };
        let expected = fires(by_reference(&expression, &events));
        matches += expected.iter().filter(|fires| **fires).count();
        let found = fires(by_automaton(&expression, &events));
        assert_eq!(found, expected, "{}", describe(seed, &expression, &events));
    }
    assert!(
        matches > 5_000,
        "only {matches} matches: the cases say little"
    );
}
