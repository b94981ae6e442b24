//! Clearing: a pure function from the frozen input and the sealed solutions to one decision.

use std::collections::{BTreeMap, BTreeSet};

use super::certificate::{BoundSource, bound};
use super::clearing::{Clearing, Executed, Loss, PlanSummary, SolverVerdicts, Verdict};
use super::cost::expected_nanos;
use super::floor::{Progress, route_unfilled};
use super::opened::{Opened, scored};
use super::precedence::Precedence;
use super::receipt::floors;
use super::select::{SELECTION_WORK_MAX, Selection, select};
use super::sweep::{Candidate, Dropped, Sweep, score, sweep, totals};
use super::verify::{Verified, opening_states, verify};
use super::{AuctionInput, Bundle, Solution};
use crate::hash::{Hash, Hasher};
use crate::lanes::{Executor, Sequential, map};
use crate::money::Score;
use crate::names::{AuctionId, SolverId};
use crate::refusal::{Reason, Refusal};
use crate::root::{add_bundle, add_dual_prices, add_verdict};

/// Decides an auction: verifies every bundle, sweeps the valid ones in lanes, looks for a set worth more, routes what
/// is left by the built-in bidder, and takes the better of that and the built-in bidder alone; beside it stands a bound
/// on what anyone could have scored.
///
/// The result is the same on every executor.
///
/// # Panics
///
/// If the executor breaks its contract: leaves out a task, or runs a bundle before one that it follows.
#[must_use]
pub fn clear(input: &AuctionInput, solutions: &[Solution], executor: &dyn Executor) -> Clearing {
    Opened::new(input).clear(solutions, executor)
}

pub(super) fn decide(opened: &Opened, solutions: &[Solution], executor: &dyn Executor) -> Clearing {
    let (input, alone) = (opened.input(), &opened.alone);
    let floor_score = sum(alone);
    let judged = judge_all(input, solutions, executor);
    let Reached { swept, completion, score: together, gap } = reach(opened, candidates(input, &judged), executor);
    let is_floor_alone = together < floor_score;
    let executed = if is_floor_alone { by_floor(alone.clone()) } else { winners(&swept, completion) };
    let contributions = contributions(input, &swept, &executed, together.saturating_sub(floor_score), executor);
    let mut clearing = Clearing {
        auction: input.auction,
        score: together.max(floor_score),
        floor_score,
        selection_gap: gap,
        is_floor_alone,
        bound: bound(input, solutions, executor),
        verdicts: verdicts(&judged, &swept, is_floor_alone, &contributions),
        plan: summary(&swept),
        executed,
        floors: floors(alone.iter().map(|(bundle, _)| bundle)),
        digest: Hash::default(),
    };
    debug_assert!(clearing.score <= clearing.bound.score, "no valid solution scores more than its bound");
    clearing.digest = digest(&clearing);
    clearing
}

/// What some candidates come to, completed by the built-in bidder.
struct Reached<'a> {
    swept: Sweep<'a>,
    completion: Vec<(Bundle, Score)>,
    score: Score,
    gap: Score,
}

/// The sweep or, where one is found and is worth more after completion too, a better set.
fn reach<'a>(opened: &Opened, candidates: Vec<Candidate<'a>>, executor: &dyn Executor) -> Reached<'a> {
    let input = opened.input();
    let swept = sweep(input, candidates, executor);
    let Selection { better, gap } = select(input, &swept, SELECTION_WORK_MAX, executor);
    let better = better.map(|is_taken| swept.only(input, &is_taken));
    let completed = |swept: Sweep<'a>| {
        let is_idle = swept.taken().next().is_none();
        let completion = if is_idle { opened.alone.clone() } else { complete(opened, &swept) };
        Reached { score: score(&swept).saturating_add(sum(&completion)), swept, completion, gap }
    };
    let Some(better) = better else { return completed(swept) };
    let gained = score(&better).saturating_sub(score(&swept));
    let (first, second) = (completed(swept), completed(better));
    if second.score > first.score { second } else { Reached { gap: gap.saturating_add(gained), ..first } }
}

/// One solver's bundle with the verdict on it alone.
struct Judged<'a> {
    solver: SolverId,
    number: u32,
    bundle: &'a Bundle,
    result: Result<Verified, Refusal>,
}

