//! Networks in one process over the loopback interface.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::{sync::Arc, time::Duration};

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{Multiaddr, StreamProtocol, SwarmBuilder, identity::Keypair, noise, tcp, yamux};
use stratus_network::{Config, Network, Notice, Notices, StartError};
use stratus_protocol::NodeId;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::timeout,
};

/// A network and what it tells.
struct Node {
    network: Network,
    notices: Notices,
    addresses: Vec<String>,
}

impl Node {
    async fn start(seed: u8) -> Self {
        Self::with(Config::new([seed; 32], vec!["/ip4/127.0.0.1/tcp/0".into()])).await
    }

    async fn with(config: Config) -> Self {
        let (network, notices) = Network::start(config).unwrap();
        let mut node = Self {
            network,
            notices,
            addresses: Vec::new(),
        };
        let Notice::Listening(addresses) = node.next().await else {
            panic!("listens first")
        };
        node.addresses = addresses;
        node
    }

    fn id(&self) -> NodeId {
        self.network.node()
    }

    async fn next(&mut self) -> Notice {
        timeout(Duration::from_secs(20), self.notices.recv())
            .await
            .expect("in time")
            .expect("runs")
    }

    async fn expect(&mut self, notice: Notice) {
        assert_eq!(self.next().await, notice);
    }

    async fn expect_silence(&mut self, milliseconds: u64) {
        let next = timeout(Duration::from_millis(milliseconds), self.notices.recv()).await;
        assert!(next.is_err(), "{next:?}");
    }

    fn dial(&self, other: &Self) {
        self.network.dial(other.id(), other.addresses.clone());
    }

    fn tcp(&self) -> (String, u16) {
        let port = self.addresses[0]
            .rsplit('/')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        ("127.0.0.1".into(), port)
    }
}

/// Two nodes, the one with the smaller id first.
async fn pair() -> (Node, Node) {
    let (a, b) = (Node::start(1).await, Node::start(2).await);
    if a.id() < b.id() { (a, b) } else { (b, a) }
}

async fn connect(a: &mut Node, b: &mut Node) {
    a.dial(b);
    a.expect(Notice::Connected(b.id())).await;
    b.expect(Notice::Connected(a.id())).await;
}

/// Both send and both receive.
async fn exchange(a: &mut Node, b: &mut Node) {
    a.network.send(b.id(), b"there".to_vec());
    b.network.send(a.id(), b"and back".to_vec());
    b.expect(Notice::Received(a.id(), b"there".to_vec())).await;
    a.expect(Notice::Received(b.id(), b"and back".to_vec()))
        .await;
}

#[tokio::test]
async fn whoever_dials_both_send_and_receive() {
    let (mut a, mut b) = pair().await;
    connect(&mut a, &mut b).await;
    exchange(&mut a, &mut b).await;
    let (mut a, mut b) = pair().await;
    connect(&mut b, &mut a).await;
    exchange(&mut a, &mut b).await;
}

