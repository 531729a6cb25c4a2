//! Why an event did, or did not, select a rule.

use std::fmt;

use stratus_event::{Event, Name, Timestamp};

use crate::{
    Automaton, Bindings, Expression, Primitive, Progress, Symbol, bindings::Bound,
    primitive::attribute_text, stage::Stage,
};

/// Why an event did, or did not, select a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// It completed the rule's event expression.
    Fired,
    /// It is no event with which the expression begins: for each event that could, what it lacks.
    NotWoken(Vec<Refusal>),
    /// The expression has begun and waits for more.
    Waiting {
        /// Its partial matches, oldest first, at most [`WAITING_SHOWN_MAX`].
        matches: Vec<Waiting>,
        /// What this event lacks to be one of those that are waited for; empty if it moved any.
        refusals: Vec<Refusal>,
    },
}

/// A partial match.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Which step of the expression comes next, from 1.
    pub step: usize,
    /// How many steps there are.
    pub of: usize,
    /// The events that would go on with it.
    pub wanted: Vec<Symbol>,
    /// When its time is over, if it has one.
    pub until: Option<Timestamp>,
    /// What is bound so far.
    pub bindings: Bindings,
}

/// What an event lacks to be one that an expression wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// All else is as wanted, but the `where` of that number does not hold.
    Condition {
        /// Which event is wanted.
        wanted: Symbol,
        /// The predicate's number.
        number: usize,
    },
    /// An attribute does not match.
    Filter {
        /// Which event is wanted.
        wanted: Symbol,
        /// The attribute.
        attribute: Name,
        /// Its text; empty if it is missing.
        value: String,
        /// What it must contain.
        pattern: String,
    },
    /// An attribute is not equal to what an earlier event bound in any partial match.
    Join {
        /// Which event is wanted.
        wanted: Symbol,
        /// The attribute.
        attribute: Name,
        /// Its text; empty if it is missing.
        value: String,
        /// The variable.
        variable: Name,
    },
    /// It is another event.
    Symbol {
        /// Which event is wanted.
        wanted: Symbol,
    },
}

/// What an event did to a rule's event expression: what an outcome keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// It completed it.
    Fired,
    /// It moved it, forwards or back.
    Moved,
    /// It changed nothing.
    Nothing,
}

/// How many partial matches of a rule are shown.
pub const WAITING_SHOWN_MAX: usize = 10;

/// How far a part of an expression stands.
struct Stand<'a> {
    step: usize,
    of: usize,
    wanted: Vec<&'a Primitive>,
    until: Option<Timestamp>,
    bound: Bound,
}

impl Automaton {
    /// Why the event did, or did not, select the rule. `progress` is how far the automaton stood
    /// after the event. Nothing is evaluated again.
    pub fn why(&self, event: &Event, did: Did, progress: &Progress) -> Why {
        if did == Did::Fired {
            return Why::Fired;
        }
        let expression = self.expression();
        let stages = match &progress.0 {
            Stage::Start => return Why::NotWoken(refusals(&expression.openers(), event, &[])),
            Stage::Runs(runs) => {
                let mut runs: Vec<_> = runs.all().collect();
                runs.sort_unstable_by_key(|run| run.number);
                runs.into_iter().map(|run| &run.stage).collect()
            }
            stage => vec![stage],
        };
        let stands: Vec<_> = stages
            .into_iter()
            .map(|stage| expression.stand(stage))
            .collect();
        let refusals = match did {
            Did::Nothing => lacking(&stands, event),
            Did::Fired | Did::Moved => Vec::new(),
        };
        let shown = stands.into_iter().take(WAITING_SHOWN_MAX);
        Why::Waiting {
            matches: shown.map(Waiting::from).collect(),
            refusals,
        }
    }
}

impl Expression {
    fn stand<'a>(&'a self, stage: &Stage) -> Stand<'a> {
        match (self, stage) {
            (
                _,
                Stage::Sequence {
                    at,
                    bindings,
                    inner,
                },
            ) => {
                let parts = self.parts();
                let stand = parts
                    .get(usize::from(*at))
                    .map(|part| part.stand(inner.stage()));
                let stand = stand.unwrap_or_else(|| self.begins());
                Stand {
                    step: usize::from(*at) + 1,
                    of: parts.len(),
                    bound: bindings.and(&stand.bound),
                    ..stand
                }
            }
            (Self::And(parts) | Self::Any(_, parts), Stage::Set(set)) => {
                let open = parts.iter().enumerate();
                let open = open.filter(|(place, _)| !set.done.contains(*place));
                let stands = open.map(|(place, part)| part.stand(set.stage(place)));
                let of = if let Self::Any(wanted, _) = self {
                    *wanted
                } else {
                    parts.len()
                };
                together(set.done.len() + 1, of, set.bindings.clone(), stands)
            }
            (Self::Or(parts), Stage::Or(stages)) => {
                let mut both = parts.iter().zip(stages);
                let begun = both.find(|(_, stage)| **stage != Stage::Start);
                begun.map_or_else(|| self.begins(), |(part, stage)| part.stand(stage))
            }
            (Self::Within(part, period), Stage::Within(attempts)) => {
                let Some(newest) = attempts.last() else {
                    return self.begins();
                };
                part.stand(&newest.stage).by(newest.began + *period)
            }
            (Self::Within(part, period), Stage::Counted(seen)) => match seen.first() {
                Some(oldest) => part.stand(stage).by(oldest.at + *period),
                None => self.begins(),
            },
            (Self::Count(one) | Self::Repeat(one), Stage::Counted(seen)) => Stand {
                step: seen.len() + 1,
                of: one.times,
                ..self.begins()
            },
            (Self::NotBetween(between), Stage::Absent(absent)) => {
                let stand = between.last.stand(&absent.last);
                Stand {
                    step: 2,
                    of: 2,
                    bound: absent.bindings.and(&stand.bound),
                    ..stand
                }
            }
            _ => self.begins(),
        }
    }

    fn begins(&self) -> Stand<'_> {
        Stand {
            step: 1,
            of: 1,
            wanted: self.openers(),
            until: None,
            bound: Bound::default(),
        }
    }
}

