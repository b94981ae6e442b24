//! Whole auctions solved offline: what executes passes the core's judge and stays below known bounds.

use std::path::Path;

use clearlane_core::auction::{Executed, SCORE_UNIT, VenueUse, judge};
use clearlane_core::lanes::Sequential;
use clearlane_core::money::Score;
use clearlane_core::price::Price;
use clearlane_core::venue::Direction;
use clearlane_solver::formats::solution::FileSolution;
use clearlane_solver::formats::{self, Auction};
use clearlane_solver::offline::solve;
use clearlane_solver::strategy::{Direct, Netting, Strategy, strategies};

/// The largest instance that a build without optimisation solves in reasonable time.
const DEBUG_INTENTS_MAX: usize = 200;

fn data() -> Option<String> {
    let folder = std::env::var("CLEARLANE_DATA").ok();
    if folder.is_none() {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds auctions/hand and auctions/public");
    }
    folder
}

fn auction(path: &Path) -> Auction {
    formats::read(&std::fs::read(path).expect("the file is there")).expect("a valid instance")
}

/// A price's decimal text as a score.
fn score(text: &str) -> Score {
    let Some(price) = Price::parse(text) else { return 0 };
    let power = 10_u128.pow(u32::from(price.places()));
    let product = price.mantissa().checked_mul(SCORE_UNIT).expect("bounds are small");
    Score::try_from(product / power + 1).expect("bounds are small")
}

/// The score of what executes, judged as one solution: once as bundles, once read back from its file.
fn judged(auction: &Auction, executed: &[Executed], context: &str) -> Score {
    let summed = FileSolution::of(auction, executed.iter().map(|each| &each.bundle));
    let text = summed.write(auction);
    let file = FileSolution::read(auction, text.as_bytes()).expect("it reads what it writes");
    let mut uses = Vec::new();
    for used in &file.uses {
        let way = |direction: Direction| {
            let (amount_in, amount_out) = (used.amounts_in.get(direction.from), used.amounts_out.get(direction.into));
            (direction, amount_in.expect("a coin"), amount_out.expect("a coin"))
        };
        let only = used.direction().filter(|_| used.amounts_in.count() > 2);
        let ways = only.map_or(vec![Direction::FORWARD, Direction::BACKWARD], |only| vec![only]);
        let ways = ways.into_iter().map(way);
        let ways = ways.filter(|(_, amount_in, _)| *amount_in > 0);
        uses.extend(ways.map(|(direction, amount_in, amount_out)| VenueUse {
            venue: used.venue,
            direction,
            amount_in,
            amount_out,
        }));
    }
    judge(&auction.input, &file.fills, &uses).unwrap_or_else(|refusal| panic!("{context}: {refusal}"))
}

#[test]
fn what_executes_passes_the_judge_and_keeps_to_the_bound() {
    let Some(folder) = data() else { return };
    let mut checked = 0;
    for family in ["hand", "public"] {
        let entries = std::fs::read_dir(format!("{folder}/auctions/{family}")).expect("the folder is there");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("readable").path()).collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "json")) {
            let auction = auction(&path);
            if cfg!(debug_assertions) && auction.input.intents.len() > DEBUG_INTENTS_MAX {
                continue;
            }
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            let answer = std::fs::read(format!("{folder}/auctions/answers/{family}/{name}")).expect("an answer");
            let answer: serde_json::Value = serde_json::from_slice(&answer).expect("valid JSON");
            let bound = score(answer["bound_relaxation"].as_str().expect("a bound"));
            let all = strategies();
            let all: Vec<&dyn Strategy> = all.iter().map(AsRef::as_ref).collect();
            let solved = solve(&auction.input, &all, None, &Sequential);
            let score = judged(&auction, &solved.clearing.executed, name);
            assert!(score >= solved.clearing.score, "{name}: {score} {}", solved.clearing.score);
            assert!(score <= bound, "{name}: {score} {bound}");
            assert!(solved.clearing.score >= solved.clearing.floor_score, "{name}");
            checked += 1;
        }
    }
    assert!(checked >= 7, "{checked}");
}

#[test]
fn closed_forms_are_reached() {
    let Some(folder) = data() else { return };
    let strategies: [&dyn Strategy; 2] = [&Direct, &Netting];
    for (name, expected) in [("h1_two_party_cow", "15"), ("h3_one_pool", "10.90909"), ("h5_exact_out_fee", "7.210051")]
    {
        let auction = auction(Path::new(&format!("{folder}/auctions/hand/{name}.json")));
        let solved = solve(&auction.input, &strategies, None, &Sequential);
        assert_eq!(solved.clearing.score + Score::from(1_u8), score(expected), "{name}");
    }
}
