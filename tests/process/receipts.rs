//! Floors and receipts as users see them: while an auction is open, when it settles, and again after a restart.

use clearlane_client::Client;
use clearlane_client::envelope::envelope_of;
use clearlane_client::ids::id_text;
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::intent_update::Change;
use clearlane_proto::wire::venue_terms::Kind as Terms;

use crate::harness::{Site, admin_key, all_done, amount, id, now, payment, program, set_up, side, signed};

const FLAGS: [&str; 6] = ["--auction-every-ms", "50", "--bidding-ms", "2000", "--settling-ms", "20000"];

/// Prices, and a pool of 10,000.00 of each asset without a fee.
async fn open_pool(client: &Client) {
    let price = |asset: &str| Action::SetPrice(wire::SetPrice { asset: asset.to_owned(), price: "1".to_owned() });
    let deposit = |asset: &str| {
        let amount = Some(amount(asset, "10000.00"));
        Action::Deposit(wire::Movement { party: "admin".to_owned(), amount, module: "bank".to_owned() })
    };
    let pool = wire::DefineVenue {
        name: "pool".to_owned(),
        assets: vec!["EUR".to_owned(), "USD".to_owned()],
        modules: vec!["bank".to_owned(); 2],
        inventory: vec!["1000000".to_owned(); 2],
        terms: Some(wire::VenueTerms { kind: Some(Terms::ConstantProduct(wire::ConstantProduct { fee_ppm: 0 })) }),
    };
    let actions = vec![price("EUR"), price("USD"), deposit("EUR"), deposit("USD"), Action::DefineVenue(pool)];
    let signed = envelope_of(&admin_key(), "admin", actions, now(client).await).expect("randomness");
    all_done(&client.apply(signed).await.expect("definitions"));
}

async fn alone(client: &Client) -> wire::IntentStatus {
    let mut intents = client.list("alice", None, 10).await.expect("intents");
    assert_eq!(intents.len(), 1);
    intents.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_floor_is_shown_at_the_open_and_on_the_receipt_and_after_a_restart() {
    let site = Site::new();
    let engine = site.start_with(&FLAGS);
    let client = engine.connect().await;
    set_up(&client).await;
    open_pool(&client).await;
    let millis = now(&client).await;
    let option = wire::Option { give: Some(side("EUR", "100.00")), get: Some(side("USD", "90.00")), maximum: None };
    let fill = Some(wire::Fill { rule: Some(wire::fill::Rule::AllOrNothing(true)) });
    let swap = wire::Intent { options: vec![option], payee: String::new(), fill, ..payment(millis) };
    let booked = id(millis);
    client.submit(signed(booked, swap)).await.expect("a booked intent");

    let mut watch = client.watch("alice", Some(booked)).await.expect("room for a watcher");
    // 10,000 cents into a pool of 1,000,000 of each give 9,900.
    let terms = wire::FloorTerms { option: 0, sold: "10000".to_owned(), bought: "9900".to_owned() };
    let shown = loop {
        let found = alone(&client).await;
        assert_eq!(found.state, "open", "its floor is shown before it settles");
        if let Some(floor) = found.floor {
            break floor;
        }
    };
    assert_eq!((shown.auction, shown.terms.as_ref()), (1, Some(&terms)));
    let (mut fills, mut floors) = (Vec::new(), Vec::new());
    while let Some(update) = watch.message().await.expect("an update") {
        match update.change {
            Some(Change::Filled(fill)) => fills.push(fill),
            Some(Change::Floor(floor)) => floors.push(floor),
            Some(Change::Accepted(_) | Change::Offered(_) | Change::Waiting(_) | Change::Ended(_)) | None => {}
        }
    }
    assert_eq!(floors, [shown], "told once");
    let [fill] = &fills[..] else { panic!("expected one fill, found {fills:?}") };
    assert_eq!((fill.auction, fill.bought.as_str(), fill.floor.as_ref()), (1, "9900", Some(&terms)));
    assert_eq!((fill.over_limit.as_str(), fill.over_floor.as_str()), ("900", "0"));
    // 9.00 USD beyond the limit at a price of 1; the cap, 1 % above the reference, does not bind.
    assert_eq!((fill.surplus.as_str(), &fill.captured), ("9000000000000000000", &fill.surplus));
    assert!(!fill.bound.is_empty() && !fill.missed_bps.is_empty());

    let before = alone(&client).await;
    assert_eq!(before.floor, None, "no auction takes solutions");
    drop(client);
    engine.kill();
    let engine = site.start_with(&FLAGS);
    let client = engine.connect().await;
    assert_eq!(alone(&client).await, before, "the log tells the same again");

    let mut listed = program();
    listed.args(["intents", "--engine", &engine.address, "--party", "alice"]);
    let text = String::from_utf8(listed.output().expect("a list").stdout).expect("text");
    let row = text.lines().find(|line| line.starts_with(&id_text(&booked))).expect("the intent's row");
    let cells: Vec<&str> = row.split_whitespace().skip(1).collect();
    assert_eq!(cells, ["settled", "10000", "9900", "900", "0"], "{text}");
    let mut watched = program();
    watched.args(["watch", &id_text(&booked), "--engine", &engine.address, "--party", "alice"]);
    let text = String::from_utf8(watched.output().expect("a watch").stdout).expect("text");
    assert!(
        text.contains("; 900 over its limit, 0 over its floor of 9900 for 10000; the auction captured 9.00 of"),
        "{text}"
    );
}
