//! What an event expression has bound so far.

use std::{collections::BTreeMap, sync::Arc};

use stratus_event::{Name, Value};

/// Variables bound by `setting`, by name. A variable of a branch that did not match is absent.
pub type Bindings = BTreeMap<Name, Value>;

/// The same as it is kept in a partial match, of which there may be a million: small, and shared
/// by the partial matches that come of one another.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bound(Option<Arc<[(Name, Value)]>>);

impl Bound {
    /// These bindings and later ones, which hide those of the same name.
    pub(crate) fn and(&self, later: &Self) -> Self {
        match (&self.0, &later.0) {
            (_, None) => self.clone(),
            (None, _) => later.clone(),
            _ => self.iter().chain(later.iter()).cloned().collect(),
        }
    }

    /// The bindings in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Name, Value)> {
        self.0.iter().flat_map(|entries| entries.iter())
    }

    /// The value of a variable.
    pub(crate) fn value(&self, name: &Name) -> Option<&Value> {
        self.iter()
            .find(|(bound, _)| bound == name)
            .map(|(_, value)| value)
    }

    /// The bindings as others see them.
    pub(crate) fn bindings(&self) -> Bindings {
        self.iter().cloned().collect()
    }
}

impl FromIterator<(Name, Value)> for Bound {
    /// Of several values of one name the last one counts.
    fn from_iter<I: IntoIterator<Item = (Name, Value)>>(entries: I) -> Self {
        let mut kept: Vec<(Name, Value)> = Vec::new();
        for (name, value) in entries {
            match kept.binary_search_by(|(other, _)| other.cmp(&name)) {
                Ok(place) => {
                    if let Some(entry) = kept.get_mut(place) {
                        entry.1 = value;
                    }
                }
                Err(place) => kept.insert(place, (name, value)),
            }
        }
        Self((!kept.is_empty()).then(|| kept.into()))
    }
}
