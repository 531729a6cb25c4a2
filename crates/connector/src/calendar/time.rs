//! Dates, times and durations (RFC 5545, sections 3.3.4 to 3.3.6).

use chrono::{DateTime, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime};
use chrono::{TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A time as a calendar writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A day.
    Day(NaiveDate),
    /// A time of day in a zone; UTC is one.
    Time(NaiveDateTime, Tz),
}

impl Moment {
    /// Reads `20261123`, `20261123T090000` or `20261123T090000Z`.
    pub(super) fn parse(text: &str, zone: Tz) -> Option<Self> {
        let Some((day, time)) = text.split_once(['T', 't']) else {
            return date(text).map(Self::Day);
        };
        let local = time.strip_suffix(['Z', 'z']);
        let zone = if local.is_some() { Tz::UTC } else { zone };
        Some(Self::Time(date_and_time(day, local.unwrap_or(time))?, zone))
    }

    /// The same moment in the form that another has.
    pub(super) fn like(self, other: Self) -> Self {
        match (self, other) {
            (Self::Day(_), Self::Day(_)) => self,
            (Self::Day(day), Self::Time(model, zone)) => {
                Self::Time(day.and_time(model.time()), zone)
            }
            (Self::Time(time, _), Self::Day(_)) => Self::Day(time.date()),
            (Self::Time(_, mine), Self::Time(_, theirs)) if mine == theirs => self,
            (Self::Time(time, mine), Self::Time(_, theirs)) => Self::Time(
                instant(time, mine).with_timezone(&theirs).naive_local(),
                theirs,
            ),
        }
    }

    /// That much later.
    pub(super) fn after(self, duration: Duration) -> Option<Self> {
        match self {
            Self::Day(day) => Some(Self::Day(day.checked_add_days(duration.days())?)),
            Self::Time(time, zone) => {
                let time = time.checked_add_days(Days::new(duration.days))?;
                let seconds = TimeDelta::try_seconds(duration.seconds)?;
                let instant = instant(time, zone).checked_add_signed(seconds)?;
                Some(Self::Time(instant.with_timezone(&zone).naive_local(), zone))
            }
        }
    }

    /// Whether this is not after the other, which has the same form.
    pub(super) fn is_until(self, other: Self) -> bool {
        match (self, other) {
            (Self::Time(mine, zone), Self::Time(theirs, other)) => {
                instant(mine, zone) <= instant(theirs, other)
            }
            (Self::Day(mine), Self::Day(theirs)) => mine <= theirs,
            _ => false,
        }
    }

    /// As values have it: ISO 8601, with a Z if it is UTC.
    pub(super) fn text(self) -> String {
        match self {
            Self::Day(day) => day.format("%Y-%m-%d").to_string(),
            Self::Time(time, zone) => {
                let utc = if zone == Tz::UTC { "Z" } else { "" };
                format!("{}{utc}", time.format("%Y-%m-%dT%H:%M:%S"))
            }
        }
    }
}

/// A length of time that is not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Duration {
    /// By the calendar: a day may have 23 or 25 hours.
    pub(super) days: u64,
    pub(super) seconds: i64,
}

impl Duration {
    /// One day.
    pub(super) const DAY: Self = Self {
        days: 1,
        seconds: 0,
    };

    /// Reads `P2W`, `P1DT2H30M` and the like.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text
            .strip_prefix('+')
            .unwrap_or(text)
            .strip_prefix(['P', 'p'])?;
        let (date, time) = text.split_once(['T', 't']).unwrap_or((text, ""));
        let (mut days, mut seconds) = (0, 0);
        for (number, unit) in quantities(date)? {
            let unit = match unit {
                'W' | 'w' => 7,
                'D' | 'd' => 1,
                _ => return None,
            };
            days += u64::from(number) * unit;
        }
        for (number, unit) in quantities(time)? {
            let unit = match unit {
                'H' | 'h' => 3600,
                'M' | 'm' => 60,
                'S' | 's' => 1,
                _ => return None,
            };
            seconds += i64::from(number) * unit;
        }
        (!text.is_empty()).then_some(Self { days, seconds })
    }

    fn days(self) -> Days {
        let whole = u64::try_from(self.seconds / 86_400).unwrap_or(0);
        Days::new(self.days + whole)
    }
}

/// Numbers, each with the letter of its unit; at most one of each.
fn quantities(text: &str) -> Option<Vec<(u32, char)>> {
    let mut quantities: Vec<(u32, char)> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| !c.is_ascii_digit()) {
        let unit = rest[at..].chars().next()?;
        if quantities.iter().any(|(_, other)| *other == unit) {
            return None;
        }
        quantities.push((rest[..at].parse().ok()?, unit));
        rest = &rest[at + unit.len_utf8()..];
    }
    rest.is_empty().then_some(quantities)
}

fn date(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = digits(text, [4, 2, 2])?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn date_and_time(day: &str, time: &str) -> Option<NaiveDateTime> {
    let [hour, minute, second] = digits(time, [2, 2, 2])?;
    // The second that is now and then put in after the last of a day.
    let second = if second == 60 { 59 } else { second };
    Some(date(day)?.and_time(NaiveTime::from_hms_opt(hour, minute, second)?))
}

/// Numbers of so many digits, one after the other.
fn digits<const N: usize>(text: &str, widths: [usize; N]) -> Option<[u32; N]> {
    let mut rest = text;
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let (head, tail) = rest.split_at_checked(width)?;
        *number = head
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| head.parse().ok())??;
        rest = tail;
    }
    rest.is_empty().then_some(numbers)
}

/// The first of two moments when clocks go back; when they go forward, the time that is left out
/// is read with the offset before (section 3.3.5).
fn instant(time: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&time) {
        MappedLocalTime::Single(instant) | MappedLocalTime::Ambiguous(instant, _) => {
            instant.to_utc()
        }
        MappedLocalTime::None => {
            let before = time - TimeDelta::days(1);
            let offset = zone.from_local_datetime(&before).earliest();
            let offset = offset.map(|instant| instant.naive_local() - instant.naive_utc());
            (time - offset.unwrap_or_default()).and_utc()
        }
    }
}
