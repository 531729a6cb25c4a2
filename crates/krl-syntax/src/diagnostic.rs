//! What is wrong with a source, told to the person who wrote it.

use std::fmt::Write as _;

use crate::ast::Span;

/// A problem in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable: `krl-` and lower-case words joined by hyphens.
    pub code: &'static str,
    /// Whether it is in the way.
    pub severity: Severity,
    /// What is wrong, a lower-case fragment that fits after "error: ".
    pub title: String,
    /// The places concerned, each with what is to be said of it. The first is where the problem
    /// is; the others explain it.
    pub labels: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, title: impl Into<String>, span: Span) -> Self {
        let labels = vec![(span, String::new())];
        Self {
            code,
            severity: Severity::Error,
            title: title.into(),
            labels,
            help: None,
        }
    }

    /// The same, with something said of its place.
    #[must_use]
    pub fn here(mut self, said: impl Into<String>) -> Self {
        if let Some((_, label)) = self.labels.first_mut() {
            *label = said.into();
        }
        self
    }

    /// The same, with one more place that explains it.
    #[must_use]
    pub fn label(mut self, span: Span, said: impl Into<String>) -> Self {
        self.labels.push((span, said.into()));
        self
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Where the problem is.
    pub fn span(&self) -> Span {
        self.labels
            .first()
            .map(|(span, _)| *span)
            .unwrap_or_default()
    }
}

/// Whether a problem is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The ruleset cannot be used.
    Error,
    /// It can, but may not do what is meant.
    Warning,
}

/// The line and column of a byte offset, both counted from 1, columns in characters. An offset
/// behind the end is taken for the end.
pub fn line_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source
        .get(..floor_boundary(source, offset))
        .unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (
        line,
        before.get(line_start..).unwrap_or_default().chars().count() + 1,
    )
}

/// A problem as plain text: what it is, the source lines with carets under the places, and help.
/// `name` says which source it is, such as a file name. The text ends with a newline.
pub fn render(diagnostic: &Diagnostic, source: &str, name: &str) -> String {
    let mut text = head(diagnostic, source, name);
    let width = gutter_width(diagnostic, source);
    let _ = writeln!(text, "{:width$} |", "");
    for (span, said) in &diagnostic.labels {
        excerpt(&mut text, source, *span, said, width);
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(text, "{:width$} = help: {help}", "");
    }
    text
}

/// The two lines before the excerpts.
fn head(diagnostic: &Diagnostic, source: &str, name: &str) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let (line, column) = line_column(source, diagnostic.span().start);
    let width = gutter_width(diagnostic, source);
    let Diagnostic { code, title, .. } = diagnostic;
    format!(
        "{severity}[{code}]: {title}\n{:width$}--> {name}:{line}:{column}\n",
        ""
    )
}

/// How many columns the greatest line number takes.
fn gutter_width(diagnostic: &Diagnostic, source: &str) -> usize {
    let lines = diagnostic
        .labels
        .iter()
        .map(|(span, _)| line_column(source, span.start).0);
    lines.max().unwrap_or(1).to_string().len()
}

/// One source line with carets under the part that the span covers.
fn excerpt(text: &mut String, source: &str, span: Span, said: &str, width: usize) {
    let (number, column) = line_column(source, span.start);
    let line = line_at(source, span.start);
    let skipped = column.saturating_sub(EXCERPT_CHARACTERS_MAX / 2);
    let shown: String = line
        .chars()
        .skip(skipped)
        .take(EXCERPT_CHARACTERS_MAX)
        .collect();
    let before: String = shown
        .chars()
        .take(column - 1 - skipped)
        .map(blank)
        .collect();
    let covered = span
        .text(source)
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .count();
    let room = shown.chars().count().saturating_sub(before.chars().count());
    let carets = "^".repeat(covered.min(room).max(1));
    let shown: String = shown.chars().map(printable).collect();
    let _ = writeln!(text, "{number:width$} | {shown}");
    let _ = writeln!(
        text,
        "{}",
        format!("{:width$} | {before}{carets} {said}", "").trim_end()
    );
}

/// The line that a byte offset is in, without its end.
fn line_at(source: &str, offset: usize) -> &str {
    let offset = floor_boundary(source, offset);
    let (before, after) = source.split_at_checked(offset).unwrap_or((source, ""));
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let end = after
        .find('\n')
        .map_or(source.len(), |newline| offset + newline);
    source
        .get(start..end)
        .unwrap_or_default()
        .trim_end_matches('\r')
}

/// The last character boundary at or before an offset.
fn floor_boundary(source: &str, offset: usize) -> usize {
    let offset = offset.min(source.len());
    (0..=offset)
        .rev()
        .find(|index| source.is_char_boundary(*index))
        .unwrap_or(0)
}

/// What takes a character's place before a caret, so that both stand below each other.
fn blank(character: char) -> char {
    if character == '\t' { '\t' } else { ' ' }
}

/// A character that does nothing to a terminal.
fn printable(character: char) -> char {
    if character.is_control() && character != '\t' {
        '\u{fffd}'
    } else {
        character
    }
}

/// Characters of a source line that are shown; of a longer one, those around the problem.
const EXCERPT_CHARACTERS_MAX: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_from_one() {
        let check = |offset, expected| assert_eq!(line_column("ab\ncλe\n", offset), expected);
        check(0, (1, 1));
        check(2, (1, 3));
        check(3, (2, 1));
        check(6, (2, 3));
        check(5, (2, 2)); // Inside of λ.
        check(8, (3, 1));
        check(99, (3, 1));
    }

    #[test]
    fn a_problem_is_shown_with_its_places() {
        let source = "pre {\n\tent:c = 1\n}\n";
        let diagnostic = Diagnostic::error("krl-expected", "expected `:=`", Span::new(13, 14))
            .here("found `=`")
            .label(Span::new(4, 5), "in this block")
            .help("write `:=`");
        let expected = "error[krl-expected]: expected `:=`\n --> a.krl:2:8\n  |\n\
            2 | \tent:c = 1\n  | \t      ^ found `=`\n\
            1 | pre {\n  |     ^ in this block\n  = help: write `:=`\n";
        assert_eq!(render(&diagnostic, source, "a.krl"), expected);
    }

    #[test]
    fn control_characters_and_long_lines_are_tamed() {
        let source = format!("{}\u{1b}[31m{}", "a".repeat(1000), "b".repeat(1000));
        let text = render(
            &Diagnostic::error("krl-x", "x", Span::new(1000, 2004)),
            &source,
            "s",
        );
        assert!(!text.contains('\u{1b}'));
        assert!(text.lines().all(|line| line.chars().count() < 200));
    }
}
