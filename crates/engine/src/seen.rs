//! The ids that senders gave their events, so that none is taken twice.

use std::collections::BTreeMap;

use stratus_event::EventId;
use stratus_pen::language::Directive;

use crate::{Record, Reply, Wait};

/// The ids that came by one channel, oldest out.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    by_id: BTreeMap<String, u64>,
    by_position: BTreeMap<u64, First>,
}

/// What the first event of an id came to.
#[derive(Clone, Debug)]
pub(crate) struct First {
    pub(crate) position: u64,
    pub(crate) event: EventId,
    pub(crate) directives: Vec<Directive>,
    pub(crate) external_id: String,
}

impl Seen {
    /// Remembers an event's id; gives the ids back that are forgotten for it.
    pub(crate) fn remember(&mut self, first: First, ids_max: usize) -> Vec<String> {
        self.by_id.insert(first.external_id.clone(), first.position);
        self.by_position.insert(first.position, first);
        let mut forgotten = Vec::new();
        while self.by_position.len() > ids_max.max(1) {
            forgotten.extend(
                self.by_position
                    .pop_first()
                    .map(|(_, first)| first.external_id),
            );
        }
        for id in &forgotten {
            self.by_id.remove(id);
        }
        forgotten
    }

    /// Adds what the rules answered to the event at that place, if its id is still remembered.
    pub(crate) fn answered(&mut self, position: u64, directives: &[Directive]) -> Option<&First> {
        let first = self.by_position.get_mut(&position)?;
        first.directives = directives.to_vec();
        Some(first)
    }

    /// All ids that are remembered.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    pub(crate) fn get(&self, external_id: &str) -> Option<&First> {
        self.by_position.get(self.by_id.get(external_id)?)
    }
}

impl First {
    pub(crate) fn record(&self) -> Record {
        Record::Seen {
            position: self.position,
            event: self.event,
            directives: self.directives.clone(),
        }
    }

    /// What a repetition is answered.
    pub(crate) fn reply(&self, wait: Wait) -> Reply {
        let directives = match wait {
            Wait::Accepted => Vec::new(),
            Wait::Outcome => self.directives.clone(),
        };
        let (event, position) = (self.event, self.position);
        Reply::Raised {
            event,
            position,
            directives,
            duplicate: true,
        }
    }
}
