//! Where in the source.

/// A stretch of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset of the byte after its last.
    pub end: usize,
}

impl Span {
    /// From one byte offset to before another.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of this one to the end of that one.
    #[must_use]
    pub fn to(self, that: Self) -> Self {
        Self {
            start: self.start,
            end: that.end.max(self.start),
        }
    }

    /// The source that it covers; empty if it is not one of this source's.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or_default()
    }
}
