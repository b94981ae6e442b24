//! An engine that is killed in the middle of an auction: an open one is void, a closed one is resumed, and the
//! intents on offer are offered again.

use clearlane_client::envelope::envelope_of;
use clearlane_client::{Client, KeyPair};
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_solver::session::{Notice, Session, SessionOptions};

use crate::harness::{Process, Site, admin_key, all_done, id, now, payment, program, set_up, side, signed};

type Flags = [&'static str; 6];

/// The bidding outlasts the kill, and the restart finds the auction open.
const LONG_BIDDING: Flags = ["--auction-every-ms", "50", "--bidding-ms", "2000", "--settling-ms", "1000"];

/// The settling outlasts the restart, which finds the auction closed.
const LONG_SETTLING: Flags = ["--auction-every-ms", "50", "--bidding-ms", "100", "--settling-ms", "20000"];

fn solver_key() -> KeyPair {
    KeyPair::from_seed([3; 32])
}

/// A session of the solver that [`set_up_solver`] defines.
pub(crate) async fn session(engine: &Process) -> Session {
    let (key, strategy) = (solver_key().seed(), "direct".to_owned());
    let options = SessionOptions { engine: engine.address.clone(), key, strategy };
    Session::connect(&options).await.expect("a session")
}

/// Defines a solver and its key.
pub(crate) async fn set_up_solver(client: &Client) {
    let define = Action::DefineParty(wire::DefineParty { name: "solver".to_owned() });
    let key = solver_key().public().to_vec();
    let add = wire::AddKey { party: "solver".to_owned(), key, role: wire::Role::Solver.into() };
    let signed = envelope_of(&admin_key(), "admin", vec![define, Action::AddKey(add)], now(client).await);
    all_done(&client.apply(signed.expect("randomness")).await.expect("definitions"));
}

/// Books a swap that nobody fills.
async fn swap(client: &Client) -> [u8; 16] {
    let millis = now(client).await;
    let option = wire::Option { give: Some(side("EUR", "1.00")), get: Some(side("USD", "9.00")), maximum: None };
    let swap = wire::Intent { options: vec![option], payee: String::new(), ..payment(millis) };
    let booked = id(millis);
    client.submit(signed(booked, swap)).await.expect("a booked intent");
    booked
}

/// Kills the engine when a solver hears of this; whether the first auction is void after the restart.
async fn killed_at(flags: Flags, is_time: fn(&Notice) -> bool) -> bool {
    let site = Site::new();
    let engine = site.start_with(&flags);
    let client = engine.connect().await;
    set_up(&client).await;
    set_up_solver(&client).await;
    let mut hearing = session(&engine).await;
    let booked = swap(&client).await;
    while !is_time(&hearing.next().await.expect("a stream").expect("a notice")) {}
    engine.kill();

    let engine = site.start_with(&flags);
    let is_void = first_is_void_and_next_offers(&engine, booked).await;
    assert_eq!(engine.terminate().code(), Some(0));
    let replayed = program().arg("replay").arg(site.data()).output().expect("a replay");
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stdout));
    is_void
}

async fn first_is_void_and_next_offers(engine: &Process, booked: [u8; 16]) -> bool {
    let client = engine.connect().await;
    let mut hearing = session(engine).await;
    let mut next = hearing.next_auction().await.expect("a stream").expect("an auction");
    while next.auction.0 == 1 {
        next = hearing.next_auction().await.expect("a stream").expect("an auction");
    }
    assert_eq!(next.intents.iter().map(|intent| intent.id.0).collect::<Vec<_>>(), [booked]);
    let auctions = client.status().await.expect("a status").auctions;
    auctions.iter().find(|auction| auction.auction == 1).expect("the first auction has ended").voided
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auction_that_was_open_at_the_kill_is_void() {
    assert!(killed_at(LONG_BIDDING, |notice| matches!(notice, Notice::Opened(_))).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auction_that_was_closed_at_the_kill_is_resumed() {
    assert!(!killed_at(LONG_SETTLING, |notice| matches!(notice, Notice::Closed(_))).await);
}
