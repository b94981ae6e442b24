//! From prices and amounts in floats to a solution in whole atoms that balances exactly.
//!
//! Amounts bought are chosen, amounts sold follow from the prices. Every token that is traded is reached from the fee
//! token along trades; taken from the far end, the trades that buy a token from one nearer are changed by the few atoms
//! that it lacks or has left over, which moves the difference toward the fee token, where it stays as fees.

use std::collections::BTreeMap;

use clearlane_core::auction::gpv1::{
    AMOUNT_MINIMUM, BatchInput, BatchOrder, BatchSolution, BatchTrade, FEE_DENOMINATOR, FEE_TOKEN_PRICE, Objective,
    judge_batch, sold_for,
};
use clearlane_core::money::Atoms;
use clearlane_core::names::{DenominationIndex, IntentIndex};
use clearlane_core::wide::{U512, div_up};

use super::super::value::{atoms, float};
use super::fill::Fill;
use super::orders::{KEPT, Orders};

/// Parts by which all amounts are lessened, so that there is room for the last atoms: the least that suffices.
const SHRINKS: [f64; 9] = [0.0, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3];

/// Prices in whole units.
pub(super) struct WholePrices {
    /// By token; zero if the token is not traded.
    prices: Vec<Atoms>,
}

impl WholePrices {
    /// The nearest whole prices; the fee token's is fixed.
    pub(super) fn of(prices: &[f64], fee: usize) -> WholePrices {
        let whole = |(token, price): (usize, &f64)| {
            if token == fee { FEE_TOKEN_PRICE } else { atoms(price * float(FEE_TOKEN_PRICE)) }
        };
        WholePrices { prices: prices.iter().enumerate().map(whole).collect() }
    }

    /// What they are as floats.
    pub(super) fn floats(&self) -> Vec<f64> {
        self.prices.iter().map(|price| float(*price) / float(FEE_TOKEN_PRICE)).collect()
    }

    /// The tokens whose price is so small that a unit more or less matters.
    pub(super) fn coarse(&self) -> impl Iterator<Item = usize> + use<'_> {
        const FINE: Atoms = 1 << 50;
        (0..self.prices.len()).filter(|token| (1..FINE).contains(&self.prices[*token]))
    }

    /// The same with another price of one token.
    pub(super) fn changed(&self, token: usize, by: i128) -> WholePrices {
        let mut prices = self.prices.clone();
        prices[token] = prices[token].saturating_add_signed(by);
        WholePrices { prices }
    }

    /// The best exact solution near these amounts, and what it is worth.
    pub(super) fn solution(
        &self,
        batch: &BatchInput,
        orders: &Orders,
        filled: &Fill,
        orders_max: Option<usize>,
    ) -> Option<(Objective, BatchSolution)> {
        let mut best: Option<(Objective, BatchSolution)> = None;
        for shrink in SHRINKS {
            let Some(solution) = self.balanced(batch, orders, filled, 1.0 - shrink) else { continue };
            let Ok(verdict) = judge_batch(batch, &solution, orders_max) else { continue };
            if best.as_ref().is_none_or(|(objective, _)| verdict.objective.compare(objective).is_gt()) {
                best = Some((verdict.objective, solution));
            }
        }
        best
    }

    fn balanced(&self, batch: &BatchInput, orders: &Orders, filled: &Fill, part: f64) -> Option<BatchSolution> {
        let mut trades = Trades { prices: &self.prices, batch, list: Vec::new(), spent: BTreeMap::new() };
        for (place, amount) in &filled.trades {
            let at = IntentIndex::from_at(orders.list[*place].at);
            let order = *batch.orders.get(at.at())?;
            if order.accepts(self.prices[order.give.at()], self.prices[order.get.at()]) {
                let get = float(self.prices[order.get.at()]) / float(FEE_TOKEN_PRICE);
                trades.add(at, order, atoms(amount * part * KEPT / get))?;
            }
        }
        trades.balance()?;
        let list = trades.list.iter().map(|trade| trade.trade).collect();
        let traded =
            |token: usize| trades.list.iter().any(|one| one.order.give.at() == token || one.order.get.at() == token);
        let prices = (0..self.prices.len()).filter(|token| traded(*token));
        let prices = prices.map(|token| (DenominationIndex::from_at(token), self.prices[token])).collect();
        Some(BatchSolution { prices, trades: list })
    }
}

struct WholeTrade {
    order: BatchOrder,
    trade: BatchTrade,
}

struct Trades<'a> {
    prices: &'a [Atoms],
    batch: &'a BatchInput,
    list: Vec<WholeTrade>,
    /// What is sold from each account.
    spent: BTreeMap<(clearlane_core::names::OwnerIndex, DenominationIndex), Atoms>,
}

