//! Secrets of rulesets: a handle stands for each until a connector is asked.

use std::borrow::Cow;

use stratus_event::{Map, Name, Value};

use crate::{State, language::StateView as _};

/// The text that stands for a part of a key of a ruleset.
pub fn handle(rid: &Name, key: &str, part: usize) -> String {
    format!("{BEGIN}{rid} {key} {part}{END}")
}

impl State {
    /// What a connector is told: the secrets that the ruleset may have are in the place of their
    /// handles. Other handles stay as they are.
    pub fn unsealed(&self, reader: &Name, arguments: &Map) -> Map {
        let entries = arguments.iter();
        entries
            .map(|(name, value)| (name.clone(), self.unsealed_value(reader, value)))
            .collect()
    }

    fn unsealed_value(&self, reader: &Name, value: &Value) -> Value {
        match value {
            Value::List(items) => {
                let items = items.iter();
                Value::list(items.map(|item| self.unsealed_value(reader, item)))
            }
            Value::Map(map) => Value::map(self.unsealed(reader, map)),
            Value::Text(text) if text.contains(BEGIN) => {
                Value::text(self.unsealed_text(reader, text))
            }
            other => other.clone(),
        }
    }

    fn unsealed_text(&self, reader: &Name, text: &str) -> String {
        let mut pieces = text.split(BEGIN);
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let secret = piece.split_once(END).and_then(|(handle, rest)| {
                let secret = self.secret(reader, handle)?;
                Some(secret + rest)
            });
            match secret {
                Some(secret) => out.push_str(&secret),
                None => out.push_str(&(BEGIN.to_owned() + piece)),
            }
        }
        out
    }

    fn secret(&self, reader: &Name, handle: &str) -> Option<String> {
        let mut words = handle.split(' ');
        let owner = Name::new(words.next()?).ok()?;
        let (key, part) = (words.next()?, words.next()?.parse().ok()?);
        let program = self.program(&owner)?;
        program.secret(reader, key, part).map(Cow::into_owned)
    }
}

const BEGIN: &str = "{{key ";
const END: &str = "}}";
