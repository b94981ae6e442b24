//! Judges a solution of a batch by the protocol's rules, exactly.
//!
//! Checks in order: prices, the number of orders, trades one by one, balances, conservation.

use std::collections::{BTreeMap, BTreeSet};

use super::objective::{disregarded_of, utility_of};
use super::{
    AMOUNT_MINIMUM, BatchInput, BatchOrder, BatchSolution, BatchTrade, BatchVerdict, FEE_TOKEN_PRICE, Objective,
    sold_for,
};
use crate::money::Atoms;
use crate::names::{DenominationIndex, OwnerIndex};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U512, wide};

/// What goes in and what goes out of something.
#[derive(Clone, Copy, Default)]
struct Flow {
    into: U512,
    out: U512,
}

/// What a solution is worth that executes at most `orders_max` orders, any number if there is no such bound.
///
/// # Errors
///
/// The first rule that it breaks.
pub fn judge_batch(
    batch: &BatchInput,
    solution: &BatchSolution,
    orders_max: Option<usize>,
) -> Result<BatchVerdict, Refusal> {
    check_prices(batch, solution)?;
    let orders = solution.trades.len();
    if let Some(most) = orders_max.filter(|most| orders > *most) {
        return refuse(Reason::TooLarge, "trades", format!("expected at most {most} executed orders, found {orders}"));
    }
    let mut seen = BTreeSet::new();
    let mut utility = U512::ZERO;
    let mut volume = U512::ZERO;
    for (at, trade) in solution.trades.iter().enumerate() {
        let traded = Traded::of(batch, solution, trade, &format!("trades[{at}]"))?;
        if !seen.insert(trade.order) {
            return refuse(Reason::FilledTwice, &format!("trades[{at}].order"), "expected each order once".to_owned());
        }
        let gained = utility_of(traded.order, trade.sold, trade.bought, traded.get_price);
        utility = gained.and_then(|gained| utility.checked_add(gained)).ok_or_else(too_large)?;
        let sold = wide::<512, 8>(trade.sold).checked_mul(wide(traded.give_price));
        volume = sold.and_then(|sold| volume.checked_add(sold)).ok_or_else(too_large)?;
    }
    let balances = balances_after(batch, solution)?;
    let fees = check_conservation(batch, solution)?;
    let mut disregarded = U512::ZERO;
    for (at, trade) in solution.trades.iter().enumerate() {
        let traded = Traded::of(batch, solution, trade, &format!("trades[{at}]"))?;
        let held = balances.get(&(traded.order.owner, traded.order.give)).copied().unwrap_or(0);
        let left = traded.order.give_amount.saturating_sub(trade.sold).min(held);
        let missed = disregarded_of(traded.order, left, traded.give_price, traded.get_price);
        disregarded = missed.and_then(|missed| disregarded.checked_add(missed)).ok_or_else(too_large)?;
    }
    Ok(BatchVerdict { objective: Objective { utility, disregarded }, volume, fees, orders })
}

fn check_prices(batch: &BatchInput, solution: &BatchSolution) -> Result<(), Refusal> {
    for (token, price) in &solution.prices {
        let Some(name) = batch.tokens.get(token.at()) else {
            return refuse(Reason::UnknownAsset, "prices", format!("expected a token of the batch, found {}", token.0));
        };
        let field = format!("prices.{name}");
        if *token == batch.fee_token && *price != FEE_TOKEN_PRICE {
            return refuse(Reason::OutOfRange, &field, format!("expected {FEE_TOKEN_PRICE}, found {price}"));
        }
        if *price < AMOUNT_MINIMUM {
            return refuse(Reason::OutOfRange, &field, format!("expected at least {AMOUNT_MINIMUM}, found {price}"));
        }
    }
    Ok(())
}

/// A trade that keeps its own order's rules, at the prices of its two tokens.
struct Traded<'a> {
    order: &'a BatchOrder,
    give_price: Atoms,
    get_price: Atoms,
}

