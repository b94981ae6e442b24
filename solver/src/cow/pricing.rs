//! A bundle at one price a token.
//!
//! A bundle may give the two directions of a pair different prices; CoW knows one price a token. Floats look for
//! prices; [`Settlement::of`] decides in whole atoms whether they hold.

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, Bundle, Fill, VenueUse};
use clearlane_core::intent::Kind;
use clearlane_core::money::Atoms;
use clearlane_core::names::DenominationIndex;

use super::scaled::scaled_until;
use super::settlement::{Prices, Settlement, Trade, terms};
use crate::strategy::float;

/// How often prices of many tokens are fitted to what a bundle trades, and mended where a token runs short.
const SWEEPS_MAX: usize = 200;
/// By how much more than it must a price is mended, so that rounding does not undo it.
const MARGIN: f64 = 1e-14;
/// Prices have this many bits at most: products with amounts stay within 256.
const PRICE_BITS: f64 = 126.0;

/// The bundle at one price a token with these fees, one for each fill; none where no such prices are found.
///
/// Where opposing orders would trade at different prices, venues are used less until they don't. `buffers` is what the
/// settlement holds of each token.
pub(super) fn uniform(
    (input, buffers): (&AuctionInput, &[Atoms]),
    bundle: &Bundle,
    fees: &[Atoms],
) -> Option<Settlement> {
    let trades = trades(input, bundle, fees)?;
    let settled =
        |prices: Prices, uses: &[VenueUse]| Settlement::of((input, buffers), prices, trades.clone(), uses.to_vec());
    let tokens = tokens(input, bundle)?;
    match tokens.as_slice() {
        [one, other] => {
            let sides = Sides::of(input, bundle, *one);
            let found = candidates(*one, *other, &sides).into_iter().find_map(|prices| settled(prices, &bundle.uses));
            found.or_else(|| {
                let (uses, sides) = scaled_until(input, bundle, [*one, *other], |sides| sides.is_one_price_possible())?;
                candidates(*one, *other, &sides).into_iter().find_map(|prices| settled(prices, &uses))
            })
        }
        _ => settled(fitted(input, bundle, &tokens)?, &bundle.uses),
    }
}

fn trades(input: &AuctionInput, bundle: &Bundle, fees: &[Atoms]) -> Option<Vec<Trade>> {
    let trade = |(fill, fee): (&Fill, &Atoms)| {
        let (intent, _) = terms(input, fill.intent)?;
        let executed = match intent.kind {
            Kind::ExactIn => fill.sold.checked_sub(*fee).filter(|executed| *executed > 0)?,
            Kind::ExactOut => fill.bought,
        };
        Some(Trade { intent: fill.intent, executed, fee: *fee })
    };
    bundle.fills.iter().zip(fees).map(trade).collect()
}

/// The tokens that orders trade, in their order.
fn tokens(input: &AuctionInput, bundle: &Bundle) -> Option<Vec<DenominationIndex>> {
    let mut tokens = Vec::with_capacity(bundle.fills.len().saturating_mul(2));
    for fill in &bundle.fills {
        let (_, option) = terms(input, fill.intent)?;
        tokens.extend([option.give, option.get]);
    }
    tokens.sort_unstable();
    tokens.dedup();
    Some(tokens)
}

/// What orders on two tokens trade in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sides {
    /// Sold and bought by those who give the first token.
    pub forward: (Atoms, Atoms),
    /// Sold and bought by those who give the second one.
    pub backward: (Atoms, Atoms),
    /// How many orders there are.
    pub count: Atoms,
}

impl Sides {
    fn of(input: &AuctionInput, bundle: &Bundle, first: DenominationIndex) -> Sides {
        let mut sides = Sides::default();
        for fill in &bundle.fills {
            let gives_first = terms(input, fill.intent).is_some_and(|(_, option)| option.give == first);
            let (sold, bought) = if gives_first { &mut sides.forward } else { &mut sides.backward };
            *sold = sold.saturating_add(fill.sold);
            *bought = bought.saturating_add(fill.bought);
            sides.count = sides.count.saturating_add(1);
        }
        sides
    }

    /// Whether those who give the first token may get as much of the second as those who give it must give: then any
    /// price between is one for both.
    fn is_one_price_possible(&self) -> bool {
        let [(sold, bought), (back_sold, back_bought)] = [self.forward, self.backward];
        let product = |one: Atoms, other: Atoms| {
            clearlane_core::wide::wide::<256, 4>(one).saturating_mul(clearlane_core::wide::wide(other))
        };
        product(bought, back_bought) >= product(back_sold, sold)
    }
}

