//! A solver that behaves, beside others that are slow, wrong, or flood the engine: it wins what it would win alone.

use clearlane_client::Client;
use clearlane_core::auction::Verdict;
use clearlane_core::money::Score;
use clearlane_core::refusal::Reason;
use clearlane_proto::wire;
use clearlane_proto::wire::bundle_verdict::Verdict as Told;
use clearlane_proto::wire::engine_message::Message as Heard;
use clearlane_proto::wire::solver_message::Message as Said;
use clearlane_solver::session::{Notice, Session};
use tokio::task::JoinHandle;
use tonic::Code;

use crate::arena::{FLAGS, Raw, answer, bundle, giving, opposing_swaps, session, set_up_arena, solution};
use crate::harness::Site;

/// Auctions that the solver that behaves has to win.
const ROUNDS: usize = 3;
const GOOD: u8 = 0;
const SLOW: u8 = 1;
const FLOOD: u8 = 2;
const WRONG: u8 = 3;

/// Answers until an auction with something to win was won, and checks that all of it was, at the scores it has alone.
async fn wins(session: &mut Session, client: &Client) {
    opposing_swaps(client).await;
    let mut expected: Option<(u64, Vec<Score>)> = None;
    loop {
        match session.next().await.expect("a stream").expect("a notice") {
            Notice::Opened(input) => {
                let (proposal, scores) = answer(&input);
                if !scores.is_empty() {
                    session.answer(input.auction, &proposal).await.expect("a stream");
                    expected = Some((input.auction.0, scores));
                }
            }
            Notice::Result(outcome) if expected.as_ref().is_some_and(|(auction, _)| *auction == outcome.auction.0) => {
                let (auction, scores) = expected.take().expect("expected");
                let won: Vec<Verdict> = scores.iter().map(|score| Verdict::Won(*score)).collect();
                assert!(!outcome.is_voided, "auction {auction}");
                assert_eq!(outcome.verdicts, won, "auction {auction}");
                assert_eq!(outcome.score, scores.iter().sum::<Score>(), "auction {auction}");
                return;
            }
            // On a busy machine an answer may be late; it then answers the next auction.
            Notice::Refused(refusal) => {
                assert_eq!(refusal.reason, Reason::AuctionClosed, "{refusal}");
                expected = None;
            }
            Notice::Result(_) | Notice::Closed(_) | Notice::Gone(..) => {}
        }
    }
}

/// Says one thing after another and reads nothing, until the engine ends the stream.
fn slow(raw: Raw) -> JoinHandle<Raw> {
    tokio::spawn(async move {
        let withdraw = || Said::Withdraw(wire::WithdrawSolution { auction: u64::MAX, version: 0 });
        // The engine stops reading when it ends the stream, and then nothing more goes out.
        while raw.say(withdraw()).await {}
        raw
    })
}

/// Sends as many of the largest solutions as are taken, and reads what comes.
fn flood(raw: Raw) -> JoinHandle<()> {
    let fills: Vec<_> = (0..20_000).map(|intent| (intent, 0, "170141183460469231731687303715884105727", "1")).collect();
    let huge = solution(1, vec![bundle(&fills[..16_000])]);
    tokio::spawn(async move {
        let Raw { outgoing, mut incoming, .. } = raw;
        let reading = tokio::spawn(async move { while let Ok(Some(_)) = incoming.message().await {} });
        while outgoing.send(wire::SolverMessage { message: Some(huge.clone()) }).await.is_ok() {}
        reading.abort();
    })
}

/// What is refused at the door, by code.
async fn refused_at_the_door(raw: &mut Raw, auction: u64) {
    let beyond = "340282366920938463463374607431768211456";
    let legs: Vec<_> = (0..100_000).map(|_| (0, 0, "1", "1")).collect();
    let some = || vec![bundle(&[(0, 0, "1", "1")])];
    let said = [
        (solution(auction, vec![bundle(&[(0, 0, beyond, "1")])]), "AMOUNT_TOO_LARGE"),
        (solution(auction, vec![bundle(&[(0, 0, "-1", "1")])]), "AMOUNT_NEGATIVE"),
        (solution(auction, vec![bundle(&[(0, 1 << 16, "1", "1")])]), "OUT_OF_RANGE"),
        (solution(auction, vec![bundle(&legs)]), "TOO_LARGE"),
        (solution(auction, vec![bundle(&legs[..20_001])]), "TOO_LARGE"),
        (solution(auction, vec![wire::Bundle::default(); 20_001]), "TOO_LARGE"),
        (solution(auction + 1_000, some()), "AUCTION_CLOSED"),
        (solution(0, some()), "AUCTION_CLOSED"),
        (Said::Register(wire::Register::default()), "MALFORMED"),
    ];
    for (said, code) in said {
        assert!(raw.say(said).await);
        let found = loop {
            match raw.hear().await {
                Heard::Refused(refusal) => break refusal,
                Heard::Received(received) => panic!("expected {code}, found {received:?}"),
                // Nothing of what others answer is told before the close.
                Heard::Closed(_) | Heard::Opened(_) | Heard::Result(_) => {}
                other @ (Heard::Hello(_) | Heard::Registered(_) | Heard::Delta(_) | Heard::Gone(_)) => {
                    panic!("expected a refusal, found {other:?}")
                }
            }
        };
        assert_eq!(found.code, code, "{found:?}");
        assert!(found.message.contains("found") || code == "AUCTION_CLOSED", "{found:?}");
    }
}

