//! CSS selectors: types, classes, ids, attributes, descendants, children, lists.

use super::markup::{Document, Element, decoded};
use crate::limit::{Failure, Meter};

/// A list of selectors; an element that one of them chooses is chosen.
///
/// All their compounds stand in one row. For each element there is a set of those that are reached:
/// the compound describes the element, and the one before it has been reached by the parent or an
/// ancestor. So all selectors together look at each element once.
#[derive(Debug, Default)]
pub(super) struct Selectors {
    compounds: Vec<Compound>,
}

/// What describes one element, such as `a.big[href]`.
#[derive(Debug)]
struct Compound {
    after: After,
    tests: Vec<Test>,
    is_last: bool,
}

/// Where the element is, seen from the one that the compound before describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// `>`
    Child,
    /// A space.
    Descendant,
    /// Anywhere: the selector begins here.
    Nothing,
}

#[derive(Debug)]
enum Test {
    /// `[name]`, `[name=value]`, `[name^=value]`…
    Attribute(String, Option<(Match, String)>),
    Class(String),
    Id(String),
    Type(String),
}

/// How the value of an attribute is compared.
#[derive(Clone, Copy, Debug)]
enum Match {
    Contains,
    Ends,
    Equals,
    Starts,
    Word,
}

impl Selectors {
    /// Reads a list; what is not understood is an error.
    pub(super) fn parse(written: &str) -> Result<Self, Failure> {
        let mut reader = Reader {
            rest: written.trim_ascii(),
            compounds: Vec::new(),
        };
        match reader.list() {
            Some(()) if reader.compounds.len() <= COMPOUNDS_MAX => Ok(Self {
                compounds: reader.compounds,
            }),
            Some(()) => Err(Failure::argument(format!(
                "a selector has more than {COMPOUNDS_MAX} parts"
            ))),
            None => {
                let near: String = reader.rest.chars().take(NEAR_CHARACTERS_MAX).collect();
                let near = if near.is_empty() { "its end" } else { &near };
                Err(Failure::argument(format!(
                    "this is no selector: it is not understood from {near} on"
                )))
            }
        }
    }

    /// The positions of the elements that are chosen, in the order of the document.
    pub(super) fn choose(
        &self,
        meter: &mut Meter,
        document: &Document<'_>,
    ) -> Result<Vec<usize>, Failure> {
        let mut chosen = Vec::new();
        // For each element what it reaches, and what it or an ancestor of it does.
        let mut reached: Vec<(u64, u64)> = Vec::new();
        for (position, element) in document.elements.iter().enumerate() {
            let parent = element.parent.and_then(|parent| reached.get(parent));
            let (by_parent, by_ancestors) = parent.copied().unwrap_or_default();
            meter.spend(1)?;
            let mut mine = 0;
            let mut is_chosen = false;
            for (place, compound) in self.compounds.iter().enumerate() {
                let before = (1_u64 << place) >> 1;
                let is_there = match compound.after {
                    After::Nothing => true,
                    After::Child => by_parent & before != 0,
                    After::Descendant => by_ancestors & before != 0,
                };
                if is_there && compound.describes(meter, document, element)? {
                    mine |= 1_u64 << place;
                    is_chosen |= compound.is_last;
                }
            }
            reached.push((mine, by_ancestors | mine));
            if is_chosen {
                chosen.push(position);
            }
        }
        meter.allocate(REACHED_BYTES.saturating_mul(reached.len() as u64))?;
        Ok(chosen)
    }
}

