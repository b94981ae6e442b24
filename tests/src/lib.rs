//! Builders and benches for tests: valid by default, so that each test states only what it is about.

pub mod desk;
pub mod markets;
pub mod random;
