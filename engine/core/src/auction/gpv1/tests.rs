use proptest::prelude::*;

use super::*;
use crate::refusal::Reason;

const FEE: DenominationIndex = DenominationIndex(0);
const A: DenominationIndex = DenominationIndex(1);

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

fn order(owner: u32, give: DenominationIndex, get: DenominationIndex, limit: [Atoms; 2]) -> BatchOrder {
    BatchOrder { owner: OwnerIndex(owner), give, get, give_amount: limit[0], get_amount: limit[1] }
}

/// One owner sells 10^9 atoms of the fee token for any amount of A, another 999 10^6 of A for at least half as many.
///
/// At equal prices the first buys 0.999 of what it sells and the second 0.998001.
fn batch() -> BatchInput {
    BatchInput {
        tokens: vec![name("F"), name("A")],
        fee_token: FEE,
        balances: [((OwnerIndex(0), FEE), 2_000_000_000), ((OwnerIndex(1), A), 999_000_000)].into(),
        orders: vec![order(0, FEE, A, [1_000_000_000, 1]), order(1, A, FEE, [u128::MAX - 1, u128::MAX / 2])],
    }
}

fn solution() -> BatchSolution {
    BatchSolution {
        prices: [(A, FEE_TOKEN_PRICE)].into(),
        trades: vec![
            BatchTrade { order: IntentIndex(0), sold: 1_000_000_000, bought: 999_000_000 },
            BatchTrade { order: IntentIndex(1), sold: 999_000_000, bought: 998_001_000 },
        ],
    }
}

#[test]
fn a_batch_of_two_is_worth_what_it_is_by_hand() {
    let verdict = judge_batch(&batch(), &solution(), Some(ORDERS_MAX)).expect("a valid solution");
    let unit = U512::from(FEE_TOKEN_PRICE);
    // 999 10^6 less one atom, and 998.001 10^6 less half of 999 10^6: the first owner's other 10^9 are no part of the
    // order, and the second has nothing left.
    let utility = (U512::from(999_000_000_u64) - U512::ONE) * unit + U512::from(998_001_000_u64 - 499_500_000) * unit;
    assert_eq!((verdict.objective.utility, verdict.objective.disregarded), (utility, U512::ZERO));
    assert_eq!((verdict.fees, verdict.orders), (1_999_000, 2));
    assert_eq!(verdict.volume, U512::from(1_999_000_000_u64) * unit);
}

#[test]
fn what_a_touched_order_leaves_counts_against_it() {
    let mut batch = batch();
    batch.orders[0].give_amount = 1_500_000_000;
    let verdict = judge_batch(&batch, &solution(), None).expect("a valid solution");
    // 500 10^6 left at a limit of one atom for 1.5 10^9: worth all but floor(1000 / 999 10^18) / 1.5 10^9 an atom.
    let unit = U512::from(FEE_TOKEN_PRICE);
    let asked = U512::from(1_001_001_001_001_001_001_u64);
    let missed = (U512::from(1_500_000_000_u64) * unit - asked) * U512::from(500_000_000_u64);
    assert_eq!(verdict.objective.disregarded, missed / U512::from(1_500_000_000_u64));
    batch.balances.insert((OwnerIndex(0), FEE), 1_000_000_000);
    let verdict = judge_batch(&batch, &solution(), None).expect("a valid solution");
    assert!(verdict.objective.disregarded.is_zero(), "an empty account leaves nothing");
}

#[test]
fn a_solution_that_breaks_a_rule_is_refused_by_its_name() {
    type Change = fn(&mut BatchInput, &mut BatchSolution);
    let cases: &[(Reason, &str, Change)] = &[
        (Reason::UnknownAsset, "prices", |_, solution| solution.prices.extend([(DenominationIndex(9), 1 << 60)])),
        (Reason::OutOfRange, "prices.F", |_, solution| solution.prices.extend([(FEE, FEE_TOKEN_PRICE + 1)])),
        (Reason::OutOfRange, "prices.A", |_, solution| solution.prices.extend([(A, AMOUNT_MINIMUM - 1)])),
        (Reason::Missing, "prices.A", |_, solution| solution.prices.clear()),
        (Reason::TooLarge, "trades", |_, solution| solution.trades.resize(31, solution.trades[0])),
        (Reason::UnknownIntent, "trades[1].order", |_, solution| solution.trades[1].order = IntentIndex(2)),
        (Reason::FilledTwice, "trades[2].order", |_, solution| solution.trades.push(solution.trades[0])),
        (Reason::BelowMinimumFill, "trades[0]", |_, solution| solution.trades[0].bought = AMOUNT_MINIMUM - 1),
        (Reason::BelowMinimumFill, "trades[1]", |_, solution| solution.trades[1].sold = 0),
        (Reason::UnequalPrices, "trades[1].sold", |_, solution| solution.trades[1].sold -= 1),
        (Reason::UnequalPrices, "trades[1].sold", |_, solution| solution.trades[1].bought = u128::MAX),
        (Reason::OverFilled, "trades[0].sold", |batch, _| batch.orders[0].give_amount -= 1),
        (Reason::LimitBroken, "trades[1]", |batch, _| batch.orders[1].get_amount = u128::MAX),
        (Reason::LimitBroken, "trades[0]", |batch, _| batch.orders[0].get_amount = u128::MAX),
        (Reason::ReserveExceeded, "trades", |batch, _| batch.balances.extend([((OwnerIndex(1), A), 998_999_999)])),
        (Reason::ReserveExceeded, "trades", |batch, _| batch.balances.clear()),
        (Reason::NotConserved, "trades", |_, solution| solution.trades.truncate(1)),
        (Reason::NotConserved, "trades", |_, solution| solution.trades.retain(|trade| trade.order.0 == 1)),
    ];
    for (at, (reason, field, change)) in cases.iter().enumerate() {
        let (mut batch, mut solution) = (batch(), solution());
        change(&mut batch, &mut solution);
        let refusal = judge_batch(&batch, &solution, Some(ORDERS_MAX)).expect_err("a broken rule");
        assert_eq!((refusal.reason, refusal.field.as_str()), (*reason, *field), "case {at}: {refusal}");
    }
}

