//! `solve --rules cow`: strategies compete by CoW Protocol's own rules, each bundle one solution.
//!
//! Bundles are judged exactly, selected as CoW selects, by directed pairs and without knowing of venues, and then executed
//! one after another: what a winner finds no longer possible it won and did not deliver.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clearlane_core::auction::{
    AuctionInput, Bundle, CowOutcome, CowSolution, CowTrade, Fill, cow_delivered, cow_reward, cow_select,
    surplus_value, value_of, verify,
};
use clearlane_core::money::{Atoms, MILLION, Score};
use clearlane_core::names::SolverId;
use clearlane_core::price::Price;
use clearlane_core::refusal::Refusal;
use clearlane_solver::formats::Auction;
use clearlane_solver::offline::Answer;
use clearlane_solver::strategy::Strategy;
use serde_json::{Value, json};

use super::bound::{basis_points_text, ratio_text};
use super::competition::{answers, by_code};
use super::failure::Failure;
use super::report::score_text;
use super::solve::{millis, refused_json};
use super::watching::Watching;

/// What CoW's rules make of some strategies' answers.
pub(crate) struct CowSelected {
    input: AuctionInput,
    answers: Vec<Answer>,
    /// Valid bundles, each a solution.
    bundles: Vec<Bundle>,
    solutions: Vec<CowSolution>,
    refused: Vec<Refusal>,
    outcome: CowOutcome,
    /// Of the winners, in their order: whether it still held when its turn came.
    is_delivered: Vec<bool>,
    elapsed: Duration,
    selecting_elapsed: Duration,
}

