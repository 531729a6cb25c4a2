//! Why an event did, or did not, run a rule: told from the journal alone.

use std::fmt;

use stratus_event::{Event, EventId, Fault, Name};
use stratus_pen::{
    RunEnd,
    language::{Outline, Program},
};
use stratus_salience::{Automaton, Did, Progress, Symbol, Why};

use crate::{Accepted, Outcome, OutcomeRun, OutcomeStand};

/// What became of a rule when an event came.
#[derive(Clone, Debug, PartialEq)]
pub enum Because {
    /// The event was for another ruleset alone.
    Elsewhere(Name),
    /// The rule is inactive.
    Inactive,
    /// An earlier rule of the ruleset kept the event from the later ones (`last`).
    Last(Name),
    /// The rule's event expression was in the middle, and how it stood is not on record, because
    /// the record of one event is bounded.
    LeftOut,
    /// The rule ran.
    Ran(Box<OutcomeRun>),
    /// The event was not offered to the rule: its expression knows no such event. These it knows.
    Unconcerned(Vec<Symbol>),
    /// The evaluation of the event was given up before the rule's turn; nothing was done.
    Undone(Fault),
    /// The event did not complete the rule's event expression.
    Unselected {
        /// Where it stood after the event.
        why: Why,
        /// Where it stood before, if the event put it back to its start.
        before: Option<Why>,
        /// How many more partial matches there were.
        left_out: u64,
        /// What its `where` logged: an error.
        log: Vec<(String, String)>,
    },
}

impl Because {
    /// The same in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Elsewhere(_) => "elsewhere",
            Self::Inactive => "inactive",
            Self::Last(_) => "last",
            Self::LeftOut => "unrecorded",
            Self::Ran(run) => match run.end {
                RunEnd::Failed(_) => "failed",
                RunEnd::Fired => "fired",
                RunEnd::NotFired => "not_fired",
                RunEnd::NotSelected => "not_woken",
            },
            Self::Unconcerned(_) => "not_woken",
            Self::Undone(_) => "given_up",
            Self::Unselected {
                before: Some(_), ..
            } => "undone",
            Self::Unselected { why, .. } => match why {
                Why::Fired => "fired",
                Why::NotWoken(_) => "not_woken",
                Why::Waiting { .. } => "waiting",
            },
        }
    }
}

/// An event of a journal entry: the accepted one, or one that was raised while it was handled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'a> {
    /// The event.
    pub event: &'a Event,
    /// Only this ruleset sees it, if named.
    pub for_ruleset: Option<&'a Name>,
}

impl Outcome {
    /// The event of that id, of the entry that begins with the accepted one.
    pub fn event<'a>(&'a self, accepted: &'a Accepted, id: EventId) -> Option<Found<'a>> {
        let first = Found {
            event: &accepted.event,
            for_ruleset: accepted.for_ruleset.as_ref(),
        };
        let raised = self.runs.iter().flat_map(|run| &run.raised);
        let raised = raised.map(|(event, for_ruleset)| Found {
            event,
            for_ruleset: for_ruleset.as_ref(),
        });
        std::iter::once(first)
            .chain(raised)
            .find(|found| found.event.id == id)
    }

    /// Why the event did, or did not, run the rule of that program, which must be the one that was
    /// installed then; none if it has no such rule. Nothing is evaluated again.
    pub fn because(&self, found: Found<'_>, program: &dyn Program, rule: &Name) -> Option<Because> {
        let place = program.rules().iter().position(|it| it.name == *rule)?;
        let outline = program.rules().get(place)?;
        let rid = program.rid();
        let event = found.event;
        let mut runs = self.runs_of(event.id, rid);
        if let Some(run) = runs.find(|run| run.rule == *rule && run.end != RunEnd::NotSelected) {
            return Some(Because::Ran(Box::new(run.clone())));
        }
        if !outline.active {
            return Some(Because::Inactive);
        }
        if let Some(only) = found.for_ruleset.filter(|only| *only != rid) {
            return Some(Because::Elsewhere(only.clone()));
        }
        if let Some(fault) = &self.failed {
            return Some(Because::Undone(fault.clone()));
        }
        let earlier = program.rules().get(..place).unwrap_or_default();
        if let Some(run) = self
            .runs_of(event.id, rid)
            .find(|run| run.last && earlier.iter().any(|it| it.name == run.rule))
        {
            return Some(Because::Last(run.rule.clone()));
        }
        Some(self.unselected(event, rid, outline))
    }

