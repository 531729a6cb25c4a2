//! `stratus why`

use clap::Args;
use stratus_api::shape::{self, Done, Happening, RuleWhy, Woken};

use super::journal;
use crate::{
    client::{Client, encoded},
    data::DataDirectory,
    exit::Failure,
    render,
};

/// Show why an event did what it did, or why a rule did nothing about it
///
/// Everything is told from the journal: which rules the event woke, what each condition saw, what
/// they changed, raised and sent, and what became of that. Nothing is evaluated again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stratus why last\n  stratus why 3fa9 dispatcher/ask")]
pub(crate) struct Why {
    /// The event: its id, at least four digits that it begins with, or `last`
    event: String,

    /// Only about this rule: RULE, or RULESET/RULE
    rule: Option<String>,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Why {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        let rule = match &self.rule {
            Some(rule) => format!("?rule={}", encoded(rule)),
            None => String::new(),
        };
        let path = format!("/journal/{}/why{rule}", encoded(&self.event));
        let why: shape::Why = client.get(&path).await?;
        if self.json {
            return render::json(&why);
        }
        text(&why).iter().try_for_each(render::line)
    }
}

/// All that there is to say, for people.
fn text(why: &shape::Why) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(tree) = &why.tree {
        lines.push(symbol(&tree.event));
        lines.push(format!(
            "  taken {} from {}, journal position {}",
            why.at,
            journal::source(&why.source),
            why.position
        ));
        lines.extend(happening(tree, "  "));
    }
    lines.extend(why.rules.iter().flat_map(|rule| rule_text(rule, "")));
    if why.waiting {
        lines.push("it waits for its rules".to_owned());
    }
    let failed = why.failed.iter();
    lines.extend(failed.map(|failure| format!("given up: {}", journal::fault(failure))));
    for caused in &why.caused {
        let event = symbol(&caused.event);
        lines.push(format!(
            "it caused {event} at journal position {}",
            caused.position
        ));
    }
    if !why.changed.is_empty() {
        let changed = why.changed.join(", ");
        lines.push(format!(
            "changed since: {changed}; this is about the text of then"
        ));
    }
    lines
}

fn happening(happening: &Happening, indent: &str) -> Vec<String> {
    let mut lines: Vec<_> = happening
        .woken
        .iter()
        .flat_map(|woken| woken_text(woken, indent))
        .collect();
    let others = happening.others.iter();
    lines.extend(others.map(|rule| format!("{indent}{} {}: {}", rule.rid, rule.rule, rule.text)));
    if happening.woken.is_empty() && happening.others.is_empty() {
        lines.push(format!("{indent}no rule knows such an event"));
    }
    lines
}

fn woken_text(woken: &Woken, indent: &str) -> Vec<String> {
    let end = match (woken.end.as_str(), &woken.failure) {
        ("fired", _) => "fired".to_owned(),
        ("not_fired", _) => "woken, but its condition was false".to_owned(),
        ("not_selected", _) => "not woken".to_owned(),
        (_, Some(failure)) => format!("failed: {}", journal::fault(failure)),
        (other, None) => other.to_owned(),
    };
    let saw = woken.saw.iter();
    let saw: Vec<_> = saw
        .map(|saw| format!("{} was {}", saw.operand, saw.value))
        .collect();
    let saw = if saw.is_empty() {
        String::new()
    } else {
        format!("; {}", saw.join(", "))
    };
    let mut lines = vec![format!("{indent}{} {}: {end}{saw}", woken.rid, woken.rule)];
    lines.extend(consequences(woken, &format!("{indent}  ")));
    lines
}

/// What a run changed, sent, raised and logged.
fn consequences(woken: &Woken, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if !woken.changes.is_empty() {
        lines.push(format!("{indent}set {}", woken.changes.join(", ")));
    }
    let arranged = woken.arranged.iter();
    lines.extend(arranged.map(|sentence| format!("{indent}{sentence}")));
    lines.extend(
        woken
            .effects
            .iter()
            .map(|done| format!("{indent}{}", effect(done))),
    );
    let log = woken.log.iter();
    lines.extend(log.map(|log| format!("{indent}{}: {}", log.level, log.text)));
    for raised in &woken.raised {
        lines.push(format!("{indent}raised {}", symbol(&raised.event)));
        lines.extend(happening(raised, &format!("{indent}  ")));
    }
    lines
}

fn effect(done: &Done) -> String {
    let what = journal::effect(&done.effect);
    let verdict = match &done.verdict {
        None => "under way".to_owned(),
        Some(verdict) => match (&verdict.failure, &verdict.receipt) {
            (Some(failure), _) => format!("not done: {}", journal::fault(failure)),
            (None, Some(receipt)) => format!("done {}, receipt {receipt}", verdict.at),
            (None, None) => format!("done {}", verdict.at),
        },
    };
    format!("{}: {verdict}", what.trim_start())
}

fn rule_text(rule: &RuleWhy, indent: &str) -> Vec<String> {
    let mut lines = vec![format!("{indent}{} {}: {}", rule.rid, rule.rule, rule.text)];
    if let Some(run) = &rule.run {
        lines.extend(consequences(run, &format!("{indent}  ")));
    }
    if rule.changed {
        lines.push(format!(
            "{indent}  {} has changed since; this is about the text of then",
            rule.rid
        ));
    }
    lines
}

fn symbol(event: &shape::Event) -> String {
    format!(
        "{}:{} {}  event {}",
        event.domain,
        event.r#type,
        render::attributes(&event.attributes),
        event.id
    )
}
