//! Drawn expressions and events.

use std::{
    fmt,
    ops::Bound,
    sync::{Arc, LazyLock},
    time::Duration,
};

use regex::Regex;
use stratus_event::{Event, EventId, Name, Timestamp};
use stratus_salience::{
    Aggregate, Between, Bindings, Conditions, Expression, Filter, Function, Instant, Interval,
    Join, Occurrences, Primitive, Symbol,
};

const EVENTS: usize = 20;

/// The first of the conditions that the index knows of.
const AT_LEAST: usize = 6;

/// Compiled once: that takes longer than a case.
static PATTERNS: LazyLock<[Arc<Regex>; 4]> = LazyLock::new(|| {
    ["([0-3])", "([01])", "([12])", "3|([0-2])"].map(|text| Regex::new(text).unwrap().into())
});

/// Condition `n` below four holds for events whose attribute is not `n`; four and five if it is
/// greater than `x` and `y` are, or these are not bound; those from six on if it is at least zero,
/// one and so on.
pub(crate) struct Tests;

impl Conditions for Tests {
    fn holds(&self, condition: usize, event: &Event, bindings: &Bindings) -> bool {
        let n = event.attributes.text("n").unwrap_or_default();
        if condition < 4 {
            return n != condition.to_string();
        }
        if condition >= AT_LEAST {
            return n >= (condition - AT_LEAST).to_string().as_str();
        }
        let other = bindings.get(["x", "y"][condition - 4]);
        other.is_none_or(|other| n > other.as_text().unwrap_or_default())
    }

    /// The instants 0 and 1 are what `x` and `y` say, in milliseconds since 1970.
    fn instant(&self, number: usize, bindings: &Bindings) -> Option<Timestamp> {
        let bound = bindings.get(["x", "y"][number])?;
        bound.as_text()?.parse().ok().map(Timestamp)
    }
}

/// The instant that passes, if the event is that: it is what its `n` says.
pub(crate) fn passing(event: &Event) -> Option<Timestamp> {
    let n = event
        .attributes
        .text("n")
        .filter(|_| event.domain == "time");
    n.map(|n| Timestamp(n.parse().unwrap()))
}

pub(crate) struct Case {
    seed: u64,
    pub(crate) expression: Expression,
    pub(crate) events: Vec<Event>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}\n{:?}", self.seed, self.expression)?;
        for event in &self.events {
            let n = event.attributes.text("n").unwrap_or_default();
            writeln!(f, "{} {n} at {}", event.symbol(), event.time.0)?;
        }
        Ok(())
    }
}

