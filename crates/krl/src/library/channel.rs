//! What `ctx` can do with the channels of the PEN.

use stratus_event::{Eci, Name};
use stratus_pen::{Channel, ChannelId, Policy, Rule, language::Arrangement};

use super::Given;
use crate::{
    coerce::{describe, text},
    evaluate::{At, Evaluator, name},
    limit::{Failure, Halt, Meter},
    value::{Entries, Value},
};

/// The channels that are open, in the order of their ECIs, and then those that are new.
pub(super) fn list(evaluator: &mut Evaluator<'_>, _: At) -> Result<Value, Halt> {
    let channels = evaluator.channels()?;
    let open = channels.iter().filter(|channel| channel.open);
    let meter = &mut evaluator.meter;
    let shown = open.map(|channel| describe_channel(meter, channel));
    let shown = shown.collect::<Result<_, _>>()?;
    Ok(evaluator.meter.list(shown)?)
}

/// Makes a channel. It lets in what the policies say, so without them nothing.
pub(super) fn make(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let tags = tags(given.get(0))?;
    let policy = policy(
        &mut evaluator.meter,
        [given.get(1), given.get(2)],
        Policy::default(),
    )?;
    make_channel(evaluator, given.site, tags, policy)
}

/// Changes a channel; what is null stays.
pub(super) fn put(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let found = own(evaluator, given.get(0))?;
    let tags = match given.get(1) {
        Value::Null => found.tags.clone(),
        given => tags(given)?,
    };
    let policy = policy(
        &mut evaluator.meter,
        [given.get(2), given.get(3)],
        found.policy,
    )?;
    let eci = found.eci;
    evaluator.arrange(Arrangement::ChangeChannel { eci, tags, policy })?;
    Ok(Value::Null)
}

/// Changes the channel that has these tags, in whatever order, or makes it. The action's result is
/// the channel.
pub(super) fn upsert(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let mut tags = tags(given.get(0))?;
    tags.sort();
    let is_meant = |channel: &Channel| {
        let mut theirs = channel.tags.clone();
        theirs.sort();
        channel.is_for_rules() && theirs == tags
    };
    let found = evaluator.channels()?.into_iter().find(is_meant);
    let Some(found) = found else {
        let policy = policy(
            &mut evaluator.meter,
            [given.get(1), given.get(2)],
            Policy::default(),
        )?;
        return make_channel(evaluator, given.site, tags, policy);
    };
    let policy = policy(
        &mut evaluator.meter,
        [given.get(1), given.get(2)],
        found.policy.clone(),
    )?;
    let changed = Channel {
        tags: tags.clone(),
        policy: policy.clone(),
        ..found
    };
    let eci = changed.eci;
    evaluator.arrange(Arrangement::ChangeChannel { eci, tags, policy })?;
    Ok(describe_channel(&mut evaluator.meter, &changed)?)
}

/// Deletes a channel.
pub(super) fn delete(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let eci = own(evaluator, given.get(0))?.eci;
    evaluator.arrange(Arrangement::DeleteChannel { eci })?;
    Ok(Value::Null)
}

/// An ECI as rules write it.
pub(super) fn eci(value: &Value) -> Result<Eci, Failure> {
    text(value).parse().map_err(|error| {
        let message = format!("{} is no channel: {error}", describe(value));
        Failure::new("krl-channel-invalid", message)
    })
}

fn make_channel(
    evaluator: &mut Evaluator<'_>,
    site: u32,
    tags: Vec<Name>,
    policy: Policy,
) -> Result<Value, Halt> {
    let id = ChannelId(evaluator.draw(site));
    let channel = Channel::new(evaluator.scene.view.eci(id), id, tags, policy);
    let shown = describe_channel(&mut evaluator.meter, &channel)?;
    evaluator.arrange(Arrangement::MakeChannel(channel))?;
    Ok(shown)
}

/// A channel of the PEN that rules may change.
fn own(evaluator: &mut Evaluator<'_>, value: &Value) -> Result<Channel, Halt> {
    let eci = eci(value)?;
    let mut channels = evaluator.channels()?.into_iter();
    let found = channels
        .find(|channel| channel.eci == eci)
        .ok_or_else(|| Failure::new("channel-unknown", format!("the PEN has no channel {eci}")))?;
    if !found.is_for_rules() {
        let message = format!("the channel {eci} is the family's, the owner's or a partner's");
        return Err(Failure::new("channel-reserved", message).into());
    }
    Ok(found)
}

/// Tags as pico-engine cleans them: in lower case, and with a `-` for what is no letter, digit, `_`
/// or `-`.
fn tags(value: &Value) -> Result<Vec<Name>, Failure> {
    let invalid = || {
        let message = format!("tags are an array of texts, not {}", describe(value));
        Failure::new("channel-tag-invalid", message)
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::List(list) => {
            let tags = list.items.iter().map(|item| match item {
                Value::Text(text) => tag(text),
                _ => Err(invalid()),
            });
            tags.collect()
        }
        _ => Err(invalid()),
    }
}

