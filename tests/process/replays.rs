//! Replay says what it compared: roots of checkpoints where there are some, else the outcomes that batches name.

use serde_json::Value;

use crate::harness::{Site, all_done, id, now, payment, program, set_up, signed};

/// What a replay of the site's log prints, and whether it succeeded.
fn replay(site: &Site, flags: &[&str]) -> (Value, bool) {
    let replayed = program().arg("replay").arg(site.data()).arg("--json").args(flags).output().expect("a replay");
    let text = String::from_utf8_lossy(&replayed.stdout);
    let json = serde_json::from_str(text.lines().last().unwrap_or_default()).expect("one JSON object as the last line");
    (json, replayed.status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_claims_no_root_that_the_log_does_not_record() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;
    all_done(&client.submit(signed(id(millis), payment(millis))).await.expect("a payment"));
    let root = clearlane_client::keys::to_hex(&client.root().await.expect("a root").root);
    engine.kill();

    let (json, succeeded) = replay(&site, &[]);
    assert!(succeeded && json["equal"] == true, "outcomes were compared: {json}");
    assert_eq!(json["expected_root"], "none recorded");
    assert_eq!(json["root"], root, "the root at the end");
    let (json, succeeded) = replay(&site, &["--to", "1"]);
    assert!(!succeeded && json["equal"] == false, "nothing was compared: {json}");

    drop(client);
    assert_eq!(site.start().terminate().code(), Some(0));
    let (json, succeeded) = replay(&site, &[]);
    assert!(succeeded && json["equal"] == true, "{json}");
    assert_eq!(json["root"], json["expected_root"]);
}
