//! The text of a path.

use std::sync::Arc;

use super::{Comparison, Filter, Selector, Step};
use crate::{limit::Failure, value::Value};

/// The steps of a path such as `$.store..book[?(@.price < 10)].title`.
pub(super) fn parse(path: &str) -> Result<Vec<Step>, Failure> {
    let mut reader = Reader {
        path,
        rest: path.trim(),
    };
    reader.take("$");
    let mut steps = Vec::new();
    // A path may leave the `$.` out.
    if !reader.rest.is_empty() && !reader.rest.starts_with(['.', '[']) {
        steps.push(reader.name()?);
    }
    while !reader.rest.is_empty() {
        if steps.len() >= STEPS_MAX {
            let message = format!("a path has {STEPS_MAX} steps at most");
            return Err(Failure::argument(message));
        }
        if reader.take("..") {
            steps.push(Step::Descend);
            if !reader.rest.starts_with('[') {
                steps.push(reader.name()?);
            }
        } else if reader.take("[") {
            steps.push(reader.brackets()?);
        } else if reader.take(".") {
            // `.[0]` is `[0]`.
            if !reader.rest.starts_with('[') {
                steps.push(reader.name()?);
            }
        } else {
            return Err(reader.unexpected());
        }
    }
    Ok(steps)
}

/// What of a path is still to be read.
struct Reader<'p> {
    path: &'p str,
    rest: &'p str,
}

impl Reader<'_> {
    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), Failure> {
        self.blanks();
        if self.take(text) {
            return Ok(());
        }
        Err(self.unexpected())
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// A name behind a dot, in which `\.` is a dot, or `*`.
    fn name(&mut self) -> Result<Step, Failure> {
        if self.take("*") {
            return Ok(Step::Select(vec![Selector::All]));
        }
        let mut name = String::new();
        let mut letters = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
                '.' | '[' => {
                    end = at;
                    break;
                }
                other => name.push(other),
            }
        }
        if name.is_empty() {
            return Err(self.unexpected());
        }
        self.rest = self.rest.get(end..).unwrap_or_default();
        Ok(Step::Select(vec![Selector::Key(name.as_str().into())]))
    }

    fn brackets(&mut self) -> Result<Step, Failure> {
        let mut selectors = vec![self.selector()?];
        self.blanks();
        while self.take(",") {
            selectors.push(self.selector()?);
            self.blanks();
        }
        self.expect("]")?;
        Ok(Step::Select(selectors))
    }

    fn selector(&mut self) -> Result<Selector, Failure> {
        self.blanks();
        if self.take("*") {
            return Ok(Selector::All);
        }
        if self.take("?") {
            return self.filter().map(Selector::Filter);
        }
        if let Some(key) = self.quoted()? {
            return Ok(Selector::Key(key));
        }
        let until = |letter: char| matches!(letter, ',' | ']');
        let end = self.rest.find(until).unwrap_or(self.rest.len());
        let (word, _) = self.rest.split_at(end);
        let selector = selector(word.trim()).ok_or_else(|| self.unexpected())?;
        self.rest = self.rest.get(end..).unwrap_or_default();
        Ok(selector)
    }

    /// `(@.price < 10)`; the brackets may be left out.
    fn filter(&mut self) -> Result<Filter, Failure> {
        self.blanks();
        let in_brackets = self.take("(");
        self.expect("@")?;
        let place = self.place()?;
        self.blanks();
        let comparison = COMPARISONS
            .iter()
            .find(|(sign, _)| self.take(sign))
            .map(|(_, comparison)| *comparison);
        let test = match comparison {
            None => None,
            Some(comparison) => Some((comparison, self.operand()?)),
        };
        if in_brackets {
            self.expect(")")?;
        }
        Ok(Filter { place, test })
    }

    fn place(&mut self) -> Result<Vec<Arc<str>>, Failure> {
        let mut place = Vec::new();
        loop {
            if self.take(".") {
                let is_name = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
                let end = self.rest.find(|letter| !is_name(letter));
                let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                if name.is_empty() {
                    return Err(self.unexpected());
                }
                place.push(name.into());
                self.rest = rest;
            } else if self.take("[") {
                let key = match self.quoted()? {
                    Some(key) => key,
                    None => self.digits()?,
                };
                place.push(key);
                self.expect("]")?;
            } else {
                return Ok(place);
            }
        }
    }

    fn digits(&mut self) -> Result<Arc<str>, Failure> {
        let end = self.rest.find(']').ok_or_else(|| self.unexpected())?;
        let (digits, rest) = self.rest.split_at(end);
        if digits.trim().parse::<i64>().is_err() {
            return Err(self.unexpected());
        }
        self.rest = rest;
        Ok(digits.trim().into())
    }

    /// What a place is compared with: a number, a quoted text, or a word.
    fn operand(&mut self) -> Result<Value, Failure> {
        self.blanks();
        if let Some(text) = self.quoted()? {
            return Ok(Value::Text(text));
        }
        let end = self.rest.find([')', ']']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let word = word.trim();
        Ok(match word {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            "null" => Value::Null,
            word => word
                .parse()
                .map_or_else(|_| Value::Text(word.into()), Value::number),
        })
    }

    /// A text in single or double quotes, if one is next.
    fn quoted(&mut self) -> Result<Option<Arc<str>>, Failure> {
        let Some(quote) = self
            .rest
            .chars()
            .next()
            .filter(|next| "'\"".contains(*next))
        else {
            return Ok(None);
        };
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return Ok(Some(text.into()));
            }
            match letter {
                '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
                other => text.push(other),
            }
        }
        Err(self.unexpected())
    }

    fn unexpected(&self) -> Failure {
        let place = self.path.chars().count() - self.rest.chars().count() + 1;
        Failure::argument(format!(
            "\"{}\" is no path: it cannot go on like this at character {place}",
            self.path
        ))
    }
}

/// A position, a name without quotes, or a slice such as `-2:`.
fn selector(word: &str) -> Option<Selector> {
    if word.is_empty() {
        return None;
    }
    if !word.contains(':') {
        return Some(Selector::Key(word.into()));
    }
    let mut parts = word.split(':').map(str::trim);
    let mut next = || match parts.next() {
        None | Some("") => Some(None),
        Some(digits) => digits
            .parse::<i32>()
            .ok()
            .map(|number| Some(f64::from(number))),
    };
    let (from, to, step) = (next()?, next()?, next()?);
    parts.next().is_none().then_some(())?;
    Some(Selector::Slice(from, to, step.unwrap_or(1.0)))
}

/// Longer ones before those that they begin with.
const COMPARISONS: &[(&str, Comparison)] = &[
    ("><", Comparison::Contains),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("eq ", Comparison::Equal),
    ("ne ", Comparison::NotEqual),
    ("neq ", Comparison::NotEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Steps of one path.
const STEPS_MAX: usize = 64;
