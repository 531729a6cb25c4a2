//! Reading a journal of a million events: what is wanted of it, and why.

mod filling;

use std::{sync::Arc, time::Instant};

use stratus_api::{Archive, why};
use stratus_engine::journal::{Filter, Wanted};
use stratus_event::{Fault, Timestamp};
use stratus_store::Store;

use crate::{figure::Figure, meter};
use filling::{EVENTS, PEN, SECOND_MS};

/// A page as the API reads it if nothing is said.
const PAGE: usize = 100;

/// What may be asked of either: milliseconds of CPU and of the clock, whichever is more.
const MS_MAX: f64 = 50.0;

/// Measures it. The longest of all questions counts, each asked for the first time and again.
pub(crate) fn measure(tell: &mut impl FnMut(Figure)) -> Result<(), Fault> {
    let folder = tempfile::tempdir().map_err(|error| filling::broken(&error))?;
    let mut store = Store::open(folder.path())?;
    let filled = Took::of(|| filling::fill(&mut store))?;
    tell(Figure::new(
        "journal_fill_wall_s",
        filled.wall_ms / 1000.0,
        "s",
    ));
    drop(store);
    // As after a start: nothing of the journal is in memory.
    let opened = Took::of(|| Store::open(folder.path()))?;
    tell(Figure::new("journal_open_wall_ms", opened.wall_ms, "ms"));
    let store = opened.done;
    let past = Archive::new(Arc::new(store.journal()), Arc::new(stratus_krl::Krl));
    let reads = reads(&past)?;
    tell(Figure::new("filtered_read_ms", reads.1, "ms").at_most(MS_MAX));
    tell(Figure::new("filtered_read_cpu_ms", reads.0, "ms"));
    let whys = whys(&past)?;
    tell(Figure::new("why_ms", whys.1, "ms").at_most(MS_MAX));
    tell(Figure::new("why_cpu_ms", whys.0, "ms"));
    Ok(())
}

/// The longest filtered read: CPU and wall, in milliseconds.
fn reads(past: &Archive) -> Result<(f64, f64), Fault> {
    let mut longest = (0.0, 0.0);
    for filter in FILTERS.map(filter) {
        for (from, newest_first) in [(None, false), (Some(EVENTS / 2), false), (None, true)] {
            let wanted = Wanted {
                filter: filter.clone(),
                from,
                newest_first,
                limit: PAGE,
            };
            for _ in 0..2 {
                let took = Took::of(|| past.journal().read(PEN, &wanted))?;
                longest = took.longer(longest);
            }
        }
    }
    Ok(longest)
}

/// Every single filter, and some together: often met, rarely, and never.
const FILTERS: [&str; 12] = [
    "",
    "domain=d3",
    "domain=d3 type=k7",
    "domain=rare",
    "domain=absent",
    "channel=5",
    "ruleset=r9",
    "cause=777777",
    "since_day=5 until_day=6",
    "since_day=9 domain=d1 channel=1",
    // Even numbers against odd ones: each list leaps over one entry of the other.
    "domain=d2 channel=1",
    "ruleset=r1 domain=rare",
];

fn filter(text: &str) -> Filter {
    let mut filter = Filter::default();
    let parts = text.split_whitespace();
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        let number: u32 = value.parse().unwrap_or_default();
        let day = Some(Timestamp(i64::from(number) * 86_400 * SECOND_MS));
        match key {
            "since_day" => filter.since = day,
            "until_day" => filter.until = day,
            "domain" => filter.domain = filling::name(value),
            "type" => filter.kind = filling::name(value),
            "channel" => filter.channel = u8::try_from(number).ok().map(filling::channel),
            "ruleset" => filter.ruleset = filling::name(value),
            _ => filter.cause = Some(filling::id(u64::from(number))),
        }
    }
    filter
}

/// The longest answer to why, of an event and of a rule.
fn whys(past: &Archive) -> Result<(f64, f64), Fault> {
    let mut longest = (0.0, 0.0);
    for number in [0, 1, 499_999, 777_777, EVENTS - 1] {
        let id = filling::id(number).to_string();
        for event in [id.as_str(), &id[..20], "last"] {
            for rule in [None, Some("r9/fires"), Some("waits")] {
                let took = Took::of(|| why(past, PEN, event, rule))?;
                longest = took.longer(longest);
            }
        }
    }
    Ok(longest)
}

/// What something took, and what came of it.
struct Took<T> {
    cpu_ms: f64,
    wall_ms: f64,
    done: T,
}

impl<T> Took<T> {
    fn of(work: impl FnOnce() -> Result<T, Fault>) -> Result<Self, Fault> {
        let (cpu, wall) = (meter::cpu(), Instant::now());
        let done = work()?;
        Ok(Self {
            cpu_ms: meter::cpu().saturating_sub(cpu).as_secs_f64() * 1e3,
            wall_ms: wall.elapsed().as_secs_f64() * 1e3,
            done,
        })
    }

    /// The longer of this and the longest so far.
    fn longer(&self, (cpu_ms, wall_ms): (f64, f64)) -> (f64, f64) {
        (self.cpu_ms.max(cpu_ms), self.wall_ms.max(wall_ms))
    }
}
