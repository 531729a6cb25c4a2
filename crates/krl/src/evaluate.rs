//! Evaluation: one walk over a compiled rule, query or condition.
//!
//! An evaluator begins with nothing that has to be allocated, because most of them only look at a
//! condition; what it makes goes when the run ends.

mod action;
mod arrange;
mod expression;
mod foreach;
mod formula;
mod frame;
mod judge;
mod module;
mod operand;
mod postlude;
mod query;
mod trail;

use std::{collections::BTreeMap, sync::Arc};

use rand_chacha::ChaCha20Rng;
use stratus_event::{Eci, Event, Map as DataMap, Name, Timestamp, Value as Data};
use stratus_pen::language::{Change, Ended, Question, QuestionId, Scene, Stop};

pub(crate) use self::formula::of_constants;
pub(crate) use self::frame::FrameId;
use self::{formula::Formula, frame::Frames};
use crate::{
    border,
    library::bound_instant,
    limit::{Failure, Halt, Meter},
    program::{Condition, Ruleset},
    value::Value,
};

/// Names a ruleset of a run: the one that runs, or one that it uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InstanceId(usize);

/// Where in a run an expression is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) frame: FrameId,
    pub(crate) instance: InstanceId,
}

/// One run.
pub(crate) struct Evaluator<'s> {
    pub(crate) scene: &'s Scene<'s>,
    pub(crate) meter: Meter,
    pub(crate) ended: Ended,
    /// The rule that runs; none in a query.
    pub(crate) rule: Option<Name>,
    frames: Frames,
    top: Instance,
    /// The rulesets that are in use as modules.
    modules: Vec<Instance>,
    variables: BTreeMap<(Name, Name), Variable>,
    questions: BTreeMap<QuestionId, Question>,
    ordinals: BTreeMap<(u32, u32), u32>,
    generators: BTreeMap<(u32, u32), ChaCha20Rng>,
    iteration: u32,
    is_final: bool,
    /// `error` ended the rule.
    stopped: bool,
    call_depth: u32,
    nesting: u32,
    /// The channels of the queries that are being answered, within each other.
    query_channels: Vec<Eci>,
}

/// A ruleset in use, with the values of its globals as far as they were asked for.
struct Instance {
    ruleset: Arc<Ruleset>,
    /// As many as were asked for so far.
    globals: Vec<Global>,
    /// As many as were asked for so far.
    modules: Vec<Option<InstanceId>>,
    /// What `use module … with` gave.
    configuration: BTreeMap<String, Value>,
}

impl Instance {
    fn new(ruleset: Arc<Ruleset>, configuration: BTreeMap<String, Value>) -> Self {
        Self {
            ruleset,
            globals: Vec::new(),
            modules: Vec::new(),
            configuration,
        }
    }

    fn set_global(&mut self, position: usize, value: Global) {
        if self.globals.len() <= position {
            self.globals.resize(position + 1, Global::Unknown);
        }
        if let Some(global) = self.globals.get_mut(position) {
            *global = value;
        }
    }

    fn set_module(&mut self, position: usize, module: InstanceId) {
        if self.modules.len() <= position {
            self.modules.resize(position + 1, None);
        }
        if let Some(place) = self.modules.get_mut(position) {
            *place = Some(module);
        }
    }
}

/// A global's value.
#[derive(Clone, Default)]
enum Global {
    Known(Value),
    /// It is being evaluated: asking for it again would never end.
    Running,
    #[default]
    Unknown,
}

/// A persistent variable as this run sees it.
struct Variable {
    value: Value,
    /// Its place among the changes, if this run changed it.
    changed: Option<usize>,
}

/// Globals are evaluated outside of all iterations.
const GLOBAL_ITERATION: u32 = u32::MAX;

