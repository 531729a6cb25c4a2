//! `stratus channel`

use std::num::NonZeroU32;

use clap::{Args, Subcommand};
use stratus_api::shape::{self, Legacy};
use stratus_event::{Fault, Whose};

use crate::{
    client::{Client, encoded},
    data::DataDirectory,
    exit::Failure,
    render,
};

/// Make, list, change and delete channels
#[derive(Debug, Subcommand)]
pub(crate) enum Channel {
    /// Make a channel; it lets in nothing but what you say
    Make(Make),
    /// List channels
    List(List),
    /// Change a channel; what you do not say stays
    Edit(Edit),
    /// Shut a channel: it lets nothing in until it is opened again
    Shut(One),
    /// Open a channel that was shut
    Open(One),
    /// Delete a channel; its ECI never comes back
    Delete(One),
}

impl Channel {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        match self {
            Self::Make(make) => make.run(data).await,
            Self::List(list) => list.run(data).await,
            Self::Edit(edit) => edit.run(data).await,
            Self::Shut(one) => one.set_open(data, false).await,
            Self::Open(one) => one.set_open(data, true).await,
            Self::Delete(one) => one.delete(data).await,
        }
    }
}

/// Make a channel; it lets in nothing but what you say
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  stratus channel make texts --event 'twilio:*' --rate 10/s")]
pub(crate) struct Make {
    /// Words to find it by
    tags: Vec<String>,

    #[command(flatten)]
    terms: Terms,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Make {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let wish = shape::MakeChannel {
            tags: self.tags,
            legacy: self.terms.legacy().unwrap_or_default(),
            rate: self.terms.rate()?,
            events: self.terms.events,
            events_denied: self.terms.deny_event,
            queries: self.terms.queries,
            queries_denied: self.terms.deny_query,
        };
        let channel: shape::Channel = Client::open(data)?.post("/channels", &wish).await?;
        if self.json {
            return render::json(&channel);
        }
        render::talk(format_args!("lets in: {}", render::words(&channel.events)));
        render::line(&channel.eci)
    }
}

/// Change a channel; what you do not say stays
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  stratus channel edit z6Mk… --event 'twilio:sms' --rate 30/min --burst 5"
)]
pub(crate) struct Edit {
    /// The channel
    eci: String,

    /// A word to find it by, in place of those it has; may be repeated
    #[arg(long = "tag")]
    tags: Vec<String>,

    #[command(flatten)]
    terms: Terms,

    /// Let no event in any more
    #[arg(long, conflicts_with = "events")]
    no_events: bool,

    /// Let no query in any more
    #[arg(long, conflicts_with = "queries")]
    no_queries: bool,

    /// Its ECI is enough for nobody any more
    #[arg(long, conflicts_with_all = ["legacy", "legacy_anywhere"])]
    no_legacy: bool,

    /// Let events in as fast as they come
    #[arg(long, conflicts_with = "rate")]
    no_rate: bool,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Edit {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let rate = self.terms.rate()?;
        let legacy = self.no_legacy.then_some(Legacy::Nobody);
        let change = shape::ChangeChannel {
            tags: said(self.tags, false),
            open: None,
            legacy: self.terms.legacy().or(legacy),
            rate: rate.map(Some).or(self.no_rate.then_some(None)),
            events: said(self.terms.events, self.no_events),
            events_denied: said(self.terms.deny_event, false),
            queries: said(self.terms.queries, self.no_queries),
            queries_denied: said(self.terms.deny_query, false),
        };
        let channel = One { eci: self.eci }.change(data, &change).await?;
        if self.json {
            return render::json(&channel);
        }
        render::table(HEADING, &[row(&channel)], "")
    }
}

/// What a channel lets in, and how fast
#[derive(Debug, Default, Args)]
struct Terms {
    /// An event that may come in, each half of which may be *; may be repeated
    #[arg(long = "event", value_name = "DOMAIN:TYPE")]
    events: Vec<String>,

    /// An event that may not, whatever is allowed; may be repeated
    #[arg(long, value_name = "DOMAIN:TYPE")]
    deny_event: Vec<String>,

    /// A query that may be asked, each half of which may be *; may be repeated
    #[arg(long = "query", value_name = "RID:NAME")]
    queries: Vec<String>,

    /// A query that may not, whatever is allowed; may be repeated
    #[arg(long, value_name = "RID:NAME")]
    deny_query: Vec<String>,

    /// Let in whoever knows the ECI, without further proof, from this computer and the private
    /// network around it: for clients of pico-engine and other programs that cannot sign
    #[arg(long)]
    legacy: bool,

    /// The same from anywhere
    #[arg(long)]
    legacy_anywhere: bool,

