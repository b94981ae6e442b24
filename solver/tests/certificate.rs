//! The certificate against bounds that were computed elsewhere, in fifty digits, at the same prices.

use std::path::{Path, PathBuf};

use clearlane_core::auction::certificate::{BoundSource, DualPrices, bound, certify};
use clearlane_core::auction::{AuctionInput, SCORE_UNIT, Solution};
use clearlane_core::lanes::Sequential;
use clearlane_core::money::Score;
use clearlane_core::names::{AuctionId, SolverId};
use clearlane_core::price::Price;
use clearlane_solver::formats::{self, Auction};
use serde_json::Value;

/// Bounds may differ by one part of it, and by one unit of the sixth decimal, to which the other was rounded up.
const MILLION: Score = 1_000_000;
/// The largest instance on which a build without optimisation finds prices in reasonable time.
const DEBUG_INTENTS_MAX: usize = 60;

fn data() -> Option<String> {
    let folder = std::env::var("CLEARLANE_DATA").ok();
    if folder.is_none() {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds auctions/answers");
    }
    folder
}

fn instances(folder: &str) -> Vec<(PathBuf, PathBuf)> {
    let mut found = Vec::new();
    for family in ["hand", "public"] {
        let entries = std::fs::read_dir(format!("{folder}/auctions/answers/{family}")).expect("the folder is there");
        for entry in entries {
            let answer = entry.expect("readable").path();
            let name = answer.file_name().expect("a name").to_owned();
            found.push((PathBuf::from(format!("{folder}/auctions/{family}")).join(name), answer));
        }
    }
    found.sort();
    found
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the file is there")).expect("valid JSON")
}

fn score(text: &str) -> Score {
    let Some(price) = Price::parse(text) else { return 0 };
    let power = 10_u128.pow(u32::from(price.places()));
    Score::try_from(price.mantissa().checked_mul(SCORE_UNIT).expect("small") / power).expect("small")
}

fn prices(auction: &Auction, answer: &Value) -> DualPrices {
    let price = |asset: &str| Price::parse(answer["certificate_prices"][asset].as_str().expect("a price"));
    let rows = auction.input.denominations.iter();
    DualPrices::new(rows.map(|row| price(row.asset.as_str())).collect()).expect("few prices")
}

/// The same auction with every intent open to parts: what the other bound was computed for.
fn relaxed(input: &AuctionInput) -> AuctionInput {
    let mut input = input.clone();
    input.intents.iter_mut().for_each(|intent| intent.is_all_or_nothing = false);
    input
}

#[test]
fn the_certificate_equals_the_bound_that_was_computed_elsewhere() {
    let Some(folder) = data() else { return };
    for (path, answer) in instances(&folder) {
        let auction = formats::read(&std::fs::read(&path).expect("the file is there")).expect("a valid instance");
        let answer = json(&answer);
        let name = path.file_name().expect("a name").to_string_lossy();
        let prices = prices(&auction, &answer);
        let expected = score(answer["bound_relaxation"].as_str().expect("a bound"));
        let best = score(answer["best_known"].as_str().expect("a score"));
        let found = certify(&relaxed(&auction.input), &prices).bound;
        let tighter = certify(&auction.input, &prices).bound;
        let error = (found - expected).abs();
        assert!(error <= expected / MILLION + MILLION * MILLION, "{name}: {found} {expected}");
        assert!(best <= tighter && tighter <= found, "{name}: {best} {tighter} {found}");
    }
}

#[test]
fn the_engines_own_prices_come_close_to_the_best_known() {
    let Some(folder) = data() else { return };
    let known = instances(&folder);
    for (path, answer) in &known {
        let auction = formats::read(&std::fs::read(path).expect("the file is there")).expect("a valid instance");
        if cfg!(debug_assertions) && auction.input.intents.len() > DEBUG_INTENTS_MAX {
            continue;
        }
        let name = path.file_name().expect("a name").to_string_lossy();
        let answer = json(answer);
        let best = certify(&auction.input, &prices(&auction, &answer)).bound;
        let found = bound(&auction.input, &[], &Sequential);
        assert_eq!(found.score, certify(&auction.input, &found.prices).bound, "{name}: the prices prove the bound");
        assert!(found.score >= score(answer["best_known"].as_str().expect("a score")), "{name}");
        assert!(found.score <= best + best / 40 + 1, "{name}: {} {best}", found.score);
    }
}

#[test]
fn the_least_bound_is_taken_and_prices_that_do_not_fit_are_passed_over() {
    let Some(folder) = data() else { return };
    let path = format!("{folder}/auctions/public/public-fok-0060.json");
    let answer = json(Path::new(&format!("{folder}/auctions/answers/public/public-fok-0060.json")));
    let auction = formats::read(&std::fs::read(path).expect("the file is there")).expect("a valid instance");
    let answered = |solver, auction, prices| Solution { solver: SolverId(solver), auction, bundles: vec![], prices };
    let (input, good) = (&auction.input, prices(&auction, &answer));
    let one_more = DualPrices::new(good.iter().chain([None]).collect());
    let zero = DualPrices::new(vec![None; good.count()]);
    let solutions = [
        answered(1, input.auction, zero),
        answered(2, AuctionId(9), Some(good.clone())),
        answered(3, input.auction, one_more),
        answered(4, input.auction, Some(good.clone())),
        answered(5, input.auction, Some(good.clone())),
    ];
    let found = bound(input, &solutions, &Sequential);
    assert_eq!((found.source, &found.prices), (BoundSource::Solver(SolverId(4)), &good));
    assert_eq!(found.score, certify(input, &good).bound);
    let alone = bound(input, &solutions[..3], &Sequential);
    assert_eq!(alone.source, BoundSource::Engine);
}
