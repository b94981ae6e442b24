//! The auction in progress: its frozen input and what its indices mean in the state.

use std::sync::Arc;

use crate::auction::{AuctionInput, Solution};
use crate::book::IntentKey;
use crate::hash::Hash;
use crate::names::{AccountIndex, AssetIndex, ModuleIndex, PartyIndex, VenueIndex};

/// The auction in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingAuction {
    /// What solvers see.
    pub input: Arc<AuctionInput>,
    /// The hash of the input.
    pub input_digest: Hash,
    /// Whether it still takes solutions.
    pub is_open: bool,
    /// The logged solutions, in order of solver.
    pub solutions: Vec<Solution>,
    /// The state's denomination of each of the input's.
    pub denominations: Vec<(AssetIndex, ModuleIndex)>,
    /// The account behind each reserve.
    pub reserves: Vec<AccountIndex>,
    /// What each intent on offer is in the book.
    pub intents: Vec<Offered>,
    /// The state's venue of each of the input's.
    pub venues: Vec<VenueIndex>,
}

/// What an intent on offer is in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The intent.
    pub key: IntentKey,
    /// Who is paid.
    pub payee: PartyIndex,
    /// The intent's own option behind each option on offer.
    pub options: Vec<u16>,
}
