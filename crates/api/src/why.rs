//! Why an event did what it did: gathered from the journal, told by the engine, nothing evaluated.

use std::{cell::OnceCell, collections::BTreeMap};

use stratus_engine::{
    Because, Found, Outcome,
    journal::{Entry, Filter, Verdict, Wanted},
};
use stratus_event::{Event, EventId, Fault, Name, PenId, Whose};

use crate::{
    Archive, Compiled,
    shape::{Caused, Happening, RuleWhy, Why, Woken},
};

/// How many rulesets are looked through for rules that were not woken. A rule of another one has
/// to be asked for.
pub const WHY_RULESETS_MAX: usize = 256;

/// How many entries that the event caused are told.
pub const WHY_CAUSED_MAX: usize = 100;

/// An entry of the journal, and what belongs to it.
struct Told<'a> {
    archive: &'a Archive,
    pen: PenId,
    entry: &'a Entry,
    outcome: &'a Outcome,
    verdicts: Vec<Verdict>,
    installed: BTreeMap<Name, [u8; 32]>,
    now: BTreeMap<Name, [u8; 32]>,
    programs: OnceCell<Vec<(Name, Compiled)>>,
}

/// Says why an event did what it did: `last`, an id, or at least four digits that an id begins
/// with. Of all rules, or of those that are asked for as `rule` or `rid/rule`.
///
/// Fails with `event-id-malformed`, `event-unknown`, `event-ambiguous`, `rule-unknown` or
/// `ruleset-unknown`.
pub fn why(archive: &Archive, pen: PenId, event: &str, rule: Option<&str>) -> Result<Why, Fault> {
    let (id, position) = find(archive, pen, event)?;
    let entry = entry(archive, pen, position)?.ok_or_else(|| event_unknown(event))?;
    let mut why = Why::new(&entry);
    let Some(outcome) = &entry.outcome else {
        return Ok(why);
    };
    let told = Told {
        archive,
        pen,
        entry: &entry,
        outcome,
        verdicts: archive.journal().verdicts(pen, position)?,
        installed: installed(archive, pen, position)?,
        now: installed(archive, pen, u64::MAX)?,
        programs: OnceCell::new(),
    };
    why.changed = told.changed();
    let found = outcome.event(&entry.accepted, id);
    let found = found.ok_or_else(|| event_unknown(event))?;
    if let Some(rule) = rule {
        why.rules = told.asked(found, rule)?;
    } else {
        why.tree = Some(told.happening(found, 0)?);
        why.caused = told.caused()?;
    }
    Ok(why)
}

/// The event that is meant: `last`, an id, or the beginning of one.
pub(crate) fn find(archive: &Archive, pen: PenId, event: &str) -> Result<(EventId, u64), Fault> {
    if event == "last" {
        let wanted = Wanted {
            newest_first: true,
            limit: 1,
            ..Wanted::default()
        };
        let newest = archive.journal().read(pen, &wanted)?.entries.pop();
        let newest = newest.ok_or_else(|| event_unknown(event))?;
        return Ok((newest.accepted.event.id, newest.position));
    }
    let ids = range(event).ok_or_else(|| event_malformed(event))?;
    let mut found = archive.journal().events(pen, ids, EVENTS_SHOWN_MAX)?;
    let Some(first) = found.first().copied() else {
        return Err(not_found(archive, pen, event)?);
    };
    found.dedup_by_key(|(id, _)| *id);
    if found.len() > 1 {
        return Err(event_ambiguous(event, &found));
    }
    Ok(first)
}

