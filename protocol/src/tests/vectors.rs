//! The test vectors of the specification.
