use proptest::prelude::*;

use super::*;
use crate::{Event, EventId, Map, Name, Number, Timestamp, Value};

const LIMITS: Limits = Limits {
    bytes_max: 1 << 16,
    depth_max: 16,
    items_max: 1 << 12,
    tags: &[18, 24],
};

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn accepted(text: &str, item: impl Into<Item>) {
    let item = item.into();
    assert_eq!(decode(&hex(text), &LIMITS), Ok(item.clone()), "{text}");
    assert_eq!(encode(&item), hex(text), "{text}");
}

fn refused(text: &str, error: CodecError) {
    assert_eq!(decode(&hex(text), &LIMITS), Err(error), "{text}");
}

fn float(number: f64) -> Item {
    Item::Float(Number::new(number).unwrap())
}

fn numbers(numbers: &[u64]) -> Item {
    Item::list(numbers.iter().copied())
}

/// RFC 8949 appendix A, as far as Stratus uses it.
#[test]
fn takes_the_published_examples() {
    accepted("00", 0_u64);
    accepted("17", 23_u64);
    accepted("1818", 24_u64);
    accepted("1903e8", 1000_u64);
    accepted("1a000f4240", 1_000_000_u64);
    accepted("1b000000e8d4a51000", 1_000_000_000_000_u64);
    accepted("1bffffffffffffffff", u64::MAX);
    accepted("3bffffffffffffffff", Item::Negative(u64::MAX));
    accepted("20", -1_i64);
    accepted("3903e7", -1000_i64);
    accepted("f93e00", float(1.5));
    accepted("f90001", float(5.960_464_477_539_063e-8));
    accepted("f90400", float(0.000_061_035_156_25));
    accepted(
        "f9c400".replace("c400", "bc01").as_str(),
        float(-1.000_976_562_5),
    );
    accepted("fb3ff199999999999a", float(1.1));
    accepted("fb7e37e43c8800759c", float(1.0e300));
    accepted("fbc010666666666666", float(-4.1));
    accepted("fa7f7fffff", float(3.402_823_466_385_288_6e38));
    accepted("f4", false);
    accepted("f5", true);
    accepted("f6", Item::Null);
    accepted("40", Item::bytes([]));
    accepted("4401020304", [1, 2, 3, 4]);
    accepted("60", "");
    accepted("6449455446", "IETF");
    accepted("62225c", "\"\\");
    accepted("64f0908591", "\u{10151}");
    accepted("80", numbers(&[]));
    accepted("83010203", numbers(&[1, 2, 3]));
    accepted(
        "8301820203820405",
        Item::List(vec![1_u64.into(), numbers(&[2, 3]), numbers(&[4, 5])]),
    );
    accepted("a0", Item::Map(vec![]));
    accepted("a201020304", Record::new().with(1, 2_u64).with(3, 4_u64));
    accepted("d818456449455446", Item::tagged(24, hex("6449455446")));
    accepted("d2d8186100", Item::tagged(18, Item::tagged(24, "\0")));
}

