//! Programs by chance: whatever they are, they come to an end, the same each time, in whatever
//! layout, and leave the others in the PEN alone. The fuzz targets in `crates/krl/fuzz` write their
//! programs with the same author.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod author;
mod case;
mod draw;
mod expression;
mod selection;

use case::Case;

/// How many are tried.
const CASES: usize = 400;

#[test]
fn programs_by_chance_keep_their_promises() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut compiled = 0;
    for number in 0..CASES {
        let bytes: Vec<u8> = (0..number * 4).map(|_| next(&mut state)).collect();
        compiled += usize::from(Case::new(&bytes).check());
    }
    assert!(compiled > CASES / 2, "only {compiled} of them compiled");
}

/// The manual's rulesets, whatever comes to them.
#[test]
fn the_manuals_programs_keep_them_too() {
    let mut compiled = 0;
    for page in PAGES {
        for block in page.split("```krl\n").skip(1) {
            let source = block.split("```").next().unwrap_or_default();
            compiled += usize::from(Case::of(source).check());
        }
    }
    assert!(compiled > 7, "only {compiled} of them compiled");
}

const PAGES: [&str; 8] = [
    include_str!("../../../../spec/krl/actions.md"),
    include_str!("../../../../spec/krl/classic.md"),
    include_str!("../../../../spec/krl/foreach.md"),
    include_str!("../../../../spec/krl/functions.md"),
    include_str!("../../../../spec/krl/operators.md"),
    include_str!("../../../../spec/krl/raise.md"),
    include_str!("../../../../spec/krl/schedule.md"),
    include_str!("../../../../spec/krl/variables.md"),
];

fn next(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    state.to_be_bytes()[0]
}
