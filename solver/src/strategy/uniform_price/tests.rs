use clearlane_core::auction::gpv1::{BatchOrder, FEE_TOKEN_PRICE, ORDERS_MAX, judge_batch};
use clearlane_core::money::Atoms;
use clearlane_core::names::{DenominationIndex, Name, OwnerIndex};
use proptest::prelude::*;

use super::*;

fn batch(tokens: u32, orders: &[(u32, u32, [Atoms; 2], Atoms)]) -> BatchInput {
    let mut batch = BatchInput { fee_token: DenominationIndex(0), ..BatchInput::default() };
    batch.tokens = (0..tokens).map(|token| Name::new(&format!("T{token}")).expect("a name")).collect();
    for (owner, (give, get, [give_amount, get_amount], balance)) in (0_u32..).zip(orders) {
        let (owner, give, get) = (OwnerIndex(owner % 12), DenominationIndex(*give), DenominationIndex(*get));
        batch.balances.insert((owner, give), *balance);
        batch.orders.push(BatchOrder { owner, give, get, give_amount: *give_amount, get_amount: *get_amount });
    }
    batch
}

fn solve(batch: &BatchInput, orders_max: Option<usize>) -> BatchSolution {
    solve_within(batch, orders_max, &Budget::unlimited(), 3_000_000)
}

fn value(batch: &BatchInput, orders_max: Option<usize>) -> f64 {
    let solution = solve(batch, orders_max);
    let verdict = judge_batch(batch, &solution, orders_max).unwrap_or_else(|refusal| panic!("{refusal}"));
    verdict.objective.to_string().parse::<f64>().expect("a number") / 1e18
}

/// One owner sells 10^12 of the fee token for A and asks for half as much, another A for the fee token likewise.
///
/// At a price p of A the first gains `0.999 - p / 2` a unit of value and the second `0.999 - 1 / 2p`; at p = 1 both are
/// filled but for the fee, and the sum is nearly their whole surplus.
#[test]
fn two_orders_meet_where_both_are_filled() {
    const WHOLE: Atoms = 1_000_000_000_000;
    let batch = batch(2, &[(0, 1, [WHOLE, WHOLE / 2], WHOLE), (1, 0, [WHOLE, WHOLE / 2], WHOLE)]);
    let found = value(&batch, Some(ORDERS_MAX));
    // What the first buys the second sells: at price p, 10^12 0.999 / p = 10^12 where nothing is left, so p = 0.999.
    let expected = 1e12 * (0.999 - 0.999 / 2.0) + 0.999e12 * (0.999 - 0.5 / 0.999);
    assert!((found / expected - 1.0).abs() < 1e-4, "{found} of {expected}");
}

/// A ring over three tokens that only the fee token's seller feeds: no two orders of it meet.
#[test]
fn a_ring_is_filled() {
    const WHOLE: Atoms = 1_000_000_000_000;
    let ring = [(1, 2), (2, 3), (3, 1)].map(|(give, get)| (give, get, [WHOLE, WHOLE / 2], WHOLE));
    let feed = (0, 1, [WHOLE, WHOLE], WHOLE);
    let pair = (1, 2, [WHOLE, 2 * WHOLE], WHOLE);
    let back = (2, 1, [WHOLE, WHOLE / 4], WHOLE);
    let found = value(&batch(4, &[ring[0], ring[1], ring[2], feed, pair, back]), None);
    assert!(found > 1.4e12, "three orders gain nearly half of 10^12 each: {found}");
}

#[test]
fn nothing_meets_in_an_empty_batch_or_without_the_fee_token() {
    assert_eq!(solve(&BatchInput::default(), None), BatchSolution::default());
    let unfed = batch(3, &[(1, 2, [1 << 40, 1], 1 << 40), (2, 1, [1 << 40, 1], 1 << 40)]);
    assert_eq!(solve(&unfed, None), BatchSolution::default());
}

/// However much work is allowed, a wish for the answer ends the search with what it has, though no end is known.
#[test]
fn a_search_ends_when_its_answer_is_wanted() {
    const WHOLE: Atoms = 1_000_000_000_000;
    let orders: Vec<_> = (0..60_u32)
        .map(|at| {
            let give = at % 6;
            (give, (give + 1 + at / 6 % 5) % 6, [WHOLE + Atoms::from(at), WHOLE / 2 + Atoms::from(at * at)], WHOLE)
        })
        .collect();
    let batch = batch(6, &orders);
    let asked = std::cell::Cell::new(0_u32);
    let is_spent = || {
        asked.set(asked.get() + 1);
        asked.get() > 400
    };
    let solution = solve_within(&batch, None, &Budget::until_interrupted(&is_spent), u64::MAX);
    let verdict = judge_batch(&batch, &solution, None).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert!(asked.get() > 400 && verdict.orders > 0, "{} {}", asked.get(), verdict.orders);
}

/// The protocol's own solver's value of each file is reached with a fraction of the work.
#[test]
fn real_batches_are_worth_what_the_protocols_own_solver_found_or_more() {
    let Ok(folder) = std::env::var("CLEARLANE_DATA") else {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds gpv1");
        return;
    };
    for name in ["instance_1", "instance_nontrivial", "validation-bug", "instance_5292563_2020-04-24"] {
        let bytes = |path: String| std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let auction = crate::formats::read(&bytes(format!("{folder}/gpv1/{name}.json"))).expect("a batch");
        let batch = auction.batch.expect("a batch");
        let reference =
            batch.read_solution(&bytes(format!("{folder}/gpv1/reference/{name}.json"))).expect("a solution");
        let judged = |solution: &BatchSolution| {
            let verdict = judge_batch(&batch.input, solution, Some(ORDERS_MAX));
            verdict.unwrap_or_else(|refusal| panic!("{name}: {refusal}")).objective
        };
        let (found, reference) = (
            judged(&solve_within(&batch.input, Some(ORDERS_MAX), &Budget::unlimited(), 10_000_000)),
            judged(&reference),
        );
        assert!(found.compare(&reference).is_ge(), "{name}: {found} and the protocol's own {reference}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever the amounts, the answer is valid, worth no less than nothing, and the same again.
    #[test]
    fn answers_are_valid(
        orders in prop::collection::vec((0_u32..4, 1_u32..4, 0_u32..128, 0_u32..128, 0_u32..112), 0..40),
        salt in any::<u128>(),
        orders_max in prop::option::of(0_usize..8),
    ) {
        let amount = |bits: u32, turn: u32| (salt.rotate_left(turn) >> (127 - bits)).max(1);
        let order = |(turn, (give, step, sell, limit, balance)): (u32, &(u32, u32, u32, u32, u32))| {
            let near = sell.saturating_add(limit % 4).saturating_sub(2).min(127);
            (*give, (give + step) % 4, [amount(*sell, turn), amount(near, turn * 3)], amount(*balance, turn * 5))
        };
        let batch = batch(4, &(0_u32..).zip(&orders).map(order).collect::<Vec<_>>());
        let solution = solve(&batch, orders_max);
        let verdict = judge_batch(&batch, &solution, orders_max).map_err(|refusal| TestCaseError::fail(refusal.to_string()))?;
        prop_assert!(!verdict.objective.difference().0);
        prop_assert!(solution.trades.is_empty() || solution.prices.get(&batch.fee_token) == Some(&FEE_TOKEN_PRICE));
        prop_assert_eq!(solve(&batch, orders_max), solution);
    }
}
