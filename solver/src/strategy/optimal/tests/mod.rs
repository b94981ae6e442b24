//! The strategy on random auctions: duality, exhaustive search, and the core's own judge.

mod floors;
mod market;

use std::cell::Cell;
use std::collections::BTreeSet;

use clearlane_core::auction::{AuctionInput, AuctionIntent, Bundle, SCORE_UNIT, judge, verify};
use clearlane_core::money::Score;
use clearlane_core::price::Price;
use proptest::prelude::*;

use self::market::{Scale, auction, auction_with_large_pools};
use super::cholesky::Cholesky;
use super::dive::Style;
use super::interior::Interior;
use super::model::{Model, Rule};
use super::node::{Choice, Restriction, Snapshot};
use super::path::{Ending, Goal};
use super::random::Random;
use super::search::{COLD_MU, Outcome, Relaxed, Search};
use super::{Budget, Optimal, Proposal, Strategy};
use crate::strategy::value::{atoms, float};

const SMALL: Scale = Scale { assets: 4, intents: 10, venues: 5, whole: 0.5 };

fn program(input: &AuctionInput) -> Model {
    Model::of(input, input, &BTreeSet::new())
}

fn relaxed<'m>(model: &'m Model, choices: &[Choice]) -> (Interior<'m>, f64) {
    let cold = Snapshot::cold(model, COLD_MU);
    let mut point = Interior::of(model, choices, &Restriction::default(), &cold, Cholesky::default());
    let goal = Goal { mu: 1e-6, relative: 0.0, residual: 1e-4, steps: 100, cutoff: 0.0 };
    let (ending, standing) = point.follow_path(&goal, None, &|| false);
    assert_eq!(ending, Ending::Reached, "{standing:?}");
    (point, standing.value)
}

/// The sum of the bundles' scores, each judged alone and all together.
fn judged(input: &AuctionInput, bundles: &[Bundle]) -> Score {
    let alone = bundles.iter().map(|bundle| verify(input, bundle).unwrap_or_else(|refusal| panic!("{refusal}")).score);
    let alone: Score = alone.sum();
    let fills: Vec<_> = bundles.iter().flat_map(|bundle| bundle.fills.clone()).collect();
    let uses: Vec<_> = bundles.iter().flat_map(|bundle| bundle.uses.clone()).collect();
    assert_eq!(judge(input, &fills, &uses).unwrap_or_else(|refusal| panic!("{refusal}")), alone);
    alone
}

/// A budget of so many steps.
fn steps(most: u32) -> impl Fn() -> bool {
    let taken = Cell::new(0);
    move || {
        taken.set(taken.get() + 1);
        taken.get() > most
    }
}

/// What one thread proposes within so many steps.
fn solved_within(input: &AuctionInput, most: u32) -> Proposal {
    let is_spent = steps(most);
    Optimal { threads: 1 }.solve(input, &Budget::new(&is_spent))
}

/// An auction in which many options draw on one account, see [`draw_on_one_account`].
fn crowded(seed: u64, share: f64) -> AuctionInput {
    let mut input = auction(seed, Scale { intents: 24, ..SMALL });
    draw_on_one_account(&mut input, share);
    input
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_relaxation_is_worth_what_its_prices_prove(seed in any::<u64>()) {
        let model = program(&auction(seed, SMALL));
        let (point, value) = relaxed(&model, &vec![Choice::Open; model.groups.len()]);
        let proven = point.bound(&point.prices());
        prop_assert!((proven - value).abs() <= 1e-4 * value + 1e-2, "{proven} {value}");
        let mut random = Random::new(seed);
        for _ in 0..20 {
            let other: Vec<f64> = point.prices().iter().map(|price| price * random.between(0.9, 1.1)).collect();
            prop_assert!(point.bound(&other) >= value - 1e-2);
        }
    }

    #[test]
    fn large_pools_keep_every_rule(seed in any::<u64>(), most in 0_u32..400) {
        let input = auction_with_large_pools(seed, SMALL);
        judged(&input, &solved_within(&input, most).bundles);
    }

    #[test]
    fn prices_far_off_break_no_rule(seed in any::<u64>()) {
        let mut input = auction(seed, Scale { intents: 16, ..SMALL });
        distort(&mut input, seed);
        judged(&input, &solved_within(&input, 400).bundles);
    }

    #[test]
    fn answers_keep_every_rule(seed in any::<u64>(), most in 0_u32..400, account in 0.0_f64..1.0) {
        let input = crowded(seed, account);
        let proposal = solved_within(&input, most);
        let score = judged(&input, &proposal.bundles);
        prop_assert_eq!(&solved_within(&input, most), &proposal);
        let two = Optimal { threads: 2 }.solve(&input, &Budget::unlimited());
        prop_assert!(judged(&input, &two.bundles) >= score - score / 1_000);
    }
}

