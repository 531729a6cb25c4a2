//! Several errors in one expression: each is told where it is, and nothing else is.

use stratus_krl_syntax::{parse_expression, parse_ruleset, render};

#[test]
fn each_error_of_an_expression_is_told_once() {
    let mut lines = PAIRS.lines().skip(2);
    let mut wrong = Vec::new();
    while let (Some(source), Some(carets)) = (lines.next(), lines.next()) {
        let diagnostics = parse_expression(source).1;
        let mut found: Vec<_> = diagnostics.iter().map(|one| one.span().start).collect();
        found.sort_unstable();
        let expected: Vec<_> = carets.match_indices('^').map(|(at, _)| at).collect();
        if found != expected {
            let told = diagnostics.iter().map(|one| render(one, source, "line"));
            wrong.push(format!("{source}\n{carets}\n{}", told.collect::<String>()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_error_of_a_classic_text_is_told_once() {
    let source = "ruleset 1 { global { a = 'x #{*} y #{1 2} z'; b = \"#{f(}\"; c = 3 } }";
    let diagnostics = parse_ruleset(source).diagnostics;
    let places: Vec<_> = diagnostics.iter().map(|one| one.span().start).collect();
    let at = |text: &str| source.find(text).unwrap_or_default();
    assert_eq!(places, [at("*}"), at("2}"), at("(}") + 1]);
}

#[test]
fn a_word_of_the_language_in_place_of_an_operand_is_told_as_such() {
    let mut wrong = Vec::new();
    for case in OPERANDS.split("\n\n").skip(1) {
        let (source, expected) = case.trim_end().rsplit_once('\n').unwrap_or_default();
        let source = format!("ruleset a {{\n{source}\n}}");
        let diagnostics = parse_ruleset(&source).diagnostics;
        let titles: Vec<_> = diagnostics.iter().map(|one| one.title.as_str()).collect();
        if titles.join("; ") != expected.trim_start_matches('-') {
            wrong.push(format!("{source}\n{titles:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const OPERANDS: &str = include_str!("operands.txt");

const PAIRS: &str = include_str!("recovery.txt");
