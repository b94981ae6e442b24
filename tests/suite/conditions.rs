//! Intents with conditions: they wait while a recorded fact is not as they say, and settle or expire after.

use std::collections::BTreeSet;

use clearlane_core::auction::{AuctionInput, Bundle, Fill, Solution, Verdict, clear, footprint, verify};
use clearlane_core::command::{Action, Role, SetEvent};
use clearlane_core::condition::Condition;
use clearlane_core::event::{Accepted, End, Event, IntentChange, Outcome};
use clearlane_core::fact::Value;
use clearlane_core::intent::Intent;
use clearlane_core::lanes::{Access, Footprint, Resource, Sequential};
use clearlane_core::names::{AuctionId, FactIndex, IntentIndex, SolverId};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::root;
use clearlane_core::time::Span;
use clearlane_core::venue::{ConstantProduct, Terms};
use clearlane_engine::executor::{Method, Workers};
use clearlane_tests::desk::{Desk, exact_in, exact_out, name};

fn under(condition: &str, intent: Intent) -> Intent {
    Intent { condition: Some(Condition::parse(condition).expect("a condition")), ..intent }
}

/// Alice, bob and a pool of 10,000.00 EUR and 11,111.11 USD.
fn with_pool() -> Desk {
    let mut desk = Desk::stocked();
    let pool = Terms::ConstantProduct(ConstantProduct { fee_ppm: 3_000 });
    desk.venue("pool", ["EUR", "USD"], pool, [1_000_000, 1_111_111]);
    desk
}

fn swap(desk: &mut Desk, condition: &str) -> Intent {
    let id = desk.next_id();
    under(condition, exact_in(id, ("EUR", 10_000), ("USD", 10_000)))
}

fn change(event: &Event) -> Option<&IntentChange> {
    if let Event::Intent(event) = event { Some(&event.change) } else { None }
}

fn wait(change: &IntentChange) -> Option<&Refusal> {
    if let IntentChange::Waiting(refusal) = change { Some(refusal) } else { None }
}

fn end(change: &IntentChange) -> Option<End> {
    if let IntentChange::Ended(end) = change { Some(*end) } else { None }
}

fn changes(outcome: &Outcome) -> Vec<&IntentChange> {
    outcome.events.iter().filter_map(change).collect()
}

fn waits(outcome: &Outcome) -> Vec<&Refusal> {
    changes(outcome).into_iter().filter_map(wait).collect()
}

fn ends(outcome: &Outcome) -> Vec<End> {
    changes(outcome).into_iter().filter_map(end).collect()
}

/// Opens an auction and settles it with the built-in bidder alone.
fn auction(desk: &mut Desk) -> (Outcome, Outcome) {
    (desk.open_auction(), desk.settle_auction(Vec::new()))
}

#[test]
fn an_intent_waits_until_the_price_is_as_its_condition_says_and_then_settles() {
    let mut desk = with_pool();
    let swap = swap(&mut desk, "price USD >= 1.08");
    let outcome = desk.record(Desk::submission("alice", swap.clone()));
    assert_eq!(outcome.commands[0].result, Ok(Accepted::Booked));
    let [lack] = waits(&outcome)[..] else { panic!("told at once: {:?}", outcome.events) };
    assert_eq!((lack.reason, lack.field.as_str()), (Reason::ConditionNotMet, "condition"));
    assert_eq!(lack.message, "expected price USD >= 1.08, found 0.9");

    let (opened, settled) = auction(&mut desk);
    assert!(changes(&opened).is_empty() && ends(&settled).is_empty(), "told once, and not offered");
    assert_eq!(desk.balance("alice", "EUR"), (100_000, 0));

    desk.price("USD", "1.0799");
    let (opened, settled) = auction(&mut desk);
    assert!(changes(&opened).is_empty() && ends(&settled).is_empty(), "a little below");

    desk.price("USD", "1.08");
    let (opened, settled) = auction(&mut desk);
    assert_eq!(changes(&opened), [&IntentChange::Offered(AuctionId(3))]);
    assert_eq!(ends(&settled), [End::Settled]);
    assert_eq!(desk.balance("alice", "EUR"), (90_000, 0));
    for method in Method::ALL {
        let replayed = desk.replay(&Workers::new(2).always(method));
        assert_eq!(root::of(&replayed), root::of(&desk.state), "{method:?}");
    }
}

