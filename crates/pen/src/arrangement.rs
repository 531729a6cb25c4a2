//! What a rule wants changed of its PEN itself: its children and its channels.

use std::fmt;

use stratus_event::{Eci, Name, PenId};

use crate::{Channel, ChannelId, Kin, Policy, language::StateView};

/// A change of the PEN itself. It is done with the commit of the event that caused it.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrangement {
    /// Other tags and another policy for a channel. One that is gone meanwhile stays gone.
    ChangeChannel {
        /// Which channel.
        eci: Eci,
        /// Its tags from now on.
        tags: Vec<Name>,
        /// What it lets in from now on.
        policy: Policy,
    },
    /// Make a child.
    CreatePen(Box<NewPen>),
    /// Take a channel out.
    DeleteChannel {
        /// Which.
        eci: Eci,
    },
    /// Delete a child with all that belongs to it, its own children among that.
    DeletePen(Kin),
    /// Make a channel.
    MakeChannel(Channel),
}

/// A child that is to be, and the channels between it and its parent.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPen {
    /// Its id.
    pub id: PenId,
    /// What its owner calls it.
    pub name: String,
    /// The parent's channel, which only the child may use.
    pub above: Channel,
    /// The child's channel, which only the parent may use.
    pub below: Channel,
    /// The rulesets with which it begins, of those that the node brings.
    pub rulesets: Vec<Name>,
}

impl NewPen {
    /// A child of the PEN of that view. The ids must be random: that of the child, and those of the
    /// parent's channel and of the child's.
    pub fn new(view: &dyn StateView, id: PenId, name: &str, ids: [ChannelId; 2]) -> Self {
        let [above, below] = ids;
        Self {
            id,
            name: name.to_owned(),
            above: Channel::of_family(view.eci(above), above, PARENT, id),
            below: Channel::of_family(view.eci_in_child(id, below), below, CHILD, view.id()),
            rulesets: Vec::new(),
        }
    }

    /// The child as its parent knows it.
    pub fn kin(&self) -> Kin {
        Kin {
            pen: self.id,
            theirs: self.below.eci,
            mine: self.above.eci,
        }
    }
}

impl Arrangement {
    /// What the channels become by it.
    pub fn rearrange_channels(&self, channels: &mut Vec<Channel>) {
        match self {
            Self::ChangeChannel { eci, tags, policy } => {
                for channel in channels.iter_mut().filter(|channel| channel.eci == *eci) {
                    channel.tags.clone_from(tags);
                    channel.policy.clone_from(policy);
                }
            }
            Self::CreatePen(child) => channels.push(child.above.clone()),
            Self::DeleteChannel { eci } => channels.retain(|channel| channel.eci != *eci),
            Self::DeletePen(child) => channels.retain(|channel| channel.eci != child.mine),
            Self::MakeChannel(channel) => channels.push(channel.clone()),
        }
    }

    /// What the children become by it.
    pub fn rearrange_children(&self, children: &mut Vec<Kin>) {
        match self {
            Self::CreatePen(child) => children.push(child.kin()),
            Self::DeletePen(child) => children.retain(|other| other.pen != child.pen),
            Self::ChangeChannel { .. } | Self::DeleteChannel { .. } | Self::MakeChannel(_) => {}
        }
    }
}

/// What it does, as the trace tells it.
impl fmt::Display for Arrangement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChangeChannel { eci, tags, .. } => {
                write!(f, "changed the channel {eci} {}", Tags(tags))
            }
            Self::CreatePen(child) => write!(f, "made the PEN {} {:?}", child.id, child.name),
            Self::DeleteChannel { eci } => write!(f, "deleted the channel {eci}"),
            Self::DeletePen(child) => write!(f, "deleted the PEN {}", child.pen),
            Self::MakeChannel(channel) => {
                write!(
                    f,
                    "made the channel {} {}",
                    channel.eci,
                    Tags(&channel.tags)
                )
            }
        }
    }
}

struct Tags<'a>(&'a [Name]);

impl fmt::Display for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags: Vec<&str> = self.0.iter().map(Name::as_str).collect();
        write!(f, "[{}]", tags.join(", "))
    }
}

/// The tag of a PEN's channel that its child uses, beside `system`. It is pico-engine's.
const PARENT: &str = "parent";

/// The tag of a child's channel that its parent uses, beside `system`.
const CHILD: &str = "child";
