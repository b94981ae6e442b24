//! The program as its users run it: a process that is killed, fed with bad input, or given a damaged log.

mod arena;
mod auctions;
mod backtests;
mod bad_input;
mod conditions;
mod cow;
mod ends;
mod exits;
mod expiry;
mod harness;
#[cfg(target_os = "linux")]
mod interrupts;
mod keys;
mod lost_answers;
mod readme;
mod receipts;
mod relay;
mod replays;
mod rivals;
mod solvers;
mod starts;
mod streams;
mod watches;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use clearlane_client::Client;
use clearlane_proto::wire;
use tokio::sync::mpsc;

use harness::{Site, all_done, held_by_bob, id, now, payment, program, set_up, signed};

/// Acknowledged payments after which the engine is killed.
const PAYMENTS_BEFORE_KILL: usize = 40;

/// More payments than fit before the kill.
const PAYMENTS_MAX: usize = 900;

/// Atoms of one payment.
const PAYMENT_ATOMS: usize = 100;

/// Bytes of a block of the log.
const BLOCK_BYTES: usize = 4_096;

/// Every envelope that was sent, and how many of them, from the first on, were acknowledged.
struct Sent {
    envelopes: Vec<wire::SignedEnvelope>,
    acknowledged: usize,
}

/// Pays one by one until the engine is gone.
async fn pay_until_gone(client: Client, told: mpsc::UnboundedSender<()>) -> Sent {
    let millis = now(&client).await;
    let mut sent = Sent { envelopes: Vec::new(), acknowledged: 0 };
    while sent.envelopes.len() < PAYMENTS_MAX {
        let envelope = signed(id(millis), payment(millis));
        sent.envelopes.push(envelope.clone());
        let Ok(outcomes) = client.submit(envelope).await else { return sent };
        all_done(&outcomes);
        sent.acknowledged += 1;
        // The listener has heard enough once it kills.
        let _ = told.send(());
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_engine_loses_nothing_it_acknowledged() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let (told, mut heard) = mpsc::unbounded_channel();
    let paying = tokio::spawn(pay_until_gone(client, told));
    for _ in 0..PAYMENTS_BEFORE_KILL {
        heard.recv().await.expect("an acknowledged payment");
    }
    engine.kill();
    let sent = paying.await.expect("payments");
    assert!(sent.acknowledged >= PAYMENTS_BEFORE_KILL && sent.acknowledged < PAYMENTS_MAX, "killed in the middle");

    let engine = site.start();
    let client = engine.connect().await;
    let happened = held_by_bob(&client).await / PAYMENT_ATOMS;
    assert!(happened >= sent.acknowledged && happened <= sent.envelopes.len(), "{happened} happened");
    for (at, envelope) in sent.envelopes.iter().enumerate() {
        let outcomes = client.submit(envelope.clone()).await.expect("an answer");
        all_done(&outcomes);
        assert_eq!(outcomes[0].repeated, at < happened, "payment {at} of {}", sent.acknowledged);
    }
    assert_eq!(held_by_bob(&client).await, sent.envelopes.len() * PAYMENT_ATOMS);
    drop(client);
    assert_eq!(engine.terminate().code(), Some(0));

    let replayed = program().arg("replay").arg(site.data()).arg("--json").output().expect("a replay");
    let text = String::from_utf8_lossy(&replayed.stdout);
    let last = text.lines().last().unwrap_or_default();
    let json: serde_json::Value = serde_json::from_str(last).expect("one JSON object as the last line");
    assert!(replayed.status.success());
    assert_eq!(json["equal"], true, "{text}");
}

/// Flips a byte in the middle of what the log's first segment holds.
fn flip_a_byte(site: &Site) -> (PathBuf, u64) {
    let listed = std::fs::read_dir(site.data()).expect("the data folder");
    let mut segments: Vec<_> = listed.map(|entry| entry.expect("an entry").path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    segments.sort();
    let path = segments.into_iter().next().expect("a segment");
    let bytes = std::fs::read(&path).expect("its bytes");
    let blocks = bytes.chunks(BLOCK_BYTES).take_while(|block| block.iter().any(|byte| *byte != 0)).count();
    assert!(blocks > 4, "expected several batches, found {blocks} blocks");
    let at = blocks / 2 * BLOCK_BYTES;
    let file = OpenOptions::new().write(true).open(&path).expect("a segment to write");
    file.write_all_at(&[bytes[at] ^ 1], at as u64).expect("one byte");
    (path, at as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_the_log_keeps_the_engine_from_starting() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;
    for _ in 0..10 {
        all_done(&client.submit(signed(id(millis), payment(millis))).await.expect("a payment"));
    }
    drop(client);
    assert_eq!(engine.terminate().code(), Some(0));

    let (path, offset) = flip_a_byte(&site);
    let (status, listened, told) = site.start_in_vain();
    assert_eq!(status.code(), Some(1), "{told}");
    let file = path.file_name().expect("a name").to_string_lossy();
    assert!(told.contains(&format!("{file} at offset {offset}")), "expected {file} and {offset}, found {told}");
    assert_eq!(listened, "", "it never listens");
}
