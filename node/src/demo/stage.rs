//! The class, its assistants, and what they have in common: subscriptions, calendars, phones.

use std::{path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use stratus_api::shape;
use stratus_event::Fault;

use super::{
    cast::Player,
    phones::{Phones, Text},
};

const CALENDAR: &str = include_str!("../../rulesets/calendar.krl");
const DISPATCHER: &str = include_str!("../../rulesets/dispatcher.krl");
const NOTIFY: &str = include_str!("../../rulesets/notify.krl");
const ON_CALL: &str = include_str!("../../rulesets/on-call.krl");

/// How long a step of the story may take before it has failed.
pub(crate) const STEP_WAIT: Duration = Duration::from_secs(30);

/// Everybody, ready to play.
pub(crate) struct Stage {
    /// The outside world.
    pub(crate) phones: Phones,
    /// The node of the class.
    pub(crate) class: Arc<Player>,
    /// Where texts to the class come in.
    pub(crate) class_hook: String,
    /// The three teaching assistants.
    pub(crate) assistants: Vec<Assistant>,
}

/// A teaching assistant: her node and her phone.
pub(crate) struct Assistant {
    /// Her node.
    pub(crate) player: Arc<Player>,
    /// What the class calls her.
    pub(crate) name: &'static str,
    /// The number of her phone.
    pub(crate) phone: String,
    /// Where texts to her PEN come in.
    pub(crate) hook: String,
    /// Her subscription to the class.
    pub(crate) subscription: String,
}

impl Stage {
    /// Starts the four nodes, installs the rulesets, and pairs each assistant with the class.
    pub(crate) async fn set_up(folder: &Path) -> Result<Self, Fault> {
        let phones = Phones::start().await.map_err(|error| {
            let message = format!("the phones cannot be played: {error}");
            Fault::new(stratus_event::Whose::World, "demo-failed", message)
        })?;
        let url = phones.url();
        let (class, anna, ben, cleo) = tokio::try_join!(
            Player::start(folder, "class", "+15550100", &url),
            Player::start(folder, "anna", "+15550101", &url),
            Player::start(folder, "ben", "+15550102", &url),
            Player::start(folder, "cleo", "+15550103", &url),
        )?;
        let class_hook = dress(&class, &[DISPATCHER]).await?;
        let mut assistants = Vec::new();
        for (player, name) in [(anna, "Anna"), (ben, "Ben"), (cleo, "Cleo")] {
            assistants.push(Assistant::join(player, name, &class).await?);
        }
        Ok(Self {
            phones,
            class: Arc::new(class),
            class_hook,
            assistants,
        })
    }

    /// All nodes.
    pub(crate) fn players(&self) -> impl Iterator<Item = &Arc<Player>> {
        std::iter::once(&self.class).chain(self.assistants.iter().map(|ta| &ta.player))
    }

    /// Gives everybody a calendar in which only these are on call now.
    pub(crate) async fn put_on_call(&self, names: &[&str]) -> Result<(), Fault> {
        for ta in &self.assistants {
            let ics = calendar(Utc::now(), names.contains(&ta.name));
            let events = stratus_connector::calendar::read(&ics, "UTC")?;
            let events: Vec<_> = events.iter().map(stratus_api::to_json).collect();
            ta.player
                .raise("calendar", "loaded", object(json!({ "events": events })))
                .await?;
        }
        Ok(())
    }

    /// Says how long the class waits for an answer.
    pub(crate) async fn be_patient(&self, seconds: u64) -> Result<(), Fault> {
        let patience = object(json!({ "patience_s": seconds.to_string() }));
        self.class.raise("dispatcher", "configured", patience).await
    }

    /// Ends an assistant's subscription, from her side, unless it has ended.
    pub(crate) async fn unsubscribe(&self, name: &str) -> Result<(), Fault> {
        for ta in self.assistants.iter().filter(|ta| ta.name == name) {
            ta.unsubscribe().await?;
        }
        Ok(())
    }

    /// A student texts the class.
    pub(crate) async fn ask(&self, student: &str, message: &str) -> Result<(), Fault> {
        let sid = format!("SMstudent{student}");
        self.class
            .receive_text(&self.class_hook, student, message, &sid)
            .await
    }

    /// The next text to that number, of those after the first `after` of all.
    pub(crate) async fn text_to(
        &self,
        number: &str,
        after: usize,
        fits: impl Fn(&Text) -> bool,
    ) -> Option<Text> {
        self.phones.wait_for(number, after, STEP_WAIT, fits).await
    }

    /// Stops all nodes.
    pub(crate) async fn clear(self) {
        let players = std::iter::once(self.class)
            .chain(self.assistants.into_iter().map(|ta| ta.player))
            .filter_map(Arc::into_inner);
        futures::future::join_all(players.map(Player::stop)).await;
    }
}

impl Assistant {
    /// Dresses an assistant's node and pairs it with the class by an invite.
    async fn join(player: Player, name: &'static str, class: &Player) -> Result<Self, Fault> {
        let hook = dress(&player, &[CALENDAR, ON_CALL, NOTIFY]).await?;
        let phone = player.number.replace("+1555", "+1801");
        player
            .raise("profile", "updated", object(json!({ "phone": phone })))
            .await?;
        let invite = shape::MakeInvite {
            name: name.to_owned(),
            role_mine: "class".to_owned(),
            role_theirs: "ta".to_owned(),
            offered: vec!["schedule:response".to_owned()],
            wanted: vec!["schedule:inquiry".to_owned(), "schedule:taken".to_owned()],
            expires_s: 600,
            uses: 1,
        };
        let invited: shape::Invited = class.post("invites", &invite).await?;
        let pair = shape::Pair {
            link: invited.link,
            name: Some("CS 462".to_owned()),
            wait_ms: 20_000,
        };
        let paired: shape::Paired = player.post("pairings", &pair).await?;
        Ok(Self {
            player: Arc::new(player),
            name,
            phone,
            hook,
            subscription: paired.subscription,
        })
    }

    /// Her node may be killed after it did so and before it says so; then it is asked again.
    async fn unsubscribe(&self) -> Result<(), Fault> {
        let path = format!("subscriptions/{}", self.subscription);
        match self.player.delete(&path).await {
            Err(fault) if self.is_subscribed().await? => Err(fault),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    async fn is_subscribed(&self) -> Result<bool, Fault> {
        let pen: shape::Pen = self.player.read("pen").await?;
        Ok(pen
            .subscriptions
            .iter()
            .any(|it| it.id == self.subscription && it.state != "ended"))
    }

    /// She reads a text that asks her for a reply, and replies.
    pub(crate) async fn reply_to(&self, text: &Text) -> Result<(), Fault> {
        let code = text
            .body
            .split("Reply ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let sid = format!("{}reply{}", text.sid, self.name);
        self.player
            .receive_text(&self.hook, &self.phone, code.unwrap_or("?"), &sid)
            .await
    }
}

/// Installs rulesets and opens the channel by which texts come in.
async fn dress(player: &Player, rulesets: &[&str]) -> Result<String, Fault> {
    for source in rulesets {
        let install = shape::Install {
            source: Some((*source).to_owned()),
            ..shape::Install::default()
        };
        player
            .post::<shape::Installed>("rulesets", &install)
            .await?;
    }
    let channel = shape::MakeChannel {
        tags: vec!["phone".to_owned()],
        events: vec!["twilio:sms".to_owned()],
        ..shape::MakeChannel::default()
    };
    player
        .post::<shape::Channel>("channels", &channel)
        .await
        .map(|channel| channel.eci)
}

/// A calendar as a person would export it: an entry of two hours around now, every day for the
/// last month, which is on-call duty or a lecture.
fn calendar(now: DateTime<Utc>, on_call: bool) -> String {
    let first = now - TimeDelta::days(30) - TimeDelta::hours(1);
    let start = first.format("%Y%m%dT%H%M%SZ");
    let (summary, category) = if on_call {
        ("On call", "ON-CALL")
    } else {
        ("Lecture", "COURSE")
    };
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Stratus//demo//EN\r\nBEGIN:VEVENT\r\n\
         UID:duty@demo\r\nDTSTAMP:{start}\r\nDTSTART:{start}\r\nDURATION:PT2H\r\n\
         RRULE:FREQ=DAILY\r\nSUMMARY:{summary}\r\nCATEGORIES:{category}\r\nEND:VEVENT\r\n\
         END:VCALENDAR\r\n"
    )
}

fn object(value: serde_json::Value) -> shape::Object {
    match value {
        serde_json::Value::Object(object) => object,
        _ => shape::Object::new(),
    }
}
