//! What a pattern tells about the texts that it matches, without running it.

use regex_syntax::hir::{
    Hir, HirKind, Look,
    literal::{ExtractKind, Extractor, Seq},
};

use crate::Filter;

/// What a text must be for a filter to match it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// One of these.
    Equal(Texts),
    /// It must contain one of these, none of which is empty.
    Literal(Texts),
    /// There is no telling but by the pattern.
    Pattern,
    /// It must begin with one of these, none of which is empty.
    Prefix(Texts),
}

/// Some texts that a pattern tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    all: Vec<Box<[u8]>>,
    /// Whether the pattern wants nothing else.
    decide: bool,
}

impl Access {
    /// What can be told of the filter: one of these may be chosen. Never empty; that there is no
    /// telling is among them, unless all is told.
    pub(crate) fn of(filter: &Filter) -> Vec<Self> {
        let Ok(hir) = regex_syntax::parse(filter.pattern.as_str()) else {
            return vec![Self::Pattern];
        };
        let looks = hir.properties().look_set();
        let prefixes = Extractor::new().extract(&hir);
        if is_anchored(&hir)
            && prefixes.is_exact()
            && let Some(texts) = Texts::of(&prefixes, looks_at_ends(&hir))
        {
            return vec![Self::Equal(texts)];
        }
        if hir.properties().look_set_prefix().contains(Look::Start)
            && shortest(&prefixes) > 0
            && let Some(texts) =
                Texts::of(&prefixes, looks_at_ends(&hir) && !looks.contains(Look::End))
        {
            return vec![Self::Prefix(texts), Self::Pattern];
        }
        let suffixes = Extractor::new().kind(ExtractKind::Suffix).extract(&hir);
        let whole = [prefixes, suffixes].map(|texts| (texts, looks.is_empty()));
        let mut parts = Vec::new();
        inside(&hir, &mut parts);
        let parts = parts.into_iter().map(|texts| (texts, false));
        let sequences = whole.into_iter().chain(parts);
        let telling = sequences.filter(|(texts, _)| shortest(texts) > 0);
        let mut all: Vec<_> = telling
            .filter_map(|(texts, free)| Texts::of(&texts, free))
            .map(Self::Literal)
            .collect();
        all.dedup();
        all.push(Self::Pattern);
        all
    }

    /// The texts by which it stands in a table.
    pub(crate) fn texts(&self) -> &[Box<[u8]>] {
        match self {
            Self::Equal(texts) | Self::Literal(texts) | Self::Prefix(texts) => &texts.all,
            Self::Pattern => &[],
        }
    }

    /// Whether the filter matches each text that is so.
    pub(crate) fn decides(&self) -> bool {
        match self {
            Self::Equal(texts) | Self::Literal(texts) | Self::Prefix(texts) => texts.decide,
            Self::Pattern => true,
        }
    }
}

impl Texts {
    /// None if there is no end of them. They decide if `free`, and if nothing follows them.
    fn of(seq: &Seq, free: bool) -> Option<Self> {
        let literals = seq.literals()?.iter();
        Some(Self {
            all: literals.map(|literal| literal.as_bytes().into()).collect(),
            decide: free && seq.is_exact(),
        })
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

/// Whether it looks at what is around a place nowhere but, perhaps, at the ends of the text, where
/// it begins and ends.
fn looks_at_ends(hir: &Hir) -> bool {
    let HirKind::Concat(parts) = hir.kind() else {
        return hir.properties().look_set().is_empty();
    };
    let is = |part: &Hir, look| matches!(part.kind(), HirKind::Look(it) if *it == look);
    let last = parts.len().saturating_sub(1);
    parts.iter().enumerate().all(|(place, part)| {
        part.properties().look_set().is_empty()
            || (place == 0 && is(part, Look::Start))
            || (place == last && is(part, Look::End))
    })
}

fn shortest(literals: &Seq) -> usize {
    literals.min_literal_len().unwrap_or(0)
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
        let list = |texts: &Texts| {
            let all = texts.all.iter();
            let all: Vec<_> = all.map(|text| String::from_utf8_lossy(text)).collect();
            all.join(",") + if texts.decide { "!" } else { "" }
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
        check("^abc$", "= abc!");
        check("^(abc)$", "= abc!");
        check("^(?:on|off)$", "= on,off!");
        check("^$", "= !");
        check("(?i)^ab$", "= AB,Ab,aB,ab!");
        check("abc", "~ abc! | ?");
        check("^abc", "^ abc! | ?");
        check("^(?:abc|d)x+", "^ abcx,dx | ?");
        check("(?m)^abc$", "~ abc | ?");
        check("^abc$|de", "~ abc,de | ?");
        check(r"(.*)@example\.com$", "~ @example.com | ?");
        check("([ab]) no 7", "~ a no 7,b no 7! | ~ a,b | ~  no 7 | ?");
        check("(.*) of (.*)", "~  of  | ?");
        check("(.*)", "?");
        check(".", "?");
        check("a?", "?");
    }

    #[test]
    fn patterns_that_look_around_want_more_than_texts() {
        check(r"^a\bb$", "= ab");
        check("^a$b$", "= ab");
        check("^(?:a|^b)", "^ a,b | ?");
        check(r"^abc\b", "^ abc | ?");
        check("abc$", "~ abc | ?");
        check(r"\babc", "~ abc | ?");
    }
}
