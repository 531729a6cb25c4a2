//! One event against one primitive.

use std::borrow::Cow;

use stratus_event::{Event, Name, Value};

use crate::{
    Filter, Join, Primitive, Symbol,
    advance::{Offer, Scope},
    bindings::Bound,
};

/// What an event gave to a primitive that it matches.
#[derive(Debug, Default)]
pub(crate) struct Matched {
    /// The captures of all filters, in order. A group that took no part is null.
    pub(crate) captures: Vec<Value>,
    /// The primitive's variables.
    pub(crate) bindings: Bound,
}

impl Primitive {
    /// Any event of the symbol.
    pub fn of(symbol: Symbol) -> Self {
        Self {
            symbol,
            filters: Vec::new(),
            setting: Vec::new(),
            condition: None,
            intervals: Vec::new(),
            joins: Vec::new(),
            instant: None,
        }
    }

    /// Matches the event: symbol, filters, joins, then the condition; or the instant.
    pub(crate) fn matches(&self, offer: &Offer<'_>, scope: &Scope<'_>) -> Option<Matched> {
        if !self.concerns(offer) {
            return None;
        }
        if let Some(instant) = self.instant {
            let passes = instant.passes(offer, scope);
            return passes.then(Matched::default);
        }
        let captures = self.capture(offer.event, offer.proven)?;
        let bindings = self.bind(&captures);
        if !offer.key.permits(&bindings) {
            return None;
        }
        let inside = scope.inside(&bindings);
        if !self.joins.iter().all(|join| join.holds(offer, &inside)) {
            return None;
        }
        let holds = self.condition.is_none_or(|condition| {
            offer
                .conditions
                .holds(condition, offer.event, &inside.all())
        });
        holds.then_some(Matched { captures, bindings })
    }

    /// The captures of all filters, if all of them match. The one that is proven has none.
    pub(crate) fn capture(&self, event: &Event, proven: Option<&Filter>) -> Option<Vec<Value>> {
        let mut captures = Vec::new();
        let is_proven = |filter| proven.is_some_and(|proven| std::ptr::eq(proven, filter));
        for filter in self.filters.iter().filter(|filter| !is_proven(*filter)) {
            filter.capture(event, &mut captures)?;
        }
        Some(captures)
    }

    pub(crate) fn bind(&self, captures: &[Value]) -> Bound {
        let values = captures
            .iter()
            .cloned()
            .chain(std::iter::repeat(Value::Null));
        self.setting.iter().cloned().zip(values).collect()
    }
}

impl Join {
    fn holds(&self, offer: &Offer<'_>, scope: &Scope<'_>) -> bool {
        let Some(attribute) = &self.attribute else {
            return true;
        };
        match scope.value(&self.variable) {
            None | Some(Value::Null) => false,
            Some(value) => text(value) == attribute_text(offer.event, attribute),
        }
    }
}

impl Filter {
    fn capture(&self, event: &Event, captures: &mut Vec<Value>) -> Option<()> {
        let text = attribute_text(event, &self.attribute);
        if self.pattern.captures_len() == 1 {
            return self.pattern.is_match(&text).then_some(());
        }
        let groups = self.pattern.captures(&text)?;
        let value = |group: Option<regex::Match<'_>>| {
            group.map_or(Value::Null, |group| Value::text(group.as_str()))
        };
        captures.extend(groups.iter().skip(1).map(value));
        Some(())
    }
}

/// An attribute as filters and joins see it; one that is missing is the empty text.
pub(crate) fn attribute_text<'a>(event: &'a Event, attribute: &Name) -> Cow<'a, str> {
    event
        .attributes
        .get(attribute.as_str())
        .map(text)
        .unwrap_or_default()
}

/// An attribute as intervals see it; none if they say nothing of it.
pub(crate) fn attribute_number(event: &Event, attribute: &Name) -> Option<f64> {
    match event.attributes.get(attribute.as_str()) {
        None | Some(Value::Null) => Some(0.0),
        Some(Value::Number(number)) => Some(number.get()),
        Some(Value::Text(text)) => decimal(text.trim()),
        Some(_) => None,
    }
}

/// The number that is written so, without an exponent: languages differ about that.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_decimal = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text {
        "" => Some(0.0),
        _ => text
            .parse()
            .ok()
            .filter(|number: &f64| is_decimal && number.is_finite()),
    }
}

/// A value as KRL writes it where it needs a text.
pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Boolean(true) => "true".into(),
        Value::Boolean(false) => "false".into(),
        Value::List(_) => "[Array]".into(),
        Value::Map(_) => "[Map]".into(),
        Value::Null => "null".into(),
        Value::Number(number) => number.to_string().into(),
        Value::Text(text) => (&**text).into(),
    }
}