fn tag(text: &str) -> Result<Name, Failure> {
    let is_kept = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
    let words = text.split(|character: char| !is_kept(&character));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let tag = words.join("-").to_ascii_lowercase();
    let tag = Name::new(&tag)
        .map_err(|error| Failure::new("channel-tag-invalid", format!("a tag: {error}")))?;
    if Channel::reserves(&tag) {
        let message = format!("the tag {tag} is for channels that the node makes itself");
        return Err(Failure::new("tag-reserved", message));
    }
    Ok(tag)
}

/// The policies as pico-engine writes them. One that is null stays as it was.
fn policy(
    meter: &mut Meter,
    [events, queries]: [&Value; 2],
    before: Policy,
) -> Result<Policy, Failure> {
    let mut policy = before;
    if !events.is_null() {
        (policy.events_allowed, policy.events_denied) = lines(meter, events, "domain")?;
    }
    if !queries.is_null() {
        (policy.queries_allowed, policy.queries_denied) = lines(meter, queries, "rid")?;
    }
    Ok(policy)
}

/// What is allowed and what is denied.
fn lines(meter: &mut Meter, value: &Value, first: &str) -> Result<(Vec<Rule>, Vec<Rule>), Failure> {
    let both = exactly(meter, value, ["allow", "deny"])?;
    let Some([Value::List(allowed), Value::List(denied)]) = both else {
        let message = format!(
            "a policy is {{\"allow\": […], \"deny\": […]}}, not {}",
            describe(value)
        );
        return Err(Failure::new("channel-policy-invalid", message));
    };
    let mut read = |items: &[Value]| {
        let lines = items.iter().map(|item| line(meter, item, first));
        lines.collect::<Result<Vec<_>, _>>()
    };
    Ok((read(&allowed.items)?, read(&denied.items)?))
}

fn line(meter: &mut Meter, value: &Value, first: &str) -> Result<Rule, Failure> {
    let half = |text: &str| match text.trim() {
        "*" => Ok(None),
        text => name(text).map(Some),
    };
    let both = exactly(meter, value, [first, "name"])?;
    if let Some([Value::Text(one), Value::Text(other)]) = &both {
        return Ok(Rule {
            first: half(one)?,
            second: half(other)?,
        });
    }
    let message = format!(
        "a line of a policy is {{\"{first}\": \"…\", \"name\": \"…\"}}, not {}",
        describe(value)
    );
    Err(Failure::new("channel-policy-invalid", message))
}

/// The values of those two names, if the map has no others.
fn exactly(
    meter: &mut Meter,
    value: &Value,
    [one, other]: [&str; 2],
) -> Result<Option<[Value; 2]>, Failure> {
    let Some(entries) = value.as_map().filter(|entries| entries.len() == 2) else {
        return Ok(None);
    };
    let (one, other) = (entries.get(meter, one)?, entries.get(meter, other)?);
    Ok(one.zip(other).map(|(one, other)| [one, other]))
}

fn describe_channel(meter: &mut Meter, channel: &Channel) -> Result<Value, Failure> {
    let tags = channel.tags.iter().map(|tag| meter.text(tag.as_str()));
    let tags = tags.collect::<Result<_, _>>()?;
    let family = match &channel.family {
        Some(pen) => meter.text(pen.to_string())?,
        None => Value::Null,
    };
    let policy = &channel.policy;
    let events = [&policy.events_allowed, &policy.events_denied];
    let queries = [&policy.queries_allowed, &policy.queries_denied];
    let fields = [
        ("id", meter.text(channel.eci.to_string())?),
        ("tags", meter.list(tags)?),
        ("eventPolicy", describe_policy(meter, "domain", events)?),
        ("queryPolicy", describe_policy(meter, "rid", queries)?),
        ("familyChannelPicoID", family),
    ];
    map(meter, fields)
}

/// What is allowed and what is denied; `*` is any.
fn describe_policy(
    meter: &mut Meter,
    first: &'static str,
    [allowed, denied]: [&Vec<Rule>; 2],
) -> Result<Value, Failure> {
    let fields = [
        ("allow", describe_lines(meter, first, allowed)?),
        ("deny", describe_lines(meter, first, denied)?),
    ];
    map(meter, fields)
}

fn describe_lines(
    meter: &mut Meter,
    first: &'static str,
    lines: &[Rule],
) -> Result<Value, Failure> {
    let mut shown = Vec::new();
    for line in lines {
        let any = |name: &Option<Name>| match name {
            Some(name) => name.to_string(),
            None => "*".to_owned(),
        };
        let fields = [
            (first, meter.text(any(&line.first))?),
            ("name", meter.text(any(&line.second))?),
        ];
        shown.push(map(meter, fields)?);
    }
    meter.list(shown)
}

/// A map of a few fields.
pub(super) fn map(
    meter: &mut Meter,
    fields: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<Value, Failure> {
    let fields = fields.into_iter();
    let entries: Entries = fields.map(|(name, value)| (name.into(), value)).collect();
    meter.map(entries)
}
