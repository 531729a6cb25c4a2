//! Which peer has which connections and which stream.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Stream, Swarm, TransportError,
    multiaddr::Protocol,
    ping,
    swarm::{
        ConnectionId, DialError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use stratus_protocol::NodeId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    Config,
    notice::Report,
    peer,
    session::Session,
    shared::Shared,
    stream::{self, Opened},
    swarm::{Behaviour, BehaviourEvent},
};

/// Drives the swarm, and decides which stream is the stream of a peer.
pub(crate) struct Switchboard {
    node: NodeId,
    config: Config,
    swarm: Swarm<Behaviour>,
    shared: Arc<Shared>,
    reports: mpsc::Sender<Report>,
    /// Reports for which there was no room yet. No more than one per peer and one of addresses.
    waiting: VecDeque<Report>,
    ended: (mpsc::Sender<NodeId>, mpsc::Receiver<NodeId>),
    peers: BTreeMap<NodeId, Peer>,
}

/// A peer that is connected, or wanted.
#[derive(Default)]
struct Peer {
    /// Those that are established and that nobody has closed; when each began.
    connections: BTreeMap<ConnectionId, Instant>,
    /// The connection on which this node is opening a stream.
    opening: Option<ConnectionId>,
    stream: Option<Active>,
    /// A newer stream, to begin when the present one has ended.
    next: Option<(ConnectionId, Stream)>,
    /// A dial that has been answered neither by a stream nor by a failure.
    wanted: bool,
}

struct Active {
    since: Instant,
    stop: CancellationToken,
}

impl Switchboard {
    pub(crate) fn new(
        node: NodeId,
        config: Config,
        swarm: Swarm<Behaviour>,
        shared: Arc<Shared>,
        reports: mpsc::Sender<Report>,
    ) -> Self {
        let (peers, waiting) = (BTreeMap::new(), VecDeque::new());
        let ended = mpsc::channel(ENDED_MAX);
        Self {
            node,
            config,
            swarm,
            shared,
            reports,
            waiting,
            ended,
            peers,
        }
    }

