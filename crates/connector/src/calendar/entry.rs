//! One event of a calendar.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use stratus_event::{Fault, Map, Value, Whose};

use super::{
    line::Line,
    time::{Duration, Moment},
    zone,
};

/// The lines of an event that matter.
pub(super) struct Entry<'a> {
    number: usize,
    lines: Vec<Line<'a>>,
}

impl<'a> Entry<'a> {
    /// An event that begins at that line.
    pub(super) fn new(number: usize) -> Self {
        Self {
            number,
            lines: Vec::new(),
        }
    }

    /// Takes one of its lines.
    pub(super) fn take(&mut self, line: Line<'a>) -> Result<(), Fault> {
        let known = KNOWN.contains(&&*line.name);
        if known && !REPEATED.contains(&&*line.name) && self.line(&line.name).is_some() {
            return Err(line.malformed("it is there twice"));
        }
        if known {
            self.lines.push(line);
        }
        Ok(())
    }

    fn line(&self, name: &str) -> Option<&Line<'a>> {
        self.lines.iter().find(|line| line.name == name)
    }

    fn text(&self, name: &str) -> String {
        self.line(name).map(Line::text).unwrap_or_default()
    }

    fn is_cancelled(&self) -> bool {
        self.line("STATUS")
            .is_some_and(|line| line.value.trim().eq_ignore_ascii_case("CANCELLED"))
    }

    fn start(&self, zone: Tz) -> Result<Moment, Fault> {
        match self.line("DTSTART") {
            Some(line) => moment(line, &line.value, zone),
            None => Err(super::malformed(self.number, "the event has no DTSTART")),
        }
    }

    fn end(&self, start: Moment, zone: Tz) -> Result<Moment, Fault> {
        let end = match (self.line("DTEND"), self.line("DURATION"), start) {
            (Some(line), ..) => {
                let end = moment(line, &line.value, zone)?.like(start);
                if !start.is_until(end) {
                    return Err(line.malformed("the event ends before it starts"));
                }
                // Some write the last day, and mean the first day after it.
                if matches!(end, Moment::Day(_)) && end == start {
                    start.after(Duration::DAY)
                } else {
                    Some(end)
                }
            }
            (None, Some(line), _) => {
                let duration = Duration::parse(line.value.trim())
                    .ok_or_else(|| line.malformed("that is no duration"))?;
                start.after(duration)
            }
            (None, None, Moment::Day(_)) => start.after(Duration::DAY),
            (None, None, Moment::Time(..)) => Some(start),
        };
        end.ok_or_else(|| super::malformed(self.number, "the event has no end"))
    }

    /// The times that all the lines of that name list, in the form of the start.
    fn moments(&self, name: &str, start: Moment, zone: Tz) -> Result<Vec<Moment>, Fault> {
        let lines = self.lines.iter().filter(|line| line.name == name);
        let texts = lines.flat_map(|line| line.value.split(',').map(move |text| (line, text)));
        texts
            .filter(|(_, text)| !text.trim().is_empty())
            .map(|(line, text)| Ok(moment(line, text, zone)?.like(start)))
            .collect()
    }

    fn rule(&self) -> Result<Value, Fault> {
        if let Some(line) = self.line("EXRULE") {
            return Err(unsupported(line, "rules for exceptions"));
        }
        let Some(line) = self.line("RRULE") else {
            return Ok(Value::Null);
        };
        if line.value.len() > RULE_BYTES_MAX {
            return Err(line.malformed("the rule is too long"));
        }
        Ok(line.value.trim().into())
    }

    fn replaces(&self, start: Moment, zone: Tz) -> Result<Option<Moment>, Fault> {
        let Some(line) = self.line("RECURRENCE-ID") else {
            return Ok(None);
        };
        if line.parameter("RANGE").is_some() {
            return Err(unsupported(line, "changes of all later occurrences"));
        }
        Ok(Some(moment(line, &line.value, zone)?.like(start)))
    }
}

