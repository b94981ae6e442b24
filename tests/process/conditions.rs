//! Conditions, by the command line: an intent says what it waits for, an event is attested, the intent settles.

use std::path::Path;
use std::process::Output;

use clearlane_proto::wire;
use clearlane_proto::wire::admin_service_client::AdminServiceClient;
use serde_json::Value;

use crate::harness::{Process, Site, admin_key, held_by_bob, program, set_up};

/// What the program does when asked by the holder of a key.
fn run(engine: &Process, key: &Path, party: &str, arguments: &[&str]) -> Output {
    let caller = ["--engine", &engine.address, "--party", party, "--key"];
    program().args(arguments).args(caller).arg(key).output().expect("the program runs")
}

/// The same, where it must succeed: the lines of its output.
fn lines(engine: &Process, key: &Path, party: &str, arguments: &[&str]) -> Vec<String> {
    let output = run(engine, key, party, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// The attested events after a name.
async fn attested(engine: &Process, after: &str) -> Vec<String> {
    let mut admin =
        AdminServiceClient::connect(format!("http://{}", engine.address)).await.expect("the engine answers");
    let request = wire::EventsRequest { after: after.to_owned(), most: 0 };
    admin.events(request).await.expect("events").into_inner().events
}

fn intent_file(site: &Site, condition: &str) -> String {
    let path = site.file("pay.json");
    let side = r#"{"asset":"EUR","amount":"2.50","module":"bank"}"#;
    let text = format!(
        r#"{{"kind":"exact_out","give":{side},"get":{side},"payee":"bob","valid_for_s":3600,"condition":"{condition}"}}"#
    );
    std::fs::write(&path, text).expect("a written file");
    path.to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_waits_for_an_event_and_says_so() {
    let site = Site::new();
    let flags = ["--auction-every-ms", "50", "--bidding-ms", "50", "--settling-ms", "1000"];
    let engine = site.start_with(&flags);
    let client = engine.connect().await;
    set_up(&client).await;
    let (alice, admin) = (site.alice_key_file(), site.file("admin.key"));
    admin_key().write_new(&admin).expect("a new key file");

    let file = intent_file(&site, "event shipped-7 or event lost");
    let refused = run(&engine, &alice, "alice", &["submit", &file]);
    let told = format!("{}{}", String::from_utf8_lossy(&refused.stdout), String::from_utf8_lossy(&refused.stderr));
    assert_eq!(refused.status.code(), Some(1), "{told}");
    for part in ["MALFORMED", "condition.expression", "expected `and` or the end in term 1, found \"or\"", "`event "] {
        assert!(told.contains(part), "expected {part:?} in {told}");
    }

    let file = intent_file(&site, "balance EUR in bank >= 1000.00 and event shipped-7");
    let booked = lines(&engine, &alice, "alice", &["submit", &file]).remove(0);
    let intent = booked.split(' ').next().expect("an id").to_owned();
    let listed = lines(&engine, &alice, "alice", &["intents"]);
    assert!(listed[1].ends_with("expected event shipped-7, found none yet"), "{listed:?}");

    assert_eq!(held_by_bob(&client).await, 0);
    for event in ["shipped-7", "shipped-8", "lost"] {
        lines(&engine, &admin, "admin", &["admin", "event", event]);
    }
    lines(&engine, &admin, "admin", &["admin", "event", "shipped-8", "--withdraw"]);
    let again = run(&engine, &admin, "admin", &["admin", "event", "shipped-8", "--withdraw"]);
    let told = String::from_utf8_lossy(&again.stderr);
    assert!(again.status.success() && told.contains("event shipped-8 is not attested"), "{told}");
    assert_eq!(lines(&engine, &admin, "admin", &["admin", "events"]), ["lost", "shipped-7"]);
    assert_eq!(attested(&engine, "").await, ["lost", "shipped-7"]);
    assert_eq!(attested(&engine, "lost").await, ["shipped-7"]);
    let changes = lines(&engine, &alice, "alice", &["watch", &intent, "--json"]);
    let changes: Vec<Value> = changes.iter().map(|line| serde_json::from_str(line).expect("one object")).collect();
    // Floors are told only to those who watch while an auction is open.
    let names = changes.iter().filter_map(|change| change["change"].as_str()).filter(|name| *name != "floor");
    let names: Vec<&str> = names.collect();
    assert_eq!(names, ["accepted", "waiting", "offered", "filled", "ended"]);
    assert_eq!(changes[1]["value"]["code"], "CONDITION_NOT_MET");
    assert_eq!(held_by_bob(&client).await, 250);

    assert_eq!(engine.terminate().code(), Some(0));
    for lanes in ["1", "8"] {
        let replayed = program().arg("replay").arg(site.data()).args(["--lanes", lanes]).output().expect("a replay");
        assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stdout));
    }
}
