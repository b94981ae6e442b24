//! What the floor rules cost against the plain ones: the same auctions solved under both, by the plain objective.
//!
//! Arguments: a folder of auction files, milliseconds, and a part of the names wanted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clearlane_core::auction::{AuctionInput, Opened, RuleSet, SCORE_UNIT, Solution, score_bundle};
use clearlane_core::lanes::Sequential;
use clearlane_solver::formats;
use clearlane_solver::offline::answer;
use clearlane_solver::strategy::strategy;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().ok_or("expected a folder")?;
    let budget: u64 = arguments.get(1).map_or(Ok(300), |text| text.parse())?;
    let wanted = arguments.get(2).cloned().unwrap_or_default();
    let mut paths: Vec<_> = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut families: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    for path in paths {
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.contains(&wanted) {
            continue;
        }
        let auction = formats::read(&std::fs::read(&path)?)?;
        let of = |rules| solved(&AuctionInput { rules, ..auction.input.clone() }, budget);
        let (plain, floor) = (of(RuleSet::Plain)?, of(RuleSet::Floor)?);
        println!(
            "{name:28} plain {:14.6} floor rules {:14.6} ratio {:.5}, by their own objective {:14.6} of floor {:14.6}, alone {:14.6}, {} ms opening {} ms answering {} ms clearing, refused {:?}",
            plain.score,
            floor.score,
            floor.score / plain.score.max(1e-9),
            floor.own,
            floor.floor,
            floor.alone,
            floor.millis[0],
            floor.millis[1],
            floor.millis[2],
            floor.refused
        );
        let family = name.split('-').nth(1).unwrap_or(&name).to_owned();
        for key in [family, "pooled".to_owned()] {
            let sums = families.entry(key).or_default();
            *sums = [sums[0] + plain.score, sums[1] + floor.score];
        }
    }
    for (family, [plain, floor]) in families {
        println!("{family:28} {:.5}", floor / plain);
    }
    Ok(())
}

/// One auction under one set of rules.
struct Solved {
    /// What executes, by the plain objective; by the rules' own; what the built-in bidder and the strategy have alone.
    score: f64,
    own: f64,
    floor: f64,
    alone: f64,
    /// Opening, answering, clearing.
    millis: [u128; 3],
    refused: Vec<String>,
}

#[expect(clippy::cast_precision_loss, reason = "only shown")]
fn solved(input: &AuctionInput, budget: u64) -> Result<Solved, Box<dyn std::error::Error>> {
    let started = Instant::now();
    let opened = Opened::new(input);
    let opening = started.elapsed().as_millis();
    let strategy = strategy(&std::env::var("STRATEGY").unwrap_or("optimal".into()))?;
    let found = answer(opened.input(), &[strategy.as_ref()], Some(Duration::from_millis(budget))).remove(0);
    let started = Instant::now();
    let clearing = opened.clear(std::slice::from_ref(&found.solution), &Sequential);
    let millis = [opening, found.elapsed.as_millis(), started.elapsed().as_millis()];
    let plain = AuctionInput { rules: RuleSet::Plain, ..input.clone() };
    let bundles = clearing.executed.iter().map(|executed| &executed.bundle);
    let score: i128 = bundles.map(|bundle| score_bundle(&plain, bundle)).sum();
    let Solution { bundles, .. } = &found.solution;
    let refused = bundles
        .iter()
        .filter_map(|bundle| Some(clearlane_core::auction::verify(opened.input(), bundle).err()?.to_string()));
    let alone: i128 = clearing.executed.iter().filter(|one| one.solver.0 > 0).map(|one| one.score).sum();
    let unit = SCORE_UNIT as f64;
    Ok(Solved {
        score: score as f64 / unit,
        own: clearing.score as f64 / unit,
        floor: clearing.floor_score as f64 / unit,
        alone: alone as f64 / unit,
        millis,
        refused: refused.collect(),
    })
}
