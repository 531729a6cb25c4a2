//! What the parser knows of how tokens are to be laid out.

/// For each token that means something, how it stands beside its neighbours.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) marks: Vec<u8>,
}

/// No blank stands before it.
pub(crate) const TIGHT_BEFORE: u8 = 1;
/// No blank stands after it.
pub(crate) const TIGHT_AFTER: u8 = 2;
/// An item of a block begins with it.
pub(crate) const ITEM: u8 = 4;
/// It opens a block, whose items stand on lines of their own.
pub(crate) const OPEN: u8 = 8;
/// It closes a block.
pub(crate) const CLOSE: u8 = 16;
/// It opens the body of a function, which may stand on one line.
pub(crate) const BODY: u8 = 32;
/// It stands on the line of the `}` before it.
pub(crate) const JOINED: u8 = 64;