impl CowSelected {
    /// Lets strategies answer, watched if somebody watches, and selects. Surplus counts without a cap, as CoW counts it.
    pub(crate) fn of(
        input: &mut AuctionInput,
        strategies: &[Box<dyn Strategy>],
        budget: Option<Duration>,
        watching: Option<&Watching>,
    ) -> Result<CowSelected, Failure> {
        input.surplus_cap_ppm = u32::try_from(MILLION).unwrap_or(u32::MAX);
        let started = Instant::now();
        let answers = answers(input, strategies, budget, watching)?;
        let elapsed = started.elapsed();
        let (mut bundles, mut solutions, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for answer in &answers {
            for bundle in &answer.solution.bundles {
                match verify(input, bundle) {
                    Ok(_) => {
                        solutions.push(solution(input, answer.solution.solver, bundle));
                        bundles.push(bundle.clone());
                    }
                    Err(refusal) => refused.push(refusal),
                }
            }
        }
        let outcome = cow_select(&solutions);
        let is_delivered = cow_delivered(input, outcome.winners.iter().filter_map(|at| bundles.get(*at)));
        let selecting_elapsed = started.elapsed().saturating_sub(elapsed);
        let input = input.clone();
        Ok(CowSelected {
            input,
            answers,
            bundles,
            solutions,
            refused,
            outcome,
            is_delivered,
            elapsed,
            selecting_elapsed,
        })
    }

    /// The winners' bundles that held when their turn came, in that order.
    pub(crate) fn delivered(&self) -> impl Iterator<Item = &Bundle> {
        let winners = self.outcome.winners.iter().zip(&self.is_delivered);
        winners.filter(|(_, is_delivered)| **is_delivered).filter_map(|(at, _)| self.bundles.get(*at))
    }

    /// What `solve` says of any competition; what CoW's rules know nothing of is null.
    pub(crate) fn to_json(&self, auction: &Auction) -> Value {
        let (score, (exact, gap)) = (self.outcome.score, self.outcome.exact);
        let bound = exact.saturating_add(gap);
        let fills = || self.delivered().flat_map(|bundle| &bundle.fills);
        let sum = |of: &dyn Fn(&Fill) -> Option<Score>| {
            fills().fold(0, |sum: Score, fill| sum.saturating_add(of(fill).unwrap_or(0)))
        };
        let surplus = sum(&|fill| surplus_value(&self.input, fill));
        let value = sum(&|fill| {
            let intent = self.input.intents.get(fill.intent.at())?;
            let option = intent.options.get(usize::from(fill.option))?;
            value_of(&self.input, option.get, fill.bought)
        });
        let filled: std::collections::BTreeSet<_> = fills().map(|fill| fill.intent).collect();
        let missed = bound.saturating_sub(score);
        let mut json = json!({
            "name": auction.market.name,
            "rules": self.input.rules.name(),
            "score": score_text(score),
            "bound": score_text(bound),
            "bound_by": "selection",
            "ratio": ratio_text(score, bound),
            "missed": score_text(missed),
            "missed_bps": basis_points_text(missed, value),
            "floor_score": "0",
            "selection_gap": score_text(gap),
            "surplus": score_text(surplus),
            "bundles": self.outcome.winners.len(),
            "delivered": self.delivered().count(),
            "filled": filled.len(),
            "intents": self.input.intents.len(),
            "elapsed_ms": millis(self.elapsed),
            "clearing_ms": millis(self.selecting_elapsed),
            "colours": null,
            "hottest": null,
            "strategies": self.answers.iter().map(|answer| self.strategy_json(answer)).collect::<Vec<_>>(),
            "prices": {},
            "digest": null,
        });
        for (field, value) in refused_json(&auction.market, json!(by_code(self.refused.iter()))) {
            json[field] = value;
        }
        json
    }

    fn strategy_json(&self, answer: &Answer) -> Value {
        let solver = answer.solution.solver;
        let own: Vec<CowSolution> =
            self.solutions.iter().filter(|solution| solution.solver == solver).cloned().collect();
        let (mut won, mut missing) = (Vec::new(), 0);
        for (at, is_delivered) in self.outcome.winners.iter().zip(&self.is_delivered) {
            let Some(solution) = self.solutions.get(*at).filter(|solution| solution.solver == solver) else { continue };
            let score = solution.by_pair.values().copied().fold(0, Score::saturating_add);
            won.push(score);
            missing = if *is_delivered { missing } else { Score::saturating_add(missing, score) };
        }
        let reference = self.outcome.reference.get(&solver).copied().unwrap_or(self.outcome.score);
        json!({
            "strategy": answer.strategy,
            "bundles": answer.solution.bundles.len(),
            "intents": answer.intents,
            "won": won.len(),
            "score": score_text(won.into_iter().fold(0, Score::saturating_add)),
            "score_alone": score_text(cow_select(&own).score),
            "contribution": score_text(self.outcome.score.saturating_sub(reference)),
            "reward": score_text(cow_reward(self.outcome.score, reference, missing, Score::MAX, Score::MAX)),
            "elapsed_ms": millis(answer.elapsed),
        })
    }
}

/// What a bundle scores on each directed pair.
fn solution(input: &AuctionInput, solver: SolverId, bundle: &Bundle) -> CowSolution {
    let mut by_pair = BTreeMap::new();
    for fill in &bundle.fills {
        let trade = input.intents.get(fill.intent.at()).and_then(|intent| {
            let option = intent.options.get(usize::from(fill.option))?;
            let price = input.denominations.get(option.get.at())?;
            let buy_price = price.price.and_then(|known| worth(known, price.scale)).unwrap_or(0);
            let (limit_sell, limit_buy) = (option.give_amount, option.get_amount);
            let trade =
                CowTrade { kind: intent.kind, limit_sell, limit_buy, sold: fill.sold, bought: fill.bought, buy_price };
            Some(((option.give.0, option.get.0), trade.score().unwrap_or(0)))
        });
        if let Some((pair, score)) = trade {
            let sum: &mut Score = by_pair.entry(pair).or_default();
            *sum = sum.saturating_add(score);
        }
    }
    CowSolution { solver, by_pair }
}

/// The value of 10^18 atoms in 10^-18 reference units.
fn worth(price: Price, scale: u8) -> Option<Atoms> {
    price.convert(1_000_000_000_000_000_000, scale, 18, clearlane_core::money::Rounding::Down)
}

#[cfg(test)]
mod tests {
    use clearlane_core::auction::RuleSet;
    use clearlane_core::names::IntentIndex;
    use clearlane_solver::formats;
    use clearlane_solver::strategy::{Budget, Direct, strategy};

    use super::*;

    const OPPOSING: &str = include_str!("../../../docs/examples/opposing.json");

    fn selected(text: &str, names: &[&str]) -> (Auction, CowSelected) {
        let mut auction = formats::read(text.as_bytes()).expect("an auction");
        auction.input.rules = RuleSet::Cow;
        let strategies: Vec<_> = names.iter().map(|name| strategy(name).expect("a strategy")).collect();
        let selected = CowSelected::of(&mut auction.input, &strategies, None, None).expect("answers");
        (auction, selected)
    }

    #[test]
    fn one_solution_of_both_pairs_wins_over_one_a_pair() {
        let (auction, selected) = selected(OPPOSING, &["direct", "netting"]);
        let json = selected.to_json(&auction);
        assert_eq!(
            (json["rules"].as_str(), json["bundles"].as_u64(), json["filled"].as_u64()),
            (Some("cow"), Some(1), Some(2))
        );
        let [direct, netting] = [&json["strategies"][0], &json["strategies"][1]];
        assert_eq!((netting["won"].as_u64(), &netting["score"]), (Some(1), &json["score"]), "{json}");
        assert_eq!(direct["won"].as_u64(), Some(0), "{json}");
        assert_eq!(netting["contribution"], netting["reward"], "all that was won was delivered");
    }