impl Trades<'_> {
    fn add(&mut self, at: IntentIndex, order: BatchOrder, bought: Atoms) -> Option<()> {
        let trade = BatchTrade { order: at, sold: 0, bought: 0 };
        self.list.push(WholeTrade { order, trade });
        let place = self.list.len() - 1;
        let bought = bought.min(self.room(place)).max(AMOUNT_MINIMUM);
        self.set(place, bought)
    }

    /// Changes what a trade buys, and with it what it sells.
    fn set(&mut self, place: usize, bought: Atoms) -> Option<()> {
        let one = &mut self.list[place];
        let (give, get) = (one.order.give.at(), one.order.get.at());
        let sold = sold_for(bought, self.prices[get], self.prices[give])?;
        let spent = self.spent.entry((one.order.owner, one.order.give)).or_default();
        *spent = spent.saturating_sub(one.trade.sold).checked_add(sold)?;
        one.trade = BatchTrade { sold, bought, ..one.trade };
        Some(())
    }

    /// The most that a trade may buy.
    fn room(&self, place: usize) -> Atoms {
        let one = &self.list[place];
        let (owner, give) = (one.order.owner, one.order.give);
        let spent = self.spent.get(&(owner, give)).copied().unwrap_or(0).saturating_sub(one.trade.sold);
        let most = self.batch.balance(owner, give).saturating_sub(spent).min(one.order.give_amount);
        bought_for(most, self.prices[one.order.get.at()], self.prices[give.at()])
    }

    /// The tokens in the order in which the fee token reaches them.
    fn reached(&self) -> Vec<DenominationIndex> {
        let mut reached = vec![self.batch.fee_token];
        let mut next = 0;
        while let Some(from) = reached.get(next).copied() {
            for one in self.list.iter().filter(|one| one.order.give == from) {
                if !reached.contains(&one.order.get) {
                    reached.push(one.order.get);
                }
            }
            next += 1;
        }
        reached
    }

    fn balance(&mut self) -> Option<()> {
        let reached = self.reached();
        let place_of: BTreeMap<DenominationIndex, usize> =
            reached.iter().enumerate().map(|(at, token)| (*token, at)).collect();
        if self.list.iter().any(|one| !place_of.contains_key(&one.order.give)) {
            return None;
        }
        for (at, token) in reached.iter().enumerate().skip(1).rev() {
            let is_nearer = |one: &WholeTrade| place_of.get(&one.order.give).is_some_and(|place| *place < at);
            let nearer = self.list.iter().enumerate().filter(|(_, one)| one.order.get == *token && is_nearer(one));
            let mut places: Vec<usize> = nearer.map(|(place, _)| place).collect();
            places.sort_by_key(|place| std::cmp::Reverse(self.list[*place].trade.bought));
            self.balance_token(*token, &places)?;
        }
        Some(())
    }

    /// Lets these trades buy as much more or less of a token as makes it balance.
    fn balance_token(&mut self, token: DenominationIndex, places: &[usize]) -> Option<()> {
        for place in places {
            let (sold, bought) = self.totals(token);
            let now = self.list[*place].trade.bought;
            let wanted = if sold >= bought {
                now.checked_add(sold - bought)?.min(self.room(*place).max(now))
            } else {
                now.saturating_sub(bought - sold).max(AMOUNT_MINIMUM)
            };
            self.set(*place, wanted)?;
        }
        let (sold, bought) = self.totals(token);
        (sold == bought).then_some(())
    }

    fn totals(&self, token: DenominationIndex) -> (Atoms, Atoms) {
        let sum = |amounts: &mut dyn Iterator<Item = Atoms>| amounts.fold(0, Atoms::saturating_add);
        let sold = &mut self.list.iter().filter(|one| one.order.give == token).map(|one| one.trade.sold);
        let bought = &mut self.list.iter().filter(|one| one.order.get == token).map(|one| one.trade.bought);
        (sum(sold), sum(bought))
    }
}

/// The most that can be bought for selling at most so much: the inverse of [`sold_for`].
///
/// `floor(floor(y p / 999) 1000 / q) <= x` is `floor(y p / 999) <= m` with `m = ceil((x + 1) q / 1000) - 1`, and that is
/// `y <= ceil(999 (m + 1) / p) - 1`.
fn bought_for(sold: Atoms, get_price: Atoms, give_price: Atoms) -> Atoms {
    let (fee, kept) = (U512::from(FEE_DENOMINATOR), U512::from(FEE_DENOMINATOR - 1));
    let above = (U512::from(sold) + U512::ONE) * U512::from(give_price);
    let most = div_up(above, fee).and_then(|value| div_up(value * kept, U512::from(get_price)));
    most.and_then(|most| Atoms::try_from(most.saturating_sub(U512::ONE)).ok()).unwrap_or(Atoms::MAX)
}
