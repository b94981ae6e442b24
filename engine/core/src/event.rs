//! What the shell and its listeners learn from applying a record.

use std::sync::Arc;

use crate::auction::{AuctionInput, Clearing, Standing};
use crate::hash::Hash;
use crate::intent::Intent;
use crate::money::Atoms;
use crate::names::{AccountIndex, AuctionId, CommandId, PartyIndex};
use crate::refusal::Refusal;
use crate::time::Timestamp;

/// What became of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// One per command of the record, in order.
    pub commands: Vec<CommandOutcome>,
    /// Everything else that happened, in order.
    pub events: Vec<Event>,
}

/// What became of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOutcome {
    /// The command's id.
    pub id: CommandId,
    /// Whether this id and these bytes came before; the result is then the first one.
    pub is_repeated: bool,
    /// Accepted, or why not.
    pub result: Result<Accepted, Refusal>,
}

/// How a command was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Accepted {
    /// Its effect is complete.
    Done,
    /// An intent waits in the book for an auction.
    Booked,
    /// A cancel that acts when the open auction ends.
    Queued,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Value moved between accounts.
    Posted(Posting),
    /// An intent changed.
    Intent(IntentEvent),
    /// An auction opened on this input.
    AuctionOpened(Arc<AuctionInput>),
    /// An auction takes no more solutions.
    AuctionClosed(AuctionId),
    /// An auction was settled by this clearing.
    AuctionSettled(Arc<Clearing>),
    /// An auction ended without effect.
    AuctionVoided(AuctionId),
    /// A checkpoint was reached and its root was right.
    Checkpoint(Hash),
}

/// One movement of value: `amount` leaves one account and reaches another of the same denomination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Where it leaves; for a deposit the contra account of what was issued.
    pub debit: AccountIndex,
    /// Where it arrives.
    pub credit: AccountIndex,
    /// How much.
    pub amount: Atoms,
    /// Why.
    pub cause: Cause,
}

/// Why value moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A command of a party: deposit, withdrawal, transfer, opening of a venue.
    Command(PartyIndex, CommandId),
    /// The settlement of an auction, for an intent's fill.
    Fill(AuctionId, PartyIndex, CommandId),
    /// The settlement of an auction, for a venue's use, fee or remainder.
    Auction(AuctionId),
}

/// A change of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentEvent {
    /// Whose.
    pub party: PartyIndex,
    /// Which.
    pub id: CommandId,
    /// When.
    pub time: Timestamp,
    /// What changed.
    pub change: IntentChange,
}

/// What changed in an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntentChange {
    /// It was accepted.
    Accepted(Box<Intent>),
    /// It is offered in this auction.
    Offered(AuctionId),
    /// It is not offered: its condition does not hold, or its accounts do not cover its minimum.
    Waiting(Refusal),
    /// A part or all of it was filled.
    Filled(FillEvent),
    /// It ended.
    Ended(End),
}

/// One fill, as its owner's receipt shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillEvent {
    /// The auction; `None` for a plain transfer.
    pub auction: Option<AuctionId>,
    /// The option used.
    pub option: u16,
    /// Atoms that left the owner.
    pub sold: Atoms,
    /// Atoms that reached the payee.
    pub bought: Atoms,
    /// The counted surplus, in 10^-18 reference units.
    pub surplus: crate::money::Score,
    /// How it stands beside its floor, its limit and the auction's bound; `None` for a plain transfer.
    pub standing: Option<Box<Standing>>,
}

/// How an intent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// Completely filled.
    Settled,
    /// Its deadline passed.
    Expired,
    /// Its party withdrew it.
    Cancelled,
}
