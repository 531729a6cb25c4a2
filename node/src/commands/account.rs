//! `stratus account`

use std::{
    io::{self, BufRead as _, IsTerminal as _},
    os::fd::AsFd as _,
};

use clap::{Args, Subcommand};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use stratus_api::shape;

use crate::{
    client::{Client, encoded},
    data::DataDirectory,
    exit::Failure,
    render,
};

/// Make accounts for other people on this node
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Make an account with a PEN of its own
    Create(Create),
    /// List the accounts
    List(List),
    /// Set an account's password; whoever is logged in has to do it again
    Password(Password),
    /// Make a link that logs its first user in
    Link(Link),
    /// Take an account out; nobody can log in by it any more
    Remove(Remove),
}

impl Account {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(data).await,
            Self::List(list) => list.run(data).await,
            Self::Password(password) => password.run(data).await,
            Self::Link(link) => link.run(data).await,
            Self::Remove(remove) => remove.run(data).await,
        }
    }
}

/// Make an account with a PEN of its own
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  stratus account create ben && stratus account link ben")]
pub(crate) struct Create {
    /// What it is called
    name: String,

    /// Ask for a password, or read it from standard input; without one it is entered by a link
    #[arg(long)]
    password: bool,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Create {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        let wish = shape::MakeAccount {
            name: self.name,
            password: self.password.then(read_password).transpose()?,
        };
        let account: shape::Account = client.post("/accounts", &wish).await?;
        if self.json {
            return render::json(&account);
        }
        render::line(format_args!("{} has the PEN {}", account.name, account.pen))
    }
}

/// List the accounts
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl List {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let accounts = all(&Client::open(data)?).await?;
        if self.json {
            return render::json(&accounts);
        }
        let rows: Vec<_> = accounts.iter().map(row).collect();
        let heading = ["account", "PEN", "since", "password"];
        render::table(heading, &rows, "There are no accounts.")
    }
}

/// Set an account's password; whoever is logged in has to do it again
#[derive(Debug, Args)]
pub(crate) struct Password {
    /// Which account; your own is called operator
    name: String,
}

impl Password {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        let wish = shape::SetPassword {
            password: read_password()?,
            old: None,
        };
        let path = format!("/accounts/{}/password", encoded(&self.name));
        client.put(&path, &wish).await?;
        render::talk("The password is set, and sessions have ended.");
        Ok(())
    }
}

/// Make a link that logs its first user in
#[derive(Debug, Args)]
pub(crate) struct Link {
    /// Which account; your own is called operator
    name: String,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Link {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let path = format!("/accounts/{}/links", encoded(&self.name));
        let link: shape::Link = Client::open(data)?.post(&path, &()).await?;
        if self.json {
            return render::json(&link);
        }
        render::talk(format_args!(
            "Whoever opens it first is logged in, until {}.",
            link.expires
        ));
        render::line(&link.url)
    }
}

/// Take an account out; nobody can log in by it any more
///
/// Its PEN stays on this node and goes on working, and nobody owns it.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Which account
    name: String,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Remove {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        let what = format!("Nobody will own the PEN of {} any more.", self.name);
        render::confirm(&what, self.yes)?;
        let path = format!("/accounts/{}", encoded(&self.name));
        client.delete(&path).await
    }
}

/// All accounts, page by page.
async fn all(client: &Client) -> Result<Vec<shape::Account>, Failure> {
    let (mut all, mut path) = (Vec::new(), "/accounts".to_owned());
    loop {
        let page: shape::Accounts = client.get(&path).await?;
        all.extend(page.items);
        let Some(next) = page.next else {
            return Ok(all);
        };
        path = format!("/accounts?after={}", encoded(&next));
    }
}

fn row(account: &shape::Account) -> [String; 4] {
    let password = if account.has_password { "yes" } else { "no" };
    [
        account.name.clone(),
        account.pen.clone(),
        account.made.clone(),
        password.to_owned(),
    ]
}

/// A line of standard input; typed by a person it is not shown.
fn read_password() -> Result<String, Failure> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return read_line();
    }
    render::talk("The password (it is not shown):");
    let shown = tcgetattr(stdin.as_fd()).map_err(io::Error::from)?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    let set = |modes| tcsetattr(stdin.as_fd(), OptionalActions::Flush, modes);
    set(&hidden).map_err(io::Error::from)?;
    let password = read_line();
    set(&shown).map_err(io::Error::from)?;
    password
}

fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
