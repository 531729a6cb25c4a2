//! What a PEN costs that has the same rulesets as others.

use std::sync::Arc;

use stratus_event::{Map, PenId};
use stratus_krl::Krl;
use stratus_pen::{
    Common, State,
    language::{Language, Program},
};
use stratus_salience::{Automaton, Patterns, Progress};

use super::events::{self, event, name};

use crate::{figure::Figure, meter::memory};

const PENS: u32 = 100_000;
const RULESETS: usize = 10;
const RULES: usize = 10;
/// Rulesets of a hundred rules that all have the same pattern.
const ALIKE: usize = 100;

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

/// Bytes of memory for each of ten thousand rules in a hundred rulesets that have the same pattern,
/// and have matched an event; the baseline shares no patterns between rulesets.
pub(super) fn pattern_bytes() -> Figure {
    let mut patterns = Patterns::default();
    let shared = bytes_alike(|source| Krl.compile_among(source, &mut patterns).ok());
    let apart = bytes_alike(|source| Krl.compile(source).ok());
    Figure::new("pattern_rule_bytes", shared, "B/rule").baseline(Some(apart))
}

fn bytes_alike(mut compile: impl FnMut(&str) -> Option<Arc<dyn Program>>) -> f64 {
    let before = memory();
    let mut kept = Vec::new();
    for number in 0..ALIKE {
        let rule = |rule| {
            let filter = r"subject re#^item (\d+) of ([a-z ]+)$# setting(n, what)";
            format!("rule r{rule} {{ select when t:a {filter} }}")
        };
        let rules: Vec<_> = (0..ALIKE).map(rule).collect();
        let source = format!(
            "ruleset io.example.alike{number} {{ {} }}",
            rules.join("\n")
        );
        kept.extend(compile(&source).map(|program| (automata(&program), program)));
    }
    let subject: Map = [("subject", "item 7 of our list")].into();
    let event = event(&name("t"), &name("a"), subject);
    for automaton in kept.iter().flat_map(|(automata, _)| automata) {
        let step = automaton.step(&Progress::default(), &event, event.time, &events::None);
        assert!(step.fired.is_some(), "each rule is selected");
    }
    (memory() - before) / (ALIKE * ALIKE) as f64
}

fn automata(program: &Arc<dyn Program>) -> Vec<Automaton> {
    let rules = program.rules().iter();
    rules.map(|rule| Automaton::new(&rule.select)).collect()
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
