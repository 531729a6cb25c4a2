//! The libp2p swarm: transports and behaviours, bounded.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    time::Duration,
};

use libp2p::{
    Multiaddr, Swarm, SwarmBuilder, TransportError, connection_limits,
    connection_limits::ConnectionLimits, identify, identity::Keypair, multiaddr::Protocol, noise,
    ping, swarm::NetworkBehaviour, tcp, yamux,
};

use crate::{Config, StartError, stream};

/// All that runs on a connection.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    // First, so that a connection beyond the limits costs nothing else.
    limits: connection_limits::Behaviour,
    pub(crate) stream: stream::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
}

/// A swarm that listens where the configuration says.
pub(crate) fn listening(config: &Config, key: Keypair) -> Result<Swarm<Behaviour>, StartError> {
    let mut swarm = build(config, key)?;
    for text in &config.listen {
        listen(&mut swarm, parse(text)?).map_err(|reason| StartError::Listen {
            address: text.clone(),
            reason,
        })?;
    }
    for text in &config.announce {
        swarm.add_external_address(parse(text)?);
    }
    Ok(swarm)
}

fn listen(swarm: &mut Swarm<Behaviour>, address: Multiaddr) -> Result<(), String> {
    // libp2p shares a port with whoever else shares it (SO_REUSEPORT), and each would get some of
    // the connections. A socket that shares nothing finds out whether somebody is there.
    if let Some(address) = socket_address(&address) {
        TcpListener::bind(address).map_err(|error| error.to_string())?;
    }
    swarm.listen_on(address).map_err(reason)?;
    Ok(())
}

fn build(config: &Config, key: Keypair) -> Result<Swarm<Behaviour>, StartError> {
    let builder = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(
            tcp::Config::new().nodelay(true),
            noise::Config::new,
            multiplexer,
        )
        .map_err(|_| StartError::Key)?
        .with_dns()
        .map_err(StartError::Resolver)?;
    let builder = match builder.with_behaviour(|key| behaviour(config, key)) {
        Ok(builder) => builder,
        Err(never) => match never {},
    };
    let idle = Duration::from_millis(config.idle_ms_max);
    Ok(builder
        .with_swarm_config(|swarm| {
            swarm
                .with_idle_connection_timeout(idle)
                .with_max_negotiating_inbound_streams(STREAMS_PER_CONNECTION_MAX)
        })
        .with_connection_timeout(Duration::from_millis(config.handshake_ms_max))
        .build())
}

fn multiplexer() -> yamux::Config {
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS_PER_CONNECTION_MAX);
    yamux
}

fn behaviour(config: &Config, key: &Keypair) -> Behaviour {
    let limits = ConnectionLimits::default()
        .with_max_pending_incoming(Some(config.handshakes_max))
        .with_max_pending_outgoing(Some(config.connections_max))
        .with_max_established(Some(config.connections_max))
        .with_max_established_per_peer(Some(config.connections_per_peer_max));
    let ping = ping::Config::new()
        .with_interval(Duration::from_millis(config.ping_interval_ms))
        .with_timeout(Duration::from_millis(config.ping_answer_ms_max));
    let identify = identify::Config::new(stream::PROTOCOL.to_string(), key.public())
        .with_agent_version(concat!("stratus/", env!("CARGO_PKG_VERSION")).into());
    Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        stream: stream::Behaviour::new(config.connections_per_address_max),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping),
    }
}

fn parse(text: &str) -> Result<Multiaddr, StartError> {
    text.parse()
        .map_err(|error: libp2p::multiaddr::Error| StartError::Address {
            address: text.to_owned(),
            reason: error.to_string(),
        })
}

fn socket_address(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((ip, port).into()),
        _ => None,
    }
}

fn reason(error: TransportError<std::io::Error>) -> String {
    match error {
        TransportError::MultiaddrNotSupported(_) => "this sort of address is not spoken".into(),
        TransportError::Other(error) => error.to_string(),
    }
}

/// Streams of one connection, ours and those of identify and ping together.
const STREAMS_PER_CONNECTION_MAX: usize = 16;
