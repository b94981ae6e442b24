//! `solver`: a solver process that competes in an engine's auctions.

use clearlane_client::KeyPair;
use clearlane_solver::session::{SessionOptions, compete};
use serde_json::json;

use super::caller::Caller;
use super::failure::Failure;
use super::report;
use super::signals::{stop_requested, trace_to_stderr};

/// Competes in an engine's auctions until Ctrl-C or SIGTERM.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane keys new --out solver.key
  clearlane admin party fast-solver --key admin.key
  clearlane admin key fast-solver solver $(clearlane keys show --key solver.key) --key admin.key
  clearlane solver --engine 127.0.0.1:7700 --strategy optimal --key solver.key

What became of each bundle goes to stderr, scores in 10^-18 of the reference asset: what it won at, or to whose
bundle it lost, on what, and by how much. An engine that goes away is tried again for ten minutes, and asked for the
results of what ended meanwhile.
Exits 0 when stopped and 1 if it is not registered or the engine stays away.")]
pub(crate) struct Solver {
    /// How it answers: direct, netting, joint or optimal.
    #[arg(long, value_name = "NAME", default_value = "optimal")]
    strategy: String,
}

impl Solver {
    /// Competes until it is told to stop or the engine stays away.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        trace_to_stderr();
        clearlane_solver::strategy::strategy(&self.strategy).map_err(|error| Failure::Usage(error.to_string()))?;
        let key = KeyPair::read(&caller.key)?.seed();
        let options = SessionOptions { engine: caller.engine.clone(), key, strategy: self.strategy.clone() };
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let session = compete(options, stopped);
        tokio::pin!(session);
        let ended = tokio::select! {
            ended = &mut session => ended,
            requested = stop_requested() => {
                requested?;
                stop.send_replace(true);
                session.await
            }
        };
        let found = ended.map_err(|error| Failure::Failed(error.to_string()))?;
        let human = format!(
            "{} auctions ({} by what changed), {} solutions, {} bundles: {} won, {} lost, {} refused",
            found.auctions, found.deltas, found.solutions, found.bundles, found.won, found.lost, found.refused,
        );
        let json = json!({
            "auctions": found.auctions, "deltas": found.deltas, "solutions": found.solutions, "bundles": found.bundles,
            "won": found.won, "lost": found.lost, "refused": found.refused,
        });
        report::print(caller.json, &human, &json)
    }
}
