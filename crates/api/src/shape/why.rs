//! Why an event did what it did, or did nothing.

use serde::{Deserialize, Serialize};
use stratus_engine::{
    Because, OutcomeRun,
    journal::{Entry, Verdict},
};
use stratus_event::{Fault, Name};
use utoipa::ToSchema;

use super::{Cause, Effect, Event, Failure, Log, Saw, journal::end};

/// `GET /api/v1/journal/{event}/why`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// The place of its entry in the journal.
    pub position: u64,
    /// When this node took the entry's event.
    pub at: String,
    /// Who brought it.
    pub source: Cause,
    /// The channel by which it came, if it came by one.
    pub channel: Option<String>,
    /// It still waits for its rules; then nothing else is known.
    pub waiting: bool,
    /// Why the evaluation as a whole was given up, if it was.
    pub failed: Option<Failure>,
    /// The event and all that followed from it inside the PEN; none if one rule was asked for.
    pub tree: Option<Happening>,
    /// What was asked for: the rules of that name.
    pub rules: Vec<RuleWhy>,
    /// Entries that it caused.
    pub caused: Vec<Caused>,
    /// Rulesets that have another text since, or are gone: what is said here is about the text
    /// that was installed then.
    pub changed: Vec<String>,
}

impl Why {
    pub(crate) fn new(entry: &Entry) -> Self {
        let accepted = &entry.accepted;
        let failed = entry
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.failed.clone());
        Self {
            position: entry.position,
            at: accepted.at.to_string(),
            source: Cause::new(&accepted.source),
            channel: accepted.channel.map(|eci| eci.to_string()),
            waiting: entry.outcome.is_none(),
            failed: failed.map(Failure::new),
            tree: None,
            rules: Vec::new(),
            caused: Vec::new(),
            changed: Vec::new(),
        }
    }
}

/// An event and what the rules did about it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Happening {
    /// The event.
    pub event: Event,
    /// The rules that it woke, in the order in which they ran.
    pub woken: Vec<Woken>,
    /// Other rules that know such an event, and why it did not wake them.
    pub others: Vec<RuleWhy>,
    /// How many rules know no such event.
    pub unconcerned: u64,
}

/// A rule that ran.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Woken {
    /// The ruleset.
    pub rid: String,
    /// The rule.
    pub rule: String,
    /// `fired`, `not_fired`, `not_selected` or `failed`.
    pub end: String,
    /// What went wrong, if it failed.
    pub failure: Option<Failure>,
    /// What its condition looked at.
    pub saw: Vec<Saw>,
    /// The variables it set or cleared, `ruleset:name`.
    pub changes: Vec<String>,
    /// What it changed of the PEN itself, a sentence each.
    #[serde(default)]
    pub arranged: Vec<String>,
    /// What it wanted of the world, and what became of it.
    pub effects: Vec<Done>,
    /// The events that it raised, and what these did.
    #[schema(no_recursion)]
    pub raised: Vec<Happening>,
    /// What it logged.
    pub log: Vec<Log>,
}

impl Woken {
    /// What the run says, without the events that it raised.
    pub(crate) fn new(run: &OutcomeRun, verdicts: &[Verdict]) -> Self {
        let (end, failure) = end(&run.end);
        let effect = |(ordinal, effect): &(u32, _)| {
            let verdict = verdicts.iter().find(|verdict| verdict.ordinal == *ordinal);
            Done {
                effect: Effect::new((*ordinal, Clone::clone(effect))),
                verdict: verdict.map(Settled::new),
            }
        };
        Self {
            rid: run.rid.to_string(),
            rule: run.rule.to_string(),
            end: end.to_owned(),
            failure,
            saw: run.saw.iter().map(Saw::new).collect(),
            changes: run
                .changes
                .iter()
                .map(|(rid, name)| format!("{rid}:{name}"))
                .collect(),
            arranged: run.arranged.clone(),
            effects: run.effects.iter().map(effect).collect(),
            raised: Vec::new(),
            log: logged(&run.log),
        }
    }
}

/// An effect and its verdict.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// The effect.
    pub effect: Effect,
    /// What became of it; none while it is under way.
    pub verdict: Option<Settled>,
}

/// What became of an effect.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Settled {
    /// When.
    pub at: String,
    /// The service's receipt, if it gave one.
    pub receipt: Option<String>,
    /// Why it was not done, or may not have been.
    pub failure: Option<Failure>,
}

impl Settled {
    fn new(verdict: &Verdict) -> Self {
        let receipt = verdict.end.as_ref().ok();
        Self {
            at: verdict.at.to_string(),
            receipt: receipt.filter(|receipt| !receipt.is_empty()).cloned(),
            failure: verdict.end.clone().err().map(Failure::new),
        }
    }
}

/// What became of one rule.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RuleWhy {
    /// The ruleset.
    pub rid: String,
    /// The rule.
    pub rule: String,
    /// In a word: `fired`, `not_fired`, `failed`; `not_woken`, `waiting`, `undone`; `inactive`,
    /// `last`, `elsewhere`, `given_up`, `unrecorded`, `does_not_compile`.
    pub verdict: String,
    /// For people.
    pub text: String,
    /// The ruleset has another text since, or is gone.
    pub changed: bool,
    /// The run, if it ran.
    pub run: Option<Box<Woken>>,
}

impl RuleWhy {
    pub(crate) fn new(
        (rid, rule): (&Name, &Name),
        because: &Because,
        changed: bool,
        verdicts: &[Verdict],
    ) -> Self {
        let run = match because {
            Because::Ran(run) => Some(Box::new(Woken::new(run, verdicts))),
            _ => None,
        };
        Self {
            rid: rid.to_string(),
            rule: rule.to_string(),
            verdict: because.word().to_owned(),
            text: because.to_string(),
            changed,
            run,
        }
    }

    /// Of a ruleset whose text this version cannot compile.
    pub(crate) fn broken(rid: &Name, rule: &str, faults: &[Fault]) -> Self {
        let told = faults
            .first()
            .map_or(String::new(), |fault| format!(": {fault}"));
        Self {
            rid: rid.to_string(),
            rule: rule.to_owned(),
            verdict: "does_not_compile".to_owned(),
            text: format!("the ruleset does not compile{told}"),
            changed: false,
            run: None,
        }
    }
}

/// An entry that an event caused.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Caused {
    /// Its place.
    pub position: u64,
    /// Its event.
    pub event: Event,
}

impl Caused {
    pub(crate) fn new(entry: &Entry) -> Self {
        Self {
            position: entry.position,
            event: Event::new(&entry.accepted.event),
        }
    }
}

fn logged(log: &[(String, String)]) -> Vec<Log> {
    let line = |(level, text): &(String, String)| Log {
        level: level.clone(),
        text: text.clone(),
    };
    log.iter().map(line).collect()
}
