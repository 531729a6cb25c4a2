//! Comparing trees.

use stratus_krl_syntax::ast::Ruleset;

/// A tree's debug form, with the same place everywhere.
pub(crate) fn without_spans(ruleset: &Ruleset) -> String {
    let debug = format!("{ruleset:?}");
    let mut parts = debug.split("Span { start: ");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    rest.fold(first, |text, part| text + "_" + part)
}
