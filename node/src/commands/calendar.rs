//! `stratus calendar`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use stratus_api::{shape, to_json};
use stratus_connector::calendar;

use crate::{client::Client, data, data::DataDirectory, exit::Failure, render};

/// Bring a calendar into the PEN
#[derive(Debug, Subcommand)]
pub(crate) enum Calendar {
    /// Read an iCalendar file and raise `calendar:loaded` with its events
    Import(Import),
}

impl Calendar {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        match self {
            Self::Import(import) => import.run(data).await,
        }
    }
}

/// Read an iCalendar file and raise `calendar:loaded` with its events
///
/// What was loaded before is replaced; the ruleset io.stratus.calendar keeps it.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The .ics file, or - for standard input
    file: PathBuf,

    /// Where times are that do not say it, such as Europe/Oslo [default: this computer's]
    #[arg(long)]
    zone: Option<String>,
}

impl Import {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let zone = self.zone.unwrap_or_else(zone_here);
        let events = calendar::read(&data::read_named(&self.file)?, &zone)?;
        let raised: shape::Raised = Client::open(data)?
            .post("/events", &loaded(&events))
            .await?;
        render::talk(format_args!(
            "{} calendar entries loaded, event {} at journal position {}",
            events.len(),
            raised.event,
            raised.position
        ));
        Ok(())
    }
}

fn loaded(events: &[stratus_event::Value]) -> shape::Raise {
    let events = events.iter().map(to_json).collect();
    shape::Raise {
        eci: None,
        domain: "calendar".to_owned(),
        r#type: "loaded".to_owned(),
        attributes: shape::Object::from_iter([("events".to_owned(), events)]),
        wait: shape::Wait::Outcome,
    }
}

/// The timezone of this computer, as far as it says it.
fn zone_here() -> String {
    let variable = std::env::var("TZ").ok().filter(|zone| zone.contains('/'));
    let link = || std::fs::read_link("/etc/localtime").ok();
    let zone = variable.or_else(|| after_zoneinfo(link()?.to_str()?));
    zone.unwrap_or_else(|| "UTC".to_owned())
}

fn after_zoneinfo(path: &str) -> Option<String> {
    path.split_once("/zoneinfo/")
        .map(|(_, zone)| zone.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_stands_in_a_path() {
        let path = "/usr/share/zoneinfo/Europe/Oslo";
        assert_eq!(after_zoneinfo(path).as_deref(), Some("Europe/Oslo"));
        assert_eq!(after_zoneinfo("/etc/somewhere"), None);
    }

    #[test]
    fn entries_keep_their_order() {
        let raise = loaded(&["a".into(), "b".into()]);
        assert_eq!(
            serde_json::Value::Object(raise.attributes).to_string(),
            r#"{"events":["a","b"]}"#
        );
    }
}
