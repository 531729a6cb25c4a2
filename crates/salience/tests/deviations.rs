//! Where we differ from pico-engine: the table of `spec/krl/deviations.md`.

#![cfg(test)]

use std::time::Duration;

use Expression::{Any, Before, Count, Or, Repeat, Within};
use regex::Regex;
use stratus_event::{Event, EventId, Name, Timestamp};
use stratus_salience::{
    Automaton, Bindings, Conditions, Expression, Filter, Join, Occurrences, Primitive, Progress,
    Symbol,
};

struct None;

impl Conditions for None {
    fn holds(&self, _: usize, _: &Event, _: &Bindings) -> bool {
        true
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// `a`, `a=pattern`, `a~variable`.
fn primitive(text: &str) -> Primitive {
    let kind = text.split(['=', '~']).next().unwrap();
    let filter = |(_, pattern)| Filter {
        attribute: name("n"),
        pattern: Regex::new(pattern).unwrap().into(),
    };
    let join = |(_, variable)| Join {
        variable: name(variable),
        attribute: Some(name("n")),
    };
    Primitive {
        symbol: Symbol {
            domain: Some(name("t")),
            kind: Some(name(kind)),
        },
        filters: text.split_once('=').map(filter).into_iter().collect(),
        setting: text.contains('(').then(|| name("x")).into_iter().collect(),
        condition: Option::None,
        intervals: Vec::new(),
        joins: text.split_once('~').map(join).into_iter().collect(),
        instant: Option::None,
    }
}

fn all(text: &str) -> Vec<Expression> {
    let parts = text.split(' ').map(primitive);
    parts.map(Expression::Primitive).collect()
}

fn times(times: usize, text: &str) -> Occurrences {
    Occurrences {
        times,
        primitive: primitive(text),
        aggregate: Option::None,
    }
}

fn within(milliseconds: u64, expression: Expression) -> Expression {
    Within(Box::new(expression), Duration::from_millis(milliseconds))
}

fn check(expression: &Expression, events: &str, expected: &str) {
    let automaton = Automaton::new(expression);
    let mut progress = Progress::default();
    let mut fired = String::new();
    for (text, place) in events.split(' ').zip(0..) {
        let (text, at) = text.split_once('@').unwrap_or((text, ""));
        let (kind, n) = text.split_once('=').unwrap_or((text, ""));
        let event = Event {
            id: EventId([0; 16]),
            domain: name("t"),
            kind: name(kind),
            attributes: [("n", n)].into_iter().collect(),
            time: Timestamp(at.parse().unwrap_or(place)),
            cause: Option::None,
        };
        let step = automaton.step(&progress, &event, event.time, &None);
        progress = step.progress.unwrap_or(progress);
        fired.push(if step.fired.is_some() { 'x' } else { '.' });
    }
    assert_eq!(fired, expected, "{expression:?}: {events}");
}

#[test]
fn each_goes_as_the_table_says() {
    check(&Before(all("a b=2")), "a b=9 b=2", "..x");
    check(&Count(times(3, "b=1")), "b=1 b=2 b=1 b=1 b=1", "...x.");
    let both = || Before(all("a b"));
    check(&within(4000, both()), "a@0 b@1000 a@3000 b@5000", ".x.x");
    check(&within(100, both()), "a@1 a@90 b@120", "..x");
    let count = within(100, Count(times(3, "a")));
    check(&count, "a@1 a@90 a@110 a@120 a@130", "...x.");
    let repeat = within(2000, Repeat(times(3, "a")));
    check(&repeat, "a@0 a@1 a@1002 a@2003 a@2004", "..x.x");
    check(&Any(2, all("a b")), "a b", ".x");
    check(&Or(all("a=1 a=2")), "a=1 a=2", "xx");
    check(&Before(all("a=(.+) b~x")), "a=1 a=2 b=2", "..x");
    let nested = Before(vec![within(10, both()), all("c").remove(0)]);
    check(&nested, "a@1 b@5 c@99", "..x");
}
