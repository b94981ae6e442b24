//! Watching intents: a watch ends with its intent, and leaves nothing behind.

use clearlane_client::Client;
use clearlane_proto::wire::intent_update::Change;

use crate::harness::{Site, all_done, id, now, payment, set_up, signed};

/// More than the engine serves at a time.
const WATCHES: usize = 1_100;

/// The changes of an intent to its end, and whether the stream ended by itself then.
async fn changes(client: &Client, id: [u8; 16]) -> Vec<Change> {
    let mut watch = client.watch("alice", Some(id)).await.expect("room for a watcher");
    let mut changes = Vec::new();
    while let Some(update) = watch.message().await.expect("an update") {
        changes.extend(update.change);
    }
    changes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_with_its_intent_and_makes_room() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;
    let paid = id(millis);
    all_done(&client.submit(signed(paid, payment(millis))).await.expect("a payment"));
    for _ in 0..WATCHES {
        let changes = changes(&client, paid).await;
        assert_eq!(changes.first(), Some(&Change::Accepted(true)));
        assert_eq!(changes.last(), Some(&Change::Ended("settled".to_owned())));
    }
    // Those of clients that left in the middle make room as well.
    for _ in 0..WATCHES {
        drop(client.watch("alice", None).await.expect("room for a watcher"));
    }
}
