//! What the owner configured: `stratus.toml` in the data directory, under the command line's flags.

use std::{fmt, fs, io, net::SocketAddr, path::Path};

use serde::Deserialize;
use stratus_event::{Fault, Whose};

use crate::{
    data::{self, DataDirectory},
    exit::Failure,
    runtime::DISK_RESERVE_BYTES_MIN,
};

/// The configuration file. Every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Configuration {
    /// Where the API listens. Keep it on loopback unless something in front of it speaks TLS.
    pub api: Option<SocketAddr>,
    /// Multiaddresses to listen at for other nodes.
    pub listen: Option<Vec<String>>,
    /// Multiaddresses by which others reach this node though it cannot see them itself.
    #[serde(default)]
    pub announce: Vec<String>,
    /// What the owner's PEN is called; used at the first start.
    pub name: Option<String>,
    /// Where the world reaches the API, such as `https://node.example`. A service that calls a
    /// webhook signs the address that it was given, so this has to be the same.
    pub public_url: Option<String>,
    /// Answers what is not done under `/c` and `/sky` with status 200 and `{"error":…}`, as
    /// pico-engine does.
    #[serde(default)]
    pub legacy_errors_as_200: bool,
    /// As long as less than this is free on the disk of the store, no new event is taken. In
    /// bytes.
    pub disk_reserve_bytes_min: Option<u64>,
    /// Entries of journals that are older are dropped, in days.
    pub journal_days_max: Option<u32>,
    /// Of each PEN's journal, the oldest entries are dropped that do not fit into so many bytes.
    pub journal_bytes_max: Option<u64>,
    /// The account by which texts are sent and received.
    pub twilio: Option<TwilioAccount>,
}

/// An account at Twilio, or at a service that speaks its API.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct TwilioAccount {
    /// `AC…`
    pub account_sid: String,
    /// Secret: with it texts are sent, and webhooks are checked.
    pub auth_token: String,
    /// The number that texts come from (E.164).
    pub from: String,
    /// Where the API is; Twilio's own if it is not said.
    pub base_url: Option<String>,
}

impl Configuration {
    /// Reads the file of a data directory; without a file everything is as usual.
    pub(crate) fn read(data: &DataDirectory) -> Result<Self, Failure> {
        let path = data.configuration();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(Failure::caused(wrong(&path, "it cannot be read"), &e)),
        };
        let configuration = Self::parse(&text).map_err(|message| wrong(&path, &message))?;
        if configuration.twilio.is_some() && data::is_open_to_others(&path) {
            let path = path.display();
            tracing::warn!(
                "{path} holds secrets and can be read by others: run `chmod 600 {path}`"
            );
        }
        Ok(configuration)
    }

    /// What has to be free on the disk for new events to be taken.
    pub(crate) fn disk_reserve_bytes_min(&self) -> u64 {
        self.disk_reserve_bytes_min
            .unwrap_or(DISK_RESERVE_BYTES_MIN)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
        check_keys(&table, "", &KEYS)?;
        if let Some(toml::Value::Table(twilio)) = table.get("twilio") {
            check_keys(twilio, "twilio.", &TWILIO_KEYS)?;
        }
        let mut configuration: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        if let Some(url) = &mut configuration.public_url {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(format!("public_url is {url:?}, which is no http address"));
            }
            url.truncate(url.trim_end_matches('/').len());
        }
        Ok(configuration)
    }
}

impl fmt::Debug for TwilioAccount {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioAccount")
            .field("account_sid", &self.account_sid)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

fn wrong(path: &Path, message: &str) -> Fault {
    let message = format!("{}: {}", path.display(), message.trim_end());
    Fault::new(Whose::Caller, "configuration-wrong", message)
}

fn check_keys(table: &toml::Table, prefix: &str, known: &[&str]) -> Result<(), String> {
    let Some(unknown) = table.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    Err(match nearest(unknown, known) {
        Some(near) => format!("there is no key {prefix}{unknown}; did you mean {prefix}{near}?"),
        None => format!(
            "there is no key {prefix}{unknown}; there are {}",
            known.join(", ")
        ),
    })
}

/// The known word that is most like the given one, if one is like it.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distances = known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate));
    let close = |(distance, candidate): &(usize, &str)| *distance * 2 <= candidate.len();
    distances
        .filter(close)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many characters have to be put in, taken out or changed (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (above, a) in from.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to.chars()) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

const KEYS: [&str; 10] = [
    "api",
    "listen",
    "announce",
    "name",
    "public_url",
    "legacy_errors_as_200",
    "disk_reserve_bytes_min",
    "journal_days_max",
    "journal_bytes_max",
    "twilio",
];

const TWILIO_KEYS: [&str; 4] = ["account_sid", "auth_token", "from", "base_url"];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let message = Configuration::parse(text).unwrap_err();
        assert!(message.contains(expected), "{text}: {message}");
    }

    #[test]
    fn everything_may_be_left_out() {
        assert_eq!(Configuration::parse("").unwrap(), Configuration::default());
    }

    #[test]
    fn everything_may_be_said() {
        let text = r#"
            api = "127.0.0.1:4900"
            listen = ["/ip4/127.0.0.1/tcp/0"]
            announce = ["/ip4/192.0.2.1/tcp/4810"]
            name = "Ann"
            public_url = "https://node.example/"
            legacy_errors_as_200 = true
            disk_reserve_bytes_min = 1000000
            journal_days_max = 30
            journal_bytes_max = 1000000
            [twilio]
            account_sid = "AC1"
            auth_token = "secret"
            from = "+15550100"
            base_url = "http://127.0.0.1:9"
        "#;
        let configuration = Configuration::parse(text).unwrap();
        assert_eq!(
            configuration.public_url.as_deref(),
            Some("https://node.example")
        );
        assert!(!format!("{configuration:?}").contains("secret"));
    }

    #[test]
    fn what_is_wrong_is_named_and_the_nearest_key_too() {
        check("lisen = []", "did you mean listen?");
        check("[twilio]\nauth_tokn = 1", "did you mean twilio.auth_token?");
        check("colour = 1", "there are api, listen");
        check("api = 4800", "api");
        check("api = ", "line 1");
        check("public_url = \"node.example\"", "no http address");
        check("[twilio]\nfrom = \"+1\"", "account_sid");
    }

    #[test]
    fn distances() {
        for (from, to, expected) in [("", "abc", 3), ("lisen", "listen", 1), ("abc", "abd", 1)] {
            assert_eq!(distance(from, to), expected, "{from} {to}");
            assert_eq!(distance(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn a_wrong_file_is_the_caller_s_fault() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::locate(Some(folder.path().into())).unwrap();
        assert_eq!(
            Configuration::read(&data).unwrap(),
            Configuration::default()
        );
        fs::write(data.configuration(), "lisen = []").unwrap();
        let Err(Failure::Fault(fault, _)) = Configuration::read(&data) else {
            panic!("taken")
        };
        assert_eq!(fault.code, "configuration-wrong");
    }
}
