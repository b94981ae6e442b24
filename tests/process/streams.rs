//! Solvers' streams that break, and auctions that are told by what changed.

use clearlane_core::auction::AuctionInput;
use clearlane_proto::wire;
use clearlane_proto::wire::engine_message::Message as Heard;
use clearlane_proto::wire::solver_message::Message as Said;
use clearlane_solver::session::{Memory, Notice, Session};

use crate::arena::{Raw, bundle, resumed, session, set_up_arena, solution, swap};
use crate::harness::Site;

/// What a kill leaves open is void soon.
const FLAGS: [&str; 6] = ["--auction-every-ms", "50", "--bidding-ms", "400", "--settling-ms", "1500"];

/// A swap that nobody fills.
const UNFILLABLE: ((&str, &str), (&str, &str)) = (("EUR", "1.00"), ("USD", "9.00"));

async fn next_opened(session: &mut Session) -> AuctionInput {
    session.next_auction().await.expect("a stream").expect("an auction")
}

/// Listens until an auction opens with so many intents.
async fn opened_with(session: &mut Session, intents: usize) -> AuctionInput {
    loop {
        let input = next_opened(session).await;
        if input.intents.len() >= intents {
            return input;
        }
    }
}

/// The results that a session has yet to hear, up to this auction's.
fn unheard(memory: &Memory, through: u64) -> Vec<u64> {
    let heard = memory.results_through().expect("it was told of an auction");
    (heard.0 + 1..=through).collect()
}

