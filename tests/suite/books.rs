//! What accepted commands do to the books.

use clearlane_core::command::{Action, DefineAsset, Role};
use clearlane_core::event::{Accepted, End, Event, IntentChange};
use clearlane_core::intent::FillRule;
use clearlane_core::lanes::Sequential;
use clearlane_core::money::AUCTION_ATOMS_MAX;
use clearlane_core::price::Price;
use clearlane_core::record::{Body, Commands, OpenAuction};
use clearlane_core::root;
use clearlane_core::time::Span;
use clearlane_core::venue::{ConstantProduct, Terms};
use clearlane_tests::desk::{Desk, command, exact_in, exact_out, key, movement, name};

fn ends(events: &[Event]) -> Vec<End> {
    let end = |event: &Event| {
        let Event::Intent(change) = event else { return None };
        let IntentChange::Ended(end) = change.change else { return None };
        Some(end)
    };
    events.iter().filter_map(end).collect()
}

#[test]
fn a_plain_transfer_settles_at_once() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    let mut pay = exact_out(id, ("EUR", 25_000), ("EUR", 25_000));
    pay.payee = Some(name("bob"));
    assert_eq!(desk.submit("alice", pay), Ok(Accepted::Done));
    assert_eq!((desk.balance("alice", "EUR"), desk.balance("bob", "EUR")), ((75_000, 0), (125_000, 0)));
    assert!(desk.state.book.is_empty());
}

#[test]
fn the_same_id_and_bytes_have_one_effect() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    let mut pay = exact_out(id, ("EUR", 100), ("EUR", 100));
    pay.payee = Some(name("bob"));
    for _ in 0..3 {
        assert_eq!(desk.submit("alice", pay.clone()), Ok(Accepted::Done));
    }
    assert_eq!(desk.balance("bob", "EUR"), (100_100, 0));
}

#[test]
fn an_auction_fills_on_a_pool_without_any_solver() {
    let mut desk = Desk::stocked();
    let pool = Terms::ConstantProduct(ConstantProduct { fee_ppm: 3_000 });
    desk.venue("pool", ["EUR", "USD"], pool, [1_000_000, 1_111_111]);
    let id = desk.next_id();
    assert_eq!(desk.submit("alice", exact_in(id, ("EUR", 10_000), ("USD", 10_000))), Ok(Accepted::Booked));
    desk.open_auction();
    assert_eq!(desk.balance("alice", "EUR"), (100_000, 10_000), "the worst need is held");
    let outcome = desk.settle_auction(Vec::new());
    assert_eq!(ends(&outcome.events), [End::Settled]);
    let (euros, dollars) = (desk.balance("alice", "EUR"), desk.balance("alice", "USD"));
    assert_eq!(euros, (90_000, 0));
    assert!(dollars.0 >= 110_000, "found {dollars:?}");
    assert_eq!(root::of(&desk.replay(&Sequential)), root::of(&desk.state));
}

#[test]
fn a_cancel_during_an_auction_acts_at_its_end() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    desk.submit("alice", exact_in(id, ("EUR", 10_000), ("USD", 10_000))).expect("booked");
    desk.open_auction();
    assert_eq!(desk.cancel("alice", id), Ok(Accepted::Queued));
    let outcome = desk.settle_auction(Vec::new());
    assert_eq!(ends(&outcome.events), [End::Cancelled]);
    assert!(desk.state.book.is_empty());
}

#[test]
fn a_late_auction_is_void_and_releases_its_holds() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    desk.submit("alice", exact_in(id, ("EUR", 10_000), ("USD", 10_000))).expect("booked");
    desk.open_auction();
    let outcome = desk.wait(Span::seconds(10));
    assert!(matches!(outcome.events[..], [Event::AuctionVoided(_)]), "{:?}", outcome.events);
    assert_eq!(desk.balance("alice", "EUR"), (100_000, 0));
    assert_eq!(desk.state.book.len(), 1);
}

#[test]
fn intents_expire_after_their_deadline() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    desk.submit("alice", exact_in(id, ("EUR", 10_000), ("USD", 10_000))).expect("booked");
    let outcome = desk.wait(Span::seconds(2 * 3_600));
    assert_eq!(ends(&outcome.events), [End::Expired]);
}

#[test]
fn funds_that_do_not_cover_the_minimum_make_an_intent_wait() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    let mut whole = exact_in(id, ("EUR", 200_000), ("USD", 200_000));
    whole.fill = FillRule::AllOrNothing;
    desk.submit("alice", whole).expect("booked");
    let outcome = desk.open_auction();
    let is_waiting =
        |event: &Event| matches!(event, Event::Intent(change) if matches!(change.change, IntentChange::Waiting(_)));
    assert!(outcome.events.iter().any(is_waiting), "{:?}", outcome.events);
}

