//! What a PEN, and a rule, costs that has the same as others.

use std::sync::Arc;

use stratus_event::{Map, PenId};
use stratus_krl::Krl;
use stratus_pen::{
    Common, State,
    language::{Language, Program},
};
use stratus_salience::{Automaton, Patterns, Progress};

use super::{
    Held,
    events::{self, event, name},
};
use crate::{
    figure::Figure,
    meter::{memory, memory_of},
};

const PENS: u32 = 100_000;
const RULESETS: usize = 10;
const RULES: usize = 10;
/// Rulesets, and rules of each, that all have the same pattern.
const ALIKE: usize = 100;

pub(super) fn measure() -> [Figure; 3] {
    let bytes = |name, held| Figure::new(name, memory_of(&held), "B");
    [
        bytes("pen_bytes_shared", Held::Pens).at_most(200.0),
        // One of the hundred rules of each waits for the second of two events.
        bytes("pen_bytes_waiting", Held::PensWaiting),
        // A rule whose pattern 9,999 others have in a hundred rulesets, against one with a pattern
        // of its own.
        bytes("pattern_rule_bytes", Held::PatternsShared)
            .baseline(Some(memory_of(&Held::PatternsApart))),
    ]
}

/// Bytes for each of many PENs that share ten rulesets: itself, its name, and its part of what is
/// shared: programs, automata, index, and what it took to make them.
pub(super) fn pens(waiting: bool) -> f64 {
    let before = memory();
    let programs: Vec<_> = (0..RULESETS).filter_map(program).collect();
    assert_eq!(programs.len(), RULESETS, "the rulesets compile");
    let progress = begun(&programs);
    let mut common = Common::default();
    let mut pens = Vec::with_capacity(PENS as usize);
    for number in 0..PENS {
        let mut pen = pen(number, &programs, &mut common);
        if waiting {
            pen.move_automaton(&name("io.example.r0"), &name("r0"), progress.clone());
        }
        pens.push(pen);
    }
    let bytes = (memory() - before) / f64::from(PENS);
    let mut all = pens.iter();
    let first = all
        .next()
        .map(|first| all.all(|pen| pen.shares_rulesets(first)));
    assert_eq!(first, Some(true), "all share");
    bytes
}

pub(super) fn patterns_shared() -> f64 {
    bytes_of_rules(|_, _| 0)
}

pub(super) fn patterns_apart() -> f64 {
    bytes_of_rules(|ruleset, rule| ruleset * ALIKE + rule)
}

/// Bytes for each rule after it has matched an event. Rules with the same number have the same
/// pattern.
fn bytes_of_rules(pattern: impl Fn(usize, usize) -> usize) -> f64 {
    let before = memory();
    let mut patterns = Patterns::default();
    let mut compile = |source: &str| Krl.compile_among(source, &mut patterns).ok();
    let mut kept = Vec::new();
    for number in 0..ALIKE {
        let rule = |rule| {
            let last = pattern(number, rule);
            let filter = format!(r"subject re#^item (\d+) of ([a-z ]+|x{last:04})$#");
            format!("rule r{rule} {{ select when t:a {filter} setting(n, what) }}")
        };
        let rules: Vec<_> = (0..ALIKE).map(rule).collect();
        let source = format!("ruleset io.example.a{number} {{ {} }}", rules.join("\n"));
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
    let select = |rule| format!("d{number}:k{rule} before d{number}:l{rule}");
    let rule = |rule| format!("rule r{rule} {{ select when {} }}", select(rule));
    let rules: Vec<_> = (0..RULES).map(rule).collect();
    let source = format!("ruleset io.example.r{number} {{ {} }}", rules.join("\n"));
    Krl.compile(&source).ok()
}

/// The first rule of the first ruleset after the first of its two events.
fn begun(programs: &[Arc<dyn Program>]) -> Progress {
    let rule = programs.first().and_then(|program| program.rules().first());
    let automaton = rule.map(|rule| Automaton::new(&rule.select));
    let event = event(&name("d0"), &name("k0"), Map::new());
    let start = Progress::default();
    let step = automaton.map(|it| it.step(&start, &event, event.time, &events::None));
    step.and_then(|step| step.progress).unwrap_or_default()
}