#[test]
fn refuses_what_is_not_the_one_form() {
    let short = || CodecError::NotShortest;
    for text in [
        "1817",
        "1900ff",
        "1a0000ffff",
        "1b00000000ffffffff",
        "3800",
        "5800",
        "780161",
    ] {
        refused(text, short());
    }
    for text in ["980100", "b8010000", "d90018f6"] {
        refused(text, short());
    }
    // Floats that are whole numbers, or that fit a shorter float.
    for text in [
        "f90000",
        "f98000",
        "f93c00",
        "fa47c35000",
        "fb3ff0000000000000",
    ] {
        refused(text, short());
    }
    for text in [
        "fa3fc00000",
        "fb3ff8000000000000",
        "fb3ff19999a0000000",
        "fb4340000000000000",
    ] {
        refused(text, short());
    }
    for text in [
        "f97c00",
        "f97e00",
        "f9fc00",
        "fa7fc00000",
        "fb7ff0000000000000",
    ] {
        refused(text, CodecError::FloatNotFinite);
    }
    for text in ["5f4100ff", "7f6161ff", "9fff", "bfff", "ff", "1f"] {
        refused(text, CodecError::Indefinite);
    }
    for text in ["1c", "3d", "5e", "fc"] {
        refused(text, CodecError::Reserved);
    }
    for text in ["f7", "e0", "f818", "f0"] {
        refused(text, CodecError::Simple);
    }
    refused("a202000100", CodecError::UnsortedKeys);
    refused("a2616200616100", CodecError::UnsortedKeys);
    // The order is bytewise: a long key with a smaller first byte comes first.
    refused("a26162000a00", CodecError::UnsortedKeys);
    refused("a201000100", CodecError::DuplicateKey);
    refused("0000", CodecError::Trailing);
    refused("c100", CodecError::Tag { tag: 1 });
    refused("61ff", CodecError::TextNotUtf8);
    for text in ["", "18", "1900", "42", "4201", "6261", "81", "a100"] {
        refused(text, CodecError::Truncated);
    }
}

#[test]
fn refuses_what_is_over_a_limit() {
    let deep = |depth: usize| [vec![0x81; depth], vec![0]].concat();
    let tagged = |depth: usize| [vec![0xd2; depth], vec![0]].concat();
    assert!(decode(&deep(16), &LIMITS).is_ok());
    let over = Err(CodecError::DepthOverLimit { depth_max: 16 });
    assert_eq!(decode(&deep(17), &LIMITS), over);
    assert_eq!(decode(&deep(60_000), &LIMITS), over);
    assert_eq!(decode(&tagged(17), &LIMITS), over);
    let unlimited = Limits {
        depth_max: usize::MAX,
        ..LIMITS
    };
    assert!(decode(&deep(DEPTH_LIMIT), &unlimited).is_ok());
    let over = Err(CodecError::DepthOverLimit {
        depth_max: DEPTH_LIMIT,
    });
    assert_eq!(decode(&deep(DEPTH_LIMIT + 1), &unlimited), over);

    let over = CodecError::ItemsOverLimit { items_max: 1 << 12 };
    for text in [
        "9a7fffffff",
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "bb7fffffffffffffff",
    ] {
        refused(text, over.clone());
    }
    let many = [vec![0x99, 0x0f, 0xff], vec![0; 0xfff]].concat();
    assert!(decode(&many, &LIMITS).is_ok());
    let fewer = Limits {
        items_max: 0xfff,
        ..LIMITS
    };
    assert_eq!(
        decode(&many, &fewer),
        Err(CodecError::ItemsOverLimit { items_max: 0xfff })
    );
    for text in [
        "990100",
        "5bffffffffffffffff",
        "7b7fffffffffffffff",
        "5a7fffffff",
    ] {
        refused(text, CodecError::Truncated);
    }
    let over = Err(CodecError::BytesOverLimit { bytes_max: 1 << 16 });
    assert_eq!(decode(&vec![0; (1 << 16) + 1], &LIMITS), over);
}

#[test]
fn writes_floats_in_the_shortest_form() {
    for (number, size) in [
        (0.5, 3),
        (2_f64.powi(-24), 3),
        (2_f64.powi(-25), 5),
        (3.0 * 2_f64.powi(-25), 5),
        (2.001_953_125, 3),
        (2.000_976_562_5, 5),
        (0.1, 9),
        (2_f64.powi(54), 5),
        (-2_f64.powi(200), 9),
        (f64::MAX, 9),
        (f64::MIN_POSITIVE / 2.0, 9),
    ] {
        let bytes = encode(&float(number));
        assert_eq!(bytes.len(), size, "{number}");
        assert_eq!(decode(&bytes, &LIMITS), Ok(float(number)));
    }
    assert_eq!(encode(&float(-3.0)), [0x22]);
    assert_eq!(encode(&float(-0.0)), [0]);
    assert_eq!(encode(&float(2_f64.powi(53))), hex("1b0020000000000000"));
}

