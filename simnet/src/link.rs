//! Streams between nodes.

use std::collections::BTreeMap;

use stratus_event::Timestamp;

use crate::NodeIndex;

/// All streams, at most one between any two nodes.
#[derive(Debug, Default)]
pub(crate) struct Links {
    links: BTreeMap<(NodeIndex, NodeIndex), Link>,
}

/// A stream between two nodes. Frames arrive in order or, when it breaks, not at all.
#[derive(Debug, Default)]
struct Link {
    /// Counts the streams that these two have had, so that a frame of a broken one is known.
    epoch: u64,
    up: bool,
    /// Whether each end has been told that the stream is up.
    told: [bool; 2],
    /// When the last frame arrives at each end.
    busy_until: [Timestamp; 2],
}

impl Links {
    /// Opens a stream, unless there is one. Gives the ends that have to be told first that the
    /// former stream is gone.
    pub(crate) fn open(&mut self, a: NodeIndex, b: NodeIndex) -> Option<Vec<NodeIndex>> {
        let link = self.links.entry(ends(a, b)).or_default();
        if link.up {
            return None;
        }
        link.up = true;
        link.epoch += 1;
        let stale = [a.min(b), a.max(b)].into_iter().zip(link.told);
        let stale = stale
            .filter(|(_, told)| *told)
            .map(|(end, _)| end)
            .collect();
        link.told = [true; 2];
        Some(stale)
    }

    /// Breaks a stream, if there is one.
    pub(crate) fn cut(&mut self, a: NodeIndex, b: NodeIndex) -> bool {
        match self.links.get_mut(&ends(a, b)) {
            Some(link) => std::mem::replace(&mut link.up, false),
            None => false,
        }
    }

    /// The ends of all streams of a node.
    pub(crate) fn neighbours(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let up = self.links.iter().filter(|(_, link)| link.up);
        up.filter_map(|(&(a, b), _)| match node {
            _ if node == a => Some(b),
            _ if node == b => Some(a),
            _ => None,
        })
        .collect()
    }

    /// Takes note that an end has learnt that its stream is gone; false if it knew, or if there is
    /// a new one already.
    pub(crate) fn tell_gone(&mut self, end: NodeIndex, other: NodeIndex) -> bool {
        let side = usize::from(end > other);
        match self.links.get_mut(&ends(end, other)) {
            Some(link) if !link.up => std::mem::replace(&mut link.told[side], false),
            _ => false,
        }
    }

    /// A dead node knows nothing any more.
    pub(crate) fn forget(&mut self, node: NodeIndex) {
        for (&(a, b), link) in &mut self.links {
            if node == a {
                link.told[0] = false;
            }
            if node == b {
                link.told[1] = false;
            }
        }
    }

    /// Sends something that takes `latency_ms`: when it arrives, and in which stream it is.
    pub(crate) fn send(
        &mut self,
        from: NodeIndex,
        to: NodeIndex,
        arrives: Timestamp,
    ) -> Option<(Timestamp, u64)> {
        let side = usize::from(to > from);
        let link = self.links.get_mut(&ends(from, to)).filter(|link| link.up)?;
        link.busy_until[side] = link.busy_until[side].max(arrives);
        Some((link.busy_until[side], link.epoch))
    }

    /// Whether that stream still is the one between the two.
    pub(crate) fn is_up(&self, a: NodeIndex, b: NodeIndex, epoch: u64) -> bool {
        self.links
            .get(&ends(a, b))
            .is_some_and(|link| link.up && link.epoch == epoch)
    }
}

fn ends(a: NodeIndex, b: NodeIndex) -> (NodeIndex, NodeIndex) {
    (a.min(b), a.max(b))
}
