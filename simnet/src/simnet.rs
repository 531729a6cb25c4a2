//! A world of engines on one seed.