    /// Two pairs through one ladder that has enough for one: CoW's rules, which know no venue, let both win.
    #[test]
    fn what_is_won_twice_is_delivered_once() {
        let text = r#"{"schema":"auction-instance/1","id":"one-ladder","surplus_cap_ppm":500000,
            "assets":[{"id":"A","decimals":0,"ref_price":"1"},{"id":"B","decimals":0,"ref_price":"1"},{"id":"C","decimals":0,"ref_price":"1"}],
            "intents":[{"id":"a","kind":"exact_in","fill":"fill_or_kill","choose":"one","options":[
            {"sell_asset":"A","sell_amount":"100","buy_asset":"C","buy_amount":"50"}]},
            {"id":"b","kind":"exact_in","fill":"fill_or_kill","choose":"one","options":[
            {"sell_asset":"B","sell_amount":"100","buy_asset":"C","buy_amount":"50"}]}],
            "liquidity":[{"id":"a-b","type":"ladder","asset_in":"A","asset_out":"B","levels":[{"in":"100","out":"100"}]},
            {"id":"b-c","type":"ladder","asset_in":"B","asset_out":"C","levels":[{"in":"100","out":"100"}]}]}"#;
        let (auction, mut both) = selected(text, &["direct"]);
        let alone = |at: usize| {
            let only = AuctionInput { intents: vec![auction.input.intents[at].clone()], ..auction.input.clone() };
            let mut bundle = Direct.solve(&only, &Budget::unlimited()).bundles.remove(0);
            bundle.fills[0].intent = IntentIndex::from_at(at);
            bundle
        };
        both.bundles = vec![alone(0), alone(1)];
        both.solutions = both.bundles.iter().map(|bundle| solution(&auction.input, SolverId(1), bundle)).collect();
        both.outcome = cow_select(&both.solutions);
        both.is_delivered = cow_delivered(&auction.input, both.bundles.iter());
        let json = both.to_json(&auction);
        assert_eq!((json["bundles"].as_u64(), json["delivered"].as_u64()), (Some(2), Some(1)), "{json}");
        let direct = &json["strategies"][0];
        assert_eq!((direct["score"].as_str(), direct["reward"].as_str()), (Some("100"), Some("50")), "{json}");
    }

    /// Two pairs, each with a ladder of its own and one intent that may be filled on either: both win.
    #[test]
    fn an_intent_that_two_winners_fill_is_delivered_once() {
        let text = r#"{"schema":"auction-instance/1","id":"one-of","surplus_cap_ppm":500000,
            "assets":[{"id":"A","decimals":0,"ref_price":"1"},{"id":"B","decimals":0,"ref_price":"1"},{"id":"C","decimals":0,"ref_price":"1"}],
            "intents":[{"id":"a","kind":"exact_in","fill":"fill_or_kill","choose":"one","options":[
            {"sell_asset":"A","sell_amount":"100","buy_asset":"B","buy_amount":"50"},
            {"sell_asset":"A","sell_amount":"100","buy_asset":"C","buy_amount":"50"}]}],
            "liquidity":[{"id":"a-b","type":"ladder","asset_in":"A","asset_out":"B","levels":[{"in":"100","out":"100"}]},
            {"id":"a-c","type":"ladder","asset_in":"A","asset_out":"C","levels":[{"in":"100","out":"100"}]}]}"#;
        let (auction, mut both) = selected(text, &["direct"]);
        let through = |option: u16| {
            let mut only = auction.input.clone();
            only.intents[0].options = vec![auction.input.intents[0].options[usize::from(option)]];
            let mut bundle = Direct.solve(&only, &Budget::unlimited()).bundles.remove(0);
            bundle.fills[0].option = option;
            verify(&auction.input, &bundle).expect("valid alone");
            bundle
        };
        both.bundles = vec![through(0), through(1)];
        both.solutions = both.bundles.iter().map(|bundle| solution(&auction.input, SolverId(1), bundle)).collect();
        both.outcome = cow_select(&both.solutions);
        both.is_delivered = cow_delivered(&auction.input, both.bundles.iter());
        let json = both.to_json(&auction);
        assert_eq!((json["bundles"].as_u64(), json["delivered"].as_u64()), (Some(2), Some(1)), "{json}");
        assert_eq!(both.delivered().flat_map(|bundle| &bundle.fills).count(), 1, "a solution's file has it once");
    }
}
