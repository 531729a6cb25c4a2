//! Rulesets with one token wrong. Whether a mutant can be valid at all is judged by the tokens
//! alone, by rules that know nothing of the parser; those that cannot be must all be rejected.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test reads its corpus from files and says how many there were"
)]

#[path = "common/random.rs"]
mod random;

use std::{collections::BTreeMap, env, fs, path::Path};

use random::Random;
use stratus_krl_syntax::{TokenKind, parse_ruleset, tokenize};

#[test]
fn mutants_of_our_own_rulesets_are_rejected() {
    reject(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/own"),
        1_000,
    );
}

#[test]
fn mutants_of_public_rulesets_are_rejected() {
    let Ok(folder) = env::var("STRATUS_KRL_CORPUS") else {
        println!("mutants: skipped, STRATUS_KRL_CORPUS names no folder");
        return;
    };
    reject(Path::new(&folder), 3_000);
}

/// Makes that many mutants that cannot be valid, and sees them rejected.
fn reject(folder: &Path, number: usize) {
    let mut sources = Vec::new();
    collect(folder, &mut sources);
    sources.sort();
    sources.retain(|(_, source)| !parse_ruleset(source).has_errors());
    let mut random = Random(0x5eed);
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut accepted = Vec::new();
    while reasons.values().sum::<usize>() < number {
        let (name, source) = &sources[random.below(sources.len())];
        let mutant = Mutant::of(source, &mut random);
        let Some(reason) = mutant.fault() else {
            continue;
        };
        *reasons.entry(reason).or_default() += 1;
        if !parse_ruleset(&mutant.text()).has_errors() {
            accepted.push(format!("{name}: {reason}, {}", mutant.change));
        }
    }
    println!(
        "{}: {number} mutants, by what is wrong: {reasons:?}",
        folder.display()
    );
    assert!(
        accepted.is_empty(),
        "{}:\n{}",
        accepted.len(),
        accepted.join("\n")
    );
}

/// A source with one token deleted, inserted, replaced, or swapped with the next.
struct Mutant {
    tokens: Vec<(TokenKind, String)>,
    change: String,
}

impl Mutant {
    fn of(source: &str, random: &mut Random) -> Self {
        let tokens = tokenize(source).into_iter();
        let mut tokens: Vec<_> = tokens
            .map(|token| (token.kind, token.span.text(source).to_owned()))
            .collect();
        let places = places(&tokens);
        let at = places[random.below(places.len())];
        let old = tokens[at].1.clone();
        let other = places[random.below(places.len())];
        let new = match random.below(3) {
            0 => tokens[other].1.clone(),
            _ => WORDS[random.below(WORDS.len())].to_owned(),
        };
        let change = match random.below(6) {
            0 | 1 => {
                tokens[at].1 = String::from(" ");
                format!("`{old}` deleted")
            }
            2 => {
                tokens[at].1 = format!(" {old} {old} ");
                format!("`{old}` doubled")
            }
            3 => {
                tokens[at].1 = format!("{old} {new} ");
                format!("`{new}` put behind `{old}`")
            }
            4 => {
                tokens[at].1 = format!(" {new} ");
                format!("`{new}` for `{old}`")
            }
            _ => {
                let next = places
                    .iter()
                    .find(|place| **place > at)
                    .copied()
                    .unwrap_or(at);
                let (first, second) = (old.clone(), tokens[next].1.clone());
                tokens[at].1 = format!(" {second} ");
                tokens[next].1 = format!(" {first} ");
                format!("`{first}` and `{second}` swapped")
            }
        };
        let text: String = tokens.iter().map(|(_, text)| text.as_str()).collect();
        let tokens = tokenize(&text).into_iter();
        let tokens = tokens.map(|token| (token.kind, token.span.text(&text).to_owned()));
        let tokens = tokens.collect();
        Self { tokens, change }
    }

    fn text(&self) -> String {
        self.tokens.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Why this cannot be valid in either generation, if that is plain to see.
    fn fault(&self) -> Option<&'static str> {
        let outer: Vec<_> = outside_chevrons(&self.tokens)
            .into_iter()
            .map(|at| (self.tokens[at].0, self.tokens[at].1.as_str()))
            .collect();
        let meaning: Vec<_> = outer
            .into_iter()
            .filter(|(kind, _)| !kind.is_trivia())
            .collect();
        let illegal = |kind| kind == TokenKind::Illegal;
        if meaning.iter().any(|(kind, _)| illegal(*kind)) {
            return Some("illegal character");
        }
        let depths = depths(&meaning);
        let Some(depths) = depths else {
            return Some("brackets");
        };
        if meaning[0].1 != "ruleset" || !is_name(meaning[1]) && meaning[1].0 != TokenKind::Number {
            return Some("no ruleset or id");
        }
        let nameless = |window: [(TokenKind, &str); 4]| {
            let begins = matches!(window[0].1, "{" | "}" | ";") && window[1].1 == "rule";
            let named = matches!(window[2].0, TokenKind::Symbol | TokenKind::Number);
            begins && !(named && matches!(window[3].1, "{" | "is"))
        };
        let rules = meaning.windows(4).zip(depths.iter().skip(1));
        let mut rules = rules.filter(|(_, depth)| **depth == 1);
        if rules.any(|(window, _)| nameless([window[0], window[1], window[2], window[3]])) {
            return Some("no rule name");
        }
        let body = meaning.iter().position(|(_, text)| *text == "{").unwrap();
        windows(&meaning[body..])
            .find_map(|[first, second, third]| pair_fault(first, second, third))
    }
}

