//! The test vectors of the specification: `spec/vectors/frames.json`.
//!
//! `STRATUS_WRITE_VECTORS=1 cargo test -p stratus-protocol vectors` writes them anew.

use data_encoding::HEXLOWER;
use serde_json::{Value as Json, json};
use stratus_capability::{GrantId, HOLDER_KEY, HolderKey, SigningKey};
use stratus_event::{Name, Timestamp, codec};

use super::owner::event;
use crate::{InviteLink, NodeId, SubscriptionId, link::Claim, message::Message};

/// One of each sort, in the order of their numbers, with large and small fields.
pub(super) fn messages() -> Vec<Message> {
    let wrong = Message::Wrong {
        code: "frame-malformed".into(),
    };
    let [sessions, pairing] = [session_messages(), pairing_messages()];
    [sessions, pairing, vec![wrong]].concat()
}

fn session_messages() -> Vec<Message> {
    let events = |numbers: std::ops::Range<u16>| {
        numbers
            .map(|n| codec::encode(&(&event(2, n, "schedule")).into()))
            .collect()
    };
    let code = |code: &str| code.to_owned();
    vec![
        Message::Hello {
            nonce: [9; 32],
            addresses: vec!["/ip4/127.0.0.1/tcp/4001".into()],
        },
        Message::Prove {
            session: 0,
            grant: vec![0xd2, 0x84],
            proof: [3; 64],
        },
        Message::Opened {
            session: 0,
            through: 0,
        },
        Message::Refused {
            session: 0,
            code: code("grant-revoked"),
        },
        Message::Events {
            session: 0,
            first: 1,
            events: events(1..3),
        },
        Message::Ack {
            session: 0,
            through: u64::MAX,
        },
        Message::Reject {
            session: 0,
            sequence: 2,
            code: code("grant-scope"),
        },
        Message::Quota {
            session: 23,
            sequence: 24,
            retry_ms: 1000,
        },
        Message::Resume {
            session: 255,
            sequence: 256,
        },
        Message::Ended {
            grants: vec![GrantId([7; 16])],
        },
    ]
}

fn pairing_messages() -> Vec<Message> {
    let Claim { holder, link, .. } = claim();
    let subscription = SubscriptionId::derive(&[7; 16], &holder);
    vec![
        Message::Redeem {
            invite: [7; 16],
            link,
            holder,
            proof: claim().prove(&self::link().secret),
            name: Some("Ada".into()),
        },
        Message::Granted {
            subscription,
            grant: vec![0xd2, 0x84],
            holder: HolderKey([4; 32]),
        },
        Message::Confirm {
            subscription,
            grant: vec![0xd2, 0x84],
        },
        Message::Established { subscription },
        Message::PairingRefused {
            subscription,
            code: "invite-used".into(),
        },
    ]
}

fn link() -> InviteLink {
    let name = |text| Name::new(text).unwrap();
    InviteLink {
        node: NodeId([1; 32]),
        addresses: vec!["/ip4/127.0.0.1/tcp/4001".into()],
        invite: [7; 16],
        secret: [8; 32],
        expires: Timestamp(1_800_000_000_000),
        role_inviter: "class".into(),
        role_redeemer: "assistant".into(),
        offered: vec![(name("schedule"), name("claim"))],
        wanted: vec![
            (name("schedule"), name("inquiry")),
            (name("notification"), name("*")),
        ],
        label: "Class 101".into(),
    }
}

fn claim() -> Claim {
    Claim {
        link: link().hash(),
        redeemer: NodeId([2; 32]),
        inviter: NodeId([1; 32]),
        redeemer_nonce: [9; 32],
        inviter_nonce: [10; 32],
        holder: HolderKey(SigningKey::derive(&[2; 32], HOLDER_KEY, &[7; 16]).public()),
    }
}

/// Frames that are refused, each with its code.
fn refused() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let bytes = REFUSED.iter().map(|(why, frame, code)| {
        let frame = HEXLOWER.decode(frame.as_bytes()).unwrap();
        (*why, frame, *code)
    });
    let too_much = [
        ("events numbered from 0", changed(4, "020103", "020003")),
        (
            "a code with a space",
            changed(3, "2d7265766f", "207265766f"),
        ),
        ("a nonce of 31 bytes", changed(0, "02582009", "02581f")),
        ("17 addresses", hello(17)),
        ("257 grants", ended(257)),
        ("a grant that is too large", prove(2049)),
    ];
    let too_much = too_much.map(|(why, frame)| (why, frame, MALFORMED));
    bytes.chain(too_much).collect()
}

