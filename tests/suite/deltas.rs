//! Auctions told by what changed: whatever happens between two auctions, the delta against the first gives the second,
//! byte for byte, and nothing but the second.

use clearlane_core::auction::{AuctionInput, with_floors};
use clearlane_core::names::{CommandId, IntentIndex, Name};
use clearlane_core::refusal::Reason;
use clearlane_core::venue::{ConstantProduct, Terms};
use clearlane_proto::{auction, delta, wire};
use clearlane_tests::desk::{Desk, exact_in, exact_out};
use clearlane_tests::markets;
use clearlane_tests::random::Random;
use prost::Message as _;

const PARTIES: [&str; 3] = ["alice", "bob", "carol"];
const ASSETS: [&str; 3] = ["EUR", "USD", "JPY"];
/// How long a strategy-free auction's open state is driven on: far more than a day of edits of each kind.
const AUCTIONS: usize = 12;

/// An intent's party and id.
type Id = (Name, CommandId);

/// What a solver holds that was told everything.
fn snapshot(input: &AuctionInput) -> AuctionInput {
    auction::input_to_core(&auction::input_to_wire(input)).expect("what is told can be read")
}

fn bytes(input: &AuctionInput) -> Vec<u8> {
    auction::input_to_wire(input).encode_to_vec()
}

/// Applies what is told between two inputs as it arrives, and checks that the second comes out.
fn check(base: &AuctionInput, next: &AuctionInput, hint: &str) -> wire::AuctionDelta {
    let sent = delta::between(base, next).encode_to_vec();
    let heard = wire::AuctionDelta::decode(sent.as_slice()).expect("a delta");
    let found = delta::applied(&snapshot(base), &heard).unwrap_or_else(|refusal| panic!("{hint}: {refusal}"));
    assert_eq!(found, snapshot(next), "{hint}");
    assert_eq!(bytes(&found), bytes(next), "{hint}");
    check_changes(base, next, &heard, hint);
    heard
}

/// What was added, changed and removed is what a comparison by party and id tells, wherever ids are told apart.
fn check_changes(base: &AuctionInput, next: &AuctionInput, heard: &wire::AuctionDelta, hint: &str) {
    let ids = |input: &AuctionInput| {
        input.intents.iter().map(|intent| (intent.party.clone(), intent.id)).collect::<Vec<Id>>()
    };
    let (before, now) = (ids(base), ids(next));
    let is_one = |ids: &[Id]| (1..ids.len()).all(|at| !ids[..at].contains(&ids[at]));
    if !is_one(&before) || !is_one(&now) {
        return;
    }
    let changes = delta::changes(base, heard).expect("a delta that applies");
    let missing = |here: &[Id], there: &[Id]| {
        let places =
            here.iter().enumerate().filter(|(_, id)| !there.contains(id)).map(|(at, _)| IntentIndex::from_at(at));
        places.collect::<Vec<_>>()
    };
    assert_eq!(changes.intents_added, missing(&now, &before), "{hint}");
    assert_eq!(changes.intents_removed, missing(&before, &now), "{hint}");
}

fn desk() -> Desk {
    let mut desk = Desk::stocked();
    desk.asset("JPY", 0, "0.006");
    desk.party("carol");
    for party in PARTIES {
        desk.deposit(party, "JPY", 1_000_000);
    }
    desk.deposit("carol", "EUR", 50_000);
    desk.deposit("carol", "USD", 50_000);
    let product = |fee_ppm| Terms::ConstantProduct(ConstantProduct { fee_ppm });
    desk.venue("euros", ["EUR", "USD"], product(300), [900_000, 1_000_000]);
    desk.venue("yen", ["EUR", "JPY"], product(3_000), [600_000, 1_000_000]);
    desk
}