#[test]
fn every_half_is_taken_as_the_other_library_takes_it() {
    for bits in 0..=u16::MAX {
        let bytes = [&[0xf9], &bits.to_be_bytes()[..]].concat();
        let ciborium::Value::Float(theirs) = ciborium::from_reader(&*bytes).unwrap() else {
            panic!()
        };
        match decode(&bytes, &LIMITS) {
            Ok(item) => assert_eq!(item, float(theirs)),
            Err(_) => assert!(!theirs.is_finite() || theirs.fract() == 0.0, "{bits:x}"),
        }
    }
}

#[test]
fn maps_are_sorted_when_written() {
    let map = Item::Map(vec![
        ("b".into(), 1_u64.into()),
        ("aa".into(), Item::Null),
        (9_u64.into(), true.into()),
    ]);
    assert_eq!(encode(&map), hex("a309f5616201626161f6"));
}

#[test]
fn fields_are_read_once_and_none_is_left() {
    let item: Item = Record::new()
        .with(1, "a")
        .with_some(2, None::<u64>)
        .with_list(3, [7_u64])
        .into();
    let mut fields = Fields::new(item.clone(), "a test").unwrap();
    assert_eq!(fields.read::<String>(1).unwrap(), "a");
    assert_eq!(fields.read_optional::<u64>(2), Ok(None));
    assert_eq!(fields.read_list::<u8>(3), Ok(vec![7]));
    assert_eq!(
        fields.required(1),
        Err(CodecError::FieldMissing {
            what: "a test",
            key: 1
        })
    );
    assert_eq!(fields.finish(), Ok(()));

    let mut fields = Fields::new(item, "a test").unwrap();
    assert!(matches!(
        fields.read::<u64>(1),
        Err(CodecError::Mismatch { .. })
    ));
    assert_eq!(
        fields.finish(),
        Err(CodecError::FieldUnknown { what: "a test" })
    );
    let named = Item::Map(vec![("a".into(), Item::Null)]);
    assert_eq!(
        Fields::new(named, "a test").unwrap_err(),
        CodecError::FieldUnknown { what: "a test" }
    );
    assert!(<[u8; 3]>::try_from(Item::bytes([1, 2])).is_err());
    assert!(u8::try_from(Item::Unsigned(256)).is_err());
    assert_eq!(i64::try_from(Item::Negative(u64::MAX >> 1)), Ok(i64::MIN));
    assert!(i64::try_from(Item::Negative(1 << 63)).is_err());
}

#[test]
fn values_keep_their_order_in_the_store_and_lose_it_on_the_wire() {
    let inner = Map::from([
        ("z", Value::number(1.5)),
        ("a", Value::list([Value::Null, true.into()])),
    ]);
    let value = Value::map(Map::from([
        ("who", Value::text("Ada")),
        ("map", inner.into()),
    ]));
    let stored = decode(&encode(&ordered(&value)), &LIMITS).unwrap();
    let back = from_ordered(stored).unwrap();
    assert_eq!(format!("{back:?}"), format!("{value:?}"));
    let sent = decode(&encode(&Item::from(&value)), &LIMITS).unwrap();
    let back = Value::try_from(sent).unwrap();
    assert_eq!(back, value);
    assert_eq!(
        back.as_map().unwrap().iter().next().unwrap().0.as_ref(),
        "map"
    );
}

#[test]
fn values_refuse_what_they_cannot_hold() {
    let big = |number: u64| Value::try_from(Item::Unsigned(number));
    assert_eq!(big(1 << 53), Ok(Value::number(2_f64.powi(53))));
    for item in [
        Item::Unsigned((1 << 53) + 1),
        Item::Unsigned(1 << 60),
        Item::Negative(1 << 60),
    ] {
        assert!(Value::try_from(item).is_err());
    }
    assert!(Value::try_from(Item::bytes([1])).is_err());
    assert!(Value::try_from(Item::Map(vec![(1_u64.into(), Item::Null)])).is_err());
    let map = |items: Vec<Item>| from_ordered(Item::Map(vec![(0_u64.into(), items.into())]));
    assert_eq!(
        map(vec!["a".into(), Item::Null, "a".into(), Item::Null]),
        Err(CodecError::DuplicateKey)
    );
    assert!(map(vec!["a".into()]).is_err());
    assert!(from_ordered(Item::Map(vec![])).is_err());
}

