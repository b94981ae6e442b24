//! A recorded auction held again: the recorded strategy captures what was recorded, another one what it is worth, and
//! a stored result gates later ones.

use std::process::Output;

use clearlane_client::Client;
use clearlane_client::envelope::{command, envelope, envelope_of};
use clearlane_core::auction::Verdict;
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_solver::session::{Notice, prepared};
use clearlane_solver::strategy::{Budget, strategy};
use serde_json::Value;

use crate::auctions::{session, set_up_solver};
use crate::harness::{Process, Site, admin_key, alice_key, all_done, id, now, payment, program, set_up, side};

const FLAGS: [&str; 6] = ["--auction-every-ms", "50", "--bidding-ms", "500", "--settling-ms", "20000"];

/// Prices, and two swaps of alice's that only serve each other: there is no venue.
async fn opposing_swaps(client: &Client) {
    let millis = now(client).await;
    let price = |asset: &str, price: &str| {
        Action::SetPrice(wire::SetPrice { asset: asset.to_owned(), price: price.to_owned() })
    };
    let prices = vec![price("EUR", "1"), price("USD", "0.9")];
    let signed = envelope_of(&admin_key(), "admin", prices, millis).expect("randomness");
    all_done(&client.apply(signed).await.expect("prices"));
    let swap = |give: wire::Side, get: wire::Side| {
        let option = wire::Option { give: Some(give), get: Some(get), maximum: None };
        Action::Intent(wire::Intent { options: vec![option], payee: String::new(), ..payment(millis) })
    };
    let swaps = [
        command(id(millis), swap(side("EUR", "100.00"), side("USD", "105.00"))),
        command(id(millis), swap(side("USD", "110.00"), side("EUR", "97.00"))),
    ];
    client.submit(envelope(&alice_key(), "alice", &swaps)).await.expect("booked intents");
}

/// Bids with the netting strategy until a bundle of it has won.
async fn win(engine: &Process) {
    let mut session = session(engine).await;
    loop {
        match session.next().await.expect("a stream").expect("a notice") {
            Notice::Opened(input) => {
                let netting = strategy("netting").expect("a strategy");
                let proposal = prepared(&input, netting.solve(&input, &Budget::unlimited()));
                session.answer(input.auction, &proposal).await.expect("an open stream");
            }
            Notice::Result(outcome) if outcome.verdicts.iter().any(|told| matches!(told, Verdict::Won(_))) => return,
            Notice::Result(_) | Notice::Closed(_) | Notice::Refused(_) | Notice::Gone(..) => {}
        }
    }
}

fn replay(site: &Site, flags: &[&str]) -> Output {
    program().arg("replay").arg(site.data()).arg("--json").args(flags).output().expect("a replay")
}

