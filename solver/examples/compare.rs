//! Compares strategies on one auction file: alone, all competing, and the built-in bidder by itself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clearlane_core::auction::{AuctionInput, Executed, SCORE_UNIT, surplus_value};
use clearlane_core::lanes::Sequential;
use clearlane_solver::formats;
use clearlane_solver::offline::solve;
use clearlane_solver::strategy::{Strategy, strategies};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected an auction file")?;
    let budget = arguments.next().map(|text| text.parse()).transpose()?.map(Duration::from_millis);
    let auction = formats::read(&std::fs::read(path)?)?;
    let market = &auction.market;
    println!("{}: {} orders, {} venues", market.name, market.orders.len(), market.venues.len());
    for (what, refused) in [("orders", &market.refused_orders), ("venues", &market.refused_venues)] {
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for (_, refusal) in refused {
            let count = reasons.entry(format!("{} {}", refusal.reason.code(), refusal.message)).or_default();
            *count = count.saturating_add(1);
        }
        reasons.into_iter().for_each(|(reason, count)| println!("  {count} {what} refused: {reason}"));
    }
    let all = strategies();
    let all: Vec<&dyn Strategy> = all.iter().map(AsRef::as_ref).collect();
    compare(&auction.input, "floor", &[], budget);
    for strategy in &all {
        compare(&auction.input, strategy.name(), &[*strategy], budget);
    }
    compare(&auction.input, "all", &all, budget);
    Ok(())
}

fn compare(input: &AuctionInput, name: &str, strategies: &[&dyn Strategy], budget: Option<Duration>) {
    let started = Instant::now();
    let solved = solve(input, strategies, budget, &Sequential);
    let took = started.elapsed();
    let executed = &solved.clearing.executed;
    let of_solvers = executed.iter().filter(|each| each.solver.0 > 0);
    let seconds: f64 = solved.answers.iter().map(|answer| answer.elapsed.as_secs_f64()).sum();
    let proposed: usize = solved.answers.iter().map(|answer| answer.solution.bundles.len()).sum();
    println!(
        "{name:8} score {:.9} surplus {:.9} filled {:4} (by solvers {:4}) bundles {proposed} solving {seconds:.2} s, in all {:.2} s",
        units(solved.clearing.score),
        surplus(input, executed.iter()),
        filled(executed.iter()),
        filled(of_solvers.clone()),
        took.as_secs_f64()
    );
}

fn filled<'a>(executed: impl Iterator<Item = &'a Executed>) -> usize {
    let intents = executed.flat_map(|each| &each.bundle.fills).map(|fill| fill.intent);
    intents.collect::<std::collections::BTreeSet<_>>().len()
}

/// What fills beat their limits by, uncapped, in reference units.
fn surplus<'a>(input: &AuctionInput, executed: impl Iterator<Item = &'a Executed>) -> f64 {
    let fills = executed.flat_map(|each| &each.bundle.fills);
    fills.filter_map(|fill| surplus_value(input, fill)).map(units).sum()
}

#[expect(clippy::cast_precision_loss, reason = "only shown")]
fn units(score: clearlane_core::money::Score) -> f64 {
    score.to_string().parse::<f64>().unwrap_or(0.0) / SCORE_UNIT as f64
}
