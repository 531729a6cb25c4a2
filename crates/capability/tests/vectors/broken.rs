//! What is refused. Each case breaks one thing and is signed anew, so that nothing but that thing
//! can be why; the signing here is its own, written from RFC 9052.

use stratus_capability::{GRANT_BYTES_MAX, SigningKey, mint};
use stratus_event::codec::{self, Item, Record};

use super::sound::{event, terms};

/// One thing that must be refused.
pub(super) struct Case {
    pub(super) breaks: String,
    pub(super) code: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    envelopes(&mut cases);
    envelope_bytes(&mut cases);
    headers(&mut cases);
    header_bytes(&mut cases);
    claims(&mut cases);
    numbers(&mut cases);
    claim_bytes(&mut cases);
    holders(&mut cases);
    scopes(&mut cases);
    limits(&mut cases);
    signatures(&mut cases);
    weak_channels(&mut cases);
    cases.0
}

struct Cases(Vec<Case>);

impl Cases {
    fn add(&mut self, code: &'static str, breaks: &str, bytes: Vec<u8>) {
        let breaks = breaks.to_owned();
        self.0.push(Case {
            breaks,
            code,
            bytes,
        });
    }

    fn malformed(&mut self, breaks: &str, bytes: Vec<u8>) {
        self.add("grant-malformed", breaks, bytes);
    }
}

/// The parts of the outer `COSE_Sign1`.
fn envelopes(cases: &mut Cases) {
    let parts = |unprotected: Item| {
        let signature = signature(&header(), &payload());
        let [protected, payload] = [header().into(), payload().into()];
        vec![protected, unprotected, payload, signature.into()]
    };
    let message = |parts: Vec<Item>| codec::encode(&Item::tagged(18, parts));
    let with = |index: usize, item: Item| {
        let mut parts = parts(empty());
        parts[index] = item;
        message(parts)
    };
    let sign = codec::encode(&Item::tagged(98, parts(empty())));
    let id: Item = Record::new().with(4, channel().public()).into();
    let five = [parts(empty()), vec![Item::Null]].concat();
    let short = signature(&header(), &payload())[..63].to_vec();

    cases.malformed("the tag is 98 (COSE_Sign)", sign);
    cases.malformed("the unprotected header has a field", message(parts(id)));
    cases.malformed("a part is missing", message(parts(empty())[..3].to_vec()));
    cases.malformed("there is a part more", message(five));
    cases.malformed("the protected header is a map", with(0, empty()));
    cases.malformed("the payload is null", with(2, Item::Null));
    cases.malformed("the payload is a text", with(2, "claims".into()));
    cases.malformed("the signature has 63 bytes", with(3, short.into()));
    let large = with(2, vec![0; GRANT_BYTES_MAX].into());
    cases.add("grant-too-large", "more than 2048 bytes", large);
}

/// The encoding of the outer `COSE_Sign1`.
fn envelope_bytes(cases: &mut Cases) {
    let good = good();
    cases.malformed("there is nothing", vec![]);
    cases.malformed("the last byte is missing", good[..good.len() - 1].to_vec());
    cases.malformed("a byte follows", [&good[..], &[0]].concat());
    cases.malformed("the tag 18 is missing", good[1..].to_vec());
    cases.malformed("the tag 61 is around it", [&[0xd8, 61], &good[..]].concat());
    cases.malformed("the tag is there twice", [&[0xd2], &good[..]].concat());
    let indefinite = [&[0xd2, 0x9f], &good[2..], &[0xff]].concat();
    cases.malformed("the list has no definite length", indefinite);
    let long = [&[0xd8, 18], &good[1..]].concat();
    cases.malformed("the tag's number is not in its shortest form", long);
    let at = position(&good, &payload()) - 1;
    let long = [&good[..at - 1], &[0x59, 0], &good[at..]].concat();
    cases.malformed("the payload's length is not in its shortest form", long);
}