impl<'s> Evaluator<'s> {
    pub(crate) fn new(ruleset: Arc<Ruleset>, scene: &'s Scene<'s>) -> Self {
        Self {
            scene,
            meter: Meter::new(*scene.limits),
            ended: Ended::default(),
            rule: None,
            frames: Frames::default(),
            top: Instance::new(ruleset, BTreeMap::new()),
            modules: Vec::new(),
            variables: BTreeMap::new(),
            questions: BTreeMap::new(),
            ordinals: BTreeMap::new(),
            generators: BTreeMap::new(),
            iteration: 0,
            is_final: true,
            stopped: false,
            call_depth: 0,
            nesting: 0,
            query_channels: Vec::new(),
        }
    }

    /// Runs a rule to its end.
    pub(crate) fn run(mut self, rule: usize) -> Result<Ended, Stop> {
        let ruleset = self.ruleset(TOP.instance)?;
        let rule = ruleset
            .rules
            .get(rule)
            .ok_or_else(|| internal("a rule that is not there"))?;
        self.rule = Some(rule.name.clone());
        match self.rule(rule) {
            Err(Halt::Error(failure)) => Err(failure.into()),
            _ if !self.questions.is_empty() => {
                Err(Stop::Ask(self.questions.into_values().collect()))
            }
            Err(Halt::Ask(_)) => Err(internal("an open question without a record").into()),
            Ok(()) => self.finish(),
        }
    }

    /// Answers a query: calls the function with the arguments that it has parameters for.
    pub(crate) fn query(&mut self, name: &Name, arguments: &DataMap) -> Result<Data, Stop> {
        let ruleset = self.ruleset(TOP.instance)?;
        let global = ruleset
            .global(name.as_str())
            .ok_or_else(|| internal("an unknown query"))?;
        match self.queried(TOP.instance, global, arguments) {
            Ok(value) => Ok(border::to_data(&mut self.meter, &value)?),
            Err(Halt::Error(failure)) => Err(failure.into()),
            Err(Halt::Ask(_)) => {
                let questions = std::mem::take(&mut self.questions);
                Err(Stop::Ask(questions.into_values().collect()))
            }
        }
    }

    /// Whether a `where` predicate holds, if it is a formula over the event alone: that needs no
    /// run. An event may ask very many.
    pub(crate) fn at_once(condition: &Condition, scene: &Scene<'_>) -> Option<(bool, u64)> {
        let frames = Frames::default();
        let formula = Formula::new(scene.event, &frames, TOP);
        let truth = formula.truth(&condition.expression)?;
        let steps = formula.steps();
        (steps <= scene.limits.fuel_max).then_some((truth, steps))
    }

    /// Whether a `where` predicate holds.
    pub(crate) fn holds(&mut self, condition: &Condition) -> Result<bool, Halt> {
        let at = self.of_bindings(condition)?;
        self.test(at, &condition.expression)
    }

    /// The time that an `at` means.
    pub(crate) fn instant(&mut self, condition: &Condition) -> Result<Option<Timestamp>, Halt> {
        let at = self.of_bindings(condition)?;
        let value = self.value(at, &condition.expression)?;
        Ok(bound_instant(&value)?)
    }

    /// A frame of what earlier events bound.
    fn of_bindings(&mut self, condition: &Condition) -> Result<At, Halt> {
        let mut slots = vec![Value::Null; condition.slots];
        for (name, slot) in &condition.bindings {
            let bound = self.scene.bindings.get(name);
            if let (Some(value), Some(place)) = (bound, slots.get_mut(*slot)) {
                *place = border::from_data(&mut self.meter, value)?;
            }
        }
        let frame = self.frames.push(TOP.frame, slots);
        Ok(At { frame, ..TOP })
    }

    fn finish(mut self) -> Result<Ended, Stop> {
        let mut changes: Vec<_> = std::mem::take(&mut self.variables)
            .into_iter()
            .filter_map(|(key, variable)| Some((variable.changed?, key, variable.value)))
            .collect();
        changes.sort_by_key(|(order, ..)| *order);
        // The PEN counts what is written of variables: they share much with what they were.
        self.ended.bytes = self.meter.kept();
        for (_, (rid, name), value) in changes {
            let value = if value.is_null() {
                None
            } else {
                Some(border::to_data(&mut self.meter, &value)?)
            };
            self.ended.changes.push(Change { rid, name, value });
        }
        self.ended.fuel = self.meter.fuel();
        Ok(self.ended)
    }

