//! The certificate against bounds that were computed elsewhere, in fifty digits, at the same prices.

use std::path::{Path, PathBuf};

use clearlane_core::auction::certificate::{DualPrices, certify};
use clearlane_core::auction::{AuctionInput, SCORE_UNIT};
use clearlane_core::money::Score;
use clearlane_core::price::Price;
use clearlane_solver::formats::{self, Auction};
use serde_json::Value;

/// One part in a million, which is what fifty digits printed with six decimals may differ by, and more.
const TOLERANCE: Score = 1_000_000;

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
        let (found, tighter) =
            (certify(&relaxed(&auction.input), &prices).bound, certify(&auction.input, &prices).bound);
        let reference = certify(&auction.input, &DualPrices::reference(&auction.input)).bound;
        eprintln!(
            "{name} {found} {expected} tighter {tighter} best {best} reference {:.4}",
            reference as f64 / tighter as f64
        );
        let error = (found - expected).abs();
        assert!(error <= expected / TOLERANCE + TOLERANCE * TOLERANCE, "{name}: {found} {expected}");
        assert!(tighter <= found && best <= tighter, "{name}: {best} {tighter} {found}");
    }
}
