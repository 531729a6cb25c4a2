//! Well-formed programs by chance, and events by chance: all that is promised of them holds.

#![no_main]

#[path = "../../tests/chance/author.rs"]
mod author;
#[path = "../../tests/chance/case.rs"]
#[allow(dead_code)]
mod case;
#[path = "../../tests/chance/draw.rs"]
mod draw;
#[path = "../../tests/chance/expression.rs"]
mod expression;
#[path = "../../tests/chance/selection.rs"]
mod selection;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    case::Case::new(bytes).check();
});
