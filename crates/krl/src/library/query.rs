//! `query`, as classic KRL has it: elements of an HTML or XML text by CSS selectors, and entries of
//! a map or array by conditions on what is in them.

mod markup;
mod selector;

use std::cmp::Ordering;

use self::{markup::Document, selector::Selectors};
use super::{Builtin, Given};
use crate::{
    coerce::{describe, equal, number, text, truth},
    limit::{Failure, Meter},
    value::{Entries, Map, Value},
};

pub(super) static FUNCTIONS: &[Builtin] = &[Builtin::pure(
    "query",
    &["val", "selector", "conditions", "values"],
    query,
)];

/// With a map as the third argument, entries; else elements, as their text if that argument is
/// true, and as they are written if it is not.
fn query(meter: &mut Meter, given: &Given) -> Result<Value, Failure> {
    match given.get(2) {
        Value::Map(asked) => entries(meter, given, asked),
        as_text => elements(meter, given, truth(as_text)),
    }
}

fn elements(meter: &mut Meter, given: &Given, as_text: bool) -> Result<Value, Failure> {
    let selectors = selectors(meter, given.get(1))?;
    let mut found = Vec::new();
    match given.get(0) {
        Value::Null => {}
        Value::List(sources) => {
            for source in &sources.items {
                of_source(meter, source, &selectors, as_text, &mut found)?;
            }
        }
        source => of_source(meter, source, &selectors, as_text, &mut found)?,
    }
    meter.list(found)
}

fn of_source(
    meter: &mut Meter,
    source: &Value,
    selectors: &Selectors,
    as_text: bool,
    found: &mut Vec<Value>,
) -> Result<(), Failure> {
    let Value::Text(source) = source else {
        let message = format!(
            "query looks for elements in a text, not in {}",
            describe(source)
        );
        return Err(Failure::kind(message));
    };
    let document = Document::parse(meter, source)?;
    for element in selectors.choose(meter, &document)? {
        found.push(if as_text {
            document.text(meter, element)?
        } else {
            meter.text(document.written(element))?
        });
    }
    Ok(())
}

/// One text, or an array of texts, each of which may choose an element.
fn selectors(meter: &mut Meter, given: &Value) -> Result<Selectors, Failure> {
    let written = match given {
        Value::List(texts) => {
            let texts: Vec<_> = texts.items.iter().map(text).collect();
            texts.join(",")
        }
        Value::Text(text) => text.to_string(),
        other => {
            let message = format!("query takes a selector as a text, not {}", describe(other));
            return Err(Failure::kind(message));
        }
    };
    meter.spend_for(written.len())?;
    Selectors::parse(&written)
}

/// The paths of the entries that meet the conditions, or their values if the last argument is true.
fn entries(meter: &mut Meter, given: &Given, asked: &Map) -> Result<Value, Failure> {
    let asked = asked.entries(meter)?;
    let conditions = Conditions::read(meter, asked)?;
    let path = match given.get(1) {
        Value::List(path) => path.items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let root = meter.list(path.clone())?;
    let within = if path.is_empty() {
        given.get(0).clone()
    } else {
        super::get(meter, given.get(0), &root)?
    };
    let mut found = Vec::new();
    for (key, entry) in keyed(meter, &within)? {
        if !conditions.hold(meter, entry)? {
            continue;
        }
        found.push(if truth(given.get(3)) {
            entry.clone()
        } else {
            let path = path.iter().cloned().chain([key]);
            meter.list(path.collect())?
        });
    }
    meter.list(found)
}

fn keyed<'v>(meter: &mut Meter, value: &'v Value) -> Result<Vec<(Value, &'v Value)>, Failure> {
    Ok(match value {
        Value::List(list) => {
            let items = list.items.iter().enumerate();
            items.map(|(at, item)| (Value::count(at), item)).collect()
        }
        Value::Map(map) => {
            let entries = map.entries(meter)?.iter();
            entries
                .map(|(name, item)| (Value::Text(name.clone()), item))
                .collect()
        }
        _ => Vec::new(),
    })
}

