//! Block-STM in small: Gelashvili et al., "Block-STM: Scaling Blockchain Execution by Turning Ordering Curse to a
//! Performance Blessing", algorithms 1 to 5, <https://arxiv.org/abs/2203.06871>.
//!
//! Bundles run before it is known what they touch; what they read is checked afterwards, and a bundle that read
//! too early runs again. It needs no footprints and knows no additions that commute: an addition is a read and a
//! write. Where the paper leaves a choice, the faster one is taken: resources are found by number in one table
//! and not by hash, and a read of an `ESTIMATE` ends an attempt before its work.

mod executor;
mod few;
mod memory;
mod scheduler;

pub(crate) use executor::run;
