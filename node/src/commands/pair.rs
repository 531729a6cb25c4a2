//! `stratus pair`

use std::time::Duration;

use clap::Args;
use stratus_api::shape;

use crate::{client::Client, data::DataDirectory, exit::Failure, render};

/// Use an invite that you were given
#[derive(Debug, Args)]
pub(crate) struct Pair {
    /// The invite's link, `stratus:…`
    link: String,

    /// What the partner is called here; else the name that the invite gives
    #[arg(long)]
    name: Option<String>,

    /// How many seconds to wait for the partner's node; after that your node goes on by itself
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    wait: u64,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Pair {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let wait = Duration::from_secs(self.wait);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let wish = shape::Pair {
            link: self.link.trim().to_owned(),
            name: self.name,
            wait_ms,
        };
        let paired: shape::Paired = Client::open(data)?.post("/pairings", &wish).await?;
        if self.json {
            return render::json(&paired);
        }
        match &paired.sentence {
            Some(sentence) => render::talk(sentence),
            None => render::talk(
                "The partner's node cannot be reached yet. Your node goes on trying; \
                 `stratus subscriptions` shows how it stands.",
            ),
        }
        render::line(format_args!("{} {}", paired.subscription, paired.state))
    }
}