/// The protected header's parameters.
fn headers(cases: &mut Cases) {
    let signed = |header: Item| sign(&codec::encode(&header), &payload());
    let with = |key: i64, value: Item| signed(set(header_item(), key, value));
    cases.malformed("alg is missing", signed(without(header_item(), 1)));
    cases.malformed("kid is missing", signed(without(header_item(), 4)));
    cases.malformed("typ is missing", signed(without(header_item(), 16)));
    cases.malformed("an unknown parameter, crit", with(2, Item::list([4_u64])));
    cases.malformed("an unknown parameter, content type", with(3, 0_u64.into()));
    let short = Item::bytes(&channel().public()[..31]);
    cases.malformed("kid has 31 bytes", with(4, short));
    let mut other = |breaks, key, value| cases.add("grant-type", breaks, with(key, value));
    other("alg is -8 (EdDSA)", 1, (-8_i64).into());
    other("alg is -7 (ES256)", 1, (-7_i64).into());
    other("alg is 5 (HMAC)", 1, 5_u64.into());
    other("alg is a text", 1, "Ed25519".into());
    other("typ is application/cwt", 16, "application/cwt".into());
    let long = "application/stratus-grant+cwt";
    other("typ is the long form of the type", 16, long.into());
    other("typ has capitals", 16, "Stratus-Grant+cwt".into());
    other("typ is a number", 16, 61_u64.into());
}

/// The protected header's encoding.
fn header_bytes(cases: &mut Cases) {
    let good = header();
    let raw = |protected: &[u8]| sign(protected, &payload());
    cases.malformed("the protected header has no bytes", raw(&[]));
    let swapped = [&[0xa3], &good[3..38], &good[1..3], &good[38..]].concat();
    cases.malformed("the protected header is not sorted", raw(&swapped));
    let twice = [&[0xa4], &good[1..3], &good[1..]].concat();
    cases.malformed("a parameter is there twice", raw(&twice));
    let trailing = [&good[..], &[0]].concat();
    cases.malformed("a byte follows the protected header", raw(&trailing));
}

/// Which claims there are.
fn claims(cases: &mut Cases) {
    let missing = |key: i64| resigned(&without(base(), key));
    cases.malformed("exp is missing", missing(4));
    cases.malformed("iat is missing", missing(6));
    cases.malformed("cti is missing", missing(7));
    cases.malformed("cnf is missing", missing(8));
    cases.malformed("scope is missing", missing(9));
    cases.malformed("rate is missing", missing(-70_001));
    cases.malformed("gen is missing", missing(-70_002));
    cases.malformed("depth is missing", missing(-70_003));
    let more = |key: i64| with(key, 1_795_392_000_u64);
    cases.malformed("there is a claim iss", more(1));
    cases.malformed("there is a claim nbf", more(5));
    cases.malformed("there is an unknown claim", more(-70_005));
    let mut entries = base().into_map().unwrap();
    entries.push(("scope".into(), "all".into()));
    let named = resigned(&Item::Map(entries));
    cases.malformed("there is a claim with a text for key", named);
    cases.add("grant-delegated", "depth is 1", with(-70_003, 1_u64));
    cases.add(
        "grant-delegated",
        "there is a claim prf",
        with(-70_004, [5; 32]),
    );
}

/// Times, rates and counts.
fn numbers(cases: &mut Cases) {
    cases.malformed("it ends when it begins", with(4, 1_795_392_000_u64));
    cases.malformed("it ends before it begins", with(4, 1_u64));
    cases.malformed("exp is negative", with(4, -1_i64));
    cases.malformed("exp is a text", with(4, "2026-12-01"));
    cases.malformed("cti has 8 bytes", with(7, [7; 8]));
    cases.malformed("cti is a text", with(7, "7777777777777777"));
    let rate = |rate: &[i64]| with(-70_001, Item::list(rate.iter().copied()));
    cases.malformed("rate has two numbers", rate(&[20, 60]));
    cases.malformed("rate has four numbers", rate(&[20, 60, 65_536, 1]));
    cases.malformed("a rate is negative", rate(&[20, -60, 65_536]));
    cases.malformed("a rate has 33 bits", rate(&[20, 1 << 32, 65_536]));
    cases.malformed("gen has 33 bits", with(-70_002, 1_u64 << 32));
    cases.malformed("gen is null", with(-70_002, Item::Null));
    cases.malformed("depth has 9 bits", with(-70_003, 256_u64));
}

