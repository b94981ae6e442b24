//! Starting: what can't work is refused before anything is written, and by name.

use clearlane_client::keys::to_hex;

use crate::harness::{Site, admin_key, program};

#[test]
fn settings_that_genesis_fixed_are_compared_and_each_difference_named() {
    let site = Site::new();
    assert_eq!(site.start().terminate().code(), Some(0));
    let flags = ["--cell", "other", "--admin", "root", "--auction-intents-max", "7"];
    let (status, listened, told) = site.start_in_vain_with(&flags);
    assert_eq!((status.code(), listened.as_str()), (Some(1), ""), "{told}");
    for expected in [
        "cell is main in the log and other here",
        "admin is admin in the log and root here",
        "auction_intents_max is 5000 in the log and 7 here",
    ] {
        assert!(told.contains(expected), "expected {expected:?}, found {told}");
    }
    assert_eq!(site.start().terminate().code(), Some(0), "a refused start changes nothing");
}

#[test]
fn windows_that_no_auction_could_keep_are_refused() {
    let site = Site::new();
    let (status, _, told) = site.start_in_vain_with(&["--clock-scale", "100000", "--bidding-ms", "1"]);
    assert_eq!(status.code(), Some(1));
    assert!(told.contains("bidding_ms"), "{told}");
    assert!(!site.data().exists());
}

#[test]
fn a_taken_address_is_refused_before_anything_is_written() {
    let first = Site::new();
    let engine = first.start();
    let second = Site::new();
    let mut command = program();
    command.arg("engine").arg("--data").arg(second.data()).args(["--listen", &engine.address]);
    let ended = command.arg("--admin-key").arg(to_hex(&admin_key().public())).output().expect("the program runs");
    assert_eq!(ended.status.code(), Some(1));
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(told.contains(&format!("listen on {}", engine.address)), "{told}");
    assert!(!second.data().exists());
}
