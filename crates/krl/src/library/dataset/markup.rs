//! XML as a value: an element is a map with its attributes under `@name`, its text under `$t`, and
//! its children under their names, in an array if there are several of a name.

use roxmltree::{Document, Node, ParsingOptions};

use crate::{
    limit::{Failure, Meter, VALUE_DEPTH_MAX},
    value::{Entries, Value},
};

/// The document as a map of its one element; none if it is not XML.
pub(super) fn read(meter: &mut Meter, source: &str) -> Result<Option<Value>, Failure> {
    meter.spend_for(source.len())?;
    meter.allocate(source.len() as u64)?;
    let options = ParsingOptions {
        nodes_limit: NODES_MAX,
        ..ParsingOptions::default()
    };
    let Ok(document) = Document::parse_with_options(source, options) else {
        return Ok(None);
    };
    let root = document.root_element();
    let value = element(meter, root, 1)?;
    let mut entries = Entries::new();
    entries.insert(name(root).into(), value);
    meter.map(entries).map(Some)
}

fn element(meter: &mut Meter, node: Node<'_, '_>, depth: u32) -> Result<Value, Failure> {
    if depth >= VALUE_DEPTH_MAX / 2 {
        let message = format!("the document is nested more than {depth} deep");
        return Err(Failure::new("value-depth-exhausted", message));
    }
    let mut entries = Entries::new();
    for attribute in node.attributes() {
        let value = meter.text(attribute.value())?;
        entries.insert(format!("@{}", attribute.name()).into(), value);
    }
    let texts = node.children().filter(Node::is_text);
    let text: String = texts.filter_map(|text| text.text()).collect();
    if !text.trim().is_empty() {
        entries.insert("$t".into(), meter.text(text.trim())?);
    }
    let mut several: Vec<(String, Vec<Value>)> = Vec::new();
    for child in node.children().filter(Node::is_element) {
        let value = element(meter, child, depth + 1)?;
        let name = name(child);
        meter.spend(several.len() as u64 / 8 + 1)?;
        match several.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => several.push((name, vec![value])),
        }
    }
    for (name, mut values) in several {
        let value = match values.len() {
            1 => values.pop().unwrap_or_default(),
            _ => meter.list(values)?,
        };
        entries.insert(name.into(), value);
    }
    meter.map(entries)
}

/// The name with its prefix, if it has one, before a `$`.
fn name(node: Node<'_, '_>) -> String {
    let tag = node.tag_name();
    let prefix = tag.namespace().and_then(|uri| node.lookup_prefix(uri));
    match prefix.filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => format!("{prefix}${}", tag.name()),
        None => tag.name().to_owned(),
    }
}

/// Elements, attributes and texts of one document.
const NODES_MAX: u32 = 200_000;
