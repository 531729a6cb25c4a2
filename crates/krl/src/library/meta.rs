//! The modules `meta` and `ctx`: what runs, and where.

use stratus_event::Value as Data;
use stratus_pen::Terms;

use super::{Property, channel, context, family};
use crate::{
    border,
    evaluate::{At, Evaluator, TOP},
    limit::Halt,
    program::About,
    value::Value,
};

pub(super) static PROPERTIES: &[Property] = &[
    Property {
        name: "meta:eci",
        read: |evaluator, _| Ok(super::event::channel(evaluator)),
    },
    Property {
        name: "meta:inEvent",
        read: |evaluator, _| Ok(in_event(evaluator)),
    },
    Property {
        name: "meta:inQuery",
        read: |evaluator, _| Ok(in_query(evaluator)),
    },
    Property {
        name: "meta:penId",
        read: |evaluator, _| Ok(pen_id(evaluator)),
    },
    Property {
        name: "meta:picoId",
        read: |evaluator, _| Ok(pen_id(evaluator)),
    },
    Property {
        name: "meta:rid",
        read: rid,
    },
    Property {
        name: "meta:ruleName",
        read: |evaluator, _| Ok(rule_name(evaluator)),
    },
    Property {
        name: "meta:rulesetAuthor",
        read: author,
    },
    Property {
        name: "meta:rulesetDescription",
        read: description,
    },
    Property {
        name: "meta:rulesetName",
        read: name,
    },
    Property {
        name: "meta:host",
        read: |_, _| Ok(NOTHING),
    },
    Property {
        name: "meta:rid_url",
        read: address,
    },
    Property {
        name: "meta:rulesetConfig",
        read: configuration,
    },
    Property {
        name: "meta:rulesetURI",
        read: address,
    },
    Property {
        name: "meta:rulesetVersion",
        read: version,
    },
    Property {
        name: "meta:txnId",
        read: |evaluator, _| Ok(super::event::id(evaluator)),
    },
    Property {
        name: "meta:version",
        read: version,
    },
    Property {
        name: "meta:callingRID",
        read: calling_rid,
    },
];

pub(super) static CONTEXT: &[Property] = &[
    Property {
        name: "ctx:channels",
        read: channel::list,
    },
    Property {
        name: "ctx:children",
        read: family::children,
    },
    Property {
        name: "ctx:parent",
        read: family::parent,
    },
    Property {
        name: "ctx:rulesets",
        read: context::rulesets,
    },
    Property {
        name: "ctx:rid_config",
        read: configuration,
    },
    Property {
        name: "ctx:rid_url",
        read: address,
    },
    Property {
        name: "ctx:name",
        read: |evaluator, _| Ok(pen_name(evaluator)),
    },
    Property {
        name: "ctx:penId",
        read: |evaluator, _| Ok(pen_id(evaluator)),
    },
    Property {
        name: "ctx:picoId",
        read: |evaluator, _| Ok(pen_id(evaluator)),
    },
    Property {
        name: "ctx:rid",
        read: rid,
    },
    Property {
        name: "ctx:rid_author",
        read: author,
    },
    Property {
        name: "ctx:rid_description",
        read: description,
    },
    Property {
        name: "ctx:rid_name",
        read: name,
    },
    Property {
        name: "ctx:rid_version",
        read: version,
    },
];

/// A PEN has neither a host nor a parent here: a channel is found by its key alone.
const NOTHING: Value = Value::Null;

fn in_event(evaluator: &Evaluator<'_>) -> Value {
    Value::Boolean(evaluator.event().is_some())
}

fn in_query(evaluator: &Evaluator<'_>) -> Value {
    Value::Boolean(evaluator.event().is_none())
}

fn pen_id(evaluator: &Evaluator<'_>) -> Value {
    Value::Text(evaluator.scene.view.id().to_string().into())
}

fn pen_name(evaluator: &Evaluator<'_>) -> Value {
    Value::Text(evaluator.scene.view.name().into())
}

fn rule_name(evaluator: &Evaluator<'_>) -> Value {
    let rule = evaluator.rule.as_ref();
    rule.map_or(Value::Null, |rule| Value::Text(rule.as_str().into()))
}

fn rid(evaluator: &mut Evaluator<'_>, at: At) -> Result<Value, Halt> {
    Ok(Value::Text(
        evaluator.ruleset(at.instance)?.rid.as_str().into(),
    ))
}

/// Where the ruleset's text comes from; null if its owner gave it.
fn address(evaluator: &mut Evaluator<'_>, at: At) -> Result<Value, Halt> {
    let terms = terms(evaluator, at)?;
    Ok(terms
        .from
        .map_or(Value::Null, |from| Value::Text(from.into())))
}

/// What the ruleset was configured with when it was installed.
fn configuration(evaluator: &mut Evaluator<'_>, at: At) -> Result<Value, Halt> {
    let terms = terms(evaluator, at)?;
    Ok(border::map_from_data(
        &mut evaluator.meter,
        &terms.configuration,
    )?)
}

fn terms(evaluator: &mut Evaluator<'_>, at: At) -> Result<Terms, Halt> {
    let ruleset = evaluator.ruleset(at.instance)?;
    Ok(evaluator.scene.view.terms(&ruleset.rid))
}

/// The ruleset that the event woke or the query asked, in whose service a module runs.
fn calling_rid(evaluator: &mut Evaluator<'_>, _: At) -> Result<Value, Halt> {
    rid(evaluator, TOP)
}

fn author(evaluator: &mut Evaluator<'_>, at: At) -> Result<Value, Halt> {
    about(evaluator, at, |about| &about.author)
}

fn description(evaluator: &mut Evaluator<'_>, at: At) -> Result<Value, Halt> {
    about(evaluator, at, |about| &about.description)
}

fn name(evaluator: &mut Evaluator<'_>, at: At) -> Result<Value, Halt> {
    about(evaluator, at, |about| &about.name)
}

fn version(evaluator: &mut Evaluator<'_>, at: At) -> Result<Value, Halt> {
    about(evaluator, at, |about| &about.version)
}

fn about(evaluator: &mut Evaluator<'_>, at: At, field: fn(&About) -> &Data) -> Result<Value, Halt> {
    let ruleset = evaluator.ruleset(at.instance)?;
    Ok(border::from_data(
        &mut evaluator.meter,
        field(&ruleset.about),
    )?)
}
