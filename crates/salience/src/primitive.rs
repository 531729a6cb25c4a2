//! One event against one primitive.

use std::borrow::Cow;

use stratus_event::{Event, Value};

use crate::{
    Bindings, Filter, Primitive,
    advance::{Offer, Scope},
};

/// What an event gave to a primitive that it matches.
#[derive(Debug)]
pub(crate) struct Matched {
    /// The captures of all filters, in order. A group that took no part is null.
    pub(crate) captures: Vec<Value>,
    /// The primitive's variables.
    pub(crate) bindings: Bindings,
}

impl Primitive {
    /// Matches the event: symbol, then filters, then the condition.
    pub(crate) fn matches(&self, offer: &Offer<'_>, scope: &Scope<'_>) -> Option<Matched> {
        if !self.symbol.covers(offer.event) {
            return None;
        }
        let mut captures = Vec::new();
        for filter in &self.filters {
            filter.capture(offer.event, &mut captures)?;
        }
        let bindings = self.bind(&captures);
        let holds = self.condition.is_none_or(|condition| {
            offer
                .conditions
                .holds(condition, offer.event, &scope.inside(&bindings).all())
        });
        holds.then_some(Matched { captures, bindings })
    }

    fn bind(&self, captures: &[Value]) -> Bindings {
        let values = captures
            .iter()
            .cloned()
            .chain(std::iter::repeat(Value::Null));
        self.setting.iter().cloned().zip(values).collect()
    }
}

impl Filter {
    fn capture(&self, event: &Event, captures: &mut Vec<Value>) -> Option<()> {
        let text = event
            .attributes
            .get(self.attribute.as_str())
            .map(text)
            .unwrap_or_default();
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

/// A value as KRL writes it where it needs a text.
fn text(value: &Value) -> Cow<'_, str> {
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
