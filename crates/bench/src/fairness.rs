//! What a PEN's neighbours feel of it: one that burns its fuel, one that raises to itself.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use crate::{
    figure::Figure,
    pens::{Client, Node, Resident, fill},
};

/// Events whose answer the neighbour awaits, one after the other.
const EVENTS: usize = 2_000;

const NEIGHBOUR: &str = "ruleset io.bench.neighbour {
  rule count { select when bench count
    fired { ent:count := ent:count.defaultsTo(0) + 1 } }
}";

const HOG: &str = "ruleset io.bench.hog {
  rule burn { select when bench burn pre {
      all = 1.range(100000).map(function(x) { 1.range(1000).map(function(y) { x * y }).length() })
    }
    noop() }
  rule again { select when bench again
    fired { raise bench event \"again\" } }
}";

/// Measures it: the neighbour alone, then beside both.
pub(crate) fn measure(tell: &mut impl FnMut(Figure)) -> io::Result<()> {
    let program = crate::pens::build()?;
    let folder = tempfile::tempdir()?;
    let residents = [NEIGHBOUR, HOG, HOG].map(|source| Resident {
        rulesets: vec![source],
    });
    fill(&folder.path().join("store"), &residents)?;
    let node = Node::start(&program, folder.path())?;
    let alone = latencies(node.address())?;
    let ended = Arc::new(AtomicBool::new(false));
    let hogs = [(1, "burn"), (2, "again")].map(|(number, kind)| {
        let (address, ended) = (node.address(), Arc::clone(&ended));
        thread::spawn(move || hog(address, number, kind, &ended))
    });
    let beside = latencies(node.address());
    ended.store(true, Ordering::Relaxed);
    for hog in hogs {
        hog.join()
            .map_err(|_| io::Error::other("a hog panicked"))??;
    }
    let beside = beside?;
    let p50 = |times: &[f64]| percentile(times, 50);
    tell(Figure::new("neighbour_p50_ms", p50(&beside), "ms").baseline(Some(p50(&alone))));
    let p99 = |times: &[f64]| percentile(times, 99);
    let figure = Figure::new("neighbour_p99_ms", p99(&beside), "ms").baseline(Some(p99(&alone)));
    tell(figure);
    let ratio = p99(&beside) / p99(&alone);
    tell(Figure::new("neighbour_p99_ratio", ratio, "times").at_most(2.0));
    Ok(())
}

/// How long each answer took, in milliseconds, shortest first.
fn latencies(address: SocketAddr) -> io::Result<Vec<f64>> {
    let mut client = Client::connect(address)?;
    let mut times = Vec::with_capacity(EVENTS);
    for _ in 0..EVENTS {
        let begun = Instant::now();
        client.raise(0, "count")?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Asks for the worst again and again; each is given up at a bound, and the next one goes on.
fn hog(address: SocketAddr, number: u64, kind: &str, ended: &AtomicBool) -> io::Result<()> {
    let mut client = Client::connect(address)?;
    while !ended.load(Ordering::Relaxed) {
        client.raise(number, kind)?;
    }
    Ok(())
}

fn percentile(times: &[f64], percent: usize) -> f64 {
    let place = times.len() * percent / 100;
    times.get(place).copied().unwrap_or(f64::NAN)
}
