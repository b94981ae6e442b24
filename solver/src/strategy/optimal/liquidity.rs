//! The ways to use a venue, as the solver sees them: one place for every kind of venue.
//!
//! A pool is a curve each way, a ladder a list of levels, a rail a fixed fee and a rate. Amounts are
//! values: atoms times the model's value of an atom.

use clearlane_core::auction::AuctionVenue;
use clearlane_core::money::Atoms;
use clearlane_core::names::DenominationIndex;
use clearlane_core::venue::{Direction, Terms, VenueState, Weighted};

use super::curve::Shape;
use crate::strategy::value::float;

/// One way to use a venue.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// Which.
    pub(super) direction: Direction,
    /// What goes in.
    pub(super) input: DenominationIndex,
    /// What comes out.
    pub(super) output: DenominationIndex,
    /// On what terms.
    pub(super) offer: Offer,
}

/// The terms of one way.
#[derive(Clone, Debug)]
pub(super) enum Offer {
    /// Smooth, any amount.
    Curve(Shape),
    /// The value in and out of each level, best first.
    Levels(Vec<[f64; 2]>),
    /// A fixed fee for any use at all.
    Rail {
        /// The least value in.
        min: f64,
        /// The most value in.
        max: f64,
        /// The fixed fee, in value of the input.
        fee: f64,
        /// Value out per value in beyond the fee.
        rate: f64,
    },
}

impl Offer {
    /// Value out per value in for a small use, before any fixed fee.
    pub(super) fn marginal(&self) -> f64 {
        match self {
            Offer::Curve(shape) => shape.at(0.0).slope,
            Offer::Levels(levels) => levels.first().map_or(0.0, |[input, output]| output / input),
            Offer::Rail { rate, .. } => *rate,
        }
    }
}

/// Every way to use a venue in its state at the open; `values` is the value of an atom by denomination.
///
/// Pools of more than two coins and concentrated ones have none yet.
pub(super) fn ways(venue: &AuctionVenue, values: &[f64]) -> Vec<Way> {
    match venue.opening {
        VenueState::Pool { reserves_micro } => {
            let reserves = reserves_micro.map(|reserve| {
                let limbs = reserve.as_limbs().iter().rev();
                limbs.fold(0.0, |sum, limb| sum * 18_446_744_073_709_551_616.0 + float(Atoms::from(*limb))) / 1e6
            });
            let two = <[f64; 2]>::try_from(reserves.as_slice());
            let ways = two.into_iter().flat_map(|reserves| {
                let ways = [Direction::FORWARD, Direction::BACKWARD].into_iter();
                ways.filter_map(move |direction| pool_way(venue, direction, reserves, values))
            });
            ways.collect()
        }
        VenueState::Counter { available, .. } => one_way(venue, float(available), values).into_iter().collect(),
        VenueState::Concentrated { .. } => Vec::new(),
    }
}

fn pool_way(venue: &AuctionVenue, direction: Direction, reserves: [f64; 2], values: &[f64]) -> Option<Way> {
    let [put, drawn] = [direction.from, direction.into].map(usize::from);
    let (input, output) = venue.sides(direction)?;
    let [value_in, value_out] = [values[input.at()], values[output.at()]];
    let kept = |fee_ppm: u32| 1.0 - f64::from(fee_ppm) / 1e6;
    let grown = |fee_ppm: u32| reserves[put] / kept(fee_ppm) * value_in;
    let y = reserves[drawn] * value_out;
    let shape = match &venue.terms {
        Terms::ConstantProduct(pool) => Shape::Product { x: grown(pool.fee_ppm), y },
        Terms::Weighted(pool) => {
            let w = weight(pool, direction.from)? / weight(pool, direction.into)?;
            Shape::Power { x: grown(pool.fee_ppm), y, w }
        }
        Terms::Stable(pool) => {
            let invariant = float(pool.d);
            let [scale_in, scale_out] =
                [float(pool.scale.get(direction.from)?), float(pool.scale.get(direction.into)?)];
            Shape::Stable {
                ann: float(pool.ann.into()),
                x: reserves[put] * scale_in / invariant,
                input: kept(pool.fee_ppm) * scale_in / (invariant * value_in),
                output: invariant * value_out / scale_out,
            }
        }
        Terms::Ladder(_) | Terms::Rail(_) | Terms::Concentrated(_) => return None,
    };
    let is_usable = reserves.iter().all(|reserve| *reserve > 0.0) && shape.at(0.0).slope > 0.0;
    is_usable.then_some(Way { direction, input, output, offer: Offer::Curve(shape) })
}

fn weight(pool: &Weighted, coin: u8) -> Option<f64> {
    pool.weights.get(coin).map(|weight| float(weight.into()))
}

fn one_way(venue: &AuctionVenue, available: f64, values: &[f64]) -> Option<Way> {
    let (input, output) = venue.sides(Direction::FORWARD)?;
    let [value_in, value_out] = [values[input.at()], values[output.at()]];
    let offer = match &venue.terms {
        Terms::Ladder(ladder) => {
            let mut left = available;
            let levels = ladder.levels.iter().map(|level| {
                let [amount_in, amount_out] = [float(level.amount_in), float(level.amount_out)];
                let share = (left / amount_out.max(1.0)).min(1.0);
                left -= amount_out * share;
                [amount_in * share * value_in, amount_out * share * value_out]
            });
            Offer::Levels(levels.filter(|[input, output]| *input > 0.0 && *output > 0.0).collect())
        }
        Terms::Rail(rail) => {
            let rate = float(rail.rate_num) / float(rail.rate_den) * (1.0 - f64::from(rail.fee_ppm) / 1e6);
            let most = float(rail.max_in).min(available / rate.max(f64::MIN_POSITIVE) + float(rail.fixed_fee));
            Offer::Rail {
                min: float(rail.min_in) * value_in,
                max: most * value_in,
                fee: float(rail.fixed_fee) * value_in,
                rate: rate * value_out / value_in,
            }
        }
        Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_) | Terms::Concentrated(_) => return None,
    };
    Some(Way { direction: Direction::FORWARD, input, output, offer })
}
