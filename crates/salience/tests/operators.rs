//! Each operator by examples. Facts about pico-engine and KRE are told where they decide.

#![cfg(test)]

use std::time::Duration;

use Expression::{After, And, Any, Before, Count, NotBetween, Or, Repeat, Then, Within};
use regex::Regex;
use stratus_event::{Event, EventId, Map, Name, Timestamp, Value};
use stratus_salience::{
    Aggregate, Automaton, Between, Bindings, Conditions, Expression, Filter, Function, Instant,
    Join, Occurrences, Primitive, Progress, Symbol,
};

/// The condition of number 0 wants attribute `n` to be what `x` is bound to.
struct Equal;

impl Conditions for Equal {
    fn holds(&self, condition: usize, event: &Event, bindings: &Bindings) -> bool {
        condition == 0 && event.attributes.get("n") == bindings.get("x")
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// `a`: an event of type `a`; `a=re`: its attribute `n` must match, captures go to `x` and `y`.
fn primitive(text: &str) -> Primitive {
    let (kind, pattern) = text
        .split_once('=')
        .map_or((text, None), |(a, b)| (a, Some(b)));
    let filter = |pattern| Filter {
        attribute: name("n"),
        pattern: Regex::new(pattern).unwrap().into(),
    };
    let captures = pattern.map_or(0, |pattern| Regex::new(pattern).unwrap().captures_len() - 1);
    Primitive {
        symbol: Symbol {
            domain: Some(name("t")),
            kind: Some(name(kind)),
        },
        filters: pattern.map(filter).into_iter().collect(),
        setting: ["x", "y"][..captures].iter().copied().map(name).collect(),
        condition: None,
        intervals: Vec::new(),
        joins: Vec::new(),
        instant: None,
    }
}

fn p(text: &str) -> Expression {
    Expression::Primitive(primitive(text))
}

fn all(text: &str) -> Vec<Expression> {
    text.split(' ').map(p).collect()
}

fn within(milliseconds: u64, expression: Expression) -> Expression {
    Within(Box::new(expression), Duration::from_millis(milliseconds))
}

fn between(first: &str, middle: &str, last: &str) -> Box<Between> {
    Box::new(Between {
        first: p(first),
        middle: p(middle),
        last: p(last),
    })
}

fn times(times: usize, event: &str) -> Occurrences {
    Occurrences {
        times,
        primitive: primitive(event),
        aggregate: None,
    }
}

/// `a@5=z`: type `a` at 5 ms with `n` = `z`. Without a time it is the event's place.
fn event(place: usize, text: &str) -> Event {
    let (rest, n) = text
        .split_once('=')
        .map_or((text, None), |(a, b)| (a, Some(b)));
    let (kind, at) = rest
        .split_once('@')
        .map_or((rest, None), |(a, b)| (a, Some(b)));
    Event {
        id: EventId([0; 16]),
        domain: name("t"),
        kind: name(kind),
        attributes: n.map(|n| ("n", n)).into_iter().collect(),
        time: Timestamp(at.map_or(i64::try_from(place).unwrap(), |at| at.parse().unwrap())),
        cause: None,
    }
}

/// Steps through the events; the progress is written down and read back between them.
fn run(expression: &Expression, events: &str) -> Vec<Option<Bindings>> {
    let automaton = Automaton::new(expression);
    let mut progress = Progress::default();
    let mut fired = Vec::new();
    for (place, text) in events.split(' ').enumerate() {
        let event = event(place, text);
        let step = automaton.step(&progress, &event, event.time, &Equal);
        assert_ne!(
            step.progress.as_ref(),
            Some(&progress),
            "a step that moves nothing says so"
        );
        progress = step.progress.unwrap_or(progress);
        progress = Progress::try_from(&Value::from(&progress)).unwrap();
        fired.push(step.fired);
    }
    fired
}

/// Which events complete the expression: those at the places of an `x`.
fn check(expression: &Expression, events: &str, expected: &str) {
    let fired: String = run(expression, events)
        .iter()
        .map(|fired| if fired.is_some() { 'x' } else { '.' })
        .collect();
    assert_eq!(fired, expected, "{events}");
}

/// What the last event binds.
fn binds(expression: &Expression, events: &str, expected: &[(&str, Value)]) {
    let fired = run(expression, events).pop().flatten();
    let expected = expected
        .iter()
        .map(|(text, value)| (name(text), value.clone()))
        .collect();
    assert_eq!(fired, Some(expected), "{events}");
}

#[test]
fn primitive_events() {
    check(&p("a"), "a b a", "x.x");
    check(&p("a=^z"), "a=z a=yz a a=zy", "x..x");
    // A missing attribute is tested as the empty text.
    check(&p("a=^$"), "a a=z", "x.");
    binds(
        &p("a=(.)(.)?"),
        "a=zy",
        &[("x", "z".into()), ("y", "y".into())],
    );
    binds(
        &p("a=(.)(.)?"),
        "a=z",
        &[("x", "z".into()), ("y", Value::Null)],
    );
    let any = Symbol {
        domain: None,
        kind: None,
    };
    check(
        &Expression::Primitive(Primitive {
            symbol: any,
            ..primitive("a")
        }),
        "a b",
        "xx",
    );
}

#[test]
fn attributes_are_tested_as_text() {
    let list = Value::list([]);
    let cases = [
        (Value::Null, "^null$"),
        (true.into(), "^true$"),
        (2.into(), "^2$"),
        (Value::number(2.5), "^2\\.5$"),
        (list, "^\\[Array\\]$"),
        (Map::new().into(), "^\\[Map\\]$"),
    ];
    for (value, pattern) in cases {
        let mut event = event(0, "a");
        event.attributes.insert("n", value);
        let automaton = Automaton::new(&p(&format!("a={pattern}")));
        let step = automaton.step(&Progress::default(), &event, event.time, &Equal);
        assert!(step.fired.is_some(), "{pattern}");
    }
}

#[test]
fn or_is_the_first_that_completes() {
    check(&Or(all("a b")), "a c b", "x.x");
    let paths = Or(vec![Before(all("a b")), p("c")]);
    check(&paths, "a c b a b", "..x.x");
    binds(&Or(all("a=(q) a=(.)")), "a=z", &[("x", "z".into())]);
    // What the other branch bound is absent.
    let branches = Or(vec![Before(all("a=(.) b")), p("c")]);
    binds(&branches, "c", &[]);
    // Duplicate paths (pico-engine issues 268, 273, 406).
    check(&Or(vec![Before(all("a a")), p("a")]), "a a", "xx");
    check(&Or(vec![And(all("a b")), p("b")]), "a b b", ".xx");
    check(&Or(vec![And(all("a b")), And(all("c a"))]), "c b a", "..x");
}

#[test]
fn and_takes_any_order_and_each_event_once() {
    check(&And(all("a b")), "a c b b a", "..x.x");
    check(&And(all("a b")), "b b b a a", "...x.");
    check(&And(all("a b c")), "c a c a b b", "....x.");
    check(&And(all("a a")), "a a a a", ".x.x");
    check(
        &And(vec![Before(all("a b")), Before(all("c d"))]),
        "a c b d",
        "...x",
    );
    binds(&And(all("a=(.) b=(.)")), "b=1 a=2", &[("x", "2".into())]);
    // Of parts that an event could move it moves the first.
    check(&And(all("a a=z")), "a=z a", "..");
    check(&And(all("a=z a")), "a=z a", ".x");
}

#[test]
fn before_allows_gaps_and_keeps_its_state() {
    check(&Before(all("a b")), "a b b a a c b", ".x....x");
    check(&Before(all("a b c")), "b a c b b c", ".....x");
    // The manual and KRE keep the state when a filter fails; pico-engine loses it.
    check(&Before(all("a b=2")), "a b=9 b=2", "..x");
    check(&Before(vec![And(all("a b")), p("c")]), "c b c a c", "....x");
    binds(&Before(all("a=(.) b")), "a=1 a=2 b", &[("x", "1".into())]);
}

#[test]
fn after_is_before_backwards() {
    check(&After(all("a b")), "a b a", "..x");
    check(&After(all("a b c")), "a b c b a", "....x");
}

#[test]
fn then_suffers_nothing_between() {
    check(&Then(all("a b")), "a b a c b", ".x..x");
    check(&Then(all("a b=bob")), "a=bob b=bob a b=z b=bob", ".x...");
    check(&Then(all("a b")), "a a b", "...");
    check(&Then(all("a b c")), "a b a c a b c", "......x");
    // Inside an or, other paths' events break it too: the rule knows them.
    check(&Or(vec![Then(all("a b")), p("c")]), "a c b a b", "....x");
    check(&And(vec![Then(all("a b")), p("c")]), "a c b a b", "....x");
}

#[test]
fn between_and_not_between() {
    let middle = Expression::Between(between("b", "a", "c"));
    check(&middle, "b a c b a a c b a b c", "..x...x...x");
    check(&middle, "a b c a c", "....x");
    let without = NotBetween(between("b", "a", "c"));
    check(&without, "b c b a c b c", ".x....x");
    check(&without, "b b c b a b c", "..x...x");
    // If the same event would do for both, the last counts.
    check(&NotBetween(between("b", "a", "a")), "b a", ".x");
    let both = Between {
        first: p("b"),
        middle: Before(all("a a")),
        last: And(all("c d")),
    };
    check(
        &NotBetween(Box::new(both)),
        "b a c d b c a a d",
        "...x.....",
    );
}

#[test]
fn any_takes_so_many_different_ones() {
    check(&Any(2, all("a b c")), "a a c b b b a", "..x...x");
    check(&Any(2, all("a b")), "a a b", "..x");
}

#[test]
fn count_begins_anew_and_repeat_slides() {
    check(&Count(times(3, "a")), "a a a a a a", "..x..x");
    check(&Count(times(1, "a")), "a a", "xx");
    // KRE leaves the counter alone when the filter fails.
    check(&Count(times(2, "a=z")), "a=z a=y a=z", "..x");
    check(&Repeat(times(3, "a")), "a a a a b a", "..xx.x");
    check(&Repeat(times(1, "a")), "a a", "xx");
    check(
        &Repeat(times(2, "a=z")),
        "a=z a=z a=z a=y a=z a=z",
        ".xx..x",
    );
    // A sequence that ends with a repeat stays at its end.
    check(
        &Before(vec![p("b"), Repeat(times(2, "a"))]),
        "a b a a a",
        "...xx",
    );
}

#[test]
fn aggregates() {
    let aggregated = |function, into: &[&str]| {
        let setting = into.iter().copied().map(name).collect();
        let aggregate = Some(Aggregate { function, setting });
        Repeat(Occurrences {
            primitive: primitive("a=(.+)"),
            aggregate,
            times: 3,
        })
    };
    let cases = [
        (Function::Average, "a=3 a=8 a=4", 5.into()),
        (Function::Maximum, "a=3 a=8 a=5", 8.into()),
        (Function::Maximum, "a=9 a=1 a=0 a=0", 1.into()),
        (Function::Minimum, "a=0 a=3 a=8 a=5", 3.into()),
        (
            Function::Push,
            "a=3 a=z a=5",
            Value::list(["3".into(), "z".into(), "5".into()]),
        ),
        (Function::Sum, "a=3 a=z a=5", 8.into()),
        (Function::Sum, "a=3 a=inf a=NaN", 3.into()),
    ];
    for (function, events, expected) in cases {
        let last = events.rsplit('=').next().unwrap();
        let bound = [("m", expected), ("x", last.into())];
        binds(&aggregated(function, &["m"]), events, &bound);
    }
    let nulls = Value::list([Value::Null, Value::Null, Value::Null]);
    let texts = Value::list(["1".into(), "2".into(), "3".into()]);
    let bound = [("p", texts), ("q", nulls), ("x", "3".into())];
    binds(
        &aggregated(Function::Push, &["p", "q"]),
        "a=1 a=2 a=3",
        &bound,
    );
}

#[test]
fn within_counts_from_every_beginning() {
    // The end counts.
    check(
        &within(4000, Before(all("a b"))),
        "a@0 b@4000 a@5000 b@9001",
        ".x..",
    );
    // pico-engine and KRE miss this, because the first a has begun the time.
    check(&within(100, Before(all("a b"))), "a@1 a@90 b@120", "..x");
    check(
        &within(100, And(all("a b c"))),
        "a@1 b@80 a@90 c@150 c@170",
        "...x.",
    );
    check(
        &within(100, Count(times(3, "a"))),
        "a@1 a@90 a@110 a@120 a@130",
        "...x.",
    );
    check(
        &within(100, Repeat(times(3, "a"))),
        "a@1 a@90 a@110 a@120 a@130 a@300",
        "...xx.",
    );
    // A match is consumed with its time.
    check(
        &within(4000, Before(all("a b"))),
        "a@0 b@1000 a@3000 b@5000",
        ".x.x",
    );
    check(&within(100, p("a")), "a@1 a@500", "xx");
    binds(
        &within(100, Before(all("a=(.) b"))),
        "a@1=1 a@50=2 a@60=3 b@70",
        &[("x", "1".into())],
    );
    binds(
        &within(100, Before(all("a=(.) b"))),
        "a@1=1 a@50=2 a@60=3 b@140",
        &[("x", "2".into())],
    );
    let nested = Before(vec![within(10, Before(all("a b"))), p("c")]);
    check(&nested, "a@1 b@20 c@21 a@30 b@40 c@99", ".....x");
}

#[test]
fn later_conditions_see_what_earlier_events_bound() {
    let later = Expression::Primitive(Primitive {
        condition: Some(0),
        ..primitive("b")
    });
    let join = Before(vec![p("a=(.)"), later.clone()]);
    check(&join, "a=1 b=2 b=1 b=1", "..x.");
    check(
        &And(vec![p("a=(.)"), later.clone()]),
        "b=1 a=1 b=2 b=1",
        "...x",
    );
    let deep = Before(vec![
        p("a=(.)"),
        Or(vec![p("c"), Before(vec![p("d"), later])]),
    ]);
    check(&deep, "a=1 d b=2 b=1", "...x");
    // Its own captures count too.
    let own = Expression::Primitive(Primitive {
        condition: Some(0),
        ..primitive("a=(.)")
    });
    check(&own, "a=1 a=12", "x.");
}

#[test]
fn progress_of_another_expression_begins_anew() {
    let expressions = [
        p("a"),
        And(all("a b")),
        And(all("a b c")),
        Or(vec![Before(all("a b")), p("c")]),
        Before(all("a b c")),
        within(10, Before(all("a b"))),
        Count(times(2, "a")),
        NotBetween(between("a", "b", "c")),
    ];
    let event = event(0, "a");
    for begun in &expressions {
        let start = Progress::default();
        let step = Automaton::new(begun).step(&start, &event, event.time, &Equal);
        let progress = step.progress.unwrap_or_default();
        for other in &expressions {
            let automaton = Automaton::new(other);
            let step = automaton.step(&progress, &event, event.time, &Equal);
            let fresh = automaton.step(&start, &event, event.time, &Equal);
            assert!(step.fired == fresh.fired || !progress.is_start());
        }
    }
}

#[test]
fn damaged_progress_is_an_error() {
    let cases = [
        Value::Null,
        Value::list([]),
        Value::list([2.into(), Value::Null]),
        Value::list([1.into()]),
        Value::list([1.into(), "x".into()]),
        Value::list([
            1.into(),
            Value::list(["sequence".into(), (-1).into(), Value::Null]),
        ]),
        Value::list([1.into(), Value::list(["counted".into(), Value::Null])]),
    ];
    for value in cases {
        assert!(Progress::try_from(&value).is_err(), "{value:?}");
    }
    let deep = (0..100_000).fold(Value::Null, |inner, _| Value::list(["or".into(), inner]));
    assert!(Progress::try_from(&Value::list([1.into(), deep.clone()])).is_err());
    // Dropping a hundred thousand nested lists would overflow the stack; nothing decodes such.
    std::mem::forget(deep);
}

#[test]
fn bounds_of_expressions() {
    use stratus_salience::ExpressionError as Error;
    let deep = |depth| (0..depth).fold(p("a"), |inner, _| Or(vec![inner]));
    let cases = [
        (p("a"), Ok(())),
        (deep(32), Ok(())),
        (deep(33), Err(Error::Depth)),
        (Or(vec![p("a"); 256]), Ok(())),
        (Or(vec![p("a"); 257]), Err(Error::Primitives)),
        (
            And(Vec::new()),
            Err(Error::Parts {
                wanted: 1,
                given: 0,
            }),
        ),
        (
            Any(0, all("a b")),
            Err(Error::Parts {
                wanted: 0,
                given: 2,
            }),
        ),
        (
            Any(3, all("a b")),
            Err(Error::Parts {
                wanted: 3,
                given: 2,
            }),
        ),
        (Count(times(0, "a")), Err(Error::Times { times: 0 })),
        (Repeat(times(1001, "a")), Err(Error::Times { times: 1001 })),
    ];
    for (expression, expected) in cases {
        assert_eq!(expression.check(), expected);
    }
}

/// `b` joined with what `a` bound to `x`, by attribute `n`.
fn joined() -> Expression {
    let join = |variable| Join {
        variable: name(variable),
        attribute: Some(name("n")),
    };
    let last = Primitive {
        joins: vec![join("x")],
        ..primitive("b")
    };
    Before(vec![p("a=(.+)"), Expression::Primitive(last)])
}

#[test]
fn each_joined_value_has_a_partial_match_of_its_own() {
    check(&joined(), "a=1 a=2 b=3 b=2 b=2 b=1", "...x.x");
    check(&joined(), "a=1 a=1 b=1 b=1", "..x.");
    check(&joined(), "b=1 a=1 b b=1", "...x");
    let late = Before(vec![p("c"), joined()]);
    check(&late, "c a=1 a=2 b=2 b=1 a=3 b=3", "...xx..");
    check(&within(10, joined()), "a@1=1 a@9=2 b@12=1 b@12=2", "...x");
    check(&within(10, joined()), "a@1=1 a@9=1 b@15=1", "..x");
    binds(&joined(), "a=1 a=2 b=2", &[("x", "2".into())]);
}

#[test]
fn too_many_partial_matches_lose_the_oldest() {
    let automaton = Automaton::bounded(&joined(), 3);
    let mut progress = Progress::default();
    let mut dropped = Vec::new();
    for (place, text) in "a=1 a=2 a=3 a=4 b=2 a=5 a=6".split(' ').enumerate() {
        let event = event(place, text);
        let step = automaton.step(&progress, &event, event.time, &Equal);
        progress = step.progress.unwrap_or(progress);
        dropped.push(step.dropped);
    }
    assert_eq!(dropped, [0, 0, 0, 1, 0, 0, 1]);
    assert_eq!(progress.partial_matches(), 3);
    let fires = |text| {
        let event = event(9, text);
        let step = automaton.step(&progress, &event, event.time, &Equal);
        step.fired.is_some()
    };
    assert_eq!(
        ["b=1", "b=3", "b=4", "b=6"].map(fires),
        [false, false, true, true]
    );
}

#[test]
fn attempts_of_a_within_are_bounded_too() {
    let automaton = Automaton::bounded(&within(1000, Before(all("a=(.) b"))), 2);
    let mut progress = Progress::default();
    let mut dropped = 0;
    for (place, text) in "a=1 a=2 a=3".split(' ').enumerate() {
        let event = event(place, text);
        let step = automaton.step(&progress, &event, event.time, &Equal);
        progress = step.progress.unwrap_or(progress);
        dropped += step.dropped;
    }
    assert_eq!((dropped, progress.partial_matches()), (1, 2));
}

/// The instant 0 is what `x` says, in milliseconds since 1970.
struct Times;

impl Conditions for Times {
    fn holds(&self, _: usize, _: &Event, _: &Bindings) -> bool {
        true
    }

    fn instant(&self, _: usize, bindings: &Bindings) -> Option<Timestamp> {
        let text = bindings.get("x")?.as_text()?;
        text.parse().ok().map(Timestamp)
    }
}

fn at(instant: Instant) -> Expression {
    let join = Join {
        variable: name("x"),
        attribute: None,
    };
    let bound = matches!(instant, Instant::Bound(_));
    Expression::Primitive(Primitive {
        joins: bound.then_some(join).into_iter().collect(),
        ..Primitive::at(instant)
    })
}

/// Lets time pass from 0 to 40 ms; events come as [`event`] says, and each instant when the
/// automaton asks for it. When it was complete, each time with a `+` if by an instant.
fn check_times(expression: &Expression, events: &str, expected: &str) {
    let automaton = Automaton::new(expression);
    let (mut progress, mut fired) = (Progress::default(), Vec::new());
    let mut events: Vec<Event> = events
        .split_whitespace()
        .map(|text| event(0, text))
        .collect();
    let mut next = automaton.next_instant(&progress, Timestamp(0), None, &Times);
    for now in (0..=40).map(Timestamp) {
        for event in events.extract_if(.., |event| event.time <= now) {
            let step = automaton.step(&progress, &event, now, &Times);
            fired.extend(step.fired.map(|_| now.0.to_string()));
            progress = step.progress.unwrap_or(progress);
            next = automaton.next_instant(&progress, now, None, &Times);
        }
        while let Some(instant) = next.filter(|next| *next <= now) {
            let passing = Event {
                domain: name("time"),
                ..event(0, "instant")
            };
            let step = automaton.pass(&progress, &passing, instant, now, &Times);
            fired.extend(step.fired.map(|_| format!("{}+", now.0)));
            let bound_after = step.progress.is_none().then_some(instant);
            progress = step.progress.unwrap_or(progress);
            next = automaton.next_instant(&progress, now, bound_after, &Times);
        }
    }
    assert_eq!(fired.join(" "), expected, "{expression:?}");
}

#[test]
fn an_instant_is_an_event() {
    let once = |at_ms| at(Instant::Once(Timestamp(at_ms)));
    let bound = || at(Instant::Bound(0));
    check_times(&once(7), "a@1", "7+");
    check_times(&once(0), "a@1", "");
    check_times(&at(Instant::Daily(9)), "a@1", "9+");
    // Each operator takes it for an event.
    check_times(&Before(vec![p("a"), once(7)]), "a@3", "7+");
    check_times(&Before(vec![p("a"), once(7)]), "a@8", "");
    check_times(&Before(vec![once(7), p("a")]), "a@3 a@9", "9");
    check_times(&After(vec![p("a"), once(7)]), "a@3 a@9", "9");
    check_times(&And(vec![p("a"), once(7)]), "a@9", "9");
    check_times(&And(vec![p("a"), once(7)]), "a@3", "7+");
    check_times(&Or(vec![p("a"), once(7)]), "a@3 a@9", "3 7+ 9");
    check_times(&Any(2, vec![p("a"), p("b"), once(7)]), "b@9", "9");
    check_times(&Then(vec![p("a"), once(7)]), "a@3 a@4", "");
    check_times(&Then(vec![p("a"), once(7)]), "a@3 b@4", "7+");
    check_times(&within(5, Before(vec![p("a"), once(7)])), "a@1 a@2", "7+");
    check_times(&within(5, Before(vec![p("a"), once(7)])), "a@1", "");
    let deadline = |last| {
        NotBetween(Box::new(Between {
            first: p("a=(.+)"),
            middle: p("b"),
            last,
        }))
    };
    check_times(&deadline(bound()), "a@1=9", "9+");
    check_times(&deadline(bound()), "a@1=9 b@5", "");
    // Bound times: each value has a partial match of its own, and what is past comes at once.
    let due = || Before(vec![p("a=(.+)"), bound()]);
    check_times(&due(), "a@1=9 a@2=5 a@3=20", "5+ 9+ 20+");
    check_times(&due(), "a@8=3", "8+");
    check_times(&due(), "a@8=never a@9=12", "12+");
    check_times(&due(), "a@1=9 a@2=9 a@12=9", "9+ 12+");
}
