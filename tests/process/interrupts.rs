//! Ctrl-C in a long search: the best answer so far, not none.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Site, program};

/// The place of SIGINT in a mask of signals.
const INTERRUPT: u64 = 1 << 1;

/// Whether a process handles SIGINT by itself.
fn handles_interrupts(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & INTERRUPT != 0)
}

#[test]
fn an_interrupted_search_answers_with_what_it_has() {
    let Ok(folder) = std::env::var("CLEARLANE_DATA") else {
        eprintln!("SKIPPED: set CLEARLANE_DATA to the folder that holds auctions/public");
        return;
    };
    let file = format!("{folder}/auctions/public/public-fok-0060.json");
    let site = Site::new();
    let solution = site.file("solution.json");
    // Ten minutes, which the search would use to the end.
    let mut solve = program();
    solve.args(["solve", &file, "--strategy", "optimal", "--budget-ms", "600000", "--json", "--solution"]);
    let spawned = solve.arg(&solution).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.expect("the program starts");
    while !handles_interrupts(child.id()) {
        assert!(child.try_wait().expect("a process").is_none(), "it runs until it is asked to stop");
        std::thread::yield_now();
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("the kill command").success());
    let output = child.wait_with_output().expect("an end");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && output.stderr.is_empty(), "progress is for terminals: {output:?}");
    let json: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).expect("one JSON object");
    assert_eq!(json["stopped"], true);
    let checked = program().arg("check").arg(&file).arg(&solution).output().expect("a verdict");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
