//! KRL: what a ruleset means.
//!
//! [`Krl`] compiles a ruleset's text to a program that a PEN runs. Running is a pure function of
//! the program and a scene: there is no clock, no network and no randomness but what the scene
//! gives, and all that a rule wants done comes back as data.

mod border;
mod coerce;
mod compile;
mod data;
mod document;
mod evaluate;
mod explain;
mod fixture;
mod json;
mod library;
mod limit;
mod pattern;
mod program;
mod resolve;
mod scalar;
mod session;
mod together;
mod trial;
mod value;
mod wants;

use std::{any::Any, borrow::Cow, fmt, sync::Arc};

use stratus_event::{Fault, Map, Name, Timestamp, Value, Whose};
use stratus_krl_syntax::{Diagnostic, Parsed, Partial, Severity, line_column, parse_ruleset};
use stratus_pen::{
    Permissions,
    language::{Ended, Judgement, Language, Outline, Program, RuleError, Scene, Stop},
};
use stratus_salience::Patterns;

pub use document::document;
pub use explain::{codes, explain, nearest_code};
pub use fixture::{Problem, Report, test};
pub use session::Session;
pub use together::check_together;
pub use trial::Trial;

use crate::{
    evaluate::Evaluator,
    limit::{Failure, Halt},
    program::Ruleset,
};

/// The language KRL.
#[derive(Clone, Copy, Debug, Default)]
pub struct Krl;

impl Language for Krl {
    fn compile_among(
        &self,
        source: &str,
        patterns: &mut Patterns,
    ) -> Result<Arc<dyn Program>, Vec<Fault>> {
        match compiled(source, patterns) {
            (Some(ruleset), _) => Ok(Arc::new(Compiled::new(ruleset))),
            (None, said) => Err(faults(source, &said)),
        }
    }
}

/// Everything that there is to say about a ruleset's text: what the parser says, and what the
/// meaning of the parts that can be read lets one say. Without an error among it, the ruleset can
/// be installed.
pub fn check(source: &str) -> Vec<Diagnostic> {
    compiled(source, &mut Patterns::default()).1
}

/// The ruleset, if nothing is wrong with it, and all that is to be said about it.
fn compiled(source: &str, patterns: &mut Patterns) -> (Option<Ruleset>, Vec<Diagnostic>) {
    let parsed = parse_ruleset(source);
    if parsed.has_errors() {
        return (None, surveyed(source, parsed));
    }
    let mut said = parsed.diagnostics;
    let Some(tree) = parsed.ruleset else {
        return (None, said);
    };
    let outcome = compile::compile(source, &tree, patterns);
    said.extend(outcome.warnings);
    match outcome.ruleset {
        Ok(ruleset) => (Some(ruleset), said),
        Err(errors) => {
            said.extend(errors);
            (None, said)
        }
    }
}

/// What there is to say about a text that cannot be read whole, in its order.
fn surveyed(source: &str, parsed: Parsed) -> Vec<Diagnostic> {
    let partial = Partial::new(source, &parsed);
    let mut said = parsed.diagnostics;
    said.extend(
        partial
            .into_iter()
            .flat_map(|partial| compile::survey(source, partial)),
    );
    said.sort_by_key(|found| found.span().start);
    said
}

fn faults(source: &str, said: &[Diagnostic]) -> Vec<Fault> {
    let errors = said.iter();
    let errors = errors.filter(|found| found.severity == Severity::Error);
    errors.map(|error| fault(source, error)).collect()
}

/// A compiled ruleset as a program of the PEN.
pub(crate) struct Compiled {
    pub(crate) ruleset: Arc<Ruleset>,
}

impl Compiled {
    fn new(ruleset: Ruleset) -> Self {
        Self {
            ruleset: Arc::new(ruleset),
        }
    }

    fn evaluator<'s>(&self, scene: &'s Scene<'s>) -> Evaluator<'s> {
        Evaluator::new(Arc::clone(&self.ruleset), scene)
    }
}

impl Program for Compiled {
    fn rid(&self) -> &Name {
        &self.ruleset.rid
    }

    fn rules(&self) -> &[Outline] {
        &self.ruleset.outlines
    }

    fn queries(&self) -> &[Name] {
        &self.ruleset.shared
    }

    fn modules(&self) -> &[Name] {
        &self.ruleset.module_rids
    }

    fn holds(&self, condition: usize, scene: &Scene<'_>) -> Judgement<bool> {
        let Some(condition) = self.ruleset.conditions.get(condition) else {
            return Judgement::free(Ok(false));
        };
        if let Some((holds, fuel)) = Evaluator::at_once(condition, scene) {
            let said = Ok(holds);
            return Judgement { said, fuel };
        }
        let mut evaluator = self.evaluator(scene);
        let said = evaluator.holds(condition).map_err(unselected);
        let fuel = evaluator.meter.fuel();
        Judgement { said, fuel }
    }

    fn instant(&self, number: usize, scene: &Scene<'_>) -> Judgement<Option<Timestamp>> {
        let Some(time) = self.ruleset.conditions.get(number) else {
            return Judgement::free(Ok(None));
        };
        let mut evaluator = self.evaluator(scene);
        let said = evaluator.instant(time).map_err(unselected);
        let fuel = evaluator.meter.fuel();
        Judgement { said, fuel }
    }

    fn run(&self, rule: usize, scene: &Scene<'_>) -> Result<Ended, Stop> {
        self.evaluator(scene).run(rule)
    }

    fn query(&self, name: &Name, arguments: &Map, scene: &Scene<'_>) -> Judgement<Value, Stop> {
        if !self.ruleset.shared.contains(name) {
            let shared = self.ruleset.shared.iter().map(Name::as_str);
            let near = resolve::suggestion(name.as_str(), shared);
            let message = format!("{} shares no function {name}{near}", self.ruleset.rid);
            return Judgement::free(Err(Failure::new("query-unknown", message).into()));
        }
        let mut evaluator = self.evaluator(scene);
        let said = evaluator.query(name, arguments);
        let fuel = evaluator.meter.fuel();
        Judgement { said, fuel }
    }

    fn wants(&self) -> Permissions {
        wants::wants(&self.ruleset)
    }

    fn secret(&self, reader: &Name, key: &str, part: usize) -> Option<Cow<'_, str>> {
        let key = self.ruleset.keys.get(key)?;
        let may_read = *reader == self.ruleset.rid || key.readers.contains(reader);
        let (_, secret) = key.parts.get(part).filter(|_| may_read)?;
        Some(Cow::Borrowed(secret))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Why a part of an event expression has no value.
fn unselected(halt: Halt) -> RuleError {
    match halt {
        Halt::Error(failure) => failure.into(),
        Halt::Ask(_) => {
            let message = "a where condition cannot wait for an answer from the world";
            Failure::new("krl-question-in-where", message).into()
        }
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compiled({})", self.ruleset.rid)
    }
}

/// A diagnostic of the parser as a fault of the ruleset.
fn fault(source: &str, diagnostic: &Diagnostic) -> Fault {
    let (line, column) = line_column(source, diagnostic.span().start);
    let mut message = format!("line {line}, column {column}: {}", diagnostic.title);
    if let Some((_, said)) = diagnostic
        .labels
        .first()
        .filter(|(_, said)| !said.is_empty())
    {
        message = format!("{message} ({said})");
    }
    let fault = Fault::new(Whose::Ruleset, diagnostic.code, message);
    match &diagnostic.help {
        Some(help) => fault.hint(help),
        None => fault,
    }
}
