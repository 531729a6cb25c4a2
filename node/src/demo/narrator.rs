//! Tells the story as it happens, from the nodes' journals.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use stratus_api::shape::{Effect, Journal, JournalEntry, Pen, Run};
use tokio::{sync::mpsc, task::JoinSet};

use super::{cast::Player, stage::Stage};

/// Lines that wait to be printed, at most.
const LINES_WAITING_MAX: usize = 1_000;
/// A journal is asked for news with this patience.
const NEWS_WAIT_MS: u64 = 2_000;

/// One line of the story.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    /// When.
    pub(crate) at: String,
    /// On which node.
    pub(crate) node: String,
    /// What happened there.
    pub(crate) event: String,
    /// The rule that it woke.
    pub(crate) rule: String,
    /// What the rule did.
    pub(crate) did: String,
}

/// Follows all journals until it is dropped.
pub(crate) struct Narrator {
    lines: mpsc::Receiver<Line>,
    followers: JoinSet<()>,
}

impl Narrator {
    /// Begins to follow: what happened before is not told.
    pub(crate) async fn begin(stage: &Stage) -> Self {
        let (sender, lines) = mpsc::channel(LINES_WAITING_MAX);
        let names = Arc::new(names(stage).await);
        let mut followers = JoinSet::new();
        for player in stage.players() {
            // Held weakly, so that the stage alone decides when a node is stopped.
            let after = newest(player).await;
            let player = Arc::downgrade(player);
            let (sender, names) = (sender.clone(), Arc::clone(&names));
            followers.spawn(async move {
                let mut after = after;
                while let Some(player) = player.upgrade() {
                    after = follow(&player, after, &names, &sender).await;
                }
            });
        }
        Self { lines, followers }
    }

    /// The next line.
    pub(crate) async fn next(&mut self) -> Option<Line> {
        self.lines.recv().await
    }

    /// Stops to follow; the nodes can be stopped then.
    pub(crate) async fn end(mut self) {
        self.followers.shutdown().await;
    }
}

/// What people call the channels and phones that stand in the journals.
async fn names(stage: &Stage) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for ta in &stage.assistants {
        names.insert(ta.phone.clone(), format!("{}'s phone", ta.name));
    }
    for player in stage.players() {
        if let Ok(pen) = player.read::<Pen>("pen").await {
            let partners = pen.subscriptions.into_iter();
            names.extend(partners.filter_map(|partner| Some((partner.tx?, partner.name))));
        }
    }
    names
}

/// The last position of a journal; none if it is empty.
async fn newest(player: &Player) -> Option<u64> {
    let mut last = None;
    loop {
        let page = player.read::<Journal>(&page_after(last, "limit=500")).await;
        match page {
            Ok(page) if !page.entries.is_empty() => last = page.next,
            Ok(_) | Err(_) => return last,
        }
    }
}

async fn follow(
    player: &Player,
    after: Option<u64>,
    names: &BTreeMap<String, String>,
    lines: &mpsc::Sender<Line>,
) -> Option<u64> {
    let news = format!("limit=100&settled=true&wait_ms={NEWS_WAIT_MS}");
    let Ok(page) = player.read::<Journal>(&page_after(after, &news)).await else {
        return after;
    };
    for line in page
        .entries
        .iter()
        .flat_map(|entry| tell(&player.name, entry, names))
    {
        // Where nobody listens any more, the narrator ends its followers.
        let _ = lines.send(line).await;
    }
    page.next.or(after)
}

fn page_after(after: Option<u64>, wanted: &str) -> String {
    let after = after.map_or(String::new(), |after| format!("after={after}&"));
    format!("journal?{after}{wanted}")
}

/// One line for each rule that the event woke.
fn tell(node: &str, entry: &JournalEntry, names: &BTreeMap<String, String>) -> Vec<Line> {
    let runs = entry.outcome.iter().flat_map(|outcome| &outcome.runs);
    let told = runs.map(|run| Line {
        at: entry.at.get(11..23).unwrap_or(&entry.at).to_owned(),
        node: node.to_owned(),
        event: format!("{}:{}", run.event.domain, run.event.r#type),
        rule: run.rule.clone(),
        did: did(run, names),
    });
    told.collect()
}

fn did(run: &Run, names: &BTreeMap<String, String>) -> String {
    let mut did: Vec<String> = run
        .effects
        .iter()
        .map(|effect| wanted(effect, names))
        .collect();
    if let Some(failure) = &run.failure {
        did.push(format!("failed: {}", failure.detail));
    }
    if did.is_empty() {
        return if run.end == "fired" {
            "fired"
        } else {
            "did not fire"
        }
        .to_owned();
    }
    did.join("; ")
}

fn wanted(effect: &Effect, names: &BTreeMap<String, String>) -> String {
    let called = |address: &str| {
        names
            .get(address)
            .map_or(address, String::as_str)
            .to_owned()
    };
    let text = |object: &stratus_api::shape::Object, name: &str| {
        object
            .get(name)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    match effect {
        Effect::Act { arguments, .. } => {
            let to = text(arguments, "to");
            format!("texts {}: {}", called(&to), text(arguments, "body"))
        }
        Effect::Send {
            to, domain, r#type, ..
        } => {
            format!("sends {domain}:{} to {}", r#type, called(to))
        }
    }
}
