//! One run of the strategy: stages in order, on one thread or several, until the budget is spent.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clearlane_core::auction::certificate::DualPrices;
use clearlane_core::auction::{AuctionInput, RuleSet, SCORE_UNIT};
use clearlane_core::money::Score;
use clearlane_core::price::Price;

use super::dive::Style;
use super::finish::{Exact, finish};
use super::neighbourhood::Neighbourhoods;
use super::search::{Found, INTEGRAL, Search, leaning};
use super::version::{Task, Version};
use crate::strategy::{Budget, Progress, Proposal};

/// Fractional groups up to which the root itself is branched on, and the programs solved for that.
const BRANCHED_MAX: usize = 12;
const NODES_MAX: usize = 100;
/// Neighbourhoods in a row without anything better, after which a run without a budget ends.
const BARREN_MAX: usize = 8;
/// One part in so many of a budget is kept back for the end, beside twice what the first exact answer took.
const RESERVE_PART: u32 = 25;
/// An answer this close to the bound is as good as optimal.
const CLOSE: f64 = 1.0 - 1e-6;

/// A version whose first answer is this part of what it may be worth is as good as any.
const GOOD: f64 = 0.8;

/// What the threads of a run share.
struct Run<'a> {
    task: &'a Task<'a>,
    version: &'a Version,
    /// The best decisions of all threads.
    board: Mutex<Option<Found>>,
    is_unlimited: bool,
}

/// What the first stage of a version came to.
struct Begun {
    /// The best decisions.
    found: Option<Found>,
    /// Their value, if they were made exact or could not be.
    decided: f64,
    /// Whether that is all there is to find.
    is_all: bool,
}

/// Answers an auction.
pub(super) fn run(input: &AuctionInput, budget: &Budget<'_>, threads: usize) -> Proposal {
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
    let task = Task::of(input);
    let Some(free) = task.free(&is_spent) else { return Proposal::default() };
    let prices = whole_prices(input, &free);
    let unit = free.model.values.unit;
    let tell = |value: f64| budget.tell(Progress { score: value / unit, bound: Some(free.root.value / unit) });
    let mut exact = Exact::default();
    let mut best: Option<(Version, Begun)> = None;
    let mut begun = None;
    if input.rules == RuleSet::Floor {
        let begin = |version: &Version, exact: &mut Exact| {
            let mut search = Search::new(&version.model, 0, &is_spent);
            Run::of(&task, version, budget).begin(&mut search, &reserve, exact)
        };
        // Something to have before anything is tried, and of each version something to choose by.
        begun = Some(begin(&free, &mut exact));
        let versions: [&dyn Fn() -> Option<Version>; 2] =
            [&|| task.agreed(&free, &is_spent), &|| task.priced(&free, &is_spent)];
        for version in versions {
            let is_good = best
                .as_ref()
                .is_some_and(|(known, _)| units(exact.score) > GOOD * known.root.value / known.model.values.unit);
            let Some(version) = (if is_good { None } else { version() }) else { break };
            let before = exact.score;
            let begun = begin(&version, &mut exact);
            if best.is_none() || exact.score > before {
                best = Some((version, begun));
            }
        }
    }
    let (version, begun) = best.map_or((None, begun), |(version, begun)| (Some(version), Some(begun)));
    let run = Run::of(&task, version.as_ref().unwrap_or(&free), budget);
    run.search_on(threads, (&is_spent, &is_over, &tell), (&reserve, begun), &mut exact);
    Proposal { bundles: exact.bundles, prices: DualPrices::new(prices) }
}

/// A score in reference units.
#[expect(clippy::cast_precision_loss, reason = "only compared")]
fn units(score: Score) -> f64 {
    score as f64 / SCORE_UNIT as f64
}

/// Prices of whole units in the reference asset.
fn whole_prices(input: &AuctionInput, Version { model, root, .. }: &Version) -> Vec<Option<Price>> {
    let of = |at: usize| {
        let row = model.row_of[at]?;
        let scale = i32::from(input.denominations[at].scale);
        let whole = root.prices[row] * model.values.atoms[at] / model.values.unit * 10_f64.powi(scale);
        Price::parse(&format!("{whole:.17e}"))
    };
    (0..input.denominations.len()).map(of).collect()
}

