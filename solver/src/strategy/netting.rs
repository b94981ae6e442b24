//! Opposing intents of a pair matched with each other at one price; the rest alone through venues.
//!
//! A pair is matched at the price, of a few tried, that counts the most surplus. Floats choose
//! the price; every fill is computed and checked in whole atoms.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption, Bundle, FILLS_MAX, Fill, size_of};
use clearlane_core::names::{DenominationIndex, IntentIndex};

use super::book::Execution;
use super::crossing::{Order, Ratio, Side, cross};
use super::floored::tightened;
use super::value::Values;
use super::{Budget, Proposal, Strategy, direct, residual};

/// How often one pair is matched again on what is left of it, at another price.
const ROUNDS_MAX: usize = 4;
/// Prices tried for one pair and round, besides the reference price.
const LIMITS_TRIED_MAX: usize = 16;
/// How far inside a limit a price is tried, so that rounding does not cross it.
const INSIDE: f64 = 1e-6;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Netting;

impl Strategy for Netting {
    fn name(&self) -> &'static str {
        "netting"
    }

    fn solve(&self, input: &AuctionInput, budget: &Budget<'_>) -> Proposal {
        let mut left = tightened(input);
        let values = Values::of(input);
        let mut bundles = net(&mut left, &values, budget);
        bundles.extend(direct::plan(&left, &values, budget, Execution::Alone));
        bundles.into()
    }
}

/// Matches every pair and takes what was matched out of `left`; at most one bundle a pair and round.
pub(super) fn net(left: &mut AuctionInput, values: &Values, budget: &Budget<'_>) -> Vec<Bundle> {
    let mut bundles = Vec::new();
    for (pair, places) in pairs(left) {
        for _ in 0..ROUNDS_MAX {
            if budget.is_spent() {
                return bundles;
            }
            let Some(bundle) = net_pair(left, values, pair, &places) else { break };
            residual::take_fills(left, &bundle);
            bundles.push(bundle);
        }
    }
    bundles
}

type Pair = [DenominationIndex; 2];

/// Options on one pair, by intent and option.
#[derive(Default)]
struct Places {
    /// They give the pair's first asset.
    forward: Vec<(usize, usize)>,
    /// They give the pair's second asset.
    backward: Vec<(usize, usize)>,
}

fn pairs(input: &AuctionInput) -> BTreeMap<Pair, Places> {
    let mut pairs: BTreeMap<Pair, Places> = BTreeMap::new();
    for (intent_at, intent) in input.intents.iter().enumerate() {
        for (option_at, option) in intent.options.iter().enumerate() {
            let is_forward = option.give < option.get;
            let pair = if is_forward { [option.give, option.get] } else { [option.get, option.give] };
            let places = pairs.entry(pair).or_default();
            let side = if is_forward { &mut places.forward } else { &mut places.backward };
            side.push((intent_at, option_at));
        }
    }
    pairs.retain(|_, places| !places.forward.is_empty() && !places.backward.is_empty());
    pairs
}

/// The best bundle of those that a few prices give, if it counts any surplus.
fn net_pair(input: &AuctionInput, values: &Values, pair: Pair, places: &Places) -> Option<Bundle> {
    let [first, second] = pair;
    let forward = orders(input, &places.forward);
    let backward = orders(input, &places.backward);
    let typical =
        values.ratio(first, second).or_else(|| forward.first().map(|order| limit(Side::GivesCoarse, order)))?;
    // The coarse asset is the one whose atom is worth more atoms of the other.
    let (coarse, fine, giving_coarse, giving_fine) =
        if typical >= 1.0 { (first, second, forward, backward) } else { (second, first, backward, forward) };
    let giving_coarse = eager_first(Side::GivesCoarse, giving_coarse);
    let giving_fine = eager_first(Side::GivesFine, giving_fine);
    let mut best: Option<(f64, Vec<Fill>)> = None;
    for price in prices(values.ratio(coarse, fine), &giving_coarse, &giving_fine) {
        let willing = |side: Side, orders: &[Order]| -> Vec<Order> {
            let is_willing = |order: &&Order| is_inside(side, order, price);
            orders.iter().filter(is_willing).take(FILLS_MAX / 2).copied().collect()
        };
        let Some(ratio) = ratio_of(price) else { continue };
        let fills = cross(ratio, &willing(Side::GivesCoarse, &giving_coarse), &willing(Side::GivesFine, &giving_fine));
        let counted = fills.iter().map(|fill| values.counted(input, fill)).sum::<f64>();
        if counted > best.as_ref().map_or(0.0, |(most, _)| *most) {
            best = Some((counted, fills));
        }
    }
    best.map(|(_, fills)| Bundle { fills, uses: Vec::new() })
}

