//! `stratus token`

use clap::{Args, Subcommand, ValueEnum};
use stratus_api::shape;

use crate::{
    client::{Client, encoded},
    data::DataDirectory,
    exit::{Failure, usage},
    render,
};

/// Make tokens by which programs use the API
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token; it is shown this once
    Create(Create),
    /// List tokens
    List(List),
    /// End a token, at once
    Revoke(Revoke),
}

impl Token {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(data).await,
            Self::List(list) => list.run(data).await,
            Self::Revoke(revoke) => revoke.run(data).await,
        }
    }
}

/// Make a token; it is shown this once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  stratus token create thermostat --scope event --days 365")]
pub(crate) struct Create {
    /// What it is called, such as the program that will use it
    name: String,

    /// What it permits; may be repeated
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<Scope>,

    /// For how many days it is good [default: 90]
    #[arg(long)]
    days: Option<u64>,

    /// Whose it is [default: your own]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// What a token permits.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scope {
    /// Raise events
    Event,
    /// Change everything else
    Manage,
    /// See everything, and ask queries
    Read,
}

impl Create {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let scopes = self.scopes.iter().map(|scope| scope.shape());
        let wish = shape::MakeToken {
            name: self.name,
            scopes: scopes.collect(),
            expires_s: self.days.map(seconds).transpose()?,
            account: self.account,
        };
        let token: shape::NewToken = Client::open(data)?.post("/tokens", &wish).await?;
        if self.json {
            return render::json(&token);
        }
        let (id, expires) = (&token.kept.id, &token.kept.expires);
        render::talk(format_args!(
            "Keep it safe, it is shown this once. Its id is {id}, it ends at {expires}."
        ));
        render::line(&token.token)
    }
}

impl Scope {
    fn shape(self) -> shape::Scope {
        match self {
            Self::Event => shape::Scope::Event,
            Self::Manage => shape::Scope::Manage,
            Self::Read => shape::Scope::Read,
        }
    }

    fn word(scope: shape::Scope) -> String {
        let word = match scope {
            shape::Scope::Event => "event",
            shape::Scope::Manage => "manage",
            shape::Scope::Read => "read",
        };
        word.to_owned()
    }
}

/// List tokens
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Whose [default: your own]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,

    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl List {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let path = format!("/tokens{}", of(self.account.as_deref()));
        let tokens: shape::KeptList = Client::open(data)?.get(&path).await?;
        if self.json {
            return render::json(&tokens.items);
        }
        let rows: Vec<_> = tokens.items.iter().map(row).collect();
        let heading = ["id", "name", "permits", "made", "ends"];
        render::table(heading, &rows, "There are no tokens.")
    }
}

/// End a token, at once
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its id, as `stratus token list` shows it
    id: String,

    /// Whose it is [default: your own]
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

impl Revoke {
    async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let account = of(self.account.as_deref());
        let path = format!("/tokens/{}{account}", encoded(&self.id));
        Client::open(data)?.delete(&path).await
    }
}

/// The part of an address that says whose.
fn of(account: Option<&str>) -> String {
    account.map_or_else(String::new, |name| format!("?account={}", encoded(name)))
}

fn seconds(days: u64) -> Result<u64, Failure> {
    let seconds = days.checked_mul(24 * 3600);
    seconds.ok_or_else(|| usage("--days is too large"))
}

fn row(token: &shape::Kept) -> [String; 5] {
    let scopes: Vec<_> = token
        .scopes
        .iter()
        .map(|scope| Scope::word(*scope))
        .collect();
    [
        token.id.clone(),
        token.name.clone(),
        render::words(&scopes),
        token.made.clone(),
        token.expires.clone(),
    ]
}
