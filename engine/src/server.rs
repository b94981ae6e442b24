//! Starts an engine on its folder and address, and stops it so that nothing acknowledged is lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use clearlane_core::record::{Body, Genesis};
use clearlane_core::time::{Span, Timestamp};
use clearlane_log::{Appended, Batch, FileLog, Log, LogError, Options, Sequence};
use clearlane_proto::record;
use crossbeam::channel::{Sender, bounded};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio_stream::wrappers::TcpListenerStream;

use crate::admission::Admission;
use crate::bids::Bids;
use crate::cell::Cell;
use crate::clock::Clock;
use crate::executor::Workers;
use crate::replay::{ReplayError, Replayed, rebuild};
use crate::scales::AssetScales;
use crate::sequencer::{NOTICES_MAX, Parts, REQUESTS_MAX, Request, Sequencer, SequencerError};
use crate::services::{self, Engine};
use crate::settings::{Settings, SettingsError};

/// Why an engine can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The log can't be opened or written.
    #[error("log: {0}")]
    Log(#[from] LogError),
    /// The log can't be replayed.
    #[error("replay: {0}")]
    Replay(#[from] ReplayError),
    /// The settings differ from what was logged at genesis.
    #[error("the log was started with other settings: {0}; start with those, or on another folder")]
    Differs(String),
    /// The address can't be used, or a thread can't be started.
    #[error("{what}: {source}")]
    Io {
        /// What failed.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// The gRPC server can't be built.
    #[error("server: {0}")]
    Server(String),
}

/// Why an engine stopped badly.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The sequencer halted.
    #[error("sequencer: {0}")]
    Sequencer(#[from] SequencerError),
    /// A thread or task panicked.
    #[error("{0} panicked")]
    Panicked(&'static str),
    /// The gRPC server failed.
    #[error("server: {0}")]
    Server(String),
}

/// An engine at work.
pub struct Running {
    address: SocketAddr,
    requests: Sender<Request>,
    stop: watch::Sender<bool>,
    sequencer: JoinHandle<Result<Cell, SequencerError>>,
    server: tokio::task::JoinHandle<Result<(), tonic::transport::Error>>,
}

/// Starts an engine: recovers its log, replays it, and listens.
///
/// # Errors
///
/// Says which setting, which part of the log, or which address can't be used.
pub async fn start(settings: &Settings) -> Result<Running, StartError> {
    let times = settings.times()?;
    let workers = Arc::new(Workers::new(threads(settings.lanes)));
    let (mut log, recovery) = FileLog::open(&settings.data, Options::default())?;
    tracing::info!(batches = recovery.batches, records = recovery.records, "log recovered");
    if recovery.torn_bytes > 0 {
        tracing::warn!(bytes = recovery.torn_bytes, "cut a torn tail that was never acknowledged");
    }
    let clock = starting_clock(settings);
    if log.last().is_none() {
        write_genesis(&mut log, settings, clock.now())?;
    }
    let cell = rebuild(&log, None, &workers, &mut Replayed::default())?.ok_or(ReplayError::Empty)?;
    check_settings(settings, &cell)?;
    let clock = clock.not_before(cell.state.clock.after(Span(1)));
    let scales = Arc::new(AssetScales::default());
    scales.take_in(&cell.state);
    let (requests, queue) = bounded(REQUESTS_MAX);
    let (notices, _) = broadcast::channel(NOTICES_MAX);
    let bids = Arc::new(Bids::default());
    let cell_name = settings.cell.clone();
    let (stop, stopped) = watch::channel(false);
    let parts = Parts {
        log: Box::new(log),
        cell,
        clock,
        times,
        workers,
        bids: Arc::clone(&bids),
        scales: Arc::clone(&scales),
        notices: notices.clone(),
    };
    let sequencer = spawn_sequencer(parts, queue, requests.clone(), stop.clone())?;
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| StartError::Io { what, source }
    };
    let (admission, _) =
        Admission::start(threads(settings.verifiers), &requests, &scales).map_err(io("start a verifier"))?;
    let listener = TcpListener::bind(settings.listen).await.map_err(io(&format!("listen on {}", settings.listen)))?;
    let address = listener.local_addr().map_err(io("listen"))?;
    let engine = Engine {
        admission,
        requests: requests.clone(),
        clock,
        bids,
        notices,
        cell: cell_name,
        stopped: stopped.clone(),
    };
    let router = services::router(engine).await.map_err(StartError::Server)?;
    let server = tokio::spawn(router.serve_with_incoming_shutdown(TcpListenerStream::new(listener), until(stopped)));
    tracing::info!(%address, "listening");
    Ok(Running { address, requests, stop, sequencer, server })
}

impl Running {
    /// Where the engine listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the engine stops by itself, because its log or its core failed.
    pub async fn halted(&self) {
        until(self.stop.subscribe()).await;
    }

    /// Stops taking requests, writes what was taken, checkpoints, and closes.
    ///
    /// # Errors
    ///
    /// Says what failed while the engine ran or stopped.
    pub async fn stop(self) -> Result<(), StopError> {
        let _ = self.requests.send(Request::Stop);
        let sequencer = tokio::task::spawn_blocking(move || self.sequencer.join()).await;
        let _ = self.stop.send(true);
        let served = self.server.await.map_err(|_| StopError::Panicked("the server"))?;
        match sequencer {
            Ok(Ok(result)) => result.map(|_| ()).map_err(StopError::from)?,
            Ok(Err(_)) | Err(_) => return Err(StopError::Panicked("the sequencer")),
        }
        served.map_err(|error| StopError::Server(error.to_string()))
    }
}

fn spawn_sequencer(
    parts: Parts,
    queue: crossbeam::channel::Receiver<Request>,
    itself: Sender<Request>,
    stop: watch::Sender<bool>,
) -> Result<JoinHandle<Result<Cell, SequencerError>>, StartError> {
    let work = move || {
        let result = Sequencer::new(parts, queue, itself).run();
        if let Err(error) = &result {
            tracing::error!(%error, "the sequencer halted");
            let _ = stop.send(true);
        }
        result
    };
    let spawned = std::thread::Builder::new().name("sequencer".to_owned()).spawn(work);
    spawned.map_err(|source| StartError::Io { what: "start the sequencer".to_owned(), source })
}

async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
}

fn starting_clock(settings: &Settings) -> Clock {
    match settings.clock_start_ns {
        Some(start) => Clock::new(Timestamp(start), settings.clock_scale),
        None => Clock::new(Clock::system().now(), settings.clock_scale),
    }
}

fn write_genesis(log: &mut FileLog, settings: &Settings, now: Timestamp) -> Result<(), StartError> {
    let (admin, admin_key) = settings.administrator()?;
    let genesis = Genesis { config: settings.config()?, admin, admin_key };
    let records = vec![record::encode(now, &Body::Genesis(Box::new(genesis)))];
    let outcomes_root = clearlane_log::merkle::MountainRange::default().root();
    let batch = Batch { time_ns: now.0, epoch: 0, applied_through: 0, outcomes_root, records };
    match log.append(Sequence(0), batch)? {
        Appended::Appended(_) => Ok(()),
        Appended::Fenced { .. } | Appended::Ambiguous => Err(StartError::Log(LogError::Halted)),
    }
}

fn check_settings(settings: &Settings, cell: &Cell) -> Result<(), StartError> {
    let (wanted, logged) = (settings.config()?, &cell.state.config);
    let mut differences = Vec::new();
    let mut compare = |name: &str, wanted: &dyn std::fmt::Display, logged: &dyn std::fmt::Display| {
        if wanted.to_string() != logged.to_string() {
            differences.push(format!("{name} is {logged} in the log and {wanted} here"));
        }
    };
    compare("cell", &wanted.cell, &logged.cell);
    compare("reference_asset", &wanted.reference_asset, &logged.reference_asset);
    compare("surplus_cap_ppm", &wanted.surplus_cap_ppm, &logged.surplus_cap_ppm);
    compare("auction_intents_max", &wanted.auction_intents_max, &logged.auction_intents_max);
    if differences.is_empty() { Ok(()) } else { Err(StartError::Differs(differences.join(", "))) }
}

fn threads(setting: usize) -> usize {
    if setting > 0 {
        return setting;
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
