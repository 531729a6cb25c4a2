//! How far an event expression has come, and how that is written down.

use stratus_event::{Map, Name, Timestamp, Value};

use crate::{
    Bindings, DEPTH_MAX,
    stage::{Attempt, Occurrence, Stage},
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
}

impl From<&Progress> for Value {
    fn from(progress: &Progress) -> Self {
        Self::list([Self::from(VERSION), Self::from(&progress.0)])
    }
}

impl TryFrom<&Value> for Progress {
    type Error = ProgressError;

    fn try_from(value: &Value) -> Result<Self, ProgressError> {
        let [version, stage] = value.as_list().ok_or(ProgressError::Damaged)? else {
            return Err(ProgressError::Damaged);
        };
        match integer(version)? {
            version if version == i64::from(VERSION) => Ok(Self(read(stage, 2 * DEPTH_MAX)?)),
            version => Err(ProgressError::Version { version }),
        }
    }
}

impl From<&Stage> for Value {
    fn from(stage: &Stage) -> Self {
        let written =
            |word: &str, items: Vec<Self>| Self::list([Self::from(word)].into_iter().chain(items));
        let all = |stages: &[Stage]| stages.iter().map(Self::from).collect::<Vec<_>>();
        match stage {
            Stage::Absent {
                bindings,
                middle,
                last,
            } => {
                let items = vec![bound(bindings), Self::from(&**middle), Self::from(&**last)];
                written("absent", items)
            }
            Stage::Counted(seen) => written("counted", seen.iter().map(Self::from).collect()),
            Stage::Done => Self::Boolean(true),
            Stage::Or(parts) => written("or", all(parts)),
            Stage::Sequence {
                at,
                bindings,
                inner,
            } => {
                let items = vec![
                    Self::number(*at as f64),
                    bound(bindings),
                    Self::from(&**inner),
                ];
                written("sequence", items)
            }
            Stage::Set { bindings, parts } => written(
                "set",
                [bound(bindings)].into_iter().chain(all(parts)).collect(),
            ),
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

/// Milliseconds since 1970 are exact as a double for some 285,000 years.
fn time(time: Timestamp) -> Value {
    Value::number(time.0 as f64)
}

fn bound(bindings: &Bindings) -> Value {
    let entries = bindings
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    Value::map(entries.collect::<Map>())
}

/// Reads a stage; `depth` is how deep stages may still be nested.
fn read(value: &Value, depth: usize) -> Result<Stage, ProgressError> {
    let depth = depth.checked_sub(1).ok_or(ProgressError::Damaged)?;
    let items = match value {
        Value::Boolean(true) => return Ok(Stage::Done),
        Value::List(items) => items.as_slice(),
        Value::Null => return Ok(Stage::Start),
        _ => return Err(ProgressError::Damaged),
    };
    let (word, items) = items.split_first().ok_or(ProgressError::Damaged)?;
    let all = |items: &[Value]| -> Result<Vec<Stage>, _> {
        items.iter().map(|item| read(item, depth)).collect()
    };
    match (word.as_text(), items) {
        (Some("absent"), [bindings, middle, last]) => Ok(Stage::Absent {
            bindings: read_bindings(bindings)?,
            middle: Box::new(read(middle, depth)?),
            last: Box::new(read(last, depth)?),
        }),
        (Some("counted"), seen) => seen
            .iter()
            .map(read_occurrence)
            .collect::<Result<_, _>>()
            .map(Stage::Counted),
        (Some("or"), parts) => all(parts).map(Stage::Or),
        (Some("sequence"), [at, bindings, inner]) => Ok(Stage::Sequence {
            at: usize::try_from(integer(at)?).map_err(|_| ProgressError::Damaged)?,
            bindings: read_bindings(bindings)?,
            inner: Box::new(read(inner, depth)?),
        }),
        (Some("set"), [bindings, parts @ ..]) => Ok(Stage::Set {
            bindings: read_bindings(bindings)?,
            parts: all(parts)?,
        }),
        (Some("within"), attempts) => {
            let attempts = attempts.iter().map(|attempt| read_attempt(attempt, depth));
            attempts.collect::<Result<_, _>>().map(Stage::Within)
        }
        _ => Err(ProgressError::Damaged),
    }
}

fn read_bindings(value: &Value) -> Result<Bindings, ProgressError> {
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
            captures: captures.to_vec(),
        }),
        _ => Err(ProgressError::Damaged),
    }
}

fn read_attempt(value: &Value, depth: usize) -> Result<Attempt, ProgressError> {
    match value.as_list() {
        Some([began, stage]) => Ok(Attempt {
            began: Timestamp(integer(began)?),
            stage: read(stage, depth)?,
        }),
        _ => Err(ProgressError::Damaged),
    }
}

fn integer(value: &Value) -> Result<i64, ProgressError> {
    match value {
        Value::Number(number) => number.as_integer().ok_or(ProgressError::Damaged),
        _ => Err(ProgressError::Damaged),
    }
}
