//! iCalendar files (RFC 5545) as values that rules can read.

use chrono_tz::Tz;
use stratus_event::{Fault, Value, Whose};

use entry::Entry;
use line::{Line, lines};

mod entry;
mod line;
mod time;
mod zone;

/// The events of a calendar, in the order of the file, each as a map:
///
/// | name | what |
/// |---|---|
/// | `uid` | what the events of one series have in common |
/// | `summary` | the title; empty if there is none |
/// | `categories` | a list of texts |
/// | `start`, `end` | when; the end is the first moment after it |
/// | `timezone` | an IANA name such as `Europe/Berlin`, or `UTC` |
/// | `all_day` | whether `start` and `end` are days |
/// | `rule` | how it recurs (RFC 5545 `RRULE`), or null |
/// | `except`, `added` | starts of occurrences that there are not, or are besides (lists) |
/// | `replaces` | the start of the occurrence of the series that it stands for, or null |
///
/// All times of an event have one form: `2026-11-23` if it is all day, `2026-11-23T09:00:00Z` if
/// its timezone is UTC, else the local time `2026-11-23T09:00:00`. Cancelled events are left out,
/// and cancelled occurrences stand in `except` of their series. `zone` is where times are that do
/// not say it, if the file does not say it either.
pub fn read(text: &str, zone: &str) -> Result<Vec<Value>, Fault> {
    if text.len() > BYTES_MAX {
        let message = format!(
            "the calendar has {} bytes, at most {BYTES_MAX} are read",
            text.len()
        );
        return Err(
            Fault::new(Whose::Caller, "calendar-too-large", message).hint("export a shorter time")
        );
    }
    let mut reader = Reader {
        zone: zone::named(zone)?,
        open: Vec::new(),
        entries: Vec::new(),
    };
    let mut number = 1;
    for line in lines(text) {
        let line = line?;
        number = line.number;
        reader.take(line)?;
    }
    reader.finish(number)
}

/// A file, line by line.
struct Reader<'a> {
    /// Where times are that do not say it.
    zone: Tz,
    /// The components that have begun and not ended.
    open: Vec<String>,
    entries: Vec<Entry<'a>>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, line: Line<'a>) -> Result<(), Fault> {
        match &*line.name {
            "BEGIN" => return self.begin(&line),
            "END" => return self.end(&line),
            _ => {}
        }
        let open: Vec<_> = self.open.iter().map(String::as_str).collect();
        match (&open[..], &*line.name, self.entries.last_mut()) {
            ([], ..) => return Err(line.malformed("it stands outside of a calendar")),
            (["VCALENDAR"], "X-WR-TIMEZONE", _) => {
                self.zone = zone::named(line.value.trim()).map_err(|fault| line.at(fault))?;
            }
            (["VCALENDAR", "VEVENT"], _, Some(entry)) => entry.take(line)?,
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, line: &Line<'_>) -> Result<(), Fault> {
        let name = line.value.trim().to_ascii_uppercase();
        if self.open.is_empty() != (name == "VCALENDAR") {
            return Err(line.malformed("a calendar begins with BEGIN:VCALENDAR"));
        }
        self.open.push(name);
        if self.open.len() > DEPTH_MAX {
            return Err(line.malformed("components are nested too deep"));
        }
        if self.open == ["VCALENDAR", "VEVENT"] {
            self.entries.push(Entry::new(line.number));
        }
        if self.entries.len() > EVENTS_MAX {
            let message = format!("the calendar has more than {EVENTS_MAX} events");
            return Err(
                Fault::new(Whose::Caller, "calendar-events-too-many", message)
                    .hint("export a shorter time"),
            );
        }
        Ok(())
    }

    fn end(&mut self, line: &Line<'_>) -> Result<(), Fault> {
        let begun = self.open.pop();
        if begun.is_some_and(|begun| begun.eq_ignore_ascii_case(line.value.trim())) {
            return Ok(());
        }
        Err(line.malformed("it ends what has not begun"))
    }

    fn finish(self, number: usize) -> Result<Vec<Value>, Fault> {
        if let Some(open) = self.open.last() {
            return Err(malformed(
                number,
                &format!("the file ends before {open} does"),
            ));
        }
        entry::values(self.entries, self.zone)
    }
}

fn malformed(line: usize, reason: &str) -> Fault {
    let message = format!("line {line} of the calendar cannot be read: {reason}");
    Fault::new(Whose::Caller, "calendar-malformed", message)
        .hint("export the calendar again, as an iCalendar file (.ics)")
}

/// The longest file, in bytes.
pub const BYTES_MAX: usize = 8 << 20;

/// The most events in a file.
pub const EVENTS_MAX: usize = 10_000;

/// How deep components may be nested; alarms in events in a calendar make three.
const DEPTH_MAX: usize = 8;

#[cfg(test)]
mod tests;
