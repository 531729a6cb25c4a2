//! Reading only what is wanted.

use fjall::Snapshot;
use stratus_engine::journal::{Entry, Filter, Page, Wanted};
use stratus_event::{Fault, PenId, Timestamp};

use super::Journal;
use crate::{Tables, index::List};

/// Places of the journal and its index that one read looks at.
pub const STEPS_MAX: usize = 4_000;

/// A read under way.
struct Search<'a> {
    tables: &'a Tables,
    snapshot: Snapshot,
    lists: Vec<List>,
    newest_first: bool,
    /// The first and the last position that may be wanted.
    bounds: (u64, u64),
    steps: usize,
}

/// What a search comes to.
enum Sought {
    Found(u64),
    Nothing,
    /// The bound was reached; it goes on from here.
    Tired(u64),
}

impl Journal {
    /// The wanted entries of a PEN, as many as there are, or as [`Wanted::limit`] and
    /// [`STEPS_MAX`] allow.
    ///
    /// The order is that of the journal. A stretch of time is found by halving, so where the
    /// node's clock was set back, entries may be missed whose time fits and whose neighbours'
    /// does not.
    pub(super) fn search(&self, pen: PenId, wanted: &Wanted) -> Result<Page, Fault> {
        let filter = &wanted.filter;
        let Some(bounds) = self.bounds(pen, filter)? else {
            return Ok(nothing());
        };
        let mut lists = List::of(pen, filter);
        if lists.is_empty() {
            lists.push(List::all(pen));
        }
        let mut search = Search {
            tables: &self.tables,
            snapshot: self.tables.snapshot(),
            lists,
            newest_first: wanted.newest_first,
            bounds,
            steps: 0,
        };
        let mut page = Page::default();
        let mut from = search.begin(wanted.from);
        while let Some(position) = from.filter(|_| page.entries.len() < wanted.limit) {
            match search.seek(position)? {
                Sought::Found(position) => {
                    let entry = self.at(pen, position)?;
                    let fits =
                        |entry: &Entry| filter.matches(&entry.accepted, entry.outcome.as_ref());
                    page.entries.extend(entry.filter(fits));
                    page.next = Some(position);
                    from = search.beyond(position);
                }
                Sought::Nothing => {
                    page.complete = true;
                    return Ok(page);
                }
                Sought::Tired(position) => {
                    page.next = search.unseen(position);
                    return Ok(page);
                }
            }
        }
        page.complete = from.is_none();
        Ok(page)
    }

    /// The first and the last position between which the wanted entries lie; none if there is
    /// nothing.
    fn bounds(&self, pen: PenId, filter: &Filter) -> Result<Option<(u64, u64)>, Fault> {
        let ends = self
            .after(pen, None, 1)?
            .pop()
            .zip(self.before(pen, None, 1)?.pop());
        let Some((first, last)) = ends.map(|(first, last)| (first.position, last.position)) else {
            return Ok(None);
        };
        let low = match filter.since {
            Some(since) => self.halve(pen, (first, last), since)?,
            None => first,
        };
        let high = match filter.until {
            Some(until) => self.halve(pen, (first, last), until)?.checked_sub(1),
            None => Some(last),
        };
        Ok(high.filter(|high| low <= *high).map(|high| (low, high)))
    }

    /// The first position whose entry was accepted at that time or later, or the one after the
    /// last.
    fn halve(&self, pen: PenId, (first, last): (u64, u64), time: Timestamp) -> Result<u64, Fault> {
        let (mut low, mut high) = (first, last.saturating_add(1));
        while low < high {
            let middle = low + (high - low) / 2;
            let early = self
                .at(pen, middle)?
                .is_none_or(|entry| entry.accepted.at < time);
            if early {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}

impl Search<'_> {
    /// The first position to look at.
    fn begin(&self, from: Option<u64>) -> Option<u64> {
        let (low, high) = self.bounds;
        let begin = match (from, self.newest_first) {
            (None, false) => Some(low),
            (None, true) => Some(high),
            (Some(from), _) => self.beyond(from),
        };
        let begin = begin.map(|position| {
            if self.newest_first {
                position.min(high)
            } else {
                position.max(low)
            }
        });
        begin.filter(|position| (low..=high).contains(position))
    }

    /// The next position in the order of the search.
    fn beyond(&self, position: u64) -> Option<u64> {
        let next = if self.newest_first {
            position.checked_sub(1)
        } else {
            position.checked_add(1)
        };
        let (low, high) = self.bounds;
        next.filter(|next| {
            if self.newest_first {
                *next >= low
            } else {
                *next <= high
            }
        })
    }

    /// The one before it in the order of the search: from there it would go on.
    fn unseen(&self, position: u64) -> Option<u64> {
        if self.newest_first {
            position.checked_add(1)
        } else {
            position.checked_sub(1)
        }
    }

    /// The first position from there on that stands in all lists: each list in turn leaps to where
    /// the others are.
    fn seek(&mut self, from: u64) -> Result<Sought, Fault> {
        let (low, high) = self.bounds;
        let (mut position, mut agreed, mut turn) = (from, 0, 0);
        while agreed < self.lists.len() {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Ok(Sought::Tired(position));
            }
            let Some(list) = self.lists.get(turn % self.lists.len()) else {
                break;
            };
            let found = if self.newest_first {
                list.at_or_before(self.tables, &self.snapshot, position)?
            } else {
                list.at_or_after(self.tables, &self.snapshot, position)?
            };
            let Some(found) = found.filter(|found| (low..=high).contains(found)) else {
                return Ok(Sought::Nothing);
            };
            agreed = if found == position { agreed + 1 } else { 1 };
            position = found;
            turn += 1;
        }
        Ok(Sought::Found(position))
    }
}

fn nothing() -> Page {
    Page {
        complete: true,
        ..Page::default()
    }
}
