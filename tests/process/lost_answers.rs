//! Answers that get lost: nothing is paid twice, and nobody is told that all is well.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Output, Stdio};

use clearlane_client::ids::id_text;
use serde_json::Value;

use crate::harness::{Process, Site, held_by_bob, id, now, payment, program, set_up, side, signed};
use crate::relay;

/// Writes the file of a payment of 1.00 EUR to bob and submits it at this address.
fn submit(site: &Site, address: &str, id: &str) -> Output {
    let side = r#"{"asset": "EUR", "amount": "1.00", "module": "bank"}"#;
    let text = format!(
        r#"{{"id": "{id}", "kind": "exact_in", "give": {side}, "get": {side}, "payee": "bob", "valid_for_s": 3600}}"#
    );
    let file = site.file("payment.json");
    std::fs::write(&file, text).expect("a file");
    let mut command = program();
    command.arg("submit").arg(file).args(["--engine", address, "--party", "alice", "--json", "--key"]);
    command.arg(site.alice_key_file()).output().expect("the program runs")
}

fn last_line(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).expect("one JSON object as the last line")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_answer_is_lost_is_sent_again_and_happens_once() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let id = id(now(&client).await);
    let found = submit(&site, &relay::losing(&engine.address, id, 1), &id_text(&id));
    let told = String::from_utf8_lossy(&found.stderr);
    assert_eq!(found.status.code(), Some(0), "{told}");
    assert!(told.starts_with(&format!("sending {}\nno answer, sending the same again", id_text(&id))), "{told}");
    assert_eq!(last_line(&found)["outcomes"][0]["repeated"], true);
    assert_eq!(held_by_bob(&client).await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_hears_an_answer_is_told_how_to_ask_and_may_submit_the_same_file_again() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let id = id(now(&client).await);
    let found = submit(&site, &relay::losing(&engine.address, id, usize::MAX), &id_text(&id));
    let told = String::from_utf8_lossy(&found.stderr);
    assert_eq!(found.status.code(), Some(1), "{told}");
    assert!(told.contains("may have happened or not; ask with `clearlane watch ID --party alice`"), "{told}");
    assert_eq!(last_line(&found)["ids"][0], id_text(&id));

    let found = submit(&site, &engine.address, &id_text(&id));
    assert_eq!(found.status.code(), Some(0), "{}", String::from_utf8_lossy(&found.stderr));
    assert_eq!(last_line(&found)["outcomes"][0]["repeated"], true);
    assert_eq!(held_by_bob(&client).await, 100);
}

/// Books an intent that nobody fills, and watches it until its first change is printed.
async fn watch_in_vain(engine: &Process) -> (Child, BufReader<std::process::ChildStdout>) {
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;
    let mut intent = payment(millis);
    intent.options[0].get = Some(side("USD", "1.00"));
    let id = id(millis);
    client.submit(signed(id, intent)).await.expect("a booked intent");
    let mut command = program();
    command.args(["watch", &id_text(&id), "--party", "alice", "--engine", &engine.address]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("a piped stdout"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("text on stdout");
    assert!(line.contains("accepted"), "{line}");
    (child, stdout)
}

fn assert_cut_off(mut child: Child) {
    let mut told = String::new();
    child.stderr.take().expect("a piped stderr").read_to_string(&mut told).expect("text on stderr");
    assert_eq!(child.wait().expect("a process to wait for").code(), Some(1), "{told}");
    assert!(told.contains("the watch was cut off before intent"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_the_engine_ends_early_fails() {
    let site = Site::new();
    let engine = site.start();
    let (watch, _stdout) = watch_in_vain(&engine).await;
    assert_eq!(engine.terminate().code(), Some(0));
    assert_cut_off(watch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_breaks_fails() {
    let site = Site::new();
    let engine = site.start();
    let (watch, _stdout) = watch_in_vain(&engine).await;
    engine.kill();
    assert_cut_off(watch);
}