    fn queried(
        &mut self,
        instance: InstanceId,
        global: usize,
        arguments: &DataMap,
    ) -> Result<Value, Halt> {
        let value = self.global(instance, global)?;
        let mut named = Vec::new();
        for (name, value) in arguments.iter() {
            named.push((name.to_string(), border::from_data(&mut self.meter, value)?));
        }
        match value {
            Value::Function(callable) => self.call_with_names(&callable, &named),
            constant => Ok(constant),
        }
    }

    /// The event; none in a query.
    pub(crate) fn event(&self) -> Option<&'s Event> {
        self.scene.event.filter(|_| self.query_channels.is_empty())
    }

    /// The channel by which the event or the query came.
    pub(crate) fn channel(&self) -> Option<Eci> {
        self.query_channels.last().copied().or(self.scene.channel)
    }

    pub(crate) fn ruleset(&self, instance: InstanceId) -> Result<Arc<Ruleset>, Failure> {
        let instance = self.instance(instance);
        let instance = instance.ok_or_else(|| internal("an unknown instance"))?;
        Ok(Arc::clone(&instance.ruleset))
    }

    fn instance(&self, instance: InstanceId) -> Option<&Instance> {
        match instance.0.checked_sub(1) {
            None => Some(&self.top),
            Some(module) => self.modules.get(module),
        }
    }

    fn instance_mut(&mut self, instance: InstanceId) -> Option<&mut Instance> {
        match instance.0.checked_sub(1) {
            None => Some(&mut self.top),
            Some(module) => self.modules.get_mut(module),
        }
    }

    /// A place in the source, as an error names it.
    pub(crate) fn place(&self, at: At, site: u32) -> String {
        let Some(instance) = self.instance(at.instance) else {
            return String::new();
        };
        let (line, column) = instance.ruleset.lines.position(site as usize);
        let place = format!("line {line}, column {column}");
        if at.instance == TOP.instance {
            place
        } else {
            format!("{} {place}", instance.ruleset.rid)
        }
    }

    /// Counts something that the run wants done.
    pub(crate) fn wish(&mut self) -> Result<(), Failure> {
        let ended = &self.ended;
        let wishes = ended.raises.len()
            + ended.effects.len()
            + ended.directives.len()
            + ended.timers.len()
            + ended.arrangements.len()
            + ended.log.len()
            + self.questions.len();
        if wishes < self.scene.limits.wishes_max {
            return Ok(());
        }
        let message = format!(
            "the rule wants more than {} events, effects, directives, timers, changes of its PEN, \
             answers and log lines",
            self.scene.limits.wishes_max
        );
        Err(Failure::new("wishes-exhausted", message))
    }

    /// Writes a line to the log of the run.
    pub(crate) fn log(&mut self, level: &str, value: &Value) -> Result<(), Failure> {
        self.wish()?;
        let text = match value {
            Value::List(_) | Value::Map(_) => crate::json::encode(&mut self.meter, value, 0)?,
            other => crate::coerce::text(other).to_string(),
        };
        let text: String = text.chars().take(LOG_CHARACTERS_MAX).collect();
        self.meter.allocate(text.len() as u64)?;
        self.meter.keep(text.len());
        self.ended.log.push((level.to_owned(), text));
        Ok(())
    }

    /// The answer to a question of this call site, or a halt that asks it.
    pub(crate) fn ask(
        &mut self,
        site: u32,
        connector: &str,
        action: &str,
        arguments: DataMap,
    ) -> Result<Value, Halt> {
        let ordinal = self.ordinals.entry((self.iteration, site)).or_default();
        let id = QuestionId {
            iteration: self.iteration,
            site,
            ordinal: *ordinal,
        };
        *ordinal += 1;
        match self.scene.answers.get(&id) {
            Some(Ok(answer)) => Ok(border::from_data(&mut self.meter, answer)?),
            Some(Err(fault)) => Err(Failure::new(
                "krl-answer-failed",
                format!("{connector} {action}: {fault}"),
            )
            .into()),
            None => {
                self.wish()?;
                let (connector, action) = (name(connector)?, name(action)?);
                self.questions.insert(
                    id,
                    Question {
                        id,
                        connector,
                        action,
                        arguments,
                    },
                );
                Err(Halt::Ask(id))
            }
        }
    }

    /// The generator of a call site: what it gives depends on the run's seed, the iteration, the
    /// site and how often it was used there, on nothing else.
    pub(crate) fn generator(&mut self, site: u32) -> &mut ChaCha20Rng {
        use rand_core::SeedableRng as _;
        let (seed, iteration) = (self.scene.seed, self.iteration);
        self.generators.entry((iteration, site)).or_insert_with(|| {
            let mut generator = ChaCha20Rng::from_seed(seed);
            generator.set_stream(u64::from(iteration) << 32 | u64::from(site));
            generator
        })
    }

    /// Begins an iteration: what was counted in the ones before is not needed any more.
    fn begin_iteration(&mut self, iteration: u32) {
        self.iteration = iteration;
        let is_needed = |of: u32| of == iteration || of == GLOBAL_ITERATION;
        self.generators.retain(|(of, _), _| is_needed(*of));
        self.ordinals.retain(|(of, _), _| is_needed(*of));
    }

    /// A persistent variable, as this run sees it.
    pub(crate) fn variable(&mut self, at: At, variable: &Name) -> Result<Value, Failure> {
        let key = (self.ruleset(at.instance)?.rid.clone(), variable.clone());
        if let Some(known) = self.variables.get(&key) {
            return Ok(known.value.clone());
        }
        let stored = self.scene.view.variable(&key.0, &key.1).unwrap_or_default();
        let value = border::from_data(&mut self.meter, &stored)?;
        self.variables.insert(
            key,
            Variable {
                value: value.clone(),
                changed: None,
            },
        );
        Ok(value)
    }

    /// Changes a persistent variable; null clears it.
    pub(crate) fn set_variable(
        &mut self,
        at: At,
        variable: &Name,
        value: Value,
    ) -> Result<(), Failure> {
        let ruleset = self.ruleset(at.instance)?;
        if ruleset.timed.contains(variable) {
            let now = Value::number(self.scene.now.0 as f64);
            self.set_variable(at, &trail::time_of(variable)?, now)?;
        }
        let key = (ruleset.rid.clone(), variable.clone());
        let order = self.variables.len();
        let changed = self
            .variables
            .get(&key)
            .and_then(|known| known.changed)
            .or(Some(order));
        self.variables.insert(key, Variable { value, changed });
        Ok(())
    }

    fn add_instance(
        &mut self,
        ruleset: Arc<Ruleset>,
        configuration: BTreeMap<String, Value>,
    ) -> InstanceId {
        self.modules.push(Instance::new(ruleset, configuration));
        InstanceId(self.modules.len())
    }

    fn set_slot(&mut self, frame: FrameId, slot: usize, value: Value) -> Result<(), Failure> {
        let set = self.frames.set(frame, slot, value);
        set.ok_or_else(|| internal("an unknown slot"))
    }
}

/// The top level of the ruleset that runs.
pub(crate) const TOP: At = At {
    frame: FrameId::TOP,
    instance: InstanceId(0),
};

/// Characters of a log line that are kept.
const LOG_CHARACTERS_MAX: usize = 4_000;

/// A name that a rule computed.
pub(crate) fn name(text: &str) -> Result<Name, Failure> {
    Name::new(text).map_err(|error| Failure::new("krl-name-invalid", error.to_string()))
}

fn internal(what: &str) -> Failure {
    Failure::new(
        "krl-internal",
        format!("Stratus is wrong here, please report it: {what}"),
    )
}
