//! What a venue can lose at given prices, over uses of every directed pair of its coins.
//!
//! For ladders, rails and pools of two coins the sum of both directions bounds any mix of uses both ways: reserves
//! can't end below the opening in one coin without the other's being put in, but for what the opening leaves free,
//! which each direction counts. Pools of more coins are bounded as a whole.

use super::evaluate::Worths;
use super::ladder::{self, Counted};
use super::worth::{Value, Worth};
use super::{concentrated, product, rail, stable, tangent, weighted};
use crate::auction::AuctionVenue;
use crate::money::MILLION;
use crate::venue::{Direction, PerCoin, RESERVE_MICRO_BITS, Stable, Terms, VenueState, Weighted};
use crate::wide::U256;

/// What one atom of each coin of a venue is worth.
type CoinWorths = PerCoin<Worth>;

/// The most a venue loses; `None` if it does not fit.
pub(super) fn most_of_venue(worths: &Worths, venue: &AuctionVenue) -> Option<Value> {
    let worths = venue.coins.map(|coin| worths.dual(coin));
    let state = &venue.opening;
    match &venue.terms {
        Terms::ConstantProduct(pool) => {
            both(&worths, |direction, put, drawn| match (sides(state, direction), kept(pool.fee_ppm)) {
                (Some(reserves), Some(kept_ppm)) => product::most(reserves, kept_ppm, put, drawn),
                (None, _) | (_, None) => Some(Value::ZERO),
            })
        }
        Terms::Weighted(pool) => most_of_weighted(pool, state, &worths),
        Terms::Stable(pool) => most_of_stable(pool, state, &worths),
        Terms::Concentrated(pool) => match (state, kept(pool.fee_ppm())) {
            (VenueState::Concentrated { sqrt_price, held }, Some(kept_ppm)) => {
                concentrated::most(pool, *sqrt_price, *held, kept_ppm, &worths)
            }
            (VenueState::Concentrated { .. } | VenueState::Pool { .. } | VenueState::Counter { .. }, _) => {
                Some(Value::ZERO)
            }
        },
        Terms::Ladder(_) | Terms::Rail(_) => most_of_counter(venue, &worths),
    }
}

fn most_of_weighted(pool: &Weighted, state: &VenueState, worths: &CoinWorths) -> Option<Value> {
    match (state, kept(pool.fee_ppm)) {
        (VenueState::Pool { reserves_micro }, Some(kept_ppm)) => {
            let rows = worths.iter().zip(reserves_micro).zip(&pool.weights);
            let usable = rows.filter(|((_, reserve), _)| is_usable(**reserve));
            let coins =
                usable.map(|((worth, reserve), weight)| weighted::Coin::new(worth, *reserve, *weight, kept_ppm));
            weighted::most(&coins.collect::<Option<Vec<_>>>()?)
        }
        (VenueState::Pool { .. } | VenueState::Counter { .. } | VenueState::Concentrated { .. }, _) => {
            Some(Value::ZERO)
        }
    }
}

fn most_of_stable(pool: &Stable, state: &VenueState, worths: &CoinWorths) -> Option<Value> {
    let (VenueState::Pool { reserves_micro }, Some(kept_ppm)) = (state, kept(pool.fee_ppm)) else {
        return Some(Value::ZERO);
    };
    if pool.scale.count() > 2 {
        return tangent::most(pool, reserves_micro, kept_ppm, worths);
    }
    both(worths, |direction, put, drawn| match sides(state, direction) {
        Some(reserves) => stable::most(pool, direction, reserves, kept_ppm, put, drawn),
        None => Some(Value::ZERO),
    })
}

fn most_of_counter(venue: &AuctionVenue, worths: &CoinWorths) -> Option<Value> {
    let (Some(put), Some(drawn)) = (worths.get(Direction::FORWARD.from), worths.get(Direction::FORWARD.into)) else {
        return Some(Value::ZERO);
    };
    match (&venue.terms, venue.opening) {
        (Terms::Ladder(terms), VenueState::Counter { taken, available, .. }) => {
            let unclaimed = venue.terms.unclaimed(&venue.opening, Direction::FORWARD).unwrap_or(0);
            ladder::most(terms, Counted { taken, unclaimed, available }, &put, &drawn)
        }
        (Terms::Rail(terms), VenueState::Counter { uses, available, .. }) => {
            rail::most(terms, terms.uses_max.saturating_sub(uses), available, &put, &drawn)
        }
        (_, VenueState::Counter { .. } | VenueState::Pool { .. } | VenueState::Concentrated { .. }) => {
            Some(Value::ZERO)
        }
    }
}

/// The sum over both directions of what uses of one gain, given what an atom put in and one drawn are worth.
fn both(worths: &CoinWorths, most: impl Fn(Direction, &Worth, &Worth) -> Option<Value>) -> Option<Value> {
    [Direction::FORWARD, Direction::BACKWARD].into_iter().try_fold(Value::ZERO, |sum, direction| {
        let (put, drawn) = worths.get(direction.from).zip(worths.get(direction.into))?;
        let gain = if drawn.is_nothing() { Value::ZERO } else { most(direction, &put, &drawn)? };
        sum.checked_add(gain)
    })
}

/// The reserves of the coin put in and of the coin drawn; `None` where the pool takes no use.
fn sides(state: &VenueState, direction: Direction) -> Option<[U256; 2]> {
    let VenueState::Pool { reserves_micro } = state else { return None };
    let sides = [reserves_micro.get(direction.from)?, reserves_micro.get(direction.into)?];
    sides.into_iter().all(is_usable).then_some(sides)
}

/// Whether a pool takes uses of a coin at all; one that it does not take stays so.
fn is_usable(reserve: U256) -> bool {
    !reserve.is_zero() && reserve.bit_len() <= RESERVE_MICRO_BITS
}

/// What a fee leaves of a million; `None` where it leaves nothing, and the pool takes no use.
fn kept(fee_ppm: u32) -> Option<u128> {
    MILLION.checked_sub(u128::from(fee_ppm)).filter(|kept| *kept > 0)
}
