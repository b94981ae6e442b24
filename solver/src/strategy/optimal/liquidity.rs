//! The ways to use a venue, as the solver sees them: one place for every kind of venue.
//!
//! A pool is a curve each way, a ladder a list of levels, a rail a fixed fee and a rate. Amounts are
//! values: atoms times the model's value of an atom.

use clearlane_core::auction::AuctionVenue;
use clearlane_core::names::DenominationIndex;
use clearlane_core::venue::{Direction, PerCoin, Terms, VenueState, Weighted};
use clearlane_core::wide::U512;

use super::curve::{Bend, Shape};
use super::stretch::{Stretch, stretches};
use crate::strategy::value::{float, wide_float};

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
    /// Smooth.
    Curve {
        /// What it gives.
        shape: Shape,
        /// The most that goes in.
        most: f64,
    },
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
            Offer::Curve { shape, .. } => shape.at(0.0).slope,
            Offer::Levels(levels) => levels.first().map_or(0.0, |[input, output]| output / input),
            Offer::Rail { rate, .. } => *rate,
        }
    }
}

impl Offer {
    /// What goes in and what comes out where a venue is used on its own scale.
    pub(super) fn depths(&self) -> [f64; 2] {
        match self {
            Offer::Curve { shape, most } => {
                let put = shape.scale().min(*most);
                [put, shape.at(put).out]
            }
            Offer::Levels(levels) => {
                levels.iter().fold([0.0; 2], |[put, out], [input, output]| [put + input, out + output])
            }
            Offer::Rail { max, rate, .. } => [*max, max * rate],
        }
    }
}

/// Every way to use a venue in its state at the open; `values` is the value of an atom by denomination.
///
/// A pool of several coins has a way for each pair, though only one of them can be used.
pub(super) fn ways(venue: &AuctionVenue, values: &[f64]) -> Vec<Way> {
    let mut ways = Vec::new();
    for direction in venue.directions() {
        let Some((input, output)) = venue.sides(direction) else { continue };
        let offers = offers(venue, direction, [values[input.at()], values[output.at()]]);
        ways.extend(offers.into_iter().map(|offer| Way { direction, input, output, offer }));
    }
    ways
}

/// What a venue offers one way; a concentrated pool one stretch after another.
fn offers(venue: &AuctionVenue, direction: Direction, values: [f64; 2]) -> Vec<Offer> {
    match (&venue.opening, &venue.terms) {
        (VenueState::Pool { reserves_micro }, _) => {
            let reserves = reserves_micro.map(|reserve| wide_float(U512::from(reserve)) / 1e6);
            let shape = pool_shape(venue, direction, &reserves, values);
            shape.map(|shape| Offer::Curve { shape, most: f64::INFINITY }).into_iter().collect()
        }
        (VenueState::Concentrated { sqrt_price, .. }, Terms::Concentrated(pool)) => {
            let stretches = stretches(pool, *sqrt_price, direction, values).into_iter();
            stretches.map(|Stretch { x, y, most }| Offer::Curve { shape: Shape::Product { x, y }, most }).collect()
        }
        (VenueState::Counter { available, .. }, _) if direction == Direction::FORWARD => {
            one_way(venue, float(*available), values).into_iter().collect()
        }
        (VenueState::Concentrated { .. } | VenueState::Counter { .. }, _) => Vec::new(),
    }
}

fn pool_shape(
    venue: &AuctionVenue,
    direction: Direction,
    reserves: &PerCoin<f64>,
    [value_in, value_out]: [f64; 2],
) -> Option<Shape> {
    let kept = |fee_ppm: u32| 1.0 - f64::from(fee_ppm) / 1e6;
    let (put, drawn) = (reserves.get(direction.from)?, reserves.get(direction.into)?);
    let grown = |fee_ppm: u32| put / kept(fee_ppm) * value_in;
    let y = drawn * value_out;
    let shape = match &venue.terms {
        Terms::ConstantProduct(pool) => Shape::Product { x: grown(pool.fee_ppm), y },
        Terms::Weighted(pool) => {
            let w = weight(pool, direction.from)? / weight(pool, direction.into)?;
            Shape::Power { x: grown(pool.fee_ppm), y, w }
        }
        Terms::Stable(pool) => {
            let invariant = float(pool.d);
            let scaled = |coin: u8| Some(reserves.get(coin)? * float(pool.scale.get(coin)?) / invariant);
            let others =
                (0_u8..).take(reserves.count()).filter(|coin| *coin != direction.from && *coin != direction.into);
            let others: Vec<f64> = others.filter_map(scaled).collect();
            let coins = f64::from(u8::try_from(reserves.count()).ok()?);
            let part = 1.0 / (coins.powf(coins) * others.iter().product::<f64>());
            let bend = Bend { ann: float(pool.ann.into()), rest: others.iter().sum(), part };
            let [scale_in, scale_out] =
                [float(pool.scale.get(direction.from)?), float(pool.scale.get(direction.into)?)];
            Shape::Stable {
                bend,
                x: scaled(direction.from)?,
                input: kept(pool.fee_ppm) * scale_in / (invariant * value_in),
                output: invariant * value_out / scale_out,
            }
        }
        Terms::Ladder(_) | Terms::Rail(_) | Terms::Concentrated(_) => return None,
    };
    let is_usable = reserves.as_slice().iter().all(|reserve| *reserve > 0.0) && shape.at(0.0).slope > 0.0;
    is_usable.then_some(shape)
}

fn weight(pool: &Weighted, coin: u8) -> Option<f64> {
    pool.weights.get(coin).map(|weight| float(weight.into()))
}

fn one_way(venue: &AuctionVenue, available: f64, [value_in, value_out]: [f64; 2]) -> Option<Offer> {
    match &venue.terms {
        Terms::Ladder(ladder) => {
            let mut left = available;
            let levels = ladder.levels.iter().map(|level| {
                let [amount_in, amount_out] = [float(level.amount_in), float(level.amount_out)];
                let share = (left / amount_out.max(1.0)).min(1.0);
                left -= amount_out * share;
                [amount_in * share * value_in, amount_out * share * value_out]
            });
            Some(Offer::Levels(levels.filter(|[input, output]| *input > 0.0 && *output > 0.0).collect()))
        }
        Terms::Rail(rail) => {
            let rate = float(rail.rate_num) / float(rail.rate_den) * (1.0 - f64::from(rail.fee_ppm) / 1e6);
            let most = float(rail.max_in).min(available / rate.max(f64::MIN_POSITIVE) + float(rail.fixed_fee));
            Some(Offer::Rail {
                min: float(rail.min_in) * value_in,
                max: most * value_in,
                fee: float(rail.fixed_fee) * value_in,
                rate: rate * value_out / value_in,
            })
        }
        Terms::ConstantProduct(_) | Terms::Weighted(_) | Terms::Stable(_) | Terms::Concentrated(_) => None,
    }
}
