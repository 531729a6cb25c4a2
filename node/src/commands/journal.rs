//! `stratus journal`

use clap::Args;
use stratus_api::shape::{self, Cause, Effect};

use crate::{client::Client, data::DataDirectory, exit::Failure, render};

/// Show what happened, and what the rules did about it
#[derive(Debug, Args)]
pub(crate) struct Journal {
    /// Go on, and show each event when its rules are done
    #[arg(long, short)]
    follow: bool,

    /// Only entries after this position
    #[arg(long, value_name = "N")]
    after: Option<u64>,

    /// Print each entry as a line of JSON
    #[arg(long)]
    json: bool,
}

impl Journal {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        let mut after = self.after;
        loop {
            let path = format!("/journal?{}", self.wanted(after));
            let page: shape::Journal = client.get(&path).await?;
            page.entries.iter().try_for_each(|entry| self.show(entry))?;
            if page.entries.is_empty() && !self.follow {
                return Ok(());
            }
            after = page.next;
        }
    }

    fn wanted(&self, after: Option<u64>) -> String {
        let after = after.map_or(String::new(), |after| format!("after={after}&"));
        if self.follow {
            format!(
                "{after}settled=true&wait_ms={}",
                stratus_api::JOURNAL_WAIT_MS_MAX
            )
        } else {
            after
        }
    }

    fn show(&self, entry: &shape::JournalEntry) -> Result<(), Failure> {
        if self.json {
            render::json_line(entry)
        } else {
            render::line(text(entry).join("\n"))
        }
    }
}

/// Says what came of the event at a position.
pub(super) async fn talk_about(client: &Client, position: u64) -> Result<(), Failure> {
    let after = position
        .checked_sub(1)
        .map_or(String::new(), |n| format!("&after={n}"));
    let page: shape::Journal = client.get(&format!("/journal?limit=1{after}")).await?;
    for entry in page
        .entries
        .iter()
        .filter(|entry| entry.position == position)
    {
        text(entry).iter().skip(1).for_each(render::talk);
    }
    Ok(())
}

/// An entry for people: the event in one line, and one line for all that came of it.
fn text(entry: &shape::JournalEntry) -> Vec<String> {
    let event = &entry.event;
    let mut lines = vec![format!(
        "{:>5}  {}  {}:{}  {}  from {}",
        entry.position,
        entry.at,
        event.domain,
        event.r#type,
        render::attributes(&event.attributes),
        source(&entry.source)
    )];
    let Some(outcome) = &entry.outcome else {
        lines.push("         waits for its rules".to_owned());
        return lines;
    };
    if outcome.runs.is_empty() && outcome.failed.is_none() {
        lines.push("         woke no rule".to_owned());
    }
    for run in &outcome.runs {
        lines.extend(run_text(run, &event.id));
    }
    lines.extend(outcome.directives.iter().map(|directive| {
        format!(
            "         answered {} {}",
            directive.name,
            render::attributes(&directive.options)
        )
    }));
    lines.extend(
        outcome
            .failed
            .iter()
            .map(|failure| format!("         failed: {}", fault(failure))),
    );
    lines
}

fn run_text(run: &shape::Run, accepted: &str) -> Vec<String> {
    let end = match (run.end.as_str(), &run.failure) {
        ("fired", _) => "fired".to_owned(),
        ("not_fired", _) => "did not fire".to_owned(),
        (_, Some(failure)) => format!("failed: {}", fault(failure)),
        (other, None) => other.to_owned(),
    };
    let raised = if run.event.id == accepted {
        String::new()
    } else {
        format!(" on {}:{}", run.event.domain, run.event.r#type)
    };
    let mut lines = vec![format!("         {} {}{raised}: {end}", run.rid, run.rule)];
    if !run.changes.is_empty() {
        lines.push(format!("           set {}", run.changes.join(", ")));
    }
    lines.extend(run.effects.iter().map(effect));
    lines.extend(
        run.log
            .iter()
            .map(|log| format!("           {}: {}", log.level, log.text)),
    );
    lines
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Act {
            connector,
            action,
            arguments,
            ..
        } => {
            format!(
                "           {connector}:{action} {}",
                render::attributes(arguments)
            )
        }
        Effect::Send {
            to,
            domain,
            r#type: kind,
            attributes,
            ..
        } => {
            let attributes = render::attributes(attributes);
            format!("           sent {domain}:{kind} {attributes} to {to}")
        }
    }
}

fn source(source: &Cause) -> String {
    match source {
        Cause::Engine => "the node itself".to_owned(),
        Cause::Owner => "the owner".to_owned(),
        Cause::Partner { grant, sequence } => format!("a partner, {sequence} under grant {grant}"),
        Cause::Service { service, .. } => service.clone(),
        Cause::Timer { id } => format!("timer {id}"),
    }
}

fn fault(failure: &shape::Failure) -> String {
    format!("{} [{}]", failure.detail, failure.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entry: &serde_json::Value, expected: &[&str]) {
        let entry: shape::JournalEntry = serde_json::from_value(entry.clone()).unwrap();
        assert_eq!(text(&entry), expected);
    }

    fn event(id: &str, kind: &str) -> serde_json::Value {
        serde_json::json!({
            "id": id, "domain": "a", "type": kind, "attributes": {"n": 1},
            "time": "T", "cause": null,
        })
    }

    #[test]
    fn an_entry_tells_what_came_and_what_was_done() {
        let run = serde_json::json!({
            "event": event("2", "raised"), "rid": "r", "rule": "u", "end": "failed",
            "failure": {
                "code": "fuel-spent", "whose": "ruleset", "detail": "no fuel", "hint": null,
            },
            "changes": ["r:x"], "log": [{"level": "info", "text": "hello"}], "effects": [
                {"kind": "act", "ordinal": 0, "connector": "twilio", "action": "send_sms",
                 "arguments": {}},
                {"kind": "send", "ordinal": 1, "to": "z6Mk", "domain": "b", "type": "c",
                 "attributes": {}},
            ],
        });
        let entry = serde_json::json!({
            "position": 7, "at": "T", "event": event("1", "b"), "channel": null,
            "source": {"kind": "service", "service": "twilio", "external_id": "SM1"},
            "outcome": {
                "at": "T", "runs": [run], "failed": null,
                "directives": [{"name": "d", "options": {}}]
            },
        });
        check(
            &entry,
            &[
                "    7  T  a:b  {\"n\":1}  from twilio",
                "         r u on a:raised: failed: no fuel [fuel-spent]",
                "           set r:x",
                "           twilio:send_sms {}",
                "           sent b:c {} to z6Mk",
                "           info: hello",
                "         answered d {}",
            ],
        );
    }

    #[test]
    fn an_entry_without_outcome_waits() {
        let entry = serde_json::json!({
            "position": 7, "at": "T", "event": event("1", "b"), "channel": null,
            "source": {"kind": "owner"}, "outcome": null,
        });
        let lines = [
            "    7  T  a:b  {\"n\":1}  from the owner",
            "         waits for its rules",
        ];
        check(&entry, &lines);
    }
}