impl<'a> Run<'a> {
    fn of(task: &'a Task<'a>, version: &'a Version, budget: &Budget<'_>) -> Run<'a> {
        Run { task, version, board: Mutex::new(None), is_unlimited: budget.is_unlimited() }
    }

    /// Searches on several threads, from where the version was begun if it was; keeps what is better than `exact`.
    fn search_on(
        self,
        threads: usize,
        (is_spent, is_over, tell): (&dyn Fn() -> bool, &AtomicBool, &dyn Fn(f64)),
        (reserve, begun): (&Cell<Duration>, Option<Begun>),
        exact: &mut Exact,
    ) {
        let is_told = || is_over.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            for seed in 1..u64::try_from(threads).unwrap_or(1) {
                let (run, is_told) = (&self, &is_told);
                scope.spawn(move || {
                    let mut search = Search::new(&run.version.model, seed, is_told);
                    search.dive(&run.version.open(), &run.version.root, Style::Both);
                    run.explore(&mut search);
                });
            }
            let mut search = Search::new(&self.version.model, 0, is_spent);
            search.tell = tell;
            self.lead(&mut search, (reserve, begun), exact);
            is_over.store(true, Ordering::Relaxed);
        });
        // What was made exact on the way, or could not be, would end the same again.
        let best = self.board.into_inner().ok().flatten().filter(|best| best.value > exact.decided);
        let finished = best.and_then(|best| finish(self.task, self.version, &best.choices, &best.snapshot, &|| false));
        if let Some(finished) = finished.filter(|finished| finished.score > exact.score) {
            *exact = finished;
        }
    }

    /// A first exact answer.
    fn begin(&self, search: &mut Search<'_>, reserve: &Cell<Duration>, exact: &mut Exact) -> Begun {
        let Version { root, .. } = self.version;
        let open = self.version.open();
        let is_all = search.decidable().is_empty();
        if is_all {
            // The relaxation is the answer.
            search.best = Some(Found { value: root.value, choices: open, snapshot: root.snapshot.clone() });
        } else {
            search.dive(&open, root, Style::Drop(3));
        }
        let started = Instant::now();
        // What another version decided has another value.
        exact.decided = 0.0;
        self.settle(search, exact);
        reserve.set(reserve.get().max(2 * started.elapsed()));
        Begun { found: search.best.clone(), decided: exact.decided, is_all }
    }

    /// The stages of the first thread: a first exact answer, if there is none yet, then better decisions.
    fn lead(&self, search: &mut Search<'_>, (reserve, begun): (&Cell<Duration>, Option<Begun>), exact: &mut Exact) {
        let Begun { found, decided, is_all } = begun.unwrap_or_else(|| self.begin(search, reserve, exact));
        (search.best, exact.decided) = (found, decided);
        if is_all {
            return;
        }
        let Version { model, root, .. } = self.version;
        let open = self.version.open();
        search.dive(&open, root, Style::Drop(10));
        if search.best.is_none() {
            search.dive(&open, root, Style::Both);
        }
        let leaning = |place: &usize| leaning(model, *place, &root.shares).fraction > INTEGRAL;
        let fractional = (0..model.groups.len()).filter(leaning).count();
        let is_optimal =
            fractional <= BRANCHED_MAX && search.branch(&open, &root.snapshot, NODES_MAX, false).is_complete;
        self.settle(search, exact);
        if is_optimal {
            self.exchange(search);
        } else {
            self.explore(search);
        }
    }

    /// Makes the best decisions exact, if they are better than what is exact.
    fn settle(&self, search: &Search<'_>, exact: &mut Exact) {
        let Some(best) = search.best.as_ref().filter(|best| best.value > exact.decided) else { return };
        let found = finish(self.task, self.version, &best.choices, &best.snapshot, search.is_halted);
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
            if search.best.as_ref().is_some_and(|best| best.value >= self.version.root.value * CLOSE) {
                break;
            }
            let is_better = neighbourhoods.explore(search, &self.version.root.prices);
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
            (search.tell)(value(&known));
        } else if value(&search.best) > value(&known) {
            known.clone_from(&search.best);
        }
    }
}
