//! Frames that a hostile peer can send, and what comes of them.

use proptest::{collection::vec, prelude::*};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use stratus_event::Timestamp;

use super::{
    scene::{ME, NOW, PEER, Scene, events, hello, wrong},
    vectors::messages,
};
use crate::{NodeId, Output, message::Message};

/// Before the Hello everything wrong closes the stream at once.
#[test]
fn nothing_goes_before_hello() {
    let other_version = [0xa3, 0x00, 0x00, 0x01, 0x02, 0x18, 0x63, 0xf6];
    let long_name = Message::Hello {
        nonce: [0; 32],
        addresses: vec!["a".repeat(257)],
    };
    let many = Message::Hello {
        nonce: [0; 32],
        addresses: vec![String::new(); 17],
    };
    let cases: [(&[u8], &str); 8] = [
        (b"", "frame-malformed"),
        (b"GET / HTTP/1.1\r\n", "frame-malformed"),
        (&events(0, 1, 1).encode(), "hello-missing"),
        (&Message::Ended { grants: vec![] }.encode(), "hello-missing"),
        (&other_version, "version-unsupported"),
        (&vec![0; 300_000], "frame-oversize"),
        (&long_name.encode(), "frame-malformed"),
        (&many.encode(), "frame-malformed"),
    ];
    for (bytes, code) in cases {
        let mut scene = Scene::new(|_| ());
        scene.connect();
        scene.send(bytes);
        assert_eq!(
            (&scene.heard[..], scene.closed),
            (&[wrong(code)][..], true),
            "{code}"
        );
        assert_eq!(scene.faults, [code]);
        // Nothing is heard any more.
        scene.say(&hello());
        assert_eq!(scene.heard.len(), 1);
    }
}

#[test]
fn a_late_hello_closes() {
    let mut scene = Scene::new(|_| ());
    scene.connect();
    scene.federation.handle_wake(Timestamp(NOW.0 + 9_999));
    scene.drain();
    assert!(!scene.closed);
    scene.federation.handle_wake(Timestamp(NOW.0 + 10_000));
    scene.drain();
    assert_eq!(
        (&scene.heard[..], scene.closed),
        (&[wrong("hello-late")][..], true)
    );
}

#[test]
fn a_second_hello_closes() {
    let mut scene = Scene::introduced(|_| ());
    scene.say(&hello());
    assert_eq!(
        (&scene.heard[..], scene.closed),
        (&[wrong("hello-repeated")][..], true)
    );
}

#[test]
fn a_stream_too_many_is_closed() {
    let mut scene = Scene::introduced(|config| config.connections_max = 1);
    scene.federation.handle_connected(NOW, NodeId([3; 32]));
    scene.drain();
    assert_eq!(
        (&scene.heard[..], scene.closed),
        (&[wrong("connections-max")][..], true)
    );
    // Room comes back with the end of a stream.
    scene.closed = false;
    scene.heard.clear();
    scene.federation.handle_disconnected(NOW, PEER);
    scene.federation.handle_connected(NOW, NodeId([3; 32]));
    scene.drain();
    assert!(matches!(scene.heard[..], [Message::Hello { .. }]) && !scene.closed);
}

#[test]
fn a_node_does_not_talk_to_itself() {
    let mut scene = Scene::new(|_| ());
    scene.federation.handle_connected(NOW, ME);
    scene.drain();
    assert!(scene.closed && scene.heard.is_empty());
}

