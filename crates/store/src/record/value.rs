//! Values as lists of tokens.
//!
//! A list of `n` is the token `[0, n]` and then its items; a map of `n` is `[1, n]` and then its
//! names and values, in its order; everything else is a token of its own. So a record is never
//! nested deeper for a value that is, and whatever a program can hold can be kept: the codec reads
//! a hundred levels and no more.

use stratus_event::{
    Map, Number, Value,
    codec::{CodecError, Item},
};

use super::stored::Stored;

impl Stored for Value {
    fn item(&self) -> Item {
        let mut tokens = Vec::new();
        let mut waiting = vec![Part::Value(self)];
        while let Some(part) = waiting.pop() {
            let within = waiting.len();
            match part {
                Part::Name(name) => tokens.push(name.into()),
                Part::Value(Self::Boolean(truth)) => tokens.push((*truth).into()),
                Part::Value(Self::List(items)) => {
                    tokens.push(begin(LIST, items.len()));
                    waiting.extend(items.iter().map(Part::Value));
                }
                Part::Value(Self::Map(map)) => {
                    tokens.push(begin(MAP, map.len()));
                    let parts = map.iter();
                    waiting.extend(
                        parts.flat_map(|(name, value)| [Part::Name(name), Part::Value(value)]),
                    );
                }
                Part::Value(Self::Null) => tokens.push(Item::Null),
                Part::Value(Self::Number(number)) => tokens.push((*number).into()),
                Part::Value(Self::Text(text)) => tokens.push((&**text).into()),
            }
            // The first of what is within comes next.
            if let Some(within) = waiting.get_mut(within..) {
                within.reverse();
            }
        }
        tokens.into()
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let mut open: Vec<Open> = Vec::new();
        let mut tokens = item.into_list()?.into_iter();
        while let Some(token) = tokens.next() {
            let Some(mut value) = take(token, &mut open)? else {
                continue;
            };
            // A value may be the last of what it is in, and that of what it is in.
            loop {
                let Some(innermost) = open.last_mut() else {
                    return if tokens.len() == 0 {
                        Ok(value)
                    } else {
                        Err(WRONG)
                    };
                };
                innermost.put(value)?;
                if innermost.left > 0 {
                    break;
                }
                value = open.pop().map(Open::close).unwrap_or_default();
            }
        }
        Err(WRONG)
    }
}

impl Stored for Map {
    fn item(&self) -> Item {
        Value::map(self.clone()).item()
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let value = Value::read(item)?;
        value
            .as_map()
            .cloned()
            .ok_or(CodecError::Mismatch { expected: "a map" })
    }
}

/// What is still to be written.
enum Part<'a> {
    Name(&'a str),
    Value(&'a Value),
}

fn begin(sort: u64, length: usize) -> Item {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    Item::list([sort, length])
}

/// Reads one token: a value that is whole, or nothing yet.
fn take(token: Item, open: &mut Vec<Open>) -> Result<Option<Value>, CodecError> {
    if let Some(innermost) = open.last_mut().filter(|innermost| innermost.wants_name()) {
        innermost.name = Some(token.try_into()?);
        return Ok(None);
    }
    let Item::List(head) = token else {
        return leaf(token).map(Some);
    };
    let [sort, left] = Item::List(head).into_array()?;
    let new = Open::new(u64::try_from(sort)?, left.try_into()?)?;
    if new.left == 0 {
        return Ok(Some(new.close()));
    }
    open.push(new);
    Ok(None)
}

/// A list or a map that is not whole yet.
struct Open {
    inside: Inside,
    /// How many values are still to come.
    left: u64,
    /// The name of the next value.
    name: Option<String>,
}

enum Inside {
    List(Vec<Value>),
    Map(Map),
}

impl Open {
    fn new(sort: u64, left: u64) -> Result<Self, CodecError> {
        let inside = match sort {
            LIST => Inside::List(Vec::new()),
            MAP => Inside::Map(Map::new()),
            _ => return Err(WRONG),
        };
        Ok(Self {
            inside,
            left,
            name: None,
        })
    }

    fn wants_name(&self) -> bool {
        matches!(self.inside, Inside::Map(_)) && self.name.is_none()
    }

    fn put(&mut self, value: Value) -> Result<(), CodecError> {
        self.left -= 1;
        match &mut self.inside {
            Inside::List(items) => items.push(value),
            Inside::Map(map) => {
                let name = self.name.take().unwrap_or_default();
                if map.contains(&name) {
                    return Err(CodecError::DuplicateKey);
                }
                map.insert(name, value);
            }
        }
        Ok(())
    }

    fn close(self) -> Value {
        match self.inside {
            Inside::List(items) => Value::list(items),
            Inside::Map(map) => map.into(),
        }
    }
}

fn leaf(item: Item) -> Result<Value, CodecError> {
    match item {
        Item::Null => Ok(Value::Null),
        Item::Boolean(truth) => Ok(truth.into()),
        Item::Float(number) => Ok(Value::Number(number)),
        Item::Text(text) => Ok(text.into()),
        integer => exact(&integer).map(Value::Number).ok_or(WRONG),
    }
}

/// Integers that a double does not hold are refused, never rounded.
fn exact(item: &Item) -> Option<Number> {
    let integer = item.as_integer()?;
    let number = Number::new(integer as f64)?;
    (number.as_integer() == Some(integer)).then_some(number)
}

/// The sorts of what has values within.
const LIST: u64 = 0;
const MAP: u64 = 1;

const WRONG: CodecError = CodecError::Mismatch {
    expected: "a value",
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::number),
            any::<i32>().prop_map(Value::from),
            ".{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 5, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list);
            let map = prop::collection::vec((".{0,2}", inner), 0..4)
                .prop_map(|entries| Value::map(entries.into_iter().collect()));
            prop_oneof![list, map]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(value in values()) {
            let read = Value::read(value.item()).unwrap();
            // Maps compare without their order.
            prop_assert_eq!(format!("{read:?}"), format!("{value:?}"));
        }

        #[test]
        fn other_tokens_are_no_value(value in values(), cut in any::<prop::sample::Index>()) {
            let mut tokens = value.item().into_list().unwrap();
            tokens.push(Item::Null);
            prop_assert_eq!(Value::read(tokens.clone().into()), Err(WRONG));
            tokens.truncate(cut.index(tokens.len() - 1));
            prop_assert_eq!(Value::read(tokens.into()), Err(WRONG));
        }
    }

    #[test]
    fn depth_is_no_limit() {
        let mut value = Value::Null;
        for _ in 0..500 {
            value = Value::list([Value::map(Map::from([("in", value)]))]);
        }
        assert_eq!(Value::read(value.item()), Ok(value));
    }

    #[test]
    fn strange_tokens_are_refused() {
        let check = |tokens: Vec<Item>| assert!(Value::read(tokens.into()).is_err());
        check(vec![]);
        check(vec![Item::list([2_u64, 0])]);
        check(vec![Item::list([0_u64])]);
        check(vec![Item::list([0_u64, u64::MAX]), Item::Null]);
        check(vec![Item::bytes([1])]);
        check(vec![Item::Unsigned(u64::MAX)]);
        check(vec![begin(MAP, 1), Item::Null, Item::Null]);
        let twice = [
            begin(MAP, 2),
            "a".into(),
            Item::Null,
            "a".into(),
            Item::Null,
        ];
        check(twice.into());
    }
}
