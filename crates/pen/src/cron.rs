//! Times that come again.

use chrono::DateTime;
use chrono_tz::Tz;
use croner::parser::{CronParser, Year};
use stratus_event::Timestamp;

/// A cron expression in a time zone: minute, hour, day of the month, month and day of the week, and
/// before them the second if there are six fields.
///
/// If neither day is `*`, either will do, as POSIX says. Where clocks are put forward, what would
/// be left out comes at the end of the gap; where they are put back, what has a fixed hour comes
/// once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    expression: String,
    zone: Tz,
}

impl Cron {
    /// Takes an expression that says at least one time, and an IANA time zone, without which it is
    /// UTC.
    pub fn new(expression: &str, zone: Option<&str>) -> Result<Self, CronError> {
        let zone = match zone {
            None => Tz::UTC,
            Some(name) => name.parse().map_err(|_| CronError::Zone {
                zone: name.to_owned(),
            })?,
        };
        let invalid = |reason: String| CronError::Expression {
            expression: expression.chars().take(EXPRESSION_BYTES_MAX).collect(),
            reason,
        };
        if expression.len() > EXPRESSION_BYTES_MAX {
            let reason = format!("it is longer than {EXPRESSION_BYTES_MAX} bytes");
            return Err(invalid(reason));
        }
        parse(expression).map_err(|error| invalid(error.to_string()))?;
        let cron = Self {
            expression: expression.trim().to_owned(),
            zone,
        };
        match cron.after(Timestamp(0)) {
            Some(_) => Ok(cron),
            None => Err(invalid("there is no such day".to_owned())),
        }
    }

    /// The expression as it was written.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The time zone's IANA name.
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The first time after that instant; none if there is none before the year 5000.
    pub fn after(&self, instant: Timestamp) -> Option<Timestamp> {
        let instant = DateTime::from_timestamp_millis(instant.0)?.with_timezone(&self.zone);
        let next = parse(&self.expression)
            .ok()?
            .find_next_occurrence(&instant, false)
            .ok()?;
        // The search keeps the fraction of the second that it began with.
        Some(Timestamp(next.timestamp().checked_mul(1000)?))
    }
}

/// Why something is no [`Cron`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// The text is no cron expression, or says no time.
    #[error("\"{expression}\" is no cron expression: {reason}")]
    Expression {
        /// The text.
        expression: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such time zone.
    #[error("{zone} is not an IANA time zone")]
    Zone {
        /// What was given for one.
        zone: String,
    },
}

fn parse(expression: &str) -> Result<croner::Cron, croner::errors::CronError> {
    let parser = CronParser::builder().year(Year::Disallowed);
    parser.build().parse(expression)
}

/// What a person writes is far shorter.
const EXPRESSION_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// Some times after New Year's Day 2026, as the day and the time of day.
    fn times(expression: &str, zone: &str, count: usize) -> Vec<String> {
        let cron = Cron::new(expression, Some(zone)).unwrap();
        let mut at = Timestamp(1_767_225_600_123);
        let next = std::iter::repeat_with(|| {
            at = cron.after(at).unwrap();
            at.to_string().replace(".000Z", "")
        });
        next.take(count).collect()
    }

    fn check(expression: &str, zone: &str, expected: &str) {
        let expected: Vec<&str> = expected.split(' ').collect();
        assert_eq!(
            times(expression, zone, expected.len()),
            expected,
            "{expression}"
        );
    }

    #[test]
    fn says_when() {
        check(
            "*/20 * * * *",
            "UTC",
            "2026-01-01T00:20:00 2026-01-01T00:40:00",
        );
        check(
            "*/30 * * * * *",
            "UTC",
            "2026-01-01T00:00:30 2026-01-01T00:01:00",
        );
        check("* */1 * * * *", "UTC", "2026-01-01T00:00:01");
        check(
            "0 8 * * 1-5",
            "UTC",
            "2026-01-01T08:00:00 2026-01-02T08:00:00 2026-01-05T08:00:00",
        );
        check("0 0 * * 0", "UTC", "2026-01-04T00:00:00");
        check("0 0 * * 7", "UTC", "2026-01-04T00:00:00");
        check("0 0 * * SUN", "UTC", "2026-01-04T00:00:00");
        check(
            "0 0 29 2 *",
            "UTC",
            "2028-02-29T00:00:00 2032-02-29T00:00:00",
        );
        check(
            "0 0 13 * FRI",
            "UTC",
            "2026-01-02T00:00:00 2026-01-09T00:00:00 2026-01-13T00:00:00",
        );
        check(
            "0 0 L * *",
            "UTC",
            "2026-01-31T00:00:00 2026-02-28T00:00:00",
        );
        check(
            "  5 0 1 JAN,jul *  ",
            "UTC",
            "2026-01-01T00:05:00 2026-07-01T00:05:00",
        );
        check("@daily", "UTC", "2026-01-02T00:00:00");
    }

    #[test]
    fn follows_the_clocks_of_its_zone() {
        check(
            "0 8 1 1,7 *",
            "Europe/Vienna",
            "2026-01-01T07:00:00 2026-07-01T06:00:00",
        );
        // At the end of March half past two is left out, at the end of October it comes twice.
        check(
            "30 2 29 3 *",
            "Europe/Vienna",
            "2026-03-29T01:00:00 2027-03-29T00:30:00",
        );
        check(
            "30 2 25 10 *",
            "Europe/Vienna",
            "2026-10-25T00:30:00 2027-10-25T00:30:00",
        );
    }

    #[test]
    fn says_what_is_wrong() {
        for expression in [
            "",
            "x",
            "* * * *",
            "60 * * * *",
            "* * * * * * *",
            "0 0 30 2 *",
            "*/0 * * * *",
            &"1,".repeat(400),
        ] {
            let error = Cron::new(expression, None).unwrap_err();
            assert!(
                matches!(error, CronError::Expression { .. }),
                "{expression}: {error}"
            );
        }
        let error = Cron::new("* * * * *", Some("Vienna")).unwrap_err();
        assert_eq!(error.to_string(), "Vienna is not an IANA time zone");
    }
}
