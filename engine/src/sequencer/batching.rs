//! One batch while it fills.

use std::sync::Arc;

use clearlane_core::auction::Clearing;
use clearlane_core::event::CommandOutcome;
use clearlane_core::record::Body;
use clearlane_core::time::Timestamp;
use clearlane_log::BATCH_BYTES_MAX;
use tokio::sync::oneshot;

use crate::stored::{Stored, StoredCommands};

/// A batch takes no more records beyond this many bytes, so that one full envelope still fits the log's limit.
const DRAFT_BYTES_MAX: usize = 64_000;
/// A batch takes no more records beyond this many: its first answer waits for its last record.
const DRAFT_RECORDS_MAX: usize = 2_048;
/// The records of one batch stay below this, which leaves the log room for its own framing.
const RECORD_BYTES_MAX: usize = BATCH_BYTES_MAX - 4_096;
/// What the log adds to a record at most.
const RECORD_OVERHEAD: usize = 16;

/// What is to be written while it fills; it may take several batches.
#[derive(Default)]
pub(super) struct Draft {
    items: Vec<Item>,
    bytes: usize,
}

/// A record as the log will hold it.
pub(super) struct Encoded {
    /// The record.
    pub(super) item: Item,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// One record of a batch.
pub(super) struct Item {
    /// When it is sequenced; set when the batch is finished.
    pub(super) time: Timestamp,
    /// What is written.
    pub(super) stored: Stored,
    /// Who waits for the answer.
    pub(super) reply: Option<oneshot::Sender<Vec<CommandOutcome>>>,
    /// A clearing computed ahead.
    pub(super) clearing: Option<Arc<Clearing>>,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= DRAFT_BYTES_MAX || self.items.len() >= DRAFT_RECORDS_MAX
    }

    pub(super) fn push(&mut self, body: Body) {
        self.push_item(Stored::Plain(body), None, None);
    }

    pub(super) fn push_settlement(&mut self, body: Body, clearing: Arc<Clearing>) {
        self.push_item(Stored::Plain(body), None, Some(clearing));
    }

    pub(super) fn push_commands(&mut self, commands: StoredCommands, reply: oneshot::Sender<Vec<CommandOutcome>>) {
        self.bytes += commands.bytes();
        self.push_item(Stored::Commands(commands), Some(reply), None);
    }

    /// The records with their times, one nanosecond apart after `last`, in batches that the log takes; at least one.
    pub(super) fn into_batches(self, last: Timestamp) -> Vec<Vec<Encoded>> {
        let mut batches = vec![Vec::new()];
        let (mut time, mut bytes) = (last.0, 0);
        for mut item in self.items {
            time += 1;
            item.time = Timestamp(time);
            let encoded = item.stored.encode(item.time);
            let size = encoded.len() + RECORD_OVERHEAD;
            if bytes + size > RECORD_BYTES_MAX && bytes > 0 {
                batches.push(Vec::new());
                bytes = 0;
            }
            bytes += size;
            if let Some(batch) = batches.last_mut() {
                batch.push(Encoded { item, bytes: encoded });
            }
        }
        batches
    }

    fn push_item(
        &mut self,
        stored: Stored,
        reply: Option<oneshot::Sender<Vec<CommandOutcome>>>,
        clearing: Option<Arc<Clearing>>,
    ) {
        self.items.push(Item { time: Timestamp(0), stored, reply, clearing });
    }
}
