//! Inboxes of a PEN and what they let in.

use stratus_event::{Eci, Name};

/// An inbox of a PEN with its own key.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// The channel's public key.
    pub eci: Eci,
    /// The random id from which, with the PEN's seed, the channel's key pair is derived.
    pub id: ChannelId,
    /// Words by which the owner and her rulesets find the channel.
    pub tags: Vec<Name>,
    /// What it lets in.
    pub policy: Policy,
    /// Counted up to end all grants of the channel at once.
    pub generation: u32,
    /// A shut channel lets nothing in.
    pub open: bool,
}

/// The random part from which a channel's key is derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub [u8; 16]);

/// What a channel lets in. A new policy lets in nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Events that may come in.
    pub events_allowed: Vec<Rule>,
    /// Events that may not, whatever is allowed.
    pub events_denied: Vec<Rule>,
    /// Queries that may be asked: the first half is the ruleset, the second the query's name.
    pub queries_allowed: Vec<Rule>,
    /// Queries that may not, whatever is allowed.
    pub queries_denied: Vec<Rule>,
}

/// One line of a policy: two names, each of which may be any (`*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Domain of the event, or ruleset of the query; none is any.
    pub first: Option<Name>,
    /// Type of the event, or name of the query; none is any.
    pub second: Option<Name>,
}

impl Policy {
    /// Whether an event of that symbol may come in.
    pub fn permits_event(&self, domain: &Name, kind: &Name) -> bool {
        permits(&self.events_allowed, &self.events_denied, domain, kind)
    }

    /// Whether that query may be asked.
    pub fn permits_query(&self, rid: &Name, name: &Name) -> bool {
        permits(&self.queries_allowed, &self.queries_denied, rid, name)
    }
}

impl Rule {
    fn covers(&self, first: &Name, second: &Name) -> bool {
        let fits = |mine: &Option<Name>, theirs| mine.as_ref().is_none_or(|name| name == theirs);
        fits(&self.first, first) && fits(&self.second, second)
    }
}

/// Denied before allowed, and denied by default.
fn permits(allowed: &[Rule], denied: &[Rule], first: &Name, second: &Name) -> bool {
    let covers = |rule: &Rule| rule.covers(first, second);
    !denied.iter().any(covers) && allowed.iter().any(covers)
}
