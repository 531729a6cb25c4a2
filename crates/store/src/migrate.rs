//! Older formats.
//!
//! A store in an older format is brought to the next one step by step when it is opened. A step
//! looks at every record of some keyspaces and says what is to be written or removed for it; it
//! depends on nothing else, so one that was broken off is done again from its beginning. Only when
//! all of it is durable does the store say that it is in the next format.

use fjall::{PersistMode, Readable};
use stratus_event::Fault;

use crate::{Tables, fault, index, key::Space, register};

/// From a format to the next.
struct Step {
    /// The format that it leaves.
    from: u64,
    /// The keyspaces that it looks at.
    spaces: &'static [Space],
    /// What is to be done about a record: keyspace, key and bytes.
    change: fn(Space, &[u8], &[u8]) -> Vec<Change>,
}

/// What is written under a key; none removes it.
type Change = (Space, Vec<u8>, Option<Vec<u8>>);

/// Brings the store to the format of this code.
pub(crate) fn run(tables: &Tables) -> Result<(), Fault> {
    let steps = STEPS.iter();
    for step in steps.filter(|step| step.from >= tables.directory.format()) {
        tracing::info!("bringing the store from format {} to the next", step.from);
        step.run(tables)?;
        let written = tables.directory.write_format(step.from + 1);
        written.map_err(|error| fault::unusable(tables.directory.path(), &error))?;
    }
    Ok(())
}

impl Step {
    fn run(&self, tables: &Tables) -> Result<(), Fault> {
        let snapshot = tables.snapshot();
        for space in self.spaces {
            let mut changes = Vec::new();
            for pair in snapshot.iter(tables.keyspace(*space)) {
                let (key, bytes) = pair
                    .into_inner()
                    .map_err(|error| fault::unreadable(&error))?;
                changes.extend((self.change)(*space, &key, &bytes));
                if changes.len() >= CHANGES_MAX {
                    write(tables, std::mem::take(&mut changes))?;
                }
            }
            write(tables, changes)?;
        }
        let synced = tables.database.persist(PersistMode::SyncAll);
        synced.map_err(|error| fault::write_failed(&error))
    }
}

fn write(tables: &Tables, changes: Vec<Change>) -> Result<(), Fault> {
    let mut batch = tables.database.batch();
    for (space, key, bytes) in changes {
        match bytes {
            Some(bytes) => batch.insert(tables.keyspace(space), key, bytes),
            None => batch.remove(tables.keyspace(space), key),
        }
    }
    batch.commit().map_err(|error| fault::write_failed(&error))
}

/// The first stores had a journal without an index, and no register.
fn derive(space: Space, key: &[u8], bytes: &[u8]) -> Vec<Change> {
    let derived = derived(space, key, bytes).into_iter();
    derived
        .map(|(space, key, bytes)| (space, key, Some(bytes)))
        .collect()
}

/// What is made of a record: keyspace, key and bytes. What is damaged is told of when it is read.
pub(crate) fn derived(space: Space, place: &[u8], bytes: &[u8]) -> Vec<(Space, Vec<u8>, Vec<u8>)> {
    match space {
        Space::Journal => {
            let keys = index::of_bytes(place, bytes).into_iter();
            keys.map(|key| (Space::Index, key, Vec::new())).collect()
        }
        Space::State => {
            let entry = register::of_bytes(place, bytes).into_iter();
            let entry = entry.map(|(key, bytes)| (Space::Register, key, bytes));
            entry.collect()
        }
        _ => Vec::new(),
    }
}

/// In their order, one from each format to the next.
const STEPS: &[Step] = &[Step {
    from: 1,
    spaces: &[Space::Journal, Space::State],
    change: derive,
}];

/// Changes that are written at a time.
const CHANGES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::FORMAT;

    #[test]
    fn there_is_a_step_from_every_older_format() {
        let from: Vec<_> = STEPS.iter().map(|step| step.from).collect();
        assert_eq!(from, (1..FORMAT).collect::<Vec<_>>());
    }
}
