//! What every strategy promises of its bundles, on whole instances, in exact arithmetic.

use std::collections::BTreeMap;
use std::sync::Arc;

use clearlane_core::auction::{AuctionInput, Bundle, OpenPlan, Solution, clear};
use clearlane_core::lanes::Sequential;
use clearlane_solver::formats;
use clearlane_solver::offline::answer;
use clearlane_solver::strategy::{Strategy, strategies};

const INSTANCES: &[&str] = &["amm-0050", "cow_pairs-0200", "fok-0060", "illiquid-0030", "payments-0060"];

/// Each bundle balances, each fill leaving at most one atom over.
fn assert_balanced(input: &AuctionInput, bundle: &Bundle, context: &str) {
    let mut balances: BTreeMap<_, (u128, u128)> = BTreeMap::new();
    for fill in &bundle.fills {
        let option = &input.intents[fill.intent.at()].options[usize::from(fill.option)];
        balances.entry(option.give).or_default().0 += fill.sold;
        balances.entry(option.get).or_default().1 += fill.bought;
    }
    for used in &bundle.uses {
        let (to, from) = input.venues[used.venue.at()].sides(used.direction).expect("its coins");
        balances.entry(from).or_default().0 += used.amount_out;
        balances.entry(to).or_default().1 += used.amount_in;
    }
    for (denomination, (supply, demand)) in balances {
        let left = supply.checked_sub(demand);
        let most = bundle.fills.len() as u128;
        assert!(left.is_some_and(|left| left <= most), "{context}: {denomination:?} {supply} {demand}");
    }
}

fn assert_holds(input: &AuctionInput, strategy: &dyn Strategy, context: &str) {
    let bundles = answer(input, &[strategy], None).remove(0).solution.bundles;
    let mut states: Vec<_> = input.venues.iter().map(|venue| venue.opening).collect();
    let mut filled: BTreeMap<_, u128> = BTreeMap::new();
    for bundle in &bundles {
        assert_balanced(input, bundle, context);
        for used in &bundle.uses {
            let (at, terms) = (used.venue.at(), &input.venues[used.venue.at()].terms);
            let take = |state| terms.take(state, used.direction, used.amount_in, used.amount_out);
            let alone = take(&input.venues[at].opening);
            assert!(alone.is_ok(), "{context}: alone {alone:?}");
            states[at] = take(&states[at]).unwrap_or_else(|refusal| panic!("{context}: in turn {refusal}"));
        }
        for fill in &bundle.fills {
            let fixed = input.intents[fill.intent.at()].fixed_of(fill.sold, fill.bought);
            *filled.entry(fill.intent).or_default() += fixed;
        }
    }
    for (intent, fixed) in filled {
        let intent = &input.intents[intent.at()];
        assert!(fixed <= intent.remaining, "{context}: over-filled");
        assert!(!intent.is_all_or_nothing || fixed == intent.remaining, "{context}: not complete");
    }
}

/// What is promised has the lanes in which it is swept, if all of it is valid.
fn assert_lanes(input: AuctionInput, context: &str) {
    let all = strategies();
    let all: Vec<&dyn Strategy> = all.iter().map(AsRef::as_ref).collect();
    let solutions: Vec<Solution> = answer(&input, &all, None).into_iter().map(|answer| answer.solution).collect();
    let clearing = clear(&input, &solutions, &Sequential);
    let mut plan = OpenPlan::new(Arc::new(input));
    for solution in solutions.iter().rev() {
        plan.put(solution.solver, &[]);
        plan.put(solution.solver, &solution.bundles);
    }
    assert_eq!(plan.summary(), clearing.plan, "{context}");
}

#[test]
fn bundles_hold_alone_and_in_turn() {
    let Ok(folder) = std::env::var("CLEARLANE_DATA") else {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds auctions/public");
        return;
    };
    for name in INSTANCES {
        let bytes = std::fs::read(format!("{folder}/auctions/public/public-{name}.json")).expect("the file is there");
        let auction = formats::read(&bytes).expect("a valid instance");
        for strategy in strategies() {
            assert_holds(&auction.input, strategy.as_ref(), &format!("{name} {}", strategy.name()));
        }
        assert_lanes(auction.input, name);
    }
}
