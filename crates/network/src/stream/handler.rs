//! The part of the behaviour that sits on each connection.

use std::{
    collections::VecDeque,
    convert::Infallible,
    task::{Context, Poll, Waker},
};

use libp2p::{
    Stream, StreamProtocol,
    core::upgrade::ReadyUpgrade,
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
        handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};

use super::PROTOCOL;

/// Opens or accepts one stream; further ones that the peer opens are dropped.
#[derive(Default)]
pub(crate) struct Handler {
    taken: bool,
    /// At most an order to open and the news of it.
    queue: VecDeque<HandlerEvent>,
    waker: Option<Waker>,
}

/// The order to open a stream.
#[derive(Debug)]
pub(crate) struct Open;

/// News of a stream.
#[derive(Debug)]
pub(crate) enum Opened<S> {
    /// This node opened it.
    Here(S),
    /// It could not be opened.
    Not(String),
    /// The peer opened it.
    There(S),
}

type Ready = ReadyUpgrade<StreamProtocol>;
type HandlerEvent = ConnectionHandlerEvent<Ready, (), Opened<Stream>>;

impl Handler {
    fn push(&mut self, event: HandlerEvent) {
        self.queue.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn tell(&mut self, opened: Opened<Stream>) {
        if self.taken {
            tracing::warn!(
                code = "stream-unexpected",
                "the peer opened a second stream"
            );
            return;
        }
        self.taken = true;
        self.push(ConnectionHandlerEvent::NotifyBehaviour(opened));
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Open;
    type ToBehaviour = Opened<Stream>;
    type InboundProtocol = Ready;
    type OutboundProtocol = Ready;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Ready> {
        SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ())
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<HandlerEvent> {
        if let Some(event) = self.queue.pop_front() {
            return Poll::Ready(event);
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, Open: Open) {
        let protocol = SubstreamProtocol::new(ReadyUpgrade::new(PROTOCOL), ());
        self.push(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Ready, Ready>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol, ..
            }) => self.tell(Opened::There(protocol)),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol, ..
            }) => self.tell(Opened::Here(protocol)),
            ConnectionEvent::DialUpgradeError(failed) => {
                self.tell(Opened::Not(reason(failed.error)));
            }
            _ => {}
        }
    }
}

fn reason(error: StreamUpgradeError<Infallible>) -> String {
    match error {
        StreamUpgradeError::Apply(never) => match never {},
        StreamUpgradeError::Io(error) => error.to_string(),
        StreamUpgradeError::NegotiationFailed => "the peer does not speak /stratus/1".into(),
        StreamUpgradeError::Timeout => "the peer did not answer in time".into(),
    }
}
