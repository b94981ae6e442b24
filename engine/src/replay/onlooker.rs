//! Who looks on while a log is replayed: hears of each batch that passed and of each auction that ended.
//!
//! Looking on changes nothing; an onlooker may end the replay early.

use std::ops::ControlFlow;
use std::sync::Arc;

use clearlane_core::auction::{AuctionInput, Clearing, Solution};
use clearlane_core::hash::Hash;
use clearlane_core::names::AuctionId;

use crate::cell::Cell;

/// An auction as the log holds it, once it has settled.
#[derive(Clone, Debug)]
pub struct SettledAuction {
    /// What it was decided on; its intents have no floors yet.
    pub input: Arc<AuctionInput>,
    /// The hash of that.
    pub input_digest: Hash,
    /// The recorded solutions, in order of solver.
    pub solutions: Vec<Solution>,
    /// What was decided.
    pub clearing: Arc<Clearing>,
}

/// Looks on at a replay.
pub trait Onlooker {
    /// All records of a batch were applied; `last` is the log's last batch.
    fn passed(&mut self, sequence: u64, last: u64) -> ControlFlow<()>;

    /// An auction settled, and the cell is as it was just after.
    fn settled(&mut self, cell: &Cell, auction: &SettledAuction) -> ControlFlow<()>;

    /// An auction ended without effect.
    fn voided(&mut self, auction: AuctionId);
}