/// The values of all events that are not cancelled.
pub(super) fn values(entries: Vec<Entry<'_>>, zone: Tz) -> Result<Vec<Value>, Fault> {
    let (cancelled, kept): (Vec<_>, Vec<_>) = entries.into_iter().partition(Entry::is_cancelled);
    let mut cancelled_of: BTreeMap<String, Vec<Moment>> = BTreeMap::new();
    for entry in cancelled {
        let start = entry.start(zone)?;
        if let Some(replaces) = entry.replaces(start, zone)? {
            cancelled_of
                .entry(entry.text("UID"))
                .or_default()
                .push(replaces);
        }
    }
    kept.iter()
        .map(|entry| value(entry, zone, &mut cancelled_of))
        .collect()
}

fn value(
    entry: &Entry<'_>,
    zone: Tz,
    cancelled_of: &mut BTreeMap<String, Vec<Moment>>,
) -> Result<Value, Fault> {
    let uid = entry.text("UID");
    let start = entry.start(zone)?;
    let (all_day, timezone) = match start {
        Moment::Day(_) => (true, zone),
        Moment::Time(_, zone) => (false, zone),
    };
    let replaces = entry.replaces(start, zone)?;
    let mut except = entry.moments("EXDATE", start, zone)?;
    if replaces.is_none() {
        // Taken out, because a series is there once.
        let cancelled = cancelled_of.remove(&uid).unwrap_or_default();
        except.extend(cancelled.into_iter().map(|moment| moment.like(start)));
    }
    let categories = entry.lines.iter().filter(|line| line.name == "CATEGORIES");
    let categories = categories
        .flat_map(Line::list)
        .map(|text| text.trim().into());
    let texts = |moments: Vec<Moment>| Value::list(moments.into_iter().map(|m| m.text().into()));
    let map: [(&str, Value); 11] = [
        ("uid", uid.into()),
        ("summary", entry.text("SUMMARY").into()),
        ("categories", Value::list(categories)),
        ("start", start.text().into()),
        ("end", entry.end(start, zone)?.text().into()),
        ("timezone", timezone.name().into()),
        ("all_day", all_day.into()),
        ("rule", entry.rule()?),
        ("except", texts(except)),
        ("added", texts(entry.moments("RDATE", start, zone)?)),
        (
            "replaces",
            replaces.map_or(Value::Null, |moment| moment.text().into()),
        ),
    ];
    Ok(Map::from(map).into())
}

/// A time of a line, in the zone that the line names.
fn moment(line: &Line<'_>, text: &str, zone: Tz) -> Result<Moment, Fault> {
    if line
        .parameter("VALUE")
        .is_some_and(|value| value.eq_ignore_ascii_case("PERIOD"))
    {
        return Err(unsupported(line, "periods"));
    }
    let zone = match line.parameter("TZID") {
        Some(name) => zone::named(name).map_err(|fault| line.at(fault))?,
        None => zone,
    };
    Moment::parse(text.trim(), zone).ok_or_else(|| line.malformed("that is no time"))
}

fn unsupported(line: &Line<'_>, what: &str) -> Fault {
    let fault = Fault::new(
        Whose::Caller,
        "calendar-unsupported",
        format!("{what} are not read"),
    );
    line.at(fault.hint("change that event in the calendar, and export it again"))
}

/// The lines that are read. All others say nothing about when an event is.
const KNOWN: [&str; 12] = [
    "CATEGORIES",
    "DTEND",
    "DTSTART",
    "DURATION",
    "EXDATE",
    "EXRULE",
    "RDATE",
    "RECURRENCE-ID",
    "RRULE",
    "STATUS",
    "SUMMARY",
    "UID",
];

/// Those of them that may be there more than once.
const REPEATED: [&str; 4] = ["CATEGORIES", "EXDATE", "EXRULE", "RDATE"];

/// The longest rule, in bytes.
const RULE_BYTES_MAX: usize = 1000;
