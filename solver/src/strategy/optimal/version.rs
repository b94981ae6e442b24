//! Versions of one auction's program: as it is, and under the floor rules with limits at which all owners of a pair agree.

use std::collections::BTreeSet;

use clearlane_core::auction::AuctionInput;

use super::accepted::{Accepted, Pair, accepted};
use super::balance::Prices;
use super::cholesky::Cholesky;
use super::interior::Interior;
use super::model::Model;
use super::node::{Choice, Restriction, Snapshot};
use super::path::{Ending, Goal};
use super::search::{COLD_MU, Relaxed};
use crate::strategy::floored::tightened;

/// Steps on a relaxation's path.
const STEPS_MAX: usize = 120;
/// Ceilings of shadow prices are raised so often, by so much, where more than this value runs short.
const RAISES_MAX: usize = 10;
const RAISE: f64 = 8.0;
const SHORT_MIN: f64 = 1e-3;
/// How far prices lean from the reference to the shadow prices, and how much more a limit may ask for.
const TRIED: [(f64, f64); 6] = [(1.0, 0.003), (1.0, 0.0), (0.5, 0.003), (1.0, 0.01), (0.0, 0.0), (0.5, 0.0)];
const PRICE_MIN: f64 = 1e-12;

/// An auction with the limits that every answer must keep.
pub(super) struct Task<'a> {
    /// As the core judges it.
    pub(super) input: &'a AuctionInput,
    /// The same with limits at which every floor is kept.
    pub(super) kept: AuctionInput,
}

/// A program with its relaxation.
pub(super) struct Version {
    /// The auction with the limits of this version.
    pub(super) limits: AuctionInput,
    pub(super) model: Model,
    pub(super) root: Relaxed,
    /// The prices at which everybody trades, if they are given.
    pub(super) prices: Option<Prices>,
}

impl<'a> Task<'a> {
    pub(super) fn of(input: &'a AuctionInput) -> Task<'a> {
        Task { input, kept: tightened(input) }
    }

    /// The version in which every fill may have a price of its own; `None` once the budget is spent.
    pub(super) fn free(&self, is_halted: &dyn Fn() -> bool) -> Option<Version> {
        Version::of(self.input, self.kept.clone(), &BTreeSet::new(), is_halted)
    }

    /// The version in which each pair has one price, as far as one of several sets of prices lets most remain: those
    /// between the reference's and the shadow prices of the free version.
    pub(super) fn agreed(&self, free: &Version, is_halted: &dyn Fn() -> bool) -> Option<Version> {
        best(TRIED.into_iter().map(|(lean, slack)| {
            let Accepted { limits, at_limit } = accepted(&self.kept, &free.leaning(lean), slack);
            Version::of(self.input, limits, &at_limit, is_halted)
        }))
    }

    /// The version in which everybody trades at the free version's shadow prices, or half way to the reference's.
    pub(super) fn priced(&self, free: &Version, is_halted: &dyn Fn() -> bool) -> Option<Version> {
        best([1.0, 0.5].into_iter().map(|lean| {
            let (Accepted { limits, at_limit }, prices) = Accepted::at(&self.kept, &free.leaning(lean));
            let version = Version::of(self.input, limits, &at_limit, is_halted)?;
            Some(Version { prices: Some(prices), ..version })
        }))
    }
}

/// The version that may be worth most, of those made before the budget was spent.
fn best(versions: impl Iterator<Item = Option<Version>>) -> Option<Version> {
    versions.map_while(|made| made).reduce(|best, made| if made.root.value > best.root.value { made } else { best })
}

impl Version {
    fn of(
        input: &AuctionInput,
        limits: AuctionInput,
        at_limit: &BTreeSet<Pair>,
        is_halted: &dyn Fn() -> bool,
    ) -> Option<Version> {
        let mut model = Model::of(input, &limits, at_limit);
        let root = relax(&mut model, is_halted)?;
        Some(Version { limits, model, root, prices: None })
    }

    /// Values of an atom between the reference's, at 0, and the shadow prices, at 1.
    fn leaning(&self, lean: f64) -> Vec<f64> {
        let value = |(at, atom): (usize, &f64)| {
            let shadow = self.model.row_of[at].map_or(1.0, |row| self.root.prices[row].max(PRICE_MIN));
            atom * if self.model.values.is_priced[at] { shadow.powf(lean) } else { shadow }
        };
        self.model.values.atoms.iter().enumerate().map(value).collect()
    }

    /// Nothing decided.
    pub(super) fn open(&self) -> Vec<Choice> {
        vec![Choice::Open; self.model.groups.len()]
    }
}

/// The relaxation with nothing decided; `None` once the budget is spent.
///
/// Where a reference price is far off, a shadow price runs into its ceiling: that is raised.
fn relax(model: &mut Model, is_halted: &dyn Fn() -> bool) -> Option<Relaxed> {
    let mut relaxed = None;
    for _ in 0..RAISES_MAX {
        let (found, short) = relax_once(model, is_halted)?;
        relaxed = Some(found);
        for row in &short {
            model.rows[*row].ceiling *= RAISE;
        }
        if short.is_empty() {
            break;
        }
    }
    relaxed
}

/// One relaxation, with the rows that run short at their ceilings.
fn relax_once(model: &Model, is_halted: &dyn Fn() -> bool) -> Option<(Relaxed, Vec<usize>)> {
    let cold = Snapshot::cold(model, COLD_MU);
    let open = vec![Choice::Open; model.groups.len()];
    let mut point = Interior::of(model, &open, &Restriction::default(), &cold, Cholesky::default());
    let goal = Goal { mu: 1e-6, relative: 1e-6, residual: 1e-3, steps: STEPS_MAX, cutoff: 0.0 };
    let mut snapshot = cold.clone();
    let (ending, standing) = point.follow_path(&goal, Some(&mut snapshot), is_halted);
    if ending == Ending::Halted {
        return None;
    }
    let mut shares = vec![0.0; model.terms.len()];
    point.units.iter().for_each(|unit| shares[unit.place] = unit.at.x);
    let levels = point.levels.iter().enumerate();
    let short = levels.filter(|(_, level)| level.elastic > SHORT_MIN && level.price > 0.9 * level.ceiling);
    let short = short.map(|(row, _)| row).collect();
    Some((Relaxed { value: standing.value, shares, prices: point.prices(), snapshot }, short))
}
