//! What those who may command a node can ask of it.

use std::net::IpAddr;

use stratus_capability::Rate;
use stratus_event::{Eci, EventId, Fault, Map, Name, PenId, Timestamp, Value};
use stratus_pen::{
    Bearer, Channel, Permissions, Policy, Rule, Terms,
    language::{Directive, Timer},
};
use stratus_protocol::{NodeId, SubscriptionId};

use crate::{AccountCommand, AccountListing, Credential, Identity, Subject, Version};

/// Names a command so that its reply finds the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// A wish of the owner, or an event from a door of the node.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// About accounts; answered as each says.
    Account(AccountCommand),
    /// Shut, open or change a channel; answered by [`Reply::Channel`].
    ChangeChannel {
        /// In which PEN.
        pen: PenId,
        /// Which.
        eci: Eci,
        /// What is to be otherwise.
        change: Box<ChannelChange>,
    },
    /// Delete a channel that no subscription needs; answered by [`Reply::Done`].
    DeleteChannel {
        /// In which PEN.
        pen: PenId,
        /// Which.
        eci: Eci,
    },
    /// Make a PEN; answered by [`Reply::Pen`].
    CreatePen {
        /// What its owner calls it.
        name: String,
        /// Whose child it is to be.
        parent: Option<PenId>,
    },
    /// Delete a PEN with its descendants and all that belongs to them; answered by
    /// [`Reply::Done`] once nobody can reach it any more.
    DeletePen {
        /// Which.
        pen: PenId,
    },
    /// Install a ruleset, or replace the one of the same id; answered by [`Reply::Ruleset`].
    Install {
        /// In which PEN.
        pen: PenId,
        /// The program's text.
        source: String,
        /// The address that it was fetched from, if it was.
        from: Option<String>,
        /// What it is configured with; none leaves what it was.
        configuration: Option<Map>,
        /// What it may do beyond its PEN; none is what its text asks for. What it asks for by name
        /// must be among it (`permissions-needed`).
        permissions: Option<Box<Permissions>>,
    },
    /// Make an invite; answered by [`Reply::Invite`].
    Invite {
        /// For which PEN.
        pen: PenId,
        /// What the partner is called here.
        name: String,
        /// The part that this PEN plays.
        role_mine: String,
        /// The part that the partner plays.
        role_theirs: String,
        /// Events that the partner may send here.
        offered: Vec<(Name, Name)>,
        /// Events that the partner must let this PEN send.
        wanted: Vec<(Name, Name)>,
        /// When the invite ends.
        expires: Timestamp,
        /// How many may use it.
        uses_max: u32,
    },
    /// All there is of one sort; answered by [`Reply::Listing`].
    List {
        /// Of which PEN.
        pen: PenId,
    },
    /// Make a channel; answered by [`Reply::Channel`].
    MakeChannel {
        /// In which PEN.
        pen: PenId,
        /// How it is to be.
        wish: ChannelWish,
    },
    /// Use an invite; answered by [`Reply::Paired`] once both sides are done, or by
    /// [`Reply::PairingPending`] if the other side cannot be reached within the wait.
    Pair {
        /// For which PEN.
        pen: PenId,
        /// The invite's link.
        link: String,
        /// What the partner is called here; else the name that the invite gives.
        name: Option<String>,
        /// How long to wait before answering that it is pending.
        wait_ms: u64,
    },
    /// Ask a ruleset; answered by [`Reply::Value`].
    Query {
        /// In which PEN.
        pen: PenId,
        /// Which ruleset.
        rid: Name,
        /// Which of its shared functions.
        name: Name,
        /// With what.
        arguments: Map,
    },
    /// Ask a ruleset by a channel, whose policy has to let the query in; answered by
    /// [`Reply::Value`].
    QueryBy {
        /// By which channel. The channel says which PEN.
        channel: Eci,
        /// Through which door it came.
        door: Door,
        /// Which ruleset.
        rid: Name,
        /// Which of its shared functions.
        name: Name,
        /// With what.
        arguments: Map,
    },
    /// Raise an event; answered by [`Reply::Raised`].
    Raise {
        /// By which channel. The channel says which PEN.
        channel: Eci,
        /// Through which door it came.
        door: Door,
        /// The event's domain.
        domain: Name,
        /// The event's type.
        kind: Name,
        /// The event's attributes.
        attributes: Map,
        /// The sender's own id of the event; a second one with the same id is answered like the
        /// first and not raised again.
        external_id: Option<String>,
        /// When to answer.
        wait: Wait,
    },
    /// Give a PEN another name; answered by [`Reply::Done`].
    RenamePen {
        /// Which.
        pen: PenId,
        /// What its owner calls it from now on.
        name: String,
    },
    /// The node as a whole; answered by [`Reply::Status`].
    Status,
    /// Take a ruleset out; its variables go with it. Answered by [`Reply::Done`].
    Uninstall {
        /// From which PEN.
        pen: PenId,
        /// Which ruleset.
        rid: Name,
    },
    /// Bring the rulesets up to date that were fetched from an address; answered by
    /// [`Reply::Updated`].
    Update {
        /// In which PEN.
        pen: PenId,
        /// The address.
        from: String,
        /// The text that stands there now, or why there is none.
        text: Result<String, Fault>,
    },
    /// End a subscription, effective at once; answered by [`Reply::Done`].
    Unsubscribe {
        /// Of which PEN.
        pen: PenId,
        /// Which.
        subscription: SubscriptionId,
    },
    /// Withdraw an invite; answered by [`Reply::Done`].
    Withdraw {
        /// Of which PEN.
        pen: PenId,
        /// The invite's id.
        invite: [u8; 16],
    },
}

