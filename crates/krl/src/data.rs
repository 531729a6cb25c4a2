//! Data as JSON text, in fixtures and where people read it.

use serde_json::Value as Json;
use stratus_event::{Map, Value};

/// Reads JSON; none if it is none, or is nested too deep to be data.
pub(crate) fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().map(|json| value(&json))
}

/// Data as JSON on one line, with a space after each comma and colon.
pub(crate) fn written(value: &Value) -> String {
    match value {
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(written).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let entries = map.iter();
            let entries =
                entries.map(|(name, value)| format!("{}: {}", text(name), written(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Text(words) => text(words),
        Value::Boolean(_) | Value::Null | Value::Number(_) => format!("{value:?}"),
    }
}

fn text(text: &str) -> String {
    Json::from(text).to_string()
}

/// The parser of JSON bounds how deep it goes, so this ends.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::from(*truth),
        Json::Number(number) => number.as_f64().map_or(Value::Null, Value::number),
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(value)),
        Json::Object(members) => {
            let members = members.iter().map(|(name, member)| (name, value(member)));
            Value::map(members.collect::<Map>())
        }
    }
}
