//! The on-call dispatch, played between four real nodes on this machine.
//!
//! One class and three teaching assistants, each a process with its own data directory; a text
//! service on loopback plays the phones. Nothing is faked but the people: the nodes pair by
//! invites, federate over libp2p, and send texts with the HTTP client that they would use for
//! Twilio.

mod cast;
mod narrator;
mod phones;
mod stage;
mod story;

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;
use stratus_event::{Fault, Whose};

pub(crate) use self::{
    cast::CrashPoint,
    narrator::Line,
    story::{Ending, Played},
};
use self::{narrator::Narrator, stage::Stage};

/// What is played, and what goes wrong in it.
#[derive(Clone, Debug)]
pub(crate) struct Programme {
    /// The endings, in the order of [`Ending::ALL`].
    pub(crate) endings: Vec<Ending>,
    /// The folder of the nodes' data directories.
    pub(crate) folder: PathBuf,
    /// Where which node is killed, one point after the other.
    pub(crate) kills: BTreeMap<String, Vec<CrashPoint>>,
}

/// What was played.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Every ending, as it was seen.
    pub(crate) endings: Vec<Played>,
    /// Where which node was killed.
    pub(crate) kills: BTreeMap<String, Vec<CrashPoint>>,
    /// The story, line by line.
    pub(crate) lines: Vec<Line>,
}

impl Report {
    /// Whether all endings came as they should.
    pub(crate) fn all_seen(&self) -> bool {
        self.endings.iter().all(|seen| seen.seen)
    }
}

/// Something to tell while the story is being played.
#[derive(Clone, Debug)]
pub(crate) enum Telling {
    /// An ending begins.
    Begins(Ending),
    /// An ending was played.
    Ended(Played),
    /// Something happened on a node.
    Happened(Line),
    /// The nodes are up and paired.
    Ready,
}

/// Plays the story, and tells it as it happens.
pub(crate) async fn play(
    programme: Programme,
    mut tell: impl FnMut(Telling),
) -> Result<Report, Fault> {
    let stage = Stage::set_up(&programme.folder).await?;
    arm(&stage, &programme.kills).await?;
    tell(Telling::Ready);
    let mut narrator = Narrator::begin(&stage).await;
    let mut report = Report {
        endings: Vec::new(),
        kills: BTreeMap::new(),
        lines: Vec::new(),
    };
    for ending in programme.endings {
        tell(Telling::Begins(ending));
        let mut happened = |line: Line| {
            report.lines.push(line.clone());
            tell(Telling::Happened(line));
        };
        let seen = narrate(&mut narrator, ending.play(&stage), &mut happened).await?;
        tell(Telling::Ended(seen.clone()));
        report.endings.push(seen);
    }
    for player in stage.players() {
        report.kills.insert(player.name.clone(), player.deaths());
    }
    narrator.end().await;
    stage.clear().await;
    Ok(report)
}

/// Passes on what happens until the ending has been played and nothing more comes.
async fn narrate(
    narrator: &mut Narrator,
    ending: impl Future<Output = Result<Played, Fault>>,
    happened: &mut impl FnMut(Line),
) -> Result<Played, Fault> {
    let mut ending = std::pin::pin!(ending);
    loop {
        tokio::select! {
            seen = &mut ending => return seen,
            line = narrator.next() => if let Some(line) = line { happened(line) },
        }
    }
}

async fn arm(stage: &Stage, kills: &BTreeMap<String, Vec<CrashPoint>>) -> Result<(), Fault> {
    for (name, points) in kills {
        let player = stage.players().find(|player| player.name == *name);
        let player = player.ok_or_else(|| {
            let message = format!("nobody in the story is called {name}");
            Fault::new(Whose::Caller, "demo-node-unknown", message)
                .hint("the nodes are class, anna, ben and cleo")
        })?;
        player.arm(points.clone()).await?;
    }
    Ok(())
}