/// The claims' encoding.
fn claim_bytes(cases: &mut Cases) {
    let good = payload();
    let raw = |claims: &[u8]| sign(&header(), claims);
    cases.malformed("there are no claims", raw(&[]));
    cases.malformed(
        "a byte follows the claims",
        raw(&[&good[..], &[0]].concat()),
    );
    let swapped = [&[0xa8], &good[7..13], &good[1..7], &good[13..]].concat();
    cases.malformed("the claims are not sorted", raw(&swapped));
    let twice = [&[0xa9], &good[1..7], &good[1..]].concat();
    cases.malformed("a claim is there twice", raw(&twice));
    let list = Item::List(vec![base()]);
    cases.malformed("the claims are no map", resigned(&list));
    let expiry = |bytes: &[u8]| raw(&[&good[..2], bytes, &good[7..]].concat());
    let number = &good[3..7];
    cases.malformed("exp has a tag", expiry(&[&[0xc1, 0x1a], number].concat()));
    let float = 1_796_083_200_f64.to_be_bytes();
    cases.malformed("exp is a float", expiry(&[&[0xfb], &float[..]].concat()));
    let long = [&[0x1b, 0, 0, 0, 0], number].concat();
    cases.malformed("exp is not in its shortest form", expiry(&long));
    let mut deep = Item::Null;
    for _ in 0..200 {
        deep = Item::List(vec![deep]);
    }
    cases.malformed("a claim is nested too deep", with(-70_002, deep));
}

/// The holder's key.
fn holders(cases: &mut Cases) {
    let holder = SigningKey::from_bytes(&[2; 32]).public();
    let key = |kind: u64, curve: u64, x: &[u8]| {
        let key = Record::new().with(1, kind).with(-1, curve);
        key.with(-2, x)
    };
    let held = |key: Record| with(8, Record::new().with(1, key));
    let half = Record::new().with(1, 1_u64).with(-1, 6_u64);
    let secret = key(1, 6, &holder).with(-4, [2; 32]);
    let both = Record::new().with(1, key(1, 6, &holder)).with(3, holder);

    let id = with(8, Record::new().with(3, holder));
    cases.malformed("the holder is a key id, not a key", id);
    cases.malformed("the holder's curve is X25519", held(key(1, 4, &holder)));
    cases.malformed("the holder's key type is EC2", held(key(2, 6, &holder)));
    let short = held(key(1, 6, &holder[..31]));
    cases.malformed("the holder's key has 31 bytes", short);
    cases.malformed("the holder's key is missing", held(half));
    cases.malformed("the holder's secret key is there", held(secret));
    cases.malformed("the holder is named twice", with(8, both));
    for (weakness, x) in weak_keys() {
        let breaks = format!("the holder's key {weakness}");
        cases.add("grant-key", &breaks, held(key(1, 6, &x)));
    }
}

/// The scope, but the limits.
fn scopes(cases: &mut Cases) {
    let permit = |domain: Item, how: Item| {
        let what = Item::List(vec![domain, "b".into(), empty()]);
        Item::List(vec![what, how])
    };
    let scope = |permits: Vec<Item>| with(9, codec::encode(&permits.into()));
    let named = |domain: &str| scope(vec![permit(domain.into(), 1_u64.into())]);
    let allowed = |how: i64| scope(vec![permit("a".into(), how.into())]);

    cases.malformed("the scope is empty", scope(vec![]));
    cases.malformed("the scope is a list", with(9, Item::List(vec![])));
    cases.malformed("the scope has no bytes", with(9, Item::bytes([])));
    let good = codec::encode(&(&terms(vec![event("a", "b")]).scope).into());
    let trailing = [&good[..], &[0]].concat();
    cases.malformed("a byte follows the scope", with(9, trailing));
    cases.malformed("a permit permits nothing", allowed(0));
    cases.malformed("a permission is unknown", allowed(4));
    cases.malformed("a permission is known and another is not", allowed(5));
    cases.malformed("a permission is negative", allowed(-1));
    cases.malformed("a name is empty", named(""));
    cases.malformed("a name has a space", named("a b"));
    cases.malformed("a name has a control character", named("a\u{7}"));
    cases.malformed("a name has 129 bytes", named(&"a".repeat(129)));
    let number = scope(vec![permit(1_u64.into(), 1_u64.into())]);
    cases.malformed("a name is a number", number);
    let many = scope(vec![permit("a".into(), 1_u64.into()); 200]);
    cases.malformed("the scope has more than 1536 bytes", many);
}

