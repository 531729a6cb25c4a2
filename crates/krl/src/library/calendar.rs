//! The module `calendar`: which entries of a calendar are in progress.
//!
//! An entry is a map: `start` and `end` (ISO 8601, with an offset or local to `timezone`),
//! `all_day`, a recurrence `rule` with dates `added` to it and `except`ed from it (RFC 5545,
//! 3.8.5), and `uid` with `replaces` where an entry takes the place of one occurrence of another.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike as _, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, RRuleSet, Unvalidated};
use stratus_event::Timestamp;

use super::{
    Body, Builtin, Given,
    time::{Moment, instant, parse, resolve, zone},
};
use crate::{
    coerce::{describe, text, truth},
    evaluate::Evaluator,
    limit::{Failure, Halt, Meter},
    value::{Entries, Value},
};

pub(super) static FUNCTIONS: &[Builtin] = &[Builtin::new(
    "calendar:in_progress",
    &["events", "time"],
    Body::Function(in_progress),
)];

/// The entries in progress at a time, now if none is given; each with the start and the end of the
/// occurrence that it is. An entry that makes no sense is left out, and the log says why.
fn in_progress(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let at = time(evaluator, given.get(1))?;
    let Some(entries) = given.get(0).as_list() else {
        let message = format!(
            "a calendar is a list of entries, not {}",
            describe(given.get(0))
        );
        return Err(Failure::kind(message).into());
    };
    let mut found = Vec::new();
    for entry in entries {
        evaluator.meter.spend(50)?;
        let Value::Map(fields) = entry else {
            continue;
        };
        let fields = fields.entries(&mut evaluator.meter)?;
        if fields.contains_key("uid") {
            evaluator.meter.spend(entries.len() as u64)?;
        }
        let occurrence = Entry::read(fields, at).and_then(|own| {
            let replaced = replaced(&mut evaluator.meter, fields, entries, at)?;
            own.occurrence(&mut evaluator.meter, at, &replaced)
        });
        match occurrence {
            Ok(Some(occurrence)) => {
                let shown = show(&mut evaluator.meter, fields, occurrence)?;
                found.push(shown);
            }
            Ok(None) => {}
            Err(failure) if failure.code() != ENTRY_INVALID => return Err(failure.into()),
            Err(failure) => {
                let message = format!("{} left out: {}", describe(entry), failure.message());
                evaluator.log("warn", &Value::Text(message.into()))?;
            }
        }
    }
    Ok(evaluator.meter.list(found)?)
}

fn time(evaluator: &Evaluator<'_>, value: &Value) -> Result<DateTime<Tz>, Failure> {
    let now = evaluator.scene.now;
    let at = if value.is_null() {
        Some(now.0)
    } else {
        instant(value, now)
    };
    let at = at.and_then(DateTime::from_timestamp_millis);
    let at = at.filter(|at| YEARS.contains(&at.year()));
    at.map(|at| at.with_timezone(&Tz::UTC))
        .ok_or_else(|| Failure::argument(format!("{} is not a time", describe(value))))
}

/// The starts of those occurrences of an entry that other entries replace.
fn replaced(
    meter: &mut Meter,
    own: &Entries,
    entries: &[Value],
    at: DateTime<Tz>,
) -> Result<BTreeSet<i64>, Failure> {
    let mut starts = BTreeSet::new();
    let Some(uid) = own.get("uid").filter(|uid| !uid.is_null()) else {
        return Ok(starts);
    };
    if own
        .get("replaces")
        .is_some_and(|replaces| !replaces.is_null())
    {
        return Ok(starts);
    }
    let uid = text(uid);
    let zone = zone_of(own).unwrap_or(Tz::UTC);
    for other in entries {
        if other
            .field(meter, "uid")?
            .is_some_and(|other| text(&other) == uid)
            && let Some(replaces) = other.field(meter, "replaces")?
        {
            let start = moment(&replaces, at).and_then(|moment| moment.instant(zone));
            starts.extend(start.map(|start| start.timestamp()));
        }
    }
    Ok(starts)
}

