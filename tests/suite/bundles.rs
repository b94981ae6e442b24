//! Every refusal of a bundle by its code, and what clearing makes of good ones.

use clearlane_core::auction::{
    AuctionInput, Bundle, FILLS_MAX, Fill, RuleSet, Solution, VenueUse, Verdict, clear, judge, verify,
};
use clearlane_core::intent::FillRule;
use clearlane_core::lanes::Sequential;
use clearlane_core::names::{AuctionId, IntentIndex, SolverId, VenueIndex};
use clearlane_core::refusal::Reason;
use clearlane_core::venue::{ConstantProduct, Direction, Terms};
use clearlane_engine::executor::{Method, Workers};
use clearlane_tests::desk::{Desk, exact_in};

const POOL: Terms = Terms::ConstantProduct(ConstantProduct { fee_ppm: 0 });

/// Alice sells 100.00 EUR for at least 90.00 USD, bob 100.00 USD for at least 99.50 EUR, alice 50.00 EUR in
/// whole for 40.00 USD, bob 20.00 USD in parts of 5.00; a pool of `reserve` cents of each.
pub(super) fn auction(reserve: u128) -> AuctionInput {
    let mut desk = Desk::stocked();
    desk.venue("pool", ["EUR", "USD"], POOL, [reserve, reserve]);
    let cases = [
        ("alice", ("EUR", 10_000), ("USD", 9_000), FillRule::Partial { minimum: Some(1) }),
        ("bob", ("USD", 10_000), ("EUR", 9_950), FillRule::Partial { minimum: Some(1) }),
        ("alice", ("EUR", 5_000), ("USD", 4_000), FillRule::AllOrNothing),
        ("bob", ("USD", 2_000), ("EUR", 1_000), FillRule::Partial { minimum: Some(500) }),
    ];
    for (party, give, get, fill) in cases {
        let mut intent = exact_in(desk.next_id(), give, get);
        intent.fill = fill;
        desk.submit(party, intent).expect("booked");
    }
    desk.open_auction();
    let input = desk.state.auction.as_ref().expect("an auction").input.clone();
    AuctionInput { rules: RuleSet::Plain, ..(*input).clone() }
}

/// The place of the intent that gives this amount.
pub(super) fn place(input: &AuctionInput, give_amount: u128, give: &str) -> IntentIndex {
    let is_it = |intent: &clearlane_core::auction::AuctionIntent| {
        let option = intent.options[0];
        option.give_amount == give_amount && input.denominations[option.give.at()].asset.as_str() == give
    };
    IntentIndex::from_at(input.intents.iter().position(is_it).expect("on offer"))
}

pub(super) fn fill(intent: IntentIndex, sold: u128, bought: u128) -> Fill {
    Fill { intent, option: 0, sold, bought }
}

pub(super) fn pool_use(amount_in: u128, amount_out: u128) -> VenueUse {
    VenueUse { venue: VenueIndex(0), direction: Direction::FORWARD, amount_in, amount_out }
}

#[test]
fn bundles_are_refused_by_the_first_rule_they_break() {
    let input = auction(1_000_000);
    let (alice, bob) = (place(&input, 10_000, "EUR"), place(&input, 10_000, "USD"));
    let (whole, coarse) = (place(&input, 5_000, "EUR"), place(&input, 2_000, "USD"));
    let one = |fills: Vec<Fill>, uses: Vec<VenueUse>| Bundle { fills, uses };
    let unknown = VenueUse { venue: VenueIndex(9), ..pool_use(1, 1) };
    let option = Fill { option: 9, ..fill(alice, 1, 1) };
    let cases = [
        ("nothing", one(vec![], vec![]), Reason::Empty),
        ("too many fills", one(vec![fill(alice, 1, 1); FILLS_MAX + 1], vec![]), Reason::TooLarge),
        ("unknown intent", one(vec![fill(IntentIndex(99), 1, 1)], vec![]), Reason::UnknownIntent),
        ("unknown option", one(vec![option], vec![]), Reason::UnknownOption),
        ("zero", one(vec![fill(alice, 0, 1)], vec![]), Reason::FillAmount),
        ("over-large", one(vec![fill(alice, 1, 1 << 112)], vec![]), Reason::FillAmount),
        ("limit", one(vec![fill(alice, 1_000, 899)], vec![]), Reason::LimitBroken),
        ("twice", one(vec![fill(alice, 10, 9), fill(alice, 10, 9)], vec![]), Reason::FilledTwice),
        ("over-filled", one(vec![fill(alice, 10_001, 9_500)], vec![]), Reason::OverFilled),
        ("not whole", one(vec![fill(whole, 4_999, 4_500)], vec![]), Reason::NotComplete),
        ("small part", one(vec![fill(coarse, 499, 400)], vec![]), Reason::BelowMinimumFill),
        ("small rest", one(vec![fill(coarse, 1_501, 1_400)], vec![]), Reason::BelowMinimumFill),
        ("unknown venue", one(vec![fill(alice, 10, 9)], vec![unknown]), Reason::UnknownVenue),
        ("venue twice", one(vec![fill(alice, 10, 9)], vec![pool_use(5, 4), pool_use(5, 4)]), Reason::VenueUsedTwice),
        ("beyond the rule", one(vec![fill(alice, 1_000, 1_000)], vec![pool_use(1_000, 1_000)]), Reason::VenueRule),
        ("out of nothing", one(vec![fill(alice, 1_000, 999)], vec![pool_use(1_000, 998)]), Reason::NotConserved),
        ("left over", one(vec![fill(alice, 1_000, 990)], vec![pool_use(1_000, 998)]), Reason::NotConserved),
    ];
    for (what, bundle, reason) in cases {
        let refusal = verify(&input, &bundle).expect_err(what);
        assert_eq!(refusal.reason, reason, "{what}: {refusal}");
    }
    let good = one(vec![fill(alice, 10_000, 10_000), fill(bob, 10_000, 10_000)], vec![]);
    assert!(verify(&input, &good).is_ok());
}

