//! What `ctx` can do with the children of the PEN.

use stratus_event::{Name, PenId};
use stratus_pen::{
    ChannelId,
    language::{Arrangement, NewPen},
};

use super::{Given, channel};
use crate::{
    coerce::describe,
    evaluate::{At, Evaluator, name},
    limit::{Failure, Halt, Meter},
    value::Value,
};

/// The channel of the parent by which this PEN reaches it; null if it has none.
pub(super) fn parent(evaluator: &mut Evaluator<'_>, _: At) -> Result<Value, Halt> {
    match evaluator.scene.view.parent() {
        Some(parent) => Ok(evaluator.meter.text(parent.theirs.to_string())?),
        None => Ok(Value::Null),
    }
}

/// The channels of the children by which this PEN reaches them, in the order in which they were
/// made.
pub(super) fn children(evaluator: &mut Evaluator<'_>, _: At) -> Result<Value, Halt> {
    let children = evaluator.children()?;
    let meter = &mut evaluator.meter;
    let shown = children
        .iter()
        .map(|child| meter.text(child.theirs.to_string()));
    let shown = shown.collect::<Result<_, _>>()?;
    Ok(evaluator.meter.list(shown)?)
}

/// Makes a child. The action's result is the child's channel.
pub(super) fn create(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let rulesets = rulesets(&mut evaluator.meter, given.get(0))?;
    let name = match given.get(1) {
        Value::Null => DEFAULT_NAME.into(),
        _ => given.text(1),
    };
    if name.len() > NAME_BYTES_MAX {
        let message = format!("a PEN's name has {NAME_BYTES_MAX} bytes at most");
        return Err(Failure::new("name-oversize", message).into());
    }
    let id = PenId(evaluator.draw(given.site));
    let channels = [evaluator.draw(given.site), evaluator.draw(given.site)];
    let child = NewPen {
        rulesets,
        ..NewPen::new(evaluator.scene.view, id, &name, channels.map(ChannelId))
    };
    let eci = child.below.eci;
    evaluator.arrange(Arrangement::CreatePen(Box::new(child)))?;
    Ok(evaluator.meter.text(eci.to_string())?)
}

/// The rulesets with which a child begins: their ids, or maps that have them under `rid`.
fn rulesets(meter: &mut Meter, value: &Value) -> Result<Vec<Name>, Failure> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let listed = value.as_list().ok_or_else(|| no_rulesets(value))?;
    let mut rids = Vec::new();
    for item in listed {
        let rid = match item.as_map() {
            Some(map) => map.get(meter, "rid")?.unwrap_or(Value::Null),
            None => item.clone(),
        };
        let Value::Text(rid) = &rid else {
            return Err(no_rulesets(value));
        };
        rids.push(name(rid)?);
    }
    Ok(rids)
}

fn no_rulesets(value: &Value) -> Failure {
    let message = format!(
        "ctx:newPico takes rulesets as an array of {{\"rid\": \"…\"}}, not {}",
        describe(value)
    );
    Failure::argument(message)
}

/// Deletes a child with all that belongs to it.
pub(super) fn delete(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let eci = channel::eci(given.get(0))?;
    let Some(child) = evaluator.child(&eci)? else {
        let message = format!("the PEN has no child with the channel {eci}");
        return Err(Failure::new("child-unknown", message).into());
    };
    evaluator.arrange(Arrangement::DeletePen(child))?;
    Ok(Value::Null)
}

/// What a child is called if its maker does not say.
const DEFAULT_NAME: &str = "child";

/// The longest name of a child, in bytes.
const NAME_BYTES_MAX: usize = 256;
