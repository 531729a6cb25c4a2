//! Rulesets that use other rulesets of the same PEN as modules.

use std::{collections::BTreeMap, sync::Arc};

use super::{At, Evaluator, InstanceId, TOP, internal};
use stratus_event::Name;

use crate::{
    Compiled,
    limit::{Failure, Halt},
    program::Ruleset,
    resolve::suggestion,
    value::Value,
};

impl Evaluator<'_> {
    /// A name that a used module provides.
    pub(super) fn module_member(
        &mut self,
        at: At,
        module: usize,
        name: &str,
    ) -> Result<Value, Halt> {
        let instance = self.module(at.instance, module)?;
        let ruleset = self.ruleset(instance)?;
        let global = ruleset.global(name);
        if let Some(global) = global.filter(|_| ruleset.provided.contains(name)) {
            return self.global(instance, global);
        }
        let near = suggestion(name, ruleset.provided.iter().map(String::as_str));
        let message = format!("{} does not provide {name}{near}", ruleset.rid);
        Err(Failure::new("krl-module-member-unknown", message).into())
    }

    /// The instance of a used module; it is made when it is first asked for.
    fn module(&mut self, user: InstanceId, module: usize) -> Result<InstanceId, Halt> {
        let known = self
            .instance(user)
            .and_then(|user| user.modules.get(module));
        if let Some(Some(instance)) = known {
            return Ok(*instance);
        }
        let ruleset = self.ruleset(user)?;
        let wanted = ruleset.modules.get(module);
        let wanted = wanted.ok_or_else(|| internal("an unknown module"))?;
        let program = self.installed(&wanted.rid)?;
        self.check_modules()?;
        let mut configuration = BTreeMap::new();
        for (name, value) in &wanted.with {
            let at = At {
                instance: user,
                ..TOP
            };
            let value = self.value(at, value)?;
            configuration.insert(name.clone(), value);
        }
        let instance = self.add_instance(program, configuration);
        if let Some(user) = self.instance_mut(user) {
            user.set_module(module, instance);
        }
        Ok(instance)
    }

    /// Whether one more ruleset may be in use.
    pub(super) fn check_modules(&self) -> Result<(), Failure> {
        if self.modules.len() < MODULES_MAX {
            return Ok(());
        }
        let message = format!("more than {MODULES_MAX} modules are in use at once");
        Err(Failure::new("modules-exhausted", message))
    }

    /// The ruleset of that id in this PEN.
    pub(crate) fn installed(&self, rid: &Name) -> Result<Arc<Ruleset>, Failure> {
        let program = self.scene.view.program(rid).ok_or_else(|| {
            let message = format!("the module {rid} is not installed in this PEN");
            Failure::new("module-missing", message)
        })?;
        let compiled = program.as_any().downcast_ref::<Compiled>();
        compiled
            .map(|compiled| Arc::clone(&compiled.ruleset))
            .ok_or_else(|| {
                let message = format!("the module {rid} is not written in KRL");
                Failure::new("module-missing", message)
            })
    }
}

/// Modules that one run may use, those that modules use included. Rulesets that use each other in
/// a circle make new instances only as they are called.
const MODULES_MAX: usize = 63;