#[test]
fn an_auction_sequenced_after_its_close_has_no_effect() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    desk.submit("alice", exact_in(id, ("EUR", 10_000), ("USD", 10_000))).expect("booked");
    let before = desk.books_root();
    let now = desk.state.clock;
    let open = OpenAuction { close_at: now.after(Span(1)), settle_by: now.after(Span(2)) };
    let outcome = desk.record_at(now.after(Span(1)), Body::OpenAuction(open));
    assert!(outcome.events.is_empty() && desk.state.auction.is_none());
    assert_eq!(desk.books_root(), before);
}

#[test]
fn intents_that_lack_funds_do_not_keep_others_out() {
    let mut desk = Desk::stocked();
    desk.state.config.auction_intents_max = 2;
    for _ in 0..10 {
        let mut whole = exact_in(desk.next_id(), ("EUR", 200_000), ("USD", 200_000));
        whole.fill = FillRule::AllOrNothing;
        desk.submit("alice", whole).expect("booked");
    }
    let id = desk.next_id();
    desk.submit("bob", exact_in(id, ("EUR", 100), ("USD", 100))).expect("booked");
    let mut offered = 0;
    for _ in 0..2 {
        desk.open_auction();
        offered += desk.state.auction.as_ref().map_or(0, |pending| pending.input.intents.len());
        desk.wait(Span::seconds(10));
    }
    assert_eq!(offered, 1, "bob's turn comes");
}

#[test]
fn funds_of_intents_that_only_wait_stay_free() {
    let mut desk = Desk::stocked();
    let mut whole = exact_in(desk.next_id(), ("EUR", 200_000), ("USD", 200_000));
    whole.fill = FillRule::AllOrNothing;
    desk.submit("alice", whole).expect("booked");
    desk.open_auction();
    assert_eq!(desk.balance("alice", "EUR"), (100_000, 0));
}

#[test]
fn a_plain_transfer_may_exceed_what_auctions_trade() {
    let mut desk = Desk::stocked();
    let huge = AUCTION_ATOMS_MAX * 2;
    desk.deposit("alice", "EUR", huge);
    let mut pay = exact_out(desk.next_id(), ("EUR", huge), ("EUR", huge));
    pay.payee = Some(name("bob"));
    assert_eq!(desk.submit("alice", pay), Ok(Accepted::Done));
}

#[test]
fn a_transfer_without_a_module_finds_the_account_that_covers_it() {
    let mut desk = Desk::stocked();
    desk.module("branch");
    desk.deposit_in("branch", "alice", "EUR", 500_000);
    let mut pay = exact_out(desk.next_id(), ("EUR", 300_000), ("EUR", 300_000));
    pay.payee = Some(name("bob"));
    assert_eq!(desk.submit("alice", pay), Ok(Accepted::Done));
    assert_eq!(desk.balance("alice", "EUR"), (100_000, 0));
}

#[test]
fn ids_are_forgotten_faster_than_they_come() {
    let mut desk = Desk::stocked();
    let commands: Vec<_> = (0..5_000)
        .map(|_| desk.next_id())
        .map(|id| command(id, Action::Deposit(movement("alice", "EUR", 1))))
        .collect();
    let batch = |commands| Body::Commands(Commands { party: name("admin"), key: key("admin", Role::Admin), commands });
    desk.record(batch(commands));
    desk.wait(Span::seconds(25 * 3_600));
    let later: Vec<_> = (0..2_500)
        .map(|_| desk.next_id())
        .map(|id| command(id, Action::Deposit(movement("alice", "EUR", 1))))
        .collect();
    desk.record(batch(later));
    assert!(desk.state.ids.len() < 2_600, "found {}", desk.state.ids.len());
}

#[test]
fn the_reference_asset_is_worth_one_without_a_word() {
    let mut desk = Desk::new();
    desk.admin(Action::DefineAsset(DefineAsset { code: name("EUR"), scale: 2 }));
    let asset = desk.state.asset(&name("EUR")).and_then(|at| desk.state.assets.get(at.at()));
    assert_eq!(asset.expect("defined").price, Price::parse("1"));
}

#[test]
fn pools_of_dust_do_not_hide_a_deep_one() {
    let mut desk = Desk::stocked();
    let pool = || Terms::ConstantProduct(ConstantProduct { fee_ppm: 0 });
    for number in 0..100 {
        desk.venue(&format!("dust-{number}"), ["EUR", "USD"], pool(), [10, 1_000]);
    }
    desk.venue("deep", ["EUR", "USD"], pool(), [1_000_000, 1_111_111]);
    let mut whole = exact_in(desk.next_id(), ("EUR", 10_000), ("USD", 10_000));
    whole.fill = FillRule::AllOrNothing;
    desk.submit("alice", whole).expect("booked");
    desk.open_auction();
    assert_eq!(ends(&desk.settle_auction(Vec::new()).events), [End::Settled]);
}
