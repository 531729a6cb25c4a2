//! `spec/vectors/grants.json`: read and checked always, written anew when
//! `STRATUS_WRITE_VECTORS` is set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use stratus_capability::{
    Grant, GrantHash, HolderKey, Limit, Match, Permit, SigningKey, Terms, check_proof, mint, prove,
};
use stratus_event::{Map, Name, Value};

#[path = "vectors/broken.rs"]
mod broken;
#[path = "vectors/sound.rs"]
mod sound;

/// The file is what this version of the code makes, so that a change of the format shows.
#[test]
fn the_file_is_current() {
    let vectors = json!({
        "about": "Grants as spec/capability.md describes them. Bytes are in hexadecimal, times in \
                  seconds since 1970. Seeds are Ed25519 secret keys, for tests only.",
        "grants": sound::grants().iter().map(grant_json).collect::<Json>(),
        "decisions": sound::decisions(),
        "keys": sound::keys(),
        "proofs": [sound::proof()],
        "refused": broken::cases().iter().map(refused_json).collect::<Json>(),
    });
    if std::env::var_os("STRATUS_WRITE_VECTORS").is_some() {
        write_file(&vectors);
    } else {
        assert!(
            file() == vectors,
            "write it anew with STRATUS_WRITE_VECTORS=1, and look why"
        );
    }
}

#[test]
fn sound_grants_are_accepted() {
    let file = file();
    for case in list(&file, "grants") {
        let bytes = bytes(&case["bytes"]);
        let grant = Grant::verify(&bytes).unwrap();
        assert_eq!(case["eci"], grant.eci().to_string());
        assert_eq!(case["hash"], grant.hash().to_string());
        assert_eq!(case["sentence"], grant.sentence());
        assert_eq!(case["terms"], terms_json(grant.terms()));
        let key = SigningKey::from_bytes(&array(&case["channel_seed"]));
        assert_eq!(mint(&key, grant.terms()), bytes);
    }
}

#[test]
fn broken_grants_are_refused_each_with_its_code() {
    let file = file();
    assert!(list(&file, "refused").len() > 100);
    for case in list(&file, "refused") {
        let verdict = Grant::verify(&bytes(&case["bytes"]));
        let code = verdict
            .as_ref()
            .map_err(stratus_capability::GrantError::code)
            .err();
        assert_eq!(code, case["code"].as_str(), "{}", case["breaks"]);
    }
}

#[test]
fn decisions_are_as_written() {
    let file = file();
    for case in list(&file, "decisions") {
        let grant = list(&file, "grants")
            .iter()
            .find(|grant| grant["name"] == case["grant"]);
        let grant = Grant::verify(&bytes(&grant.unwrap()["bytes"])).unwrap();
        let name = |field: &str| Name::new(case[field].as_str().unwrap()).unwrap();
        let Value::Map(attributes) = value(&case["attributes"]) else {
            panic!("{case}")
        };
        let size = usize::try_from(case["event_bytes"].as_u64().unwrap()).unwrap();
        let verdict = grant.permits(&name("domain"), &name("type"), &attributes, size);
        let code = verdict
            .as_ref()
            .map_err(stratus_capability::GrantError::code)
            .err();
        assert_eq!(code, case["code"].as_str(), "{case}");
    }
}

#[test]
fn keys_and_proofs_are_as_written() {
    let file = file();
    for case in list(&file, "keys") {
        let purpose = case["purpose"].as_str().unwrap();
        let key = SigningKey::derive(&array(&case["seed"]), purpose, &array(&case["id"]));
        assert_eq!(case["public"], hex(&key.public()));
    }
    for case in list(&file, "proofs") {
        let key = SigningKey::from_bytes(&array(&case["holder_seed"]));
        let grant = GrantHash(array(&case["grant_hash"]));
        let [prover, verifier] = [array(&case["prover"]), array(&case["verifier"])];
        let [mine, yours] = [array(&case["prover_nonce"]), array(&case["verifier_nonce"])];
        let proof = prove(&key, grant, &prover, &verifier, &mine, &yours);
        assert_eq!(case["proof"], hex(&proof));
        let holder = HolderKey(key.public());
        assert_eq!(
            check_proof(holder, grant, &prover, &verifier, &mine, &yours, &proof),
            Ok(())
        );
    }
}

fn file() -> Json {
    serde_json::from_str(include_str!("../../../spec/vectors/grants.json")).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test may write what it tests")]
fn write_file(vectors: &Json) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../spec/vectors/grants.json"
    );
    std::fs::write(path, serde_json::to_string_pretty(vectors).unwrap() + "\n").unwrap();
}

fn list<'a>(file: &'a Json, name: &str) -> &'a [Json] {
    let list = file[name].as_array().unwrap();
    assert!(!list.is_empty(), "{name}");
    list
}

fn grant_json((name, seed, terms): &(&str, [u8; 32], Terms)) -> Json {
    let bytes = mint(&SigningKey::from_bytes(seed), terms);
    let grant = Grant::verify(&bytes).unwrap();
    json!({
        "name": name,
        "channel_seed": hex(seed),
        "terms": terms_json(terms),
        "eci": grant.eci().to_string(),
        "bytes": hex(&bytes),
        "hash": grant.hash().to_string(),
        "sentence": grant.sentence(),
    })
}

fn refused_json(case: &broken::Case) -> Json {
    json!({ "breaks": case.breaks, "code": case.code, "bytes": hex(&case.bytes) })
}

fn terms_json(terms: &Terms) -> Json {
    json!({
        "id": terms.id.to_string(),
        "holder": terms.holder.to_string(),
        "scope": terms.scope.permits().iter().map(permit_json).collect::<Json>(),
        "issued": terms.issued,
        "expires": terms.expires,
        "burst": terms.rate.burst,
        "per_minute": terms.rate.per_minute,
        "event_bytes_max": terms.event_bytes_max,
        "generation": terms.generation,
        "depth": terms.depth,
    })
}

fn permit_json(permit: &Permit) -> Json {
    let name = |name: &Match| match name {
        Match::Any => Json::Null,
        Match::Exactly(name) => name.as_str().into(),
    };
    let limits = permit
        .limits
        .iter()
        .map(|(name, limit)| (name.to_string(), limit_json(limit)));
    json!({
        "domain": name(&permit.domain),
        "type": name(&permit.kind),
        "limits": Json::Object(limits.collect()),
        "raise": permit.raise,
        "query": permit.query,
    })
}

fn limit_json(limit: &Limit) -> Json {
    match limit {
        Limit::Exact(text) => json!({ "exact": text }),
        Limit::Prefix(start) => json!({ "prefix": start }),
        Limit::Set(texts) => json!({ "set": texts }),
        Limit::Range { min, max } => json!({ "range": [min, max] }),
        Limit::Length { bytes_max } => json!({ "length": bytes_max }),
        Limit::Present => json!("present"),
    }
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => (*truth).into(),
        Json::Number(number) => Value::number(number.as_f64().unwrap()),
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(value)),
        Json::Object(entries) => Value::map(
            entries
                .iter()
                .map(|(name, item)| (name, value(item)))
                .collect::<Map>(),
        ),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn bytes(json: &Json) -> Vec<u8> {
    let text = json.as_str().unwrap();
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn array<const N: usize>(json: &Json) -> [u8; N] {
    bytes(json).try_into().unwrap()
}
