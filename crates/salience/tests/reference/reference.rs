//! Automata against a matcher that knows all events and no state.
//!
//! The reference says for each operator what it makes of a list of events that are offered to it
//! from its start on. It looks at the whole list each time, knows no index and shares nothing with
//! the automata but the meaning. The drawing of cases is seeded, so a failure can be repeated.

#![cfg(test)]

mod cases;
mod naive;

use std::collections::BTreeMap;

use stratus_event::{Event, Timestamp, Value};
use stratus_salience::{Armed, Automaton, Bindings, Expression, Index, Piece, Progress, RulePlace};

use cases::{Case, Draw, Tests, passing};

/// How many expressions, each with its own events, are tried. `STRATUS_REFERENCE_CASES` raises it.
const CASES: u64 = 2_000;

/// For each event what an automaton behind an index bound if it completed the expression. Other
/// rules, of the same symbols and with filters, make the index's lists long.
fn by_automaton(
    expression: &Expression,
    others: &Others,
    events: &[Event],
) -> Vec<Option<Bindings>> {
    let automaton = Automaton::new(expression);
    let mut index = others.0.clone();
    index.install(PLACE, &automaton);
    let mut armed = Armed::default();
    let mut progress = Progress::default();
    let mut pieces = BTreeMap::new();
    let mut fired = Vec::new();
    for event in events {
        let step = match passing(event) {
            None => automaton.step(&progress, event, event.time, &Tests),
            Some(instant) => {
                let waits = waits_for(&automaton, &progress, instant);
                let step = automaton.pass(&progress, event, instant, event.time, &Tests);
                assert!(
                    waits || step.fired.is_none(),
                    "an instant was not asked for"
                );
                step
            }
        };
        let woken = index.woken(event, &armed);
        match woken.iter().find(|woken| woken.place == PLACE) {
            Some(woken) if passing(event).is_none() => {
                let proven = woken.proven;
                let known = automaton.step_proven(&progress, event, event.time, &Tests, proven);
                assert_eq!(known, step, "what is proven is not so");
            }
            Some(_) => {}
            None => assert!(
                step.fired.is_none() && step.progress.is_none(),
                "the index hides an event"
            ),
        }
        progress = kept(&mut pieces, &progress, step.progress);
        if progress.is_start() {
            armed.disarm(PLACE, &automaton);
        } else {
            armed.arm(PLACE, &automaton);
        }
        fired.push(step.fired);
    }
    fired
}

/// Whether the automaton asks for the instant: it is among those that come one after the other.
fn waits_for(automaton: &Automaton, progress: &Progress, instant: Timestamp) -> bool {
    let before = Timestamp(instant.0 - 1);
    automaton.next_instant(progress, before, Some(before), &Tests) == Some(instant)
}

/// The progress after a step, written down and read back: whole, and from its pieces, of which only
/// those are written that the step changed.
fn kept(
    pieces: &mut BTreeMap<Piece, Value>,
    before: &Progress,
    after: Option<Progress>,
) -> Progress {
    let progress = after.unwrap_or_else(|| before.clone());
    for (piece, written) in progress.changes(before) {
        match written {
            Some(written) => drop(pieces.insert(piece, written)),
            None => assert!(pieces.remove(&piece).is_some(), "only what is there can go"),
        }
    }
    let mut read = pieces
        .get(&Piece::Head)
        .map_or_else(Progress::default, |head| Progress::try_from(head).unwrap());
    for (piece, written) in &*pieces {
        if let Piece::PartialMatch(number) = piece {
            read.put(*number, written).unwrap();
        }
    }
    assert_eq!(read, progress, "what is read is not what was written");
    assert_eq!(Progress::try_from(&Value::from(&progress)).unwrap(), read);
    read
}

/// An index with rules that are not looked at.
struct Others(Index);

impl Others {
    fn new() -> Self {
        let mut index = Index::default();
        for rule in 0..40 {
            let place = RulePlace { ruleset: 0, rule };
            index.install(
                place,
                &Automaton::new(&Draw::new(rule as u64 + 1).case(true).expression),
            );
        }
        Self(index)
    }
}

const PLACE: RulePlace = RulePlace {
    ruleset: 1,
    rule: 0,
};

/// How often the drawn cases complete their expression; stops at the first that differs.
fn compare(cases: impl Iterator<Item = Case>) -> usize {
    let mut matches = 0;
    let others = Others::new();
    for case in cases {
        let expected = naive::fired(&case.expression, &case.events);
        let found = by_automaton(&case.expression, &others, &case.events);
        assert_eq!(found, expected, "{case}");
        matches += expected.iter().flatten().count();
    }
    matches
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test may take is for who runs it"
)]
fn cases_wanted() -> u64 {
    std::env::var("STRATUS_REFERENCE_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(CASES)
}

#[test]
fn expressions_fire_and_bind_as_the_reference_says() {
    let wanted = cases_wanted();
    let matches = compare((1..=wanted).map(|seed| Draw::new(seed).case(false)));
    println!("{wanted} cases, {matches} matches");
    assert!(matches as u64 > wanted, "the cases say little");
}

#[test]
fn joins_fire_and_bind_as_the_reference_says() {
    let wanted = cases_wanted();
    let matches = compare((1..=wanted).map(|seed| Draw::new(seed).case(true)));
    println!("{wanted} cases, {matches} matches");
    assert!(matches as u64 > wanted / 2, "the cases say little");
}