#[test]
fn what_executes_is_a_valid_solution_and_equal_on_every_executor() {
    let input = auction(100_000);
    let (alice, bob) = (place(&input, 10_000, "EUR"), place(&input, 10_000, "USD"));
    let matched = Bundle { fills: vec![fill(alice, 10_000, 10_000), fill(bob, 10_000, 10_000)], uses: vec![] };
    let traded = Bundle { fills: vec![fill(alice, 1_000, 990)], uses: vec![pool_use(1_000, 990)] };
    let wrong = Bundle { fills: vec![fill(alice, 1_000, 1)], uses: vec![] };
    let solution =
        |solver, bundles| Solution { solver: SolverId(solver), auction: AuctionId(1), bundles, prices: None };
    let solutions = [solution(1, vec![matched, wrong]), solution(2, vec![traded])];
    let clearing = clear(&input, &solutions, &Sequential);
    let verdicts: Vec<&Verdict> = clearing.verdicts.iter().flat_map(|of| &of.verdicts).collect();
    assert!(matches!(verdicts[0], Verdict::Won(_)), "{verdicts:?}");
    assert!(matches!(verdicts[1], Verdict::Refused(refusal) if refusal.reason == Reason::LimitBroken), "{verdicts:?}");
    let Verdict::Lost(loss) = verdicts[2] else { panic!("{verdicts:?}") };
    assert_eq!(loss.to.map(|(solver, number, _)| (solver.0, number)), Some((1, 0)));
    let fills: Vec<Fill> = clearing.executed.iter().flat_map(|one| one.bundle.fills.clone()).collect();
    let uses: Vec<VenueUse> = clearing.executed.iter().flat_map(|one| one.bundle.uses.clone()).collect();
    assert_eq!(uses.len(), 2, "the built-in bidder serves both smaller intents");
    assert_eq!(judge(&input, &fills, &uses), Ok(clearing.score), "captured is executed");
    for workers in every_way() {
        assert_eq!(clear(&input, &solutions, &workers), clearing, "{workers:?}");
    }
}

/// Every method at several numbers of lanes, besides what the cost model would choose.
pub(super) fn every_way() -> Vec<Workers> {
    let at =
        |lanes| Method::ALL.map(|method| Workers::new(lanes).always(method)).into_iter().chain([Workers::new(lanes)]);
    [1, 2, 4, 8].into_iter().flat_map(at).collect()
}

/// Many random bundles over few intents and one pool: drops and all, lanes equal the sequential order.
#[test]
fn contended_bundles_clear_alike_at_any_number_of_lanes() {
    let mut desk = Desk::stocked();
    desk.venue("pool", ["EUR", "USD"], POOL, [1_000_000, 1_000_000]);
    desk.venue("other", ["EUR", "USD"], POOL, [500_000, 500_000]);
    for _ in 0..40 {
        let id = desk.next_id();
        desk.submit("alice", exact_in(id, ("EUR", 2_000), ("USD", 1_500))).expect("booked");
    }
    desk.open_auction();
    let input = desk.state.auction.as_ref().expect("an auction").input.clone();
    let input = AuctionInput { rules: RuleSet::Plain, ..(*input).clone() };
    assert!(input.reserves.iter().all(|reserve| !reserve.is_scarce), "80,000 of 100,000 are claimed");
    let mut seed = 11_u64;
    let mut next = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % bound
    };
    let bundles: Vec<Bundle> = (0..400)
        .map(|_| {
            let intent = IntentIndex(u32::try_from(next(40)).expect("small"));
            let (sold, venue) = (u128::from(100 + next(1_500)), VenueIndex(u32::try_from(next(2)).expect("small")));
            let bought = sold * 9 / 10 + u128::from(next(20));
            Bundle { fills: vec![fill(intent, sold, bought)], uses: vec![VenueUse { venue, ..pool_use(sold, bought) }] }
        })
        .collect();
    let solutions = [Solution { solver: SolverId(1), auction: AuctionId(1), bundles, prices: None }];
    let clearing = clear(&input, &solutions, &Sequential);
    let lost = clearing.verdicts[0].verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Lost(_))).count();
    assert!(lost > 50, "the batch is contended: {lost} lost");
    for workers in every_way() {
        assert_eq!(clear(&input, &solutions, &workers).digest, clearing.digest, "{workers:?}");
    }
}
