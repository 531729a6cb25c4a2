//! Events as items.

use super::{
    CodecError, Fields, Item, Record,
    value::{map_from_ordered, ordered_map},
};
use crate::Event;

impl From<&Event> for Item {
    /// The wire form: `{0: id, 1: domain, 2: type, 3: attributes, 4: time, ? 5: cause}`.
    fn from(event: &Event) -> Self {
        record(event, (&event.attributes).into()).into()
    }
}

impl TryFrom<Item> for Event {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        read(item, TryInto::try_into)
    }
}

/// The store form of an event: as on the wire, but the attributes keep their order.
pub fn ordered_event(event: &Event) -> Item {
    record(event, ordered_map(&event.attributes)).into()
}

/// The event of which this is the store form.
pub fn event_from_ordered(item: Item) -> Result<Event, CodecError> {
    read(item, map_from_ordered)
}

fn record(event: &Event, attributes: Item) -> Record {
    Record::new()
        .with(0, event.id)
        .with(1, &event.domain)
        .with(2, &event.kind)
        .with(3, attributes)
        .with(4, event.time)
        .with_some(5, event.cause)
}

fn read(
    item: Item,
    attributes: impl FnOnce(Item) -> Result<crate::Map, CodecError>,
) -> Result<Event, CodecError> {
    let mut fields = Fields::new(item, "an event")?;
    let event = Event {
        id: fields.read(0)?,
        domain: fields.read(1)?,
        kind: fields.read(2)?,
        attributes: attributes(fields.required(3)?)?,
        time: fields.read(4)?,
        cause: fields.read_optional(5)?,
    };
    fields.finish()?;
    Ok(event)
}
