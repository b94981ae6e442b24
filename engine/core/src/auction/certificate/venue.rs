//! What a venue can lose at given prices, over every directed pair of its coins.
//!
//! For two coins the sum of both directions bounds any mix of uses both ways: reserves can't end below the opening in
//! one coin without the other's being put in, but for what the opening leaves free, which each direction counts.

use super::evaluate::Worths;
use super::ladder::{self, Counted};
use super::product::{self, Coin};
use super::worth::{Value, Worth};
use super::{rail, stable};
use crate::auction::AuctionVenue;
use crate::money::MILLION;
use crate::venue::{Direction, RESERVE_MICRO_BITS, Terms, VenueState};
use crate::wide::U256;

/// The most a venue loses; `None` if it does not fit.
pub(super) fn most_of_venue(worths: &Worths, venue: &AuctionVenue) -> Option<Value> {
    [Direction::Forward, Direction::Backward].into_iter().try_fold(Value::ZERO, |sum, direction| {
        let [first, second] = venue.coins.map(|coin| worths.dual(coin));
        let (put, drawn) = if direction == Direction::Forward { (first, second) } else { (second, first) };
        let gain = if drawn.is_nothing() { Value::ZERO } else { most_of_pair(venue, direction, &put, &drawn)? };
        sum.checked_add(gain)
    })
}

/// The most that uses of one directed pair gain, `put` and `drawn` being what an atom of each coin is worth.
fn most_of_pair(venue: &AuctionVenue, direction: Direction, put: &Worth, drawn: &Worth) -> Option<Value> {
    let state = &venue.opening;
    match &venue.terms {
        Terms::ConstantProduct(pool) => most_of_product(state, direction, pool.fee_ppm, [1, 1], put, drawn),
        Terms::Weighted(pool) => most_of_product(state, direction, pool.fee_ppm, pool.weights, put, drawn),
        Terms::Stable(pool) => match (sides(state, direction), kept(pool.fee_ppm)) {
            (Some(reserves), Some(kept_ppm)) => stable::most(pool, direction, reserves, kept_ppm, put, drawn),
            (None, _) | (_, None) => Some(Value::ZERO),
        },
        Terms::Ladder(terms) => match (*state, direction) {
            (VenueState::Counter { taken, available, .. }, Direction::Forward) => {
                let unclaimed = venue.terms.unclaimed(state, direction).unwrap_or(0);
                ladder::most(terms, Counted { taken, unclaimed, available }, put, drawn)
            }
            (VenueState::Counter { .. } | VenueState::Pool { .. }, _) => Some(Value::ZERO),
        },
        Terms::Rail(terms) => match (*state, direction) {
            (VenueState::Counter { uses, available, .. }, Direction::Forward) => {
                rail::most(terms, terms.uses_max.saturating_sub(uses), available, put, drawn)
            }
            (VenueState::Counter { .. } | VenueState::Pool { .. }, _) => Some(Value::ZERO),
        },
    }
}

fn most_of_product(
    state: &VenueState,
    direction: Direction,
    fee_ppm: u32,
    weights: [u32; 2],
    put: &Worth,
    drawn: &Worth,
) -> Option<Value> {
    let (Some([put_micro, drawn_micro]), Some(kept_ppm)) = (sides(state, direction), kept(fee_ppm)) else {
        return Some(Value::ZERO);
    };
    let [first, second] = weights;
    let (put_weight, drawn_weight) = if direction == Direction::Forward { (first, second) } else { (second, first) };
    let put = Coin { worth: *put, reserve_micro: put_micro, weight: put_weight };
    let drawn = Coin { worth: *drawn, reserve_micro: drawn_micro, weight: drawn_weight };
    product::most(&put, &drawn, kept_ppm)
}

/// The reserves of the coin put in and of the coin drawn; `None` where the pool takes no use.
fn sides(state: &VenueState, direction: Direction) -> Option<[U256; 2]> {
    let VenueState::Pool { reserves_micro: [first, second] } = *state else { return None };
    let is_usable = |reserve: U256| !reserve.is_zero() && reserve.bit_len() <= RESERVE_MICRO_BITS;
    let sides = if direction == Direction::Forward { [first, second] } else { [second, first] };
    sides.into_iter().all(is_usable).then_some(sides)
}

/// What a fee leaves of a million; `None` where it leaves nothing, and the pool takes no use.
fn kept(fee_ppm: u32) -> Option<u128> {
    MILLION.checked_sub(u128::from(fee_ppm)).filter(|kept| *kept > 0)
}
