//! The module `random`. All of it comes from the seed of the run: the same event gives the same.

use rand_core::Rng as _;

use super::{Body, Builtin, Given};
use crate::{evaluate::Evaluator, limit::Halt, value::Value};

pub(super) static FUNCTIONS: &[Builtin] = &[
    Builtin::new(
        "random:integer",
        &["upper", "lower"],
        Body::Function(|evaluator, given| Ok(integer(evaluator, given))),
    ),
    Builtin::new(
        "random:number",
        &["upper", "lower"],
        Body::Function(|evaluator, given| Ok(number(evaluator, given))),
    ),
    Builtin::new("random:uuid", &[], Body::Function(uuid)),
    Builtin::new("random:word", &[], Body::Function(word)),
];

/// An integer from the lower bound (0 if not given) to the upper one (1 if not given), both
/// included.
fn integer(evaluator: &mut Evaluator<'_>, given: &Given) -> Value {
    let (lower, upper) = bounds(given);
    let (lower, upper) = (lower.ceil(), upper.floor());
    let count = crate::coerce::index((upper - lower).max(0.0)) as u64;
    let drawn = evaluator.below(given.site, count.saturating_add(1));
    Value::number(lower + drawn as f64)
}

fn number(evaluator: &mut Evaluator<'_>, given: &Given) -> Value {
    let (lower, upper) = bounds(given);
    // 53 random bits are all the evenly spaced doubles below one.
    let share = evaluator.below(given.site, 1 << 53) as f64 / (1_u64 << 53) as f64;
    Value::number(lower + share * (upper - lower))
}

fn bounds(given: &Given) -> (f64, f64) {
    let bound = |position: usize, default: f64| {
        if given.get(position).is_null() {
            return default;
        }
        given.number(position).unwrap_or(default)
    };
    let (upper, lower) = (bound(0, 1.0), bound(1, 0.0));
    (lower.min(upper), lower.max(upper))
}

/// A version 4 UUID (RFC 9562).
fn uuid(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let mut bytes = [0; 16];
    evaluator.generator(given.site).fill_bytes(&mut bytes);
    let number =
        u128::from_be_bytes(bytes) & !(0xf000 << 64 | 0b11 << 62) | 0x4000 << 64 | 0b10 << 62;
    let digits = format!("{number:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|part| digits.get(part).unwrap_or_default().to_owned());
    Ok(evaluator.meter.text(parts.join("-"))?)
}

/// A word that can be spoken: syllables of a consonant and a vowel.
fn word(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    const CONSONANTS: &[u8] = b"bdfghklmnprstvz";
    const VOWELS: &[u8] = b"aeiou";
    let mut word = String::new();
    for _ in 0..3 {
        for letters in [CONSONANTS, VOWELS] {
            let position = evaluator.below(given.site, letters.len() as u64);
            let letter = usize::try_from(position)
                .ok()
                .and_then(|position| letters.get(position));
            word.extend(letter.map(|letter| char::from(*letter)));
        }
    }
    Ok(evaluator.meter.text(word)?)
}
