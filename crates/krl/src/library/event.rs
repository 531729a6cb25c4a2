//! The module `event`, and what answers the event.

use stratus_event::{Eci, Map as DataMap, Name};
use stratus_pen::language::{Directive, Effect};

use super::{Body, Builtin, Given, Property};
use crate::{
    border,
    coerce::{describe, text},
    evaluate::{At, Evaluator, name},
    limit::{Failure, Halt, Meter},
    value::Value,
};

pub(super) static OPERATORS: &[Builtin] = &[
    Builtin::new("noop", &[], Body::Either(|_, _| Ok(Value::Null))),
    Builtin::new(
        "send_directive",
        &["name", "options"],
        Body::Action(send_directive),
    ),
];

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::new("event:attr", &["name"], Body::Function(attribute)),
    Builtin::new("event:param", &["name"], Body::Function(attribute)),
    Builtin::new(
        "event:send",
        &["event", "domain", "type", "attrs", "cid_key", "eci_key"],
        Body::Action(send),
    ),
];

pub(super) static PROPERTIES: &[Property] = &[
    Property {
        name: "event:attrs",
        read: attributes,
    },
    Property {
        name: "event:domain",
        read: |evaluator, _| Ok(domain(evaluator)),
    },
    Property {
        name: "event:eci",
        read: |evaluator, _| Ok(channel(evaluator)),
    },
    Property {
        name: "event:eid",
        read: |evaluator, _| Ok(id(evaluator)),
    },
    Property {
        name: "event:id",
        read: |evaluator, _| Ok(id(evaluator)),
    },
    Property {
        name: "event:name",
        read: |evaluator, _| Ok(kind(evaluator)),
    },
    Property {
        name: "event:time",
        read: |evaluator, _| Ok(time(evaluator)),
    },
    Property {
        name: "event:type",
        read: |evaluator, _| Ok(kind(evaluator)),
    },
];

/// The channel by which the event or the query came.
pub(super) fn channel(evaluator: &Evaluator<'_>) -> Value {
    word(evaluator.channel())
}

fn attribute(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let name = given.text(0);
    let found = evaluator
        .event()
        .and_then(|event| event.attributes.get(&name));
    match found {
        Some(found) => Ok(border::from_data(&mut evaluator.meter, found)?),
        None => Ok(Value::Null),
    }
}

fn attributes(evaluator: &mut Evaluator<'_>, _: At) -> Result<Value, Halt> {
    match evaluator.event() {
        Some(event) => Ok(border::map_from_data(
            &mut evaluator.meter,
            &event.attributes,
        )?),
        None => Ok(Value::Null),
    }
}

fn domain(evaluator: &Evaluator<'_>) -> Value {
    word(evaluator.event().map(|event| &event.domain))
}

fn kind(evaluator: &Evaluator<'_>) -> Value {
    word(evaluator.event().map(|event| &event.kind))
}

/// The event's id.
pub(super) fn id(evaluator: &Evaluator<'_>) -> Value {
    word(evaluator.event().map(|event| event.id))
}

fn time(evaluator: &Evaluator<'_>) -> Value {
    word(evaluator.event().map(|event| event.time))
}

fn word(shown: Option<impl ToString>) -> Value {
    shown.map_or(Value::Null, |shown| Value::Text(shown.to_string().into()))
}

/// Answers the one who raised the event. The answer is the action's result too.
fn send_directive(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    evaluator.wish()?;
    let options = evaluator.data_map(given.get(1), "a directive's options")?;
    let name = given.text(0).to_string();
    let rid = evaluator.ruleset(given.at.instance)?.rid.clone();
    let rule = evaluator.rule.as_ref().map_or("", |rule| rule.as_str());
    let event = evaluator.event().map(|event| event.id.to_string());
    let event = event.unwrap_or_default();
    let origin = [
        ("rid", rid.as_str()),
        ("rule_name", rule),
        ("txnId", &event),
    ];
    let origin = DataMap::from(origin);
    let mut shown = DataMap::from([("type", "directive"), ("name", name.as_str())]);
    shown.insert("options", options.clone());
    shown.insert("meta", origin);
    evaluator.ended.directives.push(Directive {
        name,
        options,
        by: None,
    });
    Ok(border::map_from_data(&mut evaluator.meter, &shown)?)
}

