//! Selection beyond best score first, against trying every set.

use clearlane_core::auction::{
    AuctionInput, Bundle, Clearing, Fill, RuleSet, Solution, VenueUse, Verdict, clear, score_bundle, verify,
};
use clearlane_core::lanes::{Resource, Sequential};
use clearlane_core::money::Score;
use clearlane_core::names::{AuctionId, IntentIndex, SolverId, VenueIndex};
use clearlane_core::refusal::Reason;
use clearlane_core::venue::{ConstantProduct, Direction, Terms};
use clearlane_engine::executor::Workers;
use clearlane_tests::desk::{Desk, exact_in};
use clearlane_tests::random::Random;

const POOL: Terms = Terms::ConstantProduct(ConstantProduct { fee_ppm: 0 });

/// `count` intents of 100.00 EUR for at least 70.00 USD and as many the other way, in parts, and a small pool.
fn auction(count: usize, reserve: u128) -> AuctionInput {
    let mut desk = Desk::stocked();
    if reserve > 0 {
        desk.venue("pool", ["EUR", "USD"], POOL, [reserve, reserve]);
    }
    for (party, give, get) in [("alice", "EUR", "USD"), ("bob", "USD", "EUR")] {
        for _ in 0..count {
            let id = desk.next_id();
            desk.submit(party, exact_in(id, (give, 10_000), (get, 7_000))).expect("booked");
        }
    }
    desk.open_auction();
    let input = desk.state.auction.as_ref().expect("an auction").input.clone();
    AuctionInput { rules: RuleSet::Plain, ..(*input).clone() }
}

fn gives_eur(input: &AuctionInput, intent: usize) -> bool {
    let option = input.intents[intent].options[0];
    input.denominations[option.give.at()].asset.as_str() == "EUR"
}

/// A bundle of one or two intents: matched with each other, or against the pool.
fn random_bundle(input: &AuctionInput, random: &mut Random) -> Option<Bundle> {
    let count = u32::try_from(input.intents.len()).expect("few");
    let (one, other) = (random.below(count), random.below(count));
    let at = |intent: u32| usize::try_from(intent).expect("small");
    let sold = 3_000 + 250 * u128::from(random.below(29));
    let fill = |intent, bought| Fill { intent: IntentIndex(intent), option: 0, sold, bought };
    if random.below(2) == 0 && !input.venues.is_empty() {
        let bought = sold * u128::from(70 + random.below(30)) / 100;
        let direction = if gives_eur(input, at(one)) { Direction::FORWARD } else { Direction::BACKWARD };
        let used = VenueUse { venue: VenueIndex(0), direction, amount_in: sold, amount_out: bought };
        return Some(Bundle { fills: vec![fill(one, bought)], uses: vec![used] });
    }
    let is_matched = gives_eur(input, at(one)) != gives_eur(input, at(other));
    is_matched.then(|| Bundle { fills: vec![fill(one, sold), fill(other, sold)], uses: vec![] })
}

/// Valid bundles of distinct scores by three solvers, best first.
fn random_bundles(input: &AuctionInput, random: &mut Random, count: usize) -> Vec<(Score, Bundle)> {
    let mut bundles: Vec<(Score, Bundle)> = Vec::new();
    for _ in 0..20 * count {
        let found = random_bundle(input, random).filter(|bundle| verify(input, bundle).is_ok());
        let found = found.map(|bundle| (score_bundle(input, &bundle), bundle));
        bundles.extend(found.filter(|(score, _)| bundles.iter().all(|(other, _)| other != score)));
        if bundles.len() == count {
            break;
        }
    }
    bundles.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    bundles
}

fn solutions(bundles: &[(Score, Bundle)]) -> Vec<Solution> {
    let of = |solver: u32| {
        let own = (0..).zip(bundles).filter(move |(at, _): &(u32, _)| at % 3 + 1 == solver);
        own.map(|(_, (_, bundle))| bundle.clone()).collect()
    };
    (1..=3)
        .map(|solver| Solution { solver: SolverId(solver), auction: AuctionId(1), bundles: of(solver), prices: None })
        .collect()
}

/// Whether these bundles execute in this order: no intent beyond its remainder, no use beyond the pool's rule.
fn executes<'a>(input: &AuctionInput, bundles: impl Iterator<Item = &'a Bundle>) -> bool {
    let mut left: Vec<u128> = input.intents.iter().map(|intent| intent.remaining).collect();
    let mut states: Vec<_> = input.venues.iter().map(|venue| venue.opening).collect();
    for bundle in bundles {
        for fill in &bundle.fills {
            let left = &mut left[fill.intent.at()];
            let Some(rest) = left.checked_sub(fill.sold) else { return false };
            *left = rest;
        }
        for used in &bundle.uses {
            let state = &mut states[used.venue.at()];
            let terms = &input.venues[used.venue.at()].terms;
            let Ok(after) = terms.take(state, used.direction, used.amount_in, used.amount_out) else { return false };
            *state = after;
        }
    }
    true
}

