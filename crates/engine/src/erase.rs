//! What [`crate::Output::Erase`] asks, of a disk that is an image in memory.

use std::collections::BTreeSet;

use stratus_event::{Eci, PenId};

use crate::{Image, Key};

/// Takes out all that there is of a PEN and its descendants, but not its tombstone.
pub fn erase(image: &mut Image, pen: PenId) {
    let mut doomed = BTreeSet::from([pen]);
    let mut open = vec![pen];
    while let Some(parent) = open.pop() {
        let children = image.keys().filter_map(|key| match key {
            Key::Child(above, child) if *above == parent => Some(*child),
            _ => None,
        });
        let new: Vec<PenId> = children.filter(|child| !doomed.contains(child)).collect();
        doomed.extend(&new);
        open.extend(new);
    }
    let is_doomed = |key: &Key| key.pen().is_some_and(|pen| doomed.contains(&pen));
    let channels = image.keys().filter_map(|key| match key {
        Key::Channel(_, eci) if is_doomed(key) => Some(*eci),
        _ => None,
    });
    let channels: BTreeSet<Eci> = channels.collect();
    image.retain(|key, _| match key {
        Key::Tombstone(_) => true,
        Key::Window(eci, _) => !channels.contains(eci),
        key => !is_doomed(key),
    });
}
