//! Functions of numbers.

use super::{Builtin, Given};
use crate::{
    coerce::{describe, index},
    limit::{Failure, Meter},
    value::Value,
};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::pure("band", &["left", "right"], |_, given| {
        bits(given, |left, right| left & right)
    }),
    Builtin::pure("bnot", &["val"], not),
    Builtin::pure("bor", &["left", "right"], |_, given| {
        bits(given, |left, right| left | right)
    }),
    Builtin::pure("bxor", &["left", "right"], |_, given| {
        bits(given, |left, right| left ^ right)
    }),
    Builtin::pure("chr", &["val"], chr),
    Builtin::pure("range", &["val", "end"], range),
    Builtin::pure("shiftLeft", &["left", "right"], |_, given| {
        bits(given, |left, right| {
            left.wrapping_shl(right.cast_unsigned())
        })
    }),
    Builtin::pure("shiftRight", &["left", "right"], |_, given| {
        bits(given, |left, right| {
            left.wrapping_shr(right.cast_unsigned())
        })
    }),
];

/// Bit operators work on numbers as 32 signed bits, as in ECMAScript.
fn bits(given: &Given, compute: fn(i32, i32) -> i32) -> Result<Value, Failure> {
    let (left, right) = (bits_of(given, 0)?, bits_of(given, 1)?);
    Ok(Value::Number(f64::from(compute(left, right))))
}

fn not(_: &mut Meter, given: &Given) -> Result<Value, Failure> {
    Ok(Value::Number(f64::from(!bits_of(given, 0)?)))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is within 33 bits, then wraps"
)]
fn bits_of(given: &Given, position: usize) -> Result<i32, Failure> {
    match given.number(position) {
        Some(number) => Ok((number.trunc() % 4_294_967_296.0) as i64 as i32),
        None => Err(Failure::kind(format!(
            "{} is not a number",
            describe(given.get(position))
        ))),
    }
}

fn chr(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let code = given
        .number(0)
        .and_then(|code| u32::try_from(index(code)).ok());
    match code.and_then(char::from_u32) {
        Some(character) => meter.text(character.encode_utf8(&mut [0; 4])),
        None => Ok(Value::Null),
    }
}

/// The numbers from one to another in steps of one, up or down, both ends included.
fn range(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let (Some(start), Some(end), true) = (given.number(0), given.number(1), given.len() > 1) else {
        return meter.list(Vec::new());
    };
    let steps = index((end - start).abs().ceil()).saturating_add(1);
    meter.allocate_slots(steps)?;
    let step = if start < end { 1.0 } else { -1.0 };
    let numbers = (0..steps).map(|count| Value::number(start + step * count as f64));
    meter.list(numbers.collect())
}
