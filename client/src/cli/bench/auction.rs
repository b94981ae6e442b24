//! A real auction's bundles, cleared by each method: judging, the sweep in lanes, and the built-in bidder.

use std::path::Path;
use std::time::Duration;

use clearlane_core::auction::{AuctionInput, Clearing, Opened, Solution, clear, verify};
use clearlane_core::lanes::{Batch, Executor, Footprint, Sequential};
use clearlane_engine::executor::{Method, Workers};
use serde_json::{Value, json};

use super::super::competition::{chosen, compete, read_auction};
use super::super::failure::{Failure, read_file};
use super::super::report;
use super::{nanos, permille, rounds_in_turn};

/// Solves an auction once and clears its answers again and again.
pub(super) fn run(path: &Path, workers: Workers, rounds: u32, is_json: bool) -> Result<(), Failure> {
    let auction = read_auction(&read_file(path)?)?;
    let spinner = report::spinner("solving");
    let opened = Opened::new(&auction.input);
    let competition = compete(&opened, &chosen(&[])?, None)?;
    spinner.set_message("clearing");
    let solutions: Vec<Solution> = competition.answers.iter().map(|answer| answer.solution.clone()).collect();
    let bundles: usize = solutions.iter().map(|solution| solution.bundles.len()).sum();
    let is_commuting = is_commuting(&auction.input, &solutions);
    let methods = Method::ALL.into_iter().skip(1).filter(|method| *method != Method::Independent || is_commuting);
    let ways = methods.map(|method| (method.name(), workers.always(method)));
    let ways: Vec<_> = ways.chain([("chosen", workers)]).collect();
    let clear_by = |executor: &dyn Executor| opened.clear(&solutions, executor);
    let (in_turn, alone) = (|| clear_by(&Sequential), || clear(&auction.input, &[], &Sequential));
    let in_lanes: Vec<_> = ways.iter().map(|(_, executor)| || clear_by(executor)).collect();
    // Twice in turn: the first is what all are measured against, and the second, of a run of its own, what they equal.
    let mut works: Vec<&dyn Fn() -> Clearing> = vec![&alone, &in_turn, &in_turn];
    works.extend(in_lanes.iter().map(|work| -> &dyn Fn() -> Clearing { work }));
    let measured = rounds_in_turn(rounds, &works);
    let [(floor, _), (base, first), (_, expected), others @ ..] = measured.as_slice() else { return Ok(()) };
    let mut rows = vec![("sequential", *base, first == expected)];
    rows.extend(ways.iter().zip(others).map(|((name, _), (time, found))| (*name, *time, found == expected)));
    spinner.finish_and_clear();
    let row = |(name, time, is_equal): &(&str, Duration, bool)| {
        json!({
            "method": name, "nanos": nanos(*time), "speed_up_permille": permille(nanos(*base), nanos(*time)),
            "equal": is_equal,
        })
    };
    let json = json!({
        "bench": "settle", "auction": path.display().to_string(), "workers": workers.lanes(), "bundles": bundles,
        "floor_alone_nanos": nanos(*floor), "rows": rows.iter().map(row).collect::<Vec<_>>(),
    });
    report::print(is_json, &human(&json), &json)?;
    let differs = rows.iter().find(|(_, _, is_equal)| !is_equal);
    differs.map_or(Ok(()), |(name, ..)| Err(Failure::Failed(format!("{name} cleared otherwise"))))
}

/// Whether the bundles that hold alone may run in any order: elsewhere another method stands in for that.
fn is_commuting(input: &AuctionInput, solutions: &[Solution]) -> bool {
    let bundles = solutions.iter().flat_map(|solution| &solution.bundles);
    let footprints: Vec<Footprint> =
        bundles.filter_map(|bundle| verify(input, bundle).ok()).map(|verified| verified.footprint).collect();
    Batch::new(&footprints.iter().collect::<Vec<_>>()).is_some_and(|batch| batch.is_commuting())
}

fn human(json: &Value) -> String {
    let micros = |value: &Value| value.as_u64().unwrap_or(0).div_ceil(1_000).to_string();
    let mut text = format!(
        "{} bundles cleared on {} workers; {} µs of it the built-in bidder alone, which runs in turn\n",
        json["bundles"],
        json["workers"],
        micros(&json["floor_alone_nanos"]),
    );
    let cells = |row: &Value| {
        let speed_up = row["speed_up_permille"].as_u64().unwrap_or(0);
        vec![
            row["method"].as_str().unwrap_or_default().to_owned(),
            micros(&row["nanos"]),
            format!("{}.{:03}", speed_up / 1_000, speed_up % 1_000),
            (if row["equal"] == Value::Bool(true) { "equal" } else { "DIFFERENT" }).to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = json["rows"].as_array().into_iter().flatten().map(cells).collect();
    text.push_str(&report::table(&["method", "µs", "speed-up", "clearing"], &rows));
    text
}
