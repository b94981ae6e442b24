//! What the floor rules promise every user: no fill is worse than the built-in bidder's, and a bundle treats all
//! fills of one directed pair alike.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::score::value_of;
use super::verify::{by_intent, option_of, size_of};
use super::{AuctionInput, AuctionIntent, Bundle, Fill, FloorTerms, surplus_of};
use crate::intent::Kind;
use crate::money::Atoms;
use crate::names::{DenominationIndex, IntentIndex};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, U512, wide};

/// Judges a bundle: the floor of each intent, then one price for each directed pair.
pub(super) fn check_fairness(input: &AuctionInput, bundle: &Bundle) -> Result<(), Refusal> {
    for (intent, fills) in by_intent(bundle) {
        check_floor(input, intent, &fills)?;
    }
    check_prices(input, bundle)
}

/// The fills of one intent in a bundle, f of it in all, give a surplus of at least U0 min(1, f / f0) together, where
/// the floor fills f0 with U0.
///
/// Surplus is compared in the floor's own asset where all fills go through its option, and by reference prices
/// elsewhere; where these are missing nothing can be compared. An intent that the floor leaves alone has no floor.
pub(super) fn check_floor(input: &AuctionInput, index: IntentIndex, fills: &[Fill]) -> Result<(), Refusal> {
    let Some(intent) = input.intents.get(index.at()) else { return Ok(()) };
    let Some(floor) = intent.floor else { return Ok(()) };
    let is_kept = if fills.iter().all(|fill| fill.option == floor.option) {
        keeps_in_atoms(intent, floor, fills)
    } else {
        keeps_in_value(input, intent, floor, fills)
    };
    if is_kept {
        return Ok(());
    }
    let message = format!(
        "expected at least the floor's surplus, of {} for {} through option {}, for each part that is filled",
        floor.bought, floor.sold, floor.option
    );
    Err(Refusal::new(Reason::WorseThanFloor, format!("intents[{}]", index.0), message))
}

/// `sum (b S - s B) f0 >= (b0 S - s0 B) min(f, f0)`; amounts below 2^112 can't overflow, and a fill beyond its limit
/// keeps no floor.
fn keeps_in_atoms(intent: &AuctionIntent, floor: FloorTerms, fills: &[Fill]) -> bool {
    let compare = || {
        let option = intent.options.get(usize::from(floor.option))?;
        let beyond = |sold: Atoms, bought: Atoms| {
            let owed: U512 = wide::<512, 8>(sold).checked_mul(wide(option.get_amount))?;
            wide::<512, 8>(bought).checked_mul(wide(option.give_amount))?.checked_sub(owed)
        };
        let (mut surplus, mut filled) = (U512::ZERO, 0_u128);
        for fill in fills {
            surplus = surplus.checked_add(beyond(fill.sold, fill.bought)?)?;
            filled = filled.checked_add(intent.fixed_of(fill.sold, fill.bought))?;
        }
        let whole = intent.fixed_of(floor.sold, floor.bought);
        let owed = beyond(floor.sold, floor.bought)?.checked_mul(wide(filled.min(whole)))?;
        Some(surplus.checked_mul(wide(whole))? >= owed)
    };
    compare().unwrap_or(false)
}

