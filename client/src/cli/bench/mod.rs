//! Temporary: lets the peers compile and be tested on their own.
#![expect(dead_code, reason = "the command that measures is written elsewhere")]
#![cfg_attr(not(test), expect(unused_imports, reason = "the command that measures is written elsewhere"))]

pub(crate) mod peers;
pub(crate) mod settlement;
pub(crate) mod workload;
