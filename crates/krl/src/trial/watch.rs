//! A program whose runs are looked at.

use std::{
    any::Any,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use stratus_event::{Map, Name, Timestamp, Value};
use stratus_pen::{
    Permissions,
    language::{Ended, Judgement, Outline, Program, RuleError, Scene, Stop},
};

/// A program, and what was seen of it since the last [`Watched::forget`].
#[derive(Debug)]
pub(super) struct Watched {
    program: Arc<dyn Program>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    ended: Vec<(u64, Ended)>,
    conditions: Vec<(usize, Result<bool, RuleError>)>,
}

impl Watched {
    pub(super) fn new(program: Arc<dyn Program>) -> Self {
        let seen = Mutex::default();
        Self { program, seen }
    }

    pub(super) fn forget(&self) {
        *self.seen() = Seen::default();
    }

    /// The rule runs that came to their end, each with its place in the order of all.
    pub(super) fn ended(&self) -> Vec<(u64, Ended)> {
        self.seen().ended.clone()
    }

    /// What a `where` predicate said last.
    pub(super) fn condition(&self, number: usize) -> Option<Result<bool, RuleError>> {
        let seen = self.seen();
        let mut said = seen.conditions.iter().rev();
        let said = said.find(|(known, _)| *known == number);
        said.map(|(_, said)| said.clone())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Program for Watched {
    fn rid(&self) -> &Name {
        self.program.rid()
    }

    fn rules(&self) -> &[Outline] {
        self.program.rules()
    }

    fn queries(&self) -> &[Name] {
        self.program.queries()
    }

    fn modules(&self) -> &[Name] {
        self.program.modules()
    }

    fn holds(&self, condition: usize, scene: &Scene<'_>) -> Judgement<bool> {
        let judgement = self.program.holds(condition, scene);
        let said = judgement.said.clone();
        self.seen().conditions.push((condition, said));
        judgement
    }

    fn instant(&self, number: usize, scene: &Scene<'_>) -> Judgement<Option<Timestamp>> {
        self.program.instant(number, scene)
    }

    fn run(&self, rule: usize, scene: &Scene<'_>) -> Result<Ended, Stop> {
        let ended = self.program.run(rule, scene)?;
        let order = ORDER.fetch_add(1, Ordering::Relaxed);
        self.seen().ended.push((order, ended.clone()));
        Ok(ended)
    }

    fn query(&self, name: &Name, arguments: &Map, scene: &Scene<'_>) -> Judgement<Value, Stop> {
        self.program.query(name, arguments, scene)
    }

    fn wants(&self) -> Permissions {
        self.program.wants()
    }

    fn as_any(&self) -> &dyn Any {
        self.program.as_any()
    }
}

/// Only tells which run was before which.
static ORDER: AtomicU64 = AtomicU64::new(0);
