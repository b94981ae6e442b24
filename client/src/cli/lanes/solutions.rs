//! Solutions of an auction, split into bundles that can be told apart, and what their resources are called.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, Bundle, footprint, score_bundle};
use clearlane_core::lanes::{Footprint, Resource};
use clearlane_core::names::{DenominationIndex, IntentIndex, ReserveIndex};
use clearlane_core::venue::Direction;
use clearlane_solver::formats::Auction;
use clearlane_solver::formats::solution::FileSolution;

use crate::cli::check::uses_of;
use crate::cli::footprints::Footprints;

/// What keeps two fills or uses in one bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    Intent(IntentIndex),
    Asset(DenominationIndex),
}

/// All bundles of these solutions, best score first, then by solution and first fill.
pub(super) fn bundles_of(auction: &Auction, solutions: &[FileSolution]) -> Footprints {
    let mut scored = Vec::new();
    for (number, solution) in (1_usize..).zip(solutions) {
        for (part, bundle) in split(&auction.input, solution).into_iter().enumerate() {
            scored.push((score_bundle(&auction.input, &bundle), format!("s{number}-{part}"), bundle));
        }
    }
    scored.sort_by_key(|(score, ..)| Reverse(*score));
    let mut batch = Footprints::default();
    for (_, name, bundle) in scored {
        let cost = bundle.fills.len().saturating_add(bundle.uses.len());
        batch.names.push(name);
        batch.footprints.push(footprint(&auction.input, &bundle));
        batch.costs.push(u64::try_from(cost).unwrap_or(u64::MAX));
    }
    batch
}

/// Fills and uses that share no asset and no intent, directly or through others, go apart; fills come first.
fn split(input: &AuctionInput, solution: &FileSolution) -> Vec<Bundle> {
    let of_fills = solution.fills.iter().map(|fill| {
        let option = input.intents.get(fill.intent.at()).and_then(|of| of.options.get(usize::from(fill.option)));
        let assets = option.into_iter().flat_map(|option| [Tie::Asset(option.give), Tie::Asset(option.get)]);
        std::iter::once(Tie::Intent(fill.intent)).chain(assets).collect::<Vec<_>>()
    });
    let of_uses = solution.uses.iter().map(|used| {
        let coins = input.venues.get(used.venue.at()).map(|venue| venue.coins);
        coins.into_iter().flatten().map(Tie::Asset).collect::<Vec<_>>()
    });
    let groups = grouped(&of_fills.chain(of_uses).collect::<Vec<_>>());
    let mut bundles: BTreeMap<usize, Bundle> = BTreeMap::new();
    let (of_fills, of_uses) = groups.split_at(solution.fills.len().min(groups.len()));
    for (group, fill) in of_fills.iter().zip(&solution.fills) {
        bundles.entry(*group).or_default().fills.push(*fill);
    }
    for (group, used) in of_uses.iter().zip(&solution.uses) {
        bundles.entry(*group).or_default().uses.extend(uses_of(used, Direction::FORWARD));
    }
    bundles.into_values().collect()
}

/// For each item the first one that it is tied to, directly or through others.
fn grouped(ties: &[Vec<Tie>]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..ties.len()).collect();
    let mut first_with: BTreeMap<Tie, usize> = BTreeMap::new();
    for (item, tie) in ties.iter().enumerate().flat_map(|(item, ties)| ties.iter().map(move |tie| (item, *tie))) {
        let first = *first_with.entry(tie).or_insert(item);
        let (one, other) = (root(&mut parents, item), root(&mut parents, first));
        parents[one.max(other)] = one.min(other);
    }
    (0..ties.len()).map(|item| root(&mut parents, item)).collect()
}

/// The first item of a group; halves the path on the way.
fn root(parents: &mut [usize], item: usize) -> usize {
    let mut item = item;
    while parents[item] != item {
        parents[item] = parents[parents[item]];
        item = parents[item];
    }
    item
}

/// What each resource that these bundles touch is called in the auction.
pub(super) fn labels_of(auction: &Auction, footprints: &[Footprint]) -> BTreeMap<Resource, String> {
    let touched = footprints.iter().flat_map(Footprint::iter);
    touched.map(|(resource, _)| (resource, label_of(auction, resource))).collect()
}

