//! A KRL text of any length to measure with.

use std::fmt::Write as _;

/// A ruleset of so many lines: a part written by hand, told again and again under other names.
/// It is modern KRL as pico-engine reads it, and nothing is wrong with it.
pub(super) fn ruleset(lines: usize) -> String {
    let (declarations, rules) = SAMPLE.split_once("// ----\n").unwrap_or((SAMPLE, ""));
    let repetitions = lines.saturating_sub(FRAME_LINES) / (SAMPLE.lines().count() - 1);
    let told = |part: &str, number: usize| part.replace("_0", &format!("_{number}"));
    let reports: Vec<_> = (0..repetitions)
        .map(|number| format!("report_{number}"))
        .collect();
    let mut text = format!(
        "ruleset io.example.measured {{\n  meta {{\n    name \"Measured\"\n    shares {}\n  }}\n",
        reports.join(", ")
    );
    text.push_str("  global {\n");
    (0..repetitions).for_each(|number| text.push_str(&told(declarations, number)));
    text.push_str("  }\n");
    (0..repetitions).for_each(|number| text.push_str(&told(rules, number)));
    for line in text.lines().count() + 1..lines {
        let _ = writeln!(text, "  // line {line}");
    }
    text.push_str("}\n");
    text
}

const SAMPLE: &str = include_str!("sample.krl");
/// Lines around what is repeated.
const FRAME_LINES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_as_long_as_asked_and_nothing_is_wrong_with_it() {
        for lines in [200, 1_000, 5_000] {
            let text = ruleset(lines);
            assert_eq!(text.lines().count(), lines);
            let said = stratus_krl::check(&text);
            assert!(said.is_empty(), "{:?}", said.first());
        }
    }
}