    /// Runs until nobody reads the notices any more.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.reports.closed() => break,
                () = tell(&self.reports, &mut self.waiting), if !self.waiting.is_empty() => {}
                Some(node) = self.ended.1.recv() => self.on_ended(node),
                wishes = self.shared.wishes() => {
                    for (node, addresses) in wishes {
                        self.dial(node, &addresses);
                    }
                }
                event = self.swarm.select_next_some() => self.on_event(event),
            }
        }
        for active in self.peers.values().filter_map(|peer| peer.stream.as_ref()) {
            active.stop.cancel();
        }
    }

    fn dial(&mut self, node: NodeId, addresses: &[String]) {
        let Some(id) = peer::id(node).filter(|_| node != self.node) else {
            return self.fail(node, "that is no other node".into());
        };
        let peer = self.peers.entry(node).or_default();
        let (connected, dialling) = (!peer.connections.is_empty(), peer.wanted);
        if peer.stream.is_some() {
            return;
        }
        peer.wanted = true;
        // A connection will bring a stream, or close.
        if connected || dialling {
            return;
        }
        let addresses = self.usable(id, addresses);
        // From a port of its own: from the listening ports, two nodes that dial each other at once
        // would make one TCP connection between them (RFC 9293, simultaneous open), in which both
        // believe that they began, and neither answers the other's handshake.
        let options = DialOpts::peer_id(id)
            .addresses(addresses)
            .condition(PeerCondition::Always)
            .allocate_new_port()
            .build();
        if let Err(error) = self.swarm.dial(options) {
            self.fail(node, reason(&error));
        }
    }

    /// The addresses that can be read, without the peer id at their end.
    fn usable(&self, id: PeerId, addresses: &[String]) -> Vec<Multiaddr> {
        let parse = |text: &String| {
            let mut address: Multiaddr = text.parse().ok()?;
            match address.iter().last() {
                Some(Protocol::P2p(other)) if other != id => return None,
                Some(Protocol::P2p(_)) => drop(address.pop()),
                _ => {}
            }
            Some(address)
        };
        addresses
            .iter()
            .filter_map(parse)
            .take(self.config.dial_addresses_max)
            .collect()
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => self.on_ping(event),
            SwarmEvent::Behaviour(BehaviourEvent::Stream(event)) => self.on_stream_event(event),
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                cause,
                ..
            } => {
                let cause =
                    cause.map_or("the peer closed the connection".into(), |e| e.to_string());
                self.on_closed(peer_id, connection_id, cause);
            }
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => {
                self.on_established(peer_id, connection_id, endpoint.is_listener());
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(id),
                error,
                ..
            } => {
                self.on_dial_error(id, &error);
            }
            SwarmEvent::NewListenAddr { .. }
            | SwarmEvent::ExpiredListenAddr { .. }
            | SwarmEvent::ListenerClosed { .. } => self.tell_addresses(),
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "listening"),
            other => tracing::trace!(event = ?other, "swarm"),
        }
    }

    fn on_established(&mut self, id: PeerId, connection: ConnectionId, incoming: bool) {
        let Some(node) = peer::node(id) else {
            self.swarm.close_connection(connection);
            return;
        };
        let smaller = self.node < node;
        let peer = self.peers.entry(node).or_default();
        peer.connections.insert(connection, Instant::now());
        let fresh = peer.stream.as_ref().is_none_or(|active| {
            // The peer dials although there is a stream: it has lost its end of it, unless both
            // have dialled at the same time.
            incoming && active.since.elapsed() >= SIMULTANEOUS
        });
        if smaller && fresh && peer.opening.is_none() {
            peer.opening = Some(connection);
            self.swarm.behaviour_mut().stream.open(id, connection);
        }
    }

    fn on_stream_event(&mut self, event: stream::Event) {
        let stream::Event {
            peer: id,
            connection,
            opened,
        } = event;
        let Some(node) = peer::node(id) else { return };
        match opened {
            Opened::Here(stream) => self.on_stream(node, connection, stream),
            Opened::There(stream) if node < self.node => {
                self.on_stream(node, connection, stream);
            }
            Opened::There(_) => {
                tracing::warn!(peer = %node, code = "stream-unexpected", "not its turn to open");
                self.swarm.close_connection(connection);
            }
            Opened::Not(reason) => {
                tracing::debug!(peer = %node, reason, "no stream");
                self.on_closed(id, connection, reason);
                self.swarm.close_connection(connection);
            }
        }
    }

    fn on_stream(&mut self, node: NodeId, connection: ConnectionId, stream: Stream) {
        let Some(peer) = self.peers.get_mut(&node) else {
            return;
        };
        if peer.opening == Some(connection) {
            peer.opening = None;
        }
        let Some(active) = &peer.stream else {
            return self.begin(node, stream);
        };
        active.stop.cancel();
        peer.next = Some((connection, stream));
    }

    fn begin(&mut self, node: NodeId, stream: Stream) {
        let stop = CancellationToken::new();
        let session = Session::new(node, &self.config, stop.clone(), self.reports.clone());
        let peer = self.peers.entry(node).or_default();
        peer.stream = Some(Active {
            since: Instant::now(),
            stop,
        });
        peer.wanted = false;
        let ended = self.ended.0.clone();
        tokio::spawn(async move {
            session.run(stream).await;
            // Without a switchboard there is nobody to tell.
            let _ = ended.send(node).await;
        });
    }

    /// The stream and its connections live and die together; only a newer stream's stays.
    fn on_ended(&mut self, node: NodeId) {
        let Some(peer) = self.peers.get_mut(&node) else {
            return;
        };
        peer.stream = None;
        let next = peer.next.take();
        let kept = next.as_ref().map(|(connection, _)| *connection);
        let closing: Vec<_> = peer
            .connections
            .keys()
            .copied()
            .filter(|id| Some(*id) != kept)
            .collect();
        for connection in closing {
            peer.connections.remove(&connection);
            self.swarm.close_connection(connection);
        }
        peer.opening = None;
        match next {
            Some((_, stream)) => self.begin(node, stream),
            None => self.forget(node),
        }
    }

    fn on_closed(&mut self, id: PeerId, connection: ConnectionId, cause: String) {
        let Some(node) = peer::node(id) else { return };
        let Some(peer) = self.peers.get_mut(&node) else {
            return;
        };
        if peer.connections.remove(&connection).is_none() {
            return;
        }
        if peer.opening == Some(connection) {
            peer.opening = peer.connections.keys().next().copied();
            if let Some(other) = peer.opening {
                self.swarm.behaviour_mut().stream.open(id, other);
            }
        }
        if peer.connections.is_empty() && peer.stream.is_none() && peer.wanted {
            self.fail(node, cause);
        }
        self.forget(node);
    }

    fn on_dial_error(&mut self, id: PeerId, error: &DialError) {
        let Some(node) = peer::node(id) else { return };
        let Some(peer) = self.peers.get(&node) else {
            return;
        };
        if peer.wanted && peer.connections.is_empty() && peer.stream.is_none() {
            self.fail(node, reason(error));
        }
    }

    fn on_ping(&mut self, event: ping::Event) {
        match event.result {
            Ok(_) | Err(ping::Failure::Unsupported) => {}
            Err(failure) => self.on_silence(event.peer, event.connection, &failure),
        }
    }

    /// The peer does not answer any more. Its connection may take minutes to close; its stream
    /// ends now.
    fn on_silence(&mut self, id: PeerId, connection: ConnectionId, failure: &ping::Failure) {
        tracing::debug!(peer = %id, %failure, "the peer is silent");
        self.swarm.close_connection(connection);
        let peer = peer::node(id).and_then(|node| self.peers.get_mut(&node));
        let Some(peer) = peer.filter(|peer| peer.connections.len() <= 1) else {
            return;
        };
        if let Some(active) = &peer.stream {
            active.stop.cancel();
        }
    }

    fn fail(&mut self, node: NodeId, reason: String) {
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.wanted = false;
        }
        self.waiting.push_back(Report::DialFailed(node, reason));
        self.forget(node);
    }

    fn forget(&mut self, node: NodeId) {
        let unused =
            |peer: &Peer| peer.connections.is_empty() && peer.stream.is_none() && !peer.wanted;
        if self.peers.get(&node).is_some_and(unused) {
            self.peers.remove(&node);
        }
    }

    fn tell_addresses(&mut self) {
        let announced = self.config.announce.iter().cloned();
        let addresses = announced
            .chain(self.swarm.listeners().map(Multiaddr::to_string))
            .collect();
        self.waiting
            .retain(|report| !matches!(report, Report::Listening(_)));
        self.waiting.push_back(Report::Listening(addresses));
    }
}

/// Moves one waiting report on, once there is room.
async fn tell(reports: &mpsc::Sender<Report>, waiting: &mut VecDeque<Report>) {
    let Ok(permit) = reports.reserve().await else {
        return;
    };
    if let Some(report) = waiting.pop_front() {
        permit.send(report);
    }
}

/// Why a dial failed, in one line.
fn reason(error: &DialError) -> String {
    match error {
        DialError::NoAddresses => "no address is known".into(),
        DialError::Transport(errors) => {
            let lines = errors.iter().map(|(address, error)| match error {
                TransportError::MultiaddrNotSupported(_) => format!("{address}: not spoken"),
                TransportError::Other(error) => format!("{address}: {}", one_line(error)),
            });
            lines.collect::<Vec<_>>().join("; ")
        }
        DialError::WrongPeerId { obtained, .. } => format!("another node is there: {obtained}"),
        other => one_line(other),
    }
}

/// libp2p writes lists of errors as bullets.
fn one_line(error: &impl ToString) -> String {
    error
        .to_string()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// How long two dials may be apart and still count as simultaneous.
const SIMULTANEOUS: Duration = Duration::from_secs(2);

/// Ended streams that wait to be noted.
const ENDED_MAX: usize = 64;
