//! The frozen input of one auction: everything that its outcome depends on.
//!
//! Tables are dense and refer to each other by index; nothing in here changes after the open.

use crate::fact::{Fact, FrozenClause};
use crate::hash::Hash;
use crate::intent::{Choose, Kind};
use crate::money::Atoms;
use crate::names::{AuctionId, CommandId, DenominationIndex, Name, ReserveIndex};
use crate::price::Price;
use crate::time::Timestamp;
use crate::venue::{Direction, PerCoin, Terms, VenueState};

/// The most intents offered in one auction: a snapshot of that many stays below 16 MiB.
pub const INTENTS_MAX: usize = 20_000;
/// The most venues in one auction.
pub const VENUES_MAX: usize = 10_000;

/// How solutions are scored and judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleSet {
    /// The objective of `auction-instance/1`: counted surplus, no guarantee against the floor.
    Plain,
    /// The same against the better of the reference price and the floor's own rate; no fill is worse than the
    /// floor, and each bundle has one price for each directed pair.
    Floor,
    /// CoW Protocol's: bundles are judged as under the plain rules and selected by [`cow_select`](super::cow_select);
    /// no engine clears by it.
    Cow,
    /// Gnosis Protocol v1: one price a token for a whole solution, judged by
    /// [`judge_batch`](super::gpv1::judge_batch). Bundles know no such prices, so no auction of an engine has these
    /// rules, and clearing takes them for `Plain`.
    Gpv1,
}

impl RuleSet {
    /// What it is called, on the wire and by people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RuleSet::Plain => "plain",
            RuleSet::Floor => "floor",
            RuleSet::Cow => "cow",
            RuleSet::Gpv1 => "gpv1",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<RuleSet> {
        let all = [RuleSet::Plain, RuleSet::Floor, RuleSet::Cow, RuleSet::Gpv1];
        all.into_iter().find(|rules| rules.name() == name)
    }
}

/// Everything that the outcome of one auction depends on, besides the solutions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuctionInput {
    /// Which auction.
    pub auction: AuctionId,
    /// How solutions are judged.
    pub rules: RuleSet,
    /// When it opened.
    pub opened_at: Timestamp,
    /// When it takes no more solutions.
    pub close_at: Timestamp,
    /// When it is void unless settled.
    pub settle_by: Timestamp,
    /// Breaks ties; unknown before the open.
    pub seed: Hash,
    /// How far above the reference price surplus still counts, in parts per million of the fill's value.
    pub surplus_cap_ppm: u32,
    /// The units in which amounts are conserved.
    pub denominations: Vec<Denomination>,
    /// What accounts set aside for this auction.
    pub reserves: Vec<Reserve>,
    /// The intents on offer.
    pub intents: Vec<AuctionIntent>,
    /// The venues on offer.
    pub venues: Vec<AuctionVenue>,
    /// What the conditions of the intents on offer read; solvers are not told.
    pub facts: Vec<Fact>,
}

/// An asset within a module: the unit in which amounts are conserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denomination {
    /// The asset.
    pub asset: Name,
    /// The module.
    pub module: Name,
    /// The asset's decimals.
    pub scale: u8,
    /// The value of one whole unit in the reference asset; without one, surplus in it scores nothing.
    pub price: Option<Price>,
}

/// What one account set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The account's denomination.
    pub denomination: DenominationIndex,
    /// All that the auction's bundles together may take from the account.
    pub amount: Atoms,
    /// Whether the options that draw on it could together take more than `amount`.
    pub is_scarce: bool,
}

/// An intent on offer, with what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuctionIntent {
    /// The party that submitted it.
    pub party: Name,
    /// The client's id.
    pub id: CommandId,
    /// Which side is fixed.
    pub kind: Kind,
    /// How many options may be used.
    pub choose: Choose,
    /// Whether only the whole may be filled.
    pub is_all_or_nothing: bool,
    /// What is left to fill, in atoms of the fixed side (per option where options don't share it).
    pub remaining: Atoms,
    /// The ways to fill it.
    pub options: Vec<AuctionOption>,
    /// What must be so for it to be filled; solvers are not told, since it is.
    pub condition: Vec<FrozenClause>,
    /// What the built-in bidder alone would fill; `None` where that is nothing, or before
    /// [`with_floors`](super::with_floors).
    pub floor: Option<FloorTerms>,
}

