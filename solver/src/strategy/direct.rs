//! Every intent alone through venues: the best proposal first, each on the states the earlier ones left.
//!
//! An intent that was filled in part is asked again, so that it may use further paths.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use clearlane_core::auction::{AuctionInput, Bundle};

use super::book::Book;
use super::quote::{self, Quote};
use super::value::Values;
use super::{Budget, Strategy, residual};

/// The most bundles for one intent: paths beyond add little.
const BUNDLES_A_INTENT_MAX: u8 = 8;
/// How often intents without a proposal are asked again: flow the other way may have opened a path.
const PASSES_MAX: usize = 2;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

impl Strategy for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    fn solve(&self, input: &AuctionInput, budget: &Budget<'_>) -> Vec<Bundle> {
        plan(input, budget)
    }
}

/// A proposal in the queue, ordered by counted surplus, then by intent.
struct Waiting {
    intent_at: usize,
    quote: Quote,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> Ordering {
        let by_counted = self.quote.counted.total_cmp(&other.quote.counted);
        by_counted.then(other.intent_at.cmp(&self.intent_at))
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
    opening: &'a AuctionInput,
    left: AuctionInput,
    values: Values,
    book: Book<'a>,
    queue: BinaryHeap<Waiting>,
    bundles: Vec<(f64, Bundle)>,
    counts: Vec<u8>,
    budget: &'b Budget<'b>,
}

/// Bundles for every intent that venues can serve with surplus, best first.
pub(super) fn plan(input: &AuctionInput, budget: &Budget<'_>) -> Vec<Bundle> {
    let mut planner = Planner {
        opening: input,
        left: input.clone(),
        values: Values::of(input),
        book: Book::open(input),
        queue: BinaryHeap::new(),
        bundles: Vec::new(),
        counts: vec![0; input.intents.len()],
        budget,
    };
    for _ in 0..PASSES_MAX {
        let before = planner.bundles.len();
        planner.pass();
        if planner.bundles.len() == before {
            break;
        }
    }
    planner.in_order()
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
        let is_open = self.counts.get(intent_at).is_some_and(|count| *count < BUNDLES_A_INTENT_MAX);
        let quote = if is_open { quote::best(&self.left, &self.values, &self.book, intent_at) } else { None };
        self.queue.extend(quote.map(|quote| Waiting { intent_at, quote }));
    }

    /// Commits a proposal that still holds; asks anew for one that does not.
    fn serve(&mut self, waiting: Waiting) {
        let Waiting { intent_at, quote } = waiting;
        if !quote.is_current(&self.book) || self.book.execute(&quote.bundle).is_err() {
            return self.ask(intent_at);
        }
        residual::take_fills(&mut self.left, &quote.bundle);
        self.bundles.push((quote.counted, quote.bundle));
        if let Some(count) = self.counts.get_mut(intent_at) {
            *count = count.saturating_add(1);
        }
        self.ask(intent_at);
    }

    /// The bundles best first, without those that do not hold in that order.
    fn in_order(mut self) -> Vec<Bundle> {
        self.bundles.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut book = Book::open(self.opening);
        let mut dropped = 0_usize;
        let kept: Vec<Bundle> = std::mem::take(&mut self.bundles).into_iter().filter_map(|(_, bundle)| {
            let holds = book.execute(&bundle).is_ok();
            dropped += usize::from(!holds);
            holds.then_some(bundle)
        }).collect();
        kept
    }
}
