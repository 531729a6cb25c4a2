//! The owner's own PEN: found at every start, made at the first.

use std::time::Duration;

use stratus_api::Desk;
use stratus_engine::{Command, Reply};
use stratus_event::{Eci, Fault, PenId, Whose};

/// The PEN of the node's owner and the channel by which her events come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The PEN.
    pub pen: PenId,
    /// What she calls it.
    pub name: String,
    /// The channel.
    pub channel: Eci,
    /// It was made just now.
    pub new: bool,
}

impl Owner {
    /// Finds the first PEN of the node, or makes one of that name.
    pub(crate) async fn find(desk: &Desk, name: &str) -> Result<Self, Fault> {
        let (found, new) = match first_pen(desk).await? {
            Some(found) => (found, false),
            None => (make_pen(desk, name).await?, true),
        };
        let (pen, name) = found;
        Ok(Self {
            pen,
            name,
            channel: channel(desk, pen).await?,
            new,
        })
    }
}

async fn first_pen(desk: &Desk) -> Result<Option<(PenId, String)>, Fault> {
    match desk.ask(Command::Status, WAIT).await? {
        Reply::Status { pens, .. } => Ok(pens.into_iter().next()),
        other => Err(unexpected(&other)),
    }
}

async fn make_pen(desk: &Desk, name: &str) -> Result<(PenId, String), Fault> {
    let name = name.to_owned();
    match desk
        .ask(Command::CreatePen { name: name.clone() }, WAIT)
        .await?
    {
        Reply::Pen(pen) => Ok((pen, name)),
        other => Err(unexpected(&other)),
    }
}

/// The channel that the engine made with the PEN.
async fn channel(desk: &Desk, pen: PenId) -> Result<Eci, Fault> {
    let listing = match desk.ask(Command::List { pen }, WAIT).await? {
        Reply::Listing(listing) => listing,
        other => return Err(unexpected(&other)),
    };
    let owners = listing
        .channels
        .iter()
        .find(|channel| channel.tags.iter().any(|t| *t == "owner"));
    owners.map(|channel| channel.eci).ok_or_else(|| {
        let message = format!("PEN {pen} has no channel for its owner");
        Fault::new(Whose::Bug, "owner-channel-missing", message)
    })
}

fn unexpected(reply: &Reply) -> Fault {
    let message = format!("the engine gave an answer that does not fit: {reply:?}");
    Fault::new(Whose::Bug, "answer-unexpected", message)
}

const WAIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use stratus_engine::NodeId;

    use super::*;

    /// A node with one PEN that has no channel.
    async fn bare_node(mut orders: tokio::sync::mpsc::Receiver<stratus_api::Order>) {
        while let Some(order) = orders.recv().await {
            let reply = match order.command {
                Command::Status => Reply::Status {
                    node: NodeId([1; 32]),
                    addresses: vec![],
                    pens: vec![(PenId([2; 16]), "Ann".to_owned())],
                    connected: vec![],
                },
                _ => Reply::Listing(Box::default()),
            };
            let _ = order.reply.send(Ok(reply));
        }
    }

    #[tokio::test]
    async fn a_pen_without_its_owner_s_channel_is_a_bug() {
        let (desk, orders) = Desk::new(1);
        tokio::spawn(bare_node(orders));
        assert_eq!(
            Owner::find(&desk, "Ben").await.unwrap_err().code,
            "owner-channel-missing"
        );
    }
}
