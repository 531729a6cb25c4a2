//! What a pattern tells about the texts that it matches, without running it.

use regex_syntax::hir::{
    Hir, HirKind, Look,
    literal::{ExtractKind, Extractor, Seq},
};

use crate::Filter;

/// What a text must be for a filter to match it. That it is so does not mean that it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// One of these.
    Equal(Vec<Box<[u8]>>),
    /// It must contain one of these, none of which is empty.
    Literal(Vec<Box<[u8]>>),
    /// There is no telling but by the pattern.
    Pattern,
    /// It must begin with one of these, none of which is empty.
    Prefix(Vec<Box<[u8]>>),
}

impl Access {
    /// What can be told of the filter: one of these may be chosen. Never empty; that there is no
    /// telling is among them, unless all is told.
    pub(crate) fn of(filter: &Filter) -> Vec<Self> {
        let Ok(hir) = regex_syntax::parse(filter.pattern.as_str()) else {
            return vec![Self::Pattern];
        };
        let prefixes = Extractor::new().extract(&hir);
        if is_anchored(&hir)
            && prefixes.is_exact()
            && let Some(texts) = literals(&prefixes)
        {
            return vec![Self::Equal(texts)];
        }
        if hir.properties().look_set_prefix().contains(Look::Start)
            && shortest(&prefixes) > 0
            && let Some(texts) = literals(&prefixes)
        {
            return vec![Self::Prefix(texts), Self::Pattern];
        }
        let suffixes = Extractor::new().kind(ExtractKind::Suffix).extract(&hir);
        let mut sequences = vec![prefixes, suffixes];
        inside(&hir, &mut sequences);
        let telling = sequences.iter().filter(|texts| shortest(texts) > 0);
        let mut all: Vec<_> = telling.filter_map(literals).map(Self::Literal).collect();
        all.dedup();
        all.push(Self::Pattern);
        all
    }

    /// The texts by which it stands in a table.
    pub(crate) fn texts(&self) -> &[Box<[u8]>] {
        match self {
            Self::Equal(texts) | Self::Literal(texts) | Self::Prefix(texts) => texts,
            Self::Pattern => &[],
        }
    }
}

/// What each part of a sequence tells: all of them must match somewhere.
fn inside(hir: &Hir, sequences: &mut Vec<Seq>) {
    match hir.kind() {
        HirKind::Capture(capture) => inside(&capture.sub, sequences),
        HirKind::Concat(parts) => {
            for part in parts {
                sequences.push(Extractor::new().extract(part));
                inside(part, sequences);
            }
        }
        _ => {}
    }
}

/// Whether it can only match all of a text.
fn is_anchored(hir: &Hir) -> bool {
    let properties = hir.properties();
    properties.look_set_prefix().contains(Look::Start)
        && properties.look_set_suffix().contains(Look::End)
}

fn shortest(literals: &Seq) -> usize {
    literals.min_literal_len().unwrap_or(0)
}

fn literals(seq: &Seq) -> Option<Vec<Box<[u8]>>> {
    let literals = seq.literals()?.iter();
    Some(literals.map(|literal| literal.as_bytes().into()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;
    use stratus_event::Name;

    fn check(pattern: &str, expected: &str) {
        let filter = Filter {
            attribute: Name::new("n").unwrap(),
            pattern: Regex::new(pattern).unwrap().into(),
        };
        let list = |texts: &[Box<[u8]>]| {
            let texts: Vec<_> = texts
                .iter()
                .map(|text| String::from_utf8_lossy(text).into_owned())
                .collect();
            texts.join(",")
        };
        let show = |access: &Access| match access {
            Access::Equal(texts) => format!("= {}", list(texts)),
            Access::Literal(texts) => format!("~ {}", list(texts)),
            Access::Pattern => "?".into(),
            Access::Prefix(texts) => format!("^ {}", list(texts)),
        };
        let found: Vec<_> = Access::of(&filter).iter().map(show).collect();
        assert_eq!(found.join(" | "), expected, "{pattern}");
    }

    #[test]
    fn what_patterns_tell() {
        check("^abc$", "= abc");
        check("^(abc)$", "= abc");
        check("^(?:on|off)$", "= on,off");
        check("^$", "= ");
        check("(?i)^ab$", "= AB,Ab,aB,ab");
        check("abc", "~ abc | ?");
        check("^abc", "^ abc | ?");
        check("^(?:abc|d)x+", "^ abcx,dx | ?");
        check("(?m)^abc$", "~ abc | ?");
        check("^abc$|de", "~ abc,de | ?");
        check(r"(.*)@example\.com$", "~ @example.com | ?");
        check("([ab]) no 7", "~ a no 7,b no 7 | ~ a,b | ~  no 7 | ?");
        check("(.*) of (.*)", "~  of  | ?");
        check("(.*)", "?");
        check(".", "?");
        check("a?", "?");
    }
}
