//! Follows the path to an optimum: Mehrotra's predictor and corrector with separate step lengths.

use super::interior::{Interior, Standing};
use super::newton::Step;
use super::node::Snapshot;

/// Products below this drown in rounding.
pub(super) const MU_MIN: f64 = 1e-6;

/// Products that run ahead of what rows get wrong leave no room to correct it.
const MU_OVER_RESIDUAL: f64 = 3e-6;
/// Aiming further away from the end than this helps nothing.
const MU_MAX: f64 = 30.0;

/// Where to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    /// Stops once the mean product is at most this...
    pub(super) mu: f64,
    /// ...or, if it is larger, the value times this over the number of products...
    pub(super) relative: f64,
    /// ...and rows are wrong by at most this value.
    pub(super) residual: f64,
    /// The most steps.
    pub(super) steps: usize,
    /// A bound below this value ends the search for more.
    pub(super) cutoff: f64,
}

/// How following a path ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// At the goal.
    Reached,
    /// No solution with these decisions is better than the cutoff.
    Pruned,
    /// Rows run short whatever is done.
    Infeasible,
    /// Too many steps, or steps too short.
    Stalled,
    /// The budget is spent.
    Halted,
}

/// A snapshot is taken at the last point with a mean product of at least this.
pub(super) const SNAPSHOT_MU: f64 = 0.3;
/// Bounds are looked at from here on; before, they are far too high.
const BOUND_MU: f64 = 1.0;
/// Steps shorter than this for so many times make no progress.
const SHORT: f64 = 1e-4;
const SHORT_STEPS_MAX: usize = 6;
/// Where steps become short at a point as good as this, rounding is all that keeps it from the goal.
const CLOSE_MU: f64 = 1e-4;
const CLOSE_RESIDUAL: f64 = 0.05;

impl Interior<'_> {
    /// Follows the path to the goal; `snapshot`, if given, keeps a point on the way.
    pub(super) fn follow_path(
        &mut self,
        goal: &Goal,
        mut snapshot: Option<&mut Snapshot>,
        is_halted: &dyn Fn() -> bool,
    ) -> (Ending, Standing) {
        let mut short_steps = 0;
        let mut standing = self.stand();
        for _ in 0..goal.steps {
            let mu = goal.mu.max(goal.relative * standing.value / count(self.pairs));
            if standing.mu <= mu && standing.residual <= goal.residual {
                let is_short = standing.elastic > 0.02 + standing.mu * count(self.levels.len());
                return (if is_short { Ending::Infeasible } else { Ending::Reached }, standing);
            }
            if let Some(kept) = snapshot.as_mut().filter(|_| standing.mu >= SNAPSHOT_MU) {
                self.keep(standing.mu, kept);
            }
            if standing.mu <= BOUND_MU && goal.cutoff > 0.0 && self.bound(&self.prices()) < goal.cutoff {
                return (Ending::Pruned, standing);
            }
            if is_halted() {
                return (Ending::Halted, standing);
            }
            let step = self.next_step(&standing, goal);
            let is_short = step.traded.min(step.priced) < SHORT;
            if is_short && standing.mu <= CLOSE_MU && standing.residual <= CLOSE_RESIDUAL {
                return (Ending::Reached, standing);
            }
            self.advance(step);
            standing = self.stand();
            short_steps = if is_short { short_steps + 1 } else { 0 };
            if short_steps > SHORT_STEPS_MAX || !standing.mu.is_finite() || !standing.residual.is_finite() {
                return (Ending::Stalled, standing);
            }
        }
        (Ending::Stalled, standing)
    }

    /// Aims at the next point; the step is not taken yet.
    fn next_step(&mut self, standing: &Standing, goal: &Goal) -> Step {
        self.assemble();
        self.drop_products();
        self.aim(0.0);
        let predicted = self.longest().scaled(1.0);
        let shortest = predicted.traded.min(predicted.priced);
        let sigma = if shortest < 0.02 && standing.residual > goal.residual {
            4.0
        } else if shortest < 0.1 {
            1.0
        } else {
            self.keep_products();
            (self.mu_after(predicted) / standing.mu).max(0.0).powi(3)
        };
        let least = (MU_OVER_RESIDUAL * standing.residual).min(standing.mu).max(0.5 * MU_MIN);
        self.aim((sigma * standing.mu).max(least).min(MU_MAX));
        self.longest().scaled(fraction(standing.mu))
    }
}

impl Step {
    /// Steps of this fraction of the way to the boundary, at most whole ones.
    fn scaled(self, fraction: f64) -> Step {
        Step { traded: (self.traded * fraction).min(1.0), priced: (self.priced * fraction).min(1.0) }
    }
}

/// How far to the boundary a step may go: further the closer the end.
fn fraction(mu: f64) -> f64 {
    if mu > 1.0 { 0.95 } else { 0.99 }
}

fn count(of: usize) -> f64 {
    f64::from(u32::try_from(of.max(1)).unwrap_or(u32::MAX))
}
