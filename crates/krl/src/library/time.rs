//! The module `time`. Now is an argument of the run.

mod parse;

use std::fmt::Write as _;

use chrono::{
    DateTime, Months, NaiveDateTime, TimeDelta, TimeZone as _, Utc,
    format::{Item, StrftimeItems},
};
use chrono_tz::Tz;
use stratus_event::Timestamp;
use stratus_salience::{DAY_MS, Instant};

use super::{Body, Builtin, Given};
use crate::{
    coerce::{describe, number, text},
    evaluate::Evaluator,
    limit::{Failure, Halt, Meter},
    value::{Entries, Value},
};

use parse::is_time_alone;
pub(super) use parse::{Moment, parse};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::new("time:add", &["date", "spec"], Body::Function(add)),
    Builtin::new("time:new", &["date"], Body::Function(new)),
    Builtin::new("time:now", &["opts"], Body::Function(now)),
    Builtin::new(
        "time:strftime",
        &["date", "fmt", "tz"],
        Body::Function(strftime),
    ),
];

/// The instant that a value names, in milliseconds since 1970: a number of them, or a text in a
/// form of ISO 8601; UTC unless it names an offset.
pub(crate) fn instant(value: &Value, now: Timestamp) -> Option<i64> {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        Value::Number(number) => (number.abs() <= INSTANT_MS_MAX).then_some(*number as i64),
        Value::Text(text) => Some(parse(text, utc(now)?)?.instant(Tz::UTC)?.timestamp_millis()),
        _ => None,
    }
}

/// The instant that a text means by itself: a date and time, or a time alone, which comes every
/// day. `noon` and `midnight` are times; all are of UTC unless they name an offset.
pub(crate) fn standing_instant(text: &str) -> Option<Instant> {
    let text = match text.trim() {
        "midnight" => "00:00",
        "noon" => "12:00",
        text => text,
    };
    let moment = parse(text, utc(Timestamp(0))?)?.instant(Tz::UTC)?;
    let milliseconds = moment.timestamp_millis();
    if !is_time_alone(text) {
        return Some(Instant::Once(Timestamp(milliseconds)));
    }
    let of_day = milliseconds.rem_euclid(i64::from(DAY_MS));
    u32::try_from(of_day).ok().map(Instant::Daily)
}

/// The instant that a bound value means: none if it is null, an error if it is no date and time.
pub(crate) fn bound_instant(value: &Value) -> Result<Option<Timestamp>, Failure> {
    let alone = matches!(value, Value::Text(text) if is_time_alone(text));
    match value {
        Value::Null => Ok(None),
        _ if alone => Err(no_date(value)),
        // What a time alone would mean is not asked, so now does not matter.
        _ => instant(value, Timestamp(0))
            .map(|milliseconds| Some(Timestamp(milliseconds)))
            .ok_or_else(|| no_date(value)),
    }
}

/// The time zone of that IANA name.
pub(super) fn zone(name: &str) -> Result<Tz, Failure> {
    name.parse()
        .map_err(|_| Failure::argument(format!("{name} is not an IANA time zone")))
}

/// How far from 1970 a time may be, in milliseconds: what ECMAScript's dates can say.
const INSTANT_MS_MAX: f64 = 8.64e15;

fn utc(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(at.0)
}

fn show(meter: &mut Meter, milliseconds: i64) -> Result<Value, Failure> {
    meter.text(Timestamp(milliseconds).to_string())
}

fn now(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    if !matches!(given.get(0), Value::Map(_) | Value::Null) {
        let message = format!(
            "time:now takes a map of options, not {}",
            describe(given.get(0))
        );
        return Err(Failure::kind(message).into());
    }
    Ok(show(&mut evaluator.meter, evaluator.scene.now.0)?)
}

fn new(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    if given.len() == 0 {
        return Err(Failure::argument("time:new needs a date").into());
    }
    let date = given.get(0);
    let milliseconds = instant(date, evaluator.scene.now).ok_or_else(|| no_date(date))?;
    Ok(show(&mut evaluator.meter, milliseconds)?)
}

/// The date given; a number is read as its digits are, not as milliseconds.
fn date(evaluator: &Evaluator<'_>, given: &Given) -> Result<DateTime<Utc>, Failure> {
    if given.len() == 0 {
        return Err(Failure::argument("a date is needed"));
    }
    let value = given.get(0);
    let moment = utc(evaluator.scene.now).and_then(|now| parse(&text(value), now));
    let instant = moment.and_then(|moment| moment.instant(Tz::UTC));
    instant
        .map(|instant| instant.to_utc())
        .ok_or_else(|| no_date(value))
}

fn no_date(value: &Value) -> Failure {
    Failure::argument(format!(
        "{} is not a date in a form of ISO 8601",
        describe(value)
    ))
}

fn add(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let date = date(evaluator, given)?;
    let Value::Map(spec) = given.get(1) else {
        let message = format!(
            "time:add takes a map such as {{\"days\": 1}}, not {}",
            describe(given.get(1))
        );
        return Err(Failure::kind(message).into());
    };
    let sum = plus(date, spec.entries(&mut evaluator.meter)?);
    let sum =
        sum.ok_or_else(|| Failure::argument(format!("{date} with that added is out of range")))?;
    Ok(show(&mut evaluator.meter, sum.timestamp_millis())?)
}

fn plus(date: DateTime<Utc>, spec: &Entries) -> Option<DateTime<Utc>> {
    let amount = |unit: &str| spec.get(unit).and_then(number).unwrap_or(0.0);
    let months = (12.0 * amount("years") + amount("months")).trunc();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates"
    )]
    let distance = Months::new(months.abs() as u32);
    let date = if months < 0.0 {
        date.checked_sub_months(distance)?
    } else {
        date.checked_add_months(distance)?
    };
    let units = [
        ("weeks", 604_800.0),
        ("days", 86_400.0),
        ("hours", 3_600.0),
        ("minutes", 60.0),
        ("seconds", 1.0),
    ];
    let seconds: f64 = units
        .iter()
        .map(|(unit, length)| amount(unit) * length)
        .sum();
    let milliseconds = (seconds * 1_000.0 + amount("milliseconds")).trunc();
    if milliseconds.abs() > INSTANT_MS_MAX {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    date.checked_add_signed(TimeDelta::milliseconds(milliseconds as i64))
}

/// A date in a format of `strftime`, in UTC or in the time zone named.
fn strftime(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let date = date(evaluator, given)?;
    let Value::Text(format) = given.get(1) else {
        let message = format!(
            "time:strftime takes a format, not {}",
            describe(given.get(1))
        );
        return Err(Failure::kind(message).into());
    };
    let zone = if given.get(2).is_null() {
        Tz::UTC
    } else {
        zone(&given.text(2))?
    };
    evaluator.meter.spend_for(format.len().saturating_mul(16))?;
    let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    let mut out = String::new();
    let shown = date.with_timezone(&zone).format_with_items(items.iter());
    // A specifier that is not known makes the formatting fail, never panic.
    write!(out, "{shown}").map_err(|_| {
        Failure::argument(format!(
            "{} is not a format of strftime",
            describe(given.get(1))
        ))
    })?;
    Ok(evaluator.meter.text(out)?)
}

/// A local date and time as an instant; in a gap, the first moment after it, twice the earlier.
pub(super) fn resolve(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Tz>> {
    zone.from_local_datetime(&local).earliest().or_else(|| {
        zone.from_local_datetime(&(local + TimeDelta::hours(1)))
            .earliest()
    })
}
