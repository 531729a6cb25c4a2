//! All that the engine asks of the world.

use stratus_event::{Fault, Map, Name, PenId, Timestamp};
use stratus_protocol::NodeId;

use crate::{AskId, Batch, CommandId, EffectId, Job, Reply, Subject};

/// What the engine asks of the world.
#[derive(Debug)]
pub enum Output {
    /// A question for a connector; answer with [`crate::Input::Answered`].
    Ask(Ask),
    /// Close the stream to that node.
    Close {
        /// The node.
        peer: NodeId,
    },
    /// Make this durable, after all earlier batches and as a whole, and answer with
    /// [`crate::Input::Committed`].
    Commit(Batch),
    /// Open a connection to that node, unless there is one.
    Dial {
        /// The node.
        peer: NodeId,
        /// Where it was last known to be.
        addresses: Vec<String>,
    },
    /// Erase all that there is of this PEN and of its descendants ([`crate::Key::Child`]), the
    /// descendants first, but not its tombstone; answer with [`crate::Input::Erased`]. It is large
    /// perhaps, so it need not be done at once, nor as a whole: no other batch speaks of these PENs
    /// any more, and a start asks for it again.
    Erase(PenId),
    /// Something that a person who looks for an error wants to see: what a peer did wrong, or says
    /// that this node did. For the log; nothing has to be done.
    Fault {
        /// The peer.
        peer: NodeId,
        /// What.
        fault: Fault,
    },
    /// Read this of the store, and answer with [`crate::Input::Loaded`].
    Load(Subject),
    /// Work for a connector; answer with [`crate::Input::Performed`].
    Perform(Perform),
    /// The answer to a command.
    Reply {
        /// Which command.
        id: CommandId,
        /// The answer.
        reply: Result<Reply, Fault>,
    },
    /// Run this on a worker, and answer with [`crate::Input::Finished`].
    Run(Box<Job>),
    /// Send one frame. If the stream is gone, it is lost.
    Send {
        /// To whom.
        peer: NodeId,
        /// The frame, without its length.
        bytes: Vec<u8>,
    },
    /// Give [`crate::Input::Wake`] at this time; replaces an earlier one.
    WakeAt(Timestamp),
}

/// One question for a connector. A rule waits for the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Whose question.
    pub pen: PenId,
    /// Which question.
    pub question: AskId,
    /// The ruleset that asks.
    pub rid: Name,
    /// Which connector.
    pub connector: Name,
    /// What it is asked to do.
    pub action: Name,
    /// With what.
    pub arguments: Map,
    /// It may have been asked already by a process that died before the answer was durable.
    pub doubt: bool,
}

/// One effect for a connector.
#[derive(Clone, Debug, PartialEq)]
pub struct Perform {
    /// Whose effect.
    pub pen: PenId,
    /// Which effect.
    pub effect: EffectId,
    /// The ruleset that wants it.
    pub rid: Name,
    /// Which connector.
    pub connector: Name,
    /// What it is to do.
    pub action: Name,
    /// With what.
    pub arguments: Map,
    /// When it was first wanted.
    pub wanted: Timestamp,
    /// It may have been done already: find out first, and do it only if it was not.
    pub doubt: bool,
    /// Receipts of this connector that belong to other effects.
    pub receipts: Vec<String>,
}