impl Told<'_> {
    /// An event and what the rules did about it.
    fn happening(&self, found: Found<'_>, depth: u32) -> Result<Happening, Fault> {
        let id = found.event.id;
        let mut woken = Vec::new();
        for run in self.outcome.runs.iter().filter(|run| run.event.id == id) {
            let mut one = Woken::new(run, &self.verdicts);
            for (event, for_ruleset) in run.raised.iter().filter(|_| depth < DEPTH_MAX) {
                let for_ruleset = for_ruleset.as_ref();
                let raised = Found { event, for_ruleset };
                one.raised.push(self.happening(raised, depth + 1)?);
            }
            woken.push(one);
        }
        let (others, unconcerned) = self.others(found)?;
        Ok(Happening {
            event: crate::shape::Event::new(found.event),
            woken,
            others,
            unconcerned,
        })
    }

    /// The rules that know such an event and did not run, and how many know no such event.
    fn others(&self, found: Found<'_>) -> Result<(Vec<RuleWhy>, u64), Fault> {
        let (mut others, mut unconcerned) = (Vec::new(), 0);
        for (rid, compiled) in self.programs()? {
            let program = match compiled {
                Ok(program) => program,
                Err(faults) => {
                    others.push(RuleWhy::broken(rid, "*", faults));
                    continue;
                }
            };
            for rule in program.rules() {
                match self.outcome.because(found, program.as_ref(), &rule.name) {
                    None | Some(Because::Ran(_)) => {}
                    Some(Because::Unconcerned(_) | Because::Inactive) => unconcerned += 1,
                    Some(because) => others.push(self.tell(rid, &rule.name, &because)),
                }
            }
        }
        Ok((others, unconcerned))
    }

    /// The rules that were asked for.
    fn asked(&self, found: Found<'_>, asked: &str) -> Result<Vec<RuleWhy>, Fault> {
        let (only, rule) = match asked.rsplit_once('/') {
            Some((rid, rule)) => (Some(crate::input::name(rid)?), rule),
            None => (None, asked),
        };
        let rule = crate::input::name(rule)?;
        if let Some(rid) = only
            .as_ref()
            .filter(|rid| !self.installed.contains_key(*rid))
        {
            return Err(not_installed(rid, self.entry.position));
        }
        let wanted = self.installed.iter();
        let wanted = wanted.filter(|(rid, _)| only.as_ref().is_none_or(|only| only == *rid));
        let mut told = Vec::new();
        for (rid, hash) in wanted {
            match self.archive.program(*hash)? {
                Some(Ok(program)) => {
                    let because = self.outcome.because(found, program.as_ref(), &rule);
                    told.extend(because.map(|because| self.tell(rid, &rule, &because)));
                }
                Some(Err(faults)) if only.is_some() => {
                    told.push(RuleWhy::broken(rid, rule.as_str(), &faults));
                }
                Some(Err(_)) | None => {}
            }
        }
        if told.is_empty() {
            return Err(rule_unknown(asked));
        }
        Ok(told)
    }

    fn tell(&self, rid: &Name, rule: &Name, because: &Because) -> RuleWhy {
        let changed = self.now.get(rid) != self.installed.get(rid);
        RuleWhy::new((rid, rule), because, changed, &self.verdicts)
    }

    /// The programs that were installed then.
    fn programs(&self) -> Result<&[(Name, Compiled)], Fault> {
        if self.programs.get().is_none() {
            let mut programs = Vec::new();
            for (rid, hash) in self.installed.iter().take(WHY_RULESETS_MAX) {
                let compiled = self.archive.program(*hash)?;
                programs.extend(compiled.map(|compiled| (rid.clone(), compiled)));
            }
            let _ = self.programs.set(programs);
        }
        Ok(self.programs.get().map_or(&[], Vec::as_slice))
    }

    fn changed(&self) -> Vec<String> {
        let changed = self.installed.iter();
        let changed = changed.filter(|(rid, hash)| self.now.get(*rid) != Some(*hash));
        changed.map(|(rid, _)| rid.to_string()).collect()
    }

    /// The entries that the event, or one raised while it was handled, caused.
    fn caused(&self) -> Result<Vec<Caused>, Fault> {
        let raised = self.outcome.runs.iter().flat_map(|run| &run.raised);
        let raised = raised.map(|(event, _)| event);
        let events: Vec<&Event> = std::iter::once(&self.entry.accepted.event)
            .chain(raised)
            .take(WHY_CAUSED_MAX)
            .collect();
        let mut caused = Vec::new();
        for event in events {
            let wanted = Wanted {
                filter: Filter {
                    cause: Some(event.id),
                    ..Filter::default()
                },
                limit: WHY_CAUSED_MAX.saturating_sub(caused.len()),
                ..Wanted::default()
            };
            let page = self.archive.journal().read(self.pen, &wanted)?;
            caused.extend(page.entries.iter().map(Caused::new));
        }
        caused.sort_by_key(|caused| caused.position);
        Ok(caused)
    }
}

