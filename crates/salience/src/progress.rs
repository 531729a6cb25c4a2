//! How far an event expression has come, and how that is written down.

use std::sync::Arc;

use stratus_event::{Map, Name, Timestamp, Value};

use crate::{
    DEPTH_MAX, PRIMITIVES_MAX,
    bindings::Bound,
    key::Key,
    runs::{Run, Runs},
    stage::{Absent, Attempt, Occurrence, Set, Stage},
};

/// How far an automaton has come. The default is the start.
///
/// Written as a [`Value`] it is a list of [`VERSION`] and the stage: null at the start, true for a
/// part that is done, else a list whose first item names the operator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress(pub(crate) Stage);

/// The version of the written form. A change of the form counts it up and keeps reading the older
/// ones.
const VERSION: i32 = 1;

/// How deep stages can be nested: a stage of an operator may stand in one of a `within`.
pub(crate) const STAGES_DEPTH_MAX: usize = 2 * DEPTH_MAX;

/// The written form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgressError {
    /// It is not what this version writes.
    #[error("the progress of an event expression is damaged")]
    Damaged,
    /// A later version wrote it.
    #[error("the progress of an event expression is of version {version}, which is unknown here")]
    Version {
        /// Which.
        version: i64,
    },
}

impl Progress {
    /// Whether nothing has come yet; then there is nothing to keep.
    pub fn is_start(&self) -> bool {
        self.0 == Stage::Start
    }

    /// How many partial matches it holds: more than one only for an expression with joins or a
    /// `within`.
    pub fn partial_matches(&self) -> usize {
        match &self.0 {
            Stage::Runs(runs) => runs.len,
            Stage::Start => 0,
            Stage::Within(attempts) => attempts.len(),
            _ => 1,
        }
    }
}

impl From<&Progress> for Value {
    /// All of it, its partial matches included.
    fn from(progress: &Progress) -> Self {
        wrap(&progress.0)
    }
}

impl TryFrom<&Value> for Progress {
    type Error = ProgressError;

    fn try_from(value: &Value) -> Result<Self, ProgressError> {
        Ok(Self(read(unwrap(value)?, STAGES_DEPTH_MAX)?))
    }
}

/// What is written, with the version of its form.
pub(crate) fn wrap(written: impl Into<Value>) -> Value {
    Value::list([Value::from(VERSION), written.into()])
}

/// What is written in a version that is known.
pub(crate) fn unwrap(value: &Value) -> Result<&Value, ProgressError> {
    let [version, written] = value.as_list().ok_or(ProgressError::Damaged)? else {
        return Err(ProgressError::Damaged);
    };
    match integer(version)? {
        version if version == i64::from(VERSION) => Ok(written),
        version => Err(ProgressError::Version { version }),
    }
}

impl From<&Stage> for Value {
    fn from(stage: &Stage) -> Self {
        let written =
            |word: &str, items: Vec<Self>| Self::list([Self::from(word)].into_iter().chain(items));
        match stage {
            Stage::Absent(absent) => {
                let items = [&absent.middle, &absent.last].map(Self::from);
                written(
                    "absent",
                    [bound(&absent.bindings)].into_iter().chain(items).collect(),
                )
            }
            Stage::Counted(seen) => written("counted", seen.iter().map(Self::from).collect()),
            Stage::Or(parts) => written("or", parts.iter().map(Self::from).collect()),
            Stage::Runs(runs) => written("runs", write_runs(runs)),
            Stage::Sequence {
                at,
                bindings,
                inner,
            } => {
                let items = vec![
                    Self::number(f64::from(*at)),
                    bound(bindings),
                    Self::from(inner.stage()),
                ];
                written("sequence", items)
            }
            Stage::Set(set) => written("set", write_set(set)),
            Stage::Start => Self::Null,
            Stage::Within(attempts) => written("within", attempts.iter().map(Self::from).collect()),
        }
    }
}

impl From<&Occurrence> for Value {
    fn from(occurrence: &Occurrence) -> Self {
        Self::list(
            [time(occurrence.at)]
                .into_iter()
                .chain(occurrence.captures.iter().cloned()),
        )
    }
}

impl From<&Attempt> for Value {
    fn from(attempt: &Attempt) -> Self {
        Self::list([time(attempt.began), Self::from(&attempt.stage)])
    }
}

impl From<&Run> for Value {
    fn from(run: &Run) -> Self {
        Self::list([
            number(run.number),
            run.parent.map_or(Self::Null, number),
            Self::list(run.key.values().iter().cloned()),
            Self::from(&run.stage),
        ])
    }
}

/// Milliseconds since 1970 are exact as a double for some 285,000 years.
fn time(time: Timestamp) -> Value {
    Value::number(time.0 as f64)
}

fn bound(bindings: &Bound) -> Value {
    let entries = bindings
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    Value::map(entries.collect::<Map>())
}

/// What is bound, then each part: true if it is done.
fn write_set(set: &Set) -> Vec<Value> {
    let part = |part| {
        if set.done.contains(part) {
            Value::Boolean(true)
        } else {
            Value::from(set.stage(part))
        }
    };
    [bound(&set.bindings)]
        .into_iter()
        .chain((0..set.parts()).map(part))
        .collect()
}

/// The next number, how many were dropped, the variables, the one by which they are found, then
/// each partial match in the order of their age: number, parent, values, stage.
fn write_runs(runs: &Runs) -> Vec<Value> {
    let mut all: Vec<_> = runs.all().collect();
    all.sort_unstable_by_key(|run| run.number);
    let names = runs.names.iter().map(|name| Value::text(name.as_str()));
    let head = [
        number(runs.next),
        number(runs.dropped),
        Value::list(names),
        Value::number(runs.pivot as f64),
    ];
    let all = all.into_iter().map(|run| Value::from(&**run));
    head.into_iter().chain(all).collect()
}