/// What the built-in bidder would fill of an intent if nobody else bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloorTerms {
    /// The option.
    pub option: u16,
    /// Atoms that leave the owner.
    pub sold: Atoms,
    /// Atoms that reach the payee.
    pub bought: Atoms,
}

/// One way to fill an intent.
///
/// The limit price is `get_amount` per `give_amount`; a fill (sold, bought) keeps it iff
/// `bought * give_amount >= sold * get_amount`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuctionOption {
    /// What leaves the party.
    pub give: DenominationIndex,
    /// What reaches the payee.
    pub get: DenominationIndex,
    /// At full size: the amount given (exact-in) or the most to give (exact-out).
    pub give_amount: Atoms,
    /// At full size: the least to get (exact-in) or the amount to get (exact-out).
    pub get_amount: Atoms,
    /// The most of the fixed side that may be filled this way in this auction.
    pub maximum: Atoms,
    /// The least fill, and the least that may be left, in atoms of the fixed side.
    pub minimum: Atoms,
    /// Which of the intent's own options this is a way to pay for: one that may draw on several accounts is
    /// several options here.
    pub number: u16,
    /// What is left of the fixed side through that option, over all its accounts.
    pub left: Atoms,
    /// The reserve that pays.
    pub reserve: ReserveIndex,
}

/// A venue on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuctionVenue {
    /// Its name.
    pub name: Name,
    /// The denominations of its coins.
    pub coins: PerCoin<DenominationIndex>,
    /// Its rule.
    pub terms: Terms,
    /// Its state at the open.
    pub opening: VenueState,
}

impl AuctionInput {
    /// The first clause of an intent's condition that does not hold on the frozen facts.
    #[must_use]
    pub fn unmet(&self, intent: &AuctionIntent) -> Option<FrozenClause> {
        let value = |clause: &FrozenClause| self.facts.get(clause.fact.at()).map(|fact| fact.value);
        let is_met = |clause: &FrozenClause| value(clause).is_some_and(|value| clause.test.holds(value));
        intent.condition.iter().copied().find(|clause| !is_met(clause))
    }
}

impl AuctionVenue {
    /// What goes in and what comes out if it is used this way; `None` if it has no such coins.
    #[must_use]
    pub fn sides(&self, direction: Direction) -> Option<(DenominationIndex, DenominationIndex)> {
        self.coins.get(direction.from).zip(self.coins.get(direction.into)).filter(|_| direction.is_pair())
    }

    /// Whether each use counts by itself, so that several can't be told by their sums: uses of a rail that allows
    /// more than one, and of a pool of more than two coins.
    #[must_use]
    pub fn has_single_uses(&self) -> bool {
        match &self.terms {
            Terms::Rail(rail) => rail.uses_max > 1,
            Terms::ConstantProduct(_)
            | Terms::Weighted(_)
            | Terms::Stable(_)
            | Terms::Ladder(_)
            | Terms::Concentrated(_) => self.coins.count() > 2,
        }
    }

    /// Every directed pair of its coins.
    pub fn directions(&self) -> impl Iterator<Item = Direction> + use<> {
        Direction::all(self.coins.count())
    }
}

impl AuctionIntent {
    /// The fixed side of a fill (sold, bought).
    #[must_use]
    pub fn fixed_of(&self, sold: Atoms, bought: Atoms) -> Atoms {
        match self.kind {
            Kind::ExactIn => sold,
            Kind::ExactOut => bought,
        }
    }

    /// What surplus through `option` comes in: the side that is not fixed.
    #[must_use]
    pub fn surplus_denomination(&self, option: &AuctionOption) -> DenominationIndex {
        match self.kind {
            Kind::ExactIn => option.get,
            Kind::ExactOut => option.give,
        }
    }

    /// What is left of the fixed side through `option`: the intent's remainder or the option's maximum, whichever is less.
    #[must_use]
    pub fn cap_of(&self, option: &AuctionOption) -> Atoms {
        self.remaining.min(option.maximum)
    }
}