/// After the Hello each wrong frame is answered, and the stream survives a few.
#[test]
fn wrong_frames_are_answered() {
    let session_1 = |number: u8| [0xa3, 0x00, number, 0x01, 0x01, 0x02, 0x05];
    let cases: [(&[u8], &str); 14] = [
        (b"", "frame-malformed"),
        (b"\xff\xff", "frame-malformed"),
        // A list, an unknown number, a number that is a text, a missing field, one too many.
        (b"\x80", "frame-malformed"),
        (b"\xa1\x00\x18\x63", "frame-unknown"),
        (b"\xa1\x00\x61x", "frame-malformed"),
        (b"\xa2\x00\x05\x01\x01", "frame-malformed"),
        (b"\xa4\x00\x05\x01\x01\x02\x05\x03\x05", "frame-malformed"),
        // Two gigabytes that are not there, a length of indefinite form, a tag.
        (b"\xa2\x00\x04\x03\x9a\x7f\xff\xff\xff", "frame-malformed"),
        (b"\xbf\x00\x05\xff", "frame-malformed"),
        (b"\xa2\x00\x05\x01\xc1\x01", "frame-malformed"),
        (&session_1(2), "session-unknown"),
        (&session_1(5), "session-unknown"),
        (&session_1(8), "session-unknown"),
        (&events(0, 1, 1).encode(), "session-unknown"),
    ];
    for (bytes, code) in cases {
        let mut scene = Scene::introduced(|_| ());
        scene.send(bytes);
        assert_eq!(
            (&scene.heard[..], scene.closed),
            (&[wrong(code)][..], false),
            "{bytes:x?}"
        );
        assert_eq!(scene.faults, [code]);
    }
}

#[test]
fn too_many_faults_close() {
    let mut scene = Scene::introduced(|config| config.faults_max = 3);
    (0..10).for_each(|_| scene.send(b"garbage"));
    let malformed = wrong("frame-malformed");
    let expected = [
        malformed.clone(),
        malformed.clone(),
        malformed,
        wrong("faults-max"),
    ];
    assert_eq!((&scene.heard[..], scene.closed), (&expected[..], true));
    assert_eq!(scene.faults.len(), 5);
}

#[test]
fn complaints_are_not_answered_and_have_an_end() {
    let mut scene = Scene::introduced(|config| config.faults_max = 3);
    (0..3).for_each(|_| scene.say(&wrong("frame-malformed")));
    assert!(scene.heard.is_empty() && !scene.closed);
    scene.say(&wrong("frame-malformed"));
    assert!(scene.closed);
}

/// Timers are one for each thing that is waited for, however often it begins anew.
#[test]
fn floods_leave_no_timers() {
    let mut scene = Scene::introduced(|_| ());
    scene.sending();
    for n in 1..60 {
        scene.say(&Message::Quota {
            session: 0,
            sequence: 1,
            retry_ms: n,
        });
    }
    for _ in 0..1000 {
        scene.federation.handle_disconnected(NOW, PEER);
        scene.connect();
    }
    assert!(
        scene.federation.timers() <= 2,
        "{}",
        scene.federation.timers()
    );
}

/// Any change of valid frames, in any order: no panic, and nothing is delivered or lost.
#[test]
fn altered_frames_do_no_harm() {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let frames: Vec<_> = messages().iter().map(Message::encode).collect();
    let mut scene = Scene::introduced(|config| config.faults_max = u32::MAX);
    let grant = scene.sending();
    for _ in 0..20_000 {
        let mut bytes = frames[random.next_u32() as usize % frames.len()].clone();
        for _ in 0..random.next_u32() % 4 {
            let at = random.next_u32() as usize % bytes.len();
            bytes[at] = random.next_u32().to_be_bytes()[0];
        }
        if bytes.get(2) == Some(&0) {
            continue;
        }
        scene.send(&bytes);
        scene.heard.clear();
        scene.faults.clear();
    }
    let harm = |output: &Output| matches!(output, Output::Deliver { .. } | Output::Redeemed { .. });
    assert!(!scene.outputs.iter().any(harm), "{:?}", scene.outputs);
    assert!(scene.federation.waiting(grant.hash()) <= 1);
}

proptest! {
    #[test]
    fn bytes_are_refused_or_encode_back(bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(message) = Message::decode(&bytes, 1024) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }

    #[test]
    fn altered_messages_are_refused_or_encode_back(
        which in any::<prop::sample::Index>(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = which.get(&messages()).encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = Message::decode(&bytes, 4096) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }
}
