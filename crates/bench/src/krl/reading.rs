//! How fast a text of KRL is read, checked and compiled.

use std::hint::black_box;

use serde_json::Value;
use stratus_krl::Krl;
use stratus_krl_syntax::parse_ruleset;
use stratus_pen::language::Language as _;

use super::text::ruleset;
use crate::{
    figure::Figure,
    meter::{Cost, median_cost},
    peer,
};

/// Lines in a second, beside what npm's parser and compiler do of the same text.
pub(super) fn measure() -> [Figure; 3] {
    let (short, long) = (ruleset(SHORT), ruleset(LONG));
    let ours = [parse(&short), compile(&short)];
    let peer = peer::krl_compiler(&short);
    // Before and after the peer, so that what the machine does meanwhile is seen to.
    let again = [parse(&short), compile(&short)];
    let [read, compiled] = [least(ours[0], again[0]), least(ours[1], again[1])];
    let long = compile_times(&long, 1, 5);
    let rate = |lines: usize, seconds: f64| lines as f64 / seconds;
    let figure = |name, lines, cost: Cost, other: Option<(usize, Cost)>| {
        let theirs = |of: fn(Cost) -> f64| other.map(|(lines, cost)| rate(lines, of(cost)));
        Figure::new(name, rate(lines, cost.cpu), "lines/s")
            .baseline(theirs(|cost| cost.cpu))
            .wall(rate(lines, cost.wall), theirs(|cost| cost.wall))
    };
    let theirs = |name| of_peer(&peer, name).map(|cost| (SHORT, cost));
    [
        figure("parse_5k_lines", SHORT, read, theirs("parse")),
        // Without the peer there is nothing to be faster than.
        match theirs("compile") {
            None => figure("parse_check_5k_lines", SHORT, compiled, None),
            peer => figure("parse_check_5k_lines", SHORT, compiled, peer).ratio_at_least(50.0),
        },
        // Beside ours of 5,000 lines: twenty times the text may not take much more than twenty
        // times as long.
        figure(
            "parse_check_100k_lines",
            LONG,
            long,
            Some((SHORT, compiled)),
        )
        .ratio_at_least(0.6),
    ]
}

fn parse(text: &str) -> Cost {
    median_cost(3, 31, || {
        black_box(parse_ruleset(black_box(text)));
    })
}

fn compile(text: &str) -> Cost {
    compile_times(text, 3, 31)
}

fn compile_times(text: &str, warm: usize, runs: usize) -> Cost {
    median_cost(warm, runs, || {
        let program = Krl.compile(black_box(text));
        assert!(black_box(program).is_ok(), "the text is without faults");
    })
}

fn least(one: Cost, two: Cost) -> Cost {
    Cost {
        cpu: one.cpu.min(two.cpu),
        wall: one.wall.min(two.wall),
    }
}

fn of_peer(peer: &Value, name: &str) -> Option<Cost> {
    let milliseconds = |of: &str| peer.get(name)?.get(of)?.as_f64();
    Some(Cost {
        cpu: milliseconds("cpu")? / 1e3,
        wall: milliseconds("wall")? / 1e3,
    })
}

const SHORT: usize = 5_000;
const LONG: usize = 100_000;
