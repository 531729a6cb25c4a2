//! Expressions and calls.

use std::sync::Arc;

use super::{At, Evaluator, GLOBAL_ITERATION, Global, InstanceId, TOP, internal};
use crate::{
    coerce::{describe, text, truth},
    library::{self, Body, Given},
    limit::{Failure, Halt, NESTING_DEPTH_MAX},
    program::{Arguments, Code, Declaration, Expression, Function, Local},
    resolve::suggestion,
    value::{Callable, Closure, Entries, Value},
};

impl Evaluator<'_> {
    /// The value of an expression. An error says where it happened.
    pub(crate) fn value(&mut self, at: At, expression: &Expression) -> Result<Value, Halt> {
        self.step(at, expression.site, |evaluator| {
            evaluator.code(at, expression)
        })
    }

    /// One step of the evaluation, and all the steps within it.
    #[inline]
    pub(super) fn step<T>(
        &mut self,
        at: At,
        site: u32,
        body: impl FnOnce(&mut Self) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        self.nesting += 1;
        let done = match self.begin_step() {
            Ok(()) => body(self),
            Err(failure) => Err(failure.into()),
        };
        self.nesting -= 1;
        done.map_err(|halt| halt.at(|| self.place(at, site)))
    }

    fn begin_step(&mut self) -> Result<(), Failure> {
        self.meter.spend(1)?;
        if self.nesting > NESTING_DEPTH_MAX {
            return Err(too_deep(NESTING_DEPTH_MAX));
        }
        Ok(())
    }

    /// Only hands on: what an arm needs on the stack is not needed while another one recurs.
    fn code(&mut self, at: At, expression: &Expression) -> Result<Value, Halt> {
        match &expression.code {
            Code::And(left, right) => self.connect(at, left, right, false),
            Code::Attribute(name) => self.attribute(name),
            Code::Binary(operator, left, right) => {
                self.operate(at, expression, *operator, [left, right])
            }
            Code::Call(callee, arguments) => {
                self.call_expression(at, callee, arguments, expression.site)
            }
            Code::Data(data) => Ok(crate::border::from_data(&mut self.meter, data)?),
            Code::Fail(code, message) => Err(Failure::new(code, message.clone()).into()),
            Code::Trail(trail) => self.trail(at, trail),
            Code::Concatenate(pieces) => self.concatenate(at, pieces),
            Code::Conditional(parts) => self.conditional(at, parts),
            Code::Get(object, path) => self.get(at, object, path),
            Code::Global(position) => self.global(at.instance, *position),
            Code::List(items) => self.list(at, items),
            Code::Map(entries) => self.map(at, entries),
            Code::Member(module, name) => self.module_member(at, *module, name),
            Code::Negate(operand) => self.negate(at, operand),
            Code::Not(operand) => self.not(at, operand),
            Code::Or(left, right) => self.connect(at, left, right, true),
            Code::Property(property) => (property.read)(self, at),
            Code::Closure(_) | Code::Constant(_) | Code::Local(_) | Code::Variable(_) => {
                Ok(self.atom(at, &expression.code)?)
            }
        }
    }

    fn atom(&mut self, at: At, code: &Code) -> Result<Value, Failure> {
        match code {
            Code::Closure(function) => self.closure(at, function),
            Code::Constant(value) => Ok(value.clone()),
            Code::Local(local) => self.local(at, *local),
            Code::Variable(name) => self.variable(at, name),
            _ => Err(internal("an expression that has parts")),
        }
    }

    fn get(&mut self, at: At, object: &Expression, path: &Expression) -> Result<Value, Halt> {
        let (object, path) = (self.value(at, object)?, self.value(at, path)?);
        Ok(library::get(&mut self.meter, &object, &path)?)
    }

    fn negate(&mut self, at: At, operand: &Expression) -> Result<Value, Halt> {
        let operand = self.value(at, operand)?;
        Ok(library::negate(&operand)?)
    }

    fn not(&mut self, at: At, operand: &Expression) -> Result<Value, Halt> {
        Ok(Value::Boolean(!self.test(at, operand)?))
    }

    /// `&&` and `||`: the left operand if it decides, else the right one.
    fn connect(
        &mut self,
        at: At,
        left: &Expression,
        right: &Expression,
        decides: bool,
    ) -> Result<Value, Halt> {
        let value = self.value(at, left)?;
        if truth(&value) == decides {
            Ok(value)
        } else {
            self.value(at, right)
        }
    }

    fn conditional(&mut self, at: At, parts: &[Expression; 3]) -> Result<Value, Halt> {
        let [condition, consequent, alternate] = parts;
        let holds = self.test(at, condition)?;
        self.value(at, if holds { consequent } else { alternate })
    }

    fn attribute(&mut self, name: &str) -> Result<Value, Halt> {
        let attribute = self.event().and_then(|event| event.attributes.get(name));
        match attribute {
            Some(attribute) => Ok(crate::border::from_data(&mut self.meter, attribute)?),
            None => Ok(Value::Null),
        }
    }

    fn concatenate(&mut self, at: At, pieces: &[Expression]) -> Result<Value, Halt> {
        let mut whole = String::new();
        for piece in pieces {
            let piece = text(&self.value(at, piece)?);
            self.meter.allocate(piece.len() as u64)?;
            whole.push_str(&piece);
        }
        Ok(self.meter.text(whole)?)
    }

    fn list(&mut self, at: At, items: &[Expression]) -> Result<Value, Halt> {
        let items = items
            .iter()
            .map(|item| self.value(at, item))
            .collect::<Result<_, _>>()?;
        Ok(self.meter.list(items)?)
    }

    fn map(&mut self, at: At, entries: &[(Arc<str>, Expression)]) -> Result<Value, Halt> {
        let mut map = Entries::with_capacity(entries.len());
        for (name, value) in entries {
            map.insert(Arc::clone(name), self.value(at, value)?);
        }
        Ok(self.meter.map(map)?)
    }

    fn local(&self, at: At, local: Local) -> Result<Value, Failure> {
        let value = self.frames.local(at.frame, local);
        value.cloned().ok_or_else(|| internal("an unknown slot"))
    }

    /// A global's value; it is evaluated when it is first asked for, and only once.
    pub(super) fn global(&mut self, instance: InstanceId, position: usize) -> Result<Value, Halt> {
        let known = self
            .instance(instance)
            .and_then(|known| known.globals.get(position));
        match known {
            Some(Global::Known(value)) => return Ok(value.clone()),
            Some(Global::Running) => {
                let message = "a global is defined by itself";
                return Err(Failure::new("krl-global-circular", message).into());
            }
            _ => {}
        }
        self.set_global(instance, position, Global::Running);
        let outside = std::mem::replace(&mut self.iteration, GLOBAL_ITERATION);
        let value = self.first_global(instance, position);
        self.iteration = outside;
        let known = value
            .as_ref()
            .map_or(Global::Unknown, |value| Global::Known(value.clone()));
        self.set_global(instance, position, known);
        value
    }

    fn first_global(&mut self, instance: InstanceId, position: usize) -> Result<Value, Halt> {
        let ruleset = self.ruleset(instance)?;
        let global = ruleset
            .globals
            .get(position)
            .ok_or_else(|| internal("an unknown global"))?;
        if global.configurable {
            let given = self.instance(instance).map(|known| &known.configuration);
            if let Some(value) = given.and_then(|given| given.get(&global.name)) {
                return Ok(value.clone());
            }
        }
        self.value(At { instance, ..TOP }, &global.value)
    }

    fn set_global(&mut self, instance: InstanceId, position: usize, value: Global) {
        if let Some(instance) = self.instance_mut(instance) {
            instance.set_global(position, value);
        }
    }

    fn closure(&mut self, at: At, function: &Arc<Function>) -> Result<Value, Failure> {
        self.frames.keep(at.frame, &mut self.meter)?;
        let (function, instance, frame) = (Arc::clone(function), at.instance, at.frame);
        let is_action = function.actions.is_some();
        let callable = Callable::Closure(Arc::new(Closure {
            function,
            instance,
            frame,
        }));
        Ok(if is_action {
            Value::Action(callable)
        } else {
            Value::Function(callable)
        })
    }

    fn call_expression(
        &mut self,
        at: At,
        callee: &Expression,
        arguments: &Arguments,
        site: u32,
    ) -> Result<Value, Halt> {
        let callable = match self.value(at, callee)? {
            Value::Function(callable) => callable,
            Value::Action(Callable::Builtin(builtin)) if builtin.also_function() => {
                Callable::Builtin(builtin)
            }
            Value::Action(_) => return Err(not_callable("an action").into()),
            other => return Err(not_callable(&describe(&other)).into()),
        };
        self.apply(at, &callable, arguments, site, true)
    }

    /// Evaluates the arguments and calls.
    pub(super) fn apply(
        &mut self,
        at: At,
        callable: &Callable,
        arguments: &Arguments,
        site: u32,
        wanted: bool,
    ) -> Result<Value, Halt> {
        let mut values = Vec::with_capacity(arguments.positional.len());
        for argument in &arguments.positional {
            values.push(self.value(at, argument)?);
        }
        let mut named = Vec::with_capacity(arguments.named.len());
        for (name, argument) in &arguments.named {
            named.push((name.as_str(), self.value(at, argument)?));
        }
        let values = place_named(parameters_of(callable), values, named)?;
        self.call_at(at, callable, values, site, wanted)
    }

    /// Calls with arguments by position, for functions that take a function.
    pub(crate) fn call(
        &mut self,
        at: At,
        callable: &Callable,
        values: Vec<Value>,
        site: u32,
    ) -> Result<Value, Halt> {
        self.call_at(at, callable, values, site, true)
    }

    /// Calls with named arguments, of which those without a parameter are left out.
    pub(super) fn call_with_names(
        &mut self,
        callable: &Callable,
        named: &[(String, Value)],
    ) -> Result<Value, Halt> {
        let parameters = parameters_of(callable);
        let known = named
            .iter()
            .filter(|(name, _)| parameters.contains(&name.as_str()));
        let known = known
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let values = place_named(parameters, Vec::new(), known)?;
        self.call_at(TOP, callable, values, 0, true)
    }

    fn call_at(
        &mut self,
        at: At,
        callable: &Callable,
        values: Vec<Value>,
        site: u32,
        wanted: bool,
    ) -> Result<Value, Halt> {
        match callable {
            Callable::Builtin(builtin) => {
                let given = Given {
                    values,
                    site,
                    at,
                    wanted,
                };
                match builtin.body {
                    Body::Pure(body) => Ok(body(&mut self.meter, &given)?),
                    Body::Action(body) | Body::Either(body) | Body::Function(body) => {
                        body(self, &given)
                    }
                }
            }
            Callable::Closure(closure) => self.enter(&Arc::clone(closure), values),
        }
    }

    fn enter(&mut self, closure: &Closure, values: Vec<Value>) -> Result<Value, Halt> {
        let depth_max = self.meter.limits().call_depth_max;
        if self.call_depth >= depth_max {
            return Err(too_deep(depth_max).into());
        }
        let function = &closure.function;
        self.meter.spend_for(function.slots)?;
        let mut slots = values;
        slots.truncate(function.parameters.len());
        slots.resize(function.slots, Value::Null);
        let frame = self.frames.push(closure.frame, slots);
        let at = At {
            frame,
            instance: closure.instance,
        };
        self.call_depth += 1;
        let value = self.body(at, function);
        self.call_depth -= 1;
        self.frames.pop(frame);
        value
    }

    fn body(&mut self, at: At, function: &Function) -> Result<Value, Halt> {
        for (slot, parameter) in function.parameters.iter().enumerate() {
            let Some(default) = &parameter.default else {
                continue;
            };
            if self.local(at, Local { up: 0, slot })?.is_null() {
                let value = self.value(at, default)?;
                self.set_slot(at.frame, slot, value)?;
            }
        }
        self.declare(at, &function.declarations)?;
        if let Some(actions) = &function.actions {
            self.actions(at, actions)?;
        }
        match &function.result {
            Some(result) => self.value(at, result),
            None => Ok(Value::Null),
        }
    }

    pub(super) fn declare(&mut self, at: At, declarations: &[Declaration]) -> Result<(), Halt> {
        for declaration in declarations {
            let value = self.value(at, &declaration.value)?;
            self.set_slot(at.frame, declaration.slot, value)?;
        }
        Ok(())
    }
}

fn too_deep(depth_max: u32) -> Failure {
    let message = format!("calls go more than {depth_max} deep; does a recursion never end?");
    Failure::new("call-depth-exhausted", message)
}

fn not_callable(what: &str) -> Failure {
    Failure::new(
        "krl-not-a-function",
        format!("{what} was called as a function"),
    )
}

fn parameters_of(callable: &Callable) -> Vec<&str> {
    match callable {
        Callable::Builtin(builtin) => builtin.parameters.to_vec(),
        Callable::Closure(closure) => closure
            .function
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
            .collect(),
    }
}

/// Puts named arguments at their parameters' places.
fn place_named(
    parameters: Vec<&str>,
    mut values: Vec<Value>,
    named: Vec<(&str, Value)>,
) -> Result<Vec<Value>, Failure> {
    for (name, value) in named {
        let Some(place) = parameters.iter().position(|parameter| *parameter == name) else {
            let near = suggestion(name, parameters.into_iter());
            return Err(Failure::argument(format!(
                "there is no parameter {name}{near}"
            )));
        };
        if values.len() <= place {
            values.resize(place + 1, Value::Null);
        }
        if let Some(slot) = values.get_mut(place) {
            *slot = value;
        }
    }
    Ok(values)
}
