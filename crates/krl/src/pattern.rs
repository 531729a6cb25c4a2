//! Regular expressions, in the dialect that KRL's rulesets are written in.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use regex::{Regex, RegexBuilder};
use stratus_salience::Patterns;

use crate::limit::Failure;

/// The memory that one compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 18;

/// The memory of a compiled pattern for which a byte of text is counted once.
const WEIGHT_BYTES: usize = 512;

/// The longest pattern that is compiled, in bytes.
const PATTERN_SOURCE_BYTES_MAX: usize = 10_000;

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    source: String,
    flags: String,
    regex: Arc<Regex>,
    weight: OnceLock<usize>,
}

impl Pattern {
    /// Compiles a pattern with flags out of `g`, `i` and `m`.
    pub(crate) fn new(source: &str, flags: &str) -> Result<Self, Failure> {
        Self::shared(source, flags, &mut Patterns::default())
    }

    /// The same, unless one of these is it already.
    pub(crate) fn shared(
        source: &str,
        flags: &str,
        patterns: &mut Patterns,
    ) -> Result<Self, Failure> {
        if source.len() > PATTERN_SOURCE_BYTES_MAX {
            return Err(invalid(
                source,
                &format!("longer than {PATTERN_SOURCE_BYTES_MAX} bytes"),
            ));
        }
        let regex = patterns
            .share(&with_flags(&translate(source), flags), |pattern| {
                compiled(pattern, PATTERN_BYTES_MAX)
            })
            .map_err(|error| invalid(source, &last_line(&error.to_string())))?;
        Ok(Self {
            source: source.to_owned(),
            flags: flags.to_owned(),
            regex,
            weight: OnceLock::new(),
        })
    }

    pub(crate) fn regex(&self) -> &Arc<Regex> {
        &self.regex
    }

    /// Whether it stands for all matches (`g`), not only the first.
    pub(crate) fn is_global(&self) -> bool {
        self.flags.contains('g')
    }

    /// What its search of one byte is counted as. A text may be made so that a search has to keep
    /// track of all the states of a pattern at each byte; so this grows with what it takes to
    /// compile it.
    pub(crate) fn weight(&self) -> usize {
        *self.weight.get_or_init(|| {
            let pattern = self.regex.as_str();
            let mut limits = (12..).step_by(2).map(|power| 1 << power);
            let fits =
                |limit: &usize| *limit >= PATTERN_BYTES_MAX || compiled(pattern, *limit).is_ok();
            limits.find(fits).unwrap_or(PATTERN_BYTES_MAX) / WEIGHT_BYTES
        })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.flags == other.flags
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "re#{}#{}", self.source, self.flags)
    }
}

fn compiled(pattern: &str, limit: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .size_limit(limit)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build()
}

fn invalid(source: &str, why: &str) -> Failure {
    let shown: String = source.chars().take(60).collect();
    Failure::new(
        "krl-pattern-invalid",
        format!("the pattern re#{shown}# is not understood: {why}"),
    )
}

fn last_line(text: &str) -> String {
    text.lines()
        .last()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned()
}

/// The pattern with its flags in its text, where whoever reads a regex finds them.
fn with_flags(pattern: &str, flags: &str) -> String {
    let flags: String = "im".chars().filter(|flag| flags.contains(*flag)).collect();
    if flags.is_empty() {
        pattern.to_owned()
    } else {
        format!("(?{flags}){pattern}")
    }
}