/// Takes prices away, or moves them far off, and makes an option give what it gets.
fn distort(input: &mut AuctionInput, seed: u64) {
    let mut random = Random::new(seed);
    for denomination in &mut input.denominations {
        let factor = 10_f64.powf(8.0 * random.share() - 4.0);
        let price =
            denomination.price.map_or(1.0, |price| float(price.mantissa()) / 10_f64.powi(price.places().into()));
        let distorted = Price::parse(&format!("{:.12e}", price * factor));
        denomination.price = if random.share() < 0.3 { None } else { distorted };
    }
    let place = random.place(input.intents.len());
    if let Some(option) = input.intents[place].options.first_mut() {
        option.get = option.give;
    }
}

/// Lets all options that give the first denomination draw on one account that holds a share of what they need.
fn draw_on_one_account(input: &mut AuctionInput, share: f64) {
    let options = input.intents.iter().flat_map(|intent| &intent.options);
    let Some(first) = options.map(|option| (option.give, option.reserve)).next() else { return };
    let mut sum: u128 = 0;
    for option in input.intents.iter_mut().flat_map(|intent| &mut intent.options) {
        if option.give == first.0 {
            sum += input.reserves[option.reserve.at()].amount;
            option.reserve = first.1;
        }
    }
    let amount = atoms(float(sum) * share);
    input.reserves[first.1.at()].amount = amount;
    input.reserves[first.1.at()].is_scarce = true;
}

/// Every combination of decisions, solved.
fn exhaustive(search: &mut Search<'_>, choices: &mut Vec<Choice>, from: usize, snapshot: &Snapshot) -> f64 {
    let Some(place) = (from..choices.len()).find(|place| search.model.groups[*place].rule != Rule::Free) else {
        return match search.solve(choices, snapshot) {
            Outcome::Solved(relaxed) => relaxed.value,
            Outcome::Worse | Outcome::Halted => 0.0,
        };
    };
    let group = &search.model.groups[place];
    let ways: Vec<Choice> = match group.rule {
        Rule::One | Rule::WholeOne => (0..group.terms.len()).map(Choice::Only).collect(),
        Rule::Free | Rule::Whole | Rule::Rail => vec![Choice::In],
    };
    let mut best: f64 = 0.0;
    for way in ways.into_iter().chain([Choice::Out]) {
        choices[place] = way;
        best = best.max(exhaustive(search, choices, place + 1, snapshot));
    }
    choices[place] = Choice::Open;
    best
}

#[test]
fn branching_finds_what_trying_everything_finds() {
    for seed in 0..12 {
        let model = program(&auction(seed, Scale { assets: 3, intents: 7, venues: 3, whole: 0.7 }));
        let choices = vec![Choice::Open; model.groups.len()];
        let cold = Snapshot::cold(&model, COLD_MU);
        let expected = exhaustive(&mut Search::new(&model, 0, &|| false), &mut choices.clone(), 0, &cold);
        let mut search = Search::new(&model, 0, &|| false);
        let (point, value) = relaxed(&model, &choices);
        let mut shares = vec![0.0; model.terms.len()];
        point.units.iter().for_each(|unit| shares[unit.place] = unit.at.x);
        let root = Relaxed { value, shares, prices: point.prices(), snapshot: cold };
        search.dive(&choices, &root, Style::Drop(3));
        assert!(search.branch(&choices, &root.snapshot, 2_000, false).is_complete, "seed {seed}");
        let found = search.best.map_or(0.0, |best| best.value);
        assert!((found - expected).abs() <= 1e-3 * expected + 1e-2, "seed {seed}: {found} {expected}");
    }
}

