//! Any text as a ruleset: where it compiles, it runs, and all that is promised of programs holds.

#![no_main]

#[path = "../../tests/chance/author.rs"]
#[allow(dead_code)]
mod author;
#[path = "../../tests/chance/case.rs"]
#[allow(dead_code)]
mod case;
#[path = "../../tests/chance/draw.rs"]
mod draw;
#[path = "../../tests/chance/expression.rs"]
#[allow(dead_code)]
mod expression;
#[path = "../../tests/chance/selection.rs"]
#[allow(dead_code)]
mod selection;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let said = stratus_krl::check(source);
    for found in said.iter().take(3) {
        assert!(stratus_krl_syntax::render(found, source, "fuzz").contains(found.code));
    }
    case::Case::of(source).check();
});
