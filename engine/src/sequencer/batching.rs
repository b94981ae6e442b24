//! One batch while it fills.

use std::sync::Arc;

use clearlane_core::auction::Clearing;
use clearlane_core::record::{Body, OpenAuction};
use clearlane_core::time::{Span, Timestamp};
use clearlane_log::BATCH_BYTES_MAX;

use super::queues::Reply;
use crate::settings::AuctionTimes;
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
    items: Vec<Drafted>,
    bytes: usize,
}

/// A record to be, without its time.
struct Drafted {
    what: What,
    reply: Option<Reply>,
    clearing: Option<Arc<Clearing>>,
}

enum What {
    Stored(Stored),
    /// An auction, whose windows start when it is sequenced: a pause before that must not end them.
    Opening(AuctionTimes),
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
    /// When it is sequenced.
    pub(super) time: Timestamp,
    /// What is written.
    pub(super) stored: Stored,
    /// Who waits for the answer.
    pub(super) reply: Option<Reply>,
    /// A clearing computed ahead.
    pub(super) clearing: Option<Arc<Clearing>>,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= DRAFT_BYTES_MAX || self.items.len() >= DRAFT_RECORDS_MAX
    }

    pub(super) fn push(&mut self, body: Body) {
        self.add(What::Stored(Stored::Plain(body)), None, None);
    }

    pub(super) fn push_opening(&mut self, times: AuctionTimes) {
        self.add(What::Opening(times), None, None);
    }

    pub(super) fn push_settlement(&mut self, body: Body, clearing: Arc<Clearing>) {
        self.add(What::Stored(Stored::Plain(body)), None, Some(clearing));
    }

    pub(super) fn push_commands(&mut self, commands: StoredCommands, reply: Reply) {
        self.bytes += commands.bytes();
        self.add(What::Stored(Stored::Commands(commands)), Some(reply), None);
    }

    /// The records with their times, one nanosecond apart after `last`, in batches that the log takes; at least one.
    pub(super) fn into_batches(self, last: Timestamp) -> Vec<Vec<Encoded>> {
        let mut batches = vec![Vec::new()];
        let (mut time, mut bytes) = (last, 0);
        for drafted in self.items {
            time = time.after(Span(1));
            let item = drafted.sequenced(time);
            let encoded = item.stored.encode(time);
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

    fn add(&mut self, what: What, reply: Option<Reply>, clearing: Option<Arc<Clearing>>) {
        self.items.push(Drafted { what, reply, clearing });
    }
}

impl Drafted {
    fn sequenced(self, time: Timestamp) -> Item {
        let stored = match self.what {
            What::Stored(stored) => stored,
            What::Opening(times) => {
                let close_at = time.after(times.bidding);
                let settle_by = close_at.after(times.settling);
                Stored::Plain(Body::OpenAuction(OpenAuction { close_at, settle_by }))
            }
        };
        Item { time, stored, reply: self.reply, clearing: self.clearing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auctions_windows_start_when_it_is_sequenced() {
        let mut draft = Draft::default();
        draft.push(Body::Tick);
        draft.push_opening(AuctionTimes { every: Span(1), bidding: Span(10), settling: Span(100) });
        let batches = draft.into_batches(Timestamp(5_000));
        let Some(Stored::Plain(Body::OpenAuction(open))) =
            batches.into_iter().flatten().nth(1).map(|encoded| encoded.item.stored)
        else {
            panic!("expected an opening");
        };
        assert_eq!(open, OpenAuction { close_at: Timestamp(5_012), settle_by: Timestamp(5_112) });
    }
}
