//! `ctx:query`: a question to a ruleset of the same PEN, or of another one of the node, in the
//! midst of a run.
//!
//! That of the same PEN is answered at once and by the same evaluator, so what the answer uses up
//! counts as the run's own. It sees the variables as the run sees them, but neither the event nor
//! the rule. Another PEN is asked by the engine; the run waits for the answer.

use std::collections::BTreeMap;

use stratus_event::{Eci, Map as DataMap, Name};

use super::Evaluator;
use crate::{
    border,
    limit::{Failure, Halt},
    resolve::suggestion,
    value::Value,
};

impl Evaluator<'_> {
    /// What a ruleset answers to a query that comes by a channel of this PEN; none if that is no
    /// channel of it.
    pub(crate) fn query_within(
        &mut self,
        channel: Eci,
        (rid, name): (&Name, &Name),
        arguments: &DataMap,
    ) -> Result<Option<Value>, Halt> {
        if !self.admit(channel, rid, name)? {
            return Ok(None);
        }
        if self.query_channels.len() >= QUERY_DEPTH_MAX {
            let message =
                format!("queries go more than {QUERY_DEPTH_MAX} deep; does one never end?");
            return Err(Failure::new("query-depth-exhausted", message).into());
        }
        let modules = self.modules.len();
        let rule = self.rule.take();
        self.query_channels.push(channel);
        let answer = self.answer(rid, name, arguments);
        self.query_channels.pop();
        self.rule = rule;
        // An answer is data, so nothing refers to what was in use for it.
        self.modules.truncate(modules);
        answer.map(Some)
    }

    /// Whether it is a channel of this PEN; one that refuses the query is an error.
    fn admit(&self, channel: Eci, rid: &Name, name: &Name) -> Result<bool, Failure> {
        match self.scene.view.permits_query(&channel, rid, name) {
            Ok(()) => Ok(true),
            Err(fault) if fault.code == "channel-unknown" => Ok(false),
            Err(fault) if fault.code == "channel-shut" => {
                Err(Failure::new("channel-shut", fault.message))
            }
            Err(fault) => Err(Failure::new("policy-refuses", fault.message)),
        }
    }

    fn answer(&mut self, rid: &Name, name: &Name, arguments: &DataMap) -> Result<Value, Halt> {
        let program = self.installed(rid).map_err(|_| {
            let message = format!("there is no ruleset {rid} in this PEN that could be asked");
            Failure::new("ruleset-unknown", message)
        })?;
        let global = program.global(name.as_str());
        let Some(global) = global.filter(|_| program.shared.contains(name)) else {
            let near = suggestion(name.as_str(), program.shared.iter().map(Name::as_str));
            let message = format!("{rid} shares no function {name}{near}");
            return Err(Failure::new("query-unknown", message).into());
        };
        self.check_modules()?;
        let instance = self.add_instance(program, BTreeMap::new());
        let value = self.queried(instance, global, arguments)?;
        border::check(&mut self.meter, &value)?;
        Ok(value)
    }
}

/// Queries within each other, at most.
const QUERY_DEPTH_MAX: usize = 16;
