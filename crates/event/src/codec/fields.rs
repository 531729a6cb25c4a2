//! Maps with integers for keys: how messages, records and claims are written.

use super::{CodecError, Item};

/// Reads such a map field by field. A field that nobody asked for is an error at the end.
#[derive(Debug)]
pub struct Fields {
    what: &'static str,
    entries: Vec<(i64, Item)>,
}

impl Fields {
    /// Takes a map apart; `what` names it in errors, such as "a hello".
    pub fn new(item: Item, what: &'static str) -> Result<Self, CodecError> {
        let entries = item.into_map()?.into_iter();
        let entries = entries.map(|(key, item)| match key.as_integer() {
            Some(key) => Ok((key, item)),
            None => Err(CodecError::FieldUnknown { what }),
        });
        Ok(Self {
            what,
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// Takes out a field that must be there.
    pub fn required(&mut self, key: i64) -> Result<Item, CodecError> {
        self.optional(key).ok_or(CodecError::FieldMissing {
            what: self.what,
            key,
        })
    }

    /// Takes out a field that may be there.
    pub fn optional(&mut self, key: i64) -> Option<Item> {
        let index = self.entries.iter().position(|(at, _)| *at == key)?;
        Some(self.entries.remove(index).1)
    }

    /// Takes out a field that must be there, as what it should be.
    pub fn read<T>(&mut self, key: i64) -> Result<T, CodecError>
    where
        T: TryFrom<Item, Error: Into<CodecError>>,
    {
        T::try_from(self.required(key)?).map_err(Into::into)
    }

    /// Takes out a field that may be there, as what it should be.
    pub fn read_optional<T>(&mut self, key: i64) -> Result<Option<T>, CodecError>
    where
        T: TryFrom<Item, Error: Into<CodecError>>,
    {
        self.optional(key)
            .map(|item| T::try_from(item).map_err(Into::into))
            .transpose()
    }

    /// Takes out a list that must be there, each of its items as what it should be.
    pub fn read_list<T>(&mut self, key: i64) -> Result<Vec<T>, CodecError>
    where
        T: TryFrom<Item, Error: Into<CodecError>>,
    {
        self.required(key)?.read_list()
    }

    /// Checks that no field is left.
    pub fn finish(self) -> Result<(), CodecError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        Err(CodecError::FieldUnknown { what: self.what })
    }
}

/// Builds such a map: `Record::new().with(1, name).with_some(2, cause).into()`.
#[derive(Clone, Debug, Default)]
pub struct Record(Vec<(Item, Item)>);

impl Record {
    /// A map without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field; each key may be used once.
    #[must_use]
    pub fn with(mut self, key: i64, value: impl Into<Item>) -> Self {
        self.0.push((key.into(), value.into()));
        self
    }

    /// Adds a field if there is a value, else leaves it out.
    #[must_use]
    pub fn with_some(self, key: i64, value: Option<impl Into<Item>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds a list.
    #[must_use]
    pub fn with_list<T: Into<Item>>(self, key: i64, items: impl IntoIterator<Item = T>) -> Self {
        self.with(key, Item::list(items))
    }
}

impl From<Record> for Item {
    fn from(record: Record) -> Self {
        Self::Map(record.0)
    }
}
