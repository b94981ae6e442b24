//! Expiry: an idle engine lets intents expire when they are due, whatever the cadence of its auctions.

use clearlane_client::envelope::{command, envelope};
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::command_outcome::Result as Outcome;
use clearlane_proto::wire::intent_update::Change;

use crate::harness::{Site, alice_key, id, now, payment, set_up, side};

/// More than one record lets expire.
const INTENTS: usize = 600;

/// A swap that nobody fills, due so many milliseconds from now.
fn swap(millis: u64, due: u64) -> wire::Intent {
    let option = wire::Option { give: Some(side("EUR", "0.01")), get: Some(side("USD", "9.00")), maximum: None };
    let deadline_ns = (millis + due) * 1_000_000;
    wire::Intent { options: vec![option], payee: String::new(), deadline_ns, ..payment(millis) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_no_auction_could_fill_in_time_is_refused() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;
    let condition = Some(wire::Condition { expression: "event e".to_owned() });
    let conditional = wire::Intent { deadline_ns: swap(millis, 5_000).deadline_ns, condition, ..payment(millis) };
    for intent in [swap(millis, 5_000), conditional] {
        let asked = [command(id(millis), Action::Intent(intent))];
        let answers = client.submit(envelope(&alice_key(), "alice", &asked)).await;
        let Some(Outcome::Refusal(refusal)) = answers.expect("answers").remove(0).result else { panic!("accepted") };
        assert_eq!((refusal.code.as_str(), refusal.field.as_str()), ("DEADLINE_PASSED", "intent.deadline_ns"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booked_intent_sent_again_near_its_deadline_gets_its_first_outcome() {
    let site = Site::new();
    let engine = site.start();
    let client = engine.connect().await;
    set_up(&client).await;
    let millis = now(&client).await;
    // Made a while ago, due sooner than a new auction could end.
    let asked = [command(id(millis - 20_000), Action::Intent(swap(millis, 5_000)))];
    for is_repeated in [false, true] {
        let answers = client.submit(envelope(&alice_key(), "alice", &asked)).await.expect("answers");
        assert!(matches!(answers[0].result, Some(Outcome::Accepted(_))), "{answers:?}");
        assert_eq!(answers[0].repeated, is_repeated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_intents_expire_long_before_the_next_auction() {
    let site = Site::new();
    let engine = site.start_with(&["--auction-every-ms", "86400000", "--bidding-ms", "100", "--settling-ms", "100"]);
    let client = engine.connect().await;
    set_up(&client).await;
    let mut watch = client.watch("alice", None).await.expect("a watch");
    let millis = now(&client).await;
    let swap = swap(millis, 1_000);
    let commands: Vec<_> = (0..INTENTS).map(|_| command(id(millis), Action::Intent(swap.clone()))).collect();
    let answers = client.submit(envelope(&alice_key(), "alice", &commands)).await.expect("answers");
    let refused = answers.iter().find_map(|outcome| match &outcome.result {
        Some(Outcome::Refusal(refusal)) => Some(refusal.clone()),
        Some(Outcome::Accepted(_)) | None => None,
    });
    assert_eq!(refused, None);
    let mut expired = 0;
    while expired < INTENTS {
        let update = watch.message().await.expect("an update").expect("a watch that goes on");
        expired += usize::from(update.change == Some(Change::Ended("expired".to_owned())));
    }
    assert_eq!(client.status().await.expect("a status").open_intents, 0);
}
