//! `stratus status`

use clap::Args;
use stratus_api::shape;

use crate::{client::Client, data::DataDirectory, exit::Failure, render};

/// Show the running node
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        let status: shape::Status = client.get("/status").await?;
        if self.json {
            return render::json(&status);
        }
        let pen = client.pen().await?;
        render::line(format_args!("node           {}", status.node))?;
        render::line(format_args!("version        {}", status.version))?;
        render::line(format_args!("data           {}", data.path().display()))?;
        render::line(format_args!("API            {}", data.api_url()?))?;
        for address in &status.addresses {
            render::line(format_args!("address        {address}/p2p/{}", status.node))?;
        }
        for pen in &status.pens {
            render::line(format_args!("PEN            {} ({})", pen.id, pen.name))?;
        }
        render::line(format_args!("owner channel  {}", status.owner_channel))?;
        render::line(format_args!("rulesets       {}", pen.rulesets.len()))?;
        render::line(format_args!(
            "subscriptions  {}",
            subscriptions(&pen.subscriptions)
        ))?;
        render::line(format_args!(
            "connected      {}",
            render::words(&status.connected)
        ))?;
        for invite in &pen.invites {
            let (id, name, end) = (&invite.id, &invite.name, &invite.expires);
            render::line(format_args!("invite         {id} for {name}, until {end}"))?;
        }
        for timer in &pen.timers {
            render::line(format_args!("timer          {}", scheduled(timer)))?;
        }
        Ok(())
    }
}

fn scheduled(timer: &shape::Timer) -> String {
    let shape::Timer { rid, at, event, .. } = timer;
    match (&timer.repeat, &timer.zone) {
        (Some(cron), Some(zone)) => format!("{event} of {rid} at {at}, again by {cron} in {zone}"),
        _ => format!("{event} of {rid} at {at}"),
    }
}

fn subscriptions(subscriptions: &[shape::Subscription]) -> String {
    let waiting: u64 = subscriptions
        .iter()
        .map(|subscription| subscription.waiting)
        .sum();
    match waiting {
        0 => subscriptions.len().to_string(),
        _ => format!(
            "{} ({waiting} events wait for their nodes)",
            subscriptions.len()
        ),
    }
}
