//! The parent and the children of a PEN.

use std::collections::BTreeMap;

use stratus_event::{Eci, PenId};

use crate::Arrangement;

/// A parent or a child, and the two channels between it and this PEN. Nobody else may use these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kin {
    /// Which PEN.
    pub pen: PenId,
    /// Its channel, by which this PEN reaches it.
    pub theirs: Eci,
    /// This PEN's channel, by which it reaches this PEN.
    pub mine: Eci,
}

/// Where a PEN stands below its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The parent.
    pub kin: Kin,
    /// The PENs above this one, from the first of the family to the parent.
    pub ancestors: Vec<PenId>,
}

/// The parent and the children of a PEN.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    pub(crate) parent: Option<Parent>,
    /// In the order in which they were made.
    children: BTreeMap<u64, Kin>,
    places: BTreeMap<Eci, u64>,
}

/// How many of both there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    /// Without those for the family.
    pub(crate) channels: usize,
    pub(crate) children: usize,
}

impl Counted {
    /// With what is arranged.
    pub(crate) fn count(&mut self, arrangement: &Arrangement) {
        match arrangement {
            Arrangement::ChangeChannel { .. } => {}
            Arrangement::CreatePen(_) => self.children += 1,
            Arrangement::DeleteChannel { .. } => {
                self.channels = self.channels.saturating_sub(1);
            }
            Arrangement::DeletePen(_) => self.children = self.children.saturating_sub(1),
            Arrangement::MakeChannel(_) => self.channels += 1,
        }
    }
}

impl Family {
    /// That of a PEN without children.
    pub(crate) fn below(parent: Option<Parent>) -> Self {
        Self {
            parent,
            ..Self::default()
        }
    }

    /// Takes a child in at that place, or after all others.
    pub(crate) fn put(&mut self, place: Option<u64>, child: Kin) {
        let last = self.children.last_key_value();
        let end = || last.map_or(0, |(last, _)| last.saturating_add(1));
        let place = place.unwrap_or_else(end);
        self.children.insert(place, child);
        self.places.insert(child.theirs, place);
    }

    pub(crate) fn take(&mut self, child: &Kin) -> Option<Kin> {
        let place = self.places.remove(&child.theirs)?;
        self.children.remove(&place)
    }

    pub(crate) fn children(&self) -> impl ExactSizeIterator<Item = &Kin> {
        self.children.values()
    }

    /// The child whose channel that is.
    pub(crate) fn child(&self, theirs: &Eci) -> Option<&Kin> {
        self.children.get(self.places.get(theirs)?)
    }

    pub(crate) fn place(&self, theirs: &Eci) -> Option<u64> {
        self.places.get(theirs).copied()
    }

    /// How many channels of the PEN are for its family.
    pub(crate) fn channels(&self) -> usize {
        self.children.len() + usize::from(self.parent.is_some())
    }
}
