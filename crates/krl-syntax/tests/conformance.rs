//! The vectors recorded from pico-engine 1.4: what its tokenizer finds, what its parser accepts.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test reads its vectors from files and says how many there were"
)]

#[path = "common/deviations.rs"]
mod deviations;
#[path = "conformance/tree.rs"]
mod tree;

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use deviations::{deviations, tally};
use serde_json::Value;
use stratus_krl_syntax::{
    Diagnostic, TokenKind, ast::SelectKind, parse_expression, parse_ruleset, print, render,
    tokenize,
};

#[test]
fn the_lexer_finds_the_recorded_tokens() {
    let vectors = vectors("tokenizer");
    for vector in &vectors {
        let source = vector["src"].as_str().unwrap();
        let found: Vec<_> = tokenize(source)
            .iter()
            .map(|token| (kind_name(token.kind), token.span.text(source)))
            .collect();
        let expected: Vec<_> = vector["tokens"]
            .as_array()
            .unwrap()
            .iter()
            .map(pair)
            .collect();
        assert_eq!(found, expected, "{source}");
    }
    say("tokenizer", vectors.len());
    tally("T", vectors.len(), 0);
}

#[test]
fn the_parser_accepts_and_rejects_what_is_recorded() {
    let known = deviations("parser.*.jsonl");
    let mut differing = BTreeSet::new();
    let mut compared = 0;
    for file in PARSER_FILES {
        for vector in vectors(file) {
            let source = vector["src"].as_str().unwrap();
            if Some(accepts(source)) != vector["ok"].as_bool() {
                differing.insert(format!("{file} {}", vector["seq"]));
            }
            compared += 1;
        }
    }
    if compared > 0 {
        assert_eq!(differing, known);
    }
    say("parser", compared);
    tally("P", compared, known.len());
}

/// A label of the first error covers the place that pico-engine tells, or ends there.
#[test]
fn errors_are_where_they_are_recorded() {
    let known = deviations("places in parser.*.jsonl");
    let mut differing = BTreeSet::new();
    let mut compared = 0;
    for file in PARSER_FILES {
        for vector in vectors(file).iter().filter(|vector| vector["ok"] == false) {
            let found = diagnostics(vector["src"].as_str().unwrap());
            let place = vector["error"]["token"]["start"].as_u64();
            let (Some(place), Some(first)) = (place, found.first()) else {
                continue;
            };
            compared += 1;
            let place = usize::try_from(place).unwrap();
            let mut spans = first.labels.iter().map(|(span, _)| *span);
            if !spans.any(|span| span.start <= place && place <= span.end) {
                differing.insert(format!("{file} {}", vector["seq"]));
            }
        }
    }
    if compared > 0 {
        assert_eq!(differing, known);
    }
    say("errors", compared);
}

#[test]
fn the_trees_have_the_recorded_shape_and_places() {
    let mut compared = 0;
    let mut wrong = String::new();
    for vector in PARSER_FILES
        .into_iter()
        .flat_map(vectors)
        .filter(|vector| vector["ok"] == true)
    {
        let source = vector["src"].as_str().unwrap();
        for (ours, recorded) in trees(source, &tree::comparable(&vector["ast"])) {
            if let Some(difference) = tree::difference(&ours, &recorded) {
                let _ = writeln!(wrong, "{source}\n    {difference}");
            }
            compared += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    say("trees", compared);
}

/// Our trees beside the recorded ones: an expression, or what wakes the rules of a ruleset.
fn trees(source: &str, recorded: &Value) -> Vec<(Value, Value)> {
    if let (Some(expression), []) = (parse_expression(source).0, &*parse_expression(source).1) {
        let recorded = recorded.as_array().map_or(recorded, |list| &list[0]);
        return vec![(tree::expression(&expression), recorded.clone())];
    }
    let Ok(ruleset) = parse_ruleset(source).complete() else {
        return Vec::new();
    };
    let recorded = recorded["rules"].as_array().unwrap();
    let rules = ruleset.rules.iter().zip(recorded);
    let trees = rules.filter_map(|(rule, recorded)| {
        let recorded = &recorded["select"];
        match &rule.select.as_ref()?.kind {
            SelectKind::When(event) => Some((tree::event(event), recorded["event"].clone())),
            SelectKind::Where(condition) => {
                Some((tree::expression(condition), recorded["expression"].clone()))
            }
        }
    });
    trees.collect()
}

#[test]
fn what_is_accepted_is_printed_and_accepted_again() {
    for vector in PARSER_FILES.into_iter().flat_map(vectors) {
        let source = vector["src"].as_str().unwrap();
        let Ok(ruleset) = parse_ruleset(source).complete() else {
            continue;
        };
        let printed = print(&ruleset);
        let again = parse_ruleset(&printed).complete();
        assert_eq!(
            again.map(|again| print(&again)).as_ref(),
            Ok(&printed),
            "{source}"
        );
    }
}

/// Whether a source is read without errors, as a ruleset if it looks like one.
fn accepts(source: &str) -> bool {
    let diagnostics = diagnostics(source);
    for diagnostic in &diagnostics {
        assert!(render(diagnostic, source, "vector").contains(diagnostic.code));
    }
    diagnostics.is_empty()
}

fn diagnostics(source: &str) -> Vec<Diagnostic> {
    if source.trim_start().starts_with("ruleset") {
        parse_ruleset(source).diagnostics
    } else {
        parse_expression(source).1
    }
}

/// The vectors of a file; none if the folder is absent and nobody requires it.
fn vectors(name: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let Ok(text) = fs::read_to_string(folder.join(format!("parser.{name}.jsonl"))) else {
        let required = env::var("STRATUS_REQUIRE").unwrap_or_default();
        assert!(
            !required.contains("conformance"),
            "no vectors in {}",
            folder.display()
        );
        return Vec::new();
    };
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn say(what: &str, count: usize) {
    match count {
        0 => println!("{what}: skipped, the recorded vectors are not here"),
        count => println!("{what}: {count} vectors"),
    }
}

fn pair(token: &Value) -> (&str, &str) {
    (token[0].as_str().unwrap(), token[1].as_str().unwrap())
}

/// What pico-engine calls a kind of token.
fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::BeestingClose => "CHEVRON-BEESTING-CLOSE",
        TokenKind::BeestingOpen => "CHEVRON-BEESTING-OPEN",
        TokenKind::BlockComment => "BLOCK-COMMENT",
        TokenKind::ChevronClose => "CHEVRON-CLOSE",
        TokenKind::ChevronOpen => "CHEVRON-OPEN",
        TokenKind::ChevronText => "CHEVRON-STRING",
        TokenKind::Illegal => "ILLEGAL",
        TokenKind::LineComment => "LINE-COMMENT",
        TokenKind::Number => "NUMBER",
        TokenKind::Punctuation => "RAW",
        TokenKind::Regexp => "REGEXP",
        TokenKind::String => "STRING",
        TokenKind::Symbol => "SYMBOL",
        TokenKind::JavaScript => "JAVASCRIPT",
        TokenKind::UnclosedComment | TokenKind::UnclosedRegexp | TokenKind::UnclosedString => {
            "MISSING-CLOSE"
        }
        TokenKind::Whitespace => "WHITESPACE",
    }
}

const PARSER_FILES: [&str; 5] = [
    "errors",
    "eventExpressions",
    "expressions",
    "postludeStatements",
    "ruleset",
];
