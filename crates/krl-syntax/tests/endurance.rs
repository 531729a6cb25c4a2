//! Sources by chance: the same few each time, or others for as long as `STRATUS_KRL_ENDURANCE_S`
//! says, in seconds.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test looks at the clock, reads its corpus from files and says how far it came"
)]

#[path = "common/random.rs"]
mod random;
#[path = "common/tree.rs"]
mod tree;

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use random::Random;
use stratus_krl_syntax::{Tree, format, parse_ruleset, print, render, tokenize};
use tree::without_spans;

/// Sources that are tried every time.
const ROUNDS: u64 = 2_000;

#[test]
fn sources_by_chance_break_no_promise() {
    let seconds = env::var("STRATUS_KRL_ENDURANCE_S").map_or(0, |text| text.parse().unwrap());
    let corpus = corpus();
    let start = Instant::now();
    let (mut round, mut right) = (0, 0);
    while round < ROUNDS || start.elapsed() < Duration::from_secs(seconds) {
        let mut random = Random(round);
        let mut source = corpus[random.below(corpus.len())].clone();
        for _ in 0..=random.below(2) {
            source = spliced(&source, &corpus[random.below(corpus.len())], &mut random);
        }
        right += u64::from(check(&source, round));
        round += 1;
    }
    println!("{round} sources in {seconds} s, {right} of them without errors");
}

/// Whether a source is without errors. Whatever it is, what is promised holds.
fn check(source: &str, round: u64) -> bool {
    let tree = Tree::parse(source);
    assert_eq!(tree.text(), source, "round {round}");
    let Ok(ruleset) = parse_ruleset(source).complete() else {
        assert!(format(source).is_err(), "round {round}");
        return false;
    };
    let shape = without_spans(&ruleset);
    let printed = print(&ruleset);
    assert_eq!(shape_of(&printed), shape, "round {round}, printed");
    let formatted = format(source).unwrap();
    assert_eq!(shape_of(&formatted), shape, "round {round}, formatted");
    assert_eq!(
        format(&formatted).as_ref(),
        Ok(&formatted),
        "round {round}\n{source}"
    );
    assert!(
        tree.comments().eq(Tree::parse(formatted).comments()),
        "round {round}"
    );
    true
}

/// The tree of a source that must be without errors, or else what is wrong with it.
fn shape_of(source: &str) -> String {
    let tree = parse_ruleset(source).complete();
    tree.map_or_else(
        |wrong| render(&wrong[0], source, "again"),
        |tree| without_spans(&tree),
    )
}

/// A source in which a few tokens are replaced by a few of another one.
fn spliced(source: &str, other: &str, random: &mut Random) -> String {
    let (start, end) = stretch(source, random);
    let (from, to) = stretch(other, random);
    std::format!("{}{}{}", &source[..start], &other[from..to], &source[end..])
}

/// Where a few tokens begin and end.
fn stretch(source: &str, random: &mut Random) -> (usize, usize) {
    let tokens = tokenize(source);
    let first = random.below(tokens.len());
    let last = (first + random.below(4)).min(tokens.len().saturating_sub(1));
    let start = tokens.get(first).map_or(0, |token| token.span.start);
    (start, tokens.get(last).map_or(0, |token| token.span.start))
}

fn corpus() -> Vec<String> {
    let mut sources = Vec::new();
    for folder in ["tests/own", "tests/krl"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).unwrap() {
            sources.push(fs::read_to_string(entry.unwrap().path()).unwrap());
        }
    }
    sources.sort();
    sources
}
