//! `stratus subscriptions`, `stratus unsubscribe`

use clap::Args;
use stratus_api::shape;
use stratus_event::{Fault, Whose};

use crate::{client::Client, data::DataDirectory, exit::Failure, render};

/// List subscriptions
#[derive(Debug, Args)]
pub(crate) struct Subscriptions {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Subscriptions {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let subscriptions = Client::open(data)?.pen().await?.subscriptions;
        if self.json {
            return render::json(&subscriptions);
        }
        let rows: Vec<_> = subscriptions.iter().map(row).collect();
        let heading = ["name", "state", "they are", "you are", "waiting", "id"];
        render::table(
            heading,
            &rows,
            "There are no subscriptions. Begin with `stratus invite`.",
        )
    }
}

/// End a subscription, at once
#[derive(Debug, Args)]
pub(crate) struct Unsubscribe {
    /// The subscription's id or the beginning of it, or the partner's name
    which: String,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Unsubscribe {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let client = Client::open(data)?;
        let pen = client.pen().await?;
        let found = find(&pen.subscriptions, &self.which)?;
        let what = format!(
            "{} will not be able to send you events any more, nor you to {}.",
            found.name, found.name
        );
        render::confirm(&what, self.yes)?;
        client
            .delete(&format!("/subscriptions/{}", found.id))
            .await?;
        render::talk(format_args!(
            "The subscription with {} has ended.",
            found.name
        ));
        Ok(())
    }
}

fn row(subscription: &shape::Subscription) -> [String; 6] {
    let waiting = match &subscription.waiting_since {
        Some(since) => format!("{} since {since}", subscription.waiting),
        None => subscription.waiting.to_string(),
    };
    [
        subscription.name.clone(),
        subscription.state.clone(),
        subscription.role_theirs.clone(),
        subscription.role_mine.clone(),
        waiting,
        subscription.id.clone(),
    ]
}

/// The one that is meant, among those that have not ended.
fn find<'a>(
    subscriptions: &'a [shape::Subscription],
    which: &str,
) -> Result<&'a shape::Subscription, Fault> {
    let meant = |one: &&shape::Subscription| one.id.starts_with(which) || one.name == which;
    let mut found = subscriptions
        .iter()
        .filter(|one| one.state != "ended")
        .filter(meant);
    let hint = "run `stratus subscriptions` to see names and ids";
    match (found.next(), found.next()) {
        (Some(one), None) if !which.is_empty() => Ok(one),
        (None, _) => {
            let message = format!("there is no subscription {which:?}");
            Err(Fault::new(Whose::Caller, "subscription-unknown", message).hint(hint))
        }
        _ => {
            let message = format!("{which:?} can mean more than one subscription");
            Err(Fault::new(Whose::Caller, "subscription-ambiguous", message).hint(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, name: &str, state: &str) -> shape::Subscription {
        let text = |text: &str| text.to_owned();
        shape::Subscription {
            id: text(id),
            name: text(name),
            state: text(state),
            role_mine: text("class"),
            role_theirs: text("ta"),
            node: text("12D3KooW"),
            rx: text("z6Mk"),
            tx: None,
            waiting: 0,
            waiting_since: None,
        }
    }

    fn check(which: &str, expected: Result<&str, &str>) {
        let subscriptions = [
            one("aa11", "Ann", "established"),
            one("aa22", "Ben", "pending"),
            one("bb33", "Ben", "ended"),
        ];
        let found = find(&subscriptions, which);
        let found = found
            .as_ref()
            .map(|one| one.id.as_str())
            .map_err(|fault| &*fault.code);
        assert_eq!(found, expected, "{which}");
    }

    #[test]
    fn a_subscription_is_found_by_name_or_id() {
        check("Ann", Ok("aa11"));
        check("aa2", Ok("aa22"));
        check("Ben", Ok("aa22"));
        check("bb33", Err("subscription-unknown"));
        check("aa", Err("subscription-ambiguous"));
        check("", Err("subscription-ambiguous"));
    }
}
