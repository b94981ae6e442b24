//! Pools of many coins and concentrated ones in a cell: opened, used by auctions, settled, used again.

use clearlane_core::command::{Action, DefineVenue, Role};
use clearlane_core::lanes::Sequential;
use clearlane_core::ledger::{AccountKey, Owner};
use clearlane_core::money::Atoms;
use clearlane_core::refusal::Reason;
use clearlane_core::root;
use clearlane_core::venue::{Concentrated, Direction, Stable, Terms, Weighted, sqrt_price_at};
use clearlane_tests::desk::{Desk, exact_in, exact_out, name};

const COINS: [&str; 3] = ["EUR", "USD", "CHF"];

fn cell() -> Desk {
    let mut desk = Desk::stocked();
    desk.asset("CHF", 2, "1.05");
    for party in ["alice", "bob"] {
        desk.deposit(party, "CHF", 100_000);
    }
    desk
}

fn concentrated() -> Concentrated {
    // At tick 1,000 a euro is worth 1.105 dollars.
    let ticks = [(-2_000, 4_000_000), (900, 90_000_000), (1_100, -90_000_000), (3_000, -4_000_000)];
    Concentrated::new(500, sqrt_price_at(1_000).expect("a tick"), &ticks).expect("a pool")
}

/// What a venue holds as reserves or earned as fees, per coin.
fn accounts(desk: &Desk, venue: &str, owner: fn(clearlane_core::names::VenueIndex) -> Owner) -> Vec<Atoms> {
    let index = desk.state.venue(&name(venue)).expect("a venue");
    let (_, row) = desk.state.venues.iter().nth(index.at()).expect("a venue");
    let posted = row.coins.iter().map(|(asset, module)| {
        let key = AccountKey { owner: owner(index), asset: *asset, module: *module };
        let account = desk.state.ledger.find(key).and_then(|index| desk.state.ledger.account(index));
        account.map_or(0, |account| account.posted)
    });
    posted.collect()
}

/// Everybody sells some of everything, each below its worth.
fn round(desk: &mut Desk) {
    for (party, give, get, least) in [
        ("alice", ("EUR", 5_000), "USD", 5_000),
        ("bob", ("USD", 6_000), "CHF", 4_600),
        ("alice", ("CHF", 3_000), "EUR", 2_800),
        ("bob", ("EUR", 700), "CHF", 600),
    ] {
        let id = desk.next_id();
        desk.submit(party, exact_in(id, give, (get, least))).expect("booked");
    }
    let id = desk.next_id();
    desk.submit("alice", exact_out(id, ("USD", 1_300), ("EUR", 1_000))).expect("booked");
    desk.open_auction();
    let input = desk.state.auction.as_ref().expect("an auction").input.clone();
    for venue in &input.venues {
        let is_offered = |direction: &Direction| venue.terms.best_rate(&venue.opening, *direction).is_some();
        assert!(venue.directions().all(|direction| is_offered(&direction)), "{}", venue.name);
    }
    desk.settle_auction(Vec::new());
}

fn uses_venue_again_and_again(venue: &str, terms: Terms, open: impl FnOnce(&mut Desk, Terms)) -> Desk {
    let mut desk = cell();
    open(&mut desk, terms);
    for _ in 0..4 {
        let before = accounts(&desk, venue, Owner::Inventory);
        round(&mut desk);
        assert_ne!(accounts(&desk, venue, Owner::Inventory), before, "{venue} is used");
    }
    assert_eq!(root::of(&desk.replay(&Sequential)), root::of(&desk.state));
    desk
}

#[test]
fn pools_of_three_coins_serve_every_pair_and_keep_their_fees() {
    let weighted = Terms::Weighted(Weighted { fee_ppm: 3_000, weights: [3_333, 3_334, 3_333].into() });
    let inventory = [1_000_000, 1_111_111, 952_381];
    let scale = [1_000, 900, 1_050];
    let scaled: Vec<Atoms> = inventory.iter().zip(scale).map(|(amount, scale)| amount * scale).collect();
    let d = Stable::invariant(600, &scaled).expect("in range");
    let stable = Terms::Stable(Stable { fee_ppm: 3_000, ann: 600, d, scale: scale.into() });
    for terms in [weighted, stable] {
        let desk = uses_venue_again_and_again("pool", terms, |desk, terms| desk.venue("pool", COINS, terms, inventory));
        let fees = accounts(&desk, "pool", Owner::Fees);
        assert!(fees.iter().all(|fee| *fee > 0), "{fees:?}");
    }
}

#[test]
fn a_concentrated_pool_goes_on_from_where_the_last_auction_left_it() {
    let pool = concentrated();
    let inventory = pool.backing().expect("small");
    let desk = uses_venue_again_and_again("ticks", Terms::Concentrated(pool.clone()), |desk, terms| {
        desk.venue("ticks", ["EUR", "USD"], terms, inventory);
    });
    let (_, row) = desk.state.venues.iter().next().expect("a venue");
    let Terms::Concentrated(after) = &row.terms else { panic!("concentrated") };
    assert_ne!(after.sqrt_price(), pool.sqrt_price());
    assert_eq!(after.ticks(), pool.ticks());
    let held = accounts(&desk, "ticks", Owner::Inventory);
    let least = after.backing().expect("small");
    assert!(held.iter().zip(least).all(|(held, least)| *held >= least), "{held:?} {least:?}");
    assert!(accounts(&desk, "ticks", Owner::Fees).iter().all(|fee| *fee > 0));
}

#[test]
fn a_concentrated_pool_needs_what_its_ticks_may_give() {
    let mut desk = cell();
    let pool = concentrated();
    let [first, second] = pool.backing().expect("small");
    let modules = vec![name("bank"); 2];
    let assets = vec![name("EUR"), name("USD")];
    for (inventory, at) in [([first - 1, second], 0), ([first, second - 1], 1)] {
        let terms = Terms::Concentrated(pool.clone());
        let (assets, modules, inventory) = (assets.clone(), modules.clone(), inventory.to_vec());
        let venue = DefineVenue { name: name("ticks"), assets, modules, terms, inventory };
        let refusal = desk.ask("admin", Role::Admin, Action::DefineVenue(Box::new(venue))).expect_err("too little");
        assert_eq!(refusal.reason, Reason::OutOfRange);
        assert!(refusal.field.ends_with(&format!("inventory[{at}]")), "{refusal}");
    }
}