/// Marsaglia's xorshift64.
pub(crate) struct Draw {
    seed: u64,
    state: u64,
    joins: bool,
}

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let joins = false;
        Self { seed, state, joins }
    }

    pub(crate) fn case(mut self, joins: bool) -> Case {
        self.joins = joins;
        let expression = self.expression(3);
        let events = self.events();
        Case {
            seed: self.seed,
            expression,
            events,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % u64::try_from(bound).unwrap()).unwrap()
    }

    fn name(&mut self, names: &[&str]) -> Name {
        Name::new(names[self.below(names.len())]).unwrap()
    }

    fn expression(&mut self, depth: usize) -> Expression {
        if depth == 0 {
            return Expression::Primitive(self.primitive());
        }
        let operator = self.below(12);
        let count = 1 + self.below(3);
        let parts = |draw: &mut Self| -> Vec<_> {
            (0..count).map(|_| draw.expression(depth - 1)).collect()
        };
        match operator {
            0 => Expression::After(parts(self)),
            1 => Expression::And(parts(self)),
            2 => Expression::Any(1 + self.below(count), parts(self)),
            3 => Expression::Before(parts(self)),
            4 => Expression::Between(self.between(depth)),
            5 => Expression::Count(self.occurrences(count)),
            6 => Expression::NotBetween(self.between(depth)),
            7 => Expression::Or(parts(self)),
            8 => Expression::Primitive(self.primitive()),
            9 => Expression::Repeat(self.occurrences(count)),
            10 => Expression::Then(parts(self)),
            _ => {
                let period = Duration::from_millis(u64::try_from(self.below(30)).unwrap());
                Expression::Within(Box::new(self.expression(depth - 1)), period)
            }
        }
    }

    fn between(&mut self, depth: usize) -> Box<Between> {
        Box::new(Between {
            first: self.expression(depth - 1),
            middle: self.expression(depth - 1),
            last: self.expression(depth - 1),
        })
    }

    fn occurrences(&mut self, times: usize) -> Occurrences {
        let functions = [
            Function::Average,
            Function::Maximum,
            Function::Minimum,
            Function::Push,
            Function::Sum,
        ];
        let aggregate = Aggregate {
            function: functions[self.below(5)],
            setting: vec![self.name(&["z", "x"])],
        };
        let primitive = self.primitive();
        let aggregate = (self.below(2) == 0).then_some(aggregate);
        Occurrences {
            times,
            primitive,
            aggregate,
        }
    }

    fn instant(&mut self) -> Primitive {
        let number = self.below(4);
        let mut primitive = Primitive::at(match self.below(4) {
            0 => Instant::Daily(u32::try_from(number).unwrap()),
            1 => Instant::Once(Timestamp(i64::try_from(number).unwrap())),
            _ => Instant::Bound(number % 2),
        });
        if let (true, Some(Instant::Bound(place))) = (self.joins, primitive.instant) {
            primitive.joins.push(Join {
                variable: Name::new(["x", "y"][place]).unwrap(),
                attribute: None,
            });
        }
        primitive
    }

    fn primitive(&mut self) -> Primitive {
        if self.below(6) == 0 {
            return self.instant();
        }
        let some = |draw: &mut Self, names| (draw.below(8) > 0).then(|| draw.name(names));
        let symbol = Symbol {
            domain: some(self, &["s", "t"]),
            kind: some(self, &["a", "b", "c"]),
        };
        let filter = Filter {
            attribute: Name::new("n").unwrap(),
            pattern: PATTERNS[self.below(4)].clone(),
        };
        let filtered = self.below(if self.joins { 2 } else { 3 }) == 0;
        let condition = (self.below(5) == 0).then(|| self.below(4));
        let least = (self.below(6) == 0).then(|| self.below(4));
        let mut primitive = Primitive {
            symbol,
            filters: filtered.then_some(filter).into_iter().collect(),
            setting: filtered
                .then(|| self.name(&["x", "y"]))
                .into_iter()
                .collect(),
            condition: least.map_or(condition, |least| Some(AT_LEAST + least)),
            intervals: least.map(at_least).into_iter().collect(),
            joins: Vec::new(),
            instant: None,
        };
        if self.joins && self.below(2) == 0 {
            self.join(&mut primitive);
        }
        primitive
    }

    fn join(&mut self, primitive: &mut Primitive) {
        let place = self.below(2);
        let equal = self.below(3) > 0;
        if !equal {
            primitive.intervals.clear();
            primitive.condition = Some(4 + place);
        }
        primitive.joins.push(Join {
            variable: Name::new(["x", "y"][place]).unwrap(),
            attribute: equal.then(|| Name::new("n").unwrap()),
        });
    }

    fn events(&mut self) -> Vec<Event> {
        let mut now = 0;
        let mut draw = || {
            now += i64::try_from(self.below(5)).unwrap();
            let passes = self.below(5) == 0;
            let symbol = if passes {
                [self.name(&["time"]), self.name(&["instant"])]
            } else {
                [
                    self.name(&["s", "t", "t", "t"]),
                    self.name(&["a", "b", "c"]),
                ]
            };
            let [domain, kind] = symbol;
            Event {
                id: EventId([0; 16]),
                domain,
                kind,
                attributes: [("n", self.below(4).to_string())].into(),
                time: Timestamp(now),
                cause: None,
            }
        };
        (0..EVENTS).map(|_| draw()).collect()
    }
}

fn at_least(least: usize) -> Interval {
    Interval {
        attribute: Name::new("n").unwrap(),
        low: Bound::Included(least as f64),
        high: Bound::Unbounded,
    }
}
