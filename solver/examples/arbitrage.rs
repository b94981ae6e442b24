//! What an auction's venues would give to whoever traded among them alone, in one of its assets; and what is left for the
//! intents of the auction once that has happened.
//!
//! Arguments: an auction file, the asset's name, milliseconds. For the first, one intent stands in for all: it sells a
//! little of the asset for a claim on it, as much as there is.

use std::time::Duration;

use clearlane_core::auction::{
    AuctionInput, AuctionIntent, AuctionVenue, Denomination, Opened, RuleSet, SCORE_UNIT, Solution, score_bundle,
    value_of,
};
use clearlane_core::lanes::Sequential;
use clearlane_core::money::Score;
use clearlane_core::names::{DenominationIndex, Name};
use clearlane_core::venue::{Ladder, Level, PerCoin, Terms};
use clearlane_solver::formats;
use clearlane_solver::offline::answer;
use clearlane_solver::strategy::strategy;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, asset, rest @ ..] = arguments.as_slice() else { return Err("expected a file and an asset".into()) };
    let budget: u64 = rest.first().map_or(Ok(2_000), |text| text.parse())?;
    let mut input = formats::read(&std::fs::read(file)?)?.input;
    let claimed = claimed(input.clone(), asset).ok_or("expected a priced asset that an intent sells")?;
    let bundles = answered(&claimed, budget)?.bundles;
    let own =
        claimed.intents.iter().flat_map(|intent| &intent.options).map(|option| option.give_amount - option.get_amount);
    let own = value_of(&claimed, claimed.intents[0].options[0].get, own.sum()).unwrap_or(0);
    let score: Score = bundles.iter().map(|bundle| score_bundle(&claimed, bundle)).sum();
    println!("arbitrage alone {}", shown(score - own));
    compare("with it", &input, budget)?;
    for used in bundles.iter().flat_map(|bundle| &bundle.uses) {
        if let Some(venue) = input.venues.get_mut(used.venue.at()) {
            let taken = venue.terms.take(&venue.opening, used.direction, used.amount_in, used.amount_out);
            venue.opening = taken.map_err(|refusal| refusal.to_string())?;
        }
    }
    compare("after it", &input, budget)
}

/// What the built-in bidder and the strategy make of the intents.
fn compare(when: &str, input: &AuctionInput, budget: u64) -> Result<(), Box<dyn std::error::Error>> {
    let opened = Opened::new(&AuctionInput { rules: RuleSet::Floor, ..input.clone() });
    let clearing = opened.clear(&[answered(opened.input(), budget)?], &Sequential);
    let [captured, floor, bound] = [clearing.score, clearing.floor_score, clearing.bound.score].map(shown);
    println!("{when}: captured {captured}, the built-in bidder alone {floor}, bound {bound}");
    Ok(())
}

fn answered(input: &AuctionInput, budget: u64) -> Result<Solution, Box<dyn std::error::Error>> {
    let optimal = strategy("optimal")?;
    Ok(answer(input, &[optimal.as_ref()], Some(Duration::from_millis(budget))).remove(0).solution)
}

/// A score in reference units.
fn shown(score: Score) -> String {
    let unit = Score::try_from(SCORE_UNIT).unwrap_or(Score::MAX);
    format!("{}.{:018}", score / unit, score % unit)
}

/// The auction with one intent: it sells a little of the asset for a claim on it, which counts however much it gets.
fn claimed(mut input: AuctionInput, asset: &str) -> Option<AuctionInput> {
    let at = input.denominations.iter().position(|found| found.asset.to_string() == asset)?;
    let asset = DenominationIndex::from_at(at);
    let claim = DenominationIndex::from_at(input.denominations.len());
    let name = Name::new("claim")?;
    let denomination = Denomination { asset: name.clone(), ..input.denominations.get(at)?.clone() };
    denomination.price?;
    let sells = |intent: &&AuctionIntent| intent.options.iter().any(|option| option.give == asset);
    let mut intent = input.intents.iter().find(sells)?.clone();
    let mut option = *intent.options.iter().find(|option| option.give == asset)?;
    let small = 10_u128.pow(u32::from(denomination.scale)) / 100;
    (option.get, option.give_amount, option.get_amount) = (claim, small, small / 2);
    (option.maximum, option.left, option.minimum, option.number) = (small, small, 1, 0);
    (intent.kind, intent.remaining, intent.options) = (clearlane_core::intent::Kind::ExactIn, small, vec![option]);
    intent.is_all_or_nothing = false;
    intent.choose = clearlane_core::intent::Choose::Split;
    let most = 1_000 * small;
    let terms = Terms::Ladder(Ladder { levels: vec![Level { amount_in: most, amount_out: most }] });
    let coins = PerCoin::from_slice(&[asset, claim])?;
    let opening = terms.opening(&PerCoin::from_slice(&[0, most])?);
    input.venues.push(AuctionVenue { name, coins, terms, opening });
    input.denominations.push(denomination);
    // A hundred times what is sold.
    input.surplus_cap_ppm = 100_000_000;
    Some(AuctionInput { rules: RuleSet::Plain, intents: vec![intent], ..input })
}