/// The limits of a permit.
fn limits(cases: &mut Cases) {
    let limited = |limits: Item| {
        let what = Item::List(vec!["a".into(), "b".into(), limits]);
        let permit = Item::List(vec![what, 1_u64.into()]);
        with(9, codec::encode(&Item::List(vec![permit])))
    };
    let limit = |limit: &[Item]| limited(Item::Map(vec![("code".into(), limit.to_vec().into())]));
    let kind = |kind: u64| Item::from(kind);

    cases.malformed("the limits are no map", limited(Item::List(vec![])));
    cases.malformed("a limit is unknown", limit(&[kind(6)]));
    cases.malformed("a limit is empty", limit(&[]));
    cases.malformed("a limit lacks its text", limit(&[kind(0)]));
    cases.malformed(
        "a limit has more than it should",
        limit(&[kind(5), kind(1)]),
    );
    cases.malformed("a range has no end", limit(&[kind(3), kind(0)]));
    let texts = limit(&[kind(3), "a".into(), "b".into()]);
    cases.malformed("a range is one of texts", texts);
    let wide = limit(&[kind(3), kind(0), u64::MAX.into()]);
    cases.malformed("a range goes beyond 64 bits", wide);
    cases.malformed("a length is negative", limit(&[kind(4), (-1_i64).into()]));
    let numbers = limit(&[kind(2), Item::list([1_u64])]);
    cases.malformed("a set is one of numbers", numbers);
    let start = [0x81, 0x82, 0x83, 0x61, b'a', 0x61, b'b', 0xa2];
    let twice = [&start[..], &[0x61, b'c', 0x81, 5].repeat(2), &[1]].concat();
    cases.malformed("an attribute is limited twice", with(9, twice));
}

/// Signatures that are not the channel's.
fn signatures(cases: &mut Cases) {
    let mut wrong = |breaks, bytes| cases.add("grant-signature", breaks, bytes);
    let (good, header, payload) = (good(), header(), payload());
    let altered = |at: usize| {
        let mut altered = good.clone();
        altered[at] ^= 1;
        altered
    };
    let signed = |signature: [u8; 64]| message(&header, &payload, signature);
    let by = |key: &SigningKey| signed(key.sign(&statement("Signature1", &header, &[], &payload)));
    let over = |bytes: &[u8]| signed(channel().sign(bytes));

    wrong(
        "one bit of cti is altered",
        altered(position(&good, &[7; 16])),
    );
    wrong(
        "one bit of the signature is altered",
        altered(good.len() - 1),
    );
    wrong("the signature is zero", signed([0; 64]));
    let stranger = SigningKey::from_bytes(&[9; 32]);
    wrong("a stranger signed", by(&stranger));
    wrong("the holder signed", by(&SigningKey::from_bytes(&[2; 32])));
    let other = set(header_item(), 4, stranger.public().into());
    let other = message(
        &codec::encode(&other),
        &payload,
        signature(&header, &payload),
    );
    wrong("the key id is another channel's", other);
    wrong("only the payload is signed", over(&payload));
    let context = statement("Signature", &header, &[], &payload);
    wrong("it is signed as COSE_Sign", over(&context));
    let external = statement("Signature1", &header, &[1], &payload);
    wrong("it is signed with external data", over(&external));
    let mut malleable = signature(&header, &payload);
    add_order(&mut malleable);
    wrong(
        "the group's order is added to the signature",
        signed(malleable),
    );
}

