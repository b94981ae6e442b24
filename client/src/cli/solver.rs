//! `solver`: a solver process that competes in an engine's auctions, or answers those of CoW Protocol.

use std::sync::Arc;
use std::time::Duration;

use clearlane_client::KeyPair;
use clearlane_solver::cow::{ServeOptions, ViaCow, serve};
use clearlane_solver::session::{SessionOptions, compete, compete_with};
use serde_json::json;

use super::caller::Caller;
use super::failure::Failure;
use super::report;
use super::signals::{stop_requested, trace_to_stderr};

/// Competes in an engine's auctions, or answers those of CoW's driver, until Ctrl-C or SIGTERM.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane keys new --out solver.key
  clearlane admin party fast-solver --key admin.key
  clearlane admin key fast-solver solver $(clearlane keys show --key solver.key) --key admin.key
  clearlane solver --engine 127.0.0.1:7700 --strategy optimal --key solver.key
  clearlane solver --engine 127.0.0.1:7700 --via-cow http://127.0.0.1:8080 --key solver.key
  clearlane solver --serve-cow 127.0.0.1:8080 --strategy optimal

What became of each bundle goes to stderr, scores in 10^-18 of the reference asset: what it won at, or to whose
bundle it lost, on what, and by how much. An engine that goes away is tried again for ten minutes, and asked
for the results of what ended meanwhile.
With --via-cow a CoW solver engine bids: it is asked for each auction, and what it answers in time is proposed.
With --serve-cow it is a solver engine for CoW Protocol's driver instead: POST /solve over plain HTTP, until the
deadline of each request; it needs no key. docs/COW.md says what is carried.
Exits 0 when stopped and 1 if it is not registered, the engine stays away, or the address is taken.")]
pub(crate) struct Solver {
    /// How it answers: direct, netting, joint or optimal.
    #[arg(long, value_name = "NAME", default_value = "optimal")]
    strategy: String,
    /// Lets the CoW solver engine at this address bid, as http://host:port, plain HTTP only, in place of a strategy.
    #[arg(long, value_name = "URL", conflicts_with_all = ["strategy", "serve_cow"], value_parser = via_cow)]
    via_cow: Option<ViaCow>,
    /// Answers CoW's driver at this address, plain HTTP, in place of competing.
    #[arg(long, value_name = "ADDR")]
    serve_cow: Option<String>,
    /// Milliseconds that an answer to CoW's driver may take, within the request's own deadline.
    #[arg(long, value_name = "N", requires = "serve_cow")]
    budget_ms: Option<u64>,
}

fn via_cow(url: &str) -> Result<ViaCow, String> {
    ViaCow::new(url).map_err(|error| error.to_string())
}

impl Solver {
    /// Competes until it is told to stop or the engine stays away.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        trace_to_stderr();
        clearlane_solver::strategy::strategy(&self.strategy).map_err(|error| Failure::Usage(error.to_string()))?;
        if let Some(address) = &self.serve_cow {
            return self.serve_cow(address, caller.json).await;
        }
        let key = KeyPair::read(&caller.key)?.seed();
        let via_cow = self.via_cow.clone();
        let strategy = if via_cow.is_some() { "cow" } else { self.strategy.as_str() }.to_owned();
        let options = SessionOptions { engine: caller.engine.clone(), key, strategy };
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let session = async {
            match via_cow {
                Some(engine) => compete_with(options, Arc::new(engine), stopped).await,
                None => compete(options, stopped).await,
            }
        };
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

    /// Answers CoW's driver until it is told to stop.
    async fn serve_cow(&self, address: &str, is_json: bool) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("can't listen on {address}: {error}"));
        // Listened for before it says where it listens: whoever reads that may signal at once.
        let mut requested = std::pin::pin!(stop_requested());
        let listener = tokio::select! {
            biased;
            requested = requested.as_mut() => return requested,
            listener = tokio::net::TcpListener::bind(address) => listener.map_err(failed)?,
        };
        let bound = listener.local_addr().map_err(failed)?.to_string();
        let options =
            ServeOptions { strategy: self.strategy.clone(), budget: self.budget_ms.map(Duration::from_millis) };
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let serving = serve(listener, options, stopped);
        tokio::pin!(serving);
        report::print(is_json, &format!("listening on {bound}"), &json!({ "listening": bound }))?;
        let served = tokio::select! {
            served = &mut serving => served,
            requested = requested => {
                requested?;
                stop.send_replace(true);
                serving.await
            }
        };
        served.map_err(|error| Failure::Failed(error.to_string()))?;
        report::print(is_json, "stopped", &json!({ "stopped": true, "address": bound }))
    }
}
