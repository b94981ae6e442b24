//! `engine`: runs an engine until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use clearlane_engine::server::start;
use clearlane_engine::settings::Settings;
use serde_json::{Value, json};

use super::failure::Failure;
use super::report;
use super::signals::{stop_requested, trace_to_stderr};

/// Runs the engine until Ctrl-C or SIGTERM; a file gives settings, flags go over it, all are printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane keys new --out admin.key
  clearlane engine --data ./data --admin-key $(clearlane keys show --key admin.key)
  clearlane engine --config engine.toml --listen 0.0.0.0:7700

A configuration file is TOML with the flags' names, hyphens as underscores: listen = \"0.0.0.0:7700\".
What was fixed when the folder was new must be the same ever after, or the engine refuses to start.")]
pub(crate) struct Engine {
    /// A TOML file with settings.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder that holds the log.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The cell's name; fixed in a new folder.
    #[arg(long, value_name = "NAME")]
    cell: Option<String>,
    /// The asset in which scores are counted; fixed in a new folder.
    #[arg(long, value_name = "CODE")]
    reference_asset: Option<String>,
    /// The first administrator's name; fixed in a new folder.
    #[arg(long, value_name = "NAME")]
    admin: Option<String>,
    /// The first administrator's public key; needed for a new folder.
    #[arg(long, value_name = "KEYHEX")]
    admin_key: Option<String>,
    /// How far above the reference price surplus counts, in parts per million; fixed in a new folder.
    #[arg(long, value_name = "N")]
    surplus_cap_ppm: Option<u32>,
    /// The most intents offered in one auction; fixed in a new folder.
    #[arg(long, value_name = "N")]
    auction_intents_max: Option<u32>,
    /// Milliseconds from one auction's opening to the next.
    #[arg(long, value_name = "N")]
    auction_every_ms: Option<u64>,
    /// Milliseconds in which an auction takes solutions.
    #[arg(long, value_name = "N")]
    bidding_ms: Option<u64>,
    /// Milliseconds after the close until an unsettled auction is void.
    #[arg(long, value_name = "N")]
    settling_ms: Option<u64>,
    /// Threads for clearing; 0 takes one per processor.
    #[arg(long, value_name = "N")]
    lanes: Option<usize>,
    /// Threads that verify signatures; 0 takes one per processor.
    #[arg(long, value_name = "N")]
    verifiers: Option<usize>,
    /// How many times as fast as the wall the engine's clock runs.
    #[arg(long, value_name = "N")]
    clock_scale: Option<u32>,
    /// Where the clock starts in a new folder, in nanoseconds since 1970.
    #[arg(long, value_name = "N")]
    clock_start_ns: Option<u64>,
}

impl Engine {
    /// Starts, waits for the signal, and stops cleanly.
    pub(crate) async fn run(&self, is_json: bool) -> Result<(), Failure> {
        trace_to_stderr();
        let settings = self.settings()?;
        let shown = serde_json::to_value(&settings).map_err(|error| Failure::Failed(error.to_string()))?;
        for (name, value) in shown.as_object().into_iter().flatten() {
            report::note(&format!("{name} = {value}"));
        }
        // Listened for before the engine says where it listens: whoever reads that may signal at once.
        let mut requested = std::pin::pin!(stop_requested());
        let running = tokio::select! {
            biased;
            _ = &mut requested => end_at_once("while it was starting"),
            running = start(&settings) => running.map_err(|error| Failure::Failed(error.to_string()))?,
        };
        let address = running.address();
        say(is_json, &format!("listening on {address}"), &json!({ "listening": address, "settings": shown }));
        let requested = tokio::select! {
            requested = requested => requested,
            () = running.halted() => Ok(()),
        };
        let stopped = tokio::select! {
            biased;
            _ = stop_requested() => end_at_once("by a second signal"),
            stopped = running.stop() => stopped.map_err(|error| Failure::Failed(error.to_string())),
        };
        requested.and(stopped)?;
        say(is_json, "stopped", &json!({ "stopped": true, "address": address }));
        Ok(())
    }

    fn settings(&self) -> Result<Settings, Failure> {
        let read = self.config.as_deref().map(Settings::read).transpose();
        let mut settings = read.map_err(|error| Failure::Failed(error.to_string()))?.unwrap_or_default();
        over(&mut settings.data, self.data.as_ref());
        over(&mut settings.listen, self.listen.as_ref());
        over(&mut settings.cell, self.cell.as_ref());
        over(&mut settings.reference_asset, self.reference_asset.as_ref());
        over(&mut settings.admin, self.admin.as_ref());
        over(&mut settings.admin_key, self.admin_key.as_ref());
        over(&mut settings.surplus_cap_ppm, self.surplus_cap_ppm.as_ref());
        over(&mut settings.auction_intents_max, self.auction_intents_max.as_ref());
        over(&mut settings.auction_every_ms, self.auction_every_ms.as_ref());
        over(&mut settings.bidding_ms, self.bidding_ms.as_ref());
        over(&mut settings.settling_ms, self.settling_ms.as_ref());
        over(&mut settings.lanes, self.lanes.as_ref());
        over(&mut settings.verifiers, self.verifiers.as_ref());
        over(&mut settings.clock_scale, self.clock_scale.as_ref());
        settings.clock_start_ns = self.clock_start_ns.or(settings.clock_start_ns);
        Ok(settings)
    }
}

/// Ends the process: what was acknowledged is in the log, and whoever asks here does not want to wait for the rest.
fn end_at_once(when: &str) -> ! {
    eprintln!("clearlane: stopped {when}");
    std::process::exit(1)
}

/// Prints; an engine goes on where that fails.
fn say(is_json: bool, human: &str, json: &Value) {
    if let Err(failure) = report::print(is_json, human, json) {
        report::note(&failure.to_string());
    }
}

fn over<T: Clone>(setting: &mut T, flag: Option<&T>) {
    if let Some(flag) = flag {
        setting.clone_from(flag);
    }
}
