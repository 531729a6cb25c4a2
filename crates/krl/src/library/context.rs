//! What `ctx` knows of the PEN around a ruleset: its channels and rulesets, and how to ask them.

use std::sync::Arc;

use stratus_event::{Eci, Map as DataMap, Value as Data};
use stratus_pen::{
    Channel, Rule, Terms,
    language::{OF_PENS, Program, QUERY},
};

use super::{Body, Builtin, Given};
use crate::{
    Compiled, border,
    coerce::describe,
    evaluate::{At, Evaluator, name},
    limit::{Failure, Halt, Meter},
    program::Ruleset,
    value::{Entries, Value},
};

pub(super) static FUNCTIONS: &[Builtin] = &[Builtin::new(
    "ctx:query",
    &["eci", "rid", "name", "args"],
    Body::Function(query),
)];

/// What pico-engine has in `ctx` and a rule cannot do here: PENs and channels are made, and
/// rulesets installed, by the owner.
pub(super) const UNAVAILABLE: &[&str] = &[
    "delChannel",
    "delPico",
    "event",
    "eventQuery",
    "flush",
    "install",
    "logs",
    "newChannel",
    "newPico",
    "putChannel",
    "uninstall",
    "upsertChannel",
];

/// The channels that are open, in the order of their ECIs.
pub(super) fn channels(evaluator: &mut Evaluator<'_>, _: At) -> Result<Value, Halt> {
    let channels = evaluator.scene.view.channels();
    let open = channels.iter().filter(|channel| channel.open);
    let meter = &mut evaluator.meter;
    let shown = open.map(|channel| describe_channel(meter, channel));
    let shown = shown.collect::<Result<_, _>>()?;
    Ok(evaluator.meter.list(shown)?)
}

/// The rulesets of the PEN, in the order in which they see an event.
pub(super) fn rulesets(evaluator: &mut Evaluator<'_>, _: At) -> Result<Value, Halt> {
    let view = evaluator.scene.view;
    let programs = view.installed();
    let meter = &mut evaluator.meter;
    let shown = programs
        .iter()
        .map(|program| describe_program(meter, program, &view.terms(program.rid())));
    let shown = shown.collect::<Result<_, _>>()?;
    Ok(evaluator.meter.list(shown)?)
}

fn query(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let channel: Eci = given.text(0).parse().map_err(|error| {
        let message = format!("{} is no channel: {error}", describe(given.get(0)));
        Failure::new("krl-channel-invalid", message)
    })?;
    let (rid, wanted) = (name(&given.text(1))?, name(&given.text(2))?);
    let arguments = evaluator.data_map(given.get(3), "the arguments of a query")?;
    if let Some(answer) = evaluator.query_within(channel, (&rid, &wanted), &arguments)? {
        return Ok(answer);
    }
    let question = DataMap::from([
        ("eci", Data::text(channel.to_string())),
        ("rid", Data::text(rid.as_str())),
        ("name", Data::text(wanted.as_str())),
        ("args", Data::map(arguments)),
    ]);
    evaluator.ask(given.site, OF_PENS, QUERY, question)
}

fn describe_channel(meter: &mut Meter, channel: &Channel) -> Result<Value, Failure> {
    let tags = channel.tags.iter().map(|tag| meter.text(tag.as_str()));
    let tags = tags.collect::<Result<_, _>>()?;
    let policy = &channel.policy;
    let events = [&policy.events_allowed, &policy.events_denied];
    let queries = [&policy.queries_allowed, &policy.queries_denied];
    let fields = [
        ("id", meter.text(channel.eci.to_string())?),
        ("tags", meter.list(tags)?),
        ("eventPolicy", describe_policy(meter, "domain", events)?),
        ("queryPolicy", describe_policy(meter, "rid", queries)?),
        ("familyChannelPicoID", Value::Null),
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
        let any = |name: &Option<stratus_event::Name>| match name {
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

/// A ruleset, the address of its text if it has one, and what it is configured with.
fn describe_program(
    meter: &mut Meter,
    program: &Arc<dyn Program>,
    terms: &Terms,
) -> Result<Value, Failure> {
    let ruleset = program.as_any().downcast_ref::<Compiled>();
    let (version, meta) = match ruleset {
        Some(compiled) => describe_meta(meter, &compiled.ruleset)?,
        None => (Value::Null, Value::Null),
    };
    let url = match &terms.from {
        Some(from) => meter.text(from)?,
        None => Value::Null,
    };
    let configuration = border::map_from_data(meter, &terms.configuration)?;
    let fields = [
        ("rid", meter.text(program.rid().as_str())?),
        ("version", version),
        ("url", url),
        ("config", configuration),
        ("meta", meta),
    ];
    map(meter, fields)
}

/// The ruleset's version and what it says of itself. Its text is not shown: there may be keys in
/// it.
fn describe_meta(meter: &mut Meter, ruleset: &Ruleset) -> Result<(Value, Value), Failure> {
    let about = &ruleset.about;
    let shared = ruleset.shared.iter().map(|name| meter.text(name.as_str()));
    let shared = shared.collect::<Result<_, _>>()?;
    let provided = ruleset.provided.iter().map(|name| meter.text(name));
    let provided = provided.collect::<Result<_, _>>()?;
    let version = border::from_data(meter, &about.version)?;
    let fields = [
        ("name", border::from_data(meter, &about.name)?),
        ("description", border::from_data(meter, &about.description)?),
        ("author", border::from_data(meter, &about.author)?),
        ("version", version.clone()),
        ("shares", meter.list(shared)?),
        ("provides", meter.list(provided)?),
    ];
    let stated = fields.into_iter().filter(|(_, value)| !value.is_null());
    let stated = map(meter, stated)?;
    Ok((version, map(meter, [("krlMeta", stated)])?))
}

fn map(
    meter: &mut Meter,
    fields: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<Value, Failure> {
    let fields = fields.into_iter();
    let entries: Entries = fields.map(|(name, value)| (name.into(), value)).collect();
    meter.map(entries)
}
