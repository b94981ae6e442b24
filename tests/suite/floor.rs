//! The floor rules: nobody is served worse than by the built-in bidder, and a bundle treats equals alike.

use clearlane_core::auction::{
    AuctionInput, Bundle, Fill, FloorTerms, RuleSet, Solution, VenueUse, clear, score_bundle, verify, with_floors,
};
use clearlane_core::lanes::Sequential;
use clearlane_core::names::{AuctionId, IntentIndex, SolverId};
use clearlane_core::refusal::Reason;

use super::bundles::{auction, every_way, fill, place, pool_use};

/// The same desk under the floor rules.
fn floored(reserve: u128) -> AuctionInput {
    with_floors(&AuctionInput { rules: RuleSet::Floor, ..auction(reserve) })
}

fn floor(input: &AuctionInput, intent: IntentIndex) -> FloorTerms {
    input.intents[intent.at()].floor.expect("a floor")
}

fn alone(sold: u128, bought: u128, intent: IntentIndex) -> Bundle {
    Bundle { fills: vec![fill(intent, sold, bought)], uses: vec![pool_use(sold, bought)] }
}

fn refused(input: &AuctionInput, bundle: &Bundle) -> Option<Reason> {
    verify(input, bundle).err().map(|refusal| refusal.reason)
}

#[test]
fn a_fill_keeps_its_share_of_the_floor_to_the_atom() {
    let input = floored(100_000);
    let alice = place(&input, 10_000, "EUR");
    let terms = floor(&input, alice);
    assert!(terms.sold > 1_000 && terms.bought > terms.sold * 9 / 10, "{terms:?}");
    let surplus = |sold: u128, bought: u128| bought * 10 - sold * 9;
    for sold in [1, 7, 100, 999, terms.sold - 1, terms.sold] {
        let least = (1..=sold).find(|bought| {
            bought * 10 >= sold * 9
                && surplus(sold, *bought) * terms.sold >= surplus(terms.sold, terms.bought) * sold.min(terms.sold)
        });
        let Some(least) = least else { continue };
        // What the pool can't give is refused only after it was found fair.
        let kept = refused(&input, &alone(sold, least, alice));
        assert!(matches!(kept, None | Some(Reason::VenueRule)), "{sold} for {least}: {kept:?}");
        let worse = refused(&input, &alone(sold, least - 1, alice));
        assert!(matches!(worse, Some(Reason::WorseThanFloor | Reason::LimitBroken)), "{sold}: {worse:?}");
    }
    let worse = alone(terms.sold, terms.bought - 1, alice);
    assert_eq!(refused(&input, &worse), Some(Reason::WorseThanFloor));
    let plain = AuctionInput { rules: RuleSet::Plain, ..input };
    assert_ne!(refused(&plain, &worse), Some(Reason::WorseThanFloor), "only these rules have a floor");
}

#[test]
fn fills_of_a_directed_pair_have_one_price() {
    let mut input = floored(100_000);
    let (alice, whole) = (place(&input, 10_000, "EUR"), place(&input, 5_000, "EUR"));
    let bob = place(&input, 10_000, "USD");
    // Without floors only the price is judged.
    input.intents.iter_mut().for_each(|intent| intent.floor = None);
    let with = |first: Fill, second: Fill| {
        let given = first.bought + second.bought;
        let taken = first.sold + second.sold;
        let served = fill(bob, given, taken);
        Bundle { fills: vec![first, second, served], uses: vec![] }
    };
    let cases = [
        // 0.999 gives floor(1000 p) = 999 and floor(5000 p) = 4995 .. 4999, which no price above 0.9998 does.
        ((1_000, 999), (5_000, 4_995), None),
        ((1_000, 999), (5_000, 4_999), None),
        ((1_000, 998), (5_000, 4_995), Some(Reason::UnequalPrices)),
        ((1_000, 999), (5_000, 4_994), Some(Reason::UnequalPrices)),
    ];
    for ((sold, bought), (sold_whole, bought_whole), reason) in cases {
        let bundle = with(fill(alice, sold, bought), fill(whole, sold_whole, bought_whole));
        assert_eq!(refused(&input, &bundle), reason, "{bought} of {sold} and {bought_whole} of {sold_whole}");
    }
    // What only just keeps its floor may be better than the others' price.
    input.intents[whole.at()].floor = Some(FloorTerms { option: 0, sold: 5_000, bought: 4_998 });
    assert_eq!(refused(&input, &with(fill(alice, 1_000, 998), fill(whole, 5_000, 4_998))), None);
    let beyond = with(fill(alice, 1_000, 998), fill(whole, 5_000, 4_999));
    assert_eq!(refused(&input, &beyond), Some(Reason::UnequalPrices));
}

#[test]
fn what_executes_keeps_every_floor_and_is_scored_against_it() {
    for reserve in [20_000, 100_000, 1_000_000] {
        let input = floored(reserve);
        let (alice, bob) = (place(&input, 10_000, "EUR"), place(&input, 10_000, "USD"));
        let matched = Bundle { fills: vec![fill(alice, 10_000, 10_000), fill(bob, 10_000, 10_000)], uses: vec![] };
        let drained = Bundle {
            fills: vec![fill(alice, 1_000, 900)],
            uses: vec![VenueUse { amount_out: 900, ..pool_use(1_000, 900) }],
        };
        let solution =
            |solver, bundles| Solution { solver: SolverId(solver), auction: AuctionId(1), bundles, prices: None };
        let solutions = [solution(1, vec![matched]), solution(2, vec![drained])];
        // The floors are the engine's to know, whatever it is told.
        let told = AuctionInput { intents: auction(reserve).intents, ..input.clone() };
        let clearing = clear(&told, &solutions, &Sequential);
        assert!(clearing.score >= clearing.floor_score);
        for executed in &clearing.executed {
            assert_eq!(refused(&input, &executed.bundle).filter(|reason| *reason != Reason::VenueRule), None);
        }
        let executed: i128 = clearing.executed.iter().map(|one| score_bundle(&input, &one.bundle)).sum();
        assert_eq!(executed, clearing.score, "captured is executed");
        for workers in every_way() {
            assert_eq!(clear(&told, &solutions, &workers), clearing, "{workers:?}");
        }
    }
}
