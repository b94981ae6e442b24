//! An upper bound by prices: for any prices y of cliques, no set is worth more than their sum and what its members
//! are worth beyond the prices of their cliques.
//!
//! That is the Lagrangian dual of choosing at most one member a clique (Held, Wolfe and Crowder, 1974), lowered by
//! subgradient steps in whole numbers. What lines forbid only lowers what can be reached.

use super::component::{Component, Place, at, at_mut};
use super::work::Work;
use crate::money::Score;

/// The most steps; beyond it the bound hardly moves.
const STEPS_MAX: usize = 300;
/// Steps without a better bound after which they are halved.
const PATIENCE: usize = 8;
/// Steps are in 1,024ths of Polyak's.
const STEP_UNIT: Score = 1_024;

/// Prices and what they show.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    /// No set is worth more.
    pub(super) bound: Score,
    /// What each member is worth beyond the prices of its cliques; can be negative.
    pub(super) beyond: Vec<Score>,
}

impl Prices {
    /// The least bound found within the budget, beginning with each member's worth split over its cliques.
    ///
    /// `reached` is the worth of a set that is known.
    pub(super) fn find(component: &Component<'_>, reached: Score, work: &mut Work) -> Prices {
        let mut prices: Vec<Score> = vec![0; component.cliques.len()];
        for place in component.places() {
            let cliques = component.cliques_of(place);
            let share = share(component.weight(place), cliques.len());
            for clique in cliques {
                if let Some(price) = at_mut(&mut prices, *clique) {
                    *price = (*price).max(share);
                }
            }
        }
        let mut best = Prices::at(component, &prices);
        let (mut scale, mut since) = (STEP_UNIT, 0_usize);
        let looks = component.cliques.iter().fold(component.len(), |sum, clique| sum.saturating_add(clique.len()));
        let looks = u64::try_from(looks).unwrap_or(u64::MAX).div_ceil(2);
        let mut current = best.clone();
        for _ in 0..STEPS_MAX {
            if best.bound <= reached || scale == 0 || work.left() < looks {
                break;
            }
            work.spend(looks);
            step(component, &mut prices, &current, reached, scale);
            current = Prices::at(component, &prices);
            since = if current.bound < best.bound { 0 } else { since.saturating_add(1) };
            if current.bound < best.bound {
                best = current.clone();
            }
            if since >= PATIENCE {
                (scale, since) = (scale >> 1, 0);
            }
        }
        best
    }

    fn at(component: &Component<'_>, prices: &[Score]) -> Prices {
        let price = |clique: &u32| at(prices, *clique).copied().unwrap_or(0);
        let beyond = |place: Place| {
            let cliques = component.cliques_of(place).iter().map(price);
            cliques.fold(component.weight(place), Score::saturating_sub)
        };
        let beyond: Vec<Score> = component.places().map(beyond).collect();
        let sum = prices.iter().copied().fold(0, Score::saturating_add);
        let bound = beyond.iter().filter(|beyond| **beyond > 0).copied().fold(sum, Score::saturating_add);
        Prices { bound, beyond }
    }

    /// No set that is better than `reached` has this member.
    pub(super) fn excludes(&self, place: Place, reached: Score) -> bool {
        let beyond = at(&self.beyond, place).copied().unwrap_or(0);
        beyond < 0 && self.bound.saturating_add(beyond) <= reached
    }
}

fn share(weight: Score, count: usize) -> Score {
    let count = Score::try_from(count).unwrap_or(Score::MAX);
    weight.saturating_add(count).saturating_sub(1).checked_div(count).unwrap_or(0)
}

/// Raises the prices of cliques that several members would pay, lowers those that none would.
fn step(component: &Component<'_>, prices: &mut [Score], current: &Prices, reached: Score, scale: Score) {
    let wanted = |place: &&Place| at(&current.beyond, **place).is_some_and(|beyond| *beyond > 0);
    let slopes: Vec<Score> = component
        .cliques
        .iter()
        .map(|clique| Score::try_from(clique.iter().filter(wanted).count()).unwrap_or(0).saturating_sub(1))
        .collect();
    let is_kept = |slope: Score, price: Score| slope > 0 || price > 0;
    let norm = slopes.iter().zip(prices.iter()).filter(|(slope, price)| is_kept(**slope, **price));
    let norm = norm.fold(0, |sum: Score, (slope, _)| sum.saturating_add(slope.saturating_mul(*slope)));
    let gap = current.bound.saturating_sub(reached);
    let unit = gap.saturating_mul(scale).checked_div(norm.saturating_mul(STEP_UNIT)).unwrap_or(0);
    for (price, slope) in prices.iter_mut().zip(slopes) {
        *price = price.saturating_add(unit.saturating_mul(slope)).max(0);
    }
}
