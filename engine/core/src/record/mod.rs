//! Records: the inputs of the state machine, one file a kind, and the one door they go through.

use crate::auction::Solution;
use crate::command::Command;
use crate::config::Config;
use crate::hash::Hash;
use crate::names::{AuctionId, Name, PublicKey};
use crate::time::Timestamp;

/// One input of the state machine, as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it was sequenced; strictly later than the record before.
    pub time: Timestamp,
    /// What happened.
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The first record: configuration and the first administrator.
    Genesis(Box<Genesis>),
    /// Commands under one signature.
    Commands(Commands),
    /// Freezes the input of a new auction.
    OpenAuction(OpenAuction),
    /// One solver's sealed answer.
    Solution(Solution),
    /// Ends the bidding.
    CloseAuction(AuctionId),
    /// Posts what clearing decided.
    SettleAuction(SettleAuction),
    /// Nothing but time passing.
    Tick,
    /// The state root before this record, to compare at replay.
    Checkpoint(Hash),
}

/// The first record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// What decisions depend on.
    pub config: Config,
    /// The name of the first party, which administers the cell.
    pub admin: Name,
    /// Its key.
    pub admin_key: PublicKey,
}

/// Commands under one signature; each has its own outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands {
    /// For whom.
    pub party: Name,
    /// The key that signed them.
    pub key: PublicKey,
    /// What is asked.
    pub commands: Vec<Command>,
}

/// Freezes the input of a new auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAuction {
    /// When it takes no more solutions.
    pub close_at: Timestamp,
    /// When it is void unless settled.
    pub settle_by: Timestamp,
}

/// Posts what clearing decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettleAuction {
    /// Which auction.
    pub auction: AuctionId,
    /// The clearing's digest.
    pub digest: Hash,
}
