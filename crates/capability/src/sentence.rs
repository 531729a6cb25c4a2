//! A grant in words.

use stratus_event::{Name, Timestamp};

use crate::{Limit, Match, Permit, Rate, Terms};

/// Such as "may send schedule:inquiry, at most 20 at once and 60 a minute, until 2026-12-01".
///
/// The words are for a person who decides; names and texts come from elsewhere, so whatever could
/// disguise them (control characters, changes of writing direction) is shown escaped.
pub(crate) fn sentence(terms: &Terms) -> String {
    let permits = terms.scope.permits();
    let sends = permits
        .iter()
        .filter(|permit| permit.raise)
        .map(|permit| permit_words(permit, ":"));
    let asks = permits
        .iter()
        .filter(|permit| permit.query)
        .map(|permit| permit_words(permit, "/"));
    let parts = [
        joined("send ", sends.collect()),
        joined("ask ", asks.collect()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let (what, expires) = (parts.join(", and "), date(terms.expires));
    let Rate { burst, per_minute } = terms.rate;
    format!("may {what}, at most {burst} at once and {per_minute} a minute, until {expires}")
}

/// "send a, b and c", unless there is nothing.
fn joined(verb: &str, mut words: Vec<String>) -> Option<String> {
    let last = words.pop()?;
    if words.is_empty() {
        return Some(format!("{verb}{last}"));
    }
    Some(format!("{verb}{} and {last}", words.join(", ")))
}

fn permit_words(permit: &Permit, between: &str) -> String {
    let symbol = match (&permit.domain, &permit.kind) {
        (Match::Any, Match::Any) => "anything".to_owned(),
        (domain, kind) => format!("{}{between}{}", match_words(domain), match_words(kind)),
    };
    if permit.limits.is_empty() {
        return symbol;
    }
    let limits = permit
        .limits
        .iter()
        .map(|(name, limit)| limit_words(name, limit));
    format!("{symbol} (if {})", limits.collect::<Vec<_>>().join(" and "))
}

fn match_words(name: &Match) -> String {
    match name {
        Match::Any => "*".to_owned(),
        Match::Exactly(name) => name_words(name),
    }
}

/// A name, in quotes and escaped if it has characters that the sentence itself uses.
fn name_words(name: &Name) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
    let name = name.as_str();
    if name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("{name:?}")
    }
}

fn limit_words(name: &Name, limit: &Limit) -> String {
    let name = name_words(name);
    match limit {
        Limit::Exact(text) => format!("{name} is {text:?}"),
        Limit::Prefix(start) => format!("{name} begins with {start:?}"),
        Limit::Set(texts) => {
            let texts: Vec<_> = texts.iter().map(|text| format!("{text:?}")).collect();
            format!("{name} is one of {}", texts.join(", "))
        }
        Limit::Range { min, max } => format!("{name} is a whole number from {min} to {max}"),
        Limit::Length { bytes_max } => format!("{name} is a text of at most {bytes_max} bytes"),
        Limit::Present => format!("{name} is given"),
    }
}

/// The day, and the time unless it is midnight (UTC).
fn date(seconds: u64) -> String {
    let milliseconds = i64::try_from(seconds)
        .unwrap_or(i64::MAX)
        .saturating_mul(1000);
    let text = Timestamp(milliseconds).to_string();
    match text.split_once('T') {
        Some((day, "00:00:00.000Z")) => day.to_owned(),
        Some((day, time)) => format!("{day} {} UTC", time.get(..5).unwrap_or(time)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GrantId, HolderKey, Scope};

    fn check(permits: Vec<Permit>, expires: u64, expected: &str) {
        let terms = Terms {
            id: GrantId([0; 16]),
            holder: HolderKey([0; 32]),
            scope: Scope::new(permits).unwrap(),
            issued: 0,
            expires,
            rate: Rate {
                burst: 20,
                per_minute: 60,
            },
            event_bytes_max: 65536,
            generation: 0,
            depth: 0,
        };
        assert_eq!(sentence(&terms), expected);
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn event(domain: &str, kind: &str) -> Permit {
        Permit::event(name(domain).into(), name(kind).into())
    }

    const DECEMBER: u64 = 1_796_083_200;

    #[test]
    fn says_what_is_permitted() {
        check(
            vec![event("schedule", "inquiry")],
            DECEMBER,
            "may send schedule:inquiry, at most 20 at once and 60 a minute, until 2026-12-01",
        );
        check(
            vec![
                event("a", "b"),
                event("a", "c"),
                Permit::event(Match::Any, name("d").into()),
            ],
            DECEMBER + 3661,
            "may send a:b, a:c and *:d, at most 20 at once and 60 a minute, until 2026-12-01 01:01 UTC",
        );
        check(
            vec![event("*", "a,b")],
            DECEMBER,
            "may send \"*\":\"a,b\", at most 20 at once and 60 a minute, until 2026-12-01",
        );
        check(
            vec![Permit {
                raise: false,
                query: true,
                ..event("calendar", "free")
            }],
            DECEMBER,
            "may ask calendar/free, at most 20 at once and 60 a minute, until 2026-12-01",
        );
        check(
            vec![Permit {
                query: true,
                ..Permit::event(Match::Any, Match::Any)
            }],
            DECEMBER,
            "may send anything, and ask anything, at most 20 at once and 60 a minute, \
             until 2026-12-01",
        );
    }

    #[test]
    fn says_what_limits_there_are() {
        let limits = [
            ("code", Limit::Range { min: 0, max: 99 }),
            ("from", Limit::Prefix("+1".into())),
            ("kind", Limit::Set(vec!["a".into(), "b\u{202e}".into()])),
            ("message", Limit::Length { bytes_max: 160 }),
            ("to", Limit::Present),
            ("where", Limit::Exact("TMCB\n".into())),
        ];
        let limits = limits
            .into_iter()
            .map(|(attribute, limit)| (name(attribute), limit))
            .collect();
        check(
            vec![Permit {
                limits,
                ..event("schedule", "in\u{202e}quiry")
            }],
            DECEMBER,
            "may send schedule:\"in\\u{202e}quiry\" (if code is a whole number from 0 to 99 and from \
             begins with \"+1\" and kind is one of \"a\", \"b\\u{202e}\" and message is a text of \
             at most 160 bytes and to is given and where is \"TMCB\\n\"), at most 20 at once and \
             60 a minute, until 2026-12-01",
        );
    }
}
