//! `stratus event`

use clap::{Args, Subcommand};
use stratus_api::shape::{self, Object};

use super::journal;
use crate::{client::Client, data::DataDirectory, exit, exit::Failure, render};

/// Raise events
#[derive(Debug, Subcommand)]
pub(crate) enum Event {
    /// Raise an event, and show what the rules answered
    Send(Send),
}

impl Event {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        match self {
            Self::Send(send) => send.run(data).await,
        }
    }
}

/// Raise an event, and show what the rules answered
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  stratus event send profile:updated phone=+15550100")]
pub(crate) struct Send {
    /// The event, such as schedule:inquiry
    #[arg(value_name = "DOMAIN:TYPE")]
    event: String,

    /// Attributes; their values are texts
    #[arg(value_name = "KEY=VALUE")]
    attributes: Vec<String>,

    /// Attributes as a JSON object, for values that are not texts
    #[arg(long, value_name = "ATTRIBUTES")]
    json: Option<String>,

    /// The channel to send it by; your own if it is not said
    #[arg(long)]
    eci: Option<String>,

    /// Do not wait for the rules, only until the event cannot be lost any more
    #[arg(long)]
    no_wait: bool,
}

impl Send {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let (client, wait) = (Client::open(data)?, !self.no_wait);
        let raised: shape::Raised = client.post("/events", &self.wish()?).await?;
        render::talk(format_args!(
            "event {} at journal position {}",
            raised.event, raised.position
        ));
        for directive in &raised.directives {
            render::json_line(directive)?;
        }
        if wait {
            journal::talk_about(&client, raised.position).await?;
        }
        Ok(())
    }

    fn wish(self) -> Result<shape::Raise, Failure> {
        let (domain, kind) = self.event.split_once(':').ok_or_else(|| {
            exit::usage(format!("{:?} is no event", self.event))
                .hint("write DOMAIN:TYPE, such as schedule:inquiry")
        })?;
        Ok(shape::Raise {
            eci: self.eci,
            domain: domain.to_owned(),
            r#type: kind.to_owned(),
            attributes: object(self.json.as_deref(), &self.attributes)?,
            wait: if self.no_wait {
                shape::Wait::Accepted
            } else {
                shape::Wait::Outcome
            },
        })
    }
}

/// Members as given in JSON and as `KEY=VALUE`.
pub(super) fn object(json: Option<&str>, pairs: &[String]) -> Result<Object, Failure> {
    let mut object: Object = match json {
        Some(json) => serde_json::from_str(json).map_err(|e| {
            exit::usage(format!("--json is no JSON object: {e}"))
                .hint("write it like --json '{\"count\": 2}'")
        })?,
        None => Object::new(),
    };
    for pair in pairs {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            exit::usage(format!("{pair:?} has no ="))
                .hint("write KEY=VALUE, such as phone=+15550100")
        })?;
        object.insert(key.to_owned(), value.into());
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: Option<&str>, pairs: &[&str], expected: Option<&str>) {
        let pairs: Vec<_> = pairs.iter().map(|&pair| pair.to_owned()).collect();
        let found = object(json, &pairs)
            .ok()
            .map(|o| serde_json::Value::Object(o).to_string());
        assert_eq!(found.as_deref(), expected, "{json:?} {pairs:?}");
    }

    #[test]
    fn attributes_are_texts_or_json() {
        check(None, &[], Some("{}"));
        check(None, &["b=1", "a=x=y"], Some(r#"{"b":"1","a":"x=y"}"#));
        check(Some(r#"{"n":1}"#), &["m="], Some(r#"{"n":1,"m":""}"#));
        check(None, &["phone"], None);
        check(Some("[]"), &[], None);
        check(Some("{"), &[], None);
    }
}
