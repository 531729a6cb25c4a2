//! Actions: a block of them under a condition, and what they want done.

use rand_core::Rng as _;
use stratus_event::Map as DataMap;
use stratus_pen::language::Effect;

use super::{At, Evaluator, name};
use crate::{
    border,
    coerce::{describe, text, truth},
    limit::{Failure, Halt},
    program::{Action, ActionBlock, BlockKind},
    value::Value,
};

impl Evaluator<'_> {
    /// Whether the block's condition held; if it did, its actions are done.
    pub(super) fn actions(&mut self, at: At, block: &ActionBlock) -> Result<bool, Halt> {
        if let Some(condition) = &block.condition
            && !truth(&self.judge(at, condition, &block.operands)?)
        {
            return Ok(false);
        }
        if let Some(first) = &block.first {
            self.action(at, first)?;
        }
        match &block.kind {
            BlockKind::Choose(by) => {
                let label = text(&self.value(at, by)?);
                let is_chosen = |action: &&Action| action.label.as_deref() == Some(&*label);
                for action in block.actions.iter().filter(is_chosen) {
                    self.action(at, action)?;
                }
            }
            BlockKind::Every => {
                for action in &block.actions {
                    self.action(at, action)?;
                }
            }
            BlockKind::Sample => {
                let position = self.below(block.site, block.actions.len() as u64);
                let chosen = usize::try_from(position)
                    .ok()
                    .and_then(|at| block.actions.get(at));
                if let Some(action) = chosen {
                    self.action(at, action)?;
                }
            }
        }
        Ok(true)
    }

    /// A random number below a bound; zero if the bound is.
    pub(crate) fn below(&mut self, site: u32, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Rejecting the incomplete last stretch keeps the numbers even.
        let whole = u64::MAX - u64::MAX % bound;
        let generator = self.generator(site);
        let drawn = std::iter::repeat_with(|| generator.next_u64()).find(|drawn| *drawn < whole);
        drawn.unwrap_or(0) % bound
    }

    fn action(&mut self, at: At, action: &Action) -> Result<(), Halt> {
        self.meter.spend(1)?;
        let value = self.perform(at, action);
        let value = value.map_err(|halt| halt.at(|| self.place(at, action.site)))?;
        for (position, slot) in action.setting.iter().enumerate() {
            let value = if position == 0 {
                value.clone()
            } else {
                Value::Null
            };
            self.set_slot(at.frame, *slot, value)?;
        }
        Ok(())
    }

    fn perform(&mut self, at: At, action: &Action) -> Result<Value, Halt> {
        let callable = match self.value(at, &action.callee)? {
            Value::Action(callable) => callable,
            other => {
                let message = format!("{} is not an action", describe(&other));
                return Err(Failure::new("krl-not-an-action", message).into());
            }
        };
        let wanted = !action.setting.is_empty();
        self.apply(at, &callable, &action.arguments, action.site, wanted)
    }

    /// Wants work done by a connector, without an answer.
    pub(crate) fn act(
        &mut self,
        connector: &str,
        action: &str,
        arguments: DataMap,
    ) -> Result<(), Failure> {
        self.wish()?;
        let (connector, action) = (name(connector)?, name(action)?);
        self.ended.effects.push(Effect::Act {
            connector,
            action,
            arguments,
        });
        Ok(())
    }

    /// A map as data for the world; what is not a map is an error that says what it was for.
    pub(crate) fn data_map(&mut self, value: &Value, what: &str) -> Result<DataMap, Failure> {
        match value {
            Value::Null => Ok(DataMap::new()),
            Value::Map(map) => border::map_to_data(&mut self.meter, map),
            other => Err(Failure::kind(format!(
                "{what} must be a map, not {}",
                describe(other)
            ))),
        }
    }
}