#[test]
fn fees_are_paid_in_the_fee_token() {
    // Both ways between A and B at equal prices would need the fee from somewhere.
    let b = DenominationIndex(2);
    let mut batch = batch();
    batch.tokens.push(name("B"));
    batch.orders = vec![order(0, A, b, [1_000_000_000, 1]), order(1, b, A, [1_000_000_000, 1])];
    batch.balances = [((OwnerIndex(0), A), 1_000_000_000), ((OwnerIndex(1), b), 1_000_000_000)].into();
    let prices = [(A, FEE_TOKEN_PRICE), (b, FEE_TOKEN_PRICE)].into();
    let trade = |at, sold, bought| BatchTrade { order: IntentIndex(at), sold, bought };
    let trades = vec![trade(0, 1_000_000_000, 999_000_000), trade(1, 999_000_000, 998_001_000)];
    let refusal = judge_batch(&batch, &BatchSolution { prices, trades }, None).expect_err("no fee");
    assert_eq!(refusal.reason, Reason::NotConserved);
}

#[test]
fn an_owner_may_sell_what_it_buys_in_the_batch() {
    let mut batch = batch();
    batch.orders[1].owner = OwnerIndex(0);
    batch.balances = [((OwnerIndex(0), FEE), 1_000_000_000)].into();
    let verdict = judge_batch(&batch, &solution(), None).expect("its net is not below zero");
    assert_eq!(verdict.orders, 2);
}

#[test]
fn nothing_executed_is_worth_nothing() {
    let verdict = judge_batch(&batch(), &BatchSolution::default(), Some(0)).expect("the empty solution");
    assert_eq!((verdict, verdict.objective.to_string().as_str()), (BatchVerdict::default(), "0"));
}

#[test]
fn objectives_compare_by_their_difference() {
    let objective =
        |utility: u8, disregarded: u8| Objective { utility: U512::from(utility), disregarded: U512::from(disregarded) };
    let ordered = [objective(0, 9), objective(3, 5), objective(4, 4), objective(9, 8), objective(2, 0)];
    for pair in ordered.windows(2) {
        assert!(pair[0].compare(&pair[1]).is_lt() && pair[1].compare(&pair[0]).is_gt(), "{pair:?}");
    }
    assert_eq!(ordered.map(|one| one.to_string()), ["-9", "-2", "0", "1", "2"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
    /// Prices that an order accepts break its limit by no rounding, and the objective never overflows.
    #[test]
    fn a_limit_survives_every_rounding(
        give_amount in 1..=u128::MAX, get_amount in 1..=u128::MAX, bought in AMOUNT_MINIMUM..=u128::MAX,
        give_price in AMOUNT_MINIMUM..=u128::MAX, get_price in AMOUNT_MINIMUM..=u128::MAX, shift in 0_u32..100,
    ) {
        let order = order(0, A, FEE, [give_amount, get_amount.wrapping_shr(shift).max(1)]);
        let bought = bought.wrapping_shr(shift).max(1);
        if let (Some(sold), true) = (sold_for(bought, get_price, give_price), order.accepts(give_price, get_price)) {
            let owed = U512::from(sold) * U512::from(order.get_amount);
            prop_assert!(owed <= U512::from(bought) * U512::from(order.give_amount));
            prop_assert!(objective::utility_of(&order, sold, bought, get_price).is_some());
        }
        prop_assert!(objective::disregarded_of(&order, u128::MAX, give_price, get_price).is_some());
    }
}
