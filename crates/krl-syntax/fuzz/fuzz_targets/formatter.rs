//! What is without errors is laid out once and for all, means the same, and keeps its comments.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stratus_krl_syntax::{Tree, format, parse_ruleset, print};

fuzz_target!(|source: &str| {
    let Ok(formatted) = format(source) else {
        return;
    };
    assert_eq!(format(&formatted).as_ref(), Ok(&formatted));
    let shape = |text: &str| parse_ruleset(text).complete().map(|ruleset| print(&ruleset));
    assert_eq!(shape(&formatted), shape(source));
    let (before, after) = (Tree::parse(source), Tree::parse(formatted));
    assert!(before.comments().eq(after.comments()));
});
