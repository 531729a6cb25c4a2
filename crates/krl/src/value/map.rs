//! Maps while a rule runs.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use stratus_event::{ENTRIES_INLINE_MAX, Map as DataMap};
use stratus_pen::language::Limits;

use super::Value;
use crate::{
    border,
    limit::{Failure, Meter},
};

/// Values by name, in insertion order.
pub(crate) type Entries = IndexMap<Arc<str>, Value>;

/// A map, with its depth known.
#[derive(Debug)]
pub(crate) struct Map {
    form: Form,
    depth: u32,
}

#[derive(Debug)]
enum Form {
    /// A large map of data, as it stands in a variable. An entry becomes a value when it is looked
    /// at; all of them do, once, when somebody looks at the map as a whole.
    Data(DataMap, OnceLock<Entries>),
    Values(Entries),
}

impl Map {
    /// Made by [`Meter::map`].
    pub(crate) fn of_values(entries: Entries, depth: u32) -> Self {
        let form = Form::Values(entries);
        Self { form, depth }
    }

    /// Made by [`Meter::shared`].
    pub(crate) fn of_data(data: DataMap, depth: u32) -> Self {
        let form = Form::Data(data, OnceLock::new());
        Self { form, depth }
    }

    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    pub(crate) fn len(&self) -> usize {
        match &self.form {
            Form::Data(data, _) => data.len(),
            Form::Values(entries) => entries.len(),
        }
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        match &self.form {
            Form::Data(data, _) => data.contains(key),
            Form::Values(entries) => entries.contains_key(key),
        }
    }

    /// The names in order.
    pub(crate) fn keys(&self) -> Vec<Value> {
        let key = |name: &Arc<str>| Value::Text(Arc::clone(name));
        match &self.form {
            Form::Data(data, _) => data.iter().map(|(name, _)| key(name)).collect(),
            Form::Values(entries) => entries.keys().map(key).collect(),
        }
    }

    /// The large map of data that it is, if it is one.
    pub(crate) fn data(&self) -> Option<&DataMap> {
        match &self.form {
            Form::Data(data, _) => Some(data),
            Form::Values(_) => None,
        }
    }

    /// The value of one entry.
    pub(crate) fn get(&self, meter: &mut Meter, key: &str) -> Result<Option<Value>, Failure> {
        match &self.form {
            Form::Data(data, _) => {
                let value = data.get(key).map(|value| border::from_data(meter, value));
                value.transpose()
            }
            Form::Values(entries) => Ok(entries.get(key).cloned()),
        }
    }

    /// The first entries, for a message: one of data that is too large for that is null.
    pub(crate) fn first(&self, count: usize) -> Vec<(Arc<str>, Value)> {
        match &self.form {
            Form::Data(data, _) => {
                let mut meter = Meter::new(MESSAGE);
                let mut value = |value| border::from_data(&mut meter, value).unwrap_or_default();
                let first = data.iter().take(count);
                first
                    .map(|(name, data)| (Arc::clone(name), value(data)))
                    .collect()
            }
            Form::Values(entries) => {
                let first = entries.iter().take(count);
                first
                    .map(|(name, value)| (Arc::clone(name), value.clone()))
                    .collect()
            }
        }
    }

    /// All entries.
    pub(crate) fn entries(&self, meter: &mut Meter) -> Result<&Entries, Failure> {
        match &self.form {
            Form::Data(data, known) => {
                if let Some(entries) = known.get() {
                    return Ok(entries);
                }
                let entries = border::entries_from_data(meter, data)?;
                Ok(known.get_or_init(|| entries))
            }
            Form::Values(entries) => Ok(entries),
        }
    }

    /// A copy with another value under a name.
    pub(crate) fn with(
        &self,
        meter: &mut Meter,
        key: Arc<str>,
        value: Value,
    ) -> Result<Value, Failure> {
        if self.len() >= ENTRIES_INLINE_MAX
            && border::is_data(meter, &value)?
            && let Some(mut data) = self.to_shared(meter)?
        {
            data.insert(&key, border::to_data(meter, &value)?);
            return border::map_from_data(meter, &data);
        }
        let entries = self.entries(meter)?;
        meter.spend_for(entries.len())?;
        let mut entries = entries.clone();
        entries.insert(key, value);
        meter.map(entries)
    }

    /// A copy without the entry of a name.
    pub(crate) fn without(&self, meter: &mut Meter, key: &str) -> Result<Value, Failure> {
        if let Form::Data(data, _) = &self.form {
            let mut data = data.clone();
            data.remove(key);
            return border::map_from_data(meter, &data);
        }
        let mut entries = self.entries(meter)?.clone();
        meter.spend_for(entries.len())?;
        entries.shift_remove(key);
        meter.map(entries)
    }

    /// A map whose copies share what is the same in them, if all that is in this one is data.
    fn to_shared(&self, meter: &mut Meter) -> Result<Option<DataMap>, Failure> {
        let entries = match &self.form {
            Form::Data(data, _) => return Ok(Some(data.clone())),
            Form::Values(entries) => entries,
        };
        for value in entries.values() {
            if !border::is_data(meter, value)? {
                return Ok(None);
            }
        }
        border::map_to_data(meter, self).map(Some)
    }
}

/// What it may take to show entries in a message.
const MESSAGE: Limits = Limits {
    fuel_max: 1_000,
    call_depth_max: 0,
    value_bytes_max: 64 << 10,
    wishes_max: 0,
};
