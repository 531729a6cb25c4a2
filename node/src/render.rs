//! Data for people: tables, one-line values, and what commands say besides.

use std::{
    fmt,
    io::{self, BufRead, IsTerminal, Write},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use stratus_api::shape::Object;
use stratus_event::{Fault, Timestamp, Whose};
use tracing_subscriber::fmt::{format::Writer, time::FormatTime};

use crate::exit::Failure;

/// Writes a line of data to stdout.
pub(crate) fn line(text: impl fmt::Display) -> Result<(), Failure> {
    Ok(writeln!(io::stdout().lock(), "{text}")?)
}

/// Says something to the person; nothing that a script would read.
pub(crate) fn talk(text: impl fmt::Display) {
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes data as indented JSON.
pub(crate) fn json(data: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string_pretty(data).map_err(io::Error::other)?)
}

/// Writes data as one line of JSON.
pub(crate) fn json_line(data: &impl Serialize) -> Result<(), Failure> {
    line(serde_json::to_string(data).map_err(io::Error::other)?)
}

/// Writes rows in columns under a heading; of no rows it only says what is missing.
pub(crate) fn table<const N: usize>(
    heading: [&str; N],
    rows: &[[String; N]],
    none: &str,
) -> Result<(), Failure> {
    if rows.is_empty() {
        talk(none);
        return Ok(());
    }
    let heading = heading.map(str::to_uppercase);
    for row in std::iter::once(&heading).chain(rows) {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = rows
                .iter()
                .chain([&heading])
                .map(|row| width(row, column))
                .max();
            let padding = width.unwrap_or(0).saturating_sub(cell.chars().count()) + 2;
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', padding));
        }
        line(text.trim_end())?;
    }
    Ok(())
}

fn width<const N: usize>(row: &[String; N], column: usize) -> usize {
    row.get(column).map_or(0, |cell| cell.chars().count())
}

/// Attributes in one line: `{"From":"+1555"}`, cut where it becomes too long to read.
pub(crate) fn attributes(attributes: &Object) -> String {
    let text = serde_json::Value::Object(attributes.clone()).to_string();
    match text.char_indices().nth(ATTRIBUTES_CHARACTERS_MAX) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}

/// Words separated by commas, or a dash.
pub(crate) fn words(words: &[String]) -> String {
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(", ")
    }
}

/// Asks before something that cannot be undone. A script says `--yes` beforehand.
pub(crate) fn confirm(what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let unconfirmed = unconfirmed(&format!("{what} Nobody confirmed it"));
        return Err(unconfirmed.hint("add --yes if you mean it").into());
    }
    let _ = write!(io::stderr().lock(), "{what} Go on? [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(unconfirmed("nothing was changed").into()),
    }
}

fn unconfirmed(message: &str) -> Fault {
    Fault::new(Whose::Caller, "not-confirmed", message)
}

/// The present time.
pub(crate) fn now() -> Timestamp {
    Timestamp(0)
        + SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
}

/// The time on lines of the log.
pub(crate) struct LogClock;

impl FormatTime for LogClock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", now())
    }
}

/// Longer attributes are cut in tables and journals; `--json` shows them whole.
const ATTRIBUTES_CHARACTERS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_attributes_are_cut_between_characters() {
        let object = Object::from_iter([("a".to_owned(), "é".repeat(500).into())]);
        let text = attributes(&object);
        assert_eq!(text.chars().count(), ATTRIBUTES_CHARACTERS_MAX + 1);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn what_nobody_confirms_is_not_done() {
        assert!(confirm("This is the end.", true).is_ok());
        assert_eq!(unconfirmed("nothing was changed").code, "not-confirmed");
    }
}