#[test]
fn an_intent_is_told_again_when_its_condition_no_longer_holds() {
    let mut desk = Desk::stocked();
    let swap = swap(&mut desk, "price USD < 1");
    let outcome = desk.record(Desk::submission("alice", swap));
    assert!(waits(&outcome).is_empty(), "it holds");
    let (opened, _) = auction(&mut desk);
    assert_eq!(changes(&opened), [&IntentChange::Offered(AuctionId(1))], "offered, and nobody fills it");
    desk.price("USD", "1");
    let (opened, _) = auction(&mut desk);
    assert_eq!(waits(&opened).len(), 1, "{:?}", opened.events);
    desk.price("USD", "");
    let (opened, _) = auction(&mut desk);
    assert!(waits(&opened).is_empty(), "it waits all along");
    desk.price("USD", "0.9");
    let (opened, _) = auction(&mut desk);
    assert_eq!(changes(&opened), [&IntentChange::Offered(AuctionId(4))]);
}

#[test]
fn a_transfer_with_a_condition_is_not_settled_at_once() {
    let mut desk = Desk::stocked();
    let id = desk.next_id();
    let pay = Intent { payee: Some(name("bob")), ..exact_out(id, ("EUR", 25_000), ("EUR", 25_000)) };
    assert_eq!(desk.submit("alice", under("event shipped-7", pay)), Ok(Accepted::Booked));
    auction(&mut desk);
    assert_eq!(desk.balance("bob", "EUR"), (100_000, 0));
    desk.event("shipped-7", true);
    assert_eq!(desk.balance("bob", "EUR"), (100_000, 0), "auctions settle it");
    let (_, settled) = auction(&mut desk);
    assert_eq!(ends(&settled), [End::Settled]);
    assert_eq!((desk.balance("alice", "EUR"), desk.balance("bob", "EUR")), ((75_000, 0), (125_000, 0)));
}

#[test]
fn an_intent_whose_condition_never_holds_expires_at_its_deadline() {
    let mut desk = with_pool();
    let swap = swap(&mut desk, "event never");
    desk.submit("alice", swap).expect("booked");
    auction(&mut desk);
    assert_eq!(ends(&desk.wait(Span::seconds(2 * 3_600))), [End::Expired]);
    assert!(desk.state.book.is_empty());
}

#[test]
fn conditions_read_the_partys_own_balances() {
    let mut desk = with_pool();
    desk.module("branch");
    for (condition, lack) in [
        ("balance USD in bank > 1000.00", Some("expected balance USD in bank > 1000.00, found 1000.00")),
        ("balance USD >= 1000", None),
        ("balance USD in branch > 0", Some("expected balance USD in branch > 0.00, found 0.00")),
        ("balance USD < 1000 and event e", Some("expected balance USD < 1000.00, found 1000.00")),
        ("balance USD <= 1000 and event e", Some("expected event e, found none yet")),
    ] {
        let swap = swap(&mut desk, condition);
        let outcome = desk.record(Desk::submission("alice", swap));
        let found: Vec<&str> = waits(&outcome).into_iter().map(|refusal| refusal.message.as_str()).collect();
        assert_eq!(found, lack.into_iter().collect::<Vec<_>>(), "{condition}");
    }
    desk.deposit_in("branch", "alice", "USD", 1);
    let opened = desk.open_auction();
    let offered = changes(&opened).iter().filter(|change| matches!(change, IntentChange::Offered(_))).count();
    assert_eq!(offered, 2, "the second and the third: {:?}", opened.events);
}

#[test]
fn what_a_condition_names_must_be_there() {
    let mut desk = Desk::stocked();
    for (condition, reason) in [
        ("price XXX > 1", Reason::UnknownAsset),
        ("event e and balance XXX > 1", Reason::UnknownAsset),
        ("balance EUR in nowhere > 1", Reason::UnknownModule),
        ("balance EUR > 0.001", Reason::AmountTooPrecise),
        ("balance EUR > 100000000000000000000000000000000000000", Reason::AmountTooLarge),
    ] {
        let before = desk.books_root();
        let swap = swap(&mut desk, condition);
        let refusal = desk.submit("alice", swap).expect_err(condition);
        assert_eq!((refusal.reason, refusal.field.as_str()), (reason, "intent.condition.expression"), "{refusal}");
        assert_eq!(desk.books_root(), before, "{condition}");
    }
}

