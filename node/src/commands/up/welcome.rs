//! What a person sees when her node runs.

use std::time::Duration;

use stratus_api::Desk;
use stratus_engine::{Command, NodeId, Reply};
use stratus_event::Fault;

use crate::{data::DataDirectory, exit::Failure, owner::Owner, render};

/// Prints who the node is, where it is, and what to do next; gives the addresses.
pub(super) async fn welcome(
    data: &DataDirectory,
    desk: &Desk,
    owner: &Owner,
    url: &str,
) -> Result<Vec<String>, Failure> {
    let (node, addresses) = whereabouts(desk).await?;
    match particulars(data, owner, url, node, &addresses) {
        // Who started the node may not care to read this; it runs all the same.
        Ok(()) | Err(Failure::BrokenPipe) => {}
        Err(failure) => return Err(failure),
    }
    what_next(data, owner);
    Ok(addresses)
}

fn particulars(
    data: &DataDirectory,
    owner: &Owner,
    url: &str,
    node: NodeId,
    addresses: &[String],
) -> Result<(), Failure> {
    render::line(format_args!("node     {node}"))?;
    for address in addresses {
        render::line(format_args!("address  {address}/p2p/{node}"))?;
    }
    render::line(format_args!("API      {url}"))?;
    render::line(format_args!("data     {}", data.path().display()))?;
    render::line(format_args!("PEN      {} ({})", owner.pen, owner.name))
}

fn what_next(data: &DataDirectory, owner: &Owner) {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "stratus".to_owned());
    let flag = data.flag();
    let again = if owner.new {
        "made just now"
    } else {
        "as you left it"
    };
    render::talk(format_args!("\nYour PEN is {again}. In another terminal:"));
    for verb in [
        "status",
        "event send hello:world name=you",
        "journal",
        "invite --help",
    ] {
        render::talk(format_args!("  {program}{flag} {verb}"));
    }
    render::talk("Ctrl-C stops the node.\n");
}

/// The network tells its addresses a moment after it has begun.
async fn whereabouts(desk: &Desk) -> Result<(NodeId, Vec<String>), Fault> {
    let mut asked = 0;
    loop {
        asked += 1;
        match desk.ask(Command::Status, STATUS_WAIT).await? {
            Reply::Status {
                node, addresses, ..
            } if !addresses.is_empty() || asked == ASKED_MAX => {
                return Ok((node, addresses));
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

const STATUS_WAIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);
const ASKED_MAX: u32 = 100;