fn judge_all<'a>(input: &AuctionInput, solutions: &'a [Solution], executor: &dyn Executor) -> Vec<Judged<'a>> {
    let bundles: Vec<(SolverId, AuctionId, usize, &Bundle)> = solutions
        .iter()
        .flat_map(|solution| {
            let (solver, auction) = (solution.solver, solution.auction);
            solution.bundles.iter().enumerate().map(move |(at, bundle)| (solver, auction, at, bundle))
        })
        .collect();
    let nanos = bundles.iter().fold(0, |sum: u64, (.., bundle)| sum.saturating_add(expected_nanos(input, bundle)));
    let results = map(executor, bundles.len(), nanos, |at| match bundles.get(at) {
        Some((_, auction, _, bundle)) if *auction == input.auction => verify(input, bundle),
        Some(_) | None => {
            Err(Refusal::new(Reason::WrongAuction, "auction", format!("expected auction {}", input.auction.0)))
        }
    });
    let judged = bundles.into_iter().zip(results).map(|((solver, _, at, bundle), result)| Judged {
        solver,
        number: u32::try_from(at).unwrap_or(u32::MAX),
        bundle,
        result,
    });
    judged.collect()
}

fn candidates<'a>(input: &AuctionInput, judged: &[Judged<'a>]) -> Vec<Candidate<'a>> {
    let valid = judged.iter().filter_map(|one| {
        let verified = one.result.as_ref().ok()?.clone();
        let precedence = Precedence::of(input, (one.solver, one.number), one.bundle, verified.score);
        Some(Candidate { solver: one.solver, number: one.number, bundle: one.bundle, verified, precedence })
    });
    valid.collect()
}

fn complete(opened: &Opened, swept: &Sweep<'_>) -> Vec<(Bundle, Score)> {
    let input = opened.input();
    let (is_filled, reserves) = totals(input, swept);
    let states = swept.venue_states(opening_states(input));
    scored(input, route_unfilled(input, &opened.paths, &mut Progress { states, reserves, is_filled }))
}

fn sum(bundles: &[(Bundle, Score)]) -> Score {
    bundles.iter().fold(0, |sum: Score, (_, score)| sum.saturating_add(*score))
}

fn winners(swept: &Sweep<'_>, completion: Vec<(Bundle, Score)>) -> Vec<Executed> {
    let won = swept.taken().filter_map(|at| {
        let candidate = swept.candidates.get(at)?;
        Some(Executed {
            solver: candidate.solver,
            number: candidate.number,
            colour: swept.plan.colour(at),
            score: candidate.verified.score,
            bundle: candidate.bundle.clone(),
        })
    });
    won.chain(by_floor(completion)).collect()
}

fn by_floor(bundles: Vec<(Bundle, Score)>) -> Vec<Executed> {
    let executed = bundles.into_iter().enumerate().map(|(at, (bundle, score))| Executed {
        solver: SolverId::FLOOR,
        number: u32::try_from(at).unwrap_or(u32::MAX),
        colour: 0,
        score,
        bundle,
    });
    executed.collect()
}

/// What selection reaches less what it reaches without each solver that won something, at most `beyond_floor`; each is
/// left out on its own lane.
///
/// All of them together take the work of one more selection. The built-in bidder is not run again for each, which would
/// take as long as clearing for each: what it would fill in a solver's place counts through `beyond_floor` only.
fn contributions(
    input: &AuctionInput,
    swept: &Sweep<'_>,
    executed: &[Executed],
    beyond_floor: Score,
    executor: &dyn Executor,
) -> BTreeMap<SolverId, Score> {
    let winners: BTreeSet<SolverId> = executed.iter().map(|executed| executed.solver).collect();
    let winners: Vec<SolverId> = winners.into_iter().filter(|solver| *solver != SolverId::FLOOR).collect();
    let count = u64::try_from(winners.len()).unwrap_or(u64::MAX);
    let work = SELECTION_WORK_MAX.checked_div(count).unwrap_or(0);
    let without = map(executor, winners.len(), SELECTION_WORK_MAX, |at| {
        let left_out = winners.get(at).copied();
        let others = swept.candidates.iter().filter(|candidate| Some(candidate.solver) != left_out);
        let others = sweep(input, others.cloned().collect(), &Sequential);
        let flags = select(input, &others, work, &Sequential).better;
        let is_taken = |at: usize| flags.as_ref().is_some_and(|flags| flags.get(at) == Some(&true));
        let selected = others.candidates.iter().enumerate().filter(|(at, _)| is_taken(*at));
        let selected = selected.fold(0, |sum: Score, (_, one)| sum.saturating_add(one.verified.score));
        selected.max(score(&others))
    });
    let reached = score(swept);
    let contribution =
        |(solver, without): (SolverId, Score)| (solver, reached.saturating_sub(without).min(beyond_floor).max(0));
    winners.into_iter().zip(without).map(contribution).collect()
}

