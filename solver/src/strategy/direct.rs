//! Every intent alone through venues: the best proposal first, each on the states the earlier ones left.
//!
//! An intent that was filled in part is asked again, so that it may use further paths.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use clearlane_core::auction::{AuctionInput, Bundle};

use super::book::{Book, Execution};
use super::floored::tightened;
use super::quote::{self, Quote};
use super::ranked::ranked;
use super::value::Values;
use super::{Budget, Proposal, Strategy, residual};

/// The most proposals taken up for one intent: paths beyond add little.
const PROPOSALS_MAX: u8 = 16;
/// What must come after something else counts this part of it at most: scores are estimates here.
const BELOW: f64 = 1.0 - 1e-9;
/// How often intents without a proposal are asked again: flow the other way may have opened a path.
const PASSES_MAX: usize = 2;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

impl Strategy for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    fn solve(&self, input: &AuctionInput, budget: &Budget<'_>) -> Proposal {
        plan(&tightened(input), &Values::of(input), budget, Execution::Alone).into()
    }
}

/// A proposal in the queue, ordered by worth, then by intent.
struct Waiting {
    intent_at: usize,
    quote: Quote,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> Ordering {
        let by_worth = self.quote.worth.compare(&other.quote.worth);
        by_worth.then(other.intent_at.cmp(&self.intent_at))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

/// What the greedy pass works on.
struct Planner<'a, 'b> {
    left: AuctionInput,
    values: &'b Values,
    book: Book<'a>,
    queue: BinaryHeap<Waiting>,
    bundles: Vec<(f64, Bundle)>,
    counts: Vec<u8>,
    /// The most that a further bundle of each intent may count, so that it executes last on its venues.
    bounds: Vec<f64>,
    budget: &'b Budget<'b>,
}

/// Bundles for every intent that venues can serve with surplus, in the order in which they hold.
pub(super) fn plan(input: &AuctionInput, values: &Values, budget: &Budget<'_>, execution: Execution) -> Vec<Bundle> {
    let mut planner = Planner {
        left: input.clone(),
        values,
        book: Book::open(input, execution),
        queue: BinaryHeap::new(),
        bundles: Vec::new(),
        counts: vec![0; input.intents.len()],
        bounds: vec![f64::INFINITY; input.intents.len()],
        budget,
    };
    for _ in 0..PASSES_MAX {
        let before = planner.bundles.len();
        planner.pass();
        if planner.bundles.len() == before {
            break;
        }
    }
    if execution == Execution::Merged {
        return planner.bundles.into_iter().map(|(_, bundle)| bundle).collect();
    }
    planner.bundles.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let scored = planner.bundles.partition_point(|(counted, _)| *counted > 0.0);
    let unscored = planner.bundles.split_off(scored).into_iter().map(|(_, bundle)| bundle).collect();
    let scored = planner.bundles.into_iter().map(|(_, bundle)| bundle);
    scored.chain(ranked(input, unscored)).collect()
}

impl Planner<'_, '_> {
    fn pass(&mut self) {
        for intent_at in 0..self.left.intents.len() {
            if self.budget.is_spent() {
                return;
            }
            self.ask(intent_at);
        }
        while let Some(waiting) = self.queue.pop() {
            if self.budget.is_spent() {
                return;
            }
            self.serve(waiting);
        }
    }

    fn ask(&mut self, intent_at: usize) {
        let is_open = self.counts.get(intent_at).is_some_and(|count| *count < PROPOSALS_MAX);
        let bound = self.bounds.get(intent_at).copied().unwrap_or(f64::INFINITY);
        let quote = if is_open { quote::best(&self.left, self.values, &self.book, intent_at, bound) } else { None };
        self.queue.extend(quote.map(|quote| Waiting { intent_at, quote }));
    }

    /// Commits a proposal that still holds; asks anew for one that does not.
    fn serve(&mut self, waiting: Waiting) {
        let Waiting { intent_at, quote } = waiting;
        if !quote.is_current(&self.book) {
            return self.ask(intent_at);
        }
        if let Some(count) = self.counts.get_mut(intent_at) {
            *count = count.saturating_add(1);
        }
        if self.book.insert(quote.worth.counted, &quote.bundle) {
            residual::take_fills(&mut self.left, &quote.bundle);
            self.bundles.push((quote.worth.counted, quote.bundle));
        } else if let Some((bound, least)) = self.bounds.get_mut(intent_at).zip(self.book.least_score(&quote.bundle)) {
            *bound = least * BELOW;
        }
        self.ask(intent_at);
    }
}
