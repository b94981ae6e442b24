//! Selection beyond the sweep: within a budget of work, a set of bundles worth more that still executes in the
//! order of turns, and what no set could be worth more by.
//!
//! Candidates that write nothing in common don't matter to each other, so each connected part is looked at by itself.
//! The result is a function of the candidates and the seed: work is counted, never timed.

mod branch;
mod component;
mod dual;
mod local;
mod reduce;
mod taken;
mod turns;
mod work;

use component::{Component, Place, contended};
use dual::Prices;
use local::{Ranks, improve};
use reduce::Graph;
use taken::Taken;
use work::{Dice, Work};

use super::AuctionInput;
use super::sweep::Sweep;
use crate::hash::Hasher;
use crate::lanes::{Executor, map};
use crate::money::Score;

/// The work of one selection, in looks at a candidate: some tens of milliseconds on a usual machine.
pub const SELECTION_WORK_MAX: u64 = 3_000_000;
/// The work that a component may take, besides so much for each of its members: small ones need no more.
const COMPONENT_WORK: u64 = 100_000;
const MEMBER_WORK: u64 = 3_000;
/// The most members of a component with shared venues or parts of intents that is searched exactly.
const TURNS_MAX: usize = 64;
/// The most edges of a graph that is searched exactly, counted once a clique.
const EDGES_MAX: usize = 1 << 18;
/// What one look is expected to take, in nanoseconds.
const LOOK_NANOS: u64 = 5;

/// What selection found.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// Which candidates to take, in the order of turns, if that is worth more than what the sweep took.
    pub(super) better: Option<Vec<bool>>,
    /// By how much, at most, another set could be worth more than the best one found.
    pub(super) gap: Score,
}

/// Looks for a set of candidates worth more than those that the sweep took, with so much work in all.
pub(super) fn select(input: &AuctionInput, swept: &Sweep<'_>, work: u64, executor: &dyn Executor) -> Selection {
    let mut is_taken: Vec<bool> = swept.turns.iter().map(|turn| turn.dropped.is_none()).collect();
    let is_lost = |at: &usize| is_taken.get(*at) == Some(&false);
    let groups = contended(&swept.candidates).into_iter().filter(|group| group.iter().any(is_lost));
    let groups: Vec<Vec<usize>> = groups.collect();
    let members = groups.iter().fold(0_usize, |sum, group| sum.saturating_add(group.len()));
    let nanos = if groups.is_empty() { 0 } else { work.saturating_mul(LOOK_NANOS) };
    let found = map(executor, groups.len(), nanos, |number| {
        let group = groups.get(number).cloned().unwrap_or_default();
        let share = |whole: u64| {
            let (part, all) = (u128::try_from(group.len()).unwrap_or(0), u128::try_from(members).unwrap_or(1));
            let share = u128::from(whole).saturating_mul(part).checked_div(all).unwrap_or(0);
            let enough = MEMBER_WORK.saturating_mul(u64::try_from(part).unwrap_or(u64::MAX));
            u64::try_from(share).unwrap_or(u64::MAX).min(COMPONENT_WORK.saturating_add(enough))
        };
        let flags: Vec<bool> = group.iter().map(|at| is_taken.get(*at) == Some(&true)).collect();
        let seed = Hasher::new("clearlane.v1 selection").hash(input.seed).count(number).finish();
        let dice = Dice::new(u64::from_be_bytes(seed.0.first_chunk().copied().unwrap_or_default()));
        let work = Work::new(share(work));
        let component = Component::new(input, &swept.candidates, group);
        let (set, gap) = best_of(&component, &flags, dice, work);
        (component.members, set, gap)
    });
    let mut gap: Score = 0;
    let mut is_better = false;
    for (members, set, part) in found {
        gap = gap.saturating_add(part);
        for (at, flag) in members.iter().zip(set.into_iter().flatten()) {
            is_better = true;
            if let Some(slot) = is_taken.get_mut(*at) {
                *slot = flag;
            }
        }
    }
    Selection { better: is_better.then_some(is_taken), gap }
}

/// The most that members of these weights are worth together, at most one of each group, and the gap that is left.
pub(super) fn best_disjoint(weights: Vec<Score>, groups: impl Iterator<Item = Vec<usize>>) -> (Score, Score) {
    let component = Component::disjoint(weights, groups);
    let none = vec![false; component.len()];
    let (set, gap) = best_of(&component, &none, Dice::new(0), Work::new(SELECTION_WORK_MAX));
    let taken = component.places().zip(set.unwrap_or(none)).filter(|(_, is_taken)| *is_taken);
    (taken.fold(0, |sum: Score, (place, _)| sum.saturating_add(component.weight(place))), gap)
}

/// A better set than the sweep's, if one is found, and the gap that is left.
fn best_of(component: &Component<'_>, swept: &[bool], mut dice: Dice, mut work: Work) -> (Option<Vec<bool>>, Score) {
    let for_filling = work.left() >> 3;
    work.spend(for_filling);
    let mut best = Taken::of(component, swept);
    let swept_value = best.value();
    let ranks = Ranks::new(component);
    let greedy = ranks.greedy(component, &mut work);
    if greedy.value() > best.value() {
        best = greedy;
    }
    let quarter = work.left() >> 2;
    spend(&mut work, quarter >> 1, |part| improve(&mut best, &ranks, Score::MAX, &mut dice, part));
    let prices = spend(&mut work, quarter, |part| Prices::find(component, best.value(), part));
    let mut bound = prices.bound.max(best.value());
    if best.value() < bound {
        let (found, is_sure) = spend(&mut work, quarter, |part| exactly(component, &prices, best.value(), part));
        if let Some(set) = found {
            best = Taken::of(component, &set);
        }
        if is_sure {
            bound = best.value();
        }
        improve(&mut best, &ranks, bound, &mut dice, &mut work);
    }
    // Whoever is left out is left out for a reason: nothing more fits.
    best.fill(&mut Work::new(for_filling));
    let gap = bound.saturating_sub(best.value()).max(0);
    ((best.value() > swept_value).then(|| best.flags().to_vec()), gap)
}

/// Spends at most a part of a budget.
fn spend<T>(work: &mut Work, most: u64, spending: impl FnOnce(&mut Work) -> T) -> T {
    let most = most.min(work.left());
    let mut part = Work::new(most);
    let result = spending(&mut part);
    work.spend(most.saturating_sub(part.left()));
    result
}

/// The best set if it is worth more than `reached`, and whether it is sure that nothing else is.
fn exactly(component: &Component<'_>, prices: &Prices, reached: Score, work: &mut Work) -> (Option<Vec<bool>>, bool) {
    if !component.lines.is_empty() {
        return if component.len() <= TURNS_MAX { turns::best(component, reached, work) } else { (None, false) };
    }
    let is_left_out = |place: Place| prices.excludes(place, reached);
    let graph = Graph::of(component, is_left_out, EDGES_MAX).filter(Graph::is_sparse);
    let Some(graph) = graph else { return (None, false) };
    match branch::best(graph, reached, work) {
        Ok(Some((_, set))) => (Some(component.places().map(|place| set.contains(&place)).collect()), true),
        Ok(None) => (None, true),
        Err(branch::Exhausted) => (None, false),
    }
}
