//! The journal: pages, a long poll for what is new, and a stream of it.

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, Uri, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use stratus_engine::journal::{Entry, Filter, Page, Wanted};
use stratus_event::{EventId, Fault, PenId, Timestamp, Whose};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::Instant,
};
use utoipa::IntoParams;

use super::{Answer, cloud_event::BATCH};
use crate::{
    Archive, Dropped, Kept, LONG_POLLS_MAX, Site,
    input::{Asked, Body, eci, id, malformed, name},
    limit::too_many,
    login::Owner,
    openapi::{Routes, about},
    problem::Refusal,
    shape,
};

/// How many entries one answer has at most. More are cut off; ask again after the last.
pub const JOURNAL_ENTRIES_MAX: usize = 500;

/// The longest wait for news. A longer one is cut to it.
pub const JOURNAL_WAIT_MS_MAX: u64 = 25_000;

/// The journal's routes, with a turnstile of its own for those who wait.
pub(super) fn routes() -> Routes {
    let waiting = Arc::new(Semaphore::new(LONG_POLLS_MAX));
    let page = about("A page of the journal").asks::<Question>();
    let stream = about("The journal as it goes on").asks::<Question>();
    let trimming = about("Drop the beginning of the journal").takes::<shape::Trim>();
    Routes::new()
        .get("/journal", journal, page.answers::<shape::Journal>())
        .get(
            "/journal/stream",
            follow,
            stream.answers_as("text/event-stream"),
        )
        .post("/journal/trim", trim, trimming.answers::<shape::Trimmed>())
        .within(|router| router.layer(Extension(waiting)))
}

/// What is asked of the journal.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Only entries after this position; from the first if it is not said.
    after: Option<u64>,
    /// Only entries before this position, the newest first.
    before: Option<u64>,
    /// The newest first, from the last on.
    #[serde(default)]
    newest_first: bool,
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
    /// As `CloudEvents`; the header `Accept` may say it too.
    #[serde(default)]
    cloudevents: bool,
    /// Accepted at that time or later.
    since: Option<String>,
    /// Accepted before that time.
    until: Option<String>,
    /// The event, or one raised while it was handled, has that domain.
    domain: Option<String>,
    /// And that type.
    r#type: Option<String>,
    /// It came by that channel.
    channel: Option<String>,
    /// A rule of that ruleset ran.
    ruleset: Option<String>,
    /// That event is its cause.
    cause: Option<String>,
}

async fn journal(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Extension(waiting): Extension<Arc<Semaphore>>,
    OriginalUri(address): OriginalUri,
    headers: HeaderMap,
    Asked(question): Asked<Question>,
) -> Result<Response, Refusal> {
    let _permit = match question.wait_ms {
        0 => None,
        _ => Some(waiting.try_acquire().map_err(|_| too_many())?),
    };
    let wanted = question.wanted()?;
    let page = news((&site, owner.pen), &wanted, &question).await?;
    if Form::wanted(&headers, &question) == Form::CloudEvents {
        return Ok(batch(owner.pen, &page, (&address, &wanted)));
    }
    let journal = shape::Journal {
        next: page.next.or(wanted.from),
        complete: page.complete,
        entries: shaped(page),
    };
    Ok(Json(journal).into_response())
}

/// Server-sent events: each wanted entry once its rules are done, its position as the id. Goes on
/// after `after`, or after the `Last-Event-ID` of one who was cut off.
async fn follow(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Extension(waiting): Extension<Arc<Semaphore>>,
    headers: HeaderMap,
    Asked(question): Asked<Question>,
) -> Result<Response, Refusal> {
    let permit = waiting.try_acquire_owned().map_err(|_| too_many())?;
    let mut wanted = question.wanted()?;
    if wanted.newest_first {
        return Err(malformed("a stream has no end to begin from".to_owned()).into());
    }
    if let Some(last) = headers.get("last-event-id") {
        let last = last.to_str().ok().and_then(|text| text.parse().ok());
        let no_position = || malformed("Last-Event-ID is no journal position".to_owned());
        wanted.from = Some(last.ok_or_else(no_position)?);
    }
    let follower = Follower {
        form: Form::wanted(&headers, &question),
        moved: site.journal_moved.clone(),
        site,
        pen: owner.pen,
        wanted,
        _permit: permit,
    };
    let stream = Sse::new(follower.entries()).keep_alive(KeepAlive::new().interval(STREAM_PAUSE));
    Ok(stream.into_response())
}

