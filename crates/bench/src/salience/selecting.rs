//! How long an event takes to find and to move the rules that it is for.

use std::{hint::black_box, ops::Bound};

use serde_json::Value;
use stratus_event::Event;
use stratus_salience::{
    Armed, Automaton, Expression, Index, Interval, Primitive, Progress, RulePlace, Woken,
};

use super::{
    events::{self, event, filter, name, primitive},
    of_peer,
};
use crate::{
    figure::Figure,
    meter::{interleaved, time_each},
};

/// Rules, of which an event selects exactly one.
struct Rules {
    index: Index,
    armed: Armed,
    automata: Vec<Automaton>,
    events: Vec<Event>,
}

const EVENTS: u32 = 50_000;
const RUNS: usize = 7;

pub(super) fn measure(peer: &Value) -> Vec<Figure> {
    let rules = [
        silent(0),
        silent(10_000),
        silent(100_000),
        silent(1_000_000),
        filtered(10_000),
        patterned(10_000),
        bounded(10_000),
    ];
    let least: [f64; 7] = interleaved(RUNS, |which| rules.get(which).map_or(0.0, Rules::cost));
    let [
        one,
        ten_thousand,
        hundred_thousand,
        million,
        regex,
        pattern,
        threshold,
    ] = least;
    let per_second = |nanoseconds: f64| 1e9 / nanoseconds;
    let of_one = |name, nanoseconds, most| {
        Figure::new(name, nanoseconds, "ns/event")
            .baseline(Some(one))
            .ratio_at_most(most)
    };
    let theirs = |name| of_peer(peer, name).map(|microseconds| 1e6 / microseconds);
    vec![
        Figure::new("select_1_rule", per_second(one), "events/s/core")
            .baseline(theirs("select_1_rule_us"))
            .at_least(500_000.0),
        of_one("select_10k_silent", ten_thousand, 1.25),
        of_one("select_100k_silent", hundred_thousand, 1.25),
        of_one("select_1m_silent", million, 1.25),
        of_one("select_10k_regex", regex, 3.0),
        of_one("select_10k_regex_no_literal", pattern, 3.0),
        of_one("select_10k_threshold", threshold, 3.0),
        Figure::new(
            "select_10k_silent_rate",
            per_second(ten_thousand),
            "events/s/core",
        )
        .baseline(theirs("select_10k_silent_us")),
        // The peer with a tenth of the rules.
        Figure::new("select_10k_regex_rate", per_second(regex), "events/s/core")
            .baseline(theirs("select_1k_regex_us")),
    ]
}

impl Rules {
    /// Nanoseconds for one event.
    fn cost(&self) -> f64 {
        let start = Progress::default();
        time_each(EVENTS, |number| {
            let Some(event) = self.events.get(number as usize % self.events.len()) else {
                return;
            };
            let mut fired = 0;
            for Woken { place, proven } in self.index.woken(event, &self.armed) {
                if let Some(automaton) = self.automata.get(place.rule) {
                    let (time, conditions) = (event.time, &events::Whole);
                    let step = automaton.step_proven(&start, event, time, conditions, proven);
                    fired += usize::from(step.fired.is_some());
                }
            }
            assert_eq!(black_box(fired), 1, "each event selects one rule");
        })
    }
}

/// One rule on the event, and so many on other symbols.
fn silent(count: usize) -> Rules {
    let mut index = Index::default();
    let (domain, kind, attribute) = (name("t"), name("a"), name("n"));
    let automaton = Automaton::new(&Expression::Primitive(primitive(&domain, &kind)));
    index.install(place(0), &automaton);
    let domains: Vec<_> = (0..1000)
        .map(|number| name(&format!("d{number}")))
        .collect();
    for number in 0..count {
        if let Some(domain) = domains.get(number % domains.len()) {
            let other = primitive(domain, &name(&format!("k{number}")));
            let other = Automaton::new(&Expression::Primitive(other));
            index.install(place(number + 1), &other);
        }
    }
    let text = |number| [(attribute.as_str(), format!("item {number}: x"))].into();
    let events = (0..100).map(|number| event(&domain, &kind, text(number)));
    Rules {
        index,
        armed: Armed::default(),
        automata: vec![automaton],
        events: events.collect(),
    }
}

/// So many rules on one symbol that differ by the pattern of one attribute.
fn filtered(count: usize) -> Rules {
    let wants = |primitive: &mut Primitive, number: usize| {
        let pattern = format!("^item {number}: ");
        primitive.filters.push(filter(&name("n"), &pattern));
    };
    alike(count, wants, |number| format!("item {number}: x"))
}

/// The same with patterns that contain no literal: each digit of a binary number is a class of
/// letters, so that each text matches one of them.
fn patterned(count: usize) -> Rules {
    let digits = |number: usize, zero: &str, one: &str| {
        let digits = (0..14).map(|digit| if number >> digit & 1 == 0 { zero } else { one });
        digits.collect::<String>()
    };
    let wants = |primitive: &mut Primitive, number: usize| {
        let pattern = format!("^{}$", digits(number, "[a-m]", "[n-z]"));
        primitive.filters.push(filter(&name("n"), &pattern));
    };
    alike(count, wants, |number| digits(number, "g", "t"))
}

/// The same with intervals of a number that lie side by side.
fn bounded(count: usize) -> Rules {
    let wants = |primitive: &mut Primitive, number: usize| {
        primitive.condition = Some(number);
        primitive.intervals.push(Interval {
            attribute: name("n"),
            low: Bound::Included(number as f64),
            high: Bound::Excluded((number + 1) as f64),
        });
    };
    alike(count, wants, |number| format!("{number}.5"))
}

/// So many rules on one symbol that differ by what they want, and texts of which each is for one.
fn alike(
    count: usize,
    wants: impl Fn(&mut Primitive, usize),
    text: impl Fn(usize) -> String,
) -> Rules {
    let mut index = Index::default();
    let (domain, kind, attribute) = (name("t"), name("a"), name("n"));
    let mut automata = Vec::with_capacity(count);
    for number in 0..count {
        let mut one = primitive(&domain, &kind);
        wants(&mut one, number);
        let automaton = Automaton::new(&Expression::Primitive(one));
        index.install(place(number), &automaton);
        automata.push(automaton);
    }
    let attributes = |number| [(attribute.as_str(), text(number))].into();
    let numbers = (0..100).map(|number| number * 97 % count);
    let events = numbers.map(|number| event(&domain, &kind, attributes(number)));
    Rules {
        index,
        armed: Armed::default(),
        automata,
        events: events.collect(),
    }
}

fn place(rule: usize) -> RulePlace {
    RulePlace { ruleset: 0, rule }
}