#[test]
fn oracles_attest_events_and_parties_do_not() {
    let mut desk = Desk::stocked();
    let attest = || Action::SetEvent(SetEvent { name: name("e"), is_attested: true });
    let refusal = desk.ask("alice", Role::Party, attest()).expect_err("a party's key");
    assert_eq!(refusal.reason, Reason::NotAuthorized);
    assert!(attest().is_allowed(Role::Oracle));
    let before = desk.books_root();
    desk.event("e", true);
    let attested = desk.books_root();
    assert_ne!(before, attested, "the state root covers events");
    desk.event("e", true);
    assert_eq!(desk.books_root(), attested);
    desk.event("e", false);
    assert_eq!(desk.books_root(), before);
}

#[test]
fn roots_and_digests_cover_every_part_of_a_condition() {
    let conditions = [
        None,
        Some("price USD > 0.5"),
        Some("price USD >= 0.5"),
        Some("price USD > 0.6"),
        Some("price EUR > 0.5"),
        Some("price USD > 0.5 and price USD > 0.5"),
        Some("balance USD > 0.5"),
        Some("balance USD > 0.6"),
        Some("balance USD in bank > 0.5"),
        Some("balance EUR > 0.5"),
        Some("event e"),
        Some("event f"),
    ];
    let (mut roots, mut digests) = (BTreeSet::new(), BTreeSet::new());
    for condition in conditions {
        let mut desk = Desk::stocked();
        ["e", "f"].into_iter().for_each(|event| desk.event(event, true));
        let intent = exact_in(desk.next_id(), ("EUR", 10_000), ("USD", 10_000));
        let intent = condition.map_or(intent.clone(), |condition| under(condition, intent));
        desk.submit("alice", intent).expect("booked");
        roots.insert(desk.books_root());
        desk.open_auction();
        digests.insert(desk.state.auction.as_ref().expect("it holds").input_digest);
    }
    assert_eq!((roots.len(), digests.len()), (conditions.len(), conditions.len()));
}

/// Alice and bob each sell 100.00 of what the other buys, twice, under conditions on one price and on an event.
fn shared_facts() -> Desk {
    let mut desk = Desk::stocked();
    desk.event("e", true);
    for condition in ["price USD > 0.5", "price USD > 0.6 and event e"] {
        for (party, give, get) in [("alice", "EUR", "USD"), ("bob", "USD", "EUR")] {
            let id = desk.next_id();
            desk.submit(party, under(condition, exact_in(id, (give, 10_000), (get, 9_000)))).expect("booked");
        }
    }
    desk.open_auction();
    desk
}

/// The bundle that matches the intents at two places against each other.
fn matched(one: u32, other: u32) -> Bundle {
    let fill = |at| Fill { intent: IntentIndex(at), option: 0, sold: 10_000, bought: 10_000 };
    Bundle { fills: vec![fill(one), fill(other)], uses: Vec::new() }
}

/// Which two intents of each condition match, by how many facts their conditions read.
fn pairs(input: &AuctionInput) -> [[u32; 2]; 2] {
    [1, 2].map(|clauses| {
        let reads = |at: &u32| input.intents[*at as usize].condition.len() == clauses;
        let places: Vec<u32> = (0..4).filter(reads).collect();
        [places[0], places[1]]
    })
}

