//! Why an event did, or did not, select a rule.

#![cfg(test)]

use std::{sync::Arc, time::Duration};

use regex::Regex;
use stratus_event::{Event, EventId, Name, Timestamp};
use stratus_salience::{
    Automaton, Bindings, Conditions, Did, Expression, Filter, Join, Occurrences, Primitive,
    Progress, Symbol,
};

/// Condition 0 never holds.
struct Never;

impl Conditions for Never {
    fn holds(&self, _: usize, _: &Event, _: &Bindings) -> bool {
        false
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// `a`; `a=re` with captures in `x`; `a~x` joined by attribute `n`; `a?` with a condition.
fn p(text: &str) -> Primitive {
    let kind = text.split(['=', '~', '?']).next().unwrap();
    let pattern = text.split_once('=').map(|(_, pattern)| pattern);
    let pattern = pattern.map(|pattern| Arc::new(Regex::new(pattern).unwrap()));
    let captures = pattern.iter().any(|pattern| pattern.captures_len() > 1);
    let join = |(_, variable)| Join {
        variable: name(variable),
        attribute: Some(name("n")),
    };
    Primitive {
        symbol: Symbol {
            domain: Some(name("t")),
            kind: Some(name(kind)),
        },
        filters: pattern
            .map(|pattern| Filter {
                attribute: name("n"),
                pattern,
            })
            .into_iter()
            .collect(),
        setting: captures.then(|| name("x")).into_iter().collect(),
        condition: text.ends_with('?').then_some(0),
        intervals: Vec::new(),
        joins: text.split_once('~').map(join).into_iter().collect(),
        instant: None,
    }
}

fn all(text: &str) -> Vec<Expression> {
    text.split(' ')
        .map(|text| Expression::Primitive(p(text)))
        .collect()
}

/// What is said of the last of the events, `a=n` each, one millisecond apart.
fn check(expression: &Expression, events: &str, expected: &str) {
    let automaton = Automaton::new(expression);
    let mut progress = Progress::default();
    let mut said = String::new();
    for (text, at) in events.split(' ').zip(1..) {
        let (kind, n) = text.split_once('=').unwrap_or((text, ""));
        let event = Event {
            id: EventId([0; 16]),
            domain: name("t"),
            kind: name(kind),
            attributes: [("n", n)].into_iter().collect(),
            time: Timestamp(at),
            cause: None,
        };
        let step = automaton.step(&progress, &event, event.time, &Never);
        let did = match &step {
            step if step.fired.is_some() => Did::Fired,
            step if step.progress.is_some() => Did::Moved,
            _ => Did::Nothing,
        };
        progress = step.progress.unwrap_or(progress);
        said = automaton.why(&event, did, &progress).to_string();
    }
    assert_eq!(said, expected, "{events}");
}

#[test]
fn not_woken() {
    let both = Expression::Before(all("a=(z.*) b"));
    check(&both, "b", "not woken: it is not t:a");
    check(
        &both,
        "a=y",
        r#"not woken: n of t:a is "y", which (z.*) does not match"#,
    );
    check(
        &Expression::Or(all("a b")),
        "c",
        "not woken: it is not t:a; it is not t:b",
    );
    check(
        &Expression::Primitive(p("a?")),
        "a",
        "not woken: the where of t:a does not hold",
    );
}

#[test]
fn waiting() {
    let both = Expression::Before(all("a=(z.*) b c"));
    check(
        &both,
        "a=z1",
        r#"waiting at step 2 of 3 for t:b, with x = "z1""#,
    );
    let within = Expression::Within(Box::new(both), Duration::from_mins(1));
    check(
        &within,
        "a=z1 b",
        r#"waiting at step 3 of 3 for t:c until 1970-01-01T00:01:00.001Z, with x = "z1""#,
    );
    check(
        &Expression::And(all("a b c")),
        "b",
        "waiting at step 2 of 3 for t:a or t:c",
    );
    let count = Expression::Count(Occurrences {
        times: 3,
        primitive: p("a"),
        aggregate: None,
    });
    check(&count, "a a", "waiting at step 3 of 3 for t:a");
    check(
        &Expression::Before(all("a b?")),
        "a b",
        "waiting at step 2 of 2 for t:b; this event: the where of t:b does not hold",
    );
}

#[test]
fn waiting_for_another() {
    check(
        &Expression::Before(all("a b c")),
        "a c",
        "waiting at step 2 of 3 for t:b; this event: it is not t:b",
    );
}

#[test]
fn joined() {
    let both = Expression::Before(all("a=(.+) b~x"));
    check(
        &both,
        "a=1 a=2 b=3",
        concat!(
            r#"waiting at step 2 of 2 for t:b, with x = "1"; "#,
            r#"waiting at step 2 of 2 for t:b, with x = "2"; "#,
            r#"this event: n of t:b is "3", which no x is"#
        ),
    );
    check(&both, "a=1 a=2 b=2", "fired");
    check(&both, "a=1 b=1", "fired");
}
