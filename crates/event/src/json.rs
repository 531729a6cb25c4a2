//! JSON to values and back.
//!
//! A JSON number becomes a value only if a double holds it exactly: an integer further than 2^53
//! from zero is refused, because another number would come back. Members keep their order.

use crate::{Fault, Map, Value, Whose};
use serde_json::{Number, Value as Json};

/// Reads JSON as a value; `json-number-inexact` if a number in it cannot be kept.
pub fn from_json(json: &Json) -> Result<Value, Fault> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::from(*truth),
        Json::Number(number) => Value::number(exact(number)?),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => {
            Value::list(items.iter().map(from_json).collect::<Result<Vec<_>, _>>()?)
        }
        Json::Object(members) => Value::map(map_from_json(members)?),
    })
}

/// Reads a JSON object as a map.
pub fn map_from_json(members: &serde_json::Map<String, Json>) -> Result<Map, Fault> {
    members
        .iter()
        .map(|(name, json)| Ok((name, from_json(json)?)))
        .collect()
}

/// Writes a value as JSON.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(truth) => Json::Bool(*truth),
        Value::Number(number) => match number.as_integer() {
            Some(integer) => Json::from(integer),
            None => Json::from(number.get()),
        },
        Value::Text(text) => Json::String(text.to_string()),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => Json::Object(map_to_json(map)),
    }
}

/// Writes a map as a JSON object.
pub fn map_to_json(map: &Map) -> serde_json::Map<String, Json> {
    map.iter()
        .map(|(name, value)| (name.to_string(), to_json(value)))
        .collect()
}

/// The number as a double, if that is the same number.
fn exact(number: &Number) -> Result<f64, Fault> {
    let double = number.as_f64().filter(|double| double.is_finite());
    let kept = |double: &f64| double.fract() != 0.0 || double.abs() <= INTEGER_MAX;
    double.filter(kept).ok_or_else(|| {
        let message = format!("the number {number} cannot be kept exactly");
        Fault::new(Whose::Caller, "json-number-inexact", message)
            .hint("integers go up to 2^53 on both sides of zero; send a longer one as text")
    })
}

/// 2^53: up to here a double holds every integer.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let json: Json = serde_json::from_str(text).unwrap();
        let back = from_json(&json).map(|value| to_json(&value).to_string());
        let back = back.as_deref().map_err(|fault| &*fault.code);
        assert_eq!(back, expected, "{text}");
    }

    #[test]
    fn json_comes_back_as_it_went_in() {
        for text in [
            "null",
            "true",
            "1",
            "-2.5",
            "\"é\\u0000\"",
            "[]",
            "{}",
            "[1,[2]]",
        ] {
            check(text, Ok(text));
        }
        check(
            r#"{"b":1,"a":{"z":null,"y":[false]}}"#,
            Ok(r#"{"b":1,"a":{"z":null,"y":[false]}}"#),
        );
    }

    #[test]
    fn numbers_have_one_form() {
        check("1.0", Ok("1"));
        check("-0.0", Ok("0"));
        check("1e2", Ok("100"));
        check("9007199254740992", Ok("9007199254740992"));
    }

    #[test]
    fn what_a_double_cannot_hold_is_refused() {
        for text in [
            "9007199254740994",
            "-9007199254740994",
            "18446744073709551615",
            "1e300",
        ] {
            check(text, Err("json-number-inexact"));
        }
        check(
            r#"{"a":[123456789012345678901234567890]}"#,
            Err("json-number-inexact"),
        );
    }
}
