//! The demo: an engine and two solvers over real gRPC, a day of payments or one recorded auction, and the proof.
//!
//! Everything happens in a temporary folder that is removed at the end.

mod day;
mod rates;
mod recorded;
mod stage;
mod summary;

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::signals::stop_requested;
use stage::Played;

/// Runs an engine, two competing solvers and a day of intents, then replays the log and compares.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane demo                           a seeded day of cross-border payments and swaps
  clearlane demo --seed 7 --json           another day, with one JSON object as the last line
  clearlane demo --auction auction.json    one recorded auction through the real engine
  clearlane demo --keep day && clearlane replay day

Exits 0 if every replay ended in the engine's own state root, and 1 if not or if the day or auction is incomplete.")]
pub(crate) struct Demo {
    /// Which day: the same seed gives the same intents.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Runs this recorded auction instead of a day.
    #[arg(long, value_name = "FILE")]
    auction: Option<PathBuf>,
    /// Keeps the log in this new folder instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Demo {
    /// Runs it and prints what happened; fails if the replayed root differs.
    pub(crate) async fn run(self, is_json: bool) -> Result<(), Failure> {
        let started = std::time::Instant::now();
        let temporary = tempfile::Builder::new().prefix("clearlane-demo-").tempdir();
        let temporary =
            temporary.map_err(|error| Failure::Failed(format!("can't make a temporary folder: {error}")))?;
        let folder = self.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
        if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Failure::Failed(format!("--keep: expected a new folder, found files in {}", folder.display())));
        }
        let played = tokio::select! {
            played = self.play(&folder) => played?,
            // Returning drops the temporary folder, which a killed process leaves behind.
            requested = stop_requested() => {
                requested?;
                return Err(Failure::Failed("stopped before the end".to_owned()));
            }
        };
        let summary = summary::Summary::new(&folder, &played, started)?;
        summary.print(is_json)?;
        if summary.is_equal() { Ok(()) } else { Err(Failure::Failed("the replayed root differs".to_owned())) }
    }

    async fn play(&self, folder: &Path) -> Result<Played, Failure> {
        match &self.auction {
            Some(file) => recorded::play(folder, file).await,
            None => day::play(folder, self.seed).await,
        }
    }
}