/// An entry with its times understood.
struct Entry<'e> {
    fields: &'e Entries,
    zone: Tz,
    start: DateTime<Tz>,
    /// By the clock on the wall: a night shift stays one when the clocks change.
    length: TimeDelta,
}

/// When an occurrence begins and ends.
type Occurrence = (DateTime<Tz>, DateTime<Tz>);

impl<'e> Entry<'e> {
    fn read(fields: &'e Entries, at: DateTime<Tz>) -> Result<Self, Failure> {
        let zone = zone_of(fields)?;
        let start = local(fields, "start", zone, at)?.ok_or_else(|| invalid("it has no start"))?;
        let is_all_day = fields.get("all_day").is_some_and(truth);
        let length = match local(fields, "end", zone, at)? {
            Some(end) => end - start,
            None if is_all_day => TimeDelta::days(1),
            None => TimeDelta::zero(),
        };
        let start = resolve(start, zone).filter(|start| YEARS.contains(&start.year()));
        let start = start.ok_or_else(|| invalid("its start is out of range"))?;
        Ok(Self {
            fields,
            zone,
            start,
            length,
        })
    }

    /// The occurrence that is in progress, if one is.
    fn occurrence(
        &self,
        meter: &mut Meter,
        at: DateTime<Tz>,
        replaced: &BTreeSet<i64>,
    ) -> Result<Option<Occurrence>, Failure> {
        if self.length <= TimeDelta::zero() {
            return Ok(None);
        }
        let mut except: BTreeSet<i64> = self
            .dates("except", at)?
            .iter()
            .map(DateTime::timestamp)
            .collect();
        except.extend(replaced);
        let rule = self.fields.get("rule").filter(|rule| truth(rule));
        let covers = |start: DateTime<Tz>| {
            let end = resolve(
                start.with_timezone(&self.zone).naive_local() + self.length,
                self.zone,
            )?;
            let is_on = start <= at && at < end && !except.contains(&start.timestamp());
            is_on.then_some((start, end))
        };
        let added = self.dates("added", at)?;
        if let Some(occurrence) = added.into_iter().find_map(covers) {
            return Ok(Some(occurrence));
        }
        match rule {
            None => Ok(covers(self.start)),
            Some(rule) => self.recurring(meter, &text(rule), at, covers),
        }
    }

    fn recurring(
        &self,
        meter: &mut Meter,
        rule: &str,
        at: DateTime<Tz>,
        covers: impl Fn(DateTime<Tz>) -> Option<Occurrence>,
    ) -> Result<Option<Occurrence>, Failure> {
        if at < self.start {
            return Ok(None);
        }
        let rule = self.rule(rule)?;
        meter.spend(steps(&rule, at - self.start))?;
        let start = self.start.with_timezone(&self.zone.into());
        let rule = rule
            .validate(start)
            .map_err(|error| invalid(&format!("its recurrence rule is not understood: {error}")))?;
        let set = RRuleSet::new(start).rrule(rule).limit();
        for start in &set {
            meter.spend(10)?;
            let start = start.with_timezone(&self.zone);
            if start > at {
                break;
            }
            if let Some(occurrence) = covers(start) {
                return Ok(Some(occurrence));
            }
        }
        Ok(None)
    }

    /// The recurrence rule; an end that is a date or a local time is made an instant, the end of
    /// that day, because the rule is evaluated in a time zone.
    fn rule(&self, rule: &str) -> Result<RRule<Unvalidated>, Failure> {
        let rule = rule.trim().trim_start_matches("RRULE:");
        if rule.len() > RULE_BYTES_MAX || !rule.is_ascii() {
            return Err(invalid("its recurrence rule is too long or not plain text"));
        }
        let parts = rule
            .split(';')
            .map(|part| match part.strip_prefix("UNTIL=") {
                Some(until) => Ok(format!("UNTIL={}", self.until(until)?)),
                None => Ok(part.to_owned()),
            });
        let rule = parts.collect::<Result<Vec<_>, Failure>>()?.join(";");
        let rule: RRule<Unvalidated> = rule
            .parse()
            .map_err(|error| invalid(&format!("its recurrence rule is not understood: {error}")))?;
        match rule.get_freq() {
            Frequency::Minutely | Frequency::Secondly => {
                Err(invalid("it recurs more often than every hour"))
            }
            _ => Ok(rule),
        }
    }

