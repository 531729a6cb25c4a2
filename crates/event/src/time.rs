//! Time as an argument.

use std::{
    fmt,
    ops::{Add, Sub},
    str::FromStr,
    time::Duration,
};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds since 1970, rounded down; never below zero.
    pub fn seconds(self) -> u64 {
        u64::try_from(self.0.div_euclid(1000)).unwrap_or(0)
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        let milliseconds = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(milliseconds))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// RFC 3339; seconds, their fraction and the whole time of day may be left out, and without an
    /// offset it is UTC: `2026-11-23`, `2026-11-23T14:05Z`, `2026-11-23T14:05:00.250+01:00`.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, ""));
        let days = days(date).ok_or(TimestampError)?;
        let (time, offset) = zone(time).ok_or(TimestampError)?;
        let time = if time.is_empty() { "00:00" } else { time };
        let milliseconds = of_day(time).ok_or(TimestampError)?;
        Ok(Self(days * 86_400_000 + milliseconds - offset * 60_000))
    }
}

/// A text that is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time such as 2026-11-23T14:05:00Z")]
pub struct TimestampError;

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds, after the civil-calendar algorithm of Howard Hinnant
    /// ("chrono-compatible low-level date algorithms").
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.div_euclid(86_400_000);
        let millisecond_of_day = self.0.rem_euclid(86_400_000);
        let (year, month, day) = civil(days);
        let second_of_day = millisecond_of_day / 1000;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
            millisecond_of_day % 1000
        )
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day of a date, from 1970-01-01 (Hinnant's `days_from_civil`).
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) = (
        digits(parts.next()?, 4)?,
        digits(parts.next()?, 2)?,
        digits(parts.next()?, 2)?,
    );
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    // A day that there is not, such as the 30th of February, comes back as another.
    let same = parts.next().is_none() && civil(days) == (year, month, day);
    same.then_some(days)
}

/// The time of day, and the offset in minutes.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-']) else {
        return Some((time, 0));
    };
    let (time, offset) = time.split_at_checked(at)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let minutes = digits(hours, 2)? * 60 + digits(minutes, 2)?;
    Some((
        time,
        if offset.starts_with('-') {
            -minutes
        } else {
            minutes
        },
    ))
}

/// The milliseconds of a day.
fn of_day(time: &str) -> Option<i64> {
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    let whole = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    let fraction = digits(&fraction, 3)?;
    whole.then_some(((hour * 60 + minute) * 60 + second) * 1000 + fraction)
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_rfc_3339() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp(1_795_402_799_999).to_string(),
            "2026-11-23T02:59:59.999Z"
        );
        assert_eq!(
            Timestamp(951_782_400_000).to_string(),
            "2000-02-29T00:00:00.000Z"
        );
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn reads_rfc_3339_and_less() {
        for (text, expected) in [
            ("2026-11-23T02:59:59.999Z", Some(1_795_402_799_999)),
            ("2026-11-23T03:59:59.999+01:00", Some(1_795_402_799_999)),
            ("2000-02-29", Some(951_782_400_000)),
            ("2000-02-29 00:01", Some(951_782_460_000)),
            ("1969-12-31T23:59:59.999123-00:00", Some(-1)),
            ("1970-01-01T00:00:00.5Z", Some(500)),
            ("2001-02-29", None),
            ("2026-11-23T24:00", None),
            ("2026-13-01", None),
            ("2026-11-23T+1:00", None),
            ("yesterday", None),
            ("", None),
        ] {
            let read = text.parse::<Timestamp>().ok().map(|time| time.0);
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn since_is_never_negative() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
        assert_eq!(Timestamp(9).since(Timestamp(5)), Duration::from_millis(4));
    }
}
