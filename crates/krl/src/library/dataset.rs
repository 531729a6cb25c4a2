//! Data sets and data sources: documents on the web whose content is kept for a time.

mod markup;

use std::sync::Arc;

use stratus_event::{Map as DataMap, Name, Value as Data};

use super::{Body, Builtin, Given};
use crate::{
    border,
    coerce::text,
    evaluate::{At, Evaluator, name},
    json,
    limit::{Failure, Halt},
    value::{Entries, Value},
};

/// What a data set is, and what a data source does.
pub(super) static FETCH: Builtin = Builtin::new(
    "datasource",
    &["name", "url", "format", "seconds", "query"],
    Body::Function(fetch),
);

/// The content of a document: what was kept of it, or else what the world answers now.
fn fetch(evaluator: &mut Evaluator<'_>, given: &Given) -> Result<Value, Halt> {
    let document = document(evaluator, &given.text(1), given.get(4))?;
    let variable = name(&format!("dataset.{}", given.text(0)))?;
    let key = match document.get("qs") {
        Some(asked) => format!("{} {asked:?}", document.text("url").unwrap_or_default()),
        None => document.text("url").unwrap_or_default().to_owned(),
    };
    let content = match kept(evaluator, given, &variable, &key)? {
        Some(content) => content,
        None => asked(evaluator, given, &variable, (&key, document))?,
    };
    Ok(read(evaluator, &content, &given.text(2))?)
}

/// What is asked for: a map is a query, whose names are put in order so that it is found again;
/// anything else is a piece of the address.
fn document(evaluator: &mut Evaluator<'_>, url: &str, query: &Value) -> Result<DataMap, Failure> {
    match query {
        Value::Null => Ok(DataMap::from([("url", url)])),
        Value::Map(map) => {
            let meter = &mut evaluator.meter;
            let mut entries = map.entries(meter)?.clone();
            entries.sort_keys();
            let query = border::entries_to_data(meter, &entries)?;
            let mut document = DataMap::from([("url", url)]);
            document.insert("qs", Data::map(query));
            Ok(document)
        }
        other => Ok(DataMap::from([("url", format!("{url}{}", text(other)))])),
    }
}

/// The content that was kept of a document, if it is young enough.
fn kept(
    evaluator: &mut Evaluator<'_>,
    given: &Given,
    variable: &Name,
    key: &str,
) -> Result<Option<Arc<str>>, Failure> {
    let documents = evaluator.variable(given.at, variable)?;
    let meter = &mut evaluator.meter;
    let document = documents.field(meter, key)?.unwrap_or_default();
    let mut field = |name: &str| document.field(meter, name);
    let (Some(Value::Number(at)), Some(Value::Text(content))) = (field("at")?, field("content")?)
    else {
        return Ok(None);
    };
    let age = evaluator.scene.now.0 as f64 - at;
    let is_young = age < 1000.0 * given.number(3).unwrap_or(0.0);
    Ok(is_young.then_some(content))
}

fn asked(
    evaluator: &mut Evaluator<'_>,
    given: &Given,
    variable: &Name,
    (key, document): (&str, DataMap),
) -> Result<Arc<str>, Halt> {
    let answer = evaluator.ask(given.site, "http", "get", document)?;
    let mut field = |name: &str| answer.field(&mut evaluator.meter, name);
    let (status, content) = (field("status_code")?, field("content")?);
    if let Some(Value::Number(status)) = status
        && status >= 400.0
    {
        let message = format!("http get: {key} answered with status {status}");
        return Err(Failure::new("krl-answer-failed", message).into());
    }
    let content = content.map_or_else(|| "".into(), |content| text(&content));
    keep(evaluator, given.at, variable, key, &content)?;
    Ok(content)
}

/// Keeps a document; the oldest go if there are too many. A query keeps nothing.
fn keep(
    evaluator: &mut Evaluator<'_>,
    at: At,
    variable: &Name,
    key: &str,
    content: &Arc<str>,
) -> Result<(), Failure> {
    if evaluator.event().is_none() || content.len() > DOCUMENT_BYTES_MAX {
        return Ok(());
    }
    let documents = evaluator.variable(at, variable)?;
    let documents = documents.as_map();
    let documents = documents.map(|map| map.entries(&mut evaluator.meter));
    let mut documents = documents.transpose()?.cloned().unwrap_or_default();
    documents.shift_remove(key);
    while documents.len() >= DOCUMENTS_MAX {
        documents.shift_remove_index(0);
    }
    let document: Entries = [
        ("at".into(), Value::number(evaluator.scene.now.0 as f64)),
        ("content".into(), Value::Text(Arc::clone(content))),
    ]
    .into_iter()
    .collect();
    let document = evaluator.meter.map(document)?;
    documents.insert(key.into(), document);
    let documents = evaluator.meter.map(documents)?;
    evaluator.set_variable(at, variable, documents)
}

/// What a text says in that format: JSON if none is named, and the text itself if it is not.
fn read(evaluator: &mut Evaluator<'_>, content: &str, format: &str) -> Result<Value, Failure> {
    let meter = &mut evaluator.meter;
    let read = match format {
        "JSON" => json::decode(meter, content)?,
        "RSS" | "XML" => markup::read(meter, content)?,
        _ => None,
    };
    match read {
        Some(value) => Ok(value),
        None if format == "JSON" => meter.text(content),
        None => meter.text(content.replace(['\r', '\n'], "")),
    }
}

/// How long a document is kept, in seconds, if its ruleset does not say.
pub(crate) const KEPT_S: f64 = 600.0;

/// How long it is kept if the ruleset says that it may be, but not for how long.
pub(crate) const CACHABLE_S: f64 = 86_400.0;

/// Documents of one data source that are kept.
const DOCUMENTS_MAX: usize = 16;

/// The longest document that is kept.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;
