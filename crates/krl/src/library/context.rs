//! What `ctx` knows of the PEN around a ruleset, what it can change of it, and how to ask it.

use std::sync::Arc;

use stratus_event::{Map as DataMap, Value as Data};
use stratus_pen::{
    Terms,
    language::{OF_PENS, Program, QUERY},
};

use super::{
    Body, Builtin, Given,
    channel::{self, map},
    event, family,
};
use crate::{
    Compiled, border,
    evaluate::{At, Evaluator, name},
    limit::{Failure, Halt, Meter},
    program::Ruleset,
    value::Value,
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::new("ctx:delChannel", &["eci"], Body::Action(channel::delete)),
    Builtin::new("ctx:delPico", &["eci"], Body::Action(family::delete)),
    Builtin::new(
        "ctx:event",
        &["eci", "domain", "name", "attrs", "host"],
        Body::Action(event::send_to),
    ),
    Builtin::new(
        "ctx:newChannel",
        &["tags", "eventPolicy", "queryPolicy"],
        Body::Action(channel::make),
    ),
    Builtin::new(
        "ctx:newPico",
        &["rulesets", "name"],
        Body::Action(family::create),
    ),
    Builtin::new(
        "ctx:putChannel",
        &["eci", "tags", "eventPolicy", "queryPolicy"],
        Body::Action(channel::put),
    ),
    Builtin::new(
        "ctx:query",
        &["eci", "rid", "name", "args"],
        Body::Function(query),
    ),
    Builtin::new(
        "ctx:upsertChannel",
        &["tags", "eventPolicy", "queryPolicy"],
        Body::Action(channel::upsert),
    ),
];

/// What pico-engine has in `ctx` and a rule cannot do here: rulesets are installed by the owner.
pub(super) const UNAVAILABLE: &[&str] = &["eventQuery", "flush", "install", "logs", "uninstall"];

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
    let channel = channel::eci(given.get(0))?;
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

/// With the address that its text comes from, and what it is configured with.
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
