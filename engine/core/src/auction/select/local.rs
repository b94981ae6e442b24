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
}

impl Queue {
    fn new(count: usize) -> Queue {
        Queue { heap: BinaryHeap::new(), is_queued: vec![false; count] }
    }

    fn push(&mut self, ranks: &Ranks, place: Place) {
        if let Some(is_queued) = at_mut(&mut self.is_queued, place)
            && !std::mem::replace(is_queued, true)
        {
            self.heap.push(Reverse((ranks.of(place), place)));
        }
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
pub(super) fn improve(taken: &mut Taken<'_>, ranks: &Ranks, bound: Score, dice: &mut Dice, work: &mut Work) {
    let component = taken.component;
    let count = u32::try_from(component.len()).unwrap_or(u32::MAX);
    let mut queue = Queue::new(component.len());
    component.places().for_each(|place| queue.push(ranks, place));
    drain(taken, ranks, &mut queue, work);
    taken.keep();
    while !work.is_done() && taken.value() < bound {
        let before = taken.value();
        let place = dice.below(count);
        work.spend(1);
        if taken.has(place) {
            continue;
        }
        let is_in = taken.force(place, work);
        if is_in {
            enqueue_freed(taken, ranks, &mut queue, 0);
            drain(taken, ranks, &mut queue, work);
        }
        while queue.pop().is_some() {}
        if is_in && taken.value() >= before {
            taken.keep();
        } else {
            taken.undo();
        }
    }
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
        taken.excluding(place, work, &mut excluding);
        let component = taken.component;
        let lost = excluding.iter().fold(0, |sum: Score, other| sum.saturating_add(component.weight(*other)));
        if lost >= component.weight(place) {
            continue;
        }
        let (value, changes) = (taken.value(), taken.changed().count());
        if taken.force(place, work) && taken.value() > value {
            enqueue_freed(taken, ranks, queue, changes);
        } else {
            taken.undo_to(changes);
        }
    }
}

/// Queues the members that share something with those taken out since a point of the trail.
fn enqueue_freed(taken: &Taken<'_>, ranks: &Ranks, queue: &mut Queue, since: usize) {
    let component = taken.component;
    for (place, _) in taken.changed().skip(since).filter(|(_, was_added)| !was_added) {
        let in_cliques = component.cliques_of(place).iter().flat_map(|clique| component.clique(*clique));
        let in_lines = component.lines_of(place).iter().flat_map(|(line, _)| component.writers(*line));
        for other in in_cliques.chain(in_lines) {
            queue.push(ranks, *other);
        }
    }
}