    /// How fast events may come in, for long: so many in a second or a minute
    #[arg(long, value_name = "N/s or N/min")]
    rate: Option<String>,

    /// How many may come at once, if there is a rate; else as many as in a second, or one
    #[arg(long, value_name = "N", requires = "rate")]
    burst: Option<NonZeroU32>,
}

impl Terms {
    fn legacy(&self) -> Option<Legacy> {
        match (self.legacy_anywhere, self.legacy) {
            (true, _) => Some(Legacy::Anywhere),
            (false, true) => Some(Legacy::Nearby),
            (false, false) => None,
        }
    }

    fn rate(&self) -> Result<Option<shape::Rate>, Fault> {
        let Some(text) = &self.rate else {
            return Ok(None);
        };
        let per_minute = per_minute(text).ok_or_else(|| {
            let message = format!("{text:?} is no rate");
            Fault::new(Whose::Caller, "rate-malformed", message)
                .hint("write 10/s or 30/min; to let nothing in, shut the channel")
        })?;
        let a_second = NonZeroU32::new(per_minute.get() / 60).unwrap_or(NonZeroU32::MIN);
        let burst = self.burst.unwrap_or(a_second);
        Ok(Some(shape::Rate { per_minute, burst }))
    }
}

/// One channel
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The channel
    eci: String,
}

impl One {
    async fn set_open(self, data: &DataDirectory, open: bool) -> Result<(), Failure> {
        let change = shape::ChangeChannel {
            open: Some(open),
            ..shape::ChangeChannel::default()
        };
        self.change(data, &change).await.map(drop)
    }

    async fn change(
        &self,
        data: &DataDirectory,
        change: &shape::ChangeChannel,
    ) -> Result<shape::Channel, Failure> {
        Client::open(data)?.patch(&self.path(), change).await
    }

    async fn delete(self, data: &DataDirectory) -> Result<(), Failure> {
        Client::open(data)?.delete(&self.path()).await
    }

    fn path(&self) -> String {
        format!("/channels/{}", encoded(&self.eci))
    }
}

/// List channels
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl List {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let channels = Client::open(data)?.pen().await?.channels;
        if self.json {
            return render::json(&channels);
        }
        let rows: Vec<_> = channels.iter().map(row).collect();
        render::table(HEADING, &rows, "There are no channels.")
    }
}

const HEADING: [&str; 7] = [
    "channel",
    "tags",
    "state",
    "ECI enough",
    "rate",
    "events",
    "queries",
];

fn row(channel: &shape::Channel) -> [String; 7] {
    let state = if channel.open { "open" } else { "shut" };
    let enough = match channel.legacy {
        Legacy::Anywhere => "anywhere",
        Legacy::Nearby => "nearby",
        Legacy::Nobody => "no",
    };
    [
        channel.eci.clone(),
        render::words(&channel.tags),
        state.to_owned(),
        enough.to_owned(),
        channel.rate.map_or("-".to_owned(), rate),
        policy(&channel.events, &channel.events_denied),
        policy(&channel.queries, &channel.queries_denied),
    ]
}

fn rate(rate: shape::Rate) -> String {
    match rate.per_minute.get() {
        per_minute if per_minute % 60 == 0 => {
            format!("{}/s, {} at once", per_minute / 60, rate.burst)
        }
        per_minute => format!("{per_minute}/min, {} at once", rate.burst),
    }
}

/// What is allowed, and what is denied in spite of it.
fn policy(allowed: &[String], denied: &[String]) -> String {
    if denied.is_empty() {
        return render::words(allowed);
    }
    format!(
        "{}, but not {}",
        render::words(allowed),
        render::words(denied)
    )
}

/// A list that was said on the command line; an empty one only if that was said.
fn said(list: Vec<String>, none: bool) -> Option<Vec<String>> {
    (none || !list.is_empty()).then_some(list)
}

/// Reads `10/s` or `30/min`.
fn per_minute(text: &str) -> Option<NonZeroU32> {
    let (number, unit) = text.split_once('/')?;
    let number: u32 = number.parse().ok()?;
    match unit {
        "s" => NonZeroU32::new(number.checked_mul(60)?),
        "min" => NonZeroU32::new(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u32>) {
        assert_eq!(per_minute(text).map(NonZeroU32::get), expected, "{text}");
    }

    #[test]
    fn rates_are_by_second_or_minute() {
        check("10/s", Some(600));
        check("30/min", Some(30));
        check("0/s", None);
        check("10", None);
        check("10/h", None);
        check("-1/s", None);
        check("99999999/s", None);
    }

    #[test]
    fn what_is_no_rate_is_told_so() {
        let terms = Terms {
            rate: Some("often".to_owned()),
            ..Terms::default()
        };
        assert_eq!(terms.rate().unwrap_err().code, "rate-malformed");
    }
}
