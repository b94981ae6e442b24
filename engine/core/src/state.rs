//! The whole state: tables of names, the ledger, the book, remembered ids, the auction in progress.

use std::collections::{BTreeMap, BTreeSet};

use crate::book::Book;
use crate::command::Role;
use crate::config::Config;
use crate::ids::RememberedIds;
use crate::ledger::{AccountKey, Ledger, Owner};
use crate::names::{AssetIndex, AuctionId, ModuleIndex, Name, PartyIndex, PublicKey, SolverId, VenueIndex};
use crate::pending::PendingAuction;
use crate::price::Price;
use crate::time::Timestamp;
use crate::venue::{PerCoin, Terms};

/// The most assets.
pub const ASSETS_MAX: usize = 10_000;
/// The most modules: each is a settlement domain that somebody runs.
pub const MODULES_MAX: usize = 256;
/// The most parties; their accounts are what memory holds.
pub const PARTIES_MAX: usize = 10_000_000;
/// The most keys of one cell.
pub const KEYS_MAX: usize = 20_000_000;
/// The most venues of one cell.
pub const STATE_VENUES_MAX: usize = 100_000;

/// Everything that decisions depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The logged configuration.
    pub config: Config,
    /// The time of the last record.
    pub clock: Timestamp,
    /// How many records were applied.
    pub records: u64,
    /// Assets by index.
    pub assets: Table<Asset>,
    /// Modules by index.
    pub modules: Table<()>,
    /// Parties by index.
    pub parties: Table<()>,
    /// Venues by index.
    pub venues: Table<Venue>,
    /// Events that were attested and not withdrawn.
    pub events: BTreeSet<Name>,
    /// Keys that may act.
    pub keys: BTreeMap<PublicKey, KeyGrant>,
    /// The accounts.
    pub ledger: Ledger,
    /// The open intents.
    pub book: Book,
    /// The ids whose outcome is remembered.
    pub ids: RememberedIds,
    /// How many auctions were opened.
    pub auctions: u64,
    /// The auction in progress.
    pub auction: Option<PendingAuction>,
}

/// An asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its decimals.
    pub scale: u8,
    /// The value of one whole unit in the reference asset, if known.
    pub price: Option<Price>,
}

/// A venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Venue {
    /// Who opened it.
    pub owner: PartyIndex,
    /// The denominations of its coins.
    pub coins: PerCoin<(AssetIndex, ModuleIndex)>,
    /// Its rule.
    pub terms: Terms,
}

/// What a key may do, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyGrant {
    /// For whom.
    pub party: PartyIndex,
    /// What.
    pub role: Role,
    /// Whether it still may.
    pub is_active: bool,
}

impl State {
    /// The empty state of a new cell.
    #[must_use]
    pub fn new(config: Config) -> State {
        State {
            config,
            clock: Timestamp(0),
            records: 0,
            assets: Table::default(),
            modules: Table::default(),
            parties: Table::default(),
            venues: Table::default(),
            events: BTreeSet::new(),
            keys: BTreeMap::new(),
            ledger: Ledger::default(),
            book: Book::default(),
            ids: RememberedIds::default(),
            auctions: 0,
            auction: None,
        }
    }

    /// The account of a party, if it was ever opened.
    #[must_use]
    pub fn party_account(
        &self,
        party: PartyIndex,
        asset: AssetIndex,
        module: ModuleIndex,
    ) -> Option<crate::names::AccountIndex> {
        self.ledger.find(AccountKey { owner: Owner::Party(party), asset, module })
    }

    /// The solver that this key bids for, if it may bid.
    #[must_use]
    pub fn solver_of(&self, key: &PublicKey) -> Option<SolverId> {
        let grant = self.keys.get(key).filter(|grant| grant.is_active && grant.role == Role::Solver)?;
        grant.party.0.checked_add(1).map(SolverId)
    }

    /// The party behind a solver; `None` for the built-in bidder.
    #[must_use]
    pub fn solver_party(&self, solver: SolverId) -> Option<&Name> {
        self.parties.name(usize::try_from(solver.0.checked_sub(1)?).ok()?)
    }

    /// The auction in progress, if it is this one.
    #[must_use]
    pub fn pending(&self, auction: AuctionId) -> Option<&PendingAuction> {
        self.auction.as_ref().filter(|pending| pending.input.auction == auction)
    }

    /// The index of a named asset.
    #[must_use]
    pub fn asset(&self, name: &Name) -> Option<AssetIndex> {
        self.assets.find(name).map(AssetIndex::from_at)
    }

    /// The index of a named module.
    #[must_use]
    pub fn module(&self, name: &Name) -> Option<ModuleIndex> {
        self.modules.find(name).map(ModuleIndex::from_at)
    }

    /// The index of a named party.
    #[must_use]
    pub fn party(&self, name: &Name) -> Option<PartyIndex> {
        self.parties.find(name).map(PartyIndex::from_at)
    }

    /// The index of a named venue.
    #[must_use]
    pub fn venue(&self, name: &Name) -> Option<VenueIndex> {
        self.venues.find(name).map(VenueIndex::from_at)
    }
}

/// Named rows, dense, in order of definition; rows are never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<T> {
    rows: Vec<(Name, T)>,
    index: BTreeMap<Name, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { rows: Vec::new(), index: BTreeMap::new() }
    }
}

impl<T> Table<T> {
    /// Adds a row; `None` if the name is taken.
    pub fn add(&mut self, name: Name, row: T) -> Option<usize> {
        let at = self.rows.len();
        if self.index.contains_key(&name) {
            return None;
        }
        self.index.insert(name.clone(), at);
        self.rows.push((name, row));
        Some(at)
    }

    /// The place of a name.
    #[must_use]
    pub fn find(&self, name: &Name) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// The row at a place.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&T> {
        self.rows.get(at).map(|(_, row)| row)
    }

    /// The row at a place, to change.
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.rows.get_mut(at).map(|(_, row)| row)
    }

    /// The name at a place.
    #[must_use]
    pub fn name(&self, at: usize) -> Option<&Name> {
        self.rows.get(at).map(|(name, _)| name)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Every row with its name, in order of definition.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &T)> {
        self.rows.iter().map(|(name, row)| (name, row))
    }
}
