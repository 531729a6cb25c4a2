//! What there is in a PEN.

use serde::{Deserialize, Serialize};
use stratus_engine::{InviteListing, Listing, SubscriptionListing};
use stratus_event::{Name, PenId};
use stratus_pen::{Rule, language};
use utoipa::ToSchema;

use super::{Legacy, Rate, Ruleset, answer::texts};

/// `GET /api/v1/pen`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Pen {
    /// The PEN's id.
    pub id: String,
    /// Its channels.
    pub channels: Vec<Channel>,
    /// Its rulesets, in install order.
    pub rulesets: Vec<Ruleset>,
    /// Its subscriptions.
    pub subscriptions: Vec<Subscription>,
    /// Invites that can still be used.
    pub invites: Vec<Invite>,
    /// Events to come.
    pub timers: Vec<Timer>,
    /// Whose child it is.
    #[serde(default)]
    pub parent: Option<String>,
    /// Its children, in the order in which they were made.
    #[serde(default)]
    pub children: Vec<String>,
}

impl Pen {
    pub(crate) fn new(id: PenId, listing: Listing) -> Self {
        Self {
            id: id.to_string(),
            channels: listing.channels.iter().map(Channel::new).collect(),
            rulesets: listing
                .rulesets
                .iter()
                .zip(listing.installed)
                .map(|(ruleset, (_, listed))| Ruleset::new(ruleset, listed))
                .chain(listing.broken.into_iter().map(Ruleset::broken))
                .collect(),
            subscriptions: listing
                .subscriptions
                .into_iter()
                .map(Subscription::new)
                .collect(),
            invites: listing.invites.into_iter().map(Invite::new).collect(),
            timers: listing.timers.iter().map(Timer::new).collect(),
            parent: listing.parent.map(|parent| parent.to_string()),
            children: listing.children.iter().map(ToString::to_string).collect(),
        }
    }
}

/// An inbox of the PEN.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// Its address.
    pub eci: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// A shut channel lets nothing in.
    pub open: bool,
    /// Counted up to end all grants of the channel at once.
    pub generation: u32,
    /// Events that may come in.
    pub events: Vec<String>,
    /// Events that may not, whatever is allowed.
    pub events_denied: Vec<String>,
    /// Queries that may be asked.
    pub queries: Vec<String>,
    /// Queries that may not, whatever is allowed.
    pub queries_denied: Vec<String>,
    /// For whom its ECI is enough.
    #[serde(default)]
    pub legacy: Legacy,
    /// How fast events may come in, if there is a limit.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// The parent or the child that alone may use it, from within the node.
    #[serde(default)]
    pub family: Option<String>,
}

impl Channel {
    pub(crate) fn new(channel: &stratus_pen::Channel) -> Self {
        Self {
            eci: channel.eci.to_string(),
            tags: texts(&channel.tags),
            open: channel.open,
            generation: channel.generation,
            events: rules(&channel.policy.events_allowed),
            events_denied: rules(&channel.policy.events_denied),
            queries: rules(&channel.policy.queries_allowed),
            queries_denied: rules(&channel.policy.queries_denied),
            legacy: Legacy::new(channel.bearer),
            rate: channel.rate.and_then(Rate::new),
            family: channel.family.map(|pen| pen.to_string()),
        }
    }
}

/// A subscription.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Subscription {
    /// Its id, the same at both ends.
    pub id: String,
    /// What the partner is called here.
    pub name: String,
    /// `pending`, `established` or `ended`.
    pub state: String,
    /// The part that this PEN plays.
    pub role_mine: String,
    /// The part that the partner plays.
    pub role_theirs: String,
    /// The partner's node.
    pub node: String,
    /// My channel: what the partner sends comes in here.
    pub rx: String,
    /// The partner's channel, once it is known.
    pub tx: Option<String>,
    /// Events that wait for the partner's node.
    pub waiting: u64,
    /// Since when the first of them waits.
    pub waiting_since: Option<String>,
}

impl Subscription {
    fn new(subscription: SubscriptionListing) -> Self {
        Self {
            id: subscription.id.to_string(),
            name: subscription.name,
            state: subscription.state.to_owned(),
            role_mine: subscription.role_mine,
            role_theirs: subscription.role_theirs,
            node: subscription.node.to_string(),
            rx: subscription.rx.to_string(),
            tx: subscription.tx.map(|eci| eci.to_string()),
            waiting: subscription.waiting,
            waiting_since: subscription.waiting_since.map(|time| time.to_string()),
        }
    }
}

/// An invite that can still be used.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invite {
    /// Its id.
    pub id: String,
    /// What the partner is to be called.
    pub name: String,
    /// The part that the partner will play.
    pub role_theirs: String,
    /// When it ends.
    pub expires: String,
    /// How often it can still be used.
    pub uses_left: u32,
}

impl Invite {
    fn new(invite: InviteListing) -> Self {
        Self {
            id: hexadecimal(invite.id),
            name: invite.name,
            role_theirs: invite.role_theirs,
            expires: invite.expires.to_string(),
            uses_left: invite.uses_left,
        }
    }
}

/// An event to come.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Timer {
    /// Its id.
    pub id: String,
    /// The ruleset that set it.
    pub rid: String,
    /// When it goes off next.
    pub at: String,
    /// The event that is raised then, `domain:type`.
    pub event: String,
    /// The cron expression by which it goes off again, if it does.
    pub repeat: Option<String>,
    /// The time zone of the cron expression.
    pub zone: Option<String>,
}

impl Timer {
    fn new(timer: &language::Timer) -> Self {
        let repeat = timer.repeat.as_ref();
        Self {
            id: timer.id.to_string(),
            rid: timer.rid.to_string(),
            at: timer.at.to_string(),
            event: format!("{}:{}", timer.raise.domain, timer.raise.kind),
            repeat: repeat.map(|cron| cron.expression().to_owned()),
            zone: repeat.map(|cron| cron.zone().to_owned()),
        }
    }
}

/// Sixteen bytes as text, as [`crate::input::id`] reads them.
pub(crate) fn hexadecimal(id: [u8; 16]) -> String {
    stratus_event::EventId(id).to_string()
}

fn rules(rules: &[Rule]) -> Vec<String> {
    let half = |name: &Option<Name>| name.as_ref().map_or("*".to_owned(), ToString::to_string);
    rules
        .iter()
        .map(|rule| format!("{}:{}", half(&rule.first), half(&rule.second)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{id, rule};

    #[test]
    fn policies_and_ids_are_written_as_they_are_read() {
        for text in ["*:*", "twilio:*", "*:inquiry", "schedule:inquiry"] {
            assert_eq!(rules(&[rule(text).unwrap()]), [text]);
        }
        assert_eq!(id(&hexadecimal([171; 16])), Ok([171; 16]));
    }
}
