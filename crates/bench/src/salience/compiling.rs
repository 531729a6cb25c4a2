//! How long an event expression takes to be made ready.

use std::hint::black_box;

use serde_json::Value;
use stratus_salience::{Automaton, Expression};

use super::{events::parts, of_peer};
use crate::{figure::Figure, meter::time_each};

/// `and` and `any` of twelve. The peer makes them out of all orders of their parts, so that twelve
/// are beyond it; its baselines are of six.
pub(super) fn measure(peer: &Value) -> [Figure; 2] {
    let figure = |name, expression: &Expression, of_six| {
        let make = |_| {
            black_box(Automaton::new(black_box(expression)));
        };
        Figure::new(name, time_each(10_000, make) / 1e3, "us")
            .baseline(of_peer(peer, of_six))
            .at_most(1000.0)
    };
    let any = Expression::Any(6, parts(12));
    [
        figure(
            "compile_and_12_us",
            &Expression::And(parts(12)),
            "compile_and_6_us",
        ),
        figure("compile_any_6_of_12_us", &any, "compile_any_3_of_6_us"),
    ]
}
