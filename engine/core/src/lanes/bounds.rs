//! What no schedule that keeps the order can beat: lower bounds on the makespan.

use super::plan::{Plan, cost_of};

/// A lower bound on the makespan of a plan on so many workers.
///
/// The greatest of work / p, the critical path, and for every moment: what has to be done before it can't take
/// less than its share, and neither can what can't start before it (after Fernández and Bussell, 1973).
#[must_use]
pub fn bound_in_order(plan: &Plan, costs: &[u64], workers: usize) -> u64 {
    let workers = u64::try_from(workers.max(1)).unwrap_or(u64::MAX);
    let remaining = plan.longest_remaining(costs);
    let critical = remaining.iter().copied().max().unwrap_or(0);
    let cost = |at: usize| cost_of(costs, at);
    // Once such a bundle ends, `after` is still to come; before it starts, `before` has passed.
    let after = |at: usize| remaining.get(at).copied().unwrap_or(0).saturating_sub(cost(at));
    let heads = longest_before(plan, costs);
    let before = |at: usize| heads.get(at).copied().unwrap_or(0);
    let by_end = heaviest(plan.bundles(), workers, after, cost);
    let by_start = heaviest(plan.bundles(), workers, before, cost);
    critical.max(by_end).max(by_start)
}

/// The greatest, over every value `v` of `edge`, of `v` and the share of the work whose edge is at least `v`.
fn heaviest(bundles: usize, workers: u64, edge: impl Fn(usize) -> u64, cost: impl Fn(usize) -> u64) -> u64 {
    let mut edges: Vec<(u64, u64)> = (0..bundles).map(|at| (edge(at), cost(at))).collect();
    edges.sort_unstable_by(|one, other| other.cmp(one));
    let (mut work, mut bound) = (0_u64, 0);
    for (edge, cost) in edges {
        work = work.saturating_add(cost);
        bound = edge.saturating_add(work.div_ceil(workers)).max(bound);
    }
    bound
}

/// Per bundle, the longest path of costs that ends before it starts.
fn longest_before(plan: &Plan, costs: &[u64]) -> Vec<u64> {
    let mut heads = vec![0_u64; plan.bundles()];
    for at in 0..plan.bundles() {
        let mut head = 0;
        let mut nodes: Vec<u32> = plan.follows(at).to_vec();
        while let Some(node) = nodes.pop().and_then(|node| usize::try_from(node).ok()) {
            if plan.is_bundle(node) {
                let ended = heads.get(node).copied().unwrap_or(0).saturating_add(cost_of(costs, node));
                head = ended.max(head);
            } else {
                nodes.extend_from_slice(plan.follows(node));
            }
        }
        if let Some(slot) = heads.get_mut(at) {
            *slot = head;
        }
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Access, Batch, Footprint, Resource, makespan};

    fn batch(keys: &[&[u32]]) -> Batch {
        let touch = |key: &u32| (Resource::Other(*key), Access::Write);
        let footprints: Vec<Footprint> =
            keys.iter().map(|keys| Footprint::new(keys.iter().map(touch).collect())).collect();
        Batch::new(&footprints.iter().collect::<Vec<_>>()).expect("small")
    }

    #[test]
    fn what_must_come_first_bounds_a_long_end() {
        // Four free bundles that a chain of three follows: two workers need two steps, then three.
        let plan = Plan::new(&batch(&[&[1], &[2], &[3], &[4], &[1, 2, 3, 4], &[1], &[1]]));
        assert_eq!((bound_in_order(&plan, &[], 2), makespan(&plan, &[], 2)), (5, 5));
        assert_eq!((bound_in_order(&plan, &[], 4), plan.critical_path(&[])), (4, 4));
        assert_eq!(bound_in_order(&plan, &[], 1), 7);
    }

    #[test]
    fn no_schedule_beats_the_bound() {
        let mut state = 5_u32;
        let mut below = |bound: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % bound
        };
        for round in 0..500 {
            let keys: Vec<Vec<u32>> = (0..30).map(|_| vec![below(9), below(40)]).collect();
            let plan = Plan::new(&batch(&keys.iter().map(Vec::as_slice).collect::<Vec<_>>()));
            let costs: Vec<u64> = (0..30).map(|_| u64::from(1 + below(5))).collect();
            for workers in [1, 2, 3, 8] {
                let (bound, span) = (bound_in_order(&plan, &costs, workers), makespan(&plan, &costs, workers));
                assert!(bound <= span, "round {round}, {workers} workers: {bound} > {span}");
            }
        }
    }
}
