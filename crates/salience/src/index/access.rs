//! What a pattern tells about the texts that it matches, without running it.

use regex_syntax::hir::{
    Hir, Look,
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
}

impl Access {
    /// What can be told of the filter.
    pub(crate) fn of(filter: &Filter) -> Self {
        let Ok(hir) = regex_syntax::parse(filter.pattern.as_str()) else {
            return Self::Pattern;
        };
        let prefixes = Extractor::new().extract(&hir);
        if is_anchored(&hir) && prefixes.is_exact() {
            return literals(&prefixes).map_or(Self::Pattern, Self::Equal);
        }
        let suffixes = Extractor::new().kind(ExtractKind::Suffix).extract(&hir);
        let better = if selectivity(&suffixes) > selectivity(&prefixes) {
            suffixes
        } else {
            prefixes
        };
        if selectivity(&better) == 0 {
            return Self::Pattern;
        }
        literals(&better).map_or(Self::Pattern, Self::Literal)
    }

    /// How much it tells: the greater, the fewer texts come into question.
    pub(crate) fn selectivity(&self) -> usize {
        let shortest = |texts: &[Box<[u8]>]| texts.iter().map(|text| text.len()).min();
        match self {
            Self::Equal(_) => usize::MAX,
            Self::Literal(texts) => shortest(texts).unwrap_or(0),
            Self::Pattern => 0,
        }
    }
}

/// Whether it can only match all of a text.
fn is_anchored(hir: &Hir) -> bool {
    let properties = hir.properties();
    properties.look_set_prefix().contains(Look::Start)
        && properties.look_set_suffix().contains(Look::End)
}

fn selectivity(literals: &Seq) -> usize {
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
            pattern: Regex::new(pattern).unwrap(),
        };
        let list = |texts: Vec<Box<[u8]>>| {
            let texts: Vec<_> = texts
                .iter()
                .map(|text| String::from_utf8_lossy(text).into_owned())
                .collect();
            texts.join(",")
        };
        let found = match Access::of(&filter) {
            Access::Equal(texts) => format!("= {}", list(texts)),
            Access::Literal(texts) => format!("~ {}", list(texts)),
            Access::Pattern => "?".into(),
        };
        assert_eq!(found, expected, "{pattern}");
    }

    #[test]
    fn what_patterns_tell() {
        check("^abc$", "= abc");
        check("^(abc)$", "= abc");
        check("^(?:on|off)$", "= on,off");
        check("^$", "= ");
        check("abc", "~ abc");
        check("^abc", "~ abc");
        check(r"(.*)@example\.com$", "~ @example.com");
        check(
            "order ([0-9]+)",
            "~ order 0,order 1,order 2,order 3,order 4,order 5,order 6,order 7,order 8,order 9",
        );
        check("(?i)^ab$", "= AB,Ab,aB,ab");
        check("(?m)^abc$", "~ abc");
        check("^abc$|de", "~ abc,de");
        check("(.*)", "?");
        check(".", "?");
        check("a?", "?");
    }
}
