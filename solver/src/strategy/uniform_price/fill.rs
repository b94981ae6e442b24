//! What executes at given prices: the flow with the most utility, less the orders that are better left alone.
//!
//! An order that executes counts with its utility less that of what it leaves, so one that is barely filled costs; one
//! that is not touched costs nothing.

use std::collections::BTreeMap;

use super::flow::{Edge, Flow, best_flow};
use super::orders::{ATOMS_MIN, KEPT, Orders};

/// What finding and sorting the orders takes, in multiplications: for a set of prices, and for each order.
const FILL_WORK: u64 = 2_000;
const WAY_WORK: u64 = 100;

/// The most orders of a pair that are looked at where only so many may execute.
const PAIR_MAX: usize = 16;

/// What executes, and what it is worth.
#[derive(Clone, Debug, Default)]
pub(super) struct Fill {
    /// The objective, in atoms of the fee token.
    pub(super) value: f64,
    /// The place of each order that executes in the list, and the value that it sells.
    pub(super) trades: Vec<(usize, f64)>,
}

/// How many orders may execute, and how much is tried at each set of prices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The most orders.
    pub(super) orders_max: usize,
    /// How many times orders are left out and the rest filled again.
    pub(super) rounds: usize,
}

/// An order at the prices: a way for value to flow.
struct Way {
    order: usize,
    /// What a unit of value sold gains, zero at the limit.
    margin: f64,
    /// The value that it could sell, were it the account's only order.
    whole: f64,
    /// The value of what it could sell without its account.
    size: f64,
    account: usize,
}

/// Fills the orders among the tokens that have a price; a price is in atoms of the fee token, zero if there is none.
pub(super) fn fill(orders: &Orders, prices: &[f64], terms: Terms, work: &mut u64) -> Fill {
    let active: Vec<usize> = (0..orders.tokens).filter(|token| prices[*token] > 0.0).collect();
    let mut row_of = vec![None; orders.tokens];
    for (row, token) in active.iter().filter(|token| **token != orders.fee).enumerate() {
        row_of[*token] = Some(row);
    }
    let ways = ways(orders, prices, &active, terms.orders_max);
    *work += FILL_WORK + WAY_WORK * u64::try_from(ways.len()).unwrap_or(u64::MAX);
    let rows = active.len().saturating_sub(1);
    let by_margin: Vec<f64> = ways.iter().map(|way| way.margin).collect();
    let (mut edges, is_contended) = edges(orders, prices, &ways, &row_of, &by_margin);
    if is_contended {
        let flow = best_flow(rows, &edges);
        *work += flow.work;
        edges = self::edges(orders, prices, &ways, &row_of, &flow.reduced).0;
    }
    let mut best = Fill::default();
    let mut kept = 0;
    for _ in 0..terms.rounds {
        let flow = best_flow(rows, &edges);
        *work += flow.work;
        let found = Found::of(orders, prices, &ways, &flow);
        let is_dusty = drop_dust(&mut edges, &found);
        let count = found.trades.len();
        if count > terms.orders_max {
            drop_least(&mut edges, &found, count - terms.orders_max);
            continue;
        }
        if is_dusty {
            continue;
        }
        if found.value > best.value {
            best = Fill {
                value: found.value,
                trades: found.trades.iter().map(|trade| (trade.order, trade.amount)).collect(),
            };
            kept = 0;
        } else {
            kept += 1;
        }
        if kept > 3 || !drop_worst(&mut edges, &found) {
            break;
        }
    }
    best
}

fn ways(orders: &Orders, prices: &[f64], active: &[usize], orders_max: usize) -> Vec<Way> {
    let mut ways = Vec::new();
    let mut pair: Vec<Way> = Vec::new();
    for &give in active {
        for &get in active {
            let rate = prices[get] / prices[give];
            for &at in orders.between(give, get) {
                let order = &orders.list[at];
                let margin = KEPT - order.limit * rate;
                if margin < 0.0 {
                    break;
                }
                let most = orders.most(order);
                if most * KEPT / rate < ATOMS_MIN || most < ATOMS_MIN {
                    continue;
                }
                let (whole, size) = (most * prices[give], order.size * prices[give]);
                pair.push(Way { order: at, margin, whole, size, account: order.account });
            }
            thin(&mut pair, orders_max);
            ways.append(&mut pair);
        }
    }
    ways
}

