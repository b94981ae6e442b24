//! A bundle that uses its venues less, so that opposing orders can have one price.

use clearlane_core::auction::{AuctionInput, Bundle, VenueUse};
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::DenominationIndex;

use super::pricing::Sides;

/// Parts of the whole in which uses are scaled.
const WHOLE: Atoms = 1 << 40;

/// The uses at the largest scale found by bisection at which `is_enough` holds, with what the sides then trade: those
/// who give a token get all that is there of the other.
pub(super) fn scaled_until(
    input: &AuctionInput,
    bundle: &Bundle,
    [first, second]: [DenominationIndex; 2],
    is_enough: impl Fn(&Sides) -> bool,
) -> Option<(Vec<VenueUse>, Sides)> {
    let at = |scale: Atoms| {
        let uses = scaled(input, &bundle.uses, scale)?;
        let sides = sides(input, bundle, &uses, [first, second])?;
        Some((uses, sides))
    };
    let (mut low, mut high) = (0, WHOLE);
    let mut best = at(low).filter(|(_, sides)| is_enough(sides))?;
    while high > low + 1 {
        let middle = low.midpoint(high);
        match at(middle).filter(|(_, sides)| is_enough(sides)) {
            Some(found) => (low, best) = (middle, found),
            None => high = middle,
        }
    }
    Some(best)
}

/// Each use with a part of what goes in, and what its venue gives for that.
fn scaled(input: &AuctionInput, uses: &[VenueUse], scale: Atoms) -> Option<Vec<VenueUse>> {
    let mut scaled = Vec::with_capacity(uses.len());
    for used in uses {
        let venue = input.venues.get(used.venue.at())?;
        let amount_in = mul_div(used.amount_in, scale, WHOLE, Rounding::Down)?;
        let given = venue.terms.out_for(&venue.opening, used.direction, amount_in).filter(|_| amount_in > 0);
        if let Some(amount_out) = given.filter(|amount| *amount > 0) {
            scaled.push(VenueUse { amount_in, amount_out, ..*used });
        }
    }
    Some(scaled)
}

/// What those who give each token sell, and what is there for them.
fn sides(
    input: &AuctionInput,
    bundle: &Bundle,
    uses: &[VenueUse],
    [first, second]: [DenominationIndex; 2],
) -> Option<Sides> {
    let mut sides = Sides::default();
    for fill in &bundle.fills {
        let (_, option) = super::settlement::terms(input, fill.intent)?;
        let sold = if option.give == first { &mut sides.forward.0 } else { &mut sides.backward.0 };
        *sold = sold.checked_add(fill.sold)?;
        sides.count = sides.count.saturating_add(1);
    }
    let left = |token: DenominationIndex, sold: Atoms| {
        let mut left: (Atoms, Atoms) = (sold, 0);
        for used in uses {
            let (put, drawn) = input.venues.get(used.venue.at())?.sides(used.direction)?;
            left.0 = if drawn == token { left.0.checked_add(used.amount_out)? } else { left.0 };
            left.1 = if put == token { left.1.checked_add(used.amount_in)? } else { left.1 };
        }
        left.0.checked_sub(left.1)
    };
    sides.forward.1 = left(second, sides.backward.0)?;
    sides.backward.1 = left(first, sides.forward.0)?;
    Some(sides)
}
