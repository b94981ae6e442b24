//! The exact finish: decisions become bundles in whole atoms that keep every rule of the core.
//!
//! Where rounding leaves a row short, a margin is set aside in the program and it is solved again.

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, Bundle, Fill, RuleSet, VenueUse, verify};
use clearlane_core::money::{Atoms, Score};

use super::balance::balance;
use super::cholesky::Cholesky;
use super::interior::Interior;
use super::leftovers::{balances, coins_of, hand_out, option_of, put_back};
use super::model::{Group, Model, Origin};
use super::node::{Choice, Restriction, Snapshot};
use super::path::{Ending, Goal};
use super::rounding::{Rounded, rounded};
use super::search::COLD_MU;
use super::uniform::equalise;
use super::version::{Task, Version};
use crate::strategy::value::float;

/// Times that a program is solved again with wider margins.
const ROUNDS_MAX: usize = 24;
/// The least margin once a row was short.
const MARGIN_MIN: f64 = 1e-5;
const STEPS_MAX: usize = 120;
/// What leaving something over costs, per value, where a bundle must not.
const DISPOSAL_FLOOR: f64 = -1.0;

/// An answer in whole atoms.
#[derive(Clone, Debug, Default)]
pub(super) struct Exact {
    pub(super) bundles: Vec<Bundle>,
    pub(super) score: Score,
    /// The value of the best decisions that were made exact, or could not be.
    pub(super) decided: f64,
    /// Whether no bundle had to be left out.
    pub(super) is_whole: bool,
}

/// Makes decisions exact; `None` where no rounding of them keeps the rules.
pub(super) fn finish(
    task: &Task<'_>,
    version: &Version,
    choices: &[Choice],
    from: &Snapshot,
    is_halted: &dyn Fn() -> bool,
) -> Option<Exact> {
    let (input, Version { limits, model, .. }) = (task.input, version);
    let mut restriction = Restriction::default();
    let mut margins = vec![0.0; model.rows.len()];
    let (mut floors, mut best) = (Vec::new(), None);
    for round in 0..ROUNDS_MAX {
        restriction.margins.clone_from(&margins);
        restriction.floors.clone_from(&floors);
        let Some(point) = solved(model, choices, &restriction, from, is_halted) else { break };
        let Some(rounded) = rounded(limits, &point, round == 0) else { break };
        let Rounded { mut fills, mut uses, barred, is_changed } = rounded;
        if is_changed {
            // What would run short now is what was left out.
            merge(&mut restriction.is_term_barred, barred.is_term_barred);
            merge(&mut restriction.is_curve_barred, barred.is_curve_barred);
            continue;
        }
        if let Some(prices) = &version.prices {
            let mut fills = fills.clone();
            if balance([input, &task.kept], prices, &mut fills, &uses) {
                let mut bundles = split(input, fills, uses);
                bundles.iter_mut().for_each(|bundle| put_back(input, model, bundle));
                return Some(judged(input, bundles));
            }
        }
        let shorts = shorts(input, model, &fills, &uses);
        if !shorts.is_empty() {
            for (row, short) in shorts {
                margins[row] = f64::max(2.0 * margins[row], MARGIN_MIN) + 1.05 * short;
            }
            continue;
        }
        hand_out(limits, model, &mut fills, &mut uses);
        let mut bundles = split(input, fills, uses);
        if input.rules == RuleSet::Floor {
            let strict = fair(task, model, &mut bundles);
            if !strict.is_empty() {
                bar(&mut restriction, model, &strict);
                continue;
            }
        }
        let found = judged(input, bundles);
        if found.is_whole || !floors.is_empty() {
            return Some(found);
        }
        // Nobody can take what is left over: let it cost something.
        floors = disposal_floors(model);
        best = Some(found);
    }
    best
}

/// Bars what either bars; empty bars nothing.
fn merge(barred: &mut Vec<bool>, more: Vec<bool>) {
    barred.resize(barred.len().max(more.len()), false);
    barred.iter_mut().zip(more).for_each(|(is_barred, is_too)| *is_barred |= is_too);
}

/// Gives each bundle one price a pair; the fills for which there is none.
fn fair(task: &Task<'_>, model: &Model, bundles: &mut [Bundle]) -> Vec<Fill> {
    let mut strict = Vec::new();
    for bundle in bundles {
        match equalise([task.input, &task.kept], &mut bundle.fills) {
            Ok(()) => put_back(task.input, model, bundle),
            Err(places) => strict.extend(places.into_iter().map(|at| bundle.fills[at])),
        }
    }
    strict
}

