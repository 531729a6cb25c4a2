//! Words that may have been meant.

use super::Parser;
use crate::diagnostic::Diagnostic;

impl Parser<'_> {
    /// Adds to a diagnostic which of some words may have been meant by the one that is next, unless
    /// help is there already.
    pub(super) fn suggest(&self, diagnostic: Diagnostic, words: &[&str]) -> Diagnostic {
        let near = self.word(0).and_then(|word| nearest(word, words));
        match near {
            Some(near) if diagnostic.help.is_none() => {
                diagnostic.help(format!("did you mean `{near}`?"))
            }
            _ => diagnostic,
        }
    }
}

/// The words of the language in a text, which are between backticks.
pub(super) fn quoted_words(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()))
        .collect()
}

/// The word that differs least from what is written, if it differs by a slip only.
fn nearest<'w>(written: &str, words: &[&'w str]) -> Option<&'w str> {
    if written.len() > WORD_BYTES_MAX {
        return None;
    }
    let near = words
        .iter()
        .map(|word| (distance(written, word), *word))
        .filter(|(slips, word)| *slips > 0 && *slips <= 1 + word.len() / 6);
    near.min().map(|(_, word)| word)
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour to get from
/// one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, &letter) in from.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, &other) in to.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let replaced = at(&last, column) + usize::from(letter != other);
            let shorter = at(&last, column + 1).saturating_add(1);
            let longer = at(&next, column).saturating_add(1);
            let swapped = swapped(from, to, row, column).then(|| at(&before_last, column - 1));
            let swapped = swapped.map_or(usize::MAX, |slips| slips.saturating_add(1));
            next.push(replaced.min(shorter).min(longer).min(swapped));
        }
        before_last = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

/// Whether the letters that end at two places are each other's neighbours swapped.
fn swapped(from: &[u8], to: &[u8], row: usize, column: usize) -> bool {
    let pair = |word: &[u8], end: usize| {
        let start = end.checked_sub(1)?;
        Some((word.get(start).copied()?, word.get(end).copied()?))
    };
    pair(from, row).zip(pair(to, column)).is_some_and(
        |((first, second), (other_first, other_second))| {
            first == other_second && second == other_first
        },
    )
}

/// Bytes of a word for which others are sought.
const WORD_BYTES_MAX: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood() {
        let words = [
            "always", "fired", "foreach", "notfired", "pre", "select", "then",
        ];
        let check = |written, expected| assert_eq!(nearest(written, &words), expected);
        check("selct", Some("select"));
        check("slecet", Some("select"));
        check("sleect", Some("select"));
        check("Select", Some("select"));
        check("alwyas", Some("always"));
        check("per", Some("pre"));
        check("the", Some("then"));
        check("noop", None);
        check("nofired", Some("notfired"));
        check("select", None);
        check("x", None);
    }
}