    fn until(&self, until: &str) -> Result<String, Failure> {
        let moment = parse(until, self.start.to_utc());
        let mut moment = moment.ok_or_else(|| invalid("its recurrence rule ends at no date"))?;
        if !until.contains('T') {
            let end = NaiveTime::from_hms_opt(23, 59, 59).unwrap_or(NaiveTime::MIN);
            moment.local = moment.local.date().and_time(end);
        }
        let until = moment.instant(self.zone);
        let until = until.ok_or_else(|| invalid("its recurrence rule ends at no date"))?;
        Ok(until.to_utc().format("%Y%m%dT%H%M%SZ").to_string())
    }

    fn dates(&self, name: &str, at: DateTime<Tz>) -> Result<Vec<DateTime<Tz>>, Failure> {
        let values = match self.fields.get(name) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(value) => value.as_list().unwrap_or(std::slice::from_ref(value)),
        };
        let dates = values.iter().map(|value| {
            let date = moment(value, at).and_then(|moment| moment.instant(self.zone));
            date.ok_or_else(|| invalid(&format!("{} is not a date", describe(value))))
        });
        dates.collect()
    }
}

/// How many steps a rule may take up to a time: one for each of its units, though it may skip some.
fn steps(rule: &RRule<Unvalidated>, elapsed: TimeDelta) -> u64 {
    let per_unit = match rule.get_freq() {
        Frequency::Yearly => elapsed.num_days() / 365 * 366,
        Frequency::Monthly | Frequency::Weekly | Frequency::Daily => elapsed.num_days(),
        _ => elapsed.num_hours(),
    };
    100 + 10 * u64::try_from(per_unit).unwrap_or(0)
}

fn zone_of(fields: &Entries) -> Result<Tz, Failure> {
    match fields.get("timezone") {
        None | Some(Value::Null) => Ok(Tz::UTC),
        Some(name) => zone(&text(name)).map_err(|failure| invalid(failure.message())),
    }
}

fn moment(value: &Value, at: DateTime<Tz>) -> Option<Moment> {
    parse(value.as_text()?, at.to_utc())
}

/// A time of the entry, by the clock on the wall of its zone.
fn local(
    fields: &Entries,
    name: &str,
    zone: Tz,
    at: DateTime<Tz>,
) -> Result<Option<NaiveDateTime>, Failure> {
    let Some(value) = fields.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let instant = moment(value, at).and_then(|moment| moment.instant(zone));
    let local = instant.map(|instant| instant.naive_local());
    local
        .map(Some)
        .ok_or_else(|| invalid(&format!("its {name} {} is not a date", describe(value))))
}

fn show(meter: &mut Meter, fields: &Entries, occurrence: Occurrence) -> Result<Value, Failure> {
    let mut shown = fields.clone();
    for (name, time) in [("start", occurrence.0), ("end", occurrence.1)] {
        let time = Timestamp(time.timestamp_millis()).to_string();
        shown.insert(name.into(), Value::Text(time.into()));
    }
    meter.map(shown)
}

fn invalid(why: &str) -> Failure {
    Failure::new(ENTRY_INVALID, why)
}

/// The code of an entry that makes no sense; it never leaves this module.
const ENTRY_INVALID: &str = "calendar-entry-invalid";

/// The longest recurrence rule, in bytes.
const RULE_BYTES_MAX: usize = 1_000;

/// The years that entries may begin in and be asked about; they bound the work of a recurrence.
const YEARS: std::ops::Range<i32> = 1900..2200;
