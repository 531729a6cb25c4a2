//! All that can wake the engine. Reading this is reading everything that can wake the program.

use stratus_event::{Fault, PenId, Value};
use stratus_protocol::NodeId;

use crate::{AskId, Command, CommandId, EffectId, Image, Position, Subject};

/// What the world tells the engine.
#[derive(Debug)]
pub enum Input {
    /// The answer to [`crate::Output::Ask`].
    Answered {
        /// Whose question.
        pen: PenId,
        /// Which question.
        question: AskId,
        /// The answer; an error is an answer too.
        answer: Result<Value, Fault>,
    },
    /// Somebody who may command this node wants something.
    Command {
        /// Repeated by the reply.
        id: CommandId,
        /// What is wanted.
        command: Command,
    },
    /// The store could not write this batch nor any after it.
    CommitFailed {
        /// The first batch that is not durable.
        from: Position,
        /// What the store said.
        reason: String,
    },
    /// All batches up to this one are durable.
    Committed {
        /// The last durable batch.
        through: Position,
    },
    /// A stream to that node is open. There is at most one at a time.
    Connected {
        /// The node, authenticated by the transport.
        peer: NodeId,
    },
    /// No connection could be made.
    DialFailed {
        /// The node that was dialled.
        peer: NodeId,
        /// What the transport said.
        reason: String,
    },
    /// The stream to that node is gone, and what was in it.
    Disconnected {
        /// The node.
        peer: NodeId,
    },
    /// Whether the disk has room for more than what is under way. As long as it has not, no new
    /// event is taken. Said when it changes; at a start there is.
    DiskSpace {
        /// There is room.
        enough: bool,
    },
    /// All that [`crate::Output::Erase`] named is erased, durably.
    Erased {
        /// Which PEN.
        pen: PenId,
    },
    /// A job has come to its end.
    Finished(Box<crate::Finished>),
    /// The node can be reached at these addresses (multiaddresses); replaces what was said before.
    Listening {
        /// Without the `/p2p/…` part.
        addresses: Vec<String>,
    },
    /// The answer to [`crate::Output::Load`]: what of it is durable.
    Loaded {
        /// What was asked for.
        subject: Subject,
        /// What the store holds of it, or why it cannot be read.
        image: Result<Image, Fault>,
    },
    /// A connector has done, or failed to do, what [`crate::Output::Perform`] asked.
    Performed {
        /// Whose effect.
        pen: PenId,
        /// Which effect.
        effect: EffectId,
        /// How it went.
        verdict: Verdict,
    },
    /// One whole frame came in.
    Received {
        /// From whom.
        peer: NodeId,
        /// The frame, without its length.
        bytes: Vec<u8>,
    },
    /// The time that was asked for has come. A spurious one does nothing.
    Wake,
}

/// How an effect went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was done. The receipt is the service's own id of it, kept so that it is never taken for
    /// another effect's.
    Done {
        /// Such as a message's sid.
        receipt: String,
    },
    /// It was not done, for certain.
    NotDone {
        /// Stable, listed in `spec/errors.md`.
        code: String,
        /// What the service or the network said.
        reason: String,
        /// Whether trying again may help.
        again: bool,
    },
    /// It is not known whether it was done; it has to be settled before it is tried again.
    Unknown {
        /// What happened.
        reason: String,
    },
}
