//! Dates and times in the forms of ISO 8601.

use chrono::{
    DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday,
};
use chrono_tz::Tz;

use super::resolve;

/// A date and time as written: with an offset, or local to somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::library) struct Moment {
    pub(in crate::library) local: NaiveDateTime,
    offset: Option<FixedOffset>,
}

impl Moment {
    /// The instant; a local time is one of the zone given.
    pub(in crate::library) fn instant(self, zone: Tz) -> Option<DateTime<Tz>> {
        match self.offset {
            Some(offset) => {
                let instant = self.local.and_local_timezone(offset).single()?;
                Some(instant.with_timezone(&zone))
            }
            None => resolve(self.local, zone),
        }
    }
}

/// Reads a calendar date (`2026-11-23`), an ordinal one (`2026-327`), a week date (`2026-W48-1`), a
/// month or a year, each with or without its hyphens and with or without a time after it; or a
/// time alone, which is one of today.
pub(in crate::library) fn parse(text: &str, now: DateTime<Utc>) -> Option<Moment> {
    // The longest form has 35 characters; what is longer is no date.
    let text = text.trim();
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    match text.split_once(['T', ' ']) {
        Some(("", time)) => moment(now.date_naive(), time),
        Some((day, time)) => moment(date(day)?, time),
        None if is_time(text) => moment(now.date_naive(), text),
        None => Some(Moment {
            local: date(text)?.and_time(NaiveTime::MIN),
            offset: None,
        }),
    }
}

/// Whether a text names no date.
pub(in crate::library) fn is_time_alone(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('T') || (!text.contains(['T', ' ']) && is_time(text))
}

/// Whether a text without a date before it is a time: it has a colon, or six digits and a zone.
fn is_time(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let next = text.as_bytes().get(digits);
    next == Some(&b':') || (digits == 6 && matches!(next, Some(b'Z' | b'+' | b'-' | b'.')))
}

fn moment(day: NaiveDate, text: &str) -> Option<Moment> {
    let zone = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at_checked(zone)?;
    let offset = if zone.is_empty() {
        None
    } else {
        Some(offset(zone)?)
    };
    Some(Moment {
        local: day.and_time(time(clock)?),
        offset,
    })
}

fn date(text: &str) -> Option<NaiveDate> {
    let (year, rest) = text.split_at_checked(4)?;
    let year: i32 = digits(year)?.try_into().ok()?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    if let Some(week) = rest.strip_prefix('W') {
        return week_date(year, week);
    }
    match rest.len() {
        0 => NaiveDate::from_ymd_opt(year, 1, 1),
        2 if text.contains('-') => NaiveDate::from_ymd_opt(year, digits(rest)?, 1),
        3 => NaiveDate::from_yo_opt(year, digits(rest)?),
        4 | 5 => {
            let (month, day) = rest.split_at_checked(2)?;
            let day = day.strip_prefix('-').unwrap_or(day);
            NaiveDate::from_ymd_opt(year, digits(month)?, two_digits(day)?)
        }
        _ => None,
    }
}

fn week_date(year: i32, text: &str) -> Option<NaiveDate> {
    let (week, day) = text.split_at_checked(2)?;
    let day = day.strip_prefix('-').unwrap_or(day);
    let weekday = match day {
        "" | "1" => Weekday::Mon,
        "2" => Weekday::Tue,
        "3" => Weekday::Wed,
        "4" => Weekday::Thu,
        "5" => Weekday::Fri,
        "6" => Weekday::Sat,
        "7" => Weekday::Sun,
        _ => return None,
    };
    let date = NaiveDate::from_isoywd_opt(year, digits(week)?, weekday)?;
    (date.year().abs_diff(year) <= 1).then_some(date)
}

fn time(text: &str) -> Option<NaiveTime> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let clock = clock.replace(':', "");
    let part = |from: usize| match clock.get(from..from + 2) {
        Some(part) => two_digits(part),
        None => (clock.len() <= from).then_some(0),
    };
    if clock.len() > 6 || clock.is_empty() {
        return None;
    }
    let thousandths = if fraction.is_empty() {
        0
    } else {
        digits(&format!("{fraction:0<3.3}"))?
    };
    NaiveTime::from_hms_milli_opt(part(0)?, part(2)?, part(4)?, thousandths)
}

/// `Z`, `+01`, `+0100` or `+01:00`.
fn offset(text: &str) -> Option<FixedOffset> {
    if matches!(text, "Z" | "z") {
        return FixedOffset::east_opt(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let clock = text.get(1..)?.replace(':', "");
    let (hours, minutes) = clock.split_at_checked(2)?;
    let minutes = if minutes.is_empty() {
        0
    } else {
        two_digits(minutes)?
    };
    let seconds = i32::try_from(two_digits(hours)? * 3_600 + minutes * 60).ok()?;
    FixedOffset::east_opt(sign * seconds)
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2).then(|| digits(text))?
}

fn digits(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let instant = parse(text, now).and_then(|moment| moment.instant(Tz::UTC));
        let shown = instant.map_or("none".to_owned(), |instant| {
            instant
                .to_utc()
                .format("%Y-%m-%dT%H:%M:%S%.3fZ")
                .to_string()
        });
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn reads_the_forms_of_iso_8601() {
        check("2026-11-23", "2026-11-23T00:00:00.000Z");
        check("20261123", "2026-11-23T00:00:00.000Z");
        check("2026-327", "2026-11-23T00:00:00.000Z");
        check("2026-W48-1", "2026-11-23T00:00:00.000Z");
        check("2026-11", "2026-11-01T00:00:00.000Z");
        check("2026-11-23T09:05", "2026-11-23T09:05:00.000Z");
        check("2026-11-23T09:05:07.25+01:00", "2026-11-23T08:05:07.250Z");
        check("20261123T090507Z", "2026-11-23T09:05:07.000Z");
        check("2026-11-23 09:05:07-0530", "2026-11-23T14:35:07.000Z");
        check("09:30", "2026-11-23T09:30:00.000Z");
        check("083023Z", "2026-11-23T08:30:23.000Z");
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "67342",
            "2026-13-01",
            "2026-02-30",
            "tomorrow",
            "2026-11-23T25:00",
            "2026-11-23T09:00+1",
            "²026",
        ] {
            check(text, "none");
        }
    }
}
