//! `stratus channel`

use clap::{Args, Subcommand};
use stratus_api::shape::{self, Legacy};

use crate::{client::Client, data::DataDirectory, exit::Failure, render};

/// Make and list channels
#[derive(Debug, Subcommand)]
pub(crate) enum Channel {
    /// Make a channel; it lets in nothing but what you say
    Make(Make),
    /// List channels
    List(List),
}

impl Channel {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        match self {
            Self::Make(make) => make.run(data).await,
            Self::List(list) => list.run(data).await,
        }
    }
}

/// Make a channel; it lets in nothing but what you say
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  stratus channel make texts --event 'twilio:*'")]
pub(crate) struct Make {
    /// Words to find it by
    tags: Vec<String>,

    /// An event that may come in, each half of which may be *; may be repeated
    #[arg(long = "event", value_name = "DOMAIN:TYPE")]
    events: Vec<String>,

    /// A query that may be asked, each half of which may be *; may be repeated
    #[arg(long = "query", value_name = "RID:NAME")]
    queries: Vec<String>,

    /// Let in whoever knows the ECI, without further proof, from this computer and the private
    /// network around it: for clients of pico-engine and other programs that cannot sign
    #[arg(long)]
    legacy: bool,

    /// The same from anywhere
    #[arg(long)]
    legacy_anywhere: bool,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Make {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let legacy = self.legacy();
        let wish = shape::MakeChannel {
            tags: self.tags,
            events: self.events,
            queries: self.queries,
            legacy,
        };
        let channel: shape::Channel = Client::open(data)?.post("/channels", &wish).await?;
        if self.json {
            return render::json(&channel);
        }
        render::talk(format_args!("lets in: {}", render::words(&channel.events)));
        render::line(&channel.eci)
    }

    fn legacy(&self) -> Legacy {
        match (self.legacy_anywhere, self.legacy) {
            (true, _) => Legacy::Anywhere,
            (false, true) => Legacy::Nearby,
            (false, false) => Legacy::Nobody,
        }
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
        let heading = [
            "channel",
            "tags",
            "state",
            "ECI enough",
            "events",
            "queries",
        ];
        render::table(heading, &rows, "There are no channels.")
    }
}

fn row(channel: &shape::Channel) -> [String; 6] {
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
        policy(&channel.events, &channel.events_denied),
        policy(&channel.queries, &channel.queries_denied),
    ]
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
