//! Content lines (RFC 5545, section 3.1): `NAME;PARAMETER=value:value`, folded.

use std::borrow::Cow;

use stratus_event::Fault;

/// One unfolded line.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    /// Where it begins, counted from 1.
    pub(super) number: usize,
    /// In capitals.
    pub(super) name: String,
    /// Names in capitals; quotes taken off.
    parameters: Vec<(String, String)>,
    pub(super) value: Cow<'a, str>,
}

impl Line<'_> {
    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The text that the value stands for (section 3.3.11).
    pub(super) fn text(&self) -> String {
        texts(&self.value, None).concat()
    }

    /// The texts that the value lists.
    pub(super) fn list(&self) -> Vec<String> {
        texts(&self.value, Some(','))
    }

    /// That this line cannot be read.
    pub(super) fn malformed(&self, reason: &str) -> Fault {
        super::malformed(self.number, &format!("{}: {reason}", self.name))
    }

    /// A fault that says which line it is about.
    pub(super) fn at(&self, fault: Fault) -> Fault {
        Fault {
            message: format!("line {} of the calendar: {}", self.number, fault.message),
            ..fault
        }
    }
}

/// All lines but the empty ones. A line that begins with a space or a tab goes on with the line
/// before; the ends may be CR LF or LF.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Result<Line<'_>, Fault>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut physical = text.lines().zip(1..).peekable();
    let unfolded = std::iter::from_fn(move || {
        let (first, number) = physical.next()?;
        let mut whole = Cow::Borrowed(first);
        while let Some((next, _)) = physical.next_if(|(next, _)| next.starts_with([' ', '\t'])) {
            whole.to_mut().push_str(&next[1..]);
        }
        Some((whole, number))
    });
    unfolded
        .filter(|(line, _)| !line.trim().is_empty())
        .map(|(line, number)| parse(line, number))
}

fn parse(line: Cow<'_, str>, number: usize) -> Result<Line<'_>, Fault> {
    let (head, value) = split(&line)
        .ok_or_else(|| super::malformed(number, "it has no colon between a name and a value"))?;
    let mut parts = parts(head, ';');
    let name = parts.next().unwrap_or_default().to_ascii_uppercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.is_empty() || !name.chars().all(fits) {
        return Err(super::malformed(number, "it does not begin with a name"));
    }
    let parameters = parts.filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        Some((name.to_ascii_uppercase(), value.replace('"', "")))
    });
    let parameters = parameters.collect();
    let start = line.len() - value.len();
    let value = match line {
        Cow::Borrowed(line) => Cow::Borrowed(&line[start..]),
        Cow::Owned(line) => Cow::Owned(line[start..].to_owned()),
    };
    Ok(Line {
        number,
        name,
        parameters,
        value,
    })
}

/// At the first colon that is not in quotes.
fn split(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let colon = line.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    Some((&line[..colon], &line[colon + 1..]))
}

/// The parts between separators that are not in quotes.
fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

/// Takes the backslashes out, and splits where the separator stands without one.
fn texts(value: &str, separator: Option<char>) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        let meant = match character {
            '\\' => match characters.next() {
                Some('n' | 'N') => '\n',
                Some(other) => other,
                None => '\\',
            },
            separating if Some(separating) == separator => {
                texts.push(String::new());
                continue;
            }
            other => other,
        };
        if let Some(text) = texts.last_mut() {
            text.push(meant);
        }
    }
    texts
}
