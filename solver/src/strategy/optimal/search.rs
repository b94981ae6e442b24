//! What all stages of the search share: the model, the root, the best decisions so far, and when to stop.

use super::cholesky::Cholesky;
use super::interior::Interior;
use super::model::{Model, Rule};
use super::node::{Choice, Restriction, Snapshot};
use super::path::{Ending, Goal};
use super::random::Random;

/// The mean product at which cold starts begin.
pub(super) const COLD_MU: f64 = 20.0;
/// Steps of a program that starts from a snapshot, and of one that does not.
const WARM_STEPS_MAX: usize = 35;
const COLD_STEPS_MAX: usize = 120;
/// Improvements below this share are noise of the relaxation.
const NOISE: f64 = 2e-6;
/// A rail with less than this is not used.
const FLOW_MIN: f64 = 1e-2;
/// Shares this close to zero or one are not fractional.
pub(super) const INTEGRAL: f64 = 0.01;

/// See the module.
pub(super) struct Search<'a> {
    pub(super) model: &'a Model,
    pub(super) is_halted: &'a dyn Fn() -> bool,
    pub(super) random: Random,
    /// The best decisions so far.
    pub(super) best: Option<Found>,
    /// Hears what the best decisions are worth whenever they are better than before.
    pub(super) tell: &'a dyn Fn(f64),
    matrix: Cholesky,
}

/// Decisions on all groups, with what they are worth.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) value: f64,
    pub(super) choices: Vec<Choice>,
    /// A point on the path of these decisions.
    pub(super) snapshot: Snapshot,
}

/// A solved program.
#[derive(Clone, Debug)]
pub(super) struct Relaxed {
    pub(super) value: f64,
    /// x by term; zero where a term is not in use.
    pub(super) shares: Vec<f64>,
    /// Shadow prices by row.
    pub(super) prices: Vec<f64>,
    /// A point on its path.
    pub(super) snapshot: Snapshot,
}

/// How solving a program ended.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Solved.
    Solved(Box<Relaxed>),
    /// Nothing better than the best is in there.
    Worse,
    /// The budget is spent.
    Halted,
}

impl<'a> Search<'a> {
    /// A search that knows no answer yet.
    pub(super) fn new(model: &'a Model, seed: u64, is_halted: &'a dyn Fn() -> bool) -> Search<'a> {
        Search { model, is_halted, random: Random::new(seed), best: None, tell: &|_| {}, matrix: Cholesky::default() }
    }

    /// The value that something new has to exceed.
    pub(super) fn cutoff(&self) -> f64 {
        self.best.as_ref().map_or(0.0, |best| best.value * (1.0 + NOISE))
    }

    /// Solves the program with these decisions, if it may hold something better than the best.
    pub(super) fn solve(&mut self, choices: &[Choice], from: &Snapshot) -> Outcome {
        self.solve_in(self.model, choices, from)
    }

    /// The same in another version of the model.
    pub(super) fn solve_in(&mut self, model: &Model, choices: &[Choice], from: &Snapshot) -> Outcome {
        let cutoff = self.cutoff();
        let cold = Snapshot::cold(model, COLD_MU);
        for (start, steps) in [(from, WARM_STEPS_MAX), (&cold, COLD_STEPS_MAX)] {
            let goal = Goal { mu: 1e-5, relative: 2e-5, residual: 0.02, steps, cutoff };
            let matrix = std::mem::take(&mut self.matrix);
            let mut point = Interior::of(model, choices, &Restriction::default(), start, matrix);
            let mut snapshot = start.clone();
            let (ending, standing) = point.follow_path(&goal, Some(&mut snapshot), self.is_halted);
            let outcome = match ending {
                Ending::Reached => {
                    let mut shares = vec![0.0; model.terms.len()];
                    point.units.iter().for_each(|unit| shares[unit.place] = unit.at.x);
                    let value = standing.value - standing.residual;
                    Outcome::Solved(Box::new(Relaxed { value, shares, prices: point.prices(), snapshot }))
                }
                Ending::Pruned | Ending::Infeasible => Outcome::Worse,
                Ending::Halted => Outcome::Halted,
                Ending::Stalled => {
                    self.matrix = point.matrix;
                    continue;
                }
            };
            self.matrix = point.matrix;
            return outcome;
        }
        Outcome::Worse
    }

    /// Solves decisions in which nothing is open any more and keeps them if they are the best; whether they are.
    pub(super) fn offer(&mut self, choices: Vec<Choice>, from: &Snapshot) -> bool {
        let Outcome::Solved(relaxed) = self.solve(&choices, from) else { return false };
        if relaxed.value <= self.cutoff() {
            return false;
        }
        (self.tell)(relaxed.value);
        self.best = Some(Found { value: relaxed.value, choices, snapshot: relaxed.snapshot });
        true
    }

    /// The places of all groups on which something is to be decided.
    pub(super) fn decidable(&self) -> Vec<usize> {
        let groups = self.model.groups.iter().enumerate();
        groups.filter(|(_, group)| group.rule != Rule::Free).map(|(place, _)| place).collect()
    }
}

/// What a relaxation says of one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Leaning {
    /// How much of the group is used.
    pub(super) used: f64,
    /// The decision closest to the shares.
    pub(super) nearest: Choice,
    /// How far the shares are from any decision.
    pub(super) fraction: f64,
}

/// What the shares say of a group.
pub(super) fn leaning(model: &Model, place: usize, shares: &[f64]) -> Leaning {
    let group = &model.groups[place];
    let of_terms = &shares[group.terms.clone()];
    let used: f64 = of_terms.iter().sum();
    let (largest, most) = of_terms
        .iter()
        .enumerate()
        .fold((0, 0.0), |best, (offset, share)| if *share > best.1 { (offset, *share) } else { best });
    let half = |is_in: bool, choice: Choice| if is_in { choice } else { Choice::Out };
    match group.rule {
        Rule::Free => Leaning { used, nearest: Choice::Open, fraction: 0.0 },
        Rule::Whole => Leaning { used, nearest: half(used > 0.5, Choice::In), fraction: used.min(1.0 - used) },
        Rule::Rail => {
            // A rail takes at least so much that it gives anything, see its entry; any use pays the whole fee.
            let flow = -used * model.terms[group.terms.start].by_x[0];
            let is_enough = flow >= -group.entry[0] && flow > 0.0;
            let fraction = if flow > FLOW_MIN { 1.0 - used } else { 0.0 };
            Leaning { used, nearest: half(is_enough, Choice::In), fraction }
        }
        Rule::One => Leaning { used, nearest: Choice::Only(largest), fraction: used - most },
        Rule::WholeOne => {
            let fraction = (used - most).max(most.min(1.0 - most));
            Leaning { used: most, nearest: half(most > 0.5, Choice::Only(largest)), fraction }
        }
    }
}
