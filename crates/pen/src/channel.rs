//! Inboxes of a PEN and what they let in.

use std::net::IpAddr;

use stratus_capability::Rate;
use stratus_event::{Eci, Fault, Name, PenId, Whose};

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
    /// For whom its ECI is enough. The policy holds for her as for everybody.
    pub bearer: Bearer,
    /// The parent or the child that alone may use it, from within this node; none of other
    /// channels. It comes and goes with the child.
    pub family: Option<PenId>,
    /// How fast events may come in by a door of the node; none is without limit. What a partner
    /// sends is held to the rate of its grant.
    pub rate: Option<Rate>,
}

/// For whom it is enough to know a channel's ECI, without any further proof, as it was with the
/// engines before: nobody, unless the owner makes a channel for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bearer {
    /// Whoever has the ECI, from wherever.
    Anywhere,
    /// Whoever has the ECI and is on this computer or in the private network around it.
    Nearby,
    /// Nobody.
    #[default]
    Nobody,
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

impl Channel {
    /// An open channel that lets in what the policy says, for nobody who only knows the ECI.
    pub fn new(eci: Eci, id: ChannelId, tags: Vec<Name>, policy: Policy) -> Self {
        Self {
            eci,
            id,
            tags,
            policy,
            generation: 0,
            open: true,
            bearer: Bearer::Nobody,
            family: None,
            rate: None,
        }
    }

    /// The channel for a parent or a child. It lets all in, because nobody else can use it.
    pub(crate) fn of_family(eci: Eci, id: ChannelId, tag: &str, family: PenId) -> Self {
        let tags = [SYSTEM, tag].into_iter().flat_map(Name::new);
        Self {
            family: Some(family),
            ..Self::new(eci, id, tags.collect(), Policy::any())
        }
    }

    /// Whether rules may change it and delete it: neither what the family talks by, nor what the
    /// engine made for the owner or for a partner.
    pub fn is_for_rules(&self) -> bool {
        self.family.is_none() && !self.tags.iter().any(Self::reserves)
    }

    /// Whether the engine knows its own channels by that tag.
    pub fn reserves(tag: &Name) -> bool {
        [OWNER, SUBSCRIPTION, SYSTEM].contains(&tag.as_str())
    }

    /// Whether it lets anything in: `channel-shut`.
    pub fn check_open(&self) -> Result<(), Fault> {
        if self.open {
            return Ok(());
        }
        let message = format!("the channel {} is shut", self.eci);
        Err(Fault::new(Whose::Caller, "channel-shut", message)
            .hint("open it again, or use another channel"))
    }

    /// Whether its policy lets that event in: `policy-refuses`.
    pub fn check_event(&self, domain: &Name, kind: &Name) -> Result<(), Fault> {
        if self.policy.permits_event(domain, kind) {
            return Ok(());
        }
        Err(self.refused(&format!("event {domain}:{kind}")))
    }

    /// Whether its policy lets that query in: `policy-refuses`.
    pub fn check_query(&self, rid: &Name, name: &Name) -> Result<(), Fault> {
        if self.policy.permits_query(rid, name) {
            return Ok(());
        }
        Err(self.refused(&format!("query {rid}/{name}")))
    }

    fn refused(&self, what: &str) -> Fault {
        let message = format!("the channel {} does not let in the {what}", self.eci);
        Fault::new(Whose::Caller, "policy-refuses", message)
            .hint("let it in by the channel's policy, or use another channel")
    }
}

impl Bearer {
    /// Whether the ECI is enough for one who asks from that address; none is an address that is
    /// not known, because a proxy stands before it.
    pub fn admits(self, from: Option<IpAddr>) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Nearby => from.is_some_and(|address| is_nearby(address.to_canonical())),
            Self::Nobody => false,
        }
    }
}

impl Policy {
    /// The policy that lets in all events and all queries.
    pub fn any() -> Self {
        let any = Rule {
            first: None,
            second: None,
        };
        Self {
            events_allowed: vec![any.clone()],
            queries_allowed: vec![any],
            ..Self::default()
        }
    }

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

/// Loopback, private use (RFC 1918, RFC 4193) and link-local (RFC 3927, RFC 4291).
fn is_nearby(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Denied before allowed, and denied by default.
fn permits(allowed: &[Rule], denied: &[Rule], first: &Name, second: &Name) -> bool {
    let covers = |rule: &Rule| rule.covers(first, second);
    !denied.iter().any(covers) && allowed.iter().any(covers)
}

/// The tag of the channels of the family, beside another.
pub const SYSTEM: &str = "system";

/// The tag of the channel that only the owner may use.
pub const OWNER: &str = "owner";

/// The tag of the channel of a partner.
pub const SUBSCRIPTION: &str = "subscription";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &str, nearby: bool) {
        let from = from.parse().ok();
        assert_eq!(Bearer::Nearby.admits(from), nearby, "{from:?}");
        assert!(Bearer::Anywhere.admits(from));
        assert!(!Bearer::Nobody.admits(from));
    }

    #[test]
    fn this_computer_and_private_networks_are_nearby() {
        check("127.0.0.1", true);
        check("127.8.8.8", true);
        check("10.1.2.3", true);
        check("172.16.0.1", true);
        check("172.32.0.1", false);
        check("192.168.1.20", true);
        check("169.254.1.1", true);
        check("192.0.2.1", false);
        check("100.64.0.1", false);
        check("0.0.0.0", false);
        check("::1", true);
        check("fd00::1", true);
        check("fe80::1", true);
        check("2001:db8::1", false);
        check("::ffff:192.168.1.20", true);
        check("::ffff:192.0.2.1", false);
        check("behind a proxy", false);
    }
}