impl Command {
    /// What has to be in memory for it.
    pub(crate) fn subject(&self, listed_max: usize) -> Option<Subject> {
        match self {
            Self::Account(AccountCommand::Holds { channel, .. })
            | Self::QueryBy { channel, .. }
            | Self::Raise { channel, .. } => Some(Subject::Channel(*channel)),
            Self::Account(_) => None,
            Self::CreatePen { parent, .. } => parent.map(Subject::Pen),
            Self::ChangeChannel { pen, .. }
            | Self::DeleteChannel { pen, .. }
            | Self::DeletePen { pen }
            | Self::RenamePen { pen, .. }
            | Self::Install { pen, .. }
            | Self::Invite { pen, .. }
            | Self::List { pen }
            | Self::MakeChannel { pen, .. }
            | Self::Pair { pen, .. }
            | Self::Query { pen, .. }
            | Self::Uninstall { pen, .. }
            | Self::Update { pen, .. }
            | Self::Unsubscribe { pen, .. }
            | Self::Withdraw { pen, .. } => Some(Subject::Pen(*pen)),
            Self::Status => Some(Subject::Pens {
                after: None,
                most: listed_max,
            }),
        }
    }
}

/// How a new channel is to be. It lets in nothing but what is said here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelWish {
    /// Words to find it by.
    pub tags: Vec<Name>,
    /// What it lets in.
    pub policy: Policy,
    /// For whom its ECI is enough.
    pub bearer: Bearer,
    /// How fast events may come in by doors of the node.
    pub rate: Option<Rate>,
}

/// What is to be otherwise about a channel; what is none stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelChange {
    /// Words to find it by.
    pub tags: Option<Vec<Name>>,
    /// Events that may come in.
    pub events_allowed: Option<Vec<Rule>>,
    /// Events that may not, whatever is allowed.
    pub events_denied: Option<Vec<Rule>>,
    /// Queries that may be asked.
    pub queries_allowed: Option<Vec<Rule>>,
    /// Queries that may not, whatever is allowed.
    pub queries_denied: Option<Vec<Rule>>,
    /// For whom its ECI is enough.
    pub bearer: Option<Bearer>,
    /// How fast events may come in by doors of the node; within, none is without limit.
    pub rate: Option<Option<Rate>>,
    /// A shut channel lets nothing in.
    pub open: Option<bool>,
}

/// Through which door an event or a query came to the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// Somebody who shows nothing but the channel's ECI.
    Bearer {
        /// The address of her computer; none if a proxy stands before it.
        from: Option<IpAddr>,
    },
    /// The owner, by command line or dashboard.
    Owner,
    /// A service that signed its request, such as `twilio`.
    Service(Name),
}

/// When to answer a raised event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// As soon as it is durable.
    Accepted,
    /// When its outcome is durable.
    Outcome,
}

