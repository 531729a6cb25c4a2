//! The vectors recorded from pico-engine 1.4: what its tokenizer finds, what its parser accepts.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test reads its vectors from files and says how many there were"
)]

#[path = "conformance/tree.rs"]
mod tree;

use std::{env, fs, path::Path};

use serde_json::Value;
use stratus_krl_syntax::{
    TokenKind, ast::SelectKind, parse_expression, parse_ruleset, print, render, tokenize,
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
}

#[test]
fn the_parser_accepts_and_rejects_what_is_recorded() {
    let files = [
        "errors",
        "eventExpressions",
        "expressions",
        "postludeStatements",
        "ruleset",
    ];
    let vectors: Vec<Value> = files.into_iter().flat_map(vectors).collect();
    let differing: Vec<&str> = vectors
        .iter()
        .map(|vector| {
            (
                vector["src"].as_str().unwrap(),
                vector["ok"].as_bool().unwrap(),
            )
        })
        .filter(|(source, ok)| accepts(source) != *ok)
        .map(|(source, _)| source)
        .collect();
    assert_eq!(differing, DEVIATIONS, "{}", differing.join("\n"));
    say("parser", vectors.len());
}

#[test]
fn the_trees_have_the_recorded_shape() {
    let files = [
        "eventExpressions",
        "expressions",
        "postludeStatements",
        "ruleset",
    ];
    let mut compared = 0;
    for vector in files
        .into_iter()
        .flat_map(vectors)
        .filter(|vector| vector["ok"] == true)
    {
        let source = vector["src"].as_str().unwrap();
        let expected = tree::without_places(&vector["ast"]);
        if let (Some(expression), []) = (parse_expression(source).0, &*parse_expression(source).1) {
            let expected = expected.as_array().map_or(&expected, |list| &list[0]);
            assert_eq!(&tree::expression(&expression), expected, "{source}");
            compared += 1;
        } else {
            compared += compare_rules(source, &expected["rules"]);
        }
    }
    say("trees", compared);
}

/// Compares the what wakes rules; says how many.
fn compare_rules(source: &str, expected: &Value) -> usize {
    let rules = parse_ruleset(source).complete().unwrap().rules;
    let mut compared = 0;
    for (rule, expected) in rules.iter().zip(expected.as_array().unwrap()) {
        let expected = &expected["select"];
        match rule.select.as_ref().map(|select| &select.kind) {
            Some(SelectKind::When(event)) => {
                assert_eq!(tree::event(event), expected["event"], "{source}");
            }
            Some(SelectKind::Where(condition)) => {
                assert_eq!(
                    tree::expression(condition),
                    expected["expression"],
                    "{source}"
                );
            }
            None => continue,
        }
        compared += 1;
    }
    compared
}

#[test]
fn what_is_accepted_is_printed_and_accepted_again() {
    let files = [
        "errors",
        "eventExpressions",
        "expressions",
        "postludeStatements",
        "ruleset",
    ];
    for vector in files.into_iter().flat_map(vectors) {
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
    let diagnostics = if source.trim_start().starts_with("ruleset") {
        parse_ruleset(source).diagnostics
    } else {
        parse_expression(source).1
    };
    for diagnostic in &diagnostics {
        assert!(render(diagnostic, source, "vector").contains(diagnostic.code));
    }
    diagnostics.is_empty()
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

/// Sources of which we judge otherwise, each with its reason.
const DEVIATIONS: [&str; 3] = [
    // In 2012 a ruleset's id could be a number.
    "ruleset 1 {}",
    // In 2012 a block of actions needed no `every`.
    "ruleset a{rule r1{select when foo bar if foo == 2 then {\n  one => blah(1)\n  two => blah(2)\n}}}",
    // In 2012 `choose` without an expression took one of its actions by chance.
    "ruleset a{rule r1{select when foo bar if foo == 2 then choose { noop() }}}",
];