const REFUSED: [(&str, &str, &str); 17] = [
    ("nothing", "", MALFORMED),
    ("a list", "80", MALFORMED),
    ("no number", "a10101", MALFORMED),
    ("an unknown number", "a10010", "frame-unknown"),
    ("a hello of version 2", "a200000102", "version-unsupported"),
    ("a frame cut off", "a300050100", MALFORMED),
    ("a field too few", "a200050100", MALFORMED),
    ("a field too many", "a40005010002000300", MALFORMED),
    ("a byte after the frame", "a30005010002000000", MALFORMED),
    ("keys that are not sorted", "a30005020001ff", MALFORMED),
    ("a key twice", "a3000501000100", MALFORMED),
    ("a long integer", "a3000501001800", MALFORMED),
    ("a session below zero", "a3000501200200", MALFORMED),
    ("a map of indefinite length", "bf000501000200ff", MALFORMED),
    ("a tag", "a30005010002c100", MALFORMED),
    (
        "a list of 2^31 events",
        "a4000401000201039a80000000",
        MALFORMED,
    ),
    (
        "an event that is a text",
        "a400040100020103816161",
        MALFORMED,
    ),
];

const MALFORMED: &str = "frame-malformed";

/// A valid frame with something in it replaced.
fn changed(message: usize, from: &str, to: &str) -> Vec<u8> {
    let frame = HEXLOWER.encode(&messages()[message].encode());
    assert_eq!(frame.matches(from).count(), 1, "{frame}");
    HEXLOWER.decode(frame.replace(from, to).as_bytes()).unwrap()
}

fn hello(addresses: usize) -> Vec<u8> {
    let (nonce, addresses) = ([9; 32], vec![String::new(); addresses]);
    Message::Hello { nonce, addresses }.encode()
}

fn ended(count: usize) -> Vec<u8> {
    let grants = vec![GrantId([7; 16]); count];
    Message::Ended { grants }.encode()
}

fn prove(grant_bytes: usize) -> Vec<u8> {
    let (session, grant, proof) = (0, vec![0; grant_bytes], [0; 64]);
    let message = Message::Prove {
        session,
        grant,
        proof,
    };
    message.encode()
}

fn vectors() -> Json {
    let frame = |message: &Message| {
        let (says, frame) = (describe(message), hex(&message.encode()));
        json!({ "message": says, "frame": frame })
    };
    let refusal = |(why, frame, code): &(&str, Vec<u8>, &str)| {
        let frame = hex(frame);
        json!({ "why": why, "frame": frame, "code": code })
    };
    let (link, claim) = (link(), claim());
    json!({
        "about": "Frames and invites as spec/protocol.md describes them. Byte strings are in \
                  hexadecimal. Grants and proofs in frames are placeholders; sound ones stand in \
                  grants.json.",
        "frames": messages().iter().map(frame).collect::<Json>(),
        "refused": refused().iter().map(refusal).collect::<Json>(),
        "invite": { "link": link.text(), "says": describe_link(&link) },
        "redeem": {
            "secret": hex(&link.secret),
            "link_hash": hex(&claim.link),
            "redeemer": hex(&claim.redeemer.0),
            "inviter": hex(&claim.inviter.0),
            "redeemer_nonce": hex(&claim.redeemer_nonce),
            "inviter_nonce": hex(&claim.inviter_nonce),
            "holder": hex(&claim.holder.0),
            "proof": hex(&claim.prove(&link.secret)),
            "subscription": hex(&SubscriptionId::derive(&link.invite, &claim.holder).0),
        },
    })
}