/// Breaks one rule a bundle, and hears which, with the numbers.
async fn refused_by_check(raw: &mut Raw, client: &Client) {
    // On a busy machine an answer may be late.
    while !is_refused_by_check(raw, client).await {}
}

/// The same in the next auction; false if that took no answer any more.
async fn is_refused_by_check(raw: &mut Raw, client: &Client) -> bool {
    opposing_swaps(client).await;
    let (input, at) = loop {
        let input = raw.opened().await;
        if let Some(at) = giving(&input, "EUR").first() {
            break (input, at.0);
        }
    };
    let most = (u128::MAX >> 1).to_string();
    let bundles = vec![
        bundle(&[(at, 0, "100", "200"), (at, 0, "100", "200")]),
        bundle(&[(u32::MAX, 0, "1", "1")]),
        bundle(&[(at, u16::MAX.into(), "1", "1")]),
        bundle(&[(at, 0, "900", &most)]),
        bundle(&[(at, 0, "900", "1")]),
        bundle(&[(at, 0, "900", "2000")]),
        wire::Bundle::default(),
    ];
    let codes =
        ["FILLED_TWICE", "UNKNOWN_INTENT", "UNKNOWN_OPTION", "FILL_AMOUNT", "LIMIT_BROKEN", "NOT_CONSERVED", "EMPTY"];
    assert!(raw.say(solution(input.auction.0, bundles)).await);
    let mut is_closed = false;
    loop {
        let result = match raw.hear().await {
            Heard::Result(result) if result.auction == input.auction.0 => result,
            Heard::Closed(closed) => {
                is_closed |= closed.auction == input.auction.0;
                continue;
            }
            Heard::Received(received) if received.auction == input.auction.0 && received.bundles == 7 => continue,
            Heard::Refused(refusal) if refusal.code == "AUCTION_CLOSED" => return false,
            Heard::Result(earlier) if earlier.auction < input.auction.0 => continue,
            Heard::Opened(_) if is_closed => continue,
            other @ (Heard::Hello(_)
            | Heard::Registered(_)
            | Heard::Opened(_)
            | Heard::Delta(_)
            | Heard::Received(_)
            | Heard::Refused(_)
            | Heard::Result(_)
            | Heard::Gone(_)) => panic!("expected nothing of what others answer, found {other:?}"),
        };
        assert!(is_closed, "a result before the close");
        let refusals = result.verdicts.into_iter().map(|verdict| match verdict.verdict {
            Some(Told::Refused(refusal)) => refusal,
            other => panic!("expected a refusal, found {other:?}"),
        });
        let refusals: Vec<wire::Refusal> = refusals.collect();
        let found: Vec<&str> = refusals.iter().map(|refusal| refusal.code.as_str()).collect();
        assert_eq!(found, codes, "{refusals:?}");
        let limit = &refusals[4].message;
        assert!(limit.contains(|letter: char| letter.is_ascii_digit()), "expected numbers, found {limit:?}");
        return true;
    }
}

/// The standing of a solver once it counts this many bundles won or refused.
async fn standing(
    client: &Client,
    party: &str,
    is_there: impl Fn(&wire::SolverStanding) -> bool,
) -> wire::SolverStanding {
    loop {
        let all = client.solver_standings().await.expect("standings");
        if let Some(found) = all.into_iter().find(|one| one.party == party && is_there(one)) {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

fn counted(counts: &[wire::RefusedCount], code: &str) -> u64 {
    counts.iter().find(|one| one.code == code).map_or(0, |one| one.count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solver_that_behaves_wins_beside_slow_wrong_and_flooding_ones() {
    let site = Site::new();
    let engine = site.start_with(&FLAGS);
    let client = engine.connect().await;
    set_up_arena(&client, 4).await;
    let mut good = session(&engine, GOOD).await;
    wins(&mut good, &client).await;

    let slow = slow(Raw::register(&engine, SLOW).await);
    let flood = flood(Raw::register(&engine, FLOOD).await);
    let mut raw = Raw::register(&engine, WRONG).await;
    let asking = client.clone();
    let wrong = tokio::spawn(async move {
        refused_by_check(&mut raw, &asking).await;
        refused_at_the_door(&mut raw, 1).await;
    });
    for _ in 0..ROUNDS {
        wins(&mut good, &client).await;
    }
    wrong.await.expect("no panic");
    flood.abort();
    // By the engine, or below it by HTTP/2, which ends a connection with too many small frames unread.
    let ended = slow.await.expect("no panic").end().await;
    assert!(ended.is_some_and(|status| matches!(status.code(), Code::ResourceExhausted | Code::Unknown)));
    standing(&client, "solver-1", |one| !one.connected).await;

    let expected = u64::try_from(ROUNDS + 1).expect("few");
    let found = standing(&client, "solver-0", |one| one.won >= expected).await;
    assert_eq!((found.bundles, found.lost, found.connected), (found.valid, 0, true), "{found:?}");
    assert!(found.latency_p50_ns > 0 && found.latency_p50_ns <= found.latency_p95_ns, "{found:?}");
    assert!(found.answered <= found.offered && found.score_won.parse::<Score>().expect("a score") > 0, "{found:?}");
    let wrong = standing(&client, "solver-3", |one| one.bundles >= 7).await;
    assert_eq!((wrong.valid, counted(&wrong.refused, "FILLED_TWICE")), (0, 1), "{wrong:?}");
    assert_eq!(counted(&wrong.messages_refused, "TOO_LARGE"), 3, "{wrong:?}");
}
