//! `replay`: re-runs a log and compares roots.

use std::path::PathBuf;

use clearlane_engine::replay::{ReplayReport, replay};
use serde_json::json;

use super::failure::Failure;
use super::report;

/// Re-runs a log from its first record and compares every root and decision; changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane replay ./data
  clearlane replay ./data --to 1000 --lanes 8 --json

Exits 0 if everything was found again and 1 if not.")]
pub(crate) struct Replay {
    /// The engine's data folder.
    dir: PathBuf,
    /// Stops after this batch.
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    /// Threads for clearing; the result is the same on any number.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    lanes: u16,
}

impl Replay {
    /// Replays and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        if !self.dir.is_dir() {
            return Err(Failure::Failed(format!("expected a folder with a log, found none at {}", self.dir.display())));
        }
        let spinner = report::spinner("replaying");
        let replayed = replay(&self.dir, self.to, usize::from(self.lanes));
        spinner.finish_and_clear();
        let found = replayed.map_err(|error| Failure::Failed(error.to_string()))?;
        print_report(&found, is_json)?;
        if found.equal { Ok(()) } else { Err(Failure::Reported) }
    }
}

fn print_report(found: &ReplayReport, is_json: bool) -> Result<(), Failure> {
    let nanos = found.elapsed.as_nanos().max(1);
    let per_second = u128::from(found.records).saturating_mul(1_000_000_000).checked_div(nanos).unwrap_or(0);
    let per_second = u64::try_from(per_second).unwrap_or(u64::MAX);
    let json = json!({
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
        "records_per_second": per_second,
    });
    let verdict = match (&found.difference, found.equal) {
        (Some(difference), _) => format!("DIFFERENT: {difference}"),
        (None, true) => "equal".to_owned(),
        (None, false) => "NOTHING TO COMPARE: the log records no root yet".to_owned(),
    };
    let compared = format!("{} state roots and {} outcome roots", found.compared_roots, found.compared_outcomes);
    let human = format!(
        "{} records in {} batches, {per_second} records a second\n\
         root      {}\nexpected  {}\ncompared  {compared}\n{verdict}; {} torn bytes left out",
        found.records, found.batches, found.root, found.expected_root, found.torn_bytes,
    );
    report::print(is_json, &human, &json)
}
