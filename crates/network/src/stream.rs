//! A libp2p behaviour that opens and accepts the one stream of a connection.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    task::{Context, Poll, Waker},
};

use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, NotifyHandler, THandler,
        THandlerInEvent, THandlerOutEvent, ToSwarm,
    },
};

pub(crate) use handler::Opened;
use handler::{Handler, Open};

mod handler;

/// What nodes speak with each other.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/stratus/1");

/// Opens and accepts streams, one per connection, and says on which connection each is. Refuses
/// incoming connections from an address that has too many.
pub(crate) struct Behaviour {
    connections_per_address_max: u32,
    incoming: BTreeMap<ConnectionId, IpAddr>,
    /// At most a few per connection, because a handler tells of one stream only.
    queue: VecDeque<ToSwarm<Event, Open>>,
    waker: Option<Waker>,
}

/// What the behaviour tells.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) peer: PeerId,
    pub(crate) connection: ConnectionId,
    pub(crate) opened: Opened<Stream>,
}

impl Behaviour {
    pub(crate) fn new(connections_per_address_max: u32) -> Self {
        Self {
            connections_per_address_max,
            incoming: BTreeMap::new(),
            queue: VecDeque::new(),
            waker: None,
        }
    }

    /// Opens a stream on that connection; [`Opened::Here`] or [`Opened::Not`] follows, unless the
    /// connection closes before.
    pub(crate) fn open(&mut self, peer_id: PeerId, connection: ConnectionId) {
        let handler = NotifyHandler::One(connection);
        self.push(ToSwarm::NotifyHandler {
            peer_id,
            handler,
            event: Open,
        });
    }

    fn push(&mut self, event: ToSwarm<Event, Open>) {
        self.queue.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn count(&mut self, connection: ConnectionId, address: IpAddr) -> Result<(), ConnectionDenied> {
        let connections = self
            .incoming
            .values()
            .filter(|other| **other == address)
            .count();
        if u32::try_from(connections).is_ok_and(|n| n < self.connections_per_address_max) {
            self.incoming.insert(connection, address);
            return Ok(());
        }
        tracing::warn!(%address, code = "connections-from-address", "connection refused");
        Err(ConnectionDenied::new(
            "too many connections from this address [connections-from-address]",
        ))
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Event;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        match ip_address(remote) {
            Some(address) => self.count(connection, address),
            None => Ok(()),
        }
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(Handler::default())
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.incoming.remove(&closed.connection_id),
            FromSwarm::ListenFailure(failure) => self.incoming.remove(&failure.connection_id),
            _ => None,
        };
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        opened: THandlerOutEvent<Self>,
    ) {
        self.push(ToSwarm::GenerateEvent(Event {
            peer,
            connection,
            opened,
        }));
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(event) = self.queue.pop_front() {
            return Poll::Ready(event);
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// The address from which a connection comes, as far as it shows.
fn ip_address(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(address) => Some(address.into()),
        Protocol::Ip6(address) => Some(address.into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_address_has_only_so_many_connections() {
        let mut behaviour = Behaviour::new(2);
        let mut connection = 0;
        let mut check = |last: u8, expected: bool| {
            connection += 1;
            let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
            let counted = behaviour.count(ConnectionId::new_unchecked(connection), address);
            assert_eq!(counted.is_ok(), expected, "connection {connection}");
            if let Err(denied) = counted {
                assert!(format!("{denied:?}").contains("connections-from-address"));
            }
        };
        check(1, true);
        check(1, true);
        check(1, false);
        check(2, true);
    }
}
