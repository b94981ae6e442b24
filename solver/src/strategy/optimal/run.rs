//! One run of the strategy: stages in order, on one thread or several, until the budget is spent.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clearlane_core::auction::AuctionInput;
use clearlane_core::auction::certificate::DualPrices;
use clearlane_core::price::Price;

use super::cholesky::Cholesky;
use super::dive::Style;
use super::finish::{Exact, finish};
use super::interior::Interior;
use super::model::Model;
use super::neighbourhood::Neighbourhoods;
use super::node::{Choice, Restriction, Snapshot};
use super::path::{Ending, Goal};
use super::search::{COLD_MU, Found, INTEGRAL, Relaxed, Search, leaning};
use crate::strategy::{Budget, Proposal};

/// Fractional groups up to which the root itself is branched on, and the programs solved for that.
const BRANCHED_MAX: usize = 12;
const NODES_MAX: usize = 100;
/// Neighbourhoods in a row without anything better, after which a run without a budget ends.
const BARREN_MAX: usize = 8;
/// Steps on the root's path.
const ROOT_STEPS_MAX: usize = 120;
/// One part in so many of a budget is kept back for the end, beside twice what the first exact answer took.
const RESERVE_PART: u32 = 25;
/// Ceilings of shadow prices are raised so often, by so much, where more than this value runs short.
const RAISES_MAX: usize = 10;
const RAISE: f64 = 8.0;
const SHORT_MIN: f64 = 1e-3;
/// An answer this close to the bound is as good as optimal.
const CLOSE: f64 = 1.0 - 1e-6;

/// What the threads of a run share.
struct Run<'a> {
    input: &'a AuctionInput,
    model: &'a Model,
    root: &'a Relaxed,
    /// The best decisions of all threads.
    board: Mutex<Option<Found>>,
    is_unlimited: bool,
}

/// Answers an auction.
pub(super) fn run(input: &AuctionInput, budget: &Budget<'_>, threads: usize) -> Proposal {
    let mut model = Model::of(input, input);
    let is_over = AtomicBool::new(false);
    let least =
        budget.ends_at().map_or(Duration::ZERO, |end| end.saturating_duration_since(Instant::now()) / RESERVE_PART);
    let reserve = Cell::new(least);
    let is_spent = || {
        let is_late = budget.ends_at().is_some_and(|end| Instant::now() + reserve.get() >= end);
        if is_late || budget.is_spent() {
            is_over.store(true, Ordering::Relaxed);
        }
        is_over.load(Ordering::Relaxed)
    };
    let Some(root) = relax_root(&mut model, &is_spent) else { return Proposal::default() };
    let is_told = || is_over.load(Ordering::Relaxed);
    let run = Run { input, model: &model, root: &root, board: Mutex::new(None), is_unlimited: budget.is_unlimited() };
    let mut exact = Exact::default();
    std::thread::scope(|scope| {
        for seed in 1..u64::try_from(threads).unwrap_or(1) {
            let (run, is_told) = (&run, &is_told);
            scope.spawn(move || {
                let mut search = Search::new(run.model, seed, is_told);
                search.dive(&run.open(), run.root, Style::Both);
                run.explore(&mut search);
            });
        }
        let mut search = Search::new(&model, 0, &is_spent);
        exact = run.lead(&mut search, &reserve);
        is_over.store(true, Ordering::Relaxed);
    });
    let prices = whole_prices(input, &model, &root.prices);
    // What was made exact on the way, or could not be, would end the same again.
    let best = run.board.into_inner().ok().flatten().filter(|best| best.value > exact.decided);
    let finished = best.and_then(|best| finish(input, &model, &best.choices, &best.snapshot, &|| false));
    if let Some(finished) = finished.filter(|finished| finished.score > exact.score) {
        exact = finished;
    }
    Proposal { bundles: exact.bundles, prices: DualPrices::new(prices) }
}

/// The relaxation with nothing decided; `None` once the budget is spent.
///
/// Where a reference price is far off, a shadow price runs into its ceiling: that is raised.
fn relax_root(model: &mut Model, is_halted: &dyn Fn() -> bool) -> Option<Relaxed> {
    let mut relaxed = None;
    for _ in 0..RAISES_MAX {
        let (found, short) = relax_once(model, is_halted)?;
        relaxed = Some(found);
        for row in &short {
            model.rows[*row].ceiling *= RAISE;
        }
        if short.is_empty() {
            break;
        }
    }
    relaxed
}