#[tokio::test]
async fn three_nodes_talk_crosswise() {
    let (mut a, mut b) = pair().await;
    let mut c = Node::start(3).await;
    connect(&mut a, &mut b).await;
    connect(&mut b, &mut c).await;
    connect(&mut c, &mut a).await;
    exchange(&mut a, &mut b).await;
    exchange(&mut b, &mut c).await;
    exchange(&mut c, &mut a).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_dial_at_once_have_one_stream() {
    for _ in 0..10 {
        let (mut a, mut b) = pair().await;
        a.dial(&b);
        b.dial(&a);
        a.expect(Notice::Connected(b.id())).await;
        b.expect(Notice::Connected(a.id())).await;
        exchange(&mut a, &mut b).await;
        a.dial(&b);
        b.dial(&a);
        a.expect_silence(100).await;
        b.expect_silence(100).await;
        exchange(&mut a, &mut b).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_and_big_frames_both_ways_keep_their_order() {
    const FRAMES: usize = 200;
    let (mut a, mut b) = pair().await;
    connect(&mut a, &mut b).await;
    let frame = |n: usize| {
        let size = if n.is_multiple_of(20) { 1 << 20 } else { n };
        vec![u8::try_from(n).unwrap(); size]
    };
    for n in 0..FRAMES {
        a.network.send(b.id(), frame(n));
        b.network.send(a.id(), frame(n));
    }
    for n in 0..FRAMES {
        a.expect(Notice::Received(b.id(), frame(n))).await;
        b.expect(Notice::Received(a.id(), frame(n))).await;
    }
}

#[tokio::test]
async fn a_frame_that_is_too_long_is_not_sent() {
    let (mut a, mut b) = pair().await;
    connect(&mut a, &mut b).await;
    a.network.send(b.id(), vec![0; (1 << 20) + 1]);
    a.expect(Notice::Disconnected(b.id())).await;
    b.expect(Notice::Disconnected(a.id())).await;
}

#[tokio::test]
async fn a_frame_that_is_too_long_is_not_read() {
    let mut a = Node::start(1).await;
    let listen = vec!["/ip4/127.0.0.1/tcp/0".into()];
    let mut b = Node::with(Config {
        frame_bytes_max: 100,
        ..Config::new([2; 32], listen)
    })
    .await;
    connect(&mut a, &mut b).await;
    a.network.send(b.id(), vec![1; 100]);
    a.network.send(b.id(), vec![2; 101]);
    b.expect(Notice::Received(a.id(), vec![1; 100])).await;
    b.expect(Notice::Disconnected(a.id())).await;
    a.expect(Notice::Disconnected(b.id())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_closes_the_stream_and_the_next_one_works() {
    let (mut a, mut b) = pair().await;
    connect(&mut a, &mut b).await;
    // Nobody reads at b, so its notices, yamux's window and a's queue fill up in turn.
    for _ in 0..2000 {
        a.network.send(b.id(), vec![0; 100_000]);
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    a.expect(Notice::Disconnected(b.id())).await;
    loop {
        match b.next().await {
            Notice::Received(..) => {}
            other => break assert_eq!(other, Notice::Disconnected(a.id())),
        }
    }
    connect(&mut a, &mut b).await;
    exchange(&mut a, &mut b).await;
}

#[tokio::test]
async fn close_writes_what_was_sent() {
    let (mut a, mut b) = pair().await;
    for _ in 0..3 {
        connect(&mut a, &mut b).await;
        a.network.send(b.id(), vec![7; 500_000]);
        a.network.send(b.id(), b"farewell".to_vec());
        a.network.close(b.id());
        a.network.send(b.id(), b"too late".to_vec());
        b.expect(Notice::Received(a.id(), vec![7; 500_000])).await;
        b.expect(Notice::Received(a.id(), b"farewell".to_vec()))
            .await;
        b.expect(Notice::Disconnected(a.id())).await;
        a.expect(Notice::Disconnected(b.id())).await;
    }
}

#[tokio::test]
async fn a_peer_that_vanishes_is_noticed_and_can_come_back() {
    let (mut a, b) = pair().await;
    let seed = if Node::start(1).await.id() == b.id() {
        1
    } else {
        2
    };
    let mut b = b;
    connect(&mut b, &mut a).await;
    let gone = b.id();
    drop(b);
    a.expect(Notice::Disconnected(gone)).await;
    let mut b = Node::start(seed).await;
    connect(&mut b, &mut a).await;
    exchange(&mut a, &mut b).await;
}

/// Two nodes with a line between them that can go dead without anybody being told, as when a host
/// loses its power. The one whose seed is given comes back; both ends then have one stream.
async fn comes_back_after_a_silent_end(seed: u8, other: u8) {
    let mut a = Node::start(other).await;
    let mut b = Node::start(seed).await;
    let (line, dead) = dead_line(a.tcp()).await;
    b.network.dial(a.id(), vec![line]);
    b.expect(Notice::Connected(a.id())).await;
    a.expect(Notice::Connected(b.id())).await;
    exchange(&mut a, &mut b).await;
    dead.notify_one();
    drop(b);
    a.expect_silence(2500).await;
    let mut b = Node::start(seed).await;
    b.dial(&a);
    b.expect(Notice::Connected(a.id())).await;
    a.expect(Notice::Disconnected(b.id())).await;
    a.expect(Notice::Connected(b.id())).await;
    exchange(&mut a, &mut b).await;
    a.expect_silence(100).await;
}

#[tokio::test]
async fn a_stream_replaces_one_whose_end_was_not_noticed() {
    comes_back_after_a_silent_end(1, 2).await;
    comes_back_after_a_silent_end(2, 1).await;
}

/// The address of a proxy that, once notified, passes on nothing and closes nothing.
async fn dead_line(target: (String, u16)) -> (String, Arc<Notify>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dead = Arc::new(Notify::new());
    let notified = dead.clone();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(target).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => panic!("it goes dead before it ends"),
            () = notified.notified() => std::future::pending::<()>().await,
        }
    });
    (format!("/ip4/127.0.0.1/tcp/{port}"), dead)
}

#[tokio::test]
async fn what_is_sent_before_the_news_of_a_stream_is_read_does_not_get_onto_it() {
    let (mut a, mut b) = pair().await;
    connect(&mut a, &mut b).await;
    b.network.close(a.id());
    b.expect(Notice::Disconnected(a.id())).await;
    b.dial(&a);
    // Reached before a has read anything: its stream is the second one, a still means the first.
    b.expect(Notice::Connected(a.id())).await;
    a.network.send(b.id(), b"for the first stream".to_vec());
    a.expect(Notice::Disconnected(b.id())).await;
    a.expect(Notice::Connected(b.id())).await;
    exchange(&mut a, &mut b).await;
}

#[tokio::test]
async fn a_dial_that_fails_says_why() {
    let mut a = Node::start(1).await;
    let b = Node::start(2).await;
    let c = Node::start(3).await;
    let mut check = async |peer: NodeId, addresses: &[&str], expected: &str| {
        a.network
            .dial(peer, addresses.iter().map(ToString::to_string).collect());
        let Notice::DialFailed(failed, reason) = a.next().await else {
            panic!("it cannot work")
        };
        assert_eq!(failed, peer);
        assert!(
            reason.contains(expected),
            "{reason:?} should contain {expected:?}"
        );
    };
    check(b.id(), &[], "no address is known").await;
    check(
        b.id(),
        &["not an address", "/ip4/1.2.3.4/tcp/99999"],
        "no address is known",
    )
    .await;
    check(b.id(), &["/ip4/127.0.0.1/tcp/1"], "/ip4/127.0.0.1/tcp/1").await;
    check(b.id(), &["/ip4/127.0.0.1/udp/1/quic-v1"], "Unsupported").await;
    check(
        b.id(),
        &[&format!("/ip4/127.0.0.1/tcp/1/p2p/{}", c.id())],
        "no address",
    )
    .await;
    check(b.id(), &[&c.addresses[0]], "another node is there").await;
    check(
        NodeId([2; 32]),
        &["/ip4/127.0.0.1/tcp/1"],
        "that is no other node",
    )
    .await;
    let own = a.id();
    let address = a.addresses[0].clone();
    a.network.dial(own, vec![address]);
    a.expect(Notice::DialFailed(own, "that is no other node".into()))
        .await;
}

#[tokio::test]
async fn an_address_may_end_with_the_peer_id() {
    let (mut a, mut b) = pair().await;
    a.network
        .dial(b.id(), vec![format!("{}/p2p/{}", b.addresses[0], b.id())]);
    a.expect(Notice::Connected(b.id())).await;
    b.expect(Notice::Connected(a.id())).await;
}

#[tokio::test]
async fn garbage_on_a_socket_harms_nobody() {
    let (mut a, mut b) = pair().await;
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0; 4096],
        &[255; 4096],
        b"\x13/multistream/1.0.0\n\xff\xff",
    ] {
        let mut socket = TcpStream::connect(b.tcp()).await.unwrap();
        // The node may close before all is written.
        let _ = socket.write_all(garbage).await;
        let _ = socket.shutdown().await;
        let mut answer = Vec::new();
        let end = timeout(Duration::from_secs(15), socket.read_to_end(&mut answer)).await;
        assert!(end.is_ok(), "the node closes the socket");
    }
    b.expect_silence(50).await;
    connect(&mut a, &mut b).await;
    exchange(&mut a, &mut b).await;
}

#[tokio::test]
async fn more_connections_from_an_address_than_allowed_are_refused() {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".into()];
    let config = Config {
        connections_per_address_max: 2,
        ..Config::new([1; 32], listen)
    };
    let mut a = Node::with(config).await;
    let mut first = TcpStream::connect(a.tcp()).await.unwrap();
    let second = TcpStream::connect(a.tcp()).await.unwrap();
    let mut byte = [0];
    // The greeting of multistream-select: these two are served.
    first.write_all(b"\x13/multistream/1.0.0\n").await.unwrap();
    assert_eq!(first.read(&mut byte).await.unwrap(), 1);
    let mut third = TcpStream::connect(a.tcp()).await.unwrap();
    let end = timeout(Duration::from_secs(5), third.read(&mut byte))
        .await
        .expect("in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    drop((first, second));
    // Once they are gone there is room again.
    let mut b = Node::start(2).await;
    for _ in 0..50 {
        b.dial(&a);
        if b.next().await == Notice::Connected(a.id()) {
            a.expect(Notice::Connected(b.id())).await;
            return exchange(&mut a, &mut b).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no room");
}

/// A stranger who speaks libp2p, but not as the rules say.
#[tokio::test]
async fn a_stranger_who_breaks_the_rules_gets_no_stream_or_loses_it() {
    let mut a = Node::start(1).await;
    let (smaller, larger) = {
        let keys = (10..=255).map(|seed| Keypair::ed25519_from_bytes([seed; 32]).unwrap());
        let node =
            |key: &Keypair| -> NodeId { key.public().to_peer_id().to_string().parse().unwrap() };
        let (small, large): (Vec<_>, Vec<_>) = keys.partition(|key| node(key) < a.id());
        (small[0].clone(), large[0].clone())
    };
    let node = |key: &Keypair| {
        key.public()
            .to_peer_id()
            .to_string()
            .parse::<NodeId>()
            .unwrap()
    };

    // Announces the longest of all frames.
    let mut stream = stranger(smaller.clone(), &a).await.unwrap();
    a.expect(Notice::Connected(node(&smaller))).await;
    stream
        .write_all(&[0, 0, 0, 1, 42, 0xff, 0xff, 0xff, 0xff, 1, 2, 3])
        .await
        .unwrap();
    stream.flush().await.unwrap();
    a.expect(Notice::Received(node(&smaller), vec![42])).await;
    a.expect(Notice::Disconnected(node(&smaller))).await;
    let end = timeout(Duration::from_secs(5), stream.read(&mut [0]))
        .await
        .expect("in time");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");

    // Opens although it is not its turn, and leaves unanswered the stream that a opens.
    if let Ok(mut stream) = stranger(larger.clone(), &a).await {
        let end = timeout(Duration::from_secs(5), stream.read(&mut [0]))
            .await
            .expect("in time");
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    let mut b = Node::start(2).await;
    connect(&mut a, &mut b).await;
    exchange(&mut a, &mut b).await;
}

/// Connects with that key and opens a stream.
async fn stranger(key: Keypair, node: &Node) -> Result<libp2p::Stream, String> {
    let behaviour = libp2p_stream::Behaviour::new();
    let mut control = behaviour.new_control();
    let mut swarm = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(
            tcp::Config::new(),
            noise::Config::new,
            yamux::Config::default,
        )
        .unwrap()
        .with_behaviour(|_| behaviour)
        .unwrap()
        .build();
    let address: Multiaddr = format!("{}/p2p/{}", node.addresses[0], node.id())
        .parse()
        .unwrap();
    swarm.dial(address).unwrap();
    tokio::spawn(async move { while swarm.next().await.is_some() {} });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let peer = node.id().to_string().parse().unwrap();
    let opened = control
        .open_stream(peer, StreamProtocol::new("/stratus/1"))
        .await;
    opened.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_start_that_fails_says_why() {
    let taken = Node::start(1).await;
    let check = |listen: &str, code: &str| {
        let error: StartError =
            Network::start(Config::new([2; 32], vec![listen.into()])).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.hint().is_empty());
    };
    check("0.0.0.0:7420", "address-malformed");
    check("/ip4/127.0.0.1/udp/1/quic-v1", "listen-failed");
    check(&taken.addresses[0], "listen-failed");
}
