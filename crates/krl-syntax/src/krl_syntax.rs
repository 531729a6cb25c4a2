//! KRL: text to tree and back.
//!
//! The tree says what is written; what it means is for another crate to say.

pub mod ast;