/// Leaves out the options of these fills.
fn bar(restriction: &mut Restriction, model: &Model, fills: &[Fill]) {
    restriction.is_term_barred.resize(model.terms.len(), false);
    for fill in fills {
        let is_of = |group: &&Group| group.origin == Origin::Intent(fill.intent.at());
        if let Some(group) = model.groups.iter().find(is_of) {
            restriction.is_term_barred[group.terms.start + usize::from(fill.option)] = true;
        }
    }
}

/// The least shadow prices where nothing but fills can take up what is left over.
fn disposal_floors(model: &Model) -> Vec<f64> {
    let mut floors = vec![DISPOSAL_FLOOR; model.rows.len()];
    for curve in &model.curves {
        floors[curve.input] = 0.0;
        floors[curve.output] = 0.0;
    }
    floors
}

/// The point at the end of the path, from a snapshot or else from afar.
fn solved<'m>(
    model: &'m Model,
    choices: &[Choice],
    restriction: &Restriction,
    from: &Snapshot,
    is_halted: &dyn Fn() -> bool,
) -> Option<Interior<'m>> {
    let goal = Goal { mu: 1e-6, relative: 1e-7, residual: 1e-4, steps: STEPS_MAX, cutoff: 0.0 };
    for start in [from, &Snapshot::cold(model, COLD_MU)] {
        let mut point = Interior::of(model, choices, restriction, start, Cholesky::default());
        let (ending, standing) = point.follow_path(&goal, None, is_halted);
        if ending == Ending::Reached || (ending == Ending::Stalled && standing.mu < 1e-3 && standing.residual < 0.1) {
            return Some(point);
        }
    }
    None
}

/// Rows that run short, with the value that is missing.
fn shorts(input: &AuctionInput, model: &Model, fills: &[Fill], uses: &[VenueUse]) -> Vec<(usize, f64)> {
    let mut shorts = Vec::new();
    for (denomination, (inward, outward)) in balances(input, fills, uses) {
        let missing = outward.saturating_sub(inward);
        if let (Some(row), true) = (model.row_of[denomination.at()], missing > 0) {
            shorts.push((row, float(missing) * model.value(denomination)));
        }
    }
    let mut taken: BTreeMap<usize, Atoms> = BTreeMap::new();
    for fill in fills {
        let sum = taken.entry(option_of(input, fill).1.reserve.at()).or_default();
        *sum = sum.saturating_add(fill.sold);
    }
    for (reserve, row) in &model.reserve_rows {
        let found = &input.reserves[*reserve];
        let missing = taken.get(reserve).copied().unwrap_or(0).saturating_sub(found.amount);
        if missing > 0 {
            shorts.push((*row, float(missing) * model.value(found.denomination)));
        }
    }
    shorts
}

/// The parts that share no denomination, each a bundle.
fn split(input: &AuctionInput, fills: Vec<Fill>, uses: Vec<VenueUse>) -> Vec<Bundle> {
    let mut parents: Vec<usize> = (0..input.denominations.len()).collect();
    let mut firsts: BTreeMap<usize, usize> = BTreeMap::new();
    for fill in &fills {
        let (_, option) = option_of(input, fill);
        let first = *firsts.entry(fill.intent.at()).or_insert(option.give.at());
        join(&mut parents, first, option.give.at());
        join(&mut parents, first, option.get.at());
    }
    for used in &uses {
        let [put, drawn] = coins_of(input, used);
        join(&mut parents, put.at(), drawn.at());
    }
    let mut bundles: BTreeMap<usize, Bundle> = BTreeMap::new();
    for fill in fills {
        let part = root(&parents, option_of(input, &fill).1.give.at());
        bundles.entry(part).or_default().fills.push(fill);
    }
    for used in uses {
        let part = root(&parents, coins_of(input, &used)[0].at());
        bundles.entry(part).or_default().uses.push(used);
    }
    // What venues could trade among themselves serves nobody.
    bundles.into_values().filter(|bundle| !bundle.fills.is_empty()).collect()
}

fn root(parents: &[usize], at: usize) -> usize {
    let mut at = at;
    while parents[at] != at {
        at = parents[at];
    }
    at
}

fn join(parents: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(parents, one), root(parents, other));
    parents[one.max(other)] = one.min(other);
}

/// The bundles that keep every rule, with what they score.
fn judged(input: &AuctionInput, bundles: Vec<Bundle>) -> Exact {
    let mut exact = Exact { is_whole: true, ..Exact::default() };
    for bundle in bundles {
        match verify(input, &bundle) {
            Ok(verified) => {
                exact.score = exact.score.saturating_add(verified.score);
                exact.bundles.push(bundle);
            }
            Err(_) => exact.is_whole = false,
        }
    }
    exact
}
