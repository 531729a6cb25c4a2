//! Finding the rules that an event wakes, and moving their event expressions.

mod compiling;
mod events;
mod partial;
mod selecting;
mod sharing;

use serde_json::Value;

use crate::{figure::Figure, peer};

/// Measures all of it. What holds memory comes first, so that nothing freed before is used again.
pub(crate) fn measure(tell: &mut impl FnMut(Figure)) {
    tell(sharing::pen_bytes());
    tell(sharing::pattern_bytes());
    partial::measure().into_iter().for_each(&mut *tell);
    let peer = peer::select_when();
    selecting::measure(&peer).into_iter().for_each(&mut *tell);
    compiling::measure(&peer).into_iter().for_each(tell);
}

/// A figure of the peer.
fn of_peer(peer: &Value, name: &str) -> Option<f64> {
    peer.get(name)?.as_f64()
}