fn verdicts(
    judged: &[Judged<'_>],
    swept: &Sweep<'_>,
    is_floor_alone: bool,
    contributions: &BTreeMap<SolverId, Score>,
) -> Vec<SolverVerdicts> {
    let mut turns = BTreeMap::new();
    for (at, candidate) in swept.candidates.iter().enumerate() {
        turns.insert((candidate.solver, candidate.number), at);
    }
    let mut verdicts: Vec<SolverVerdicts> = Vec::new();
    for one in judged {
        let place = turns.get(&(one.solver, one.number)).copied();
        let verdict = match (&one.result, place) {
            (Err(refusal), _) => Verdict::Refused(refusal.clone()),
            (Ok(verified), Some(place)) => turn_verdict(swept, place, verified.score, is_floor_alone),
            (Ok(verified), None) => Verdict::Won(verified.score),
        };
        match verdicts.last_mut().filter(|last| last.solver == one.solver) {
            Some(last) => last.verdicts.push(verdict),
            None => {
                let contribution = contributions.get(&one.solver).copied().unwrap_or(0);
                verdicts.push(SolverVerdicts { solver: one.solver, verdicts: vec![verdict], contribution });
            }
        }
    }
    verdicts
}

fn turn_verdict(swept: &Sweep<'_>, place: usize, score: Score, is_floor_alone: bool) -> Verdict {
    match swept.turns.get(place).and_then(|turn| turn.dropped.as_ref()) {
        None if is_floor_alone => Verdict::FloorBetter(score),
        None => Verdict::Won(score),
        Some(Dropped { on, refusal, by }) => {
            let winner = by.filter(|_| !is_floor_alone).and_then(|by| swept.candidates.get(by));
            let to = winner.map(|winner| (winner.solver, winner.number, winner.verified.score));
            Verdict::Lost(Loss { score, to, on: *on, refusal: refusal.clone() })
        }
    }
}

fn summary(swept: &Sweep<'_>) -> PlanSummary {
    PlanSummary {
        bundles: u32::try_from(swept.plan.bundles()).unwrap_or(u32::MAX),
        colours: swept.plan.colours(),
        hottest: swept.plan.hottest(),
    }
}

fn digest(clearing: &Clearing) -> Hash {
    let mut hasher = Hasher::new("clearlane.v1 clearing");
    let add_score = |hasher: &mut Hasher, score: Score| {
        hasher.bytes(&score.to_be_bytes());
    };
    hasher.number(clearing.auction.0).byte(u8::from(clearing.is_floor_alone));
    add_score(&mut hasher, clearing.score);
    add_score(&mut hasher, clearing.floor_score);
    add_score(&mut hasher, clearing.bound.score);
    match clearing.bound.source {
        BoundSource::Reference => hasher.byte(0),
        BoundSource::Engine => hasher.byte(1),
        BoundSource::Solver(solver) => hasher.byte(2).number(u64::from(solver.0)),
    };
    add_dual_prices(&mut hasher, &clearing.bound.prices);
    add_score(&mut hasher, clearing.selection_gap);
    let plan = clearing.plan;
    [plan.bundles, plan.colours, plan.hottest].iter().for_each(|number| {
        hasher.number(u64::from(*number));
    });
    hasher.count(clearing.executed.len());
    for executed in &clearing.executed {
        [executed.solver.0, executed.number, executed.colour].iter().for_each(|number| {
            hasher.number(u64::from(*number));
        });
        add_score(&mut hasher, executed.score);
        add_bundle(&mut hasher, &executed.bundle);
    }
    hasher.count(clearing.verdicts.len());
    for of_solver in &clearing.verdicts {
        hasher.number(u64::from(of_solver.solver.0)).count(of_solver.verdicts.len());
        add_score(&mut hasher, of_solver.contribution);
        for verdict in &of_solver.verdicts {
            add_verdict(&mut hasher, verdict);
        }
    }
    hasher.finish()
}
