//! `stratus demo`

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Args, Subcommand};
use stratus_event::{Fault, Whose};

use crate::{
    demo::{self, CrashPoint, Ending, Line, Played, Programme, Telling},
    exit::Failure,
    render,
};

/// Play a story between nodes on this machine
#[derive(Debug, Subcommand)]
pub(crate) enum Demo {
    /// A student texts a class, and the assistants who are on call are asked
    OnCall(OnCall),
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::OnCall(on_call) => on_call.run().await,
        }
    }
}

/// A student texts a class, and the assistants who are on call are asked
///
/// Starts a class and three teaching assistants as nodes on this machine, pairs them by invites,
/// and plays the phones. It ends with 0 only if every ending came as it should.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  stratus demo on-call\n  stratus demo on-call --ending helped \
    --kill class=outcome:2 --kill anna=frame_sent:1"
)]
pub(crate) struct OnCall {
    /// Only this ending; may be repeated [default: all six]
    #[arg(long = "ending", value_name = "ENDING")]
    endings: Vec<Ending>,

    /// Kill a node (class, anna, ben or cleo) when it passes a boundary for the N-th time, and
    /// start it again; may be repeated. Boundaries: accepted, outcome, `request_sent`,
    /// `frame_sent`, ack
    #[arg(long = "kill", value_name = "NODE=BOUNDARY:N", value_parser = kill)]
    kills: Vec<(String, CrashPoint)>,

    /// Keep the nodes' data directories, and say where they are
    #[arg(long)]
    keep: bool,

    /// Print the story as JSON when it is over
    #[arg(long)]
    json: bool,
}

impl OnCall {
    async fn run(self) -> Result<(), Failure> {
        let folder = std::env::temp_dir().join(format!("stratus-demo-{}", std::process::id()));
        let programme = self.programme(folder.clone());
        let json = self.json;
        let result = demo::play(programme, |telling| tell(json, &telling)).await;
        let failed = !result.as_ref().is_ok_and(demo::Report::all_seen);
        if self.keep || failed {
            render::talk(format_args!(
                "The nodes' data and logs are in {}",
                folder.display()
            ));
        } else {
            std::fs::remove_dir_all(&folder)?;
        }
        let report = result?;
        if json {
            render::json(&report)?;
        }
        if failed {
            Err(unseen(&report.endings).into())
        } else {
            Ok(())
        }
    }

    fn programme(&self, folder: PathBuf) -> Programme {
        let wanted = |ending: &Ending| self.endings.is_empty() || self.endings.contains(ending);
        let endings = Ending::ALL.into_iter().filter(wanted).collect();
        let mut kills: BTreeMap<String, Vec<CrashPoint>> = BTreeMap::new();
        for (node, point) in &self.kills {
            kills.entry(node.clone()).or_default().push(point.clone());
        }
        Programme {
            endings,
            folder,
            kills,
        }
    }
}

/// Tells the story as it happens. Where it is wanted as data, it is told on the side.
fn tell(json: bool, telling: &Telling) {
    let text = match telling {
        Telling::Begins(ending) => format!("\n{}", ending.title()),
        Telling::Ended(seen) => ended(seen),
        Telling::Happened(line) => happened(line),
        Telling::Ready => "Four nodes are up and paired: class, anna, ben and cleo.".to_owned(),
    };
    if json {
        render::talk(text);
    } else {
        // Where nobody reads, the story is played all the same.
        let _ = render::line(text);
    }
}

fn happened(line: &Line) -> String {
    let Line {
        at,
        node,
        event,
        rule,
        did,
    } = line;
    format!("  {at}  {node:<5}  {event:<28}  {rule:<20}  {did}")
}

fn ended(seen: &Played) -> String {
    match (&seen.student_told, &seen.why_not) {
        (Some(told), _) => format!("  ✓ the student was told: {told} ({} ms)", seen.took_ms),
        (None, Some(why_not)) => format!("  ✗ {why_not}"),
        (None, None) => "  ✗ nothing was seen".to_owned(),
    }
}

fn unseen(endings: &[Played]) -> Fault {
    let missing: Vec<&str> = endings
        .iter()
        .filter(|seen| !seen.seen)
        .map(|seen| seen.ending.title())
        .collect();
    let message = format!("not as it should be: {}", missing.join("; "));
    Fault::new(Whose::Bug, "demo-ending-missed", message)
        .hint("the nodes' logs are beside their data, whose folder stands above")
}

/// Reads `class=outcome:2`.
fn kill(text: &str) -> Result<(String, CrashPoint), String> {
    let (node, point) = text.split_once('=').ok_or("write NODE=BOUNDARY:N")?;
    let known = ["class", "anna", "ben", "cleo"].contains(&node);
    let (_, count) = point.split_once(':').ok_or("write NODE=BOUNDARY:N")?;
    if !known || count.parse::<u64>().map_or(true, |count| count == 0) {
        return Err("the node is class, anna, ben or cleo, and N at least 1".to_owned());
    }
    Ok((node.to_owned(), point.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills() {
        let expected = Ok(("class".to_owned(), "outcome:2".to_owned()));
        assert_eq!(kill("class=outcome:2"), expected);
        for text in [
            "class",
            "class=outcome",
            "class=outcome:0",
            "dean=outcome:1",
            "=:",
        ] {
            assert!(kill(text).is_err(), "{text}");
        }
    }
}