impl Stand<'_> {
    /// Its time is over then, if it is not before.
    fn by(self, time: Timestamp) -> Self {
        let until = self.until.map_or(time, |until| until.min(time));
        Self {
            until: Some(until),
            ..self
        }
    }
}

impl From<Stand<'_>> for Waiting {
    fn from(stand: Stand<'_>) -> Self {
        let mut wanted: Vec<_> = stand.wanted.iter().map(|one| one.symbol.clone()).collect();
        wanted.dedup();
        Self {
            step: stand.step,
            of: stand.of,
            wanted,
            until: stand.until,
            bindings: stand.bound.bindings(),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |refusals: &[Refusal]| -> String {
            let texts: Vec<_> = refusals.iter().map(Refusal::to_string).collect();
            texts.join("; ")
        };
        match self {
            Self::Fired => f.write_str("fired"),
            Self::NotWoken(refusals) => write!(f, "not woken: {}", list(refusals)),
            Self::Waiting { matches, refusals } => {
                let texts: Vec<_> = matches.iter().map(Waiting::to_string).collect();
                f.write_str(&texts.join("; "))?;
                if refusals.is_empty() {
                    return Ok(());
                }
                write!(f, "; this event: {}", list(refusals))
            }
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted: Vec<_> = self.wanted.iter().map(Symbol::to_string).collect();
        let (step, of, wanted) = (self.step, self.of, wanted.join(" or "));
        write!(f, "waiting at step {step} of {of} for {wanted}")?;
        if let Some(until) = self.until {
            write!(f, " until {until}")?;
        }
        if !self.bindings.is_empty() {
            let bound = self
                .bindings
                .iter()
                .map(|(name, value)| format!("{name} = {value:?}"));
            write!(f, ", with {}", bound.collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition { wanted, .. } => write!(f, "the where of {wanted} does not hold"),
            Self::Filter {
                wanted,
                attribute,
                value,
                pattern,
            } => write!(
                f,
                "{attribute} of {wanted} is {value:?}, which {pattern} does not match"
            ),
            Self::Join {
                wanted,
                attribute,
                value,
                variable,
            } => write!(
                f,
                "{attribute} of {wanted} is {value:?}, which no {variable} is"
            ),
            Self::Symbol { wanted } => write!(f, "it is not {wanted}"),
        }
    }
}

/// Parts that are waited for at the same time.
fn together<'a>(
    step: usize,
    of: usize,
    bound: Bound,
    stands: impl Iterator<Item = Stand<'a>>,
) -> Stand<'a> {
    let all = Stand {
        step,
        of,
        wanted: Vec::new(),
        until: None,
        bound,
    };
    stands.fold(all, |mut all, stand| {
        all.wanted.extend(stand.wanted);
        all.until = stand.until.into_iter().chain(all.until).min();
        all.bound = all.bound.and(&stand.bound);
        all
    })
}

/// What the event lacks to be one that any of the partial matches waits for.
fn lacking(stands: &[Stand<'_>], event: &Event) -> Vec<Refusal> {
    let bound: Vec<&Bound> = stands.iter().map(|stand| &stand.bound).collect();
    let mut wanted: Vec<&Primitive> = Vec::new();
    for primitive in stands.iter().flat_map(|stand| &stand.wanted) {
        if !wanted.iter().any(|known| std::ptr::eq(*known, *primitive)) {
            wanted.push(primitive);
        }
    }
    refusals(&wanted, event, &bound)
}

/// What the event lacks to be one of these; nothing if it is one.
fn refusals(wanted: &[&Primitive], event: &Event, bound: &[&Bound]) -> Vec<Refusal> {
    let all: Option<Vec<_>> = wanted
        .iter()
        .map(|one| refusal(one, event, bound))
        .collect();
    all.unwrap_or_default()
}

fn refusal(primitive: &Primitive, event: &Event, bound: &[&Bound]) -> Option<Refusal> {
    let wanted = primitive.symbol.clone();
    if !wanted.covers(event) {
        return Some(Refusal::Symbol { wanted });
    }
    let text = |attribute| attribute_text(event, attribute).into_owned();
    for filter in &primitive.filters {
        let value = text(&filter.attribute);
        if !filter.pattern.is_match(&value) {
            let attribute = filter.attribute.clone();
            let pattern = filter.pattern.as_str().to_owned();
            return Some(Refusal::Filter {
                wanted,
                attribute,
                value,
                pattern,
            });
        }
    }
    for join in &primitive.joins {
        let Some(attribute) = &join.attribute else {
            continue;
        };
        let value = text(attribute);
        let equal = |bound: &&Bound| {
            let known = bound.value(&join.variable);
            known.is_some_and(|known| crate::primitive::text(known) == value)
        };
        if !bound.iter().any(equal) {
            return Some(Refusal::Join {
                wanted,
                attribute: attribute.clone(),
                value,
                variable: join.variable.clone(),
            });
        }
    }
    let number = primitive.condition?;
    Some(Refusal::Condition { wanted, number })
}
