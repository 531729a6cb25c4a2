//! The node's data as a whole: backups, and how long journals are kept.

use std::{io::Write, time::Duration};

use stratus_api::{Dropped, Keeper, Kept};
use stratus_event::{Fault, PenId};
use stratus_store::Keep;

use crate::{
    config::Configuration, data::DataDirectory, exit::Failure, render::now, runtime::JournalView,
};

/// Keeps the data of a node that runs.
#[derive(Clone)]
pub(crate) struct Keeping {
    data: DataDirectory,
    journal: JournalView,
    /// How much of every journal is kept.
    days_max: Option<u32>,
    bytes_max: Option<u64>,
}

impl Keeping {
    pub(crate) fn new(
        data: &DataDirectory,
        journal: &JournalView,
        configuration: &Configuration,
    ) -> Self {
        Self {
            data: data.clone(),
            journal: journal.clone(),
            days_max: configuration.journal_days_max,
            bytes_max: configuration.journal_bytes_max,
        }
    }

    /// Trims all journals now and then, if the owner wants them bounded.
    pub(crate) async fn trim_for_ever(self) {
        if self.days_max.is_none() && self.bytes_max.is_none() {
            return;
        }
        let mut pauses = tokio::time::interval(TRIM_PAUSE);
        loop {
            pauses.tick().await;
            let keeping = self.clone();
            let trimming = tokio::task::spawn_blocking(move || keeping.trim_all());
            match trimming.await {
                Ok(Ok(0)) => {}
                Ok(Ok(entries)) => tracing::info!("{entries} old entries of journals were dropped"),
                Ok(Err(fault)) => tracing::warn!("journals were not trimmed: {fault}"),
                Err(error) => tracing::warn!("journals were not trimmed: {error}"),
            }
        }
    }

    fn trim_all(&self) -> Result<u64, Fault> {
        let days = |days: u32| Duration::from_secs(u64::from(days) * DAY_S);
        let keep = Keep {
            since: self.days_max.map(|count| now() - days(count)),
            bytes_max: self.bytes_max,
        };
        Ok(self.journal.open()?.trim_all(&keep)?.entries)
    }
}

impl Keeper for Keeping {
    fn backup(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let beside = self.data.beside().map_err(Failure::into_fault)?;
        let backup = self.journal.open()?.backup();
        backup.write(now(), &beside, out).map(drop)
    }

    fn trim(&self, pen: PenId, kept: Kept) -> Result<Dropped, Fault> {
        let Kept { since, bytes_max } = kept;
        let keep = Keep { since, bytes_max };
        let trimmed = self.journal.open()?.trim(pen, &keep)?;
        Ok(Dropped {
            entries: trimmed.entries,
            bytes: trimmed.bytes,
        })
    }
}

const DAY_S: u64 = 24 * 60 * 60;

/// How often journals are trimmed; first at a start.
const TRIM_PAUSE: Duration = Duration::from_hours(1);