fn orders(input: &AuctionInput, places: &[(usize, usize)]) -> Vec<Order> {
    let order = |&(intent_at, option_at): &(usize, usize)| {
        let intent = input.intents.get(intent_at)?;
        order_of(intent_at, intent, option_at, intent.options.get(option_at)?)
    };
    places.iter().filter_map(order).collect()
}

fn order_of(intent_at: usize, intent: &AuctionIntent, option_at: usize, option: &AuctionOption) -> Option<Order> {
    let remaining = size_of(intent, u16::try_from(option_at).ok()?);
    let cap = intent.cap_of(option);
    let is_possible = cap > 0 && (!intent.is_all_or_nothing || cap == remaining);
    is_possible.then_some(Order {
        intent: IntentIndex::from_at(intent_at),
        option: u16::try_from(option_at).ok()?,
        kind: intent.kind,
        give_amount: option.give_amount,
        get_amount: option.get_amount,
        cap,
        remaining,
        minimum: option.minimum,
        is_all_or_nothing: intent.is_all_or_nothing,
        is_trimmed: false,
    })
}

/// The limit price of an order, in fine per coarse.
fn limit(side: Side, order: &Order) -> f64 {
    let [give, get] = [order.give_amount, order.get_amount].map(super::value::float);
    match side {
        Side::GivesCoarse => get / give,
        Side::GivesFine => give / get,
    }
}

fn is_inside(side: Side, order: &Order, price: f64) -> bool {
    match side {
        Side::GivesCoarse => limit(side, order) <= price,
        Side::GivesFine => limit(side, order) >= price,
    }
}

fn eager_first(side: Side, mut orders: Vec<Order>) -> Vec<Order> {
    let eagerness = |a: &Order, b: &Order| match side {
        Side::GivesCoarse => limit(side, a).total_cmp(&limit(side, b)),
        Side::GivesFine => limit(side, b).total_cmp(&limit(side, a)),
    };
    orders.sort_by(|a, b| eagerness(a, b).then(a.intent.cmp(&b.intent)).then(a.option.cmp(&b.option)));
    orders
}

/// Prices worth trying: the reference price, and prices just inside limits of the overlap.
fn prices(reference: Option<f64>, giving_coarse: &[Order], giving_fine: &[Order]) -> Vec<f64> {
    let least = giving_coarse.first().map(|order| limit(Side::GivesCoarse, order));
    let most = giving_fine.first().map(|order| limit(Side::GivesFine, order));
    let (Some(least), Some(most)) = (least, most) else { return Vec::new() };
    if least.partial_cmp(&most) != Some(Ordering::Less) {
        return Vec::new();
    }
    let inside = |price: f64| price.clamp(least + (most - least) * INSIDE, most - (most - least) * INSIDE);
    let mut limits: Vec<f64> =
        giving_coarse.iter().map(|order| limit(Side::GivesCoarse, order) * (1.0 + INSIDE)).collect();
    limits.extend(giving_fine.iter().map(|order| limit(Side::GivesFine, order) * (1.0 - INSIDE)));
    limits.retain(|price| (least..=most).contains(price));
    let mut tried = vec![inside(reference.unwrap_or((least * most).sqrt())), inside((least * most).sqrt())];
    // Those nearest to the first price matter most: far from it, surplus no longer counts.
    let centre = tried.first().copied().unwrap_or(least);
    limits.sort_by(|a, b| (a / centre).ln().abs().total_cmp(&(b / centre).ln().abs()));
    tried.extend(limits.into_iter().take(LIMITS_TRIED_MAX));
    tried
}

/// The price as a fraction of integers below 2^112.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before; only proposes")]
fn ratio_of(price: f64) -> Option<Ratio> {
    const BITS: i32 = 100;
    if !price.is_finite() || price <= 0.0 {
        return None;
    }
    let exponent = (BITS - price.log2().ceil() as i32).clamp(0, BITS);
    let fine = price * 2.0_f64.powi(exponent);
    (fine >= 1.0 && fine < 2.0_f64.powi(BITS + 2)).then(|| Ratio { fine: fine as u128, coarse: 1 << exponent })
}
