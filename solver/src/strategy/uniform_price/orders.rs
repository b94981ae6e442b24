//! The orders of a batch in floats, by directed pair: what prices are searched with, never what is answered.

use std::collections::BTreeMap;

use clearlane_core::auction::gpv1::{AMOUNT_MINIMUM, BatchInput};

use super::super::value::float;

/// What is left of a value after the fee.
pub(super) const KEPT: f64 = 0.999;
/// The fewest atoms of a trade, with room for rounding.
pub(super) const ATOMS_MIN: f64 = 10_010.0;

/// Every order that its owner can pay for.
pub(super) struct Orders {
    /// The orders, in no particular order.
    pub(super) list: Vec<FloatOrder>,
    /// How many tokens there are.
    pub(super) tokens: usize,
    /// The fee token.
    pub(super) fee: usize,
    /// What each account holds, in atoms.
    pub(super) balances: Vec<f64>,
    /// The orders from one token to another, those that ask least first.
    by_pair: Vec<Vec<usize>>,
}

/// One order.
#[derive(Clone, Copy, Debug)]
pub(super) struct FloatOrder {
    /// Its place in the batch.
    pub(super) at: usize,
    /// The token sold.
    pub(super) give: usize,
    /// The token bought.
    pub(super) get: usize,
    /// Atoms that it asks for each atom sold.
    pub(super) limit: f64,
    /// Atoms that it sells at most.
    pub(super) size: f64,
    /// The account that pays: an owner and a token.
    pub(super) account: usize,
    /// The account that receives, if anything is sold from it.
    pub(super) receiver: Option<usize>,
}

impl Orders {
    pub(super) fn of(batch: &BatchInput) -> Orders {
        let tokens = batch.tokens.len();
        let mut orders = Orders {
            list: Vec::new(),
            tokens,
            fee: batch.fee_token.at(),
            balances: Vec::new(),
            by_pair: vec![Vec::new(); tokens * tokens],
        };
        let mut accounts: BTreeMap<_, usize> = BTreeMap::new();
        for (at, order) in batch.orders.iter().enumerate() {
            let balance = batch.balance(order.owner, order.give);
            let is_known = order.give.at().max(order.get.at()) < tokens && order.give != order.get;
            if !is_known || balance.min(order.give_amount) < AMOUNT_MINIMUM {
                continue;
            }
            let account = *accounts.entry((order.owner, order.give)).or_insert_with(|| {
                orders.balances.push(float(balance));
                orders.balances.len() - 1
            });
            let (give, get) = (order.give.at(), order.get.at());
            let limit = float(order.get_amount) / float(order.give_amount);
            orders.by_pair[give * tokens + get].push(orders.list.len());
            let size = float(order.give_amount);
            orders.list.push(FloatOrder { at, give, get, limit, size, account, receiver: None });
        }
        for order in &mut orders.list {
            let whole = &batch.orders[order.at];
            order.receiver = accounts.get(&(whole.owner, whole.get)).copied();
        }
        for pair in &mut orders.by_pair {
            pair.sort_by(|a, b| orders.list[*a].limit.total_cmp(&orders.list[*b].limit));
        }
        orders
    }

    /// The orders that sell one token for another, those that ask least first.
    pub(super) fn between(&self, give: usize, get: usize) -> &[usize] {
        &self.by_pair[give * self.tokens + get]
    }

    /// Atoms that an order can sell at most.
    pub(super) fn most(&self, order: &FloatOrder) -> f64 {
        order.size.min(self.balances[order.account])
    }
}
