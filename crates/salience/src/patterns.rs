//! Patterns that rules have in common.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use regex::Regex;

/// The patterns of a node's rules, each compiled once, however many rulesets have it.
///
/// Patterns are told apart by their text, so whoever compiles them must do so in one way. The table
/// keeps no pattern alive: one goes with the last rule that has it, and the table holds at most
/// twice as many as there are, and [`FORGOTTEN_MAX`].
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    known: BTreeMap<Box<str>, Weak<Regex>>,
    /// How many there may be before those are looked for that are gone.
    sweep_at: usize,
}

/// Fewer patterns than these are not worth a look for those that are gone.
pub const FORGOTTEN_MAX: usize = 64;

impl Patterns {
    /// The pattern of that text; it is compiled if no rule has it yet.
    pub fn share<E>(
        &mut self,
        text: &str,
        compile: impl FnOnce(&str) -> Result<Regex, E>,
    ) -> Result<Arc<Regex>, E> {
        if let Some(known) = self.known.get(text).and_then(Weak::upgrade) {
            return Ok(known);
        }
        let pattern = Arc::new(compile(text)?);
        self.sweep();
        self.known.insert(text.into(), Arc::downgrade(&pattern));
        Ok(pattern)
    }

    fn sweep(&mut self) {
        if self.known.len() >= self.sweep_at {
            self.known.retain(|_, pattern| pattern.strong_count() > 0);
            self.sweep_at = 2 * self.known.len() + FORGOTTEN_MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_compiled_once_as_long_as_a_rule_has_it() {
        let mut patterns = Patterns::default();
        let mut compiled = 0;
        let mut share = |text: &str| {
            let compile = |text: &str| {
                compiled += 1;
                Regex::new(text)
            };
            (patterns.share(text, compile), compiled)
        };
        let (first, _) = share("a+");
        let (second, count) = share("a+");
        assert!(Arc::ptr_eq(first.as_ref().unwrap(), &second.unwrap()));
        assert_eq!(count, 1);
        assert!(share("(").0.is_err());
        drop(first);
        assert_eq!(share("a+").1, 3);
    }

    #[test]
    fn what_is_gone_leaves_the_table() {
        let mut patterns = Patterns::default();
        for number in 0..10 * FORGOTTEN_MAX {
            let text = format!("a{number}");
            assert!(patterns.share(&text, Regex::new).is_ok());
            assert!(patterns.known.len() <= FORGOTTEN_MAX);
        }
    }
}
