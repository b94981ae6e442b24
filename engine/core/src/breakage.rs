//! Breakage: a contract of the engine itself is broken, and it must halt rather than go on.

use crate::hash::Hash;
use crate::money::Atoms;
use crate::names::{AccountIndex, AuctionId};
use crate::time::Timestamp;

/// Why the state machine can't go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// The first record is not a genesis, or a later one is.
    Genesis,
    /// A record is not later than the one before.
    TimeNotIncreasing {
        /// The record before.
        last: Timestamp,
        /// This record.
        found: Timestamp,
    },
    /// An account is missing that must exist.
    AccountMissing(AccountIndex),
    /// A posting or hold exceeds what an account has.
    Overdrawn {
        /// The account.
        account: AccountIndex,
        /// What was to be moved.
        amount: Atoms,
    },
    /// A posting crosses assets or modules.
    DenominationsDiffer {
        /// Where it should leave.
        debit: AccountIndex,
        /// Where it should arrive.
        credit: AccountIndex,
    },
    /// An auction's record came at the wrong time in its life.
    WrongAuction(AuctionId),
    /// The recorded decision is not what clearing the recorded input gives.
    ClearingDiffers {
        /// The digest in the record.
        recorded: Hash,
        /// The digest of the recomputed clearing.
        computed: Hash,
    },
    /// A clearing names something that the auction does not have, or its amounts do not fit.
    Settlement(AuctionId),
    /// The recorded state root is not the one of this state.
    RootDiffers {
        /// The root in the record.
        recorded: Hash,
        /// The root of this state.
        computed: Hash,
    },
    /// An invariant does not hold; the text names it.
    Invariant(String),
    /// The configuration at genesis can't work; the text says what was expected.
    Config(&'static str),
}

impl std::fmt::Display for Breakage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Breakage::Genesis => formatter.write_str("expected exactly one genesis, as the first record"),
            Breakage::TimeNotIncreasing { last, found } => {
                write!(formatter, "expected a record later than {} ns, found {} ns", last.0, found.0)
            }
            Breakage::AccountMissing(account) => write!(formatter, "account {} does not exist", account.0),
            Breakage::Overdrawn { account, amount } => {
                write!(formatter, "account {} does not cover {amount} atoms", account.0)
            }
            Breakage::DenominationsDiffer { debit, credit } => {
                write!(formatter, "accounts {} and {} are of different denominations", debit.0, credit.0)
            }
            Breakage::WrongAuction(auction) => write!(formatter, "auction {} is not in that phase", auction.0),
            Breakage::ClearingDiffers { recorded, computed } => {
                write!(formatter, "expected clearing {recorded} as recorded, computed {computed}")
            }
            Breakage::Settlement(auction) => write!(formatter, "the clearing of auction {} can't be posted", auction.0),
            Breakage::RootDiffers { recorded, computed } => {
                write!(formatter, "expected state root {recorded} as recorded, computed {computed}")
            }
            Breakage::Invariant(what) => write!(formatter, "invariant broken: {what}"),
            Breakage::Config(expected) => write!(formatter, "configuration: expected {expected}"),
        }
    }
}

impl std::error::Error for Breakage {}
