//! Grants as others use them: minted, verified, altered, tried against events.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use stratus_capability::{
    CHANNEL_KEY, CLOCK_SKEW_SECONDS_MAX, GRANT_BYTES_MAX, Grant, GrantError, GrantId, HolderKey,
    Limit, Match, Permit, Rate, SCOPE_BYTES_MAX, Scope, ScopeError, SigningKey, Terms, mint,
};
use stratus_event::{Eci, Fault, Map, Name, Timestamp, Value};

const DECEMBER: u64 = 1_796_083_200;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn channel() -> SigningKey {
    SigningKey::derive(&[1; 32], CHANNEL_KEY, &[0; 16])
}

fn event(domain: &str, kind: &str) -> Permit {
    Permit::event(name(domain).into(), name(kind).into())
}

fn limited(limits: impl IntoIterator<Item = (&'static str, Limit)>) -> Permit {
    let limits = limits
        .into_iter()
        .map(|(attribute, limit)| (name(attribute), limit))
        .collect();
    Permit {
        limits,
        ..event("schedule", "inquiry")
    }
}

fn terms(permits: Vec<Permit>) -> Terms {
    Terms {
        id: GrantId([7; 16]),
        holder: HolderKey(SigningKey::from_bytes(&[2; 32]).public()),
        scope: Scope::new(permits).unwrap(),
        issued: DECEMBER - 1000,
        expires: DECEMBER,
        rate: Rate {
            burst: 20,
            per_minute: 60,
        },
        event_bytes_max: 65_536,
        generation: 1,
        depth: 0,
    }
}

fn grant(permits: Vec<Permit>) -> Grant {
    Grant::verify(&mint(&channel(), &terms(permits))).unwrap()
}

#[test]
fn what_is_minted_is_what_is_verified() {
    let terms = terms(vec![event("schedule", "inquiry")]);
    let bytes = mint(&channel(), &terms);
    let grant = Grant::verify(&bytes).unwrap();
    assert_eq!(grant.terms(), &terms);
    assert_eq!(grant.bytes(), bytes);
    assert_eq!(grant.eci(), Eci(channel().public()));
    assert_eq!(Grant::issuer(&bytes), Ok(grant.eci()));
    assert_eq!((grant.id(), grant.holder()), (terms.id, terms.holder));
    assert_eq!(bytes, mint(&channel(), &terms));
}

/// What a subscription between two PENs needs.
#[test]
fn a_typical_grant_is_small() {
    let bytes = mint(&channel(), &terms(vec![event("schedule", "inquiry")]));
    assert_eq!(bytes.len(), 254);
}

#[test]
fn the_largest_scope_fits_a_grant() {
    let wide = |kinds: usize| {
        let kinds =
            (0..kinds).map(|at| (name("schedule").into(), name(&format!("k{at:04}")).into()));
        Scope::events(kinds)
    };
    let scope = (1..).map_while(|kinds| wide(kinds).ok()).last().unwrap();
    let most = Terms {
        scope,
        issued: u64::MAX - 1,
        expires: u64::MAX,
        rate: Rate {
            burst: u32::MAX,
            per_minute: u32::MAX,
        },
        event_bytes_max: u32::MAX,
        generation: u32::MAX,
        ..terms(vec![event("a", "b")])
    };
    let bytes = mint(&channel(), &most);
    assert!(bytes.len() <= GRANT_BYTES_MAX);
    assert_eq!(Grant::verify(&bytes).unwrap().terms(), &most);
    assert!(matches!(wide(200), Err(ScopeError::TooLarge { bytes }) if bytes > SCOPE_BYTES_MAX));
    assert_eq!(Fault::from(wide(200).unwrap_err()).code, "scope-too-large");
}

#[test]
fn a_scope_permits_something() {
    assert_eq!(Scope::new(vec![]), Err(ScopeError::Empty));
    assert_eq!(Fault::from(ScopeError::Empty).code, "scope-empty");
    let nothing = Permit {
        raise: false,
        ..event("a", "b")
    };
    assert_eq!(
        Scope::new(vec![event("a", "b"), nothing]),
        Err(ScopeError::Empty)
    );
}

#[test]
fn in_force_from_issue_to_expiry() {
    let grant = grant(vec![event("a", "b")]);
    let check = |seconds: u64, expected| {
        let now = Timestamp(i64::try_from(seconds).unwrap() * 1000);
        assert_eq!(grant.in_force(now), expected, "{seconds}");
    };
    let issued = DECEMBER - 1000;
    check(issued - CLOCK_SKEW_SECONDS_MAX - 1, Err(GrantError::Early));
    check(issued - CLOCK_SKEW_SECONDS_MAX, Ok(()));
    check(issued, Ok(()));
    check(DECEMBER - 1, Ok(()));
    check(DECEMBER, Err(GrantError::Expired));
    check(DECEMBER * 2, Err(GrantError::Expired));
    check(0, Err(GrantError::Early));
}

/// Whether a grant with that one permit permits `schedule:inquiry` with these attributes.
fn permitted(permit: Permit, attributes: &Map) -> bool {
    let grant = grant(vec![event("other", "event"), permit]);
    match grant.permits(&name("schedule"), &name("inquiry"), attributes, 100) {
        Ok(()) => true,
        Err(GrantError::Scope { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn symbols() {
    let check = |domain: Match, kind: Match, expected| {
        assert_eq!(
            permitted(Permit::event(domain, kind), &Map::new()),
            expected
        );
    };
    check(name("schedule").into(), name("inquiry").into(), true);
    check(name("schedule").into(), Match::Any, true);
    check(Match::Any, name("inquiry").into(), true);
    check(Match::Any, Match::Any, true);
    check(name("schedule").into(), name("Inquiry").into(), false);
    check(name("schedule").into(), name("inquir").into(), false);
    check(name("sched").into(), Match::Any, false);
    check(Match::Any, name("claim").into(), false);
    // An asterisk is a name like any other.
    check(name("*").into(), name("*").into(), false);
    assert!(!permitted(
        Permit {
            raise: false,
            query: true,
            ..event("schedule", "inquiry")
        },
        &Map::new()
    ));
}

#[test]
fn limits_of_attributes() {
    let check = |limit: Limit, value: Value, expected: bool| {
        let attributes = Map::from([("other", Value::Null), ("a", value.clone())]);
        let permit = limited([("a", limit.clone())]);
        assert_eq!(
            permitted(permit, &attributes),
            expected,
            "{limit:?} {value:?}"
        );
        // What is not there meets no limit.
        assert!(!permitted(limited([("b", limit)]), &attributes));
    };
    let text = |text: &str| Value::text(text);
    check(Limit::Exact("x".into()), text("x"), true);
    check(Limit::Exact("x".into()), text("xx"), false);
    check(Limit::Exact("1".into()), 1.into(), false);
    check(Limit::Prefix("+1".into()), text("+1801"), true);
    check(Limit::Prefix("+1".into()), text("+"), false);
    check(Limit::Prefix("+1".into()), text(" +1801"), false);
    check(Limit::Prefix(String::new()), Value::Null, false);
    check(Limit::Set(vec!["x".into(), "y".into()]), text("y"), true);
    check(Limit::Set(vec!["x".into(), "y".into()]), text("z"), false);
    check(Limit::Set(vec![]), text(""), false);
    let range = |min, max| Limit::Range { min, max };
    check(range(0, 99), 0.into(), true);
    check(range(0, 99), 99.into(), true);
    check(range(0, 99), 100.into(), false);
    check(range(0, 99), (-1).into(), false);
    check(range(0, 99), Value::number(1.5), false);
    check(range(0, 99), text("1"), false);
    check(range(9, 0), 5.into(), false);
    check(range(i64::MIN, i64::MAX), Value::number(1e300), false);
    let length = |bytes_max| Limit::Length { bytes_max };
    check(length(2), text("ab"), true);
    check(length(2), text("äö"), false);
    check(length(0), text(""), true);
    check(length(9), Value::list([]), false);
    check(Limit::Present, Value::Null, true);
}

#[test]
fn all_limits_of_one_permit_must_hold() {
    let permit = limited([("a", Limit::Present), ("b", Limit::Exact("x".into()))]);
    assert!(permitted(
        permit.clone(),
        &Map::from([("a", "1"), ("b", "x"), ("c", "y")])
    ));
    assert!(!permitted(permit.clone(), &Map::from([("b", "x")])));
    assert!(!permitted(permit, &Map::from([("a", "1"), ("b", "y")])));
}

#[test]
fn queries_and_sizes() {
    let asks = Permit {
        raise: false,
        query: true,
        ..event("calendar", "free")
    };
    let grant = grant(vec![asks, event("schedule", "inquiry")]);
    let none = Map::new();
    assert_eq!(
        grant.permits_query(&name("calendar"), &name("free"), &none),
        Ok(())
    );
    let error = grant
        .permits_query(&name("schedule"), &name("inquiry"), &none)
        .unwrap_err();
    assert_eq!(error.code(), "grant-scope");
    let size = |bytes| grant.permits(&name("schedule"), &name("inquiry"), &none, bytes);
    assert_eq!(size(65_536), Ok(()));
    for bytes in [65_537, usize::MAX] {
        assert_eq!(
            size(bytes),
            Err(GrantError::EventTooLarge {
                bytes,
                bytes_max: 65_536
            })
        );
    }
}

#[test]
fn every_error_has_its_code() {
    use GrantError as E;
    let malformed = E::Malformed(stratus_event::codec::CodecError::Trailing);
    for (error, code) in [
        (E::Delegated, "grant-delegated"),
        (E::Early, "grant-early"),
        (
            E::EventTooLarge {
                bytes: 2,
                bytes_max: 1,
            },
            "grant-event-too-large",
        ),
        (E::Expired, "grant-expired"),
        (E::Holder, "grant-holder"),
        (E::Key, "grant-key"),
        (malformed, "grant-malformed"),
        (E::Rate { retry_after_ms: 5 }, "grant-rate"),
        (E::Scope { what: "a:b".into() }, "grant-scope"),
        (E::Signature, "grant-signature"),
        (E::TooLarge { bytes_max: 1 }, "grant-too-large"),
        (E::Type, "grant-type"),
    ] {
        let fault = Fault::from(error);
        assert_eq!(fault.code, code);
        assert!(fault.hint.is_some() && !fault.message.is_empty());
    }
}

#[test]
fn every_altered_bit_is_refused() {
    let grant = mint(&channel(), &terms(vec![event("schedule", "inquiry")]));
    for bit in 0..grant.len() * 8 {
        let mut altered = grant.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(Grant::verify(&altered).is_err(), "bit {bit}");
    }
}

#[test]
fn every_cut_or_longer_grant_is_refused() {
    let mut grant = mint(&channel(), &terms(vec![event("schedule", "inquiry")]));
    for length in 0..grant.len() {
        assert!(Grant::verify(&grant[..length]).is_err(), "{length} bytes");
    }
    grant.push(0);
    assert!(Grant::verify(&grant).is_err());
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        ".{0,8}".prop_map(Limit::Exact),
        ".{0,8}".prop_map(Limit::Prefix),
        proptest::collection::vec(".{0,4}", 0..4).prop_map(Limit::Set),
        any::<(i64, i64)>().prop_map(|(min, max)| Limit::Range { min, max }),
        any::<u32>().prop_map(|bytes_max| Limit::Length { bytes_max }),
        Just(Limit::Present),
    ]
}

fn permit() -> impl Strategy<Value = Permit> {
    let names = || "[a-z*]{1,6}".prop_map(|text| name(&text));
    let matches = || proptest::option::of(names()).prop_map(Match::from);
    let limits = proptest::collection::btree_map(names(), limit(), 0..4);
    (matches(), matches(), limits, 1..4_u8).prop_map(|(domain, kind, limits, how)| Permit {
        domain,
        kind,
        limits,
        raise: how & 1 != 0,
        query: how & 2 != 0,
    })
}

proptest! {
    #[test]
    fn any_terms_survive(
        permits in proptest::collection::vec(permit(), 1..5),
        (id, secret, generation, size) in any::<([u8; 16], [u8; 32], u32, u32)>(),
        (burst, per_minute, issued) in any::<(u32, u32, u32)>(),
    ) {
        let terms = Terms {
            id: GrantId(id),
            holder: HolderKey(SigningKey::from_bytes(&secret).public()),
            issued: issued.into(),
            expires: u64::from(issued) + 1,
            rate: Rate { burst, per_minute },
            event_bytes_max: size,
            generation,
            ..terms(permits)
        };
        let bytes = mint(&channel(), &terms);
        let grant = Grant::verify(&bytes).unwrap();
        prop_assert_eq!(grant.terms(), &terms);
        prop_assert_eq!(mint(&channel(), grant.terms()), bytes);
    }
}
