//! Expiry: an idle engine lets intents expire when they are due, whatever the cadence of its auctions.

use clearlane_client::envelope::{command, envelope};
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::intent_update::Change;

use crate::harness::{Site, alice_key, id, now, payment, set_up, side};

/// More than one record lets expire.
const INTENTS: usize = 600;

#[tokio::test(flavor = "multi_thread")]
async fn many_intents_expire_long_before_the_next_auction() {
    let site = Site::new();
    let engine = site.start_with(&["--auction-every-ms", "86400000"]);
    let client = engine.connect().await;
    set_up(&client).await;
    let mut watch = client.watch("alice", None).await.expect("a watch");
    let millis = now(&client).await;
    let option = wire::Option { give: Some(side("EUR", "0.01")), get: Some(side("USD", "9.00")), maximum: None };
    let deadline_ns = (millis + 1_000) * 1_000_000;
    let swap = wire::Intent { options: vec![option], payee: String::new(), deadline_ns, ..payment(millis) };
    let commands: Vec<_> = (0..INTENTS).map(|_| command(id(millis), Action::Intent(swap.clone()))).collect();
    client.submit(envelope(&alice_key(), "alice", &commands)).await.expect("answers");
    let mut expired = 0;
    while expired < INTENTS {
        let update = watch.message().await.expect("an update").expect("a watch that goes on");
        expired += usize::from(update.change == Some(Change::Ended("expired".to_owned())));
    }
    assert_eq!(client.status().await.expect("a status").open_intents, 0);
}