/// Prices of two tokens worth trying: what one side gets for all that it sells, what the other does, and between.
fn candidates(first: DenominationIndex, second: DenominationIndex, sides: &Sides) -> Vec<Prices> {
    let [(sold, bought), (back_sold, back_bought)] = [sides.forward, sides.backward];
    // What is rounded up for each order must still be there for all.
    let less = |amount: Atoms| amount.saturating_sub(sides.count.saturating_sub(1));
    let pairs = [
        (bought.saturating_add(back_sold), sold.saturating_add(back_bought)),
        (bought, sold),
        (less(bought), sold),
        (back_sold, back_bought),
        (back_sold, less(back_bought)),
    ];
    let positive = pairs.into_iter().filter(|(one, other)| *one > 0 && *other > 0);
    positive.map(|(one, other)| BTreeMap::from([(first, one), (second, other)])).collect()
}

/// An order as an edge between tokens, by their places.
struct Edge {
    give: usize,
    get: usize,
    sold: f64,
    bought: f64,
    kind: Kind,
}

/// Prices of many tokens: those at which the orders trade as in the bundle, as far as these agree, a token's raised
/// where more is bought of it than there is.
fn fitted(input: &AuctionInput, bundle: &Bundle, tokens: &[DenominationIndex]) -> Option<Prices> {
    let place = |token: DenominationIndex| tokens.binary_search(&token).ok();
    let mut edges = Vec::with_capacity(bundle.fills.len());
    let mut there = vec![0.0; tokens.len()];
    for fill in &bundle.fills {
        let (intent, option) = terms(input, fill.intent)?;
        let (give, get) = (place(option.give)?, place(option.get)?);
        edges.push(Edge { give, get, sold: float(fill.sold), bought: float(fill.bought), kind: intent.kind });
        *there.get_mut(get)? += float(fill.bought);
    }
    let mut logs = logarithms(&edges, tokens.len())?;
    for _ in 0..SWEEPS_MAX {
        if !mend(&edges, &there, &mut logs)? {
            break;
        }
    }
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let price = |log: &f64| whole((log - most + PRICE_BITS).exp2());
    tokens.iter().zip(&logs).map(|(token, log)| Some((*token, price(log)?))).collect()
}

/// Logarithms of prices whose differences are those of what is bought and sold, on average.
fn logarithms(edges: &[Edge], count: usize) -> Option<Vec<f64>> {
    let mut logs = vec![0.0; count];
    for _ in 0..SWEEPS_MAX {
        let (mut sums, mut counts) = (vec![0.0; count], vec![0.0; count]);
        for edge in edges {
            let rate = (edge.bought / edge.sold).log2();
            let (give, get) = (*logs.get(edge.give)?, *logs.get(edge.get)?);
            *sums.get_mut(edge.give)? += (give + get + rate) / 2.0;
            *sums.get_mut(edge.get)? += (get + give - rate) / 2.0;
            *counts.get_mut(edge.give)? += 1.0;
            *counts.get_mut(edge.get)? += 1.0;
        }
        for (log, (sum, count)) in logs.iter_mut().zip(sums.iter().zip(&counts)) {
            *log = sum / count;
        }
    }
    logs.iter().all(|log| log.is_finite()).then_some(logs)
}

/// Raises the price of each token of which more is bought than there is; whether there was any.
fn mend(edges: &[Edge], there: &[f64], logs: &mut [f64]) -> Option<bool> {
    let mut left = there.to_vec();
    let mut wanted = vec![0.0; there.len()];
    for edge in edges {
        let rate = (logs.get(edge.give)? - logs.get(edge.get)?).exp2();
        match edge.kind {
            Kind::ExactIn => *wanted.get_mut(edge.get)? += edge.sold * rate + 1.0,
            Kind::ExactOut => {
                *wanted.get_mut(edge.get)? += edge.bought;
                // What an order sells less, others can't buy.
                *left.get_mut(edge.give)? += edge.bought / rate - edge.sold;
            }
        }
    }
    let mut is_mended = false;
    for (log, (left, wanted)) in logs.iter_mut().zip(left.iter().zip(&wanted)) {
        if *wanted > *left * (1.0 - MARGIN) && *left > 0.0 {
            *log += (wanted / left).log2().max(0.0) + 2.0 * MARGIN;
            is_mended = true;
        }
    }
    Some(is_mended)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before; only proposes")]
fn whole(price: f64) -> Option<u128> {
    (1.0..2.0_f64.powf(PRICE_BITS + 1.0)).contains(&price).then_some(price as u128)
}