/// Listens until the result of this auction: those on the way.
async fn results_until(session: &mut Session, auction: u64) -> Vec<u64> {
    let mut heard = Vec::new();
    while heard.last() < Some(&auction) {
        match session.next().await.expect("a stream").expect("a notice") {
            Notice::Result(outcome) => heard.push(outcome.auction.0),
            Notice::Gone(first, last) => panic!("expected every result, found {} to {} gone", first.0, last.0),
            Notice::Opened(_) | Notice::Closed(_) | Notice::Refused(_) => {}
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_broke_is_resumed_and_misses_nothing() {
    let site = Site::new();
    let engine = site.start_with(&FLAGS);
    let client = engine.connect().await;
    set_up_arena(&client, 2).await;
    let mut leaving = session(&engine, 0).await;
    swap(&client, UNFILLABLE.0, UNFILLABLE.1).await;
    let first = opened_with(&mut leaving, 1).await;
    assert_eq!(results_until(&mut leaving, first.auction.0).await, [first.auction.0]);
    swap(&client, UNFILLABLE.0, UNFILLABLE.1).await;
    let second = opened_with(&mut leaving, 2).await;
    let memory = leaving.memory().clone();
    assert!(memory.deltas() > 0 && memory.changes().is_some_and(|changes| changes.intents_added.len() == 1));
    drop(leaving);

    // Meanwhile another solver, which holds nothing, hears the end of that auction and of a later one.
    let mut staying = session(&engine, 1).await;
    results_until(&mut staying, second.auction.0).await;
    swap(&client, UNFILLABLE.0, UNFILLABLE.1).await;
    let third = opened_with(&mut staying, 3).await;
    results_until(&mut staying, third.auction.0).await;

    let deltas = memory.deltas();
    let expected = unheard(&memory, third.auction.0);
    let mut back = resumed(&engine, 0, memory).await;
    assert_eq!(results_until(&mut back, third.auction.0).await, expected);
    swap(&client, UNFILLABLE.0, UNFILLABLE.1).await;
    let mut told = opened_with(&mut back, 4).await;
    let whole = next_opened(&mut session(&engine, 1).await).await;
    while told.auction < whole.auction {
        told = next_opened(&mut back).await;
    }
    assert_eq!(told, whole, "what changed makes the whole");
    assert!(back.memory().deltas() > deltas, "it was told against what it held");

    // A restart forgets what was offered and nothing of what became of it: the auction that was open is void.
    let memory = back.memory().clone();
    let through = told.auction.0 + 1;
    engine.kill();
    let engine = site.start_with(&FLAGS);
    let expected = unheard(&memory, through);
    let mut again = resumed(&engine, 0, memory).await;
    assert_eq!(results_until(&mut again, through).await, expected);
    assert!(again.memory().held().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solver_that_holds_something_else_gets_the_whole() {
    // Two engines of one name whose auctions have the same numbers.
    let (other_site, site) = (Site::new(), Site::new());
    let (other, engine) = (other_site.start_with(&FLAGS), site.start_with(&FLAGS));
    let mut known = Vec::new();
    for engine in [&other, &engine] {
        let client = engine.connect().await;
        set_up_arena(&client, 1).await;
        let mut solver = session(engine, 0).await;
        let booked = swap(&client, UNFILLABLE.0, UNFILLABLE.1).await;
        assert_eq!(next_opened(&mut solver).await.auction.0, 1);
        results_until(&mut solver, 1).await;
        known.push((solver.memory().clone(), booked));
    }
    let [(memory, _), (_, booked)] = known.as_slice() else { panic!("expected two engines") };
    let mut confused = resumed(&engine, 0, memory.clone()).await;
    let found = next_opened(&mut confused).await;
    assert_eq!(found.intents.iter().map(|intent| intent.id.0).collect::<Vec<_>>(), [*booked]);
    assert_eq!(confused.memory().deltas(), 0, "it asked for the whole of auction {}", found.auction.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_say_how_long_is_left_and_late_versions_replace_nothing() {
    let site = Site::new();
    let engine = site.start_with(&["--auction-every-ms", "50", "--bidding-ms", "5000", "--settling-ms", "30000"]);
    let client = engine.connect().await;
    set_up_arena(&client, 1).await;
    let mut raw = Raw::register(&engine, 0).await;
    swap(&client, UNFILLABLE.0, UNFILLABLE.1).await;
    let opened = loop {
        let message = raw.message().await;
        if let Some(Heard::Opened(input)) = message.message {
            break (message.time_ns, message.budget_ns, input);
        }
    };
    let (told_at, budget, input) = opened;
    assert!((input.opened_at_ns..input.close_at_ns).contains(&told_at), "{told_at}");
    // The clock goes on between the two readings.
    let left = input.close_at_ns - told_at;
    assert!(budget >= left && budget - left < 1_000_000_000, "{budget} ns left at {told_at}");
    let version = |version| {
        let Said::Solution(one) = solution(input.auction, vec![bundle(&[(0, 0, "1", "9")])]) else { unreachable!() };
        Said::Solution(wire::SolverSolution { version, ..one })
    };
    let withdraw = |version| Said::Withdraw(wire::WithdrawSolution { auction: input.auction, version });
    let expected = [
        (version(5), Ok((1, 5))),
        (version(4), Err("OLD_VERSION")),
        (withdraw(5), Err("OLD_VERSION")),
        (withdraw(6), Ok((0, 6))),
        (version(6), Err("OLD_VERSION")),
        (version(7), Ok((1, 7))),
        (Said::Snapshot(wire::SnapshotRequest {}), Ok((1, input.auction))),
        (Said::Snapshot(wire::SnapshotRequest {}), Err("RESOURCE_EXHAUSTED")),
    ];
    for (said, expected) in expected {
        assert!(raw.say(said.clone()).await);
        let found = match raw.hear().await {
            Heard::Received(received) => Ok((received.bundles, received.version)),
            Heard::Refused(refusal) => Err(refusal.code),
            Heard::Opened(again) => Ok((u32::try_from(again.intents.len()).expect("few"), again.auction)),
            other @ (Heard::Hello(_)
            | Heard::Registered(_)
            | Heard::Delta(_)
            | Heard::Closed(_)
            | Heard::Result(_)
            | Heard::Gone(_)) => panic!("expected an answer, found {other:?}"),
        };
        assert_eq!(found, expected.map_err(str::to_owned), "{said:?}");
    }
}
