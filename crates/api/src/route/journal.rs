//! The journal, with a long poll for what is new.

use std::{sync::Arc, time::Duration};

use axum::{Extension, Json, Router, extract::State, routing::get};
use serde::Deserialize;
use stratus_event::{Fault, Whose};
use tokio::{sync::Semaphore, time::Instant};

use super::Answer;
use crate::{JournalEntry, LONG_POLLS_MAX, Site, input::Asked, limit::too_many, shape};

/// How many entries one answer has at most. More are cut off; ask again after the last.
pub const JOURNAL_ENTRIES_MAX: usize = 500;

/// The longest wait for news. A longer one is cut to it.
pub const JOURNAL_WAIT_MS_MAX: u64 = 25_000;

/// The journal's route, with a turnstile of its own for those who wait.
pub(super) fn routes() -> Router<Arc<Site>> {
    let waiting = Arc::new(Semaphore::new(LONG_POLLS_MAX));
    Router::new()
        .route("/journal", get(journal))
        .layer(Extension(waiting))
}

/// What is asked of the journal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Only entries after this position; from the first if it is not said.
    after: Option<u64>,
    /// At most so many.
    #[serde(default = "a_page")]
    limit: usize,
    /// Without news, wait so long for some.
    #[serde(default)]
    wait_ms: u64,
    /// Only entries that have an outcome, up to the first that has none. Who follows the journal
    /// sees every entry once, and whole.
    #[serde(default)]
    settled: bool,
}

async fn journal(
    State(site): State<Arc<Site>>,
    Extension(waiting): Extension<Arc<Semaphore>>,
    Asked(wanted): Asked<Wanted>,
) -> Answer<shape::Journal> {
    let _permit = match wanted.wait_ms {
        0 => None,
        _ => Some(waiting.try_acquire().map_err(|_| too_many())?),
    };
    let entries = news(&site, &wanted).await?;
    let next = entries
        .last()
        .map(|(position, _, _)| *position)
        .or(wanted.after);
    let entries = entries.into_iter().map(shape::JournalEntry::new).collect();
    Ok(Json(shape::Journal { entries, next }))
}

/// Reads until there is something or the wait is over.
async fn news(site: &Arc<Site>, wanted: &Wanted) -> Result<Vec<JournalEntry>, Fault> {
    let until = Instant::now() + Duration::from_millis(wanted.wait_ms.min(JOURNAL_WAIT_MS_MAX));
    let mut moved = site.journal_moved.clone();
    loop {
        // Seen before the read, so that what comes after the read wakes us.
        moved.mark_unchanged();
        let entries = read(site, wanted).await?;
        if !entries.is_empty() {
            return Ok(entries);
        }
        match tokio::time::timeout_at(until, moved.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Ok(entries),
        }
    }
}

/// Reads on a thread that may wait for the disk.
async fn read(site: &Arc<Site>, wanted: &Wanted) -> Result<Vec<JournalEntry>, Fault> {
    let (site, after) = (Arc::clone(site), wanted.after);
    let limit = wanted.limit.clamp(1, JOURNAL_ENTRIES_MAX);
    let reading = tokio::task::spawn_blocking(move || (site.journal)(site.pen, after, limit));
    let mut entries = reading.await.map_err(|e| unread(&e))??;
    if wanted.settled {
        let settled = entries
            .iter()
            .take_while(|(_, _, outcome)| outcome.is_some())
            .count();
        entries.truncate(settled);
    }
    Ok(entries)
}

fn unread(error: &tokio::task::JoinError) -> Fault {
    Fault::new(
        Whose::Bug,
        "journal-unread",
        format!("reading the journal went wrong: {error}"),
    )
}

fn a_page() -> usize {
    100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_that_falls_over_is_a_bug() {
        let reading = tokio::task::spawn_blocking(|| panic!("on purpose"));
        assert_eq!(unread(&reading.await.unwrap_err()).code, "journal-unread");
    }
}
