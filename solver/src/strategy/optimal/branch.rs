//! Depth-first branch and bound over the groups that are still open.

use super::dive::decided;
use super::model::{Model, Rule};
use super::node::{Choice, Snapshot};
use super::search::{Outcome, Relaxed, Search, leaning};

/// Fractions below this are as good as decided.
const DECIDED: f64 = 2e-3;
/// A rail's fee counts for little beside an intent's size.
const RAIL_WEIGHT: f64 = 0.01;

/// What branching came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Branched {
    /// Whether something better was found.
    pub(super) is_better: bool,
    /// Whether nothing better is left.
    pub(super) is_complete: bool,
}

impl Search<'_> {
    /// Branches on the open groups of `choices`, solving at most `nodes` programs.
    pub(super) fn branch(&mut self, choices: &[Choice], from: &Snapshot, nodes: usize, is_random: bool) -> Branched {
        let mut stack = vec![choices.to_vec()];
        let mut start = from.clone();
        let mut branched = Branched { is_better: false, is_complete: false };
        for _ in 0..nodes {
            let Some(choices) = stack.pop() else { break };
            let relaxed = match self.solve(&choices, &start) {
                Outcome::Solved(relaxed) => relaxed,
                Outcome::Worse => continue,
                Outcome::Halted => return branched,
            };
            match self.most_fractional(&choices, &relaxed, is_random) {
                Some(place) => stack.extend(children(self.model, &choices, place, &relaxed.shares)),
                None => {
                    let decided = decided(self.model, &choices, &relaxed.shares);
                    branched.is_better |= self.offer(decided, &relaxed.snapshot);
                }
            }
            start = relaxed.snapshot;
        }
        branched.is_complete = stack.is_empty();
        branched
    }

    /// The open group whose decision matters most.
    fn most_fractional(&mut self, choices: &[Choice], relaxed: &Relaxed, is_random: bool) -> Option<usize> {
        let mut best = None;
        for (place, choice) in choices.iter().enumerate() {
            let rule = self.model.groups[place].rule;
            if *choice != Choice::Open || rule == Rule::Free {
                continue;
            }
            let fraction = leaning(self.model, place, &relaxed.shares).fraction;
            if fraction <= DECIDED {
                continue;
            }
            let size = match rule {
                Rule::Rail => RAIL_WEIGHT * self.model.rail(place).fee,
                Rule::Free | Rule::Whole | Rule::One | Rule::WholeOne => {
                    self.model.terms[self.model.groups[place].terms.start].size
                }
            };
            let noise = if is_random { 0.2 + self.random.share() } else { 1.0 };
            let weight = fraction * size.sqrt() * noise;
            if best.is_none_or(|(_, most)| weight > most) {
                best = Some((place, weight));
            }
        }
        best.map(|(place, _)| place)
    }
}

/// The decisions with one more group decided in each way, the one nearest to the shares last.
fn children(model: &Model, choices: &[Choice], place: usize, shares: &[f64]) -> Vec<Vec<Choice>> {
    let group = &model.groups[place];
    let leaning = leaning(model, place, shares);
    let usable = (0..group.terms.len()).filter(|offset| model.terms[group.terms.start + offset].cap > 0.0);
    let ways: Vec<Choice> = match group.rule {
        Rule::Free => vec![Choice::Open],
        Rule::Whole | Rule::Rail => vec![Choice::Out, Choice::In],
        Rule::One => usable.map(Choice::Only).collect(),
        Rule::WholeOne => std::iter::once(Choice::Out).chain(usable.map(Choice::Only)).collect(),
    };
    let used = match group.rule {
        // A rail is the more worth its fee the more flows.
        Rule::Rail => {
            let rail = model.rail(place);
            1.0 - rail.fee / (leaning.used * rail.most).max(rail.fee + f64::MIN_POSITIVE)
        }
        Rule::Free | Rule::Whole | Rule::One | Rule::WholeOne => leaning.used,
    };
    let distance = |way: &Choice| match way {
        Choice::Out => used,
        Choice::In => 1.0 - used,
        Choice::Only(offset) => 1.0 - shares[group.terms.start + offset],
        Choice::Open => 0.0,
    };
    let mut ways = ways;
    ways.sort_by(|one, other| distance(other).total_cmp(&distance(one)));
    let with = |way: Choice| {
        let mut child = choices.to_vec();
        child[place] = way;
        child
    };
    ways.into_iter().map(with).collect()
}