fn number(number: u64) -> Value {
    Value::number(number as f64)
}

/// Reads a stage; `depth` is how deep stages may still be nested.
fn read(value: &Value, depth: usize) -> Result<Stage, ProgressError> {
    let depth = depth.checked_sub(1).ok_or(ProgressError::Damaged)?;
    let items = match value {
        Value::List(items) => items.as_slice(),
        Value::Null => return Ok(Stage::Start),
        _ => return Err(ProgressError::Damaged),
    };
    let (word, items) = items.split_first().ok_or(ProgressError::Damaged)?;
    let all = |items: &[Value]| -> Result<Vec<Stage>, _> {
        items.iter().map(|item| read(item, depth)).collect()
    };
    match (word.as_text(), items) {
        (Some("absent"), [bindings, middle, last]) => Ok(Stage::Absent(Box::new(Absent {
            bindings: read_bindings(bindings)?,
            middle: read(middle, depth)?,
            last: read(last, depth)?,
        }))),
        (Some("counted"), seen) => seen
            .iter()
            .map(read_occurrence)
            .collect::<Result<_, _>>()
            .map(Stage::Counted),
        (Some("or"), parts) => all(parts).map(|parts| Stage::Or(parts.into())),
        (Some("runs"), [next, dropped, names, pivot, runs @ ..]) => {
            let names = read_names(names)?;
            let mut read = Runs::new(names, place(pivot)?);
            for run in runs {
                read.put(read_run(run, &read.names, depth)?);
            }
            read.next = position(next)?;
            read.dropped = position(dropped)?;
            Ok(Stage::Runs(read.into()))
        }
        (Some("sequence"), [at, bindings, inner]) => Ok(Stage::Sequence {
            at: u16::try_from(integer(at)?).map_err(|_| ProgressError::Damaged)?,
            bindings: read_bindings(bindings)?,
            inner: read(inner, depth)?.into(),
        }),
        (Some("set"), [bindings, parts @ ..]) if parts.len() <= PRIMITIVES_MAX => {
            read_set(bindings, parts, depth)
        }
        (Some("within"), attempts) => {
            let attempts = (0..).zip(attempts);
            let attempts = attempts.map(|(number, attempt)| read_attempt(number, attempt, depth));
            attempts.collect::<Result<_, _>>().map(Stage::Within)
        }
        _ => Err(ProgressError::Damaged),
    }
}

fn read_set(bindings: &Value, parts: &[Value], depth: usize) -> Result<Stage, ProgressError> {
    let mut set = Set {
        bindings: read_bindings(bindings)?,
        ..Set::default()
    };
    for (place, part) in parts.iter().enumerate() {
        match part {
            Value::Boolean(true) => set.done.insert(place),
            part => set.move_part(place, read(part, depth)?),
        }
    }
    Ok(Stage::set(set))
}

pub(crate) fn read_run(
    value: &Value,
    names: &Arc<[Name]>,
    depth: usize,
) -> Result<Run, ProgressError> {
    let items = value.as_list().ok_or(ProgressError::Damaged)?;
    let [number, parent, values, stage] = items else {
        return Err(ProgressError::Damaged);
    };
    let values = values
        .as_list()
        .filter(|values| values.len() == names.len());
    Ok(Run {
        number: position(number)?,
        parent: match parent {
            Value::Null => None,
            parent => Some(position(parent)?),
        },
        key: Key::of(names, values.ok_or(ProgressError::Damaged)?.to_vec()),
        stage: read(stage, depth)?,
    })
}

fn read_names(value: &Value) -> Result<Arc<[Name]>, ProgressError> {
    let names = value.as_list().ok_or(ProgressError::Damaged)?.iter();
    let name = |name: &Value| read_name(name.as_text().ok_or(ProgressError::Damaged)?);
    names.map(name).collect()
}

fn read_bindings(value: &Value) -> Result<Bound, ProgressError> {
    let entries = value.as_map().ok_or(ProgressError::Damaged)?.iter();
    entries
        .map(|(name, value)| Ok((read_name(name)?, value.clone())))
        .collect()
}

fn read_name(text: &str) -> Result<Name, ProgressError> {
    Name::new(text).map_err(|_| ProgressError::Damaged)
}

fn read_occurrence(value: &Value) -> Result<Occurrence, ProgressError> {
    match value.as_list() {
        Some([at, captures @ ..]) => Ok(Occurrence {
            at: Timestamp(integer(at)?),
            captures: captures.into(),
        }),
        _ => Err(ProgressError::Damaged),
    }
}

pub(crate) fn read_attempt(
    number: u64,
    value: &Value,
    depth: usize,
) -> Result<Attempt, ProgressError> {
    match value.as_list() {
        Some([began, stage]) => Ok(Attempt {
            number,
            began: Timestamp(integer(began)?),
            stage: read(stage, depth)?,
        }),
        _ => Err(ProgressError::Damaged),
    }
}

fn position(value: &Value) -> Result<u64, ProgressError> {
    u64::try_from(integer(value)?).map_err(|_| ProgressError::Damaged)
}

fn place(value: &Value) -> Result<usize, ProgressError> {
    usize::try_from(integer(value)?).map_err(|_| ProgressError::Damaged)
}

fn integer(value: &Value) -> Result<i64, ProgressError> {
    match value {
        Value::Number(number) => number.as_integer().ok_or(ProgressError::Damaged),
        _ => Err(ProgressError::Damaged),
    }
}
