//! JSON, for `encode` and `decode`.

use serde_json::Value as Json;

use crate::{
    coerce::{number_text, text},
    limit::{Failure, Meter},
    value::{Entries, Value},
};

/// A value as JSON. With an indent, each element stands on a line of its own. What JSON has no
/// word for is written as its text.
pub(crate) fn encode(meter: &mut Meter, value: &Value, indent: usize) -> Result<String, Failure> {
    let mut writer = Writer {
        meter,
        out: String::new(),
        indent: indent.min(INDENT_MAX),
    };
    writer.value(value, 0)?;
    Ok(writer.out)
}

/// The value that a JSON text stands for; none if it is not JSON.
pub(crate) fn decode(meter: &mut Meter, source: &str) -> Result<Option<Value>, Failure> {
    meter.spend_for(source.len())?;
    meter.allocate(source.len() as u64)?;
    meter.allocate_slots(elements(source))?;
    match serde_json::from_str(source) {
        Ok(json) => from_json(meter, json).map(Some),
        Err(_) => Ok(None),
    }
}

/// Spaces per level, at most.
const INDENT_MAX: usize = 10;

/// How many elements a JSON text has at most: one for each comma and opening bracket outside of
/// strings.
fn elements(source: &str) -> usize {
    let (mut elements, mut in_string, mut escaped) = (1, false, false);
    for byte in source.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => elements += 1,
            _ => {}
        }
    }
    elements
}

struct Writer<'m> {
    meter: &'m mut Meter,
    out: String,
    indent: usize,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, level: usize) -> Result<(), Failure> {
        self.meter.spend(1)?;
        match value {
            Value::Null => self.push("null"),
            Value::Boolean(truth) => self.push(if *truth { "true" } else { "false" }),
            Value::Number(number) => self.push(&number_text(*number)),
            Value::List(list) => {
                let items = list.items.iter().map(|item| (None, item));
                self.elements('[', items, ']', level)
            }
            Value::Map(map) => {
                let entries = map.entries(self.meter)?.iter();
                let entries = entries.map(|(name, item)| (Some(&**name), item));
                self.elements('{', entries, '}', level)
            }
            other => self.quoted(&text(other)),
        }
    }

    fn elements<'v>(
        &mut self,
        open: char,
        elements: impl ExactSizeIterator<Item = (Option<&'v str>, &'v Value)>,
        close: char,
        level: usize,
    ) -> Result<(), Failure> {
        let is_empty = elements.len() == 0;
        self.push(open.encode_utf8(&mut [0; 4]))?;
        for (position, (name, value)) in elements.enumerate() {
            if position > 0 {
                self.push(",")?;
            }
            self.line(level + 1)?;
            if let Some(name) = name {
                self.quoted(name)?;
                self.push(if self.indent > 0 { ": " } else { ":" })?;
            }
            self.value(value, level + 1)?;
        }
        if !is_empty {
            self.line(level)?;
        }
        self.push(close.encode_utf8(&mut [0; 4]))
    }

    fn line(&mut self, level: usize) -> Result<(), Failure> {
        if self.indent == 0 {
            return Ok(());
        }
        self.push("\n")?;
        self.push(&" ".repeat(self.indent * level))
    }

    fn quoted(&mut self, text: &str) -> Result<(), Failure> {
        self.push(&Json::from(text).to_string())
    }

    fn push(&mut self, text: &str) -> Result<(), Failure> {
        self.meter.allocate(text.len() as u64)?;
        self.out.push_str(text);
        Ok(())
    }
}

fn from_json(meter: &mut Meter, json: Json) -> Result<Value, Failure> {
    meter.spend(1)?;
    match json {
        Json::Null => Ok(Value::Null),
        Json::Bool(truth) => Ok(Value::Boolean(truth)),
        Json::Number(number) => Ok(Value::number(number.as_f64().unwrap_or(f64::NAN))),
        Json::String(text) => meter.text(text),
        Json::Array(items) => {
            let items = items.into_iter().map(|item| from_json(meter, item));
            let items = items.collect::<Result<_, _>>()?;
            meter.list(items)
        }
        Json::Object(members) => {
            let mut entries = Entries::with_capacity(members.len());
            for (name, member) in members {
                entries.insert(name.into(), from_json(meter, member)?);
            }
            meter.map(entries)
        }
    }
}