/// Drops the beginning of the journal.
async fn trim(
    State(site): State<Arc<Site>>,
    owner: Owner,
    Body(wanted): Body<shape::Trim>,
) -> Answer<shape::Trimmed> {
    let kept = Kept {
        since: time(wanted.since.as_deref())?,
        bytes_max: wanted.bytes_max,
    };
    if kept == Kept::default() {
        return Err(malformed("say what is kept: since or bytes_max".to_owned()).into());
    }
    let trimming = tokio::task::spawn_blocking(move || site.keeper.trim(owner.pen, kept));
    let Dropped { entries, bytes } = trimming.await.map_err(|e| unread(&e))??;
    Ok(Json(shape::Trimmed { entries, bytes }))
}

/// One who follows the journal.
struct Follower {
    site: Arc<Site>,
    pen: PenId,
    form: Form,
    wanted: Wanted,
    moved: watch::Receiver<u64>,
    _permit: OwnedSemaphorePermit,
}

type Sent = Result<Event, Infallible>;

impl Follower {
    fn entries(self) -> Pin<Box<dyn Stream<Item = Sent> + Send>> {
        let pages = stream::unfold(Some(self), |follower| async {
            let mut follower = follower?;
            match follower.page().await {
                Ok(Some(page)) => Some((follower.sent(page), Some(follower))),
                Ok(None) => None,
                Err(fault) => Some((vec![Ok(failed(&fault))], None)),
            }
        });
        Box::pin(pages.flat_map(stream::iter))
    }

    fn sent(&self, page: Page) -> Vec<Sent> {
        let sent = |entry: Entry| {
            let event = Event::default().id(entry.position.to_string());
            let event = match self.form {
                Form::CloudEvents => {
                    let told = shape::CloudEvent::new(self.pen, &entry);
                    event.event("cloudevent").json_data(told)
                }
                Form::Entries => {
                    let told = shape::JournalEntry::new(entry);
                    event.event("entry").json_data(told)
                }
            };
            Ok(event.unwrap_or_else(|_| Event::default().event("unreadable")))
        };
        page.entries.into_iter().map(sent).collect()
    }

    /// What comes next; none when the node stops.
    async fn page(&mut self) -> Result<Option<Page>, Fault> {
        loop {
            self.moved.mark_unchanged();
            let page = settled(read(&self.site, self.pen, &self.wanted).await?);
            self.wanted.from = page.next.or(self.wanted.from);
            if !page.entries.is_empty() {
                return Ok(Some(page));
            }
            if page.complete && self.moved.changed().await.is_err() {
                return Ok(None);
            }
        }
    }
}

/// In which form entries are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    CloudEvents,
    Entries,
}

impl Form {
    /// By `Accept`, or by the address, since a browser's stream of events has no `Accept` to set.
    fn wanted(headers: &HeaderMap, question: &Question) -> Self {
        let accepted = headers.get(header::ACCEPT);
        let accepted = accepted.and_then(|accepted| accepted.to_str().ok());
        let accepts = accepted.is_some_and(|accepted| accepted.contains("application/cloudevents"));
        if accepts || question.cloudevents {
            Self::CloudEvents
        } else {
            Self::Entries
        }
    }
}

