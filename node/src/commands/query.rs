//! `stratus query`

use clap::Args;
use stratus_api::shape;

use super::event::object;
use crate::{client::Client, data::DataDirectory, exit::Failure, render};

/// Ask a ruleset; the answer is JSON
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  stratus query io.stratus.dispatcher inquiries")]
pub(crate) struct Query {
    /// The ruleset
    rid: String,

    /// One of the functions that it shares
    name: String,

    /// Arguments; their values are texts
    #[arg(value_name = "KEY=VALUE")]
    arguments: Vec<String>,

    /// Arguments as a JSON object, for values that are not texts
    #[arg(long, value_name = "ARGUMENTS")]
    json: Option<String>,
}

impl Query {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let arguments = object(self.json.as_deref(), &self.arguments)?;
        let wish = shape::Query {
            rid: self.rid,
            name: self.name,
            arguments,
        };
        let answer: serde_json::Value = Client::open(data)?.post("/queries", &wish).await?;
        render::json(&answer)
    }
}
