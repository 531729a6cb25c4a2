//! One test binary over the real stratus program.
