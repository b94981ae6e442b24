//! Local search: a member is put in, those that exclude it go, what became free is filled; kept if nothing is lost.
//!
//! Where it looks is a function of the seed. (An iterated (ω, 1) and (1, 2) swap, as in Nogueira, Pinheiro and
//! Subramanian, 2018, on sets and their resources in place of a graph.)

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::component::{Component, Place, at, at_mut};
use super::taken::Taken;
use super::work::{Dice, Work};
use crate::money::Score;

/// A change may lose one such part of a member's average worth at first.
const TOLERANCE_PART: Score = 64;
/// Of how many parts a random share is.
const UNIT: u32 = 1_024;

/// Members by what they are worth for what they touch, best first.
pub(super) struct Ranks {
    by_place: Vec<u32>,
    order: Vec<Place>,
}

impl Ranks {
    pub(super) fn new(component: &Component<'_>) -> Ranks {
        let key = |place: Place| {
            let touched = component.cliques_of(place).len().saturating_add(component.lines_of(place).len());
            let root = Score::try_from(touched.saturating_mul(1_000_000).isqrt()).unwrap_or(Score::MAX);
            component.weight(place).saturating_mul(1_000).checked_div(root).unwrap_or(Score::MAX)
        };
        let mut order: Vec<Place> = component.places().collect();
        order.sort_by_key(|place| Reverse(key(*place)));
        let mut by_place = vec![0; order.len()];
        for (rank, place) in (0..).zip(&order) {
            if let Some(slot) = at_mut(&mut by_place, *place) {
                *slot = rank;
            }
        }
        Ranks { by_place, order }
    }

    fn of(&self, place: Place) -> u32 {
        at(&self.by_place, place).copied().unwrap_or(u32::MAX)
    }

    /// All that can be taken, best first.
    pub(super) fn greedy<'a>(&self, component: &'a Component<'a>, work: &mut Work) -> Taken<'a> {
        let mut taken = Taken::none(component);
        for place in &self.order {
            if work.is_done() {
                break;
            }
            if taken.allows(*place, work) {
                taken.add(*place);
            }
        }
        taken.keep();
        taken
    }
}

/// Members that may have become worth putting in, best first.
#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Reverse<(u32, Place)>>,
    is_queued: Vec<bool>,
    /// When each member was last looked at, so that a round looks once at each.
    seen_in: Vec<u32>,
    round: u32,
}

impl Queue {
    fn new(count: usize) -> Queue {
        Queue { heap: BinaryHeap::new(), is_queued: vec![false; count], seen_in: vec![0; count], round: 0 }
    }

    fn push(&mut self, ranks: &Ranks, place: Place) {
        if let Some(is_queued) = at_mut(&mut self.is_queued, place)
            && !std::mem::replace(is_queued, true)
        {
            self.heap.push(Reverse((ranks.of(place), place)));
        }
    }

    /// Whether a member was not looked at yet in this round.
    fn is_new(&mut self, place: Place) -> bool {
        let round = self.round;
        at_mut(&mut self.seen_in, place).is_some_and(|seen| std::mem::replace(seen, round) != round)
    }

    fn pop(&mut self) -> Option<Place> {
        let Reverse((_, place)) = self.heap.pop()?;
        if let Some(is_queued) = at_mut(&mut self.is_queued, place) {
            *is_queued = false;
        }
        Some(place)
    }
}

/// Improves a set until the budget is spent or it reaches `bound`.
///
/// A change may lose a little, less and less as the budget ends (threshold accepting: Dueck and Scheuer, 1990); the
/// best set met is what remains.
pub(super) fn improve(taken: &mut Taken<'_>, ranks: &Ranks, bound: Score, dice: &mut Dice, work: &mut Work) {
    let component = taken.component;
    let count = u32::try_from(component.len()).unwrap_or(u32::MAX);
    let mut queue = Queue::new(component.len());
    component.places().for_each(|place| queue.push(ranks, place));
    drain(taken, ranks, &mut queue, work);
    taken.keep();
    let budget = work.left();
    let tolerance = tolerance(component);
    let mut best = (taken.value(), taken.flags().to_vec());
    while !work.is_done() && best.0 < bound {
        let place = dice.below(count);
        work.spend(1);
        if taken.has(place) {
            continue;
        }
        let before = taken.value();
        let loss = scaled(scaled(tolerance, work.left(), budget), u64::from(dice.below(UNIT)), u64::from(UNIT));
        let is_in = taken.force(place, work);
        if is_in {
            enqueue_freed(taken, ranks, &mut queue, 0, work);
            drain(taken, ranks, &mut queue, work);
        }
        while queue.pop().is_some() {}
        if is_in && !work.is_done() && taken.value().saturating_add(loss) >= before {
            taken.keep();
        } else {
            taken.undo();
        }
        if taken.value() > best.0 {
            best = (taken.value(), taken.flags().to_vec());
        }
    }
    if best.0 > taken.value() {
        *taken = Taken::of(component, &best.1);
    }
}

/// The most that a change may lose at first: a part of what a member is worth on average.
fn tolerance(component: &Component<'_>) -> Score {
    let sum = component.weights.iter().copied().fold(0, Score::saturating_add);
    let count = Score::try_from(component.len()).unwrap_or(Score::MAX);
    sum.checked_div(count.saturating_mul(TOLERANCE_PART)).unwrap_or(0)
}

fn scaled(amount: Score, numerator: u64, denominator: u64) -> Score {
    let per_mille = u128::from(numerator).saturating_mul(1_000).checked_div(u128::from(denominator)).unwrap_or(0);
    amount.saturating_mul(Score::try_from(per_mille).unwrap_or(0)).checked_div(1_000).unwrap_or(0)
}

/// Puts in what gains, with what that makes possible, until nothing queued does.
fn drain(taken: &mut Taken<'_>, ranks: &Ranks, queue: &mut Queue, work: &mut Work) {
    let mut excluding = Vec::new();
    while let Some(place) = queue.pop() {
        if work.is_done() {
            return;
        }
        if taken.has(place) {
            continue;
        }
        if !taken.gains(place, work, &mut excluding) {
            continue;
        }
        let (value, changes) = (taken.value(), taken.changed().count());
        if taken.force(place, work) && taken.value() > value {
            enqueue_freed(taken, ranks, queue, changes, work);
        } else {
            taken.undo_to(changes);
        }
    }
}

/// Queues the members that share something with those taken out since a point of the trail and may gain now.
fn enqueue_freed(taken: &Taken<'_>, ranks: &Ranks, queue: &mut Queue, since: usize, work: &mut Work) {
    let component = taken.component;
    let mut excluding = Vec::new();
    queue.round = queue.round.wrapping_add(1);
    for (place, _) in taken.changed().skip(since).filter(|(_, was_added)| !was_added) {
        let in_cliques = component.cliques_of(place).iter().flat_map(|clique| component.clique(*clique));
        let in_lines = component.lines_of(place).iter().flat_map(|(line, _)| component.writers(*line));
        for other in in_cliques.chain(in_lines) {
            if queue.is_new(*other) && !taken.has(*other) && taken.gains(*other, work, &mut excluding) {
                queue.push(ranks, *other);
            }
        }
    }
}