/// What is wrong with tokens beside each other, whatever stands around them.
fn pair_fault(
    first: (TokenKind, &str),
    second: (TokenKind, &str),
    third: (TokenKind, &str),
) -> Option<&'static str> {
    let literal = |(kind, _)| matches!(kind, TokenKind::Number | TokenKind::String);
    let operator = |(kind, text): (TokenKind, &str)| {
        kind == TokenKind::Punctuation && OPERATORS.contains(&text)
    };
    let open = |(_, text)| matches!(text, "(" | "[" | ",");
    let shut = |(_, text)| matches!(text, ")" | "]" | "," | ";" | "}");
    if literal(first) && literal(second) {
        Some("two literals")
    } else if operator(first) && (operator(second) || shut(second))
        || open(first) && operator(second)
    {
        Some("no operand")
    } else if open(first) && matches!(second.1, "," | ";") {
        Some("no element")
    } else if first.1 == "." && second.0 != TokenKind::Symbol {
        Some("no name after a point")
    } else if matches!(first.1, "function" | "defaction" | "setting") && second.1 != "(" {
        Some("no parameters")
    } else if second.1 == ":=" && first.0 != TokenKind::Symbol && !matches!(first.1, "}" | "]") {
        Some("nothing to assign to")
    } else if first.1 == "raise"
        && is_name(second)
        && second.1 != "event"
        && third.1 != "event"
        && !matches!(
            third.1,
            "=" | "(" | ":" | "," | ")" | ";" | "{" | "." | "=>"
        )
    {
        Some("no `event`")
    } else if first.1 == "{"
        && second.1 == "select"
        && is_name(third)
        && !matches!(third.1, "when" | "where" | "using" | "(" | ":" | "=>" | "=")
    {
        Some("no `when`")
    } else if operator(first) && third.1 == ":=" && second.0 == TokenKind::Symbol {
        Some("assignment to an operand")
    } else if matches!(first.1, "=" | ":=") && RESERVED.contains(&second.1) {
        Some("a word of the language for a value")
    } else if RESERVED.contains(&first.1) && matches!(second.1, "=" | ":=") {
        Some("a word of the language for a name")
    } else {
        None
    }
}

fn is_name((kind, _): (TokenKind, &str)) -> bool {
    kind == TokenKind::Symbol
}

fn windows<'t>(
    tokens: &'t [(TokenKind, &'t str)],
) -> impl Iterator<Item = [(TokenKind, &'t str); 3]> {
    tokens
        .windows(3)
        .map(|window| [window[0], window[1], window[2]])
}

/// How many brackets are open at each token; none if they do not come in pairs, or if they are all
/// closed before the end.
fn depths(tokens: &[(TokenKind, &str)]) -> Option<Vec<usize>> {
    let mut open = Vec::new();
    let mut depths = Vec::new();
    for (index, (kind, text)) in tokens.iter().enumerate() {
        let sign = if *kind == TokenKind::Punctuation {
            text
        } else {
            ""
        };
        match sign {
            "(" => open.push(")"),
            "[" => open.push("]"),
            "{" => open.push("}"),
            ")" | "]" | "}" if open.pop() != Some(sign) => return None,
            _ => {}
        }
        let last = index + 1 == tokens.len();
        if open.is_empty() && sign == "}" && !last || last && !open.is_empty() {
            return None;
        }
        depths.push(open.len());
    }
    Some(depths)
}

/// The indices of the tokens that mean something and stand in no chevron.
fn places(tokens: &[(TokenKind, String)]) -> Vec<usize> {
    let outer = outside_chevrons(tokens).into_iter();
    let chevron = |kind| matches!(kind, TokenKind::ChevronOpen | TokenKind::JavaScript);
    let places = outer.filter(|at| !tokens[*at].0.is_trivia() && !chevron(tokens[*at].0));
    places.collect()
}

/// The indices of the tokens outside of chevrons; of a chevron, that of its first.
fn outside_chevrons(tokens: &[(TokenKind, String)]) -> Vec<usize> {
    let mut open = 0_usize;
    let mut places = Vec::new();
    for (index, (kind, _)) in tokens.iter().enumerate() {
        if open == 0 {
            places.push(index);
        }
        match kind {
            TokenKind::ChevronOpen => open += 1,
            TokenKind::ChevronClose => open = open.saturating_sub(1),
            _ => {}
        }
    }
    places
}

fn collect(folder: &Path, sources: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "krl") {
            let source = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            sources.push((path.display().to_string(), source));
        }
    }
}

/// What is put in; with each, much can go wrong.
const WORDS: [&str; 30] = [
    "{", "}", "(", ")", "[", "]", ",", ";", ".", ":", ":=", "=", "=>", "==", "&&", "*", "~", "?",
    "rule", "select", "when", "then", "if", "function", "return", "setting", "null", "not", "1",
    "\"s\"",
];

/// Operators that need an operand on both sides.
const OPERATORS: [&str; 12] = [
    "*", "%", "==", "!=", "<=", ">=", "><", "<=>", "&&", "||", "=>", ":=",
];

/// Words that are neither a value nor a name.
const RESERVED: [&str; 1] = ["setting"];
