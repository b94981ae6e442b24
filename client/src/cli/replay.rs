//! `replay`: re-runs a log and compares roots, and on request holds its auctions again with another strategy.

use std::path::PathBuf;

use clearlane_engine::replay::{ReplayReport, replay, replay_before};
use serde_json::{Value, json};

use super::backtest::WhatIf;
use super::failure::Failure;
use super::report;

/// Re-runs a log from its first record and compares every root and decision; changes nothing.
///
/// With --what-if it also holds every auction that settled again with another strategy, on the recorded input and
/// judged as the engine judges, and says auction by auction what that captures beside what was captured.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane replay ./data
  clearlane replay ./data --to 1000 --lanes 8 --json
  clearlane replay ./data --what-if joint
  clearlane replay ./data --what-if joint --against netting --as fast-solver
  clearlane replay ./data --what-if optimal --budget-steps 2000 --json > baseline.json
  clearlane replay ./data --what-if optimal --budget-steps 2000 --gate baseline.json --tolerance-bps 5

Exits 0 if everything was found again and 1 if not. With --what-if, roots that the log lacks are no failure; a
gate that is not passed is, and so is a backtest that Ctrl-C stopped, which prints what it had.")]
pub(crate) struct Replay {
    /// The engine's data folder.
    dir: PathBuf,
    /// Stops after this batch.
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    /// Threads for clearing; the result is the same on any number.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    lanes: u16,
    #[command(flatten)]
    what_if: WhatIf,
}

impl Replay {
    /// Replays and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        if !self.dir.is_dir() {
            return Err(Failure::Failed(format!("expected a folder with a log, found none at {}", self.dir.display())));
        }
        let lanes = usize::from(self.lanes);
        let failed = |error: clearlane_engine::replay::ReplayError| Failure::Failed(error.to_string());
        let Some(mut backtest) = self.what_if.backtest(lanes)? else {
            let spinner = report::spinner("replaying");
            let replayed = replay(&self.dir, self.to, lanes);
            spinner.finish_and_clear();
            let found = replayed.map_err(failed)?;
            report::print(is_json, &text(&found), &object(&found))?;
            return if found.equal { Ok(()) } else { Err(Failure::Reported) };
        };
        let found = replay_before(&self.dir, self.to, lanes, &mut backtest).map_err(failed)?;
        let (tried, what_if, is_good) = backtest.finish()?;
        let mut json = object(&found);
        if let Some(fields) = json.as_object_mut() {
            fields.insert("what_if".to_owned(), what_if);
        }
        report::print(is_json, &format!("{}\n\n{tried}", text(&found)), &json)?;
        if is_good && found.difference.is_none() { Ok(()) } else { Err(Failure::Reported) }
    }
}

fn per_second(found: &ReplayReport) -> u64 {
    let nanos = found.elapsed.as_nanos().max(1);
    let per_second = u128::from(found.records).saturating_mul(1_000_000_000).checked_div(nanos).unwrap_or(0);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

fn object(found: &ReplayReport) -> Value {
    json!({
        "records": found.records,
        "batches": found.batches,
        "root": found.root.to_string(),
        "expected_root": found.expected_root.to_string(),
        "final_root": found.final_root.to_string(),
        "equal": found.equal,
        "compared_roots": found.compared_roots,
        "compared_outcomes": found.compared_outcomes,
        "difference": found.difference,
        "torn_bytes": found.torn_bytes,
        "records_per_second": per_second(found),
    })
}

fn text(found: &ReplayReport) -> String {
    let verdict = match (&found.difference, found.equal) {
        (Some(difference), _) => format!("DIFFERENT: {difference}"),
        (None, true) => "equal".to_owned(),
        (None, false) => "NOTHING TO COMPARE: the log records no root yet".to_owned(),
    };
    let compared = format!("{} state roots and {} outcome roots", found.compared_roots, found.compared_outcomes);
    format!(
        "{} records in {} batches, {} records a second\n\
         root      {}\nexpected  {}\ncompared  {compared}\n{verdict}; {} torn bytes left out",
        found.records,
        found.batches,
        per_second(found),
        found.root,
        found.expected_root,
        found.torn_bytes,
    )
}