/// The same in reference units, each surplus floored, by shares of the sizes of the options.
fn keeps_in_value(input: &AuctionInput, intent: &AuctionIntent, floor: FloorTerms, fills: &[Fill]) -> bool {
    let value = |option: u16, sold: Atoms, bought: Atoms| -> Option<U512> {
        let terms = intent.options.get(usize::from(option))?;
        let surplus = surplus_of(intent, terms, sold, bought)?;
        let value = value_of(input, intent.surplus_denomination(terms), surplus)?;
        u128::try_from(value).ok().map(wide)
    };
    let compare = || {
        let (mut surplus, mut filled) = (U512::ZERO, 0_u128);
        for fill in fills {
            // What flooring took, an atom at most of each, is not held against it.
            let floored = value(fill.option, fill.sold, fill.bought.saturating_add(1))?;
            surplus = surplus.checked_add(floored)?;
            filled = filled.saturating_add(intent.fixed_of(fill.sold, fill.bought));
        }
        let size = size_of(intent, fills.first()?.option);
        let (floor_size, floor_filled) = (size_of(intent, floor.option), intent.fixed_of(floor.sold, floor.bought));
        // filled / size against floor_filled / floor_size, of which at most the whole counts.
        let (part, whole) = (wide::<512, 8>(filled).checked_mul(wide(floor_size))?, wide::<512, 8>(floor_filled));
        let whole = whole.checked_mul(wide(size))?;
        let owed = value(floor.option, floor.sold, floor.bought)?;
        // Values stay below 2^127, so these shifted shares keep both products within 512 bits.
        let shift = whole.bit_len().saturating_sub(256);
        let (part, whole) = (part.min(whole).wrapping_shr(shift), whole.wrapping_shr(shift));
        Some(surplus.checked_mul(whole)? >= owed.checked_mul(part)?)
    };
    compare().unwrap_or(true)
}

/// A price as a fraction: `get` atoms per `give` atoms; `give` of zero is beyond every price.
#[derive(Clone, Copy, Debug)]
struct Fraction {
    get: Atoms,
    give: Atoms,
}

impl Fraction {
    fn compare(self, other: Fraction) -> Ordering {
        let product = |a: Atoms, b: Atoms| -> U256 { wide::<256, 4>(a).saturating_mul(wide(b)) };
        product(self.get, other.give).cmp(&product(other.get, self.give))
    }
}

/// The prices at which the fills of one directed pair seen so far would be what they are.
#[derive(Clone, Copy, Debug)]
struct Prices {
    least: Fraction,
    below: Fraction,
}

/// For each directed pair there is one price p with `bought = floor(p sold)` for exact-in and
/// `sold = ceil(bought / p)` for exact-out; a fill that only just keeps its floor may be better than p.
fn check_prices(input: &AuctionInput, bundle: &Bundle) -> Result<(), Refusal> {
    let mut pairs: BTreeMap<(DenominationIndex, DenominationIndex), Prices> = BTreeMap::new();
    let any = Prices { least: Fraction { get: 0, give: 1 }, below: Fraction { get: 1, give: 0 } };
    for (at, fill) in bundle.fills.iter().enumerate() {
        let Some((intent, option)) = option_of(input, fill) else { continue };
        let (own, below) = (Fraction { get: fill.bought, give: fill.sold }, next_price(intent.kind, fill));
        let prices = pairs.entry((option.give, option.get)).or_insert(any);
        if below.compare(prices.below) == Ordering::Less {
            prices.below = below;
        }
        if own.compare(prices.least) == Ordering::Greater && !is_at_floor(input, intent.kind, fill) {
            prices.least = own;
        }
        if prices.least.compare(prices.below) != Ordering::Less {
            let message = "expected one price for all fills of a directed pair, found none that gives them all";
            return Err(Refusal::new(Reason::UnequalPrices, format!("fills[{at}].bought"), message));
        }
    }
    Ok(())
}

/// The least price at which a fill of the same fixed side would be better by an atom.
fn next_price(kind: Kind, fill: &Fill) -> Fraction {
    match kind {
        Kind::ExactIn => Fraction { get: fill.bought.saturating_add(1), give: fill.sold },
        Kind::ExactOut => Fraction { get: fill.bought, give: fill.sold.saturating_sub(1) },
    }
}

/// Whether a fill worse by an atom would be worse than the floor.
fn is_at_floor(input: &AuctionInput, kind: Kind, fill: &Fill) -> bool {
    let worse = match kind {
        Kind::ExactIn => Fill { bought: fill.bought.saturating_sub(1), ..*fill },
        Kind::ExactOut => Fill { sold: fill.sold.saturating_add(1), ..*fill },
    };
    check_floor(input, fill.intent, &[worse]).is_err()
}