    fn runs_of(&self, event: EventId, rid: &Name) -> impl Iterator<Item = &OutcomeRun> {
        self.runs
            .iter()
            .filter(move |run| run.event.id == event && run.rid == *rid)
    }

    fn unselected(&self, event: &Event, rid: &Name, outline: &Outline) -> Because {
        let automaton = Automaton::new(&outline.select);
        if !automaton.knows(event) {
            let known = automaton.start().iter().chain(automaton.later());
            return Because::Unconcerned(known.cloned().collect());
        }
        let stand = self.stands.iter().find(|stand| {
            (&stand.event, &stand.rid, &stand.rule) == (&event.id, rid, &outline.name)
        });
        let (why, before) = match stand {
            None if self.stands_left_out > 0 => return Because::LeftOut,
            None => (
                automaton.why(event, Did::Nothing, &Progress::default()),
                None,
            ),
            Some(stand) => match stood(&automaton, event, stand) {
                Some(told) => told,
                None => return Because::LeftOut,
            },
        };
        let log = self
            .runs_of(event.id, rid)
            .find(|run| run.rule == outline.name);
        Because::Unselected {
            why,
            before,
            left_out: stand.map_or(0, |stand| stand.left_out),
            log: log.map_or_else(Vec::new, |run| run.log.clone()),
        }
    }
}

/// How the expression stood after the event, and before it if it is at its start again; none if
/// the record is of a version that cannot be read.
fn stood(automaton: &Automaton, event: &Event, stand: &OutcomeStand) -> Option<(Why, Option<Why>)> {
    let before = Progress::try_from(&stand.before).ok()?;
    let Some(after) = &stand.after else {
        return Some((automaton.why(event, stand.did, &before), None));
    };
    let after = Progress::try_from(after).ok()?;
    let undone = after.is_start();
    let before = undone.then(|| automaton.why(event, Did::Moved, &before));
    Some((automaton.why(event, stand.did, &after), before))
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere(only) => write!(f, "not woken: the event was for {only} alone"),
            Self::Inactive => f.write_str("not woken: the rule is inactive"),
            Self::Last(rule) => write!(f, "not woken: {rule} said `last`"),
            Self::LeftOut => f.write_str(
                "its event expression was in the middle, and how it stood was not recorded: \
                 too many rules waited for this event",
            ),
            Self::Ran(run) => ran(run, f),
            Self::Unconcerned(known) => {
                let known: Vec<_> = known.iter().map(Symbol::to_string).collect();
                write!(f, "not woken: it is about {}", known.join(", "))
            }
            Self::Undone(fault) => {
                write!(f, "the evaluation of the event was given up: {fault}")
            }
            Self::Unselected {
                why,
                before,
                left_out,
                log,
            } => {
                match before {
                    Some(before) => write!(f, "undone by this event; it was {before}")?,
                    None => write!(f, "{why}")?,
                }
                if *left_out > 0 {
                    write!(f, "; and {left_out} more partial matches")?;
                }
                log.iter()
                    .try_for_each(|(level, text)| write!(f, "; {level}: {text}"))
            }
        }
    }
}

fn ran(run: &OutcomeRun, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &run.end {
        RunEnd::Failed(fault) => write!(f, "woken, and failed: {fault}")?,
        RunEnd::Fired => f.write_str("woken, and fired")?,
        RunEnd::NotFired => f.write_str("woken, but its condition was false")?,
        RunEnd::NotSelected => f.write_str("not woken")?,
    }
    let saw = run.saw.iter();
    let saw: Vec<_> = saw
        .map(|(text, value)| format!("{text} was {value:?}"))
        .collect();
    if saw.is_empty() {
        return Ok(());
    }
    write!(f, ": {}", saw.join(", "))
}