/// Rewrites ECMAScript's dialect into that of the `regex` crate, where the two read the same
/// characters differently: `\d`, `\w` and `\b` mean ASCII; `[`, `&&`, `--` and `~~` are ordinary
/// within a class; a brace that counts nothing is ordinary; a dot excludes every line end. What has
/// no counterpart (look-around, back-references) stays and is refused there.
fn translate(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 16);
    let mut rest = source;
    let mut in_class = false;
    while let Some(character) = rest.chars().next() {
        let taken = match character {
            '\\' => translate_escape(rest, in_class, &mut out),
            '[' if !in_class => {
                in_class = true;
                translate_class_start(rest, &mut in_class, &mut out)
            }
            ']' if in_class => {
                in_class = false;
                copy(character, &mut out)
            }
            '[' | '&' | '~' if in_class => escape(character, &mut out),
            '.' if !in_class => replace(r"[^\n\r\x{2028}\x{2029}]", &mut out),
            '{' if !in_class && !counts(rest) => escape(character, &mut out),
            _ => copy(character, &mut out),
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

fn copy(character: char, out: &mut String) -> usize {
    out.push(character);
    character.len_utf8()
}

fn escape(character: char, out: &mut String) -> usize {
    out.push('\\');
    copy(character, out)
}

fn replace(text: &str, out: &mut String) -> usize {
    out.push_str(text);
    1
}

fn translate_escape(rest: &str, in_class: bool, out: &mut String) -> usize {
    let Some(escaped) = rest.chars().nth(1) else {
        return copy('\\', out);
    };
    match escaped {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[A-Za-z0-9_]"),
        'W' => out.push_str("[^A-Za-z0-9_]"),
        'b' if in_class => out.push_str(r"\x08"),
        'b' => out.push_str(r"(?-u:\b)"),
        'B' => out.push_str(r"(?-u:\B)"),
        '0' => out.push_str(r"\x00"),
        _ => {
            out.push('\\');
            out.push(escaped);
        }
    }
    1 + escaped.len_utf8()
}

/// `[]` matches nothing and `[^]` anything.
fn translate_class_start(rest: &str, in_class: &mut bool, out: &mut String) -> usize {
    let (text, taken, open) = if rest.starts_with("[^]") {
        ("(?s:.)", 3, false)
    } else if rest.starts_with("[]") {
        (r"[^\s\S]", 2, false)
    } else if rest.starts_with("[^") {
        ("[^", 2, true)
    } else {
        ("[", 1, true)
    };
    *in_class = open;
    out.push_str(text);
    taken
}

/// Whether a brace begins a repetition such as `{2}`, `{2,}` or `{2,3}`.
fn counts(rest: &str) -> bool {
    let Some((inside, _)) = rest.get(1..).and_then(|rest| rest.split_once('}')) else {
        return false;
    };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, flags: &str, text: &str, expected: bool) {
        let pattern = Pattern::new(source, flags).unwrap();
        assert_eq!(
            pattern.regex().is_match(text),
            expected,
            "{pattern} on {text:?}"
        );
    }

    #[test]
    fn reads_the_ecmascript_dialect() {
        check(r"^\d+$", "", "42", true);
        check(r"^\d+$", "", "٤٢", false);
        check(r"^[\w-]+$", "", "on-call_2", true);
        check(r"a{", "", "a{", true);
        check(r"^a{2,3}$", "", "aaa", true);
        check(r"[[]", "", "[", true);
        check(r"[a&&b]", "", "&", true);
        check(r"[]", "", "a", false);
        check(r"[^]", "", "\n", true);
        check(r"^a.b$", "", "a\rb", false);
        check(r"\/support\/(\d+)", "", "/support/7", true);
        check("yes", "i", "YES", true);
        check("^b", "m", "a\nb", true);
        check(r"\bon\b", "", "i am on call", true);
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        let refused = |source: &str| Pattern::new(source, "").unwrap_err().code();
        assert_eq!(refused("(?=a)"), "krl-pattern-invalid");
        assert_eq!(refused(r"(a)\1"), "krl-pattern-invalid");
        assert_eq!(refused("("), "krl-pattern-invalid");
        assert_eq!(refused(&"a{1000}".repeat(40)), "krl-pattern-invalid");
        assert_eq!(refused(&"a".repeat(20_000)), "krl-pattern-invalid");
    }
}
