//! Events and expressions to measure with.

use regex::Regex;
use stratus_event::{Event, EventId, Map, Name, Timestamp};
use stratus_salience::{Bindings, Conditions, Expression, Filter, Primitive, Symbol};

/// There are no conditions.
pub(super) struct None;

impl Conditions for None {
    fn holds(&self, _: usize, _: &Event, _: &Bindings) -> bool {
        true
    }
}

/// Each condition holds if the number `n` is its own, what stands behind the point aside.
pub(super) struct Whole;

impl Conditions for Whole {
    fn holds(&self, condition: usize, event: &Event, _: &Bindings) -> bool {
        let text = event.attributes.text("n").unwrap_or_default();
        let number = text.split('.').next().and_then(|whole| whole.parse().ok());
        number == Some(condition)
    }
}

#[expect(clippy::expect_used, reason = "the names are ours")]
pub(super) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(super) fn event(domain: &Name, kind: &Name, attributes: Map) -> Event {
    Event {
        id: EventId([0; 16]),
        domain: domain.clone(),
        kind: kind.clone(),
        attributes,
        time: Timestamp(0),
        cause: Option::None,
    }
}

pub(super) fn primitive(domain: &Name, kind: &Name) -> Primitive {
    Primitive {
        symbol: Symbol {
            domain: Some(domain.clone()),
            kind: Some(kind.clone()),
        },
        filters: Vec::new(),
        setting: Vec::new(),
        condition: Option::None,
        intervals: Vec::new(),
        joins: Vec::new(),
        instant: Option::None,
    }
}

#[expect(clippy::expect_used, reason = "the patterns are ours")]
pub(super) fn filter(attribute: &Name, pattern: &str) -> Filter {
    Filter {
        attribute: attribute.clone(),
        pattern: Regex::new(pattern).expect("a pattern").into(),
    }
}

/// `t:a`, `t:b` and so on.
pub(super) fn parts(count: u8) -> Vec<Expression> {
    let domain = name("t");
    let kind = |part| name(&char::from(b'a' + part).to_string());
    (0..count)
        .map(|part| Expression::Primitive(primitive(&domain, &kind(part))))
        .collect()
}
