//! An append-only, hash-chained log of opaque records.
//!
//! A writer hands in batches; `append` returns once a batch is durable, and recovery keeps every acknowledged batch,
//! cuts only what provably never was acknowledged, and otherwise refuses to start, naming file and offset.
//! The log knows nothing of what its records mean, reads no clock and never retries a failed write.

mod batch;
mod chain;
mod disk;
mod error;
mod file;
mod folder;
mod frame;
mod header;
mod memory;
pub mod merkle;
mod reader;
mod recovery;
mod ring;
mod segment;
mod simulated;

pub use batch::{Appended, BATCH_BYTES_MAX, Batch, Batches, Log, RECORDS_MAX, StoredBatch};
pub use disk::Disk;
pub use error::{Damage, LogError};
pub use file::{FileLog, Options};
pub use folder::FolderDisk;
pub use header::{HEADER_BYTES, Header, Kind, Sequence, VERSION};
pub use memory::{MEMORY_BATCHES_MAX, MemoryLog};
pub use recovery::Recovery;
pub use ring::{RING_FILE, SLOTS};
pub use segment::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENTS_MAX};
pub use simulated::{Fault, FaultKind, SimulatedDisk, Unsynced};