fn label_of(auction: &Auction, resource: Resource) -> String {
    match resource {
        Resource::Intent(index) => format!("intent {}", auction.intent_name(index).unwrap_or("unknown")),
        Resource::Venue(index) => format!("venue {}", auction.venue_name(index).unwrap_or("unknown")),
        Resource::Reserve(index) => reserve_label(&auction.input, index),
        Resource::Fact(index) => format!("fact {}", index.0),
        Resource::Other(number) => format!("key {number}"),
    }
}

fn reserve_label(input: &AuctionInput, index: ReserveIndex) -> String {
    let reserve = input.reserves.get(index.at());
    let denomination = reserve.and_then(|reserve| input.denominations.get(reserve.denomination.at()));
    denomination.map_or_else(
        || format!("account {}", index.0),
        |found| format!("account {} of {} in {}", index.0, found.asset, found.module),
    )
}

#[cfg(test)]
mod tests {
    use clearlane_core::lanes::{Batch, Plan};
    use clearlane_solver::formats;

    use super::*;

    /// Two that trade X and Y with each other, and one that buys Q for P from a pool.
    const AUCTION: &str = r#"{"schema":"auction-instance/1","id":"two","surplus_cap_ppm":10000,
        "assets":[{"id":"X","decimals":6,"ref_price":"1"},{"id":"Y","decimals":6,"ref_price":"1"},
        {"id":"P","decimals":6,"ref_price":"1"},{"id":"Q","decimals":6,"ref_price":"1"}],
        "intents":[{"id":"pool","kind":"exact_in","fill":"fill_or_kill","choose":"split","options":[
        {"sell_asset":"P","sell_amount":"100000000","buy_asset":"Q","buy_amount":"80000000"}]},
        {"id":"one","kind":"exact_in","fill":"fill_or_kill","choose":"split","options":[
        {"sell_asset":"X","sell_amount":"100000000","buy_asset":"Y","buy_amount":"90000000"}]},
        {"id":"other","kind":"exact_in","fill":"fill_or_kill","choose":"split","options":[
        {"sell_asset":"Y","sell_amount":"100000000","buy_asset":"X","buy_amount":"95000000"}]}],
        "liquidity":[{"id":"l0","type":"constant_product","assets":["P","Q"],"fee_ppm":0,
        "reserves":["1000000000","1000000000"]}]}"#;
    const POOL: &str = r#"{"intent":"pool","option":0,"sold":"100000000","bought":"90909090"}"#;
    const USE: &str = r#"{"liquidity":"l0","in":{"P":"100000000"},"out":{"Q":"90909090"}}"#;
    const PAIR: &str = r#"{"intent":"one","option":0,"sold":"100000000","bought":"100000000"},
        {"intent":"other","option":0,"sold":"100000000","bought":"100000000"}"#;

    #[test]
    fn what_shares_nothing_goes_apart_and_the_best_comes_first() {
        let auction = formats::read(AUCTION.as_bytes()).expect("an auction");
        let solution = |fills: &str| {
            let text = format!(r#"{{"fills":[{fills}],"uses":[{USE}]}}"#);
            FileSolution::read(&auction, text.as_bytes()).expect("a solution")
        };
        let batch = bundles_of(&auction, &[solution(&format!("{POOL},{PAIR}")), solution(POOL)]);
        assert_eq!(batch.names, ["s1-1", "s1-0", "s2-0"]);
        assert_eq!(batch.costs, [2, 2, 2]);
        let plan = Plan::new(&Batch::new(&batch.footprints.iter().collect::<Vec<_>>()).expect("small"));
        assert_eq!([0, 1, 2].map(|at| plan.colour(at)), [1, 1, 2]);
        let labels: Vec<String> = labels_of(&auction, &batch.footprints).into_values().collect();
        assert_eq!(labels[..4], ["intent pool", "intent one", "intent other", "venue l0"]);
        assert!(labels[4].starts_with("account ") && labels[4].contains(" in "), "{labels:?}");
    }

    #[test]
    fn ties_through_others_join() {
        let asset = |number| Tie::Asset(DenominationIndex::from_at(number));
        let groups = grouped(&[vec![asset(1)], vec![asset(2)], vec![asset(3)], vec![asset(2), asset(1)], Vec::new()]);
        assert_eq!(groups, [0, 0, 2, 0, 4]);
    }
}
