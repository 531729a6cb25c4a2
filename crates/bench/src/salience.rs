//! Finding the rules that an event wakes, and moving their event expressions.

mod compiling;
mod events;
mod partial;
mod selecting;
mod sharing;

use clap::ValueEnum;
use serde_json::Value;

use crate::{figure::Figure, peer};

/// What holds memory that is measured.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Held {
    /// Partial matches, a million of them.
    PartialMatches,
    /// Rules with the same pattern, each ruleset with its own.
    PatternsApart,
    /// Rules with the same pattern, which they share.
    PatternsShared,
    /// PENs that share ten rulesets.
    Pens,
    /// PENs that share ten rulesets, and of which each waits for a second event.
    PensWaiting,
}

impl Held {
    /// The bytes for each of them.
    pub(crate) fn bytes(self) -> f64 {
        match self {
            Self::PartialMatches => partial::bytes(),
            Self::PatternsApart => sharing::patterns_apart(),
            Self::PatternsShared => sharing::patterns_shared(),
            Self::Pens => sharing::pens(false),
            Self::PensWaiting => sharing::pens(true),
        }
    }
}

/// Measures all of it.
pub(crate) fn measure(tell: &mut impl FnMut(Figure)) {
    sharing::measure().into_iter().for_each(&mut *tell);
    partial::measure().into_iter().for_each(&mut *tell);
    let peer = peer::select_when();
    selecting::measure(&peer).into_iter().for_each(&mut *tell);
    compiling::measure(&peer).into_iter().for_each(tell);
}

/// A figure of the peer.
fn of_peer(peer: &Value, name: &str) -> Option<f64> {
    peer.get(name)?.as_f64()
}