/// Leaves of a pair's ways, those that ask least first, as many of those that gain most as may execute, and the last few:
/// near their limit they fill up what others need at no cost.
fn thin(pair: &mut Vec<Way>, orders_max: usize) {
    const LAST: usize = 2;
    let most = orders_max.min(PAIR_MAX);
    if orders_max == usize::MAX || pair.len() <= most.saturating_add(LAST) {
        return;
    }
    let last = pair.split_off(pair.len() - LAST);
    let worth = |way: &Way| way.margin * way.whole;
    pair.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
    pair.truncate(most);
    pair.extend(last);
}

/// The edges of the ways: of an account's orders the one of the highest rank may take all, the next what that one can't.
/// Whether any went short.
fn edges(orders: &Orders, prices: &[f64], ways: &[Way], row_of: &[Option<usize>], ranks: &[f64]) -> (Vec<Edge>, bool) {
    let mut left: BTreeMap<usize, f64> = BTreeMap::new();
    let mut is_contended = false;
    let edge = |way: &Way| {
        let order = &orders.list[way.order];
        Edge { from: row_of[order.give], into: row_of[order.get], most: 0.0, gain: way.margin }
    };
    let mut edges: Vec<Edge> = ways.iter().map(edge).collect();
    let mut places: Vec<usize> = (0..ways.len()).collect();
    places.sort_by(|a, b| ranks[*b].total_cmp(&ranks[*a]));
    for place in places {
        let way = &ways[place];
        let price = prices[orders.list[way.order].give];
        let left = left.entry(way.account).or_insert(orders.balances[way.account] * price);
        let most = way.whole.min(*left);
        *left -= most;
        is_contended |= most < way.whole;
        edges[place].most = if most < ATOMS_MIN * price { 0.0 } else { most };
    }
    (edges, is_contended)
}

struct FoundTrade {
    edge: usize,
    order: usize,
    amount: f64,
    /// Its part of the objective.
    counts: f64,
    /// What the whole would lose without it, at the shadow prices.
    matters: f64,
    /// Whether it is filled as far as the others need.
    balances: bool,
    is_dust: bool,
}

struct Found {
    value: f64,
    trades: Vec<FoundTrade>,
}

impl Found {
    fn of(orders: &Orders, prices: &[f64], ways: &[Way], flow: &Flow) -> Found {
        // What owners receive in the batch they could sell in it too.
        let mut sold: BTreeMap<usize, f64> = BTreeMap::new();
        for (way, amount) in ways.iter().zip(&flow.amounts).filter(|(_, amount)| **amount > 0.0) {
            *sold.entry(way.account).or_default() += amount;
            if let Some(receiver) = orders.list[way.order].receiver {
                *sold.entry(receiver).or_default() -= amount * KEPT;
            }
        }
        let mut found = Found { value: 0.0, trades: Vec::new() };
        for (edge, (way, &amount)) in ways.iter().zip(&flow.amounts).enumerate() {
            let order = &orders.list[way.order];
            let (give, get) = (prices[order.give], prices[order.get]);
            if amount <= 1e-9 * give {
                continue;
            }
            let held = orders.balances[way.account] * give - sold.get(&way.account).copied().unwrap_or(0.0);
            let left = (way.size - amount).min(held).max(0.0);
            let counts = way.margin * (amount - left / KEPT);
            let matters = flow.reduced[edge] * amount - way.margin * left / KEPT;
            let is_dust = amount < ATOMS_MIN * give || amount * KEPT < ATOMS_MIN * get;
            found.value += counts;
            let balances = flow.reduced[edge].abs() < 1e-11;
            found.trades.push(FoundTrade { edge, order: way.order, amount, counts, matters, balances, is_dust });
        }
        found
    }
}

fn drop_dust(edges: &mut [Edge], found: &Found) -> bool {
    let mut is_dusty = false;
    for trade in found.trades.iter().filter(|trade| trade.is_dust) {
        edges[trade.edge].most = 0.0;
        is_dusty = true;
    }
    is_dusty
}

/// Leaves out those that matter least, half of what is too many at a time.
fn drop_least(edges: &mut [Edge], found: &Found, too_many: usize) {
    let mut places: Vec<&FoundTrade> = found.trades.iter().collect();
    // Those that balance the others matter more than their own prices say.
    places.sort_by(|a, b| a.balances.cmp(&b.balances).then(a.matters.total_cmp(&b.matters)));
    for trade in places.into_iter().take(too_many.div_ceil(2)) {
        edges[trade.edge].most = 0.0;
    }
}

/// Leaves out the order that counts most against the whole; false if none does.
fn drop_worst(edges: &mut [Edge], found: &Found) -> bool {
    let worst = found.trades.iter().min_by(|a, b| a.counts.total_cmp(&b.counts));
    let Some(worst) = worst.filter(|worst| worst.counts < 0.0) else { return false };
    edges[worst.edge].most = 0.0;
    true
}