pub(crate) fn entry(archive: &Archive, pen: PenId, position: u64) -> Result<Option<Entry>, Fault> {
    let wanted = Wanted {
        from: position.checked_sub(1),
        limit: 1,
        ..Wanted::default()
    };
    let entry = archive.journal().read(pen, &wanted)?.entries.pop();
    Ok(entry.filter(|entry| entry.position == position))
}

/// What was installed, without what had been taken out.
fn installed(
    archive: &Archive,
    pen: PenId,
    position: u64,
) -> Result<BTreeMap<Name, [u8; 32]>, Fault> {
    let installed = archive.journal().installed(pen, position)?.into_iter();
    let installed = installed.filter_map(|(rid, program)| Some((rid, program?)));
    Ok(installed.collect())
}

/// The first and the last id that begin with these hexadecimal digits.
fn range(prefix: &str) -> Option<(EventId, EventId)> {
    let digits = (PREFIX_DIGITS_MIN..=32).contains(&prefix.len());
    if !digits || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let lower = prefix.to_ascii_lowercase();
    let filled = |digit: char| -> String {
        lower
            .chars()
            .chain(std::iter::repeat(digit))
            .take(32)
            .collect()
    };
    Some((filled('0').parse().ok()?, filled('f').parse().ok()?))
}

fn event_malformed(event: &str) -> Fault {
    let message = format!("{event:?} is no id of an event, nor the beginning of one");
    Fault::new(Whose::Caller, "event-id-malformed", message)
        .hint("give `last`, or at least four of the hexadecimal digits that an id begins with")
}

fn event_ambiguous(event: &str, found: &[(EventId, u64)]) -> Fault {
    let ids: Vec<_> = found.iter().map(|(id, _)| id.to_string()).collect();
    let message = format!("{event} begins more than one id: {}", ids.join(", "));
    Fault::new(Whose::Caller, "event-ambiguous", message).hint("give more of its digits")
}

/// Why there is no such event: it may have been dropped.
fn not_found(archive: &Archive, pen: PenId, event: &str) -> Result<Fault, Fault> {
    let wanted = Wanted {
        limit: 1,
        ..Wanted::default()
    };
    let oldest = archive.journal().read(pen, &wanted)?.entries.pop();
    let dropped = oldest.filter(|entry| entry.position > 0);
    Ok(match dropped {
        None => event_unknown(event),
        Some(oldest) => {
            let since = oldest.accepted.at;
            let message = format!("the journal has no event {event}, and begins at {since}");
            Fault::new(Whose::Caller, "event-dropped", message)
                .hint("what came before that was dropped: nothing is known of it")
        }
    })
}

fn event_unknown(event: &str) -> Fault {
    let message = format!("the journal has no event {event}");
    Fault::new(Whose::Caller, "event-unknown", message).hint(
        "it never came, or it is older than what the journal keeps: `stratus journal` shows \
         where that begins",
    )
}

fn rule_unknown(rule: &str) -> Fault {
    let message = format!("no ruleset that was installed then had a rule {rule}");
    Fault::new(Whose::Caller, "rule-unknown", message)
        .hint("write RULE or RULESET/RULE; `stratus ruleset list` shows the rules of today")
}

fn not_installed(rid: &Name, position: u64) -> Fault {
    let message = format!("the ruleset {rid} was not installed at the journal position {position}");
    Fault::new(Whose::Caller, "ruleset-unknown", message)
        .hint("`stratus why EVENT` tells of the rulesets that were")
}

/// How many of the events are listed that an ambiguous id may mean.
const EVENTS_SHOWN_MAX: usize = 5;

/// The fewest digits that stand for an id.
const PREFIX_DIGITS_MIN: usize = 4;

/// Events raised by events raised by events that are told; the engine allows no more.
const DEPTH_MAX: u32 = 128;
