//! What settling takes in gas, and the fee that pays for it.

use clearlane_core::auction::{AuctionInput, Bundle};
use clearlane_core::money::Atoms;
use clearlane_core::wide::{U256, U512};

use super::settlement::terms;
use crate::formats::CowTerms;

/// Units of gas of a settlement of one order beside its liquidity, as CoW's baseline solver is deployed.
const GAS_SETTLEMENT: u64 = 106_391;
/// Units of gas of one more order: two token transfers, by the same source.
const GAS_ORDER: u64 = 2 * 27_513;
/// Prices are wei for this many atoms.
const PRICED_ATOMS: u128 = 1_000_000_000_000_000_000;

/// Units of gas that a bundle takes.
pub(super) fn of_bundle(terms: &CowTerms, bundle: &Bundle) -> u64 {
    let more = u64::try_from(bundle.fills.len().saturating_sub(1)).unwrap_or(u64::MAX);
    let used = bundle.uses.iter().filter_map(|used| terms.gas.get(used.venue.at()));
    used.fold(GAS_SETTLEMENT.saturating_add(GAS_ORDER.saturating_mul(more)), |sum, gas| sum.saturating_add(*gas))
}

/// The fee of each fill of a bundle in atoms of what it sells: an equal share of the bundle's gas at the request's
/// price, rounded up; none where the protocol sets it, and none for a token whose price is not known.
pub(super) fn fees(input: &AuctionInput, request: &CowTerms, bundle: &Bundle) -> Option<Vec<Atoms>> {
    let orders = u64::try_from(bundle.fills.len()).ok()?;
    let share = of_bundle(request, bundle).div_ceil(orders.max(1));
    let wei = U256::from(share).checked_mul(request.gas_price)?;
    let fee = |fill: &clearlane_core::auction::Fill| -> Option<Atoms> {
        let (_, option) = terms(input, fill.intent)?;
        let is_charged = request.has_solver_fee.get(fill.intent.at()).copied().unwrap_or(false);
        let price = request.prices.get(option.give.at()).copied().flatten().filter(|_| is_charged);
        let Some(price) = price else { return Some(0) };
        let atoms = (U512::from(wei) * U512::from(PRICED_ATOMS)).div_ceil(U512::from(price));
        Atoms::try_from(atoms).ok()
    };
    bundle.fills.iter().map(fee).collect()
}
