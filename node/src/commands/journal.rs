//! `stratus journal`

use std::time::Duration;

use clap::{Args, Subcommand};
use stratus_api::shape::{self, Cause, Effect};
use stratus_event::Timestamp;

use super::invite::seconds;
use crate::{
    client::{Client, encoded},
    data::DataDirectory,
    exit,
    exit::Failure,
    render,
};

/// Show what happened, and what the rules did about it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  stratus journal --since 2h --domain schedule\n  \
    stratus journal --newest-first --limit 10"
)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Journal {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// Go on, and show each event when its rules are done
    #[arg(long, short)]
    follow: bool,

    /// Only entries after this position; with --newest-first, before it
    #[arg(long, value_name = "N")]
    after: Option<u64>,

    /// At most so many entries
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// The newest first
    #[arg(long, conflicts_with = "follow")]
    newest_first: bool,

    #[command(flatten)]
    filter: Filter,

    /// Print each entry as a line of JSON
    #[arg(long)]
    json: bool,
}

/// What can be done with the journal itself
#[derive(Debug, Subcommand)]
enum Verb {
    /// Drop the beginning of the journal, for good
    ///
    /// What is not finished is kept, and all that came after it. Variables and whatever rules wait
    /// for do not depend on the journal.
    Trim(Trim),
}

/// Which entries are kept
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Trim {
    /// Those taken at that time or later: 2026-11-23, or 12h, 30d ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// The newest that take no more bytes than this
    #[arg(long, value_name = "N")]
    bytes_max: Option<u64>,
}

impl Trim {
    async fn run(&self, client: &Client) -> Result<(), Failure> {
        let wanted = shape::Trim {
            since: time(self.since.as_deref(), render::now())?,
            bytes_max: self.bytes_max,
        };
        let shape::Trimmed { entries, bytes } = client.post("/journal/trim", &wanted).await?;
        render::line(format_args!("{entries} entries dropped, {bytes} bytes"))
    }
}

/// Only entries for which all of these hold
#[derive(Debug, Args)]
struct Filter {
    /// Taken at that time or later: 2026-11-23, 2026-11-23T14:05Z, or 90s, 30m, 2h, 7d ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Taken before that time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,

    /// The event, or one raised while it was handled, has that domain
    #[arg(long)]
    domain: Option<String>,

    /// And that type
    #[arg(long = "type", value_name = "TYPE", requires = "domain")]
    kind: Option<String>,

    /// It came by that channel
    #[arg(long, value_name = "ECI")]
    channel: Option<String>,

    /// A rule of that ruleset ran
    #[arg(long, value_name = "RID")]
    ruleset: Option<String>,

    /// That event caused it
    #[arg(long, value_name = "EVENT")]
    cause: Option<String>,
}

impl Journal {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        if let Some(Verb::Trim(trim)) = &self.verb {
            return trim.run(&client).await;
        }
        let filter = self.filter.query()?;
        let (mut from, mut left) = (self.after, self.limit.unwrap_or(usize::MAX));
        while left > 0 {
            let path = format!("/journal?{filter}{}", self.wanted(from, left));
            let page: shape::Journal = client.get(&path).await?;
            page.entries.iter().try_for_each(|entry| self.show(entry))?;
            if page.complete && !self.follow {
                return Ok(());
            }
            left = left.saturating_sub(page.entries.len());
            from = page.next;
        }
        Ok(())
    }

    fn wanted(&self, from: Option<u64>, left: usize) -> String {
        let place = if self.newest_first { "before" } else { "after" };
        let from = from.map_or(String::new(), |from| format!("&{place}={from}"));
        let limit = left.min(stratus_api::JOURNAL_ENTRIES_MAX);
        if self.follow {
            let wait_ms = stratus_api::JOURNAL_WAIT_MS_MAX;
            return format!("limit={limit}{from}&settled=true&wait_ms={wait_ms}");
        }
        format!("limit={limit}{from}&newest_first={}", self.newest_first)
    }

    fn show(&self, entry: &shape::JournalEntry) -> Result<(), Failure> {
        if self.json {
            render::json_line(entry)
        } else {
            render::line(text(entry).join("\n"))
        }
    }
}

impl Filter {
    /// As the part of an address, with an `&` at its end.
    fn query(&self) -> Result<String, Failure> {
        let now = render::now();
        let (since, until) = (
            time(self.since.as_deref(), now)?,
            time(self.until.as_deref(), now)?,
        );
        let parts = [
            ("since", &since),
            ("until", &until),
            ("domain", &self.domain),
            ("type", &self.kind),
            ("channel", &self.channel),
            ("ruleset", &self.ruleset),
            ("cause", &self.cause),
        ];
        let said = parts.into_iter();
        let said = said.filter_map(|(key, value)| Some((key, value.as_deref()?)));
        let said: Vec<_> = said
            .map(|(key, value)| format!("{key}={}&", encoded(value)))
            .collect();
        Ok(said.concat())
    }
}

/// A time as it is given, or that long ago.
fn time(text: Option<&str>, now: Timestamp) -> Result<Option<String>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let ago = seconds(text).ok().map(|ago| now - Duration::from_secs(ago));
    let time = ago.map_or_else(|| text.parse::<Timestamp>(), Ok);
    let time = time.map_err(|error| exit::usage(format!("{text:?}: {error}")))?;
    Ok(Some(time.to_string()))
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
        ("not_selected", _) => "was not selected".to_owned(),
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
    let arranged = run.arranged.iter();
    lines.extend(arranged.map(|sentence| format!("           {sentence}")));
    lines.extend(run.raised.iter().map(|event| {
        let (domain, kind) = (&event.domain, &event.r#type);
        format!("           raised {domain}:{kind}")
    }));
    lines.extend(run.effects.iter().map(effect));
    lines.extend(
        run.log
            .iter()
            .map(|log| format!("           {}: {}", log.level, log.text)),
    );
    lines
}

pub(super) fn effect(effect: &Effect) -> String {
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

pub(super) fn source(source: &Cause) -> String {
    match source {
        Cause::Bearer { .. } => "whoever has the ECI".to_owned(),
        Cause::Engine => "the node itself".to_owned(),
        Cause::Owner => "the owner".to_owned(),
        Cause::Partner { grant, sequence } => format!("a partner, {sequence} under grant {grant}"),
        Cause::Pen { pen } => format!("the PEN {pen}"),
        Cause::Service { service, .. } => service.clone(),
        Cause::Timer { id } => format!("timer {id}"),
    }
}

pub(super) fn fault(failure: &shape::Failure) -> String {
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
    fn times_are_given_as_they_are_or_as_so_long_ago() {
        let check = |text, expected: Option<&str>| {
            let read = time(Some(text), Timestamp(86_400_000)).ok().flatten();
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("1h", Some("1970-01-01T23:00:00.000Z"));
        check("90s", Some("1970-01-01T23:58:30.000Z"));
        check("1d", Some("1970-01-01T00:00:00.000Z"));
        check("2026-11-23T14:05+01:00", Some("2026-11-23T13:05:00.000Z"));
        check("soon", None);
        check("", None);
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