#[test]
fn events_in_both_forms() {
    let event = Event {
        id: EventId([1; 16]),
        domain: Name::new("schedule").unwrap(),
        kind: Name::new("inquiry").unwrap(),
        attributes: Map::from([("to", "+1"), ("from", "+2")]),
        time: Timestamp(-5),
        cause: Some(EventId([2; 16])),
    };
    assert_eq!(Event::try_from(Item::from(&event)), Ok(event.clone()));
    let stored = decode(&encode(&ordered_event(&event)), &LIMITS).unwrap();
    let back = event_from_ordered(stored).unwrap();
    assert_eq!(format!("{back:?}"), format!("{event:?}"));
}

fn item() -> impl Strategy<Value = Item> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Item::from),
        any::<u64>().prop_map(Item::from),
        any::<i64>().prop_map(Item::from),
        any::<u64>().prop_map(Item::Negative),
        any::<f64>().prop_map(|number| Number::new(number).map_or(Item::Null, Item::from)),
        any::<f32>().prop_map(|number| Number::new(number.into()).map_or(Item::Null, Item::from)),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Item::Bytes),
        ".{0,30}".prop_map(Item::Text),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        let entries = proptest::collection::vec((inner.clone(), inner.clone()), 0..6);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Item::List),
            inner.prop_map(|item| Item::tagged(24, item)),
            entries.prop_map(|mut entries| {
                entries.sort_by_key(|(key, _)| encode(key));
                entries.dedup_by_key(|(key, _)| encode(key));
                Item::Map(entries)
            }),
        ]
    })
}

/// What the other library makes of an item.
fn theirs(item: &Item) -> ciborium::Value {
    use ciborium::Value as Theirs;
    match item {
        Item::Boolean(truth) => Theirs::Bool(*truth),
        Item::Bytes(bytes) => Theirs::Bytes(bytes.clone()),
        Item::Float(number) => Theirs::Float(number.get()),
        Item::List(items) => Theirs::Array(items.iter().map(theirs).collect()),
        Item::Map(entries) => Theirs::Map(
            entries
                .iter()
                .map(|(key, item)| (theirs(key), theirs(item)))
                .collect(),
        ),
        Item::Negative(below) => Theirs::Integer((-1 - i128::from(*below)).try_into().unwrap()),
        Item::Null => Theirs::Null,
        Item::Tag(tag, item) => Theirs::Tag(*tag, Box::new(theirs(item))),
        Item::Text(text) => Theirs::Text(text.clone()),
        Item::Unsigned(number) => Theirs::Integer((*number).into()),
    }
}

proptest! {
    #[test]
    fn every_item_survives_and_the_other_library_agrees(item in item()) {
        let bytes = encode(&item);
        prop_assert_eq!(decode(&bytes, &LIMITS), Ok(item.clone()));
        let mut written = Vec::new();
        ciborium::into_writer(&theirs(&item), &mut written).unwrap();
        prop_assert_eq!(&written, &bytes);
        prop_assert_eq!(ciborium::from_reader::<ciborium::Value, _>(&*bytes).unwrap(), theirs(&item));
    }

    #[test]
    fn bytes_are_refused_or_the_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(item) = decode(&bytes, &LIMITS) {
            prop_assert_eq!(encode(&item), bytes);
        }
    }

    #[test]
    fn altered_bytes_too(item in item(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = encode(&item);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(item) = decode(&bytes, &LIMITS) {
            prop_assert_eq!(encode(&item), bytes);
        }
    }
}
