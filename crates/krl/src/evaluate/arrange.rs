//! What a run changes of its PEN itself, and the PEN as the run sees it then.

use rand_core::Rng as _;
use stratus_event::Eci;
use stratus_pen::{Channel, Kin, language::Arrangement};

use super::Evaluator;
use crate::limit::Failure;

impl Evaluator<'_> {
    /// Wants a change of the PEN itself.
    pub(crate) fn arrange(&mut self, arrangement: Arrangement) -> Result<(), Failure> {
        self.wish()?;
        self.meter.keep(ARRANGEMENT_BYTES);
        self.ended.arrangements.push(arrangement);
        Ok(())
    }

    /// The channels, as this run sees them.
    pub(crate) fn channels(&mut self) -> Result<Vec<Channel>, Failure> {
        let mut channels = self.scene.view.channels();
        let looked_at = channels.len() + self.ended.arrangements.len();
        self.meter.spend(looked_at as u64)?;
        for arrangement in &self.ended.arrangements {
            arrangement.rearrange_channels(&mut channels);
        }
        Ok(channels)
    }

    /// The children, as this run sees them.
    pub(crate) fn children(&mut self) -> Result<Vec<Kin>, Failure> {
        let mut children = self.scene.view.children();
        let looked_at = children.len() + self.ended.arrangements.len();
        self.meter.spend(looked_at as u64)?;
        for arrangement in &self.ended.arrangements {
            arrangement.rearrange_children(&mut children);
        }
        Ok(children)
    }

    /// The child whose channel that is, as this run sees it.
    pub(crate) fn child(&mut self, eci: &Eci) -> Result<Option<Kin>, Failure> {
        let mut child: Vec<Kin> = self.scene.view.child(eci).into_iter().collect();
        self.meter.spend(self.ended.arrangements.len() as u64)?;
        for arrangement in &self.ended.arrangements {
            arrangement.rearrange_children(&mut child);
        }
        Ok(child.into_iter().find(|child| child.theirs == *eci))
    }

    /// Random bytes for an id.
    pub(crate) fn draw<const N: usize>(&mut self, site: u32) -> [u8; N] {
        let mut bytes = [0; N];
        self.generator(site).fill_bytes(&mut bytes);
        bytes
    }
}

/// What a change of the PEN itself counts, besides the values that were made for it.
const ARRANGEMENT_BYTES: usize = 512;
