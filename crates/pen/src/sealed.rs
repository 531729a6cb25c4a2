//! Secrets of rulesets: a handle stands for each until a connector is asked.

use std::borrow::Cow;

use stratus_event::{Map, Name, Value};

use crate::{Seed, State, language::StateView as _};

impl Seed {
    /// The text that stands for a part of a key of a ruleset in that PEN. Its mark tells it from a
    /// text that only looks like it: who could write a handle into an event would have a secret
    /// sent to where she likes, by a ruleset that passes attributes on.
    pub fn handle(&self, rid: &Name, key: &str, part: usize) -> String {
        let mark = self.mark(rid, key, part);
        format!("{BEGIN}{rid} {key} {part} {mark}{END}")
    }

    /// Half of a keyed hash: 128 bits that nobody guesses who has not seen the handle.
    fn mark(&self, rid: &Name, key: &str, part: usize) -> String {
        let named = format!("{rid} {key} {part}");
        let secret = blake3::derive_key("stratus sealed handles v1", &self.0);
        let hash = blake3::keyed_hash(&secret, named.as_bytes()).to_hex();
        hash.chars().take(MARK_DIGITS).collect()
    }
}

impl State {
    /// What a connector is told: the secrets that the ruleset may have are in the place of their
    /// handles. Other handles, and texts that only look like one, stay as they are.
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
        if words.next()? != self.seed().mark(&owner, key, part) {
            return None;
        }
        let program = self.program(&owner)?;
        program.secret(reader, key, part).map(Cow::into_owned)
    }
}

const BEGIN: &str = "{{key ";
const END: &str = "}}";
const MARK_DIGITS: usize = 32;
