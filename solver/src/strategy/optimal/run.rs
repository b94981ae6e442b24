//! One run of the strategy: stages in order, on one thread or several, until the budget is spent.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clearlane_core::auction::{AuctionInput, Bundle};

use super::cholesky::Cholesky;
use super::dive::Style;
use super::finish::{Exact, finish};
use super::interior::Interior;
use super::model::Model;
use super::neighbourhood::Neighbourhoods;
use super::node::{Choice, Restriction, Snapshot};
use super::path::{Ending, Goal};
use super::search::{COLD_MU, Found, INTEGRAL, Relaxed, Search, leaning};
use crate::strategy::Budget;

/// Fractional groups up to which the root itself is branched on, and the programs solved for that.
const BRANCHED_MAX: usize = 12;
const NODES_MAX: usize = 200;
/// Neighbourhoods in a row without anything better, after which a run without a budget ends.
const BARREN_MAX: usize = 40;
/// Steps on the root's path.
const ROOT_STEPS_MAX: usize = 120;

/// Answers an auction.
pub(super) fn run(input: &AuctionInput, budget: &Budget<'_>, threads: usize) -> Vec<Bundle> {
    let model = Model::of(input);
    let is_over = AtomicBool::new(false);
    let reserve = Cell::new(Duration::ZERO);
    let is_spent = || {
        let is_spent = budget.is_spent() || budget.ends_at().is_some_and(|end| Instant::now() + reserve.get() >= end);
        if is_spent {
            is_over.store(true, Ordering::Relaxed);
        }
        is_spent
    };
    let Some(root) = relax_root(&model, &is_spent) else { return Vec::new() };
    let board = Mutex::new(None);
    let is_told = || is_over.load(Ordering::Relaxed);
    let mut exact = Exact::default();
    std::thread::scope(|scope| {
        for seed in 1..u64::try_from(threads).unwrap_or(1) {
            let (model, root, board, is_told) = (&model, &root, &board, &is_told);
            scope.spawn(move || {
                let mut search = Search::new(model, root.snapshot.clone(), seed, is_told);
                search.dive(&open(model), root, Style::Both);
                explore(&mut search, root, board);
            });
        }
        let mut search = Search::new(&model, root.snapshot.clone(), 0, &is_spent);
        exact = lead(input, &mut search, &root, &board, &reserve);
        is_over.store(true, Ordering::Relaxed);
    });
    let best = board.into_inner().ok().flatten();
    if let Some(found) = best.and_then(|found: Found| finish(input, &model, &found.choices, &found.snapshot, &|| false))
        && found.score > exact.score
    {
        exact = found;
    }
    exact.bundles
}

fn open(model: &Model) -> Vec<Choice> {
    vec![Choice::Open; model.groups.len()]
}

/// The relaxation with nothing decided; `None` once the budget is spent.
fn relax_root(model: &Model, is_halted: &dyn Fn() -> bool) -> Option<Relaxed> {
    let cold = Snapshot::cold(model, COLD_MU);
    let mut point = Interior::of(model, &open(model), &Restriction::default(), &cold, Cholesky::default());
    let goal = Goal { mu: 1e-6, relative: 1e-6, residual: 1e-3, steps: ROOT_STEPS_MAX, cutoff: 0.0 };
    let mut snapshot = cold.clone();
    let (ending, standing) = point.follow_path(&goal, Some(&mut snapshot), is_halted);
    if ending == Ending::Halted {
        return None;
    }
    let mut shares = vec![0.0; model.terms.len()];
    point.units.iter().for_each(|unit| shares[unit.place] = unit.at.x);
    Some(Relaxed { value: standing.value, shares, prices: point.prices(), snapshot })
}

/// The stages of the first thread: a first exact answer, then better ones.
fn lead(
    input: &AuctionInput,
    search: &mut Search<'_>,
    root: &Relaxed,
    board: &Mutex<Option<Found>>,
    reserve: &Cell<Duration>,
) -> Exact {
    let open = open(search.model);
    let began = Instant::now();
    search.dive(&open, root, Style::Drop(3));
    if std::env::var("DBG").is_ok() { eprintln!("first dive {:?} {:?}", began.elapsed(), search.best.as_ref().map(|b| b.value / search.model.values.unit)); }
    let mut exact = Exact::default();
    if let Some(best) = &search.best {
        let started = Instant::now();
        exact = finish(input, search.model, &best.choices, &best.snapshot, search.is_halted).unwrap_or_default();
        reserve.set(2 * started.elapsed());
        if std::env::var("DBG").is_ok() { eprintln!("finish took {:?}", started.elapsed()); }
    }
    search.dive(&open, root, Style::Drop(10));
    if search.best.is_none() {
        search.dive(&open, root, Style::Both);
    }
    let fractional = (0..search.model.groups.len())
        .filter(|place| leaning(search.model, *place, &root.shares).fraction > INTEGRAL)
        .count();
    if fractional <= BRANCHED_MAX {
        search.branch(&open, &root.snapshot, NODES_MAX, false);
    }
    explore(search, root, board);
    exact
}

/// Neighbourhoods until the budget is spent, or without one, until they bring nothing.
fn explore(search: &mut Search<'_>, root: &Relaxed, board: &Mutex<Option<Found>>) {
    let mut neighbourhoods = Neighbourhoods::new(search);
    let mut barren = 0;
    while !(search.is_halted)() && barren < BARREN_MAX && !neighbourhoods.is_empty() {
        exchange(search, board);
        let is_better = neighbourhoods.explore(search, &root.prices);
        barren = if is_better { 0 } else { barren + 1 };
    }
    exchange(search, board);
}

/// Puts the best answer on the board, or takes a better one from there.
fn exchange(search: &mut Search<'_>, board: &Mutex<Option<Found>>) {
    let Ok(mut known) = board.lock() else { return };
    let value = |found: &Option<Found>| found.as_ref().map_or(0.0, |found| found.value);
    if value(&known) > value(&search.best) {
        search.best.clone_from(&known);
    } else if value(&search.best) > value(&known) {
        known.clone_from(&search.best);
    }
}