/// One thing that somebody does between two auctions.
fn happen(desk: &mut Desk, random: &mut Random) {
    let (party, give) = (random.pick(&PARTIES), random.pick(&ASSETS));
    let get = random.pick(&ASSETS);
    match random.below(10) {
        0 => desk.deposit(party, give, u128::from(1 + random.below(5_000))),
        1 => desk.price("USD", random.pick(&["0.9", "0.91", "0.89"])),
        2 => {
            let name = format!("venue-{}", desk.state.venues.len());
            desk.venue(&name, ["USD", "JPY"], Terms::ConstantProduct(ConstantProduct { fee_ppm: 1 }), [5_000, 700_000]);
        }
        3 => {
            let booked = desk.state.book.iter().map(|(key, _)| *key).collect::<Vec<_>>();
            if let Some(key) = random.pick_of(&booked) {
                let owner = desk.state.parties.name(key.party.at()).expect("a party").to_string();
                desk.cancel(&owner, key.id).expect("a booked intent");
            }
        }
        _ if give == get => {}
        kind => {
            let (id, size) = (desk.next_id(), u128::from(100 + random.below(3_000)));
            let intent = if kind > 4 {
                exact_in(id, (give, size), (get, size))
            } else {
                exact_out(id, (give, size), (get, size / 2))
            };
            // Some are refused, for limits that can't be kept.
            let _ = desk.submit(party, intent);
        }
    }
}

/// Opens an auction and hands out what solvers are told of it; none if nothing is on offer.
fn opened(desk: &mut Desk) -> AuctionInput {
    desk.open_auction();
    with_floors(&desk.state.auction.as_ref().expect("an auction").input)
}

#[test]
fn a_day_told_by_deltas_is_the_day_told_by_snapshots() {
    let (mut shorter, mut told) = (0, 0);
    for seed in 0..8 {
        let mut random = Random::new(seed);
        let mut desk = desk();
        let mut inputs: Vec<AuctionInput> = Vec::new();
        for _ in 0..AUCTIONS {
            for _ in 0..random.below(12) {
                happen(&mut desk, &mut random);
            }
            let next = opened(&mut desk);
            // Against the last, as a rule, and against an older one after a pause.
            for base in inputs.iter().rev().take(1).chain(inputs.iter().take(1)) {
                let heard = check(base, &next, &format!("seed {seed}, auction {}", next.auction.0));
                (shorter, told) = (shorter + usize::from(heard.encoded_len() < bytes(&next).len()), told + 1);
            }
            inputs.push(next);
            desk.settle_auction(Vec::new());
        }
    }
    assert!(told > 100 && shorter * 2 > told, "{shorter} of {told} deltas are shorter");
}

/// Adds, drops, repeats and moves rows at random; whatever row names what is gone goes with it.
fn edited(base: &AuctionInput, random: &mut Random) -> AuctionInput {
    let mut next = base.clone();
    next.auction.0 += 1;
    let other = markets::auction(random);
    for _ in 0..1 + random.below(6) {
        let (intents, venues) = (next.intents.len(), next.venues.len());
        let at = |random: &mut Random, count: usize| {
            usize::try_from(random.below(u32::try_from(count).expect("few"))).expect("few")
        };
        match random.below(8) {
            0 if intents > 0 => drop(next.intents.remove(at(random, intents))),
            1 if venues > 0 => drop(next.venues.remove(at(random, venues))),
            2 if intents > 0 => {
                let row = next.intents[at(random, intents)].clone();
                next.intents.insert(at(random, intents), row);
            }
            3 if intents > 1 => next.intents.swap(at(random, intents), at(random, intents)),
            4 if venues > 1 => next.venues.swap(at(random, venues), at(random, venues)),
            5 if intents > 0 => next.intents[at(random, intents)].remaining ^= 1,
            6 => next.reserves.iter_mut().filter(|_| random.below(2) == 0).for_each(|row| row.amount ^= 2),
            _ if next.denominations.len() >= other.denominations.len() => {
                // Whole tables of another market over the same places, its names as they are there.
                next.reserves = other.reserves.clone();
                next.intents = other.intents.clone();
                next.venues = other.venues.clone();
            }
            _ => {}
        }
    }
    next
}

