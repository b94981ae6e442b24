//! A strategy of one's own, in full: opposing exact-in intents trade with each other, half way between their limits.
//!
//! `cargo run -p clearlane-solver --example own_strategy -- docs/examples/opposing.json`
//!
//! It proposes; the core judges. `verify` says of a bundle what it would score, or which rule it breaks.

use clearlane_core::auction::{AuctionInput, AuctionOption, Bundle, Fill, SCORE_UNIT, verify};
use clearlane_core::intent::Kind;
use clearlane_core::lanes::Sequential;
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::IntentIndex;
use clearlane_solver::formats;
use clearlane_solver::offline::solve;
use clearlane_solver::strategy::{Budget, Proposal, Strategy};

struct Opposing;

impl Strategy for Opposing {
    fn name(&self) -> &'static str {
        "opposing"
    }

    fn solve(&self, input: &AuctionInput, budget: &Budget<'_>) -> Proposal {
        let mut bundles = Vec::new();
        for one in 0..input.intents.len() {
            if budget.is_spent() {
                break;
            }
            let swaps = (one + 1..input.intents.len()).filter_map(|other| swap(input, one, other));
            let valid = swaps.filter_map(|bundle| Some((verify(input, &bundle).ok()?.score, bundle)));
            bundles.extend(valid.max_by_key(|(score, _)| *score).filter(|(score, _)| *score > 0));
        }
        // What was proposed first is tried first where two want the same intent.
        bundles.sort_by_key(|(score, _)| -score);
        Proposal::from(bundles.into_iter().map(|(_, bundle)| bundle).collect::<Vec<_>>())
    }
}

/// As much as two intents can give each other; `None` where they don't oppose each other or their limits don't meet.
fn swap(input: &AuctionInput, one: usize, other: usize) -> Option<Bundle> {
    let (mine, theirs) = (only_option(input, one)?, only_option(input, other)?);
    if (mine.give, mine.get) != (theirs.get, theirs.give) {
        return None;
    }
    let most = |option: &AuctionOption| option.maximum.min(option.left).min(input.reserves[option.reserve.at()].amount);
    // The least that I may get for what I give, and the most that they may give for it.
    let least = |sold| mul_div(sold, mine.get_amount, mine.give_amount, Rounding::Up);
    let highest = |sold| mul_div(sold, theirs.give_amount, theirs.get_amount, Rounding::Down);
    let affordable = mul_div(most(theirs), theirs.get_amount, theirs.give_amount, Rounding::Down)?;
    let sold: Atoms = most(mine).min(affordable);
    let bought = least(sold)? + highest(sold)?.checked_sub(least(sold)?)? / 2;
    let fill = |at, sold, bought| Fill { intent: IntentIndex::from_at(at), option: 0, sold, bought };
    Some(Bundle { fills: vec![fill(one, sold, bought), fill(other, bought, sold)], uses: vec![] })
}

fn only_option(input: &AuctionInput, at: usize) -> Option<&AuctionOption> {
    let intent = input.intents.get(at).filter(|intent| intent.kind == Kind::ExactIn)?;
    intent.options.first().filter(|_| intent.options.len() == 1)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("expected an auction file, such as docs/examples/opposing.json")?;
    let input = formats::read(&std::fs::read(path)?)?.input;
    let solved = solve(&input, &[&Opposing], None, &Sequential);
    let won = solved.clearing.executed.iter().filter(|executed| executed.solver.0 > 0).count();
    println!("proposed {}, won {won}", solved.answers[0].solution.bundles.len());
    println!("score {} of at most {}, in parts of {SCORE_UNIT}", solved.clearing.score, solved.clearing.bound.score);
    Ok(())
}

#[test]
fn it_beats_the_built_in_bidder_where_intents_oppose_each_other() {
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/opposing.json")).expect("a file");
    let input = formats::read(&bytes).expect("an auction").input;
    let alone = solve(&input, &[], None, &Sequential).clearing;
    let with = solve(&input, &[&Opposing], None, &Sequential).clearing;
    assert!(with.score > alone.score && with.score <= with.bound.score, "{} {}", with.score, alone.score);
    assert!(with.executed.iter().any(|executed| executed.solver.0 == 1), "{:?}", with.verdicts);
}
