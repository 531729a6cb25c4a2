//! Whatever the source is: no panic, and every place that is named lies in it.

#[path = "common/random.rs"]
mod random;

use random::Random;
use stratus_krl_syntax::{
    Parsed, ast::Span, line_column, parse_expression, parse_ruleset, render, tokenize,
};

#[test]
fn the_corpus_is_right() {
    for source in CORPUS {
        let diagnostics = parse_ruleset(source).diagnostics;
        let told: String = diagnostics
            .iter()
            .map(|one| render(one, source, "corpus"))
            .collect();
        assert!(told.is_empty(), "{told}");
    }
}

#[test]
fn mutated_sources_are_read_without_panic() {
    let mut random = Random(0x5eed);
    for round in 0..MUTANTS {
        let mut source = CORPUS[round % CORPUS.len()].to_owned();
        for _ in 0..=random.below(6) {
            source = mutate(&source, &mut random);
        }
        check(&source);
    }
}

#[test]
fn beginnings_and_ends_of_a_source_are_read_without_panic() {
    for source in CORPUS {
        for (at, _) in source.char_indices().step_by(5) {
            check(&source[..at]);
            check(&source[at..]);
        }
    }
}

#[test]
fn what_nests_without_end_is_read_without_panic() {
    for piece in PIECES {
        check(&piece.repeat(1_000));
        check(&format!("ruleset a{{global{{b = {}", piece.repeat(1_000)));
        check(&format!(
            "ruleset a{{rule b{{select when {}",
            piece.repeat(1_000)
        ));
        check(&format!("ruleset a{{rule b{{{}", piece.repeat(1_000)));
    }
}

#[test]
fn long_sources_are_read_in_linear_time() {
    // Each of these has made a lexer or a recovery look at the rest of the source at each token.
    for piece in [
        "\"\\\"\n",
        "re#\\#\n",
        "'\\'\n",
        "re/\\/ ",
        "{ rule b {",
        "~a",
        "a = \n",
        "<<#{",
    ] {
        check(&format!("ruleset a{{global{{{}", piece.repeat(100_000)));
    }
}

/// Reads a source in all ways and looks at all the places that are named.
fn check(source: &str) {
    let tokens = tokenize(source);
    let texts: String = tokens.iter().map(|token| token.span.text(source)).collect();
    assert_eq!(texts, source);

    let Parsed {
        ruleset,
        diagnostics,
        ..
    } = parse_ruleset(source);
    let (expression, more) = parse_expression(source);
    assert!(ruleset.is_some() || !diagnostics.is_empty());
    for diagnostic in diagnostics.iter().chain(&more) {
        diagnostic
            .labels
            .iter()
            .for_each(|(span, _)| inside(*span, source));
        assert!(line_column(source, diagnostic.span().start).1 > 0);
    }
    for diagnostic in diagnostics.first().iter().chain(&more.first()) {
        assert!(render(diagnostic, source, "mutant").contains(diagnostic.code));
    }
    // The tree's debug form names all its spans.
    for span in spans(&format!("{ruleset:?}{expression:?}")) {
        inside(span, source);
    }
}

fn inside(span: Span, source: &str) {
    assert!(span.start <= span.end, "{span:?}");
    assert!(source.get(span.start..span.end).is_some(), "{span:?}");
}

/// All that looks like `Span { start: 1, end: 2 }`.
fn spans(debug: &str) -> impl Iterator<Item = Span> {
    debug.split("Span { start: ").skip(1).filter_map(|rest| {
        let (start, rest) = rest.split_once(", end: ")?;
        let (end, _) = rest.split_once(" }")?;
        Some(Span::new(start.parse().ok()?, end.parse().ok()?))
    })
}

/// A source with one thing wrong in it.
fn mutate(source: &str, random: &mut Random) -> String {
    let (from, to) = (boundary(source, random), boundary(source, random));
    let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 20));
    let to = (to..=source.len())
        .find(|end| source.is_char_boundary(*end))
        .unwrap_or(source.len());
    let piece = PIECES[random.below(PIECES.len())];
    match random.below(4) {
        0 => format!("{}{}", &source[..from], &source[to..]),
        1 => format!("{}{piece}{}", &source[..from], &source[from..]),
        2 => format!("{}{piece}{}", &source[..from], &source[to..]),
        _ => format!("{}{}{}", &source[..to], &source[from..to], &source[to..]),
    }
}

fn boundary(source: &str, random: &mut Random) -> usize {
    let at = random.below(source.len() + 1);
    (0..=at)
        .rev()
        .find(|index| source.is_char_boundary(*index))
        .unwrap_or(0)
}

const MUTANTS: usize = 1_000;

/// Sources that between them have every form of the language.
const CORPUS: [&str; 5] = [
    include_str!("krl/modern.krl"),
    include_str!("krl/classic.krl"),
    include_str!("krl/events.krl"),
    include_str!("krl/expressions.krl"),
    include_str!("krl/quotes.krl"),
];

/// What a mutation puts in.
const PIECES: [&str; 46] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<<",
    ">>",
    "#{",
    "\"",
    "'",
    "re#",
    "re/",
    "#",
    "\\",
    ";",
    ",",
    ":",
    ":=",
    "=",
    "=>",
    "|",
    "not ",
    "- ",
    ".b",
    "a ",
    "a => b | ",
    "function(){",
    "λ",
    "\u{0}",
    "rule r {",
    "/*",
    "//",
    "\n",
    "1",
    "a before ",
    "before(",
    "any 2 (",
    "count 3 (",
    "within ",
    "if a then ",
    "every {",
    "always {",
    "raise a event b ",
    "with a = 1 and ",
    "<<#{",
];