/// What a backtest prints, and whether it succeeded.
fn backtest(site: &Site, flags: &[&str]) -> (Value, bool) {
    let output = replay(site, flags);
    assert!(output.stderr.is_empty(), "progress is for terminals: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let json: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).expect("one JSON object");
    (json["what_if"].clone(), output.status.success())
}

/// The auction in which something was captured.
fn captured(what_if: &Value) -> &Value {
    let rows = what_if["auctions"].as_array().expect("auctions");
    rows.iter().find(|row| row["recorded"]["captured"] != "0").expect("an auction that captured something")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_auction_is_held_again_and_gated() {
    let site = Site::new();
    let engine = site.start_with(&FLAGS);
    let client = engine.connect().await;
    set_up(&client).await;
    set_up_solver(&client).await;
    opposing_swaps(&client).await;
    win(&engine).await;
    drop(client);
    assert_eq!(engine.terminate().code(), Some(0));

    as_recorded(&site);
    head_to_head(&site);
    gates(&site);
}

/// The strategy that was recorded, alone, beside itself and in its own place.
fn as_recorded(site: &Site) {
    for flags in [&["--what-if", "netting"][..], &["--what-if", "netting", "--as", "solver", "--lanes", "2"]] {
        let (what_if, succeeded) = backtest(site, flags);
        let row = captured(&what_if);
        assert!(succeeded, "{what_if}");
        assert_eq!(row["what_if"]["captured"], row["recorded"]["captured"], "{row}");
        assert_eq!((&row["recorded"]["winner"], &row["what_if"]["winner"]), (&"solver".into(), &"netting".into()));
        assert_eq!(row["what_if"]["margin"], row["what_if"]["captured"], "nobody else won anything");
        assert_eq!(what_if["totals"]["what_if"]["gain"], "0");
    }
    // Beside its recorded self it finds the intents taken, or takes them: the same is captured.
    let (what_if, _) = backtest(site, &["--what-if", "netting", "--keep-recorded"]);
    let row = captured(&what_if);
    assert_eq!(row["what_if"]["captured"], row["recorded"]["captured"]);
    let (won, lost) = (row["what_if"]["won"].as_u64(), row["what_if"]["lost"].as_u64());
    assert_eq!(won.zip(lost).map(|(won, lost)| won + lost), row["what_if"]["bundles"].as_u64());
    let unknown = replay(site, &["--what-if", "netting", "--as", "nobody"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("found no solution of nobody"));
}

/// One that meets every intent alone wins nothing here.
fn head_to_head(site: &Site) {
    let (what_if, succeeded) =
        backtest(site, &["--what-if", "direct", "--against", "netting", "--budget-steps", "900"]);
    assert!(succeeded, "{what_if}");
    let row = captured(&what_if);
    let recorded = &row["recorded"]["captured"];
    assert_eq!((&row["what_if"]["captured"], &row["against"]["captured"]), (&"0".into(), recorded));
    assert_eq!((&row["head_to_head"]["ahead"], &row["head_to_head"]["by"]), (&"netting".into(), recorded));
    let duel = &what_if["totals"]["head_to_head"];
    assert_eq!((&duel["against"]["auctions"], &duel["against"]["margin"]), (&1.into(), recorded));
    assert_eq!(replay(site, &["--what-if", "direct", "--against", "direct"]).status.code(), Some(2));
}

/// Stores a result as a file of this name.
fn store(site: &Site, name: &str, text: &str) -> String {
    let path = site.file(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

fn gates(site: &Site) {
    let stored = String::from_utf8(replay(site, &["--what-if", "netting"]).stdout).expect("text");
    let file = store(site, "baseline.json", &stored);
    let (what_if, succeeded) = backtest(site, &["--what-if", "netting", "--gate", &file]);
    assert!(succeeded && what_if["gate"]["passed"] == true, "{what_if}");
    let number = captured(&what_if)["auction"].clone();
    let score = captured(&what_if)["what_if"]["captured"].as_str().expect("a score").to_owned();

    // A strategy that captures less fails by name, however much a small tolerance spares.
    let flags = ["--what-if", "direct", "--gate", &file, "--tolerance-bps", "9999"];
    let (what_if, succeeded) = backtest(site, &flags);
    let shortfalls = &what_if["gate"]["shortfalls"];
    assert!(!succeeded && shortfalls.as_array().is_some_and(|all| all.len() == 2), "{shortfalls}");
    assert_eq!((&shortfalls[0]["auction"], &shortfalls[0]["code"]), (&number, &"LESS".into()));
    assert_eq!((&shortfalls[0]["captured"], &shortfalls[1]["code"]), (&"0".into(), &"LESS_IN_TOTAL".into()));

    // A stored score that is a little higher than the truth is found out, and spared by a tolerance.
    let mut tampered: Value = serde_json::from_str(&stored).expect("JSON");
    let rows = tampered["what_if"]["auctions"].as_array_mut().expect("auctions");
    let row = rows.iter_mut().find(|row| row["auction"] == number).expect("the auction");
    row["what_if"]["captured"] = raised(&score).into();
    let higher = store(site, "higher.json", &tampered.to_string());
    assert_eq!(replay(site, &["--what-if", "netting", "--gate", &higher]).status.code(), Some(1));
    let spared = ["--what-if", "netting", "--gate", &higher, "--tolerance-bps", "2"];
    assert_eq!(replay(site, &spared).status.code(), Some(0));

    // One that was taken among other bidders, or stopped, is refused.
    let among = replay(site, &["--what-if", "netting", "--keep-recorded", "--gate", &file]);
    let told = String::from_utf8_lossy(&among.stderr);
    assert!(among.status.code() == Some(1) && told.contains("beside the recorded solutions"), "{told}");

    // Another log's result, and one with an auction more, gate nothing away.
    let mut other: Value = serde_json::from_str(&stored).expect("JSON");
    other["what_if"]["auctions"][0]["input"] = "00".into();
    let mut more = other["what_if"]["auctions"][0].clone();
    more["auction"] = 999_999.into();
    other["what_if"]["auctions"].as_array_mut().expect("auctions").push(more);
    let other = store(site, "other.json", &other.to_string());
    let (what_if, succeeded) = backtest(site, &["--what-if", "netting", "--gate", &other]);
    let codes: Vec<_> = what_if["gate"]["shortfalls"].as_array().expect("shortfalls").iter().collect();
    assert!(!succeeded && codes.iter().any(|one| one["code"] == "OTHER_INPUT"), "{codes:?}");
    assert!(codes.iter().any(|one| one["code"] == "MISSING" && one["auction"] == 999_999), "{codes:?}");
}

/// A score that is a ten-thousandth higher.
fn raised(score: &str) -> String {
    let (whole, fraction) = score.split_once('.').unwrap_or((score, ""));
    let units = format!("{whole}{fraction:0<18}").parse::<u128>().expect("digits");
    let units = units + units / 10_000;
    format!("{}.{:018}", units / 1_000_000_000_000_000_000, units % 1_000_000_000_000_000_000)
}
