//! The owner's own PEN: found at every start, made at the first.

use std::time::Duration;

use stratus_api::Desk;
use stratus_engine::{AccountCommand, Command, Reply, Shown};
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
    /// Finds the operator's PEN, or makes one of that name.
    pub(crate) async fn find(desk: &Desk, name: &str) -> Result<Self, Fault> {
        let before = pens(desk).await?;
        let first = before.first().map(|(pen, _)| *pen);
        let pen = operators_pen(desk, name, first).await?;
        let new = before.is_empty();
        let named = before.into_iter().find(|(id, _)| *id == pen);
        Ok(Self {
            pen,
            name: named.map_or_else(|| name.to_owned(), |(_, name)| name),
            channel: channel(desk).await?,
            new,
        })
    }
}

async fn pens(desk: &Desk) -> Result<Vec<(PenId, String)>, Fault> {
    match desk.ask(Command::Status, WAIT).await? {
        Reply::Status { pens, .. } => {
            let first = pens.into_iter().filter(|pen| pen.parent.is_none());
            Ok(first.map(|pen| (pen.id, pen.name)).collect())
        }
        other => Err(unexpected(&other)),
    }
}

/// The PEN of the operator's account; of a node of a version without accounts it is the first.
async fn operators_pen(desk: &Desk, name: &str, first: Option<PenId>) -> Result<PenId, Fault> {
    let pen_name = name.to_owned();
    let adopt = match first {
        Some(first) => owners_channel(desk, first).await?.map(|eci| (first, eci)),
        None => None,
    };
    let command = Command::Account(AccountCommand::Operator { pen_name, adopt });
    match desk.ask(command, WAIT).await? {
        Reply::Account(account) => Ok(account.pen),
        other => Err(unexpected(&other)),
    }
}

/// The channel that the engine made with that PEN.
async fn owners_channel(desk: &Desk, pen: PenId) -> Result<Option<Eci>, Fault> {
    let listing = match desk.ask(Command::List { pen }, WAIT).await? {
        Reply::Listing(listing) => listing,
        other => return Err(unexpected(&other)),
    };
    let mut channels = listing.channels.iter();
    let owners = channels.find(|channel| channel.tags.iter().any(|tag| *tag == "owner"));
    Ok(owners.map(|channel| channel.eci))
}

/// The channel by which the operator's events come in.
async fn channel(desk: &Desk) -> Result<Eci, Fault> {
    let shown = Shown::Operator;
    let command = Command::Account(AccountCommand::Identify { shown, pen: None });
    match desk.ask(command, WAIT).await? {
        Reply::Identity(identity) => Ok(identity.channel),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(reply: &Reply) -> Fault {
    let message = format!("the engine gave an answer that does not fit: {reply:?}");
    Fault::new(Whose::Bug, "answer-unexpected", message)
}

const WAIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_engine_that_answers_something_else_is_wrong() {
        let (desk, mut orders) = Desk::new(1);
        tokio::spawn(async move {
            while let Some(order) = orders.recv().await {
                let _ = order.reply.send(Ok(Reply::Done));
            }
        });
        let fault = Owner::find(&desk, "Ben").await.unwrap_err();
        assert_eq!(fault.code, "answer-unexpected");
    }
}
