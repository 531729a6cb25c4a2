//! One test binary over the real `stratus` program, and over the tree itself.

mod tidy;