#[test]
fn a_bundle_reads_the_facts_of_its_conditions_and_shares_them() {
    let desk = shared_facts();
    let input = &desk.state.auction.as_ref().expect("an auction").input;
    let mut facts: Vec<&str> = input.facts.iter().map(|fact| fact.name.as_str()).collect();
    facts.sort_unstable();
    assert_eq!(facts, ["event e", "price USD"], "each fact is frozen once");
    let place = |name| FactIndex::from_at(input.facts.iter().position(|fact| fact.name == name).expect("frozen"));
    let [plain, both] = pairs(input);
    let (one, other) = (footprint(input, &matched(plain[0], plain[1])), footprint(input, &matched(both[0], both[1])));
    let reads = |footprint: &Footprint| {
        let facts = footprint.iter().filter(|(resource, _)| matches!(resource, Resource::Fact(_)));
        facts.collect::<Vec<_>>()
    };
    let read = |name| (Resource::Fact(place(name)), Access::Read);
    assert_eq!(reads(&one), [read("price USD")]);
    let mut expected = vec![read("price USD"), read("event e")];
    expected.sort_unstable();
    assert_eq!(reads(&other), expected);
    assert!(!one.conflicts_with(&other), "both only read the fact, and add to the same reserves");
    let writing = Footprint::new(vec![(Resource::Fact(place("price USD")), Access::Write)]);
    assert!(one.conflicts_with(&writing) && other.conflicts_with(&writing));
}

#[test]
fn bundles_that_share_a_fact_run_side_by_side_and_alike_everywhere() {
    let mut desk = shared_facts();
    let input = desk.state.auction.as_ref().expect("an auction").input.clone();
    let [plain, both] = pairs(&input);
    let bundles = vec![matched(plain[0], plain[1]), matched(both[0], both[1])];
    let solutions = [Solution { solver: SolverId(1), auction: AuctionId(1), bundles: bundles.clone(), prices: None }];
    let clearing = clear(&input, &solutions, &Sequential);
    assert_eq!(clearing.plan.colours, 1);
    for method in Method::ALL {
        for workers in [1, 2, 4] {
            assert_eq!(clear(&input, &solutions, &Workers::new(workers).always(method)), clearing, "{method:?}");
        }
    }
    assert_eq!(ends(&desk.settle_auction(vec![(SolverId(1), bundles)])), [End::Settled; 4]);
}

#[test]
fn a_bundle_is_refused_on_facts_that_are_not_as_the_condition_says() {
    let desk = shared_facts();
    let input = &desk.state.auction.as_ref().expect("an auction").input;
    let [plain, both] = pairs(input);
    let mut other = (**input).clone();
    for fact in &mut other.facts {
        if fact.name == "event e" {
            fact.value = Value::Event(false);
        }
    }
    assert!(verify(&other, &matched(plain[0], plain[1])).is_ok());
    let refusal = verify(&other, &matched(both[0], both[1])).expect_err("the event was withdrawn");
    assert_eq!(refusal.reason, Reason::ConditionNotMet, "{refusal}");
    let bundles = vec![matched(both[0], both[1])];
    let solutions = [Solution { solver: SolverId(1), auction: AuctionId(1), bundles, prices: None }];
    let clearing = clear(&other, &solutions, &Sequential);
    assert!(matches!(clearing.verdicts[0].verdicts[..], [Verdict::Refused(_)]));
    let filled = clearing.executed.iter().flat_map(|executed| &executed.bundle.fills);
    assert!(filled.clone().all(|fill| !both.contains(&fill.intent.0)), "the built-in bidder keeps it too");
}

#[test]
fn facts_are_frozen_while_an_auction_is_open() {
    let mut desk = with_pool();
    desk.event("e", true);
    let swap = swap(&mut desk, "event e and price USD > 0.5 and balance USD >= 1000");
    desk.submit("alice", swap).expect("booked");
    desk.open_auction();
    desk.event("e", false);
    desk.price("USD", "0.1");
    desk.admin(Action::Withdraw(clearlane_tests::desk::movement("alice", "USD", 100_000)));
    assert_eq!(ends(&desk.settle_auction(Vec::new())), [End::Settled]);
    assert_eq!(root::of(&desk.replay(&Sequential)), root::of(&desk.state));
}

#[test]
fn many_that_wait_for_a_condition_do_not_keep_others_out() {
    let mut desk = Desk::stocked();
    desk.state.config.auction_intents_max = 1;
    for _ in 0..10 {
        let swap = swap(&mut desk, "event never");
        desk.submit("alice", swap).expect("booked");
    }
    let id = desk.next_id();
    desk.submit("bob", exact_in(id, ("EUR", 100), ("USD", 100))).expect("booked");
    desk.open_auction();
    assert_eq!(desk.state.auction.as_ref().map(|pending| pending.input.intents.len()), Some(1));
    assert_eq!(desk.balance("alice", "EUR"), (100_000, 0), "nothing is held for those that wait");
}
