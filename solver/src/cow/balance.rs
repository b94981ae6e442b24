//! What a solution leaves over, given away: CoW's settlements keep it, Clearlane's bundles may keep an atom a fill.

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, Bundle, Fill, VenueUse};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::DenominationIndex;

use super::settlement::terms;

/// The same with what is left over of each denomination given to the fills whose open side it is, at one price for all
/// of a pair, else to venues: they may take more and give less than their rules say.
pub(super) fn balanced(input: &AuctionInput, mut bundle: Bundle) -> Bundle {
    let slack = Atoms::try_from(bundle.fills.len()).unwrap_or(0);
    for (token, spare) in leftovers(input, &bundle) {
        if spare > slack && !is_given_to_fills(input, &mut bundle.fills, token, spare) {
            give_to_venues(input, &mut bundle.uses, token, spare);
        }
    }
    bundle
}

fn leftovers(input: &AuctionInput, bundle: &Bundle) -> BTreeMap<DenominationIndex, Atoms> {
    let mut sums: BTreeMap<DenominationIndex, (Atoms, Atoms)> = BTreeMap::new();
    let mut add = |token, inward: Atoms, outward: Atoms| {
        let sum = sums.entry(token).or_default();
        *sum = (sum.0.saturating_add(inward), sum.1.saturating_add(outward));
    };
    for fill in &bundle.fills {
        if let Some((_, option)) = terms(input, fill.intent) {
            add(option.give, fill.sold, 0);
            add(option.get, 0, fill.bought);
        }
    }
    for used in &bundle.uses {
        if let Some((put, drawn)) = sides(input, used) {
            add(put, 0, used.amount_in);
            add(drawn, used.amount_out, 0);
        }
    }
    sums.into_iter().map(|(token, (inward, outward))| (token, inward.saturating_sub(outward))).collect()
}

fn sides(input: &AuctionInput, used: &VenueUse) -> Option<(DenominationIndex, DenominationIndex)> {
    input.venues.get(used.venue.at()).and_then(|venue| venue.sides(used.direction))
}

/// Prices the fills of one directed pair anew, so that they take what is left over: the pair whose open side it is and
/// that trades most.
fn is_given_to_fills(input: &AuctionInput, fills: &mut [Fill], token: DenominationIndex, spare: Atoms) -> bool {
    let mut pairs: BTreeMap<(DenominationIndex, DenominationIndex), Pair> = BTreeMap::new();
    for fill in &*fills {
        let Some((intent, option)) = terms(input, fill.intent) else { return false };
        let pair = pairs.entry((option.give, option.get)).or_default();
        pair.sold = pair.sold.saturating_add(fill.sold);
        pair.bought = pair.bought.saturating_add(fill.bought);
        pair.is_open &= intent.surplus_denomination(option) == token;
    }
    let open = pairs.into_iter().filter(|(_, pair)| pair.is_open);
    let Some((key, pair)) = open.max_by_key(|(key, pair)| if key.1 == token { pair.bought } else { pair.sold }) else {
        return false;
    };
    let more = |fill: &Fill| {
        let (intent, option) = terms(input, fill.intent)?;
        if (option.give, option.get) != key {
            return Some(*fill);
        }
        Some(match intent.kind {
            Kind::ExactIn => {
                let bought = mul_div(fill.sold, pair.bought.checked_add(spare)?, pair.sold, Rounding::Down)?;
                Fill { bought: bought.max(fill.bought), ..*fill }
            }
            Kind::ExactOut => {
                let left = pair.sold.checked_sub(spare).filter(|left| *left > 0)?;
                let sold = mul_div(fill.bought, left, pair.bought, Rounding::Up)?;
                Fill { sold: sold.min(fill.sold), ..*fill }
            }
        })
    };
    let Some(given) = fills.iter().map(more).collect::<Option<Vec<Fill>>>() else { return false };
    fills.copy_from_slice(&given);
    true
}

/// What a directed pair trades.
struct Pair {
    sold: Atoms,
    bought: Atoms,
    /// Whether what is left over is the open side of all its fills.
    is_open: bool,
}

impl Default for Pair {
    fn default() -> Pair {
        Pair { sold: 0, bought: 0, is_open: true }
    }
}

fn give_to_venues(input: &AuctionInput, uses: &mut [VenueUse], token: DenominationIndex, spare: Atoms) {
    let mut spare = spare;
    for used in uses {
        let Some((put, drawn)) = sides(input, used) else { continue };
        if drawn == token {
            let kept = spare.min(used.amount_out.saturating_sub(1));
            used.amount_out = used.amount_out.saturating_sub(kept);
            spare = spare.saturating_sub(kept);
        } else if put == token {
            used.amount_in = used.amount_in.saturating_add(spare);
            spare = 0;
        }
    }
}