/// One relaxation, with the rows that run short at their ceilings.
fn relax_once(model: &Model, is_halted: &dyn Fn() -> bool) -> Option<(Relaxed, Vec<usize>)> {
    let cold = Snapshot::cold(model, COLD_MU);
    let open = vec![Choice::Open; model.groups.len()];
    let mut point = Interior::of(model, &open, &Restriction::default(), &cold, Cholesky::default());
    let goal = Goal { mu: 1e-6, relative: 1e-6, residual: 1e-3, steps: ROOT_STEPS_MAX, cutoff: 0.0 };
    let mut snapshot = cold.clone();
    let (ending, standing) = point.follow_path(&goal, Some(&mut snapshot), is_halted);
    if ending == Ending::Halted {
        return None;
    }
    let mut shares = vec![0.0; model.terms.len()];
    point.units.iter().for_each(|unit| shares[unit.place] = unit.at.x);
    let levels = point.levels.iter().enumerate();
    let short = levels.filter(|(_, level)| level.elastic > SHORT_MIN && level.price > 0.9 * level.ceiling);
    let short = short.map(|(row, _)| row).collect();
    Some((Relaxed { value: standing.value, shares, prices: point.prices(), snapshot }, short))
}

/// Prices of whole units in the reference asset.
fn whole_prices(input: &AuctionInput, model: &Model, prices: &[f64]) -> Vec<Option<Price>> {
    let of = |at: usize| {
        let row = model.row_of[at]?;
        let scale = i32::from(input.denominations[at].scale);
        let whole = prices[row] * model.values.atoms[at] / model.values.unit * 10_f64.powi(scale);
        Price::parse(&format!("{whole:.17e}"))
    };
    (0..input.denominations.len()).map(of).collect()
}

impl Run<'_> {
    fn open(&self) -> Vec<Choice> {
        vec![Choice::Open; self.model.groups.len()]
    }

    /// The stages of the first thread: a first exact answer, then better decisions.
    fn lead(&self, search: &mut Search<'_>, reserve: &Cell<Duration>) -> Exact {
        let open = self.open();
        let mut exact = Exact::default();
        search.dive(&open, self.root, Style::Drop(3));
        let started = Instant::now();
        self.settle(search, &mut exact);
        reserve.set(reserve.get() + 2 * started.elapsed());
        search.dive(&open, self.root, Style::Drop(10));
        if search.best.is_none() {
            search.dive(&open, self.root, Style::Both);
        }
        let leaning = |place: &usize| leaning(self.model, *place, &self.root.shares).fraction > INTEGRAL;
        let fractional = (0..self.model.groups.len()).filter(leaning).count();
        let is_optimal =
            fractional <= BRANCHED_MAX && search.branch(&open, &self.root.snapshot, NODES_MAX, false).is_complete;
        self.settle(search, &mut exact);
        if is_optimal {
            self.exchange(search);
        } else {
            self.explore(search);
        }
        exact
    }

    /// Makes the best decisions exact, if they are better than what is exact.
    fn settle(&self, search: &Search<'_>, exact: &mut Exact) {
        let Some(best) = search.best.as_ref().filter(|best| best.value > exact.decided) else { return };
        let found = finish(self.input, self.model, &best.choices, &best.snapshot, search.is_halted);
        if !(search.is_halted)() {
            exact.decided = best.value;
        }
        if let Some(found) = found.filter(|found| found.score > exact.score) {
            *exact = Exact { decided: exact.decided, ..found };
        }
    }

    /// Neighbourhoods until the budget is spent, or without one, until they bring nothing.
    fn explore(&self, search: &mut Search<'_>) {
        let mut neighbourhoods = Neighbourhoods::new(search);
        let mut barren = 0;
        let most = if self.is_unlimited { BARREN_MAX } else { usize::MAX };
        while !((search.is_halted)() || neighbourhoods.is_empty() || barren >= most) {
            self.exchange(search);
            if search.best.as_ref().is_some_and(|best| best.value >= self.root.value * CLOSE) {
                break;
            }
            let is_better = neighbourhoods.explore(search, &self.root.prices);
            barren = if is_better { 0 } else { barren + 1 };
        }
        self.exchange(search);
    }

    /// Puts the best answer on the board, or takes a better one from there.
    fn exchange(&self, search: &mut Search<'_>) {
        let Ok(mut known) = self.board.lock() else { return };
        let value = |found: &Option<Found>| found.as_ref().map_or(0.0, |found| found.value);
        if value(&known) > value(&search.best) {
            search.best.clone_from(&known);
        } else if value(&search.best) > value(&known) {
            known.clone_from(&search.best);
        }
    }
}
