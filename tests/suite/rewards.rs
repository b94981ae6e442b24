//! Rewards by contribution, and what a bidder gains by bidding under two names.
//!
//! `CLEARLANE_CASES` sets how many random auctions are tried; hundreds by default.

use clearlane_core::auction::{Bundle, Clearing, Earned, Fill, Solution, clear, rewards, score_bundle};
use clearlane_core::lanes::Sequential;
use clearlane_core::money::Score;
use clearlane_core::names::{AuctionId, IntentIndex, SolverId};
use clearlane_tests::desk::{Desk, exact_in};
use clearlane_tests::random::Random;

/// The share of its own fees that a solver's reward may reach.
const SHARE_PPM: u32 = 500_000;
/// Fees in parts per million of a bundle's score.
const FEES_PPM: [i128; 3] = [0, 20_000, 300_000];

fn solution(solver: u32, bundles: Vec<Bundle>) -> Solution {
    Solution { solver: SolverId(solver), auction: AuctionId(1), bundles, prices: None }
}

/// What each solver is due, and the fees that its winning bundles paid.
fn due(clearing: &Clearing, fee_ppm: i128) -> Vec<(SolverId, Score, Score)> {
    let fees = |solver: SolverId| -> Score {
        let won = clearing.executed.iter().filter(|executed| executed.solver == solver);
        won.map(|executed| executed.score * fee_ppm / 1_000_000).sum()
    };
    let earned: Vec<Earned> = clearing
        .verdicts
        .iter()
        .map(|told| Earned { contribution: told.contribution, fees: fees(told.solver) })
        .collect();
    let due = rewards(clearing.score - clearing.floor_score, SHARE_PPM, &earned);
    let told = clearing.verdicts.iter().map(|told| told.solver);
    told.zip(&earned).zip(due).map(|((solver, earned), due)| (solver, due, earned.fees)).collect()
}

#[test]
fn two_names_never_get_more_than_the_cap_on_their_own_fees() {
    let cases: u64 = std::env::var("CLEARLANE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
    let mut desk = Desk::stocked();
    for (party, give, get) in [("alice", "EUR", "USD"), ("bob", "USD", "EUR")] {
        for _ in 0..3 {
            let id = desk.next_id();
            desk.submit(party, exact_in(id, (give, 10_000), (get, 7_000))).expect("booked");
        }
    }
    desk.open_auction();
    let input = desk.state.auction.as_ref().expect("an auction").input.clone();
    let is_eur = |intent: &usize| {
        let option = input.intents[*intent].options[0];
        input.denominations[option.give.at()].asset.as_str() == "EUR"
    };
    let (eur, usd): (Vec<usize>, Vec<usize>) = (0..input.intents.len()).partition(is_eur);
    let (mut gained, mut most_permille) = (0, 0);
    for seed in 0..cases {
        let mut random = Random::new(seed);
        let bundle = |random: &mut Random| {
            let sold = 3_000 + u128::from(random.below(7_000));
            let fill = |intent| Fill { intent: IntentIndex::from_at(intent), option: 0, sold, bought: sold };
            Bundle { fills: vec![fill(random.pick(&eur)), fill(random.pick(&usd))], uses: vec![] }
        };
        let bundles: Vec<Bundle> = (0..7).map(|_| bundle(&mut random)).collect();
        let mut scores: Vec<Score> = bundles.iter().map(|bundle| score_bundle(&input, bundle)).collect();
        scores.sort_unstable();
        scores.dedup();
        if scores.len() < bundles.len() {
            continue;
        }
        let [mine, rest] = [&bundles[..3], &bundles[3..]];
        let others = [solution(3, rest[..2].to_vec()), solution(4, rest[2..].to_vec())];
        let split = usize::try_from(random.below(4)).expect("small");
        let with =
            |own: Vec<Solution>| clear(&input, &own.into_iter().chain(others.clone()).collect::<Vec<_>>(), &Sequential);
        let one = with(vec![solution(1, mine.to_vec())]);
        let two = with(vec![solution(1, mine[..split].to_vec()), solution(2, mine[split..].to_vec())]);
        assert_eq!(one.score, two.score, "seed {seed}: a name changes nothing of what is won");
        for fee_ppm in FEES_PPM {
            let own = |clearing: &Clearing| {
                let own = due(clearing, fee_ppm).into_iter().filter(|(solver, ..)| solver.0 <= 2);
                own.fold((0, 0), |(due, fees), (_, more, paid)| (due + more, fees + paid))
            };
            let ((alone, fees), (apart, fees_apart)) = (own(&one), own(&two));
            assert_eq!(fees, fees_apart, "seed {seed}");
            assert!(apart <= fees * i128::from(SHARE_PPM) / 1_000_000, "seed {seed}: {apart} of {fees} in fees");
            if apart > alone {
                gained += 1;
                most_permille = most_permille.max((apart - alone) * 1_000 / fees);
            }
        }
    }
    println!(
        "{cases} auctions: two names gain in {gained} of {}, at most {most_permille} permille of their fees",
        cases * 3
    );
    assert!(most_permille <= i128::from(SHARE_PPM) / 1_000);
}
