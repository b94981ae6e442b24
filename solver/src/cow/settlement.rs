//! What CoW settles at once: trades at one price a token, and the uses of liquidity that make them possible.
//!
//! The rounding is that of CoW's settlement contract: an order that sells gets what the prices say rounded up, one
//! that buys gives what they say rounded down, and a fee comes on top of what is sold.

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption, VenueUse};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::{DenominationIndex, IntentIndex};
use clearlane_core::wide::{U256, wide};

/// Prices of one atom each, in any one unit.
pub(super) type Prices = BTreeMap<DenominationIndex, u128>;

/// A trade of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trade {
    /// The order, by its place in the auction; it has one option.
    pub intent: IntentIndex,
    /// Atoms sold without the fee, or bought.
    pub executed: Atoms,
    /// Atoms sold on top.
    pub fee: Atoms,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settlement {
    /// Of every token that is traded.
    pub prices: Prices,
    /// In the order of orders.
    pub trades: Vec<Trade>,
    /// In an order in which each has what it takes.
    pub uses: Vec<VenueUse>,
}

/// An order's terms: in CoW's auctions each has one option.
pub(super) fn terms(input: &AuctionInput, intent: IntentIndex) -> Option<(&AuctionIntent, &AuctionOption)> {
    let intent = input.intents.get(intent.at())?;
    Some((intent, intent.options.first().filter(|_| intent.options.len() == 1)?))
}

impl Trade {
    /// What leaves the owner, with the fee, and what reaches them.
    pub(super) fn amounts(&self, input: &AuctionInput, prices: &Prices) -> Option<(Atoms, Atoms)> {
        let (intent, option) = terms(input, self.intent)?;
        let (give, get) = (*prices.get(&option.give)?, *prices.get(&option.get)?);
        let (sold, bought) = match intent.kind {
            Kind::ExactIn => (self.executed, mul_div(self.executed, give, get, Rounding::Up)?),
            Kind::ExactOut => (mul_div(self.executed, get, give, Rounding::Down)?, self.executed),
        };
        Some((sold.checked_add(self.fee)?, bought))
    }

    /// Whether it keeps the order's limit and its size.
    fn is_allowed(&self, input: &AuctionInput, (sold, bought): (Atoms, Atoms)) -> bool {
        let Some((intent, option)) = terms(input, self.intent) else { return false };
        let product = |one: Atoms, other: Atoms| -> U256 { wide::<256, 4>(one).saturating_mul(wide(other)) };
        let keeps_limit = product(bought, option.give_amount) >= product(sold, option.get_amount);
        let (fixed, full) = match intent.kind {
            Kind::ExactIn => (sold, option.give_amount),
            Kind::ExactOut => (bought, option.get_amount),
        };
        let is_sized = if intent.is_all_or_nothing { fixed == full } else { fixed <= full };
        keeps_limit && is_sized && sold <= option.give_amount && sold > 0 && bought > 0
    }
}

impl Settlement {
    /// The settlement of these trades, if every order's limit holds and in every token what comes in covers what goes
    /// out, the uses one after another.
    ///
    /// What rounding gives to orders, less than an atom each, may come from `buffers`: what the settlement holds of
    /// each token.
    pub(super) fn of(
        (input, buffers): (&AuctionInput, &[Atoms]),
        prices: Prices,
        trades: Vec<Trade>,
        uses: Vec<VenueUse>,
    ) -> Option<Settlement> {
        let mut held: BTreeMap<DenominationIndex, Atoms> = BTreeMap::new();
        let mut owed: BTreeMap<DenominationIndex, Atoms> = BTreeMap::new();
        for trade in &trades {
            let (_, option) = terms(input, trade.intent)?;
            let (sold, bought) = trade.amounts(input, &prices)?;
            if !trade.is_allowed(input, (sold, bought)) {
                return None;
            }
            add(&mut held, option.give, sold)?;
            add(&mut owed, option.get, bought)?;
        }
        let uses = in_turn(input, uses, &mut held)?;
        let rounded = Atoms::try_from(trades.len()).ok()?;
        let is_covered = |(token, amount): (&DenominationIndex, &Atoms)| {
            let buffer = buffers.get(token.at()).copied().unwrap_or(0).min(rounded);
            held.get(token).copied().unwrap_or(0).saturating_add(buffer) >= *amount
        };
        owed.iter().all(is_covered).then_some(Settlement { prices, trades, uses })
    }
}

fn add(sums: &mut BTreeMap<DenominationIndex, Atoms>, token: DenominationIndex, amount: Atoms) -> Option<()> {
    let sum = sums.entry(token).or_default();
    *sum = sum.checked_add(amount)?;
    Some(())
}

/// The uses in an order in which each finds what it takes among what is held; none if there is no such order.
fn in_turn(
    input: &AuctionInput,
    mut uses: Vec<VenueUse>,
    held: &mut BTreeMap<DenominationIndex, Atoms>,
) -> Option<Vec<VenueUse>> {
    let mut ordered = Vec::with_capacity(uses.len());
    while !uses.is_empty() {
        let before = uses.len();
        let mut waiting = Vec::new();
        for used in uses {
            let (put, drawn) = input.venues.get(used.venue.at())?.sides(used.direction)?;
            match held.get(&put).and_then(|amount| amount.checked_sub(used.amount_in)) {
                Some(left) => {
                    held.insert(put, left);
                    add(held, drawn, used.amount_out)?;
                    ordered.push(used);
                }
                None => waiting.push(used),
            }
        }
        if waiting.len() == before {
            return None;
        }
        uses = waiting;
    }
    Some(ordered)
}