#[test]
fn tables_edited_at_random_come_out_as_they_are() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let base = markets::auction(&mut random);
        let next = with_floors(&edited(&with_floors(&base), &mut random));
        check(&base, &next, &format!("seed {seed}"));
        check(&next, &AuctionInput { auction: base.auction, ..base }, &format!("seed {seed}, back"));
    }
}

/// A delta with one number of it changed.
fn damaged(told: &wire::AuctionDelta, random: &mut Random) -> wire::AuctionDelta {
    let mut damaged = told.clone();
    let tables = [&mut damaged.denominations, &mut damaged.reserves, &mut damaged.intents, &mut damaged.venues];
    let wrong = random.pick(&[0, 1, 2, 7, 1 << 20, u32::MAX]);
    let mut numbers: Vec<&mut u32> = Vec::new();
    for places in tables {
        let places = places.get_or_insert_default();
        numbers.extend(places.runs.iter_mut().flat_map(|run| [&mut run.first, &mut run.kept, &mut run.added]));
        numbers.extend(places.changed.iter_mut());
    }
    numbers.extend(damaged.floors.iter_mut().map(|floor| &mut floor.intent));
    let count = u32::try_from(numbers.len()).expect("few");
    if let Some(number) = numbers.into_iter().nth(usize::try_from(random.below(count.max(1))).expect("few")) {
        *number = wrong;
    }
    damaged
}

#[test]
fn a_damaged_delta_is_refused_or_gives_what_was_told() {
    let (mut refused, mut random) = (0, Random::new(7));
    for _ in 0..400 {
        let base = with_floors(&markets::auction(&mut random));
        let next = edited(&base, &mut random);
        let damaged = damaged(&delta::between(&base, &next), &mut random);
        match delta::applied(&snapshot(&base), &damaged) {
            Ok(found) => assert_eq!(found, snapshot(&next)),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 200, "{refused} of 400 were noticed");
    let (base, next) = (markets::auction(&mut random), markets::auction(&mut random));
    let told = delta::between(&base, &next);
    let other = wire::AuctionDelta { base: told.base + 1, ..told.clone() };
    let forged = wire::AuctionDelta { digest: vec![0; 32], ..told };
    for (told, field) in [(other, "delta.base"), (forged, "delta.digest")] {
        let refusal = delta::applied(&snapshot(&base), &told).expect_err("another input");
        assert_eq!((refusal.reason, refusal.field.as_str()), (Reason::WrongAuction, field));
    }
}

/// Five hundred intents stay from one auction to the next, twenty go and twenty come, and one pool was traded with.
#[test]
fn a_typical_next_auction_is_told_in_a_fraction_of_its_snapshot() {
    let mut desk = desk();
    let mut random = Random::new(1);
    let mut book = |desk: &mut Desk, count: usize| {
        for _ in 0..count {
            let party = random.pick(&PARTIES);
            let (give, get) = random.pick(&[("EUR", "USD"), ("USD", "JPY"), ("JPY", "EUR")]);
            let (id, size) = (desk.next_id(), u128::from(100 + random.below(900)));
            // Nobody sells at this limit, so that what is on offer stays there.
            desk.submit(party, exact_in(id, (give, size), (get, size * 200))).expect("booked");
        }
    };
    book(&mut desk, 500);
    let before = opened(&mut desk);
    desk.settle_auction(Vec::new());
    let gone: Vec<_> = desk.state.book.iter().map(|(key, _)| *key).step_by(25).collect();
    for key in gone {
        let owner = desk.state.parties.name(key.party.at()).expect("a party").to_string();
        desk.cancel(&owner, key.id).expect("a booked intent");
    }
    book(&mut desk, 20);
    let next = opened(&mut desk);
    let told = check(&before, &next, "the next auction");
    let (delta, whole) = (told.encoded_len(), bytes(&next).len());
    println!("{delta} bytes instead of {whole}");
    let changes = delta::changes(&before, &told).expect("a delta that applies");
    let found = [changes.intents_added.len(), changes.intents_changed.len(), changes.intents_removed.len()];
    assert_eq!((next.intents.len(), found), (500, [20, 0, 20]));
    assert!(delta * 15 < whole, "{delta} bytes instead of {whole}");
}
