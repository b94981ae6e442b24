//! Clearing in lanes: random auctions of every kind of venue and intent clear alike by every method, and an executor
//! that breaks the order is noticed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use clearlane_core::auction::{AuctionInput, Bundle, RuleSet, Solution, VenueUse, Verdict, clear};
use clearlane_core::hash::Hash;
use clearlane_core::intent::FillRule;
use clearlane_core::lanes::{Batch, Executor, Job, Plan, Resource, Sequential};
use clearlane_core::names::{AuctionId, IntentIndex, SolverId, VenueIndex};
use clearlane_core::pending::PendingAuction;
use clearlane_core::venue::{ConstantProduct, Direction, Ladder, Level, PerCoin, Rail, Stable, Terms, Weighted};
use clearlane_engine::clearings::Clearings;
use clearlane_engine::executor::{CostModel, Method, Workers};
use clearlane_tests::desk::{Desk, exact_in, exact_out};
use clearlane_tests::random::Random;

use super::bundles::{every_way, fill};

const INTENTS: u32 = 40;
const BUNDLES: u32 = 160;

fn venues() -> [(&'static str, Terms); 5] {
    let level = |amount_in, amount_out| Level { amount_in, amount_out };
    let weights = PerCoin::from_slice(&[2, 1]).expect("two");
    let scale = PerCoin::from_slice(&[1, 1]).expect("two");
    let rail = Rail { fixed_fee: 3, fee_ppm: 500, rate_num: 1, rate_den: 1, min_in: 10, max_in: 20_000, uses_max: 6 };
    [
        ("product", Terms::ConstantProduct(ConstantProduct { fee_ppm: 300 })),
        ("weighted", Terms::Weighted(Weighted { fee_ppm: 1_000, weights })),
        ("stable", Terms::Stable(Stable { fee_ppm: 100, ann: 400, d: 200_000, scale })),
        ("ladder", Terms::Ladder(Ladder { levels: vec![level(20_000, 20_000), level(40_000, 38_000)] })),
        ("rail", Terms::Rail(rail)),
    ]
}

/// Intents of two parties both ways, some to be filled whole, some with what they get fixed; every other reserve is
/// scarce and holds less than they claim of it.
fn auction(random: &mut Random) -> AuctionInput {
    let mut desk = Desk::stocked();
    for (name, terms) in venues() {
        desk.venue(name, ["EUR", "USD"], terms, [100_000, 100_000]);
    }
    for _ in 0..INTENTS {
        let (party, give, get) = random.pick(&[("alice", "EUR", "USD"), ("bob", "USD", "EUR")]);
        let (id, size) = (desk.next_id(), u128::from(500 + random.below(4_000)));
        let mut intent = match random.below(3) {
            0 => exact_out(id, (give, size * 3), (get, size)),
            _ => exact_in(id, (give, size), (get, size / 3)),
        };
        if random.below(4) == 0 {
            intent.fill = FillRule::AllOrNothing;
        }
        desk.submit(party, intent).expect("booked");
    }
    desk.open_auction();
    let input = desk.state.auction.as_ref().expect("an auction").input.clone();
    let mut input = AuctionInput { rules: RuleSet::Plain, ..(*input).clone() };
    for reserve in input.reserves.iter_mut().filter(|_| random.below(2) == 0) {
        (reserve.is_scarce, reserve.amount) = (true, 15_000);
    }
    input
}

/// A bundle of one intent and one venue: the whole intent or a part, for what the venue gives at the open or less.
fn bundle(input: &AuctionInput, random: &mut Random) -> Option<Bundle> {
    let (intent, venue) = (IntentIndex(random.below(INTENTS)), VenueIndex(random.below(5)));
    let (found, source) = (input.intents.get(intent.at())?, input.venues.get(venue.at())?);
    let option = found.options.first()?;
    let is_forward = input.denominations[option.give.at()].asset.as_str() == "EUR";
    let direction = if is_forward { Direction::FORWARD } else { Direction::BACKWARD };
    let mut part =
        |whole: u128| if found.is_all_or_nothing { whole } else { whole.min(50 + u128::from(random.below(1_500))) };
    let whole = found.fixed_of(option.give_amount, option.get_amount);
    let (sold, bought) = if found.fixed_of(1, 2) == 1 {
        let sold = part(whole);
        (sold, source.terms.out_for(&source.opening, direction, sold)?)
    } else {
        let bought = part(whole);
        (source.terms.in_for(&source.opening, direction, bought)?, bought)
    };
    let used = VenueUse { venue, direction, amount_in: sold, amount_out: bought };
    Some(Bundle { fills: vec![fill(intent, sold, bought)], uses: vec![used] })
}

fn solutions(input: &AuctionInput, random: &mut Random) -> Vec<Solution> {
    let solver = |solver| {
        let bundles = (0..BUNDLES / 4).filter_map(|_| bundle(input, random)).collect();
        Solution { solver: SolverId(solver), auction: AuctionId(1), bundles, prices: None }
    };
    (1..=4).map(solver).collect()
}

#[test]
fn random_auctions_clear_alike_by_every_method_at_any_number_of_lanes() {
    let (mut won, mut lost) = ([0; 5], [0; 3]);
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let input = auction(&mut random);
        let solutions = solutions(&input, &mut random);
        let clearing = clear(&input, &solutions, &Sequential);
        for used in
            clearing.executed.iter().filter(|one| one.solver != SolverId::FLOOR).flat_map(|one| &one.bundle.uses)
        {
            won[used.venue.at()] += 1;
        }
        for verdict in clearing.verdicts.iter().flat_map(|of| &of.verdicts) {
            if let Verdict::Lost(loss) = verdict {
                let kind = match loss.on {
                    Resource::Intent(_) => 0,
                    Resource::Venue(_) => 1,
                    Resource::Reserve(_) | Resource::Fact(_) | Resource::Other(_) => 2,
                };
                lost[kind] += 1;
            }
        }
        for workers in every_way() {
            assert_eq!(clear(&input, &solutions, &workers), clearing, "seed {seed}, {workers:?}");
        }
    }
    assert!(won.iter().all(|won| *won > 0), "bundles won on each kind of venue: {won:?}");
    assert!(lost.iter().all(|lost| *lost > 0), "bundles lost intents, venues and reserves: {lost:?}");
}

