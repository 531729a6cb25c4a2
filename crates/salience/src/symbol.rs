//! Which events a primitive is about.

use indexmap::Equivalent;
use stratus_event::{Event, Name};

/// Which events a primitive is about; none means any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    /// The event's domain.
    pub domain: Option<Name>,
    /// The event's type.
    pub kind: Option<Name>,
}

/// A symbol that is only looked up. It hashes as [`Symbol`] does.
#[derive(Hash)]
pub(crate) struct Sought<'a> {
    domain: Option<&'a str>,
    kind: Option<&'a str>,
}

impl Symbol {
    /// Whether it stands for the event.
    pub fn covers(&self, event: &Event) -> bool {
        self.domain
            .as_ref()
            .is_none_or(|domain| *domain == event.domain)
            && self.kind.as_ref().is_none_or(|kind| *kind == event.kind)
    }

    /// Which of [`covering`] it is one of.
    pub(crate) fn form(&self) -> usize {
        usize::from(self.domain.is_none()) * 2 + usize::from(self.kind.is_none())
    }
}

impl std::fmt::Display for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |name: &Option<Name>| name.as_ref().map_or("*".to_owned(), Name::to_string);
        write!(f, "{}:{}", text(&self.domain), text(&self.kind))
    }
}

impl Equivalent<Symbol> for Sought<'_> {
    fn equivalent(&self, symbol: &Symbol) -> bool {
        self.domain == symbol.domain.as_ref().map(Name::as_str)
            && self.kind == symbol.kind.as_ref().map(Name::as_str)
    }
}

/// The four symbols under which rules for this event may stand: itself and the wildcards.
pub(crate) fn covering(event: &Event) -> [Sought<'_>; 4] {
    let domain = Some(event.domain.as_str());
    let kind = Some(event.kind.as_str());
    [
        Sought { domain, kind },
        Sought { domain, kind: None },
        Sought { domain: None, kind },
        Sought {
            domain: None,
            kind: None,
        },
    ]
}