impl Compound {
    fn describes(
        &self,
        meter: &mut Meter,
        document: &Document<'_>,
        element: &Element<'_>,
    ) -> Result<bool, Failure> {
        for test in &self.tests {
            meter.spend_for(element.attributes.len())?;
            if !test.holds(meter, document, element)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Test {
    fn holds(
        &self,
        meter: &mut Meter,
        document: &Document<'_>,
        element: &Element<'_>,
    ) -> Result<bool, Failure> {
        let (name, wanted) = match self {
            Self::Type(name) => return Ok(name == "*" || document.is_same(element.name, name)),
            Self::Attribute(name, None) => (name.as_str(), None),
            Self::Attribute(name, Some((how, value))) => (name.as_str(), Some((*how, value))),
            Self::Class(class) => ("class", Some((Match::Word, class))),
            Self::Id(id) => ("id", Some((Match::Equals, id))),
        };
        let mut attributes = element.attributes.iter();
        let found = attributes.find(|(known, _)| document.is_same(known, name));
        let (Some((_, value)), Some((how, wanted))) = (found, wanted) else {
            return Ok(found.is_some());
        };
        meter.spend_for(value.len())?;
        Ok(how.holds(&decoded(value), wanted))
    }
}

impl Match {
    /// As in CSS, nothing contains, begins or ends with an empty text.
    fn holds(self, value: &str, wanted: &str) -> bool {
        match self {
            Self::Equals => value == wanted,
            _ if wanted.is_empty() => false,
            Self::Contains => value.contains(wanted),
            Self::Ends => value.ends_with(wanted),
            Self::Starts => value.starts_with(wanted),
            Self::Word => value.split_ascii_whitespace().any(|word| word == wanted),
        }
    }
}

/// Reads selectors; none where they are not understood, and `rest` is what is left then.
struct Reader<'s> {
    rest: &'s str,
    compounds: Vec<Compound>,
}

impl Reader<'_> {
    fn list(&mut self) -> Option<()> {
        loop {
            self.selector()?;
            self.space();
            if self.rest.is_empty() {
                return Some(());
            }
            self.take(',')?;
            self.space();
        }
    }

    fn selector(&mut self) -> Option<()> {
        let mut after = After::Nothing;
        loop {
            let tests = self.compound()?;
            self.compounds.push(Compound {
                after,
                tests,
                is_last: false,
            });
            let had_space = self.space();
            after = if self.take('>').is_some() {
                self.space();
                After::Child
            } else if had_space && !self.rest.is_empty() && !self.rest.starts_with(',') {
                After::Descendant
            } else {
                break;
            };
        }
        self.compounds.last_mut()?.is_last = true;
        Some(())
    }

    fn compound(&mut self) -> Option<Vec<Test>> {
        let mut tests = Vec::new();
        loop {
            let test = if self.take('.').is_some() {
                Test::Class(self.name()?)
            } else if self.take('#').is_some() {
                Test::Id(self.name()?)
            } else if self.take('[').is_some() {
                self.attribute()?
            } else if self.take('*').is_some() {
                Test::Type("*".to_owned())
            } else {
                Test::Type(self.name()?)
            };
            tests.push(test);
            if !self.rest.starts_with(['.', '#', '[']) {
                return Some(tests);
            }
        }
    }

    /// What stands behind a `[`.
    fn attribute(&mut self) -> Option<Test> {
        self.space();
        let name = self.name()?;
        self.space();
        if self.take(']').is_some() {
            return Some(Test::Attribute(name, None));
        }
        let how = match self.rest.chars().next()? {
            '*' => Match::Contains,
            '$' => Match::Ends,
            '^' => Match::Starts,
            '~' => Match::Word,
            _ => Match::Equals,
        };
        if !matches!(how, Match::Equals) {
            self.rest = self.rest.get(1..)?;
        }
        self.take('=')?;
        self.space();
        let value = self.value()?;
        self.space();
        self.take(']')?;
        Some(Test::Attribute(name, Some((how, value))))
    }

    /// In quotes, or up to the bracket.
    fn value(&mut self) -> Option<String> {
        for quote in ['"', '\''] {
            if let Some(quoted) = self.rest.strip_prefix(quote) {
                let (value, rest) = quoted.split_once(quote)?;
                self.rest = rest;
                return Some(value.to_owned());
            }
        }
        let end = self.rest.find(']')?;
        let (value, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(value.trim_ascii_end().to_owned())
    }

    fn name(&mut self) -> Option<String> {
        let stops = |character: char| {
            character.is_ascii()
                && !character.is_ascii_alphanumeric()
                && !matches!(character, '-' | '_')
        };
        let end = self.rest.find(stops).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).filter(|_| end > 0)?;
        self.rest = rest;
        Some(name.to_owned())
    }

    fn take(&mut self, character: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(character)?;
        Some(())
    }

    fn space(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_ascii_start();
        self.rest.len() < before
    }
}

/// Compounds of a list of selectors: bits of the set of those that are reached.
const COMPOUNDS_MAX: usize = 64;

/// Characters of a selector that an error shows.
const NEAR_CHARACTERS_MAX: usize = 40;

/// What is kept for an element while it is looked at.
const REACHED_BYTES: u64 = 16;
