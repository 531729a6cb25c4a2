//! Who may open a session, and what can be said in one; when a peer is dialled.

use stratus_capability::{Grant, GrantId, prove};
use stratus_event::Timestamp;

use super::scene::{ME, NOW, PEER, Scene, THEIR_NONCE, events, grant_of, hello, holder, wrong};
use crate::{NodeId, Output, message::Message};

type Attempt = fn(&mut Scene, &Grant);

/// What a wrong proof is answered with, and whether it is anybody's fault.
const ATTEMPTS: [(&str, bool, Attempt); 8] = [
    ("channel-unknown", true, |scene, _| {
        scene.prove(0, &grant_of(6, |_| ()));
    }),
    ("grant-unknown", true, |scene, _| {
        scene.prove(0, &grant_of(5, |terms| terms.id = GrantId([0; 16])));
    }),
    ("grant-revoked", false, |scene, grant| {
        scene.federation.revoke(NOW, grant.eci(), grant.id());
        scene.drain();
        scene.heard.clear();
        scene.prove(0, grant);
    }),
    ("grant-holder", true, |scene, grant| {
        let grant = grant.bytes().to_vec();
        scene.say(&Message::Prove {
            session: 0,
            grant,
            proof: [7; 64],
        });
    }),
    ("grant-holder", true, |scene, grant| {
        // Overheard on an earlier stream.
        let proof = scene.proof(grant);
        scene.federation.handle_disconnected(NOW, PEER);
        scene.connect();
        scene.say(&hello());
        scene.heard.clear();
        let grant = grant.bytes().to_vec();
        scene.say(&Message::Prove {
            session: 0,
            grant,
            proof,
        });
    }),
    ("grant-holder", true, |scene, grant| {
        // In the other direction.
        let (me, peer, nonce) = (ME.0, PEER.0, scene.nonce);
        let proof = prove(&holder(), grant.hash(), &me, &peer, &nonce, &THEIR_NONCE);
        let grant = grant.bytes().to_vec();
        scene.say(&Message::Prove {
            session: 0,
            grant,
            proof,
        });
    }),
    ("grant-signature", true, |scene, grant| {
        let (mut bytes, proof) = (grant.bytes().to_vec(), scene.proof(grant));
        *bytes.last_mut().unwrap() ^= 1;
        scene.say(&Message::Prove {
            session: 0,
            grant: bytes,
            proof,
        });
    }),
    ("grant-malformed", true, |scene, _| {
        scene.say(&Message::Prove {
            session: 0,
            grant: vec![0],
            proof: [0; 64],
        });
    }),
];

#[test]
fn only_the_holder_of_an_admitted_grant_is_let_in() {
    for (code, fault, attempt) in ATTEMPTS {
        let mut scene = Scene::introduced(|_| ());
        let grant = grant_of(5, |_| ());
        scene.admit(&grant);
        attempt(&mut scene, &grant);
        assert_eq!(
            scene.heard,
            [Message::Refused {
                session: 0,
                code: code.into()
            }]
        );
        assert_eq!(!scene.faults.is_empty(), fault, "{code}");
        // What was under way is passed over, and nothing is delivered.
        scene.say(&events(0, 1, 3));
        assert_eq!(
            (scene.heard.len(), scene.outputs.len(), scene.closed),
            (1, 0, false)
        );
    }
}

#[test]
fn a_grant_that_is_not_in_force_is_refused_without_blame() {
    for (code, times) in [("grant-expired", (0, 1000)), ("grant-early", (5000, 6000))] {
        let mut scene = Scene::introduced(|_| ());
        let grant = grant_of(5, |terms| (terms.issued, terms.expires) = times);
        scene.admit(&grant);
        scene.prove(0, &grant);
        assert_eq!(
            scene.heard,
            [Message::Refused {
                session: 0,
                code: code.into()
            }]
        );
        assert!(scene.faults.is_empty());
    }
}