/// Entries as a batch of `CloudEvents`, which has no room for where to go on: a header has.
fn batch(pen: PenId, page: &Page, (address, wanted): (&Uri, &Wanted)) -> Response {
    let events = page.entries.iter();
    let events: Vec<_> = events
        .map(|entry| shape::CloudEvent::new(pen, entry))
        .collect();
    let kind = HeaderValue::from_static(BATCH);
    let mut response = Json(events).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    let next = page.next.filter(|_| !page.complete);
    let link = next.and_then(|next| HeaderValue::try_from(link(address, wanted, next)).ok());
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// The address of the next page (RFC 8288): the same with another position.
fn link(address: &Uri, wanted: &Wanted, next: u64) -> String {
    let position = if wanted.newest_first {
        "before"
    } else {
        "after"
    };
    let asked = address.query().unwrap_or_default().split('&');
    let is_position = |part: &&str| part.starts_with(&format!("{position}="));
    let kept = asked.filter(|part| !part.is_empty() && !is_position(part));
    let all: Vec<_> = kept
        .map(ToOwned::to_owned)
        .chain([format!("{position}={next}")])
        .collect();
    format!("<{}?{}>; rel=\"next\"", address.path(), all.join("&"))
}

impl Question {
    fn wanted(&self) -> Result<Wanted, Fault> {
        if self.r#type.is_some() && self.domain.is_none() {
            return Err(malformed(
                "a type is looked for only within a domain".to_owned(),
            ));
        }
        let text = |text: &Option<String>| text.as_deref().map(name).transpose();
        let newest_first = self.newest_first || self.before.is_some();
        let filter = Filter {
            since: time(self.since.as_deref())?,
            until: time(self.until.as_deref())?,
            domain: text(&self.domain)?,
            kind: text(&self.r#type)?,
            channel: self.channel.as_deref().map(eci).transpose()?,
            ruleset: text(&self.ruleset)?,
            cause: self.cause.as_deref().map(id).transpose()?.map(EventId),
        };
        Ok(Wanted {
            filter,
            from: if newest_first {
                self.before
            } else {
                self.after
            },
            newest_first,
            limit: self.limit.clamp(1, JOURNAL_ENTRIES_MAX),
        })
    }
}

/// Reads until there is something or the wait is over.
async fn news(
    (site, pen): (&Arc<Site>, PenId),
    wanted: &Wanted,
    question: &Question,
) -> Result<Page, Fault> {
    let until = Instant::now() + Duration::from_millis(question.wait_ms.min(JOURNAL_WAIT_MS_MAX));
    let mut moved = site.journal_moved.clone();
    loop {
        // Seen before the read, so that what comes after the read wakes us.
        moved.mark_unchanged();
        let mut page = read(site, pen, wanted).await?;
        if question.settled {
            page = settled(page);
        }
        if !page.entries.is_empty() || !page.complete {
            return Ok(page);
        }
        match tokio::time::timeout_at(until, moved.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Ok(page),
        }
    }
}

/// The page up to the first entry without an outcome.
fn settled(mut page: Page) -> Page {
    let open = page
        .entries
        .iter()
        .position(|entry| entry.outcome.is_none());
    if let Some(open) = open {
        page.entries.truncate(open);
        page.next = page.entries.last().map(|entry| entry.position);
        page.complete = true;
    }
    page
}

async fn read(site: &Arc<Site>, pen: PenId, wanted: &Wanted) -> Result<Page, Fault> {
    let wanted = wanted.clone();
    reading(site, pen, move |archive, pen| {
        archive.journal().read(pen, &wanted)
    })
    .await
}

/// Reads on a thread that may wait for the disk.
pub(super) async fn reading<T: Send + 'static>(
    site: &Arc<Site>,
    pen: PenId,
    read: impl FnOnce(&Archive, PenId) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let site = Arc::clone(site);
    let reading = tokio::task::spawn_blocking(move || read(&site.journal, pen));
    reading.await.map_err(|e| unread(&e))?
}

fn time(text: Option<&str>) -> Result<Option<Timestamp>, Fault> {
    let read = |text: &str| {
        text.parse().map_err(|error| {
            Fault::new(
                Whose::Caller,
                "time-malformed",
                format!("{text:?}: {error}"),
            )
        })
    };
    text.map(read).transpose()
}

fn shaped(page: Page) -> Vec<shape::JournalEntry> {
    let entries = page.entries.into_iter();
    entries.map(shape::JournalEntry::new).collect()
}

/// The last word of a stream that cannot go on.
fn failed(fault: &Fault) -> Event {
    let told = fault.to_string().replace(['\n', '\r'], " ");
    Event::default().event("failed").data(told)
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

/// How often a stream without news shows that it lives.
const STREAM_PAUSE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_that_falls_over_is_a_bug() {
        let reading = tokio::task::spawn_blocking(|| panic!("on purpose"));
        assert_eq!(unread(&reading.await.unwrap_err()).code, "journal-unread");
    }
}
