//! The module `math`.

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

use super::{Body, Builtin, Given, Property};
use crate::{
    coerce::{describe, text},
    evaluate::Evaluator,
    limit::{Failure, Meter},
    value::Value,
};

/// HMAC over one of the digests; HMAC takes keys of any length, so no key is refused.
macro_rules! authenticate {
    ($digest:ty, $key:expr, $message:expr) => {
        Hmac::<$digest>::new_from_slice($key.as_bytes())
            .map(|mac| {
                mac.chain_update($message.as_bytes())
                    .finalize()
                    .into_bytes()
                    .to_vec()
            })
            .unwrap_or_default()
    };
}

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::pure("math:abs", &["number"], |_, given| number(given, f64::abs)),
    Builtin::pure("math:base64decode", &["str"], base64_decode),
    Builtin::pure("math:base64encode", &["str"], base64_encode),
    Builtin::pure("math:ceiling", &["number", "precision"], |_, given| {
        round(given, f64::ceil)
    }),
    Builtin::pure("math:floor", &["number", "precision"], |_, given| {
        round(given, f64::floor)
    }),
    Builtin::pure("math:hash", &["algorithm", "str", "encoding"], hash),
    Builtin::pure(
        "math:hmac",
        &["algorithm", "key", "message", "encoding"],
        hmac,
    ),
    Builtin::pure("math:int", &["number"], |_, given| {
        number(given, f64::trunc)
    }),
    Builtin::new(
        "math:random",
        &["bound"],
        Body::Function(|evaluator, given| Ok(random(evaluator, given))),
    ),
    Builtin::pure("math:round", &["number", "precision"], |_, given| {
        round(given, half_up)
    }),
];

pub(super) static PROPERTIES: &[Property] = &[Property {
    name: "math:hashAlgorithms",
    read: |evaluator, _| {
        let names = ALGORITHMS.iter().map(|name| Value::Text((*name).into()));
        Ok(evaluator.meter.list(names.collect())?)
    },
}];

const ALGORITHMS: &[&str] = &["sha1", "sha224", "sha256", "sha384", "sha512"];

fn number(given: &Given, compute: fn(f64) -> f64) -> Result<Value, Failure> {
    match given.number(0) {
        Some(number) => Ok(Value::number(compute(number))),
        None => Err(Failure::kind(format!(
            "{} is not a number",
            describe(given.get(0))
        ))),
    }
}

/// Rounds to so many decimal places, or, if they are negative, to tens, hundreds and so on.
fn round(given: &Given, compute: fn(f64) -> f64) -> Result<Value, Failure> {
    let places = given.number(1).unwrap_or(0.0).trunc().clamp(-308.0, 308.0);
    let Some(number) = given.number(0) else {
        return Err(Failure::kind(format!(
            "{} is not a number",
            describe(given.get(0))
        )));
    };
    #[expect(clippy::cast_possible_truncation, reason = "clamped above")]
    let places = places as i32;
    let scaled = |number: f64, places: i32| -> f64 {
        // Through the decimal text: multiplying by a power of ten would add an error of its own.
        format!("{number:e}")
            .split_once('e')
            .and_then(|(digits, exponent)| {
                let exponent = exponent.parse::<i32>().ok()? + places;
                format!("{digits}e{exponent}").parse().ok()
            })
            .unwrap_or(number)
    };
    Ok(Value::number(scaled(
        compute(scaled(number, places)),
        -places,
    )))
}

/// Halves go up, as in ECMAScript, not away from zero.
fn half_up(number: f64) -> f64 {
    (number + 0.5).floor()
}

/// An integer below the bound, from 0.
fn random(evaluator: &mut Evaluator<'_>, given: &Given) -> Value {
    let bound = crate::coerce::index(given.number(0).unwrap_or(0.0)) as u64;
    let drawn = evaluator.below(given.site, bound);
    Value::number(drawn as f64)
}

fn base64_encode(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let encoded = BASE64.encode(given.text(0).as_bytes());
    meter.text(encoded)
}

fn base64_decode(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let bytes = BASE64.decode(given.text(0).as_bytes()).map_err(|error| {
        Failure::argument(format!("{} is not base64: {error}", describe(given.get(0))))
    })?;
    meter.text(String::from_utf8_lossy(&bytes))
}

fn hash(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    let algorithm = algorithm(given)?;
    let message = given.text(1);
    meter.spend_for(message.len())?;
    let digest = match algorithm {
        "sha1" => Sha1::digest(&*message).to_vec(),
        "sha224" => Sha224::digest(&*message).to_vec(),
        "sha256" => Sha256::digest(&*message).to_vec(),
        "sha384" => Sha384::digest(&*message).to_vec(),
        _ => Sha512::digest(&*message).to_vec(),
    };
    encoded(meter, given.get(2), &digest)
}

fn hmac(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    if given.len() < 3 {
        return Err(Failure::argument(
            "math:hmac needs an algorithm, a key and a message",
        ));
    }
    let algorithm = algorithm(given)?;
    let (key, message) = (given.text(1), given.text(2));
    meter.spend_for(key.len() + message.len())?;
    let tag = match algorithm {
        "sha1" => authenticate!(Sha1, key, message),
        "sha224" => authenticate!(Sha224, key, message),
        "sha256" => authenticate!(Sha256, key, message),
        "sha384" => authenticate!(Sha384, key, message),
        _ => authenticate!(Sha512, key, message),
    };
    encoded(meter, given.get(3), &tag)
}

fn algorithm(given: &Given) -> Result<&'static str, Failure> {
    let Value::Text(name) = given.get(0) else {
        let message = format!("{} is no hash algorithm's name", describe(given.get(0)));
        return Err(Failure::kind(message));
    };
    ALGORITHMS
        .iter()
        .copied()
        .find(|known| **known == **name)
        .ok_or_else(|| {
            let known = ALGORITHMS.join(", ");
            Failure::argument(format!(
                "the hash algorithm {name} is not known; there are {known}"
            ))
        })
}

fn encoded(meter: &mut Meter, encoding: &Value, bytes: &[u8]) -> Result<Value, Failure> {
    if &*text(encoding) == "base64" {
        return meter.text(BASE64.encode(bytes));
    }
    meter.text(HEXLOWER.encode(bytes))
}
