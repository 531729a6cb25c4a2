//! Events and queries over HTTP: our node, durable, beside a pico-engine that does the same.

mod generator;
mod house;
mod json;
mod ours;
mod process;
mod program;
mod theirs;

use std::{env, io, path::PathBuf, time::Duration};

use clap::Args;

use crate::figure::Figure;
use generator::{Drive, Driven};
use house::House;
use ours::Ours;
use theirs::Theirs;

/// What is measured, and beside what.
#[derive(Args, Clone)]
pub(crate) struct Wanted {
    /// A pico-engine 1.4: a copy of its repository in which it was built.
    #[arg(long, value_name = "PATH")]
    peer_dir: Option<PathBuf>,
    /// The program `stratus` to measure, instead of the one that is built of this tree.
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// One case alone, such as `counter`.
    #[arg(long, value_name = "CASE")]
    only: Option<String>,
}

/// One load, and what is asked of how we do under it.
struct Case {
    name: &'static str,
    /// What each request asks for, below the address of the channel.
    path: &'static str,
    connections: usize,
    wanted: Ratio,
}

/// Which ratio counts, and how much it has to be.
enum Ratio {
    /// The peer's CPU for a request, over ours.
    Cpu(f64),
    /// Our requests per second, over the peer's.
    Rate(f64),
}

/// All of them, each with engines that have just been started.
const CASES: [Case; 5] = [
    Case {
        name: "hello",
        path: "event-wait/bench/hello",
        connections: 16,
        wanted: Ratio::Cpu(15.0),
    },
    Case {
        name: "counter",
        path: "event-wait/bench/count",
        connections: 16,
        wanted: Ratio::Cpu(15.0),
    },
    Case {
        name: "query",
        path: "query/io.stratus.bench/hello?name=world",
        connections: 16,
        wanted: Ratio::Cpu(15.0),
    },
    Case {
        name: "counter_durable_256",
        path: "event-wait/bench/count",
        connections: 256,
        wanted: Ratio::Rate(10.0),
    },
    Case {
        name: "filters_1000",
        path: "event-wait/bench/filter?number=500",
        connections: 16,
        wanted: Ratio::Cpu(200.0),
    },
];

/// What came of a case with one engine.
struct Measured {
    driven: Driven,
    /// Of the engine, all its processes and threads, in microseconds for a request.
    cpu_us: f64,
}

/// Measures all cases, or the one that is wanted.
pub(crate) fn measure(wanted: &Wanted, tell: &mut impl FnMut(Figure)) -> io::Result<()> {
    let Wanted {
        peer_dir,
        program,
        only,
    } = wanted;
    if peer_dir.is_none() {
        miss_peer();
    }
    let program = program.clone().map_or_else(ours::build, Ok)?;
    let is_wanted = |case: &&Case| only.as_ref().is_none_or(|only| *only == case.name);
    for case in CASES.iter().filter(is_wanted) {
        let ours = run(case, &Ours::start(&program)?)?;
        let theirs = peer_dir
            .as_ref()
            .map(|folder| run(case, &Theirs::start(folder)?));
        report(case, &ours, theirs.transpose()?.as_ref(), tell);
    }
    Ok(())
}

/// Says what is missing without a peer.
#[expect(
    clippy::print_stderr,
    reason = "who reads the figures must know what is missing"
)]
fn miss_peer() {
    let required = env::var("STRATUS_REQUIRE").unwrap_or_default();
    assert!(
        !required.contains("peer"),
        "the peer is required: --peer-dir names no folder"
    );
    eprintln!("without a pico-engine beside it: --peer-dir names no folder");
}

/// Starts with the rulesets installed, warms up, and measures.
fn run(case: &Case, house: &impl House) -> io::Result<Measured> {
    let drive = Drive {
        address: house.address(),
        path: format!("{}/{}", house.channel(), case.path),
        connections: case.connections,
    };
    let warm = drive.run(WARM_UP)?;
    let before = process::cpu(house.process())?;
    let driven = drive.run(LOAD)?;
    let cpu = process::cpu(house.process())?.saturating_sub(before);
    if case.path.ends_with("count") {
        let counted = json::ask(
            house.address(),
            &format!("{}/{COUNTED}", house.channel()),
            None,
        )?;
        let sent = warm.requests + driven.requests;
        if counted.as_u64() != Some(sent) {
            let message = format!("{sent} events were acknowledged, {counted} counted");
            return Err(io::Error::other(message));
        }
    }
    Ok(Measured {
        cpu_us: cpu.as_secs_f64() * 1e6 / driven.requests as f64,
        driven,
    })
}

fn report(case: &Case, ours: &Measured, theirs: Option<&Measured>, tell: &mut impl FnMut(Figure)) {
    let mut row = |what: &str, unit, of: &dyn Fn(&Measured) -> f64| {
        let figure = Figure::new(format!("{}_{what}", case.name), of(ours), unit);
        tell(figure.baseline(theirs.map(of)));
    };
    row("cpu_us", "us/request", &|measured| measured.cpu_us);
    row("per_s", "requests/s", &|measured| measured.driven.per_s());
    row("p50_ms", "ms", &|measured| measured.driven.latency_ms(0.50));
    row("p99_ms", "ms", &|measured| measured.driven.latency_ms(0.99));
    // Of one processor: below 1 the generator could have asked for more.
    row("generator_cpu", "of 1", &|measured| {
        measured.driven.cpu_share
    });
    let Some(theirs) = theirs else { return };
    let name = format!("{}_ratio", case.ratio());
    tell(match case.wanted {
        Ratio::Cpu(least) => Figure::new(name, theirs.cpu_us / ours.cpu_us, "x").at_least(least),
        Ratio::Rate(least) => {
            let ratio = ours.driven.per_s() / theirs.driven.per_s();
            Figure::new(name, ratio, "x").at_least(least)
        }
    });
}

impl Case {
    /// What its ratio is called.
    fn ratio(&self) -> String {
        match self.name {
            "hello" | "counter" | "query" => format!("{}_cpu", self.name),
            name => name.to_owned(),
        }
    }
}

const COUNTED: &str = "query/io.stratus.bench/counted";

const WARM_UP: Duration = Duration::from_secs(2);
const LOAD: Duration = Duration::from_secs(6);