#[test]
fn no_budget_at_all_is_an_answer() {
    let input = auction(1, SMALL);
    let proposal = Optimal { threads: 2 }.solve(&input, &Budget::new(&|| true));
    assert_eq!(judged(&input, &proposal.bundles), 0);
    let nothing = AuctionInput { intents: vec![], venues: vec![], reserves: vec![], ..input };
    assert_eq!(Optimal::default().solve(&nothing, &Budget::unlimited()).bundles, []);
}

#[test]
fn an_exact_answer_is_worth_what_its_decisions_are() {
    for (seed, venues) in (0..48).zip([0, 1, 2].into_iter().cycle()) {
        let input = auction(seed, Scale { assets: 3, intents: 10, venues, whole: 0.9 });
        let model = program(&input);
        let choices = vec![Choice::Open; model.groups.len()];
        let mut search = Search::new(&model, 0, &|| false);
        assert!(search.branch(&choices, &Snapshot::cold(&model, COLD_MU), 2_000, false).is_complete, "seed {seed}");
        let decided = search.best.map_or(0.0, |best| best.value) / model.values.unit;
        let proposal = Optimal { threads: 1 }.solve(&input, &Budget::unlimited());
        let score = judged(&input, &proposal.bundles);
        let found = float(u128::try_from(score).expect("positive")) / float(SCORE_UNIT);
        assert!(found >= 0.999 * decided - 1e-4, "seed {seed}: {found} {decided}");
    }
}

#[test]
fn a_whole_fill_that_its_account_cannot_pay_is_out() {
    let input = crowded(12_641_129_271_826_134_738, 0.265_846_571_517_579_07);
    let model = program(&input);
    let is_poor = |intent: &&AuctionIntent| match intent.options.as_slice() {
        [only] => intent.is_all_or_nothing && input.reserves[only.reserve.at()].amount < only.give_amount,
        _ => false,
    };
    assert!(input.intents.iter().any(|intent| is_poor(&intent)), "the case this test is for");
    for (group, intent) in model.groups.iter().zip(&input.intents).filter(|(_, intent)| is_poor(intent)) {
        assert!(group.terms.clone().all(|term| model.terms[term].cap == 0.0), "{intent:?}");
    }
    let score = judged(&input, &solved_within(&input, 400).bundles);
    assert!(score >= 448 * Score::try_from(SCORE_UNIT).expect("small"), "{score}: less than fewer steps found");
}

#[test]
fn a_ladder_that_no_float_can_hold_is_taken_to_its_end() {
    for step in 0..32_u128 {
        let whole = 815_279_923_981_005_160_447 + step * 79_190_123_457;
        let text = format!(
            r#"{{"schema":"auction-instance/1","id":"full","surplus_cap_ppm":10000,
            "assets":[{{"id":"X","decimals":18,"ref_price":"1"}},{{"id":"Y","decimals":6,"ref_price":"1"}}],
            "intents":[{{"id":"i0","kind":"exact_in","fill":"fill_or_kill","choose":"split","options":[{{
                "sell_asset":"X","sell_amount":"{whole}","buy_asset":"Y","buy_amount":"800000000"}}]}}],
            "liquidity":[{{"id":"l0","type":"ladder","asset_in":"X","asset_out":"Y",
                "levels":[{{"in":"{whole}","out":"815279923"}}]}}]}}"#
        );
        let input = crate::formats::read(text.as_bytes()).expect("a valid instance").input;
        let bundles = Optimal { threads: 1 }.solve(&input, &Budget::unlimited()).bundles;
        judged(&input, &bundles);
        assert!(
            bundles.iter().flat_map(|bundle| &bundle.uses).any(|used| used.amount_in == whole),
            "{step}: {bundles:?}"
        );
    }
}

#[test]
fn what_owners_keep_is_not_taken_from_a_scarce_account() {
    let input = crowded(14_055_225_113_396_857_781, 0.256_233_509_509_375_8);
    let score = judged(&input, &solved_within(&input, 400).bundles);
    // Decisions worth 519.56, of which 502.5 were left while every limit was taken in full at first.
    assert!(score >= 519 * Score::try_from(SCORE_UNIT).expect("small"), "{score}");
}

#[test]
fn an_atom_that_costs_nothing_does_not_void_its_bundle() {
    let input = crowded(8_257_305_018_386_633_908, 0.130_307_954_808_625);
    let score = judged(&input, &solved_within(&input, 400).bundles);
    assert!(score >= 341 * Score::try_from(SCORE_UNIT).expect("small"), "{score}");
}
