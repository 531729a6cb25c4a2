//! What a PEN costs that has the same rulesets as others.

use std::sync::Arc;

use stratus_event::PenId;
use stratus_krl::Krl;
use stratus_pen::{
    Common, State,
    language::{Language, Program},
};

use crate::{figure::Figure, meter::memory};

const PENS: u32 = 100_000;
const RULESETS: usize = 10;
const RULES: usize = 10;

/// Bytes of memory for each of many PENs that share ten rulesets.
pub(super) fn pen_bytes() -> Figure {
    let programs: Vec<_> = (0..RULESETS).filter_map(program).collect();
    assert_eq!(programs.len(), RULESETS, "the rulesets compile");
    let mut common = Common::default();
    let mut pens = Vec::with_capacity(PENS as usize);
    let first = pen(0, &programs, &mut common);
    let before = memory();
    for number in 1..=PENS {
        pens.push(pen(number, &programs, &mut common));
    }
    let bytes = (memory() - before) / f64::from(PENS);
    assert!(
        pens.iter().all(|pen| pen.shares_rulesets(&first)),
        "all share"
    );
    Figure::new("pen_bytes_shared", bytes, "B/PEN").at_most(200.0)
}

fn pen(number: u32, programs: &[Arc<dyn Program>], common: &mut Common) -> State {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let mut pen = State::new(PenId(id), &format!("pen {number}"));
    for program in programs {
        common.restore_ruleset(&mut pen, program.clone());
    }
    pen
}

fn program(number: usize) -> Option<Arc<dyn Program>> {
    let rule = |rule| format!("rule r{rule} {{ select when d{number}:k{rule} }}");
    let rules: Vec<_> = (0..RULES).map(rule).collect();
    let source = format!("ruleset io.example.r{number} {{ {} }}", rules.join("\n"));
    Krl.compile(&source).ok()
}
