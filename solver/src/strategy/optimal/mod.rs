//! The reference strategy.
mod bound;
mod cholesky;
mod curve;
mod interior;
mod liquidity;
mod model;
mod newton;
mod node;
mod path;
mod random;
mod values;

use clearlane_core::auction::AuctionInput;

/// Root relaxation, for development.
#[must_use]
pub fn relax(input: &AuctionInput) -> (f64, f64, usize, String) {
    use node::*;
    let model = model::Model::of(input);
    let choices = vec![Choice::Open; model.groups.len()];
    let snapshot = Snapshot::cold(&model, 20.0);
    let mut point =
        interior::Interior::of(&model, &choices, &Restriction::default(), &snapshot, cholesky::Cholesky::default());
    let goal = path::Goal { mu: 1e-6, relative: 1e-6, residual: 1e-3, steps: 80, cutoff: 0.0 };
    let counter = std::cell::Cell::new(0);
    let halt = || {
        counter.set(counter.get() + 1);
        false
    };
    let (ending, standing) = point.follow_path(&goal, None, &halt);
    let bound = point.bound(&point.prices());
    (bound / model.values.unit, standing.value / model.values.unit, counter.get(), format!("{ending:?} {standing:?}"))
}
