//! What owners are shown of their fills: the floor, what was achieved beyond it and the limit, and the auction's bound.

use clearlane_core::auction::{Bundle, Fill, FloorTerms, Receipts, Standing, VenueUse, clear, with_floors};
use clearlane_core::event::{Event, FillEvent, IntentChange, Outcome};
use clearlane_core::hash::Hasher;
use clearlane_core::intent::{Intent, Kind};
use clearlane_core::lanes::{Executor, Sequential};
use clearlane_core::names::{CommandId, IntentIndex, SolverId, VenueIndex};
use clearlane_core::record::{Context, apply, start};
use clearlane_core::venue::{ConstantProduct, Direction, Terms};
use clearlane_engine::executor::{Method, Workers};
use clearlane_tests::desk::{Desk, exact_in, exact_out};

/// A cent of a dollar in 10^-18 euros.
const CENT: i128 = 9_000_000_000_000_000;

/// Two equal pools without a fee, which the built-in bidder uses one at a time, and an open auction of this intent.
fn desk(intent: impl Fn(CommandId) -> Intent) -> Desk {
    let mut desk = Desk::stocked();
    for venue in ["pool-a", "pool-b"] {
        let terms = Terms::ConstantProduct(ConstantProduct { fee_ppm: 0 });
        desk.venue(venue, ["EUR", "USD"], terms, [1_000_000, 1_000_000]);
    }
    let id = desk.next_id();
    desk.submit("alice", intent(id)).expect("booked");
    desk.open_auction();
    desk
}

/// The only intent, half of it through each pool.
fn halves(fill: (u128, u128), half: (u128, u128)) -> Bundle {
    let (amount_in, amount_out) = half;
    let pool = |venue| VenueUse { venue: VenueIndex(venue), direction: Direction::FORWARD, amount_in, amount_out };
    let (sold, bought) = fill;
    Bundle { fills: vec![Fill { intent: IntentIndex(0), option: 0, sold, bought }], uses: vec![pool(0), pool(1)] }
}

fn filled(outcome: &Outcome) -> Vec<FillEvent> {
    let mut fills = Vec::new();
    for event in &outcome.events {
        let Event::Intent(change) = event else { continue };
        if let IntentChange::Filled(fill) = &change.change {
            fills.push(fill.clone());
        }
    }
    fills
}

/// The fills that the same records tell on another executor.
fn told_again(desk: &Desk, executor: &dyn Executor) -> Vec<FillEvent> {
    let mut state = start(&desk.records[0]).expect("genesis");
    let outcomes = desk.records[1..].iter().map(|record| {
        let batch_hash = Hasher::new("test batch").number(state.records).finish();
        apply(&mut state, &Context { batch_hash, clearing: None, executor }, record).expect("the core holds")
    });
    outcomes.flat_map(|outcome| filled(&outcome)).collect()
}

#[test]
fn a_fill_is_shown_beside_its_floor_its_limit_and_the_bound() {
    // One pool gives 9,900 for 10,000, two of them 4,975 for 5,000 each; 9,082 pay for 9,000, and 4,521 for 4,500.
    let exact_in = |id| exact_in(id, ("EUR", 10_000), ("USD", 9_000));
    let exact_out = |id| exact_out(id, ("EUR", 10_000), ("USD", 9_000));
    let cases = [
        (Kind::ExactIn, (10_000, 9_950), (5_000, 4_975), (10_000, 9_900), 950, 50, 950 * CENT),
        (Kind::ExactOut, (9_042, 9_000), (4_521, 4_500), (9_082, 9_000), 958, 40, 958 * CENT * 10 / 9),
    ];
    for (kind, fill, half, (sold, bought), over_limit, over_floor, score) in cases {
        let mut desk = match kind {
            Kind::ExactIn => desk(exact_in),
            Kind::ExactOut => desk(exact_out),
        };
        let input = desk.state.auction.as_ref().expect("an auction").input.clone();
        let outcome = desk.settle_auction(vec![(SolverId(1), vec![halves(fill, half)])]);
        let [told] = &filled(&outcome)[..] else { panic!("one fill") };
        let standing = told.standing.as_deref().expect("a fill of an auction");
        let floor = Some(FloorTerms { option: 0, sold, bought });
        assert_eq!(with_floors(&input).intents[0].floor, floor, "{kind:?}");
        assert_eq!((told.surplus, standing.floor, standing.over_limit), (score, floor, over_limit), "{kind:?}");
        assert_eq!((standing.over_floor, standing.captured), (Some(over_floor), score), "{kind:?}");
        assert!(
            standing.bound >= score && standing.value_filled > score && standing.missed_hundredth_points().is_some()
        );
        for executor in [&Sequential as &dyn Executor, &Workers::new(3).always(Method::ReadyQueue)] {
            assert_eq!(told_again(&desk, executor), std::slice::from_ref(told), "the log tells the same again");
        }
    }
}

#[test]
fn a_part_owes_its_part_of_the_floors_surplus() {
    let desk = desk(|id| exact_in(id, ("EUR", 10_000), ("USD", 9_000)));
    let input = desk.state.auction.as_ref().expect("an auction").input.clone();
    let clearing = clear(&input, &[], &Sequential);
    let receipts = Receipts::new(&input, &clearing);
    let standing = |sold, bought| -> Standing {
        receipts.standing(&Fill { intent: IntentIndex(0), option: 0, sold, bought }).expect("an option")
    };
    // The floor beats its limit by 900 for 10,000.
    for (sold, bought, over_limit, over_floor) in [
        (10_000, 9_900, 900, 0),
        (4_000, 3_984, 384, 24),
        (4_000, 3_960, 360, 0),
        (1, 1, 0, 0),
        (10_000, 9_000, 0, -900),
    ] {
        let found = standing(sold, bought);
        assert_eq!((found.over_limit, found.over_floor), (over_limit, Some(over_floor)), "{sold} for {bought}");
    }
    assert_eq!(receipts.standing(&Fill { intent: IntentIndex(7), option: 0, sold: 1, bought: 1 }), None);
    let captured: i128 =
        clearing.executed.iter().flat_map(|one| &one.bundle.fills).map(|fill| receipts.score(fill)).sum();
    assert_eq!(captured, clearing.score, "receipts sum to what was captured");
}
