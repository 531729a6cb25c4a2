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

use super::Woken;

/// A pattern and the rules that have it.
pub(super) type Searched = (Arc<Regex>, Vec<Woken>);

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
        Self::bounded(patterns, AUTOMATON_BYTES_MAX)
    }

    fn bounded(patterns: Vec<Searched>, automaton_bytes_max: usize) -> Self {
        let mut search = Self::default();
        search.add(patterns, automaton_bytes_max);
        search
    }

    fn add(&mut self, mut patterns: Vec<Searched>, bytes_max: usize) {
        if patterns.len() < TOGETHER_MIN {
            self.alone.extend(patterns);
        } else if let Some(automaton) = automaton(&patterns, bytes_max) {
            self.together.push(Together::new(automaton, patterns));
        } else {
            let rest = patterns.split_off(patterns.len() / 2);
            self.add(patterns, bytes_max);
            self.add(rest, bytes_max);
        }
    }

    /// The rules whose patterns match.
    pub(super) fn collect(&self, text: &str, woken: &mut Vec<Woken>) {
        collect(&self.alone, text, woken);
        for together in &self.together {
            if together.collect(text, woken).is_err() {
                collect(&together.patterns, text, woken);
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

    /// It fails if the automaton is not worth it for this text, or if the patterns match at more
    /// places than there are patterns.
    fn collect(&self, text: &str, woken: &mut Vec<Woken>) -> Result<(), MatchError> {
        let mut cache = self.caches.get();
        let input = Input::new(text);
        let mut state = OverlappingState::start();
        let mut last = None;
        for _ in 0..=self.patterns.len() {
            self.automaton
                .try_search_overlapping_fwd(&mut cache, &input, &mut state)?;
            let Some(found) = state.get_match() else {
                return Ok(());
            };
            let pattern = found.pattern();
            // One that matches at each of many places is found at each of them.
            if last.replace(pattern) != Some(pattern) {
                let rules = self.patterns.get(pattern.as_usize());
                woken.extend(rules.into_iter().flat_map(|(_, rules)| rules));
            }
        }
        Err(MatchError::gave_up(text.len()))
    }
}

fn collect(patterns: &[Searched], text: &str, woken: &mut Vec<Woken>) {
    for (pattern, rules) in patterns {
        if pattern.is_match(text) {
            woken.extend(rules);
        }
    }
}

/// None if it would be too large.
fn automaton(patterns: &[Searched], bytes_max: usize) -> Option<DFA> {
    let description = thompson::Config::new()
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(bytes_max));
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
    use crate::RulePlace;

    fn search(patterns: &[String], automaton_bytes_max: usize) -> Search {
        let searched = |(rule, text): (usize, &String)| {
            let pattern = Arc::new(Regex::new(text).unwrap());
            (pattern, vec![RulePlace { ruleset: 0, rule }.into()])
        };
        let patterns = patterns.iter().enumerate().map(searched);
        Search::bounded(patterns.collect(), automaton_bytes_max)
    }

    fn found(search: &Search, text: &str) -> Vec<usize> {
        let mut woken = Vec::new();
        search.collect(text, &mut woken);
        woken.into_iter().map(|woken| woken.place.rule).collect()
    }

    /// In so much room for an automaton all that match are found, and nothing else is.
    fn check(patterns: &[String], automaton_bytes_max: usize) {
        let search = search(patterns, automaton_bytes_max);
        let long = "0ax".repeat(100);
        for text in ["", "7", "1234567", "0x0ax", "zz top", "grüße an ä", &long] {
            let found = found(&search, text);
            for (rule, pattern) in patterns.iter().enumerate() {
                let matches = Regex::new(pattern).unwrap().is_match(text);
                assert_eq!(matches, found.contains(&rule), "{pattern} on {text:?}");
            }
        }
    }

    /// Digits of so many counts.
    fn counted() -> Vec<String> {
        let pattern = |count| format!("^[0-9]{{{count}}}$");
        (0..60).map(pattern).collect()
    }

    #[test]
    fn patterns_that_match_are_found() {
        let anywhere: Vec<_> = ('a'..='z').map(|letter| format!("[{letter}0]x?")).collect();
        let words: Vec<_> = (1..12)
            .map(|count| format!(r"\b[a-zü]{{{count}}}\b"))
            .collect();
        // What is empty matches between the bytes of a letter no more than elsewhere.
        let empty: Vec<_> = (0..12)
            .map(|count| format!(r"(?:é{{{count}}}|\B)$|(?-u:\B)(?:x{{{count}}})$"))
            .collect();
        for automaton_bytes_max in [0, 10_000, AUTOMATON_BYTES_MAX] {
            check(&counted(), automaton_bytes_max);
            check(&anywhere, automaton_bytes_max);
            check(&words, automaton_bytes_max);
            check(&empty, automaton_bytes_max);
        }
    }

    #[test]
    fn what_is_found_is_told_once() {
        let search = search(&counted(), AUTOMATON_BYTES_MAX);
        assert_eq!(search.together.len(), 1);
        assert_eq!(found(&search, "1234567"), [7]);
    }

    #[test]
    fn patterns_too_large_for_one_automaton_are_divided() {
        let search = search(&counted(), 20_000);
        assert!(
            search.together.len() > 1,
            "{} of them",
            search.together.len()
        );
        assert_eq!(found(&search, "1234567"), [7]);
    }
}