fn describe(message: &Message) -> Json {
    match message {
        Message::Hello { nonce, addresses } => {
            json!({ "hello": { "version": 1, "nonce": hex(nonce), "addresses": addresses } })
        }
        Message::Prove {
            session,
            grant,
            proof,
        } => {
            json!({ "prove": { "session": session, "grant": hex(grant), "proof": hex(proof) } })
        }
        Message::Opened { session, through } => {
            json!({ "opened": { "session": session, "through": through } })
        }
        Message::Refused { session, code } => {
            json!({ "refused": { "session": session, "code": code } })
        }
        Message::Events {
            session,
            first,
            events,
        } => {
            let events: Vec<_> = events.iter().map(|event| hex(event)).collect();
            json!({ "events": { "session": session, "first": first, "events": events } })
        }
        Message::Ack { session, through } => {
            json!({ "ack": { "session": session, "through": through } })
        }
        Message::Reject {
            session,
            sequence,
            code,
        } => {
            json!({ "reject": { "session": session, "sequence": sequence, "code": code } })
        }
        Message::Quota {
            session,
            sequence,
            retry_ms,
        } => {
            json!({ "quota": { "session": session, "sequence": sequence, "retry_ms": retry_ms } })
        }
        Message::Resume { session, sequence } => {
            json!({ "resume": { "session": session, "sequence": sequence } })
        }
        Message::Ended { grants } => {
            let grants: Vec<_> = grants.iter().map(|grant| hex(&grant.0)).collect();
            json!({ "ended": { "grants": grants } })
        }
        Message::Wrong { code } => json!({ "wrong": { "code": code } }),
        other => describe_pairing(other),
    }
}

fn describe_pairing(message: &Message) -> Json {
    match message {
        Message::Redeem {
            invite,
            link,
            holder,
            proof,
            name,
        } => json!({ "redeem": {
            "invite": hex(invite),
            "link": hex(link),
            "holder": hex(&holder.0),
            "proof": hex(proof),
            "name": name,
        } }),
        Message::Granted {
            subscription,
            grant,
            holder,
        } => json!({ "granted": {
            "subscription": hex(&subscription.0),
            "grant": hex(grant),
            "holder": hex(&holder.0),
        } }),
        Message::Confirm {
            subscription,
            grant,
        } => json!({ "confirm": {
            "subscription": hex(&subscription.0),
            "grant": hex(grant),
        } }),
        Message::Established { subscription } => {
            json!({ "established": { "subscription": hex(&subscription.0) } })
        }
        Message::PairingRefused { subscription, code } => {
            json!({ "pairing-refused": { "subscription": hex(&subscription.0), "code": code } })
        }
        _ => unreachable!("described above"),
    }
}

fn describe_link(link: &InviteLink) -> Json {
    let symbols = |symbols: &[(Name, Name)]| {
        symbols
            .iter()
            .map(|(domain, kind)| json!([domain.as_str(), kind.as_str()]))
            .collect::<Json>()
    };
    json!({
        "node": hex(&link.node.0),
        "addresses": link.addresses,
        "invite": hex(&link.invite),
        "secret": hex(&link.secret),
        "expires": link.expires.seconds(),
        "role_inviter": link.role_inviter,
        "role_redeemer": link.role_redeemer,
        "offered": symbols(&link.offered),
        "wanted": symbols(&link.wanted),
        "label": link.label,
        "hash": hex(&link.hash()),
    })
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

fn bytes(json: &Json) -> Vec<u8> {
    HEXLOWER.decode(json.as_str().unwrap().as_bytes()).unwrap()
}

fn file() -> Json {
    serde_json::from_str(include_str!("../../../spec/vectors/frames.json")).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may write what it tests")]
fn the_file_is_what_the_code_says() {
    let vectors = vectors();
    if std::env::var_os("STRATUS_WRITE_VECTORS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../spec/vectors/frames.json");
        std::fs::write(path, serde_json::to_string_pretty(&vectors).unwrap() + "\n").unwrap();
    } else {
        assert!(
            file() == vectors,
            "write it anew with STRATUS_WRITE_VECTORS=1, and look why"
        );
    }
}

#[test]
fn frames_of_the_file_are_read_and_written() {
    let file = file();
    let frames = file["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 16);
    for (number, vector) in frames.iter().enumerate() {
        let frame = bytes(&vector["frame"]);
        let message = Message::decode(&frame, 1 << 16).unwrap();
        assert_eq!(usize::from(frame[2]), number);
        assert_eq!(describe(&message), vector["message"]);
        assert_eq!(message.encode(), frame);
    }
}

#[test]
fn refused_frames_of_the_file_are_refused() {
    for vector in file()["refused"].as_array().unwrap() {
        let error = Message::decode(&bytes(&vector["frame"]), 1 << 16).unwrap_err();
        assert_eq!(error.code(), vector["code"], "{}", vector["why"]);
    }
}

#[test]
fn the_invite_of_the_file_is_read() {
    let file = file();
    let link = InviteLink::parse(file["invite"]["link"].as_str().unwrap()).unwrap();
    assert_eq!(describe_link(&link), file["invite"]["says"]);
    assert_eq!(
        claim().prove(&link.secret).to_vec(),
        bytes(&file["redeem"]["proof"])
    );
}
