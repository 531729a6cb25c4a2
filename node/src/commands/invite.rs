//! `stratus invite`, `stratus withdraw`

use clap::Args;
use stratus_api::shape;

use crate::{client::Client, data::DataDirectory, exit, exit::Failure, render};

/// Make an invite: a link that makes somebody's PEN and yours subscribers
///
/// Whoever has the link can use it, so give it only to the one it is for.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  stratus invite Ann --role-mine class --role-theirs ta \
    --offered schedule:response --wanted schedule:inquiry --expires 1h"
)]
pub(crate) struct Invite {
    /// What the partner is called here
    name: String,

    /// The part that your PEN plays
    #[arg(long, value_name = "ROLE", default_value = "member")]
    role_mine: String,

    /// The part that the partner plays
    #[arg(long, value_name = "ROLE", default_value = "member")]
    role_theirs: String,

    /// An event that the partner may send to you; may be repeated
    #[arg(long, value_name = "DOMAIN:TYPE")]
    offered: Vec<String>,

    /// An event that the partner must let you send; may be repeated
    #[arg(long, value_name = "DOMAIN:TYPE")]
    wanted: Vec<String>,

    /// For how long it can be used: 90s, 15m, 2h, 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = seconds)]
    expires: u64,

    /// How many may use it
    #[arg(long, value_name = "N", default_value_t = 1)]
    uses: u32,

    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Invite {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        if self.offered.is_empty() && self.wanted.is_empty() {
            let message = "an invite that neither offers nor wants an event grants nothing";
            return Err(exit::usage(message)
                .hint("say --offered DOMAIN:TYPE, or --wanted DOMAIN:TYPE, or both"));
        }
        let json = self.json;
        let invited: shape::Invited = Client::open(data)?.post("/invites", &self.wish()).await?;
        if json {
            return render::json(&invited);
        }
        render::talk(format_args!("The invite says: {}", invited.sentence));
        render::talk("Give this link to your partner, and to nobody else. To use it:");
        render::talk(format_args!("  stratus pair {}", invited.link));
        render::talk(format_args!(
            "To withdraw it: stratus withdraw {}",
            invited.id
        ));
        render::line(&invited.link)
    }

    fn wish(self) -> shape::MakeInvite {
        shape::MakeInvite {
            name: self.name,
            role_mine: self.role_mine,
            role_theirs: self.role_theirs,
            offered: self.offered,
            wanted: self.wanted,
            expires_s: self.expires,
            uses: self.uses,
        }
    }
}

/// Withdraw an invite that has not been used
#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The invite's id, as `stratus status` shows it
    id: String,
}

impl Withdraw {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        Client::open(data)?
            .delete(&format!("/invites/{}", segment(&self.id)?))
            .await?;
        render::talk("The invite is withdrawn; its link is worth nothing any more.");
        Ok(())
    }
}

/// Reads a time like `15m` as seconds.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no time; write 90s, 15m, 2h or 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let digits = text.strip_suffix(unit).ok_or_else(wrong)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(wrong)
}

/// An identifier as a part of an address.
pub(super) fn segment(id: &str) -> Result<&str, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !id.is_empty() && id.chars().all(plain) && id.chars().any(|c| c != '.') {
        return Ok(id);
    }
    Err(exit::usage(format!("{id:?} is no identifier")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, expected) in [("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "1",
            "h",
            "-1h",
            "1w",
            "1é",
            "99999999999999999999d",
            "999999999999999999d",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn identifiers_are_plain() {
        assert!(segment("io.stratus.on-call").is_ok());
        for text in ["", "..", "a/b", "a b", "é", "a?b"] {
            assert!(segment(text).is_err(), "{text}");
        }
    }
}