/// What an entry must meet: all of it, or one if `requires` is `$or`.
struct Conditions {
    any: bool,
    all: Vec<Condition>,
}

/// `{"search_key": ["a", "b"], "operator": "$gte", "value": 3}`
struct Condition {
    path: Value,
    operator: Operator,
    value: Value,
}

#[derive(Clone, Copy)]
enum Operator {
    Equal,
    Greater,
    GreaterOrEqual,
    In,
    Less,
    LessOrEqual,
    NotEqual,
    NotIn,
}

impl Conditions {
    fn read(meter: &mut Meter, asked: &Entries) -> Result<Self, Failure> {
        let any = match asked.get("requires").map(text).as_deref() {
            None | Some("$and") => false,
            Some("$or") => true,
            Some(other) => return Err(unknown("what is required is $and or $or", other)),
        };
        let conditions = asked.get("conditions").and_then(Value::as_list);
        let conditions = conditions.ok_or_else(|| {
            Failure::argument("query needs an array of conditions, under that name")
        })?;
        let all = conditions.iter().map(|given| Condition::read(meter, given));
        Ok(Self {
            any,
            all: all.collect::<Result<_, _>>()?,
        })
    }

    fn hold(&self, meter: &mut Meter, entry: &Value) -> Result<bool, Failure> {
        for condition in &self.all {
            if condition.holds(meter, entry)? == self.any {
                return Ok(self.any);
            }
        }
        Ok(!self.any)
    }
}

impl Condition {
    fn read(meter: &mut Meter, given: &Value) -> Result<Self, Failure> {
        let mut field = |name: &str| given.field(meter, name);
        let (Some(path), Some(operator), Some(value)) =
            (field("search_key")?, field("operator")?, field("value")?)
        else {
            let message = format!(
                "a condition has a search_key, an operator and a value; this is {}",
                describe(given)
            );
            return Err(Failure::argument(message));
        };
        Ok(Self {
            path,
            operator: Operator::read(&text(&operator))?,
            value,
        })
    }

    /// An entry that has nothing there does not meet it.
    fn holds(&self, meter: &mut Meter, entry: &Value) -> Result<bool, Failure> {
        meter.spend(1)?;
        let found = super::get(meter, entry, &self.path)?;
        if found.is_null() {
            return Ok(false);
        }
        let order = self.order(meter, &found)?;
        Ok(match self.operator {
            Operator::Equal => equal(meter, &found, &self.value)?,
            Operator::NotEqual => !equal(meter, &found, &self.value)?,
            Operator::In => self.is_among(meter, &found)?,
            Operator::NotIn => !self.is_among(meter, &found)?,
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
        })
    }

    /// As numbers if both are, else as texts.
    fn order(&self, meter: &mut Meter, found: &Value) -> Result<Ordering, Failure> {
        if let (Some(found), Some(value)) = (number(found), number(&self.value))
            && let Some(order) = found.partial_cmp(&value)
        {
            return Ok(order);
        }
        let (found, value) = (text(found), text(&self.value));
        meter.spend_for(found.len().min(value.len()))?;
        Ok(found.cmp(&value))
    }

    fn is_among(&self, meter: &mut Meter, found: &Value) -> Result<bool, Failure> {
        for one in self.value.as_list().unwrap_or_default() {
            if equal(meter, found, one)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Operator {
    fn read(word: &str) -> Result<Self, Failure> {
        Ok(match word {
            "$eq" => Self::Equal,
            "$gt" => Self::Greater,
            "$gte" => Self::GreaterOrEqual,
            "$in" => Self::In,
            "$lt" => Self::Less,
            "$lte" => Self::LessOrEqual,
            "$ne" => Self::NotEqual,
            "$nin" => Self::NotIn,
            other => return Err(unknown("no operator of a condition is", other)),
        })
    }
}

fn unknown(what: &str, word: &str) -> Failure {
    let word: String = word.chars().take(WORD_CHARACTERS_MAX).collect();
    Failure::argument(format!("{what}: {word}"))
}

/// Characters of a word that an error shows.
const WORD_CHARACTERS_MAX: usize = 40;