/// The answer to a command. It waits until what it says is durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// An account, as it is now.
    Account(AccountListing),
    /// All accounts, by name.
    Accounts(Vec<AccountListing>),
    /// A channel was made.
    Channel(Channel),
    /// What lets somebody in, by the hash of its secret.
    Credentials(Vec<([u8; 32], Credential)>),
    /// It is done.
    Done,
    /// Who asks.
    Identity(Box<Identity>),
    /// An invite was made.
    Invite {
        /// Its id, by which it can be withdrawn.
        id: [u8; 16],
        /// What to give to the partner.
        link: String,
        /// What it grants, in a sentence.
        sentence: String,
    },
    /// What there is.
    Listing(Box<Listing>),
    /// Both sides are subscribed.
    Paired {
        /// The subscription.
        subscription: SubscriptionId,
        /// What was granted, in a sentence.
        sentence: String,
    },
    /// The other side cannot be reached yet; the node goes on trying.
    PairingPending {
        /// The subscription that will be.
        subscription: SubscriptionId,
    },
    /// The hash of a password, if there is one.
    Password(Option<String>),
    /// A PEN was made.
    Pen(PenId),
    /// An event was taken.
    Raised {
        /// Its id.
        event: EventId,
        /// Its place in the PEN's journal.
        position: u64,
        /// What its rules answered, if waited for.
        directives: Vec<Directive>,
        /// It had come before; nothing was raised again.
        duplicate: bool,
    },
    /// A ruleset was installed.
    Ruleset {
        /// Its id.
        rid: Name,
        /// Its rules.
        rules: Vec<Name>,
        /// There was one before.
        replaced: bool,
        /// The hash of its text.
        hash: [u8; 32],
        /// What it may do beyond its PEN from now on.
        permissions: Permissions,
    },
    /// The node as a whole.
    Status {
        /// Who it is.
        node: NodeId,
        /// Where it can be reached.
        addresses: Vec<String>,
        /// The first of the PENs it hosts.
        pens: Vec<PenListing>,
        /// The nodes it has a stream with.
        connected: Vec<NodeId>,
    },
    /// Rulesets were brought up to date.
    Updated(Updated),
    /// What a query answered.
    Value(Value),
}

/// What came of bringing rulesets up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// Those that have another text now.
    pub changed: Vec<Name>,
    /// Those that keep the text that they had, and why.
    pub failed: Vec<(Name, Fault)>,
    /// Those whose text is the same.
    pub unchanged: Vec<Name>,
}

/// A PEN in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PenListing {
    /// Its id.
    pub id: PenId,
    /// What its owner calls it.
    pub name: String,
    /// Whose child it is; none if it is the first of its family.
    pub parent: Option<PenId>,
}

/// What there is in a PEN.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// Channels, in the order of their ECIs.
    pub channels: Vec<Channel>,
    /// Rulesets in install order: id, names of rules, names of queries.
    pub rulesets: Vec<(Name, Vec<Name>, Vec<Name>)>,
    /// On which terms they are installed, and the texts that they had; the same order.
    pub installed: Vec<(Name, RulesetListing)>,
    /// Rulesets that are installed and do nothing, because this version's compiler refuses them.
    pub broken: Vec<(Name, Fault)>,
    /// Subscriptions.
    pub subscriptions: Vec<SubscriptionListing>,
    /// Open invites: id, name, role of the partner, end, uses left.
    pub invites: Vec<InviteListing>,
    /// Timers that have not gone off, or go off again.
    pub timers: Vec<Timer>,
    /// Whose child it is.
    pub parent: Option<PenId>,
    /// Its children, in the order in which they were made.
    pub children: Vec<PenId>,
}

/// How a ruleset is installed, in a listing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RulesetListing {
    /// What it is configured with, and where its text comes from.
    pub terms: Terms,
    /// What it may do beyond its PEN, without its modules.
    pub permissions: Permissions,
    /// The texts that it had, the present one last.
    pub versions: Vec<Version>,
    /// Why it could not be brought up to date when that was tried last.
    pub trouble: Option<Fault>,
}

/// A subscription in a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionListing {
    /// Its id.
    pub id: SubscriptionId,
    /// What the partner is called here.
    pub name: String,
    /// One word: `pending`, `established` or `ended`.
    pub state: &'static str,
    /// The part that this PEN plays.
    pub role_mine: String,
    /// The part that the partner plays.
    pub role_theirs: String,
    /// The partner's node.
    pub node: NodeId,
    /// My channel.
    pub rx: Eci,
    /// The partner's channel, once it is known.
    pub tx: Option<Eci>,
    /// Events that wait for the partner's node.
    pub waiting: u64,
    /// Since when the first of them waits.
    pub waiting_since: Option<Timestamp>,
}

/// An invite in a listing.
#[derive(Clone, Debug, PartialEq)]
pub struct InviteListing {
    /// Its id.
    pub id: [u8; 16],
    /// What the partner is to be called.
    pub name: String,
    /// The part that the partner will play.
    pub role_theirs: String,
    /// When it ends.
    pub expires: Timestamp,
    /// How often it can still be used.
    pub uses_left: u32,
}
