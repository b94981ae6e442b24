//! CoW's own cases of winner selection: their rule literally, and the exact selection beside it.

use std::collections::BTreeMap;

use clearlane_core::auction::{CowSolution, CowTrade, DirectedPair, cow_select};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Score};
use clearlane_core::names::SolverId;
use serde_json::Value;

/// What 10^18 atoms are worth where a case names no prices.
const USUAL_PRICE: Atoms = 1_000;

fn amount(value: &Value) -> Atoms {
    value.as_str().expect("text").parse().expect("an amount")
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().expect("an object").iter()
}

/// The names of the solutions with what they trade; `solvers` numbers the solvers as they come.
fn solutions<'a>(case: &'a Value, solvers: &mut Vec<&'a str>) -> Vec<(&'a str, CowSolution)> {
    let tokens: Vec<&str> =
        case["tokens"].as_array().expect("tokens").iter().filter_map(|one| one[0].as_str()).collect();
    let token = |name: &Value| {
        u32::try_from(tokens.iter().position(|token| Some(*token) == name.as_str()).expect("a token")).expect("few")
    };
    let solution = |(name, solution): (&'a String, &'a Value)| {
        let solver = solution["solver"].as_str().expect("a solver");
        let at = solvers.iter().position(|known| *known == solver).unwrap_or_else(|| {
            solvers.push(solver);
            solvers.len() - 1
        });
        let mut by_pair: BTreeMap<DirectedPair, Score> = BTreeMap::new();
        for (order, trade) in members(&solution["trades"]) {
            let order = &case["auction"]["orders"][order];
            let price = &case["auction"]["prices"][order["buy_token"].as_str().expect("a token")];
            let trade = CowTrade {
                kind: if order["side"] == "sell" { Kind::ExactIn } else { Kind::ExactOut },
                limit_sell: amount(&order["sell_amount"]),
                limit_buy: amount(&order["buy_amount"]),
                sold: amount(&trade["sell_amount"]),
                bought: amount(&trade["buy_amount"]),
                buy_price: if price.is_null() { USUAL_PRICE } else { amount(price) },
            };
            let pair = (token(&order["sell_token"]), token(&order["buy_token"]));
            *by_pair.entry(pair).or_default() += trade.score().expect("a score");
        }
        (name.as_str(), CowSolution { solver: SolverId(u32::try_from(at).expect("few")), by_pair })
    };
    members(&case["solutions"]).map(solution).collect()
}

fn check(file: &str, case: &Value) {
    let mut solvers = Vec::new();
    let named = solutions(case, &mut solvers);
    let list: Vec<CowSolution> = named.iter().map(|(_, solution)| solution.clone()).collect();
    let outcome = cow_select(&list);
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    let found = |places: &[usize]| sorted(places.iter().map(|at| named[*at].0.to_owned()).collect());
    let expected = |field: &str| {
        let names = case[field].as_array().expect("names").iter();
        sorted(names.map(|name| name.as_str().expect("a name").to_owned()).collect())
    };
    assert_eq!(found(&outcome.fair), expected("expected_fair_solutions"), "{file}");
    assert_eq!(found(&outcome.winners), expected("expected_winners"), "{file}");
    let name = |solver: &SolverId| solvers[usize::try_from(solver.0).expect("small")].to_owned();
    let reference: BTreeMap<String, Score> =
        outcome.reference.iter().map(|(solver, score)| (name(solver), *score)).collect();
    let wanted: BTreeMap<String, Score> = members(&case["expected_reference_scores"])
        .map(|(solver, score)| (solver.clone(), Score::try_from(amount(score)).expect("a score")))
        .collect();
    assert_eq!(reference, wanted, "{file}");
    let (exact, gap) = outcome.exact;
    assert!(exact >= outcome.score && gap == 0, "{file}: {exact} against {}", outcome.score);
    if file.starts_with("reference_better_than_winners") {
        assert_eq!((outcome.score, exact), (300, 380), "best score first misses the better set");
    }
}

#[test]
fn all_ten_cases_come_out_as_they_do_there() {
    let Ok(folder) = std::env::var("CLEARLANE_DATA") else {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds cow/winner-selection");
        return;
    };
    let folder = std::path::Path::new(&folder).join("cow/winner-selection");
    let mut cases = 0;
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a case");
        check(&path.file_name().expect("a name").to_string_lossy(), &serde_json::from_str(&text).expect("JSON"));
        cases += 1;
    }
    assert_eq!(cases, 10);
}