impl<'a> Traded<'a> {
    fn of(
        batch: &'a BatchInput,
        solution: &BatchSolution,
        trade: &BatchTrade,
        field: &str,
    ) -> Result<Traded<'a>, Refusal> {
        let Some(order) = batch.orders.get(trade.order.at()) else {
            let field = format!("{field}.order");
            return refuse(
                Reason::UnknownIntent,
                &field,
                format!("expected an order of the batch, found {}", trade.order.0),
            );
        };
        let (give_price, get_price) = (price_of(batch, solution, order.give)?, price_of(batch, solution, order.get)?);
        let traded = Traded { order, give_price, get_price };
        traded.check(trade, field)?;
        Ok(traded)
    }

    fn check(&self, trade: &BatchTrade, field: &str) -> Result<(), Refusal> {
        let (sold, bought) = (trade.sold, trade.bought);
        if sold.min(bought) < AMOUNT_MINIMUM {
            let message = format!("expected at least {AMOUNT_MINIMUM} atoms, found {sold} sold and {bought} bought");
            return refuse(Reason::BelowMinimumFill, field, message);
        }
        let expected = sold_for(bought, self.get_price, self.give_price);
        if expected != Some(sold) {
            let expected = expected.map_or_else(|| "fewer atoms bought".to_owned(), |sold| format!("{sold} atoms"));
            return refuse(
                Reason::UnequalPrices,
                &format!("{field}.sold"),
                format!("expected {expected}, found {sold}"),
            );
        }
        let most = self.order.give_amount;
        if sold > most {
            return refuse(
                Reason::OverFilled,
                &format!("{field}.sold"),
                format!("expected at most {most} atoms, found {sold}"),
            );
        }
        let owed = wide::<512, 8>(sold).checked_mul(wide(self.order.get_amount));
        let got = wide::<512, 8>(bought).checked_mul(wide(most));
        if most == 0 || owed.zip(got).is_none_or(|(owed, got)| owed > got) {
            let message = format!("expected {} for {most} or better, found {bought} for {sold}", self.order.get_amount);
            return refuse(Reason::LimitBroken, field, message);
        }
        Ok(())
    }
}

fn price_of(batch: &BatchInput, solution: &BatchSolution, token: DenominationIndex) -> Result<Atoms, Refusal> {
    if token == batch.fee_token {
        return Ok(FEE_TOKEN_PRICE);
    }
    let missing = || {
        let name = batch.tokens.get(token.at()).map_or_else(|| token.0.to_string(), ToString::to_string);
        Refusal::new(
            Reason::Missing,
            format!("prices.{name}"),
            "expected a price of a token that is traded, found none",
        )
    };
    solution.prices.get(&token).copied().ok_or_else(missing)
}

/// What owners hold afterwards of what they sold: they may sell what they buy in the same batch.
fn balances_after(
    batch: &BatchInput,
    solution: &BatchSolution,
) -> Result<BTreeMap<(OwnerIndex, DenominationIndex), Atoms>, Refusal> {
    let mut flows: BTreeMap<(OwnerIndex, DenominationIndex), Flow> = BTreeMap::new();
    for (order, trade) in orders_of(batch, solution) {
        let paid = flows.entry((order.owner, order.give)).or_default();
        paid.out = paid.out.saturating_add(wide(trade.sold));
        let received = flows.entry((order.owner, order.get)).or_default();
        received.into = received.into.saturating_add(wide(trade.bought));
    }
    let mut balances = BTreeMap::new();
    for ((owner, token), flow) in flows {
        let had = wide::<512, 8>(batch.balance(owner, token)).saturating_add(flow.into);
        let Some(after) = had.checked_sub(flow.out) else {
            let message = format!("expected at most {had} atoms from one account, found {}", flow.out);
            return refuse(Reason::ReserveExceeded, "trades", message);
        };
        balances.insert((owner, token), Atoms::try_from(after).unwrap_or(Atoms::MAX));
    }
    Ok(balances)
}

/// The fees: what is left of the fee token. All other tokens balance to the atom.
fn check_conservation(batch: &BatchInput, solution: &BatchSolution) -> Result<Atoms, Refusal> {
    let mut flows: BTreeMap<DenominationIndex, Flow> = BTreeMap::new();
    for (order, trade) in orders_of(batch, solution) {
        let sold = flows.entry(order.give).or_default();
        sold.into = sold.into.saturating_add(wide(trade.sold));
        let bought = flows.entry(order.get).or_default();
        bought.out = bought.out.saturating_add(wide(trade.bought));
    }
    if flows.is_empty() {
        return Ok(0);
    }
    let fee = flows.remove(&batch.fee_token).unwrap_or_default();
    for (token, flow) in &flows {
        if flow.into != flow.out {
            let name = batch.tokens.get(token.at()).map_or_else(String::new, ToString::to_string);
            let message =
                format!("expected as much bought as sold of {name}, found {} sold and {} bought", flow.into, flow.out);
            return refuse(Reason::NotConserved, "trades", message);
        }
    }
    let fees = fee.into.checked_sub(fee.out).and_then(|fees| Atoms::try_from(fees).ok());
    let expected = || {
        let message = format!("expected more of the fee token sold than bought, found {} and {}", fee.into, fee.out);
        Refusal::new(Reason::NotConserved, "trades", message)
    };
    fees.filter(|fees| *fees > 0).ok_or_else(expected)
}

fn orders_of<'a>(
    batch: &'a BatchInput,
    solution: &'a BatchSolution,
) -> impl Iterator<Item = (&'a BatchOrder, &'a BatchTrade)> {
    solution.trades.iter().filter_map(|trade| Some((batch.orders.get(trade.order.at())?, trade)))
}

fn too_large() -> Refusal {
    Refusal::new(Reason::AmountTooLarge, "trades", "expected an objective below 2^512, found more")
}

fn refuse<T>(reason: Reason, field: &str, message: String) -> Result<T, Refusal> {
    Err(Refusal::new(reason, field, message))
}
