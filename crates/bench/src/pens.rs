//! A node with a hundred thousand PENs, of which next to none is in use.

mod client;
mod filling;
mod node;

use std::{
    io, thread,
    time::{Duration, Instant},
};

use crate::figure::Figure;
pub(crate) use client::Client;
pub(crate) use filling::{Resident, fill};
pub(crate) use node::{Node, build};

/// How many there are.
const PENS: usize = 100_000;

/// PENs that are asked while they sleep.
const WOKEN: usize = 300;

/// After a start, a node is left alone for this time before its memory is looked at.
const REST: Duration = Duration::from_secs(3);

/// Measures it.
pub(crate) fn measure(tell: &mut impl FnMut(Figure)) -> io::Result<()> {
    let program = build()?;
    let folder = tempfile::tempdir()?;
    let begun = Instant::now();
    let residents = vec![filling::usual(); PENS];
    fill(&folder.path().join("store"), &residents)?;
    let filled = begun.elapsed().as_secs_f64();
    tell(Figure::new("fill_100k_s", filled, "s"));
    let begun = Instant::now();
    let node = Node::start(&program, folder.path())?;
    let started = begun.elapsed().as_secs_f64();
    tell(Figure::new("start_100k_s", started, "s").at_most(2.0));
    thread::sleep(REST);
    tell(Figure::new("node_100k_mb", node.memory()? / 1e6, "MB").at_most(150.0));
    let mut client = Client::connect(node.address())?;
    let (asleep, awake) = wake(&mut client)?;
    tell(
        Figure::new("wake_ms", asleep, "ms")
            .baseline(Some(awake))
            .at_most(2.0),
    );
    Ok(())
}

/// How long an event takes to be answered that comes to a sleeping PEN, and the next one: medians
/// by the clock on the wall, in milliseconds, over HTTP and with the event on the disk.
fn wake(client: &mut Client) -> io::Result<(f64, f64)> {
    let (mut asleep, mut awake) = (Vec::new(), Vec::new());
    for number in 0..WOKEN {
        let number = (number * (PENS / WOKEN) + 1) as u64;
        for times in [&mut asleep, &mut awake] {
            let begun = Instant::now();
            client.raise(number, "count")?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok((median(asleep), median(awake)))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
