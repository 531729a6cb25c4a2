//! KRL: text to tree and back.
//!
//! The tree says what is written; what it means is for another crate to say. [`parse_ruleset`]
//! reads the language of pico-engine 1.4 and the classic forms of 2012 side by side, and goes on
//! after an error, so that all the independent ones are told at once.

pub mod ast;
mod diagnostic;
mod format;
mod layout;
mod lexer;
mod parser;
mod partial;
mod precedence;
mod printer;
mod tree;

pub use diagnostic::{Diagnostic, Severity, line_column, render};
pub use format::format;
pub use lexer::{Token, TokenKind, tokenize};
pub use parser::{
    DIAGNOSTICS_MAX, NESTING_DEPTH_MAX, Parsed, SOURCE_BYTES_MAX, TREE_DEPTH_MAX, parse_expression,
    parse_ruleset, parse_ruleset_within,
};
pub use partial::Partial;
pub use printer::print;
pub use tree::Tree;