#[test]
fn a_clearing_says_how_its_bundles_were_run() {
    let mut random = Random::new(2);
    let input = auction(&mut random);
    let solutions = solutions(&input, &mut random);
    let pending = PendingAuction {
        input: Arc::new(input),
        input_digest: Hash::default(),
        is_open: false,
        solutions,
        denominations: Vec::new(),
        reserves: Vec::new(),
        intents: Vec::new(),
        venues: Vec::new(),
    };
    let (clearings, expected) = (Clearings::default(), clear(&pending.input, &pending.solutions, &Sequential));
    for method in [Method::Tickets, Method::ReadyQueue] {
        assert_eq!(clearings.clear(&pending, &Workers::new(2).always(method)).as_ref(), Some(&expected));
        let (auction, choice) = clearings.seen().last.expect("bundles ran");
        assert_eq!((auction, choice.method), (AuctionId(1), method));
    }
    let costly = CostModel { spawn: u64::MAX, ..CostModel::TYPICAL };
    assert_eq!(clearings.clear(&pending, &Workers::with_model(2, costly)).as_ref(), Some(&expected));
    let (_, choice) = clearings.seen().last.expect("bundles ran");
    assert!(choice.to_string().starts_with("sequential: ") && choice.to_string().contains("; expected sequential"));
    assert_eq!(clearings.seen().panicked, 0);
}

/// An executor that runs bundles backwards, or leaves some out.
struct Broken {
    is_backwards: bool,
    leaves_out: Option<usize>,
}

impl Executor for Broken {
    fn lanes(&self) -> usize {
        1
    }

    fn run(&self, count: usize, nanos: u64, task: &(dyn Fn(usize) + Sync)) {
        Sequential.run(count, nanos, task);
    }

    fn run_batch(&self, batch: &Batch, _costs: &[u64], task: &(dyn Fn(usize) + Sync)) -> Option<Plan> {
        let all = (0..batch.len()).filter(|at| Some(*at) != self.leaves_out);
        if self.is_backwards {
            all.rev().for_each(task)
        } else {
            all.for_each(task)
        }
        None
    }

    fn run_jobs(&self, nanos: u64, jobs: Vec<Job<'_>>) {
        Sequential.run_jobs(nanos, jobs);
    }
}

#[test]
fn an_executor_that_breaks_the_order_is_noticed() {
    let mut random = Random::new(1);
    let input = auction(&mut random);
    let solutions = solutions(&input, &mut random);
    let cleared = |executor: &Broken| catch_unwind(AssertUnwindSafe(|| clear(&input, &solutions, executor)));
    assert!(cleared(&Broken { is_backwards: false, leaves_out: None }).is_ok());
    let last = solutions.iter().map(|solution| solution.bundles.len()).sum::<usize>();
    for broken in [
        Broken { is_backwards: true, leaves_out: None },
        Broken { is_backwards: false, leaves_out: Some(0) },
        Broken { is_backwards: false, leaves_out: Some(last / 3) },
    ] {
        let payload = cleared(&broken).expect_err("a wrong order is no result");
        let message = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
        assert!(message.is_some_and(|message| message.contains("the executor runs every bundle")), "{message:?}");
    }
}
