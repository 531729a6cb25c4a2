//! Many patterns over one text.

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use regex::Regex;
use regex_automata::{
    Input, MatchError, MatchKind,
    hybrid::dfa::{Cache, DFA, OverlappingState},
    nfa::thompson::{self, WhichCaptures},
    util::pool::Pool,
};

use crate::RulePlace;

/// A pattern and the rules that have it.
pub(super) type Searched = (Arc<Regex>, Vec<RulePlace>);

/// Patterns that tell nothing before they are run. Where there are many they are run all at once,
/// by one automaton that is made while it runs; where that is too large, one after the other.
#[derive(Debug, Default)]
pub(super) struct Search {
    together: Vec<Together>,
    alone: Vec<Searched>,
}

/// Patterns that one automaton looks for.
#[derive(Debug)]
struct Together {
    automaton: DFA,
    /// What of the automaton has been made; one for each thread that searches at the same time.
    caches: Pool<Cache, NewCache>,
    patterns: Vec<Searched>,
}

type NewCache = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// Fewer patterns than these are run one after the other.
const TOGETHER_MIN: usize = 8;

/// The bytes that the description of an automaton may take. Patterns that need more are run by
/// two of them, and so on.
const AUTOMATON_BYTES_MAX: usize = 8 << 20;

/// The bytes that a thread keeps of what it has made of an automaton. At the bound it begins
/// anew, and where that happens too often the patterns are run one after the other.
const MADE_BYTES_MAX: usize = 16 << 20;

/// After so many beginnings the automaton must have been worth it.
const BEGINNINGS_MIN: usize = 4;

/// It is worth it if so many bytes were read for each of its states.
const BYTES_PER_STATE_MIN: usize = 10;

impl Search {
    pub(super) fn new(patterns: Vec<Searched>) -> Self {
        let mut search = Self::default();
        search.add(patterns);
        search
    }

    fn add(&mut self, mut patterns: Vec<Searched>) {
        if patterns.len() < TOGETHER_MIN {
            self.alone.extend(patterns);
        } else if let Some(automaton) = automaton(&patterns) {
            self.together.push(Together::new(automaton, patterns));
        } else {
            let rest = patterns.split_off(patterns.len() / 2);
            self.add(patterns);
            self.add(rest);
        }
    }

    /// The rules whose patterns match, and perhaps some more.
    pub(super) fn collect(&self, text: &str, woken: &mut Vec<RulePlace>) {
        collect(&self.alone, text, woken);
        for together in &self.together {
            match together.found(text) {
                Ok(found) => {
                    let found = found.into_iter().filter_map(|at| together.patterns.get(at));
                    woken.extend(found.flat_map(|(_, rules)| rules));
                }
                Err(_) => collect(&together.patterns, text, woken),
            }
        }
    }
}

impl Together {
    fn new(automaton: DFA, patterns: Vec<Searched>) -> Self {
        let its = automaton.clone();
        let new: NewCache = Box::new(move || its.create_cache());
        Self {
            automaton,
            caches: Pool::new(new),
            patterns,
        }
    }

    /// The patterns that match. It fails if the automaton is not worth it for this text, or if
    /// the patterns match at more places than there are patterns.
    fn found(&self, text: &str) -> Result<Vec<usize>, MatchError> {
        let mut cache = self.caches.get();
        let input = Input::new(text);
        let mut state = OverlappingState::start();
        let mut found = Vec::new();
        loop {
            self.automaton
                .try_search_overlapping_fwd(&mut cache, &input, &mut state)?;
            let Some(place) = state.get_match() else {
                break;
            };
            if found.len() > self.patterns.len() {
                return Err(MatchError::gave_up(place.offset()));
            }
            found.push(place.pattern().as_usize());
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

fn collect(patterns: &[Searched], text: &str, woken: &mut Vec<RulePlace>) {
    for (pattern, rules) in patterns {
        if pattern.is_match(text) {
            woken.extend(rules);
        }
    }
}

/// None if it would be too large.
fn automaton(patterns: &[Searched]) -> Option<DFA> {
    let description = thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(AUTOMATON_BYTES_MAX));
    let config = DFA::config()
        .match_kind(MatchKind::All)
        .unicode_word_boundary(true)
        .cache_capacity(MADE_BYTES_MAX)
        .minimum_cache_clear_count(Some(BEGINNINGS_MIN))
        .minimum_bytes_per_state(Some(BYTES_PER_STATE_MIN));
    let texts: Vec<_> = patterns
        .iter()
        .map(|(pattern, _)| pattern.as_str())
        .collect();
    DFA::builder()
        .configure(config)
        .thompson(description)
        .build_many(&texts)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(patterns: &[String]) -> Search {
        let searched = |(rule, text): (usize, &String)| {
            let pattern = Arc::new(Regex::new(text).unwrap());
            (pattern, vec![RulePlace { ruleset: 0, rule }])
        };
        Search::new(patterns.iter().enumerate().map(searched).collect())
    }

    /// All that match are found, whatever else is.
    fn check(patterns: &[String], text: &str) {
        let mut woken = Vec::new();
        search(patterns).collect(text, &mut woken);
        let found: Vec<_> = woken.iter().map(|place| place.rule).collect();
        for (rule, pattern) in patterns.iter().enumerate() {
            let matches = Regex::new(pattern).unwrap().is_match(text);
            assert!(!matches || found.contains(&rule), "{pattern} on {text:?}");
        }
    }

    #[test]
    fn patterns_that_match_are_found() {
        let counted: Vec<_> = (0..200)
            .map(|count| format!("^[0-9]{{{count}}}$"))
            .collect();
        let anywhere: Vec<_> = ('a'..='z').map(|letter| format!("[{letter}0]x?")).collect();
        let words: Vec<_> = (1..20).map(|count| format!(r"\b\w{{{count}}}\b")).collect();
        for text in [
            "",
            "7",
            "1234567",
            "0x0ax",
            "zz top",
            "grüße an ä",
            "\u{1f980}",
        ] {
            check(&counted, text);
            check(&anywhere, text);
            check(&words, text);
        }
        check(&anywhere, &"0ax".repeat(500));
    }

    #[test]
    fn what_is_found_is_told_once() {
        let counted: Vec<_> = (0..200)
            .map(|count| format!("^[0-9]{{{count}}}$"))
            .collect();
        let mut woken = Vec::new();
        search(&counted).collect("1234567", &mut woken);
        assert_eq!(
            woken,
            [RulePlace {
                ruleset: 0,
                rule: 7
            }]
        );
    }

    #[test]
    fn patterns_too_large_for_one_automaton_are_divided() {
        let large: Vec<_> = (1..=40)
            .map(|count| format!(r"^\w{{{}}}$", 40 + count))
            .collect();
        let search = search(&large);
        assert!(
            search.together.len() + search.alone.len() > 1,
            "it is too small"
        );
        check(&large, &"ü".repeat(60));
        check(&large, &"u".repeat(60));
    }
}
