//! The commands, one file each.

mod account;
mod backup;
mod calendar;
mod channel;
mod demo;
mod event;
mod invite;
mod journal;
mod krl;
mod pair;
mod query;
mod ruleset;
mod status;
mod subscription;
mod token;
mod transfer;
mod up;
mod why;

use clap::Subcommand;

use crate::{data::DataDirectory, exit::Failure};

/// What the owner can have done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the node
    Up(up::Up),
    /// Show the running node
    Status(status::Status),
    /// Make an invite: a link that makes somebody's PEN and yours subscribers
    Invite(invite::Invite),
    /// Withdraw an invite that has not been used
    Withdraw(invite::Withdraw),
    /// Use an invite that you were given
    Pair(pair::Pair),
    /// List subscriptions
    Subscriptions(subscription::Subscriptions),
    /// End a subscription, at once
    Unsubscribe(subscription::Unsubscribe),
    /// Install, list and remove rulesets
    #[command(subcommand)]
    Ruleset(ruleset::Ruleset),
    /// Make, list, change and delete channels
    #[command(subcommand)]
    Channel(channel::Channel),
    /// Make accounts for other people on this node
    #[command(subcommand)]
    Account(account::Account),
    /// Make tokens by which programs use the API
    #[command(subcommand)]
    Token(token::Token),
    /// Raise events
    #[command(subcommand)]
    Event(event::Event),
    /// Ask a ruleset
    Query(query::Query),
    /// Show what happened, and what the rules did about it
    Journal(journal::Journal),
    /// Show why an event did what it did, or why a rule did nothing about it
    Why(why::Why),
    /// Copy all of the node into one file, while it runs or not
    Backup(backup::Backup),
    /// Check that a backup, or the store itself, is whole
    Verify(backup::Verify),
    /// Make a data directory of a backup
    Restore(backup::Restore),
    /// Put one PEN into one file, sealed by a passphrase; with --move it leaves this node
    Export(transfer::Export),
    /// Bring a PEN in that was exported elsewhere
    Import(transfer::Import),
    /// Bring a calendar into the PEN
    #[command(subcommand)]
    Calendar(calendar::Calendar),
    /// Play a story between nodes on this machine
    #[command(subcommand)]
    Demo(demo::Demo),
    /// Work with KRL files; needs no node
    #[command(subcommand)]
    Krl(krl::Krl),
}

impl Verb {
    /// Does it.
    pub(crate) async fn run(self, data: DataDirectory) -> Result<(), Failure> {
        match self {
            Self::Up(up) => up.run(data).await,
            Self::Status(status) => status.run(&data).await,
            Self::Invite(invite) => invite.run(&data).await,
            Self::Withdraw(withdraw) => withdraw.run(&data).await,
            Self::Pair(pair) => pair.run(&data).await,
            Self::Subscriptions(subscriptions) => subscriptions.run(&data).await,
            Self::Unsubscribe(unsubscribe) => unsubscribe.run(&data).await,
            Self::Ruleset(ruleset) => ruleset.run(&data).await,
            Self::Channel(channel) => channel.run(&data).await,
            Self::Account(account) => account.run(&data).await,
            Self::Token(token) => token.run(&data).await,
            Self::Event(event) => event.run(&data).await,
            Self::Query(query) => query.run(&data).await,
            Self::Journal(journal) => journal.run(&data).await,
            Self::Why(why) => why.run(&data).await,
            Self::Backup(backup) => backup.run(&data).await,
            Self::Verify(verify) => verify.run(&data),
            Self::Restore(restore) => restore.run(&data),
            Self::Export(export) => export.run(&data),
            Self::Import(import) => import.run(&data),
            Self::Calendar(calendar) => calendar.run(&data).await,
            Self::Demo(demo) => demo.run().await,
            Self::Krl(krl) => krl.run(),
        }
    }

    /// How much the command tells on stderr if nothing is said about it.
    pub(crate) fn log_level(&self) -> &'static str {
        match self {
            Self::Up(_) => "info",
            _ => "warn",
        }
    }
}