/// Channels whose key is no key. The signature is the base point and one: by lax rules one of
/// anything, for the neutral element.
fn weak_channels(cases: &mut Cases) {
    let mut lax = [0x66; 64];
    lax[0] = 0x58;
    lax[32..].fill(0);
    lax[32] = 1;
    for (weakness, key) in weak_keys() {
        let header = codec::encode(&set(header_item(), 4, key.into()));
        let breaks = format!("the channel's key {weakness}");
        cases.add("grant-key", &breaks, message(&header, &payload(), lax));
    }
}

fn weak_keys() -> [(&'static str, [u8; 32]); 6] {
    let filled = |first: u8, fill: u8, last: u8| {
        let mut key = [fill; 32];
        (key[0], key[31]) = (first, last);
        key
    };
    [
        ("is the neutral element", filled(1, 0, 0)),
        ("has order 2", filled(0xec, 0xff, 0x7f)),
        ("has order 4", [0; 32]),
        ("has order 8", ORDER_EIGHT),
        ("is not in its one form", filled(0xf0, 0xff, 0x7f)),
        ("is no point of the curve", filled(2, 0, 0)),
    ]
}

const ORDER_EIGHT: [u8; 32] = [
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
    0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
];

/// The order of the group, 2^252 + 27742317777372353535851937790883648493.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Adds the order to the second half of a signature: the same number for whoever does not check
/// its range.
fn add_order(signature: &mut [u8; 64]) {
    let mut carry = 0;
    for (digit, addend) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*digit) + u16::from(addend) + carry;
        [*digit, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
}

fn channel() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn good() -> Vec<u8> {
    let good = mint(&channel(), &terms(vec![event("schedule", "inquiry")]));
    assert_eq!(good, sign(&header(), &payload()));
    good
}

fn header_item() -> Item {
    let header = Record::new().with(1, -19_i64).with(4, channel().public());
    header.with(16, "stratus-grant+cwt").into()
}

fn header() -> Vec<u8> {
    codec::encode(&header_item())
}

fn base() -> Item {
    let terms = terms(vec![event("schedule", "inquiry")]);
    let key = Record::new()
        .with(1, 1_u64)
        .with(-1, 6_u64)
        .with(-2, terms.holder.0);
    let claims = Record::new()
        .with(4, terms.expires)
        .with(6, terms.issued)
        .with(7, terms.id.0)
        .with(8, Record::new().with(1, key))
        .with(9, codec::encode(&(&terms.scope).into()))
        .with_list(-70_001, [20_u64, 60, 65_536])
        .with(-70_002, 1_u64)
        .with(-70_003, 0_u64);
    claims.into()
}

fn payload() -> Vec<u8> {
    codec::encode(&base())
}

fn empty() -> Item {
    Item::Map(vec![])
}

/// The base claims with one of them set, signed.
fn with(key: i64, value: impl Into<Item>) -> Vec<u8> {
    resigned(&set(base(), key, value.into()))
}

fn resigned(claims: &Item) -> Vec<u8> {
    sign(&header(), &codec::encode(claims))
}

fn sign(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    message(protected, payload, signature(protected, payload))
}

fn message(protected: &[u8], payload: &[u8], signature: [u8; 64]) -> Vec<u8> {
    let parts = vec![protected.into(), empty(), payload.into(), signature.into()];
    codec::encode(&Item::tagged(18, parts))
}

fn signature(protected: &[u8], payload: &[u8]) -> [u8; 64] {
    channel().sign(&statement("Signature1", protected, &[], payload))
}

fn statement(context: &str, protected: &[u8], external: &[u8], payload: &[u8]) -> Vec<u8> {
    let parts = vec![
        context.into(),
        protected.into(),
        external.into(),
        payload.into(),
    ];
    codec::encode(&Item::List(parts))
}

fn position(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .position(|window| window == part)
        .unwrap()
}

fn set(map: Item, key: i64, value: Item) -> Item {
    let mut entries = without(map, key).into_map().unwrap();
    entries.push((key.into(), value));
    Item::Map(entries)
}

fn without(map: Item, key: i64) -> Item {
    let mut entries = map.into_map().unwrap();
    entries.retain(|(at, _)| at.as_integer() != Some(key));
    Item::Map(entries)
}
