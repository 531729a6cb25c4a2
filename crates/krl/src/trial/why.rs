//! Why a rule did what it did about an event, or did nothing.

use std::sync::Arc;

use stratus_event::{Event, Name, Value};
use stratus_krl_syntax::parse_ruleset;
use stratus_pen::{
    Done, Run, RunEnd,
    language::{Outline, Program as _},
};
use stratus_salience::{Expression, Primitive};

use super::Watched;
use crate::data;

/// A line for each rule.
pub(super) fn tell(
    watched: &[Arc<Watched>],
    sources: &[(Name, String)],
    event: &Event,
    done: &Done,
) -> Vec<String> {
    let mut told = Vec::new();
    for ruleset in watched {
        let source = sources.iter().find(|(rid, _)| rid == ruleset.rid());
        let source = source.map_or("", |(_, source)| source.as_str());
        for rule in ruleset.rules() {
            let run = done.runs.iter().find(|run| {
                run.event.id == event.id && run.rid == *ruleset.rid() && run.rule == rule.name
            });
            let reason = match run {
                Some(run) => ran(run, source),
                None => slept(ruleset, rule, event),
            };
            told.push(format!("{}/{}: {reason}", ruleset.rid(), rule.name));
        }
    }
    told
}

fn ran(run: &Run, source: &str) -> String {
    match &run.end {
        RunEnd::Failed(fault) => format!("failed, and was undone: {fault}"),
        RunEnd::Fired => "fired".to_owned(),
        RunEnd::NotFired => match condition(source, &run.rule) {
            Some(condition) => format!("was selected, but did not fire: `if {condition}` is false"),
            None => "was selected, but did not fire".to_owned(),
        },
        RunEnd::NotSelected => "did not fire: its event expression went wrong".to_owned(),
    }
}

/// The text of a rule's condition.
fn condition(source: &str, rule: &Name) -> Option<String> {
    let tree = parse_ruleset(source).ruleset?;
    let rule = tree
        .rules
        .into_iter()
        .find(|tree| tree.name.name == rule.as_str())?;
    let condition = rule.actions?.condition?;
    Some(condition.span.text(source).to_owned())
}

/// Why an event expression did not come to its end.
fn slept(ruleset: &Watched, rule: &Outline, event: &Event) -> String {
    if !rule.active {
        return "is inactive".to_owned();
    }
    let mut primitives = Vec::new();
    collect(&rule.select, &mut primitives);
    let meant: Vec<_> = primitives
        .iter()
        .filter(|primitive| names(primitive, event))
        .collect();
    if meant.is_empty() {
        let waited: Vec<_> = primitives
            .iter()
            .map(|primitive| symbol(primitive))
            .collect();
        return format!(
            "waits for {}, not for {}",
            waited.join(", "),
            event.symbol()
        );
    }
    let refused: Vec<_> = meant
        .iter()
        .map(|primitive| refusal(ruleset, primitive, event))
        .collect();
    if refused.iter().any(Option::is_none) {
        return format!("took {} and waits for more events", event.symbol());
    }
    refused.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What of a primitive's tests the event does not pass.
fn refusal(ruleset: &Watched, primitive: &Primitive, event: &Event) -> Option<String> {
    for filter in &primitive.filters {
        let attribute = event.attributes.get(filter.attribute.as_str());
        let shown = attribute.map_or_else(|| "missing".to_owned(), data::written);
        let text = match attribute {
            Some(Value::Text(text)) => text.to_string(),
            Some(other) => data::written(other),
            None => String::new(),
        };
        if !filter.pattern.is_match(&text) {
            let (name, pattern) = (&filter.attribute, &filter.pattern);
            return Some(format!(
                "the attribute {name} is {shown}, which re#{pattern}# does not match"
            ));
        }
    }
    match ruleset.condition(primitive.condition?)? {
        Ok(true) => None,
        Ok(false) => Some("its where is false".to_owned()),
        Err(error) => Some(format!("its where went wrong: {error}")),
    }
}

pub(crate) fn collect<'e>(expression: &'e Expression, found: &mut Vec<&'e Primitive>) {
    match expression {
        Expression::Primitive(primitive) => found.push(primitive),
        Expression::After(parts)
        | Expression::And(parts)
        | Expression::Any(_, parts)
        | Expression::Before(parts)
        | Expression::Or(parts)
        | Expression::Then(parts) => parts.iter().for_each(|part| collect(part, found)),
        Expression::Between(between) | Expression::NotBetween(between) => {
            for part in [&between.first, &between.middle, &between.last] {
                collect(part, found);
            }
        }
        Expression::Count(occurrences) | Expression::Repeat(occurrences) => {
            found.push(&occurrences.primitive);
        }
        Expression::Within(part, _) => collect(part, found),
    }
}

fn names(primitive: &Primitive, event: &Event) -> bool {
    let symbol = &primitive.symbol;
    symbol
        .domain
        .as_ref()
        .is_none_or(|domain| *domain == event.domain)
        && symbol.kind.as_ref().is_none_or(|kind| *kind == event.kind)
}

fn symbol(primitive: &Primitive) -> String {
    let word = |name: &Option<Name>| name.as_ref().map_or("*".to_owned(), Name::to_string);
    let symbol = &primitive.symbol;
    format!("{}:{}", word(&symbol.domain), word(&symbol.kind))
}