/// Sends an event to another PEN. Today's form has one map with `eci`, `domain`, `type` (or `name`)
/// and `attrs`; that of 2012 has a subscription, the domain, the type, and `with attrs = …`.
fn send(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let target = given.get(0);
    let is_classic = given.len() > 2;
    let mut field = |name: &str| target.field(&mut evaluator.meter, name);
    let (domain, kind, attributes) = if is_classic {
        (
            given.get(1).clone(),
            given.get(2).clone(),
            given.get(3).clone(),
        )
    } else {
        let (kind, name) = (field("type")?, field("name")?);
        (
            field("domain")?.unwrap_or_default(),
            kind.or(name).unwrap_or_default(),
            field("attrs")?.unwrap_or_default(),
        )
    };
    if domain.is_null() || kind.is_null() {
        let message = format!(
            "event:send needs a domain and a type, in {}",
            describe(target)
        );
        return Err(Failure::argument(message).into());
    }
    if !is_classic && !given.get(1).is_null() {
        let message = "event:send takes no host: the channel alone says where the event goes";
        return Err(Failure::argument(message).into());
    }
    let to = receiver(&mut evaluator.meter, target, &[given.get(4), given.get(5)])?;
    let attributes = evaluator.data_map(&attributes, "the attributes of an event")?;
    evaluator.wish()?;
    let (domain, kind) = (name(&text(&domain))?, name(&text(&kind))?);
    evaluator.ended.effects.push(Effect::Send {
        to,
        domain,
        kind,
        attributes,
    });
    Ok(Value::Null)
}

/// Sends an event to a channel: [`send`] with its parts one by one.
pub(super) fn send_to(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    if !given.get(4).is_null() {
        let message = "ctx:event takes no host: the channel alone says where the event goes";
        return Err(Failure::argument(message).into());
    }
    let to = receiver(&mut evaluator.meter, given.get(0), &[])?;
    let attributes = evaluator.data_map(given.get(3), "the attributes of an event")?;
    evaluator.wish()?;
    let (domain, kind) = (name(&given.text(1))?, name(&given.text(2))?);
    evaluator.ended.effects.push(Effect::Send {
        to,
        domain,
        kind,
        attributes,
    });
    Ok(Value::Null)
}

/// The channel, domain and type of an event in a map of today's form.
pub(super) fn addressed(meter: &mut Meter, target: &Value) -> Result<(Eci, Name, Name), Failure> {
    let mut field = |name: &str| target.field(meter, name);
    let kind = field("type")?.or(field("name")?);
    let (Some(domain), Some(kind)) = (field("domain")?, kind) else {
        let message = format!(
            "an event needs a domain and a type, in {}",
            describe(target)
        );
        return Err(Failure::argument(message));
    };
    Ok((
        receiver(meter, target, &[])?,
        name(&text(&domain))?,
        name(&text(&kind))?,
    ))
}

/// The channel to send to: that of a subscription or of an event map, or a bare ECI.
fn receiver(meter: &mut Meter, target: &Value, keys: &[&Value]) -> Result<Eci, Failure> {
    let keys = keys.iter().filter_map(|key| key.as_text());
    let keys = keys.map(|key| &**key);
    let eci = match target {
        Value::Map(map) => {
            let entries = map.entries(meter)?;
            let mut keys = keys.chain(CHANNEL_KEYS.iter().copied());
            keys.find_map(|key| entries.get(key).filter(|value| !value.is_null()))
        }
        other => Some(other),
    };
    let unknown = || {
        let message = format!("there is no channel to send to in {}", describe(target));
        Failure::new("krl-channel-missing", message)
    };
    let eci = eci.ok_or_else(unknown)?;
    text(eci).parse().map_err(|error| {
        Failure::new(
            "krl-channel-invalid",
            format!("{} is no channel: {error}", describe(eci)),
        )
    })
}

/// Where a subscription keeps the partner's channel, oldest name first.
const CHANNEL_KEYS: &[&str] = &["cid", "eci", "Tx", "tx"];