#[test]
fn session_numbers_only_go_up_and_sessions_have_an_end() {
    let mut scene = Scene::introduced(|config| config.sessions_max = 2);
    let grants: Vec<_> = (5..8).map(|channel| grant_of(channel, |_| ())).collect();
    for grant in &grants {
        scene.admit(grant);
    }
    scene.prove(4, &grants[0]);
    scene.prove(4, &grants[1]);
    scene.prove(3, &grants[1]);
    assert_eq!(scene.faults, ["session-repeated", "session-repeated"]);
    scene.heard.clear();
    scene.prove(5, &grants[1]);
    scene.prove(6, &grants[2]);
    // Proved again, a grant takes no more room.
    scene.prove(7, &grants[0]);
    let opened = |session| Message::Opened {
        session,
        through: 0,
    };
    let refused = Message::Refused {
        session: 6,
        code: "sessions-max".into(),
    };
    assert_eq!(scene.heard, [opened(5), refused, opened(7)]);
    // The old session of that grant is no more.
    scene.say(&events(4, 1, 1));
    assert!(scene.outputs.is_empty());
    scene.say(&events(7, 1, 1));
    assert_eq!(scene.outputs.len(), 1);
}

#[test]
fn a_stream_brings_only_so_many_proofs() {
    let mut scene = Scene::introduced(|config| config.proofs_max = 2);
    let grant = grant_of(5, |_| ());
    scene.admit(&grant);
    for session in 0..3 {
        scene.prove(session, &grant);
    }
    let opened = |session| Message::Opened {
        session,
        through: 0,
    };
    assert_eq!(scene.heard, [opened(0), opened(1), wrong("proofs-max")]);
    assert!(scene.closed);
}

#[test]
fn a_receiver_takes_no_more_than_its_window() {
    let mut scene = Scene::introduced(|config| config.window_events_max = 5);
    let grant = grant_of(5, |_| ());
    scene.admit(&grant);
    scene.prove(0, &grant);
    (0..20).for_each(|n| scene.say(&events(0, 1 + 3 * n, 3)));
    assert_eq!(scene.outputs.len(), 5);
    scene.heard.clear();
    scene.federation.accepted(grant.eci(), grant.id(), 5);
    scene.drain();
    let resume = Message::Resume {
        session: 0,
        sequence: 6,
    };
    assert_eq!(
        scene.heard,
        [
            resume,
            Message::Ack {
                session: 0,
                through: 5
            }
        ]
    );
}

#[test]
fn numbers_that_do_not_follow_are_answered_once() {
    let mut scene = Scene::introduced(|_| ());
    let grant = grant_of(5, |_| ());
    scene.admit(&grant);
    scene.prove(0, &grant);
    scene.heard.clear();
    scene.say(&events(0, 100, 2));
    scene.say(&events(0, 102, 2));
    assert_eq!(
        scene.heard,
        [Message::Resume {
            session: 0,
            sequence: 1
        }]
    );
    scene.say(&events(0, u64::MAX, 2));
    assert_eq!(scene.heard[1..], [wrong("frame-malformed")]);
    let zero = [0xa4, 0x00, 0x04, 0x01, 0x00, 0x02, 0x00, 0x03, 0x80];
    scene.send(&zero);
    assert_eq!(scene.heard[2..], [wrong("frame-malformed")]);
    assert!(scene.outputs.is_empty());
}

/// Only its own number is spent, and the engine is told to write that down.
#[test]
fn an_event_that_cannot_be_read_is_refused() {
    for bytes in [&b"\xff"[..], b"\xa0", b"\x00", b""] {
        let code = if bytes.is_empty() {
            "event-withdrawn"
        } else {
            "event-malformed"
        };
        let mut scene = Scene::introduced(|_| ());
        let grant = grant_of(5, |_| ());
        scene.admit(&grant);
        scene.prove(0, &grant);
        scene.heard.clear();
        scene.say(&Message::Events {
            session: 0,
            first: 1,
            events: vec![bytes.to_vec()],
        });
        let refused = scene.outputs.pop();
        assert!(
            matches!(refused, Some(Output::Refuse { sequence: 1, code: of, .. }) if of == code)
        );
        assert!(scene.heard.is_empty());
        scene
            .federation
            .rejected(grant.eci(), grant.id(), 1, code.into());
        scene.drain();
        assert_eq!(
            scene.heard,
            [Message::Reject {
                session: 0,
                sequence: 1,
                code: code.into()
            }]
        );
    }
}

/// Whatever the owner says, what is sent can be read.
#[test]
fn a_code_that_is_none_is_replaced() {
    let mut scene = Scene::introduced(|_| ());
    let grant = grant_of(5, |_| ());
    scene.admit(&grant);
    scene.prove(0, &grant);
    scene.say(&events(0, 1, 1));
    scene.heard.clear();
    let code = "Not a code".to_owned();
    scene.federation.rejected(grant.eci(), grant.id(), 1, code);
    scene.drain();
    let reject = Message::Reject {
        session: 0,
        sequence: 1,
        code: "event-refused".into(),
    };
    assert_eq!(scene.heard, [reject]);
}

