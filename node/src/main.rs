//! The stratus node.
fn main() {}
