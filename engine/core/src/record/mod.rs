//! Records: the inputs of the state machine, one file a kind, and the one door they go through.

mod checkpoint;
mod close_auction;
mod commands;
mod expiry;
mod genesis;
mod open_auction;
mod settle_auction;
mod solution;
mod void_auction;

pub use genesis::start;

use crate::auction::{Clearing, Solution};
use crate::breakage::Breakage;
use crate::command::Command;
use crate::config::Config;
use crate::event::Outcome;
use crate::hash::Hash;
use crate::lanes::Executor;
use crate::names::{AuctionId, Name, PublicKey};
use crate::state::State;
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

/// What applying a record may use besides state and record.
pub struct Context<'a> {
    /// The hash of the batch that holds the record.
    pub batch_hash: Hash,
    /// A clearing computed ahead; it is checked by digest, and recomputed if absent.
    pub clearing: Option<std::sync::Arc<Clearing>>,
    /// Where parallel work runs.
    pub executor: &'a dyn Executor,
}

/// Applies one record after genesis; the same state and record always give the same state and outcome.
///
/// # Errors
///
/// Breaks if a contract of the engine itself does not hold; the state is then unusable, and the engine must halt.
pub fn apply(state: &mut State, context: &Context<'_>, record: &Record) -> Result<Outcome, Breakage> {
    if record.time <= state.clock {
        return Err(Breakage::TimeNotIncreasing { last: state.clock, found: record.time });
    }
    let mut outcome = Outcome::default();
    if let Body::Checkpoint(recorded) = &record.body {
        checkpoint::compare(state, *recorded, &mut outcome)?;
    }
    state.clock = record.time;
    let commands = if let Body::Commands(commands) = &record.body { commands.commands.len() } else { 0 };
    expiry::apply(state, commands, &mut outcome)?;
    match &record.body {
        Body::Genesis(_) => return Err(Breakage::Genesis),
        Body::Commands(commands) => commands::apply(state, commands, &mut outcome)?,
        Body::OpenAuction(open) => open_auction::apply(state, context, *open, &mut outcome)?,
        Body::Solution(solution) => solution::apply(state, solution)?,
        Body::CloseAuction(auction) => close_auction::apply(state, *auction, &mut outcome)?,
        Body::SettleAuction(settle) => settle_auction::apply(state, context, *settle, &mut outcome)?,
        Body::Tick | Body::Checkpoint(_) => {}
    }
    state.records = state.records.saturating_add(1);
    Ok(outcome)
}