#[test]
fn a_receiver_cannot_make_a_sender_forget() {
    let cases: [(Message, &str); 3] = [
        (
            Message::Ack {
                session: 0,
                through: 2,
            },
            "ack-unsent",
        ),
        (
            Message::Resume {
                session: 0,
                sequence: 3,
            },
            "resume-unsent",
        ),
        (
            Message::Quota {
                session: 0,
                sequence: 3,
                retry_ms: 1,
            },
            "resume-unsent",
        ),
    ];
    for (message, code) in cases {
        let mut scene = Scene::introduced(|_| ());
        let grant = scene.sending();
        scene.say(&message);
        assert_eq!(scene.heard, [wrong(code)]);
        assert_eq!(scene.federation.waiting(grant.hash()), 1);
    }
}

#[test]
fn a_receiver_cannot_ask_for_the_same_without_end() {
    let mut scene = Scene::introduced(|config| config.resumes_max = 3);
    scene.sending();
    let resume = Message::Resume {
        session: 0,
        sequence: 1,
    };
    for _ in 0..4 {
        scene.say(&resume);
    }
    assert_eq!(scene.heard.len(), 4);
    assert_eq!(scene.heard[3], wrong("resume-repeated"));
}

/// Whoever did not give a grant cannot say anything about it.
#[test]
fn a_third_party_cannot_end_a_grant_or_a_pairing() {
    let mut scene = Scene::introduced(|_| ());
    let third = NodeId([3; 32]);
    let grant = scene.sending();
    scene.federation.handle_connected(NOW, third);
    let say = |scene: &mut Scene, message: Message| {
        scene
            .federation
            .handle_received(NOW, third, &message.encode());
        scene.drain();
    };
    say(&mut scene, hello());
    say(
        &mut scene,
        Message::Ended {
            grants: vec![grant.id()],
        },
    );
    say(
        &mut scene,
        Message::Refused {
            session: 0,
            code: "grant-revoked".into(),
        },
    );
    say(
        &mut scene,
        Message::Ack {
            session: 0,
            through: 1,
        },
    );
    assert!(scene.outputs.is_empty());
    assert_eq!(scene.federation.waiting(grant.hash()), 1);
    scene.say(&Message::Ended {
        grants: vec![grant.id()],
    });
    assert!(matches!(scene.outputs[..], [Output::Lost { .. }]));
}

#[test]
fn a_long_pause_is_cut() {
    let mut scene = Scene::introduced(|config| config.quota_wait_ms_max = 1000);
    scene.sending();
    scene.say(&Message::Quota {
        session: 0,
        sequence: 1,
        retry_ms: u64::MAX,
    });
    assert!(scene.heard.is_empty());
    scene.federation.handle_wake(Timestamp(NOW.0 + 1000));
    scene.drain();
    assert!(matches!(
        scene.heard[..],
        [Message::Events { first: 1, .. }]
    ));
}

#[test]
fn dials_come_ever_more_seldom_and_stop_when_nothing_waits() {
    let mut scene = Scene::new(|_| ());
    let grant = scene.sending();
    let mut now = NOW;
    for attempt in 0..12 {
        assert!(matches!(
            scene.outputs.pop(),
            Some(Output::Dial { peer: PEER, .. })
        ));
        let failed = now;
        scene.federation.handle_dial_failed(now, PEER);
        while scene.outputs.is_empty() {
            now.0 += 1;
            scene.federation.handle_wake(now);
            scene.drain();
        }
        let (wait, most) = (now.since(failed).as_millis(), (250 << attempt).min(60_000));
        assert!((most / 2..=most).contains(&wait), "{wait} after {attempt}");
    }
    scene.outputs.clear();
    scene.federation.release(grant.hash());
    scene.federation.handle_dial_failed(now, PEER);
    scene.federation.handle_wake(Timestamp(now.0 + 3_600_000));
    assert!(scene.federation.poll().is_none());
}

#[test]
fn a_dial_that_is_never_answered_counts_as_failed() {
    let mut scene = Scene::new(|_| ());
    scene.sending();
    scene.outputs.clear();
    for (wait, dials) in [(59_999, 0), (60_000, 0), (60_250, 1)] {
        scene.federation.handle_wake(Timestamp(NOW.0 + wait));
        scene.drain();
        assert_eq!(scene.outputs.len(), dials);
    }
}