fn best_of_all(input: &AuctionInput, bundles: &[(Score, Bundle)]) -> Score {
    let sets = (0_u32..1 << bundles.len()).map(|set| {
        let chosen = || (0..).zip(bundles).filter(move |(at, _): &(u32, _)| set >> at & 1 == 1).map(|(_, one)| one);
        let is_feasible = executes(input, chosen().map(|(_, bundle)| bundle));
        if is_feasible { chosen().map(|(score, _)| score).sum() } else { 0 }
    });
    sets.max().unwrap_or(0)
}

fn by_solvers(clearing: &Clearing) -> Score {
    let executed = clearing.executed.iter().filter(|executed| executed.solver != SolverId::FLOOR);
    executed.map(|executed| executed.score).sum()
}

#[test]
fn the_best_of_all_sets_is_selected_or_the_gap_says_by_how_much_it_is_missed() {
    let mut gains = 0;
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let input = auction(3, [0, 20_000, 60_000][usize::try_from(seed % 3).expect("small")]);
        let bundles = random_bundles(&input, &mut random, 10);
        let clearing = clear(&input, &solutions(&bundles), &Sequential);
        let best = best_of_all(&input, &bundles);
        if !clearing.is_floor_alone {
            assert_eq!(by_solvers(&clearing) + clearing.selection_gap, best, "seed {seed}");
        }
        let executed = clearing.executed.iter().map(|executed| &executed.bundle);
        assert!(executes(&input, executed), "seed {seed}");
        let mut swept: Vec<&Bundle> = Vec::new();
        for (_, bundle) in &bundles {
            if executes(&input, swept.iter().copied().chain([bundle])) {
                swept.push(bundle);
            }
        }
        let swept: Score = swept.iter().map(|bundle| score_bundle(&input, bundle)).sum();
        gains += usize::from(by_solvers(&clearing) > swept);
    }
    assert!(gains >= 5, "best score first is beaten in {gains} of 40 cases");
}

#[test]
fn a_bundle_that_gives_way_to_others_is_told_to_whom() {
    let input = auction(2, 0);
    let of = |is_eur: bool| (0..4).filter(move |intent| gives_eur(&auction(2, 0), *intent) == is_eur);
    let (eur, usd): (Vec<usize>, Vec<usize>) = (of(true).collect(), of(false).collect());
    let fill = |intent: usize, sold, bought| Fill { intent: IntentIndex::from_at(intent), option: 0, sold, bought };
    let pair = |one, other, amount| Bundle {
        fills: vec![fill(one, amount, amount), fill(other, amount, amount)],
        uses: vec![],
    };
    let greedy = pair(eur[0], usd[0], 10_000);
    let (first, second) = (pair(eur[0], usd[1], 9_000), pair(eur[1], usd[0], 9_000));
    let solution =
        |solver, bundles| Solution { solver: SolverId(solver), auction: AuctionId(1), bundles, prices: None };
    let solutions = [solution(1, vec![greedy]), solution(2, vec![first, second])];
    let clearing = clear(&input, &solutions, &Sequential);
    let [mine, theirs] = clearing.verdicts.as_slice() else { panic!("{:?}", clearing.verdicts) };
    assert!(theirs.verdicts.iter().all(|verdict| matches!(verdict, Verdict::Won(_))), "{theirs:?}");
    let [Verdict::Lost(loss)] = mine.verdicts.as_slice() else { panic!("{mine:?}") };
    assert_eq!(loss.refusal.reason, Reason::WorthLess);
    let (to, number, score) = loss.to.expect("the bundle that it excludes");
    assert_eq!(to, SolverId(2));
    assert!(loss.score > score, "alone it is worth more than bundle {number}");
    assert!(matches!(loss.on, Resource::Intent(_)), "{:?}", loss.on);
    assert_eq!(clearing.selection_gap, 0);
}

#[test]
fn selection_is_alike_at_any_number_of_lanes() {
    let input = auction(5, 200_000);
    for seed in 0..2 {
        let bundles = random_bundles(&input, &mut Random::new(seed), 60);
        let expected = clear(&input, &solutions(&bundles), &Sequential);
        for lanes in [1, 8] {
            assert_eq!(clear(&input, &solutions(&bundles), &Workers::new(lanes)), expected, "seed {seed}");
        }
    }
}
