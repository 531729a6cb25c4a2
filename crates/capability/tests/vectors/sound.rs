//! What is accepted, and what it permits.

use serde_json::{Value as Json, json};
use stratus_capability::{
    CHANNEL_KEY, GrantHash, GrantId, HOLDER_KEY, HolderKey, Limit, Match, Permit, Rate, Scope,
    SigningKey, Terms, prove,
};
use stratus_event::Name;

use super::hex;

/// Name, secret key of the channel, terms.
pub(super) fn grants() -> Vec<(&'static str, [u8; 32], Terms)> {
    let plain = terms(vec![event("schedule", "inquiry")]);
    let strict = terms(vec![Permit {
        limits: limits(),
        ..event("schedule", "inquiry")
    }]);
    let wide = Terms {
        issued: 0,
        expires: 4_294_967_296,
        rate: Rate {
            burst: u32::MAX,
            per_minute: 1,
        },
        event_bytes_max: 0,
        generation: 256,
        ..terms(vec![
            Permit {
                query: true,
                ..Permit::event(Match::Any, Match::Any)
            },
            Permit::event(name("*").into(), Match::Any),
            Permit {
                raise: false,
                query: true,
                ..event("calendar", "free")
            },
        ])
    };
    vec![
        ("plain", [1; 32], plain),
        ("strict", [1; 32], strict),
        ("wide", [3; 32], wide),
    ]
}

/// Events against grants, and the code with which they are refused, or null.
pub(super) fn decisions() -> Json {
    let fitting = json!({
        "code": 7, "from": "+18015550100", "kind": "lab", "message": "help", "to": null,
        "where": "TMCB",
    });
    let with = |attribute: &str, value: Json| {
        let mut attributes = fitting.clone();
        attributes[attribute] = value;
        attributes
    };
    let mut lacking = fitting.clone();
    lacking.as_object_mut().unwrap().shift_remove("to");
    let mut decisions = vec![
        decision("plain", "schedule:inquiry", &json!({}), 100, None),
        decision("plain", "schedule:inquiry", &fitting, 65_536, None),
        decision("plain", "schedule:inquiry", &fitting, 65_537, TOO_LARGE),
        decision("plain", "schedule:claim", &fitting, 100, REFUSED),
        decision("plain", "Schedule:inquiry", &fitting, 100, REFUSED),
        decision("strict", "schedule:inquiry", &lacking, 100, REFUSED),
        decision("strict", "schedule:inquiry", &json!({}), 100, REFUSED),
        decision("wide", "any:thing", &json!({}), 0, None),
        decision("wide", "any:thing", &json!({}), 1, TOO_LARGE),
    ];
    for (attribute, value, code) in changes() {
        let attributes = with(attribute, value);
        decisions.push(decision(
            "strict",
            "schedule:inquiry",
            &attributes,
            100,
            code,
        ));
    }
    decisions.into()
}

const REFUSED: Option<&str> = Some("grant-scope");
const TOO_LARGE: Option<&str> = Some("grant-event-too-large");

/// What becomes of a fitting event if one attribute is another.
fn changes() -> Vec<(&'static str, Json, Option<&'static str>)> {
    vec![
        ("code", json!(7), None),
        ("more", json!([1, 2]), None),
        ("code", json!(99), None),
        ("code", json!(100), REFUSED),
        ("code", json!(-1), REFUSED),
        ("code", json!(7.5), REFUSED),
        ("code", json!("7"), REFUSED),
        ("from", json!("18015550100"), REFUSED),
        ("kind", json!("lecture"), REFUSED),
        ("message", json!("ä".repeat(80)), None),
        ("message", json!("ä".repeat(81)), REFUSED),
        ("where", json!("TMCB "), REFUSED),
    ]
}

fn decision(grant: &str, symbol: &str, attributes: &Json, size: u64, code: Option<&str>) -> Json {
    let (domain, kind) = symbol.split_once(':').unwrap();
    json!({
        "grant": grant, "domain": domain, "type": kind, "attributes": attributes,
        "event_bytes": size, "code": code,
    })
}

/// How keys are derived.
pub(super) fn keys() -> Json {
    let key = |purpose: &str, seed: u8, id: u8| {
        let public = SigningKey::derive(&[seed; 32], purpose, &[id; 16]).public();
        json!({
            "seed": hex(&[seed; 32]), "purpose": purpose, "id": hex(&[id; 16]),
            "public": hex(&public),
        })
    };
    json!([
        key(CHANNEL_KEY, 1, 2),
        key(HOLDER_KEY, 1, 2),
        key(CHANNEL_KEY, 0, 0)
    ])
}

/// A proof of possession.
pub(super) fn proof() -> Json {
    let key = SigningKey::from_bytes(&[2; 32]);
    let [grant, prover, verifier, mine, yours] =
        [[0xa; 32], [0xb; 32], [0xc; 32], [0xd; 32], [0xe; 32]];
    let proof = prove(&key, GrantHash(grant), &prover, &verifier, &mine, &yours);
    json!({
        "holder_seed": hex(&[2; 32]), "grant_hash": hex(&grant), "prover": hex(&prover),
        "verifier": hex(&verifier), "prover_nonce": hex(&mine), "verifier_nonce": hex(&yours),
        "proof": hex(&proof),
    })
}

/// Terms of an ordinary grant, until 2026-12-01.
pub(super) fn terms(permits: Vec<Permit>) -> Terms {
    Terms {
        id: GrantId([7; 16]),
        holder: HolderKey(SigningKey::from_bytes(&[2; 32]).public()),
        scope: Scope::new(permits).unwrap(),
        issued: 1_795_392_000,
        expires: 1_796_083_200,
        rate: Rate {
            burst: 20,
            per_minute: 60,
        },
        event_bytes_max: 65_536,
        generation: 1,
        depth: 0,
    }
}

/// A permit for one symbol.
pub(super) fn event(domain: &str, kind: &str) -> Permit {
    Permit::event(name(domain).into(), name(kind).into())
}

fn limits() -> std::collections::BTreeMap<Name, Limit> {
    [
        ("code", Limit::Range { min: 0, max: 99 }),
        ("from", Limit::Prefix("+1".into())),
        ("kind", Limit::Set(vec!["lab".into(), "homework".into()])),
        ("message", Limit::Length { bytes_max: 160 }),
        ("to", Limit::Present),
        ("where", Limit::Exact("TMCB".into())),
    ]
    .map(|(attribute, limit)| (name(attribute), limit))
    .into()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}
