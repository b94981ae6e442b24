//! Starts an engine on its folder and address, and stops it so that nothing acknowledged is lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use clearlane_core::record::{Body, Genesis};
use clearlane_core::time::{Span, Timestamp};
use clearlane_log::{Appended, Batch, FileLog, Log, LogError, Options, Sequence};
use clearlane_proto::record;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;

use crate::admission::{Admission, Known, Verifiers};
use crate::bids::Bids;
use crate::cell::Cell;
use crate::clock::Clock;
use crate::executor::Workers;
use crate::genesis::{self, Differences};
use crate::keys::ActiveKeys;
use crate::phase::{Phase, Phases};
use crate::replay::{ReplayError, Replayed, rebuild};
use crate::scales::AssetScales;
use crate::sequencer::{Door, NOTICES_MAX, Parts, Queues, Sequencer, SequencerError, Stopper, queues};
use crate::services::{self, Engine};
use crate::settings::{Settings, SettingsError};

/// How long clients may take to read their last answers once everything is written; a stream that nobody reads
/// would otherwise keep the engine from ending.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

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
    Differs(Differences),
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

/// An engine at work; one that is dropped without a stop ends by itself, and its address stays taken until then.
pub struct Running {
    address: SocketAddr,
    stopper: Stopper,
    phase: watch::Sender<Phase>,
    verifiers: Verifiers,
    sequencer: SequencerThread,
    server: tokio::task::JoinHandle<Result<(), tonic::transport::Error>>,
}

type SequencerThread = JoinHandle<Result<Cell, SequencerError>>;

/// Starts an engine: takes its address, recovers its log, replays it, and listens.
///
/// # Errors
///
/// Says which setting, which part of the log, or which address can't be used; nothing is written if the address
/// can't be, and nothing goes on running.
pub async fn start(settings: &Settings) -> Result<Running, StartError> {
    settings.times()?;
    let listener = TcpListener::bind(settings.listen).await;
    let listener = listener.map_err(io(format!("listen on {}", settings.listen)))?;
    let address = listener.local_addr().map_err(io("listen"))?;
    let prepared = {
        let settings = settings.clone();
        tokio::task::spawn_blocking(move || prepare(&settings)).await
    };
    let (parts, cell_name) =
        (prepared.map_err(|_| StartError::Server("recovery panicked".to_owned()))??, &settings.cell);
    let (door, stopper, queues) = queues();
    let (phase, receiver) = watch::channel(Phase::Working);
    let phases = Phases::new(receiver);
    let auction_takes = parts.times.bidding.and(parts.times.settling);
    let (scales, keys) = (Arc::clone(&parts.scales), Arc::clone(&parts.keys));
    let known = Known { scales, keys, auction_takes };
    let (admission, verifiers) =
        Admission::start(threads(settings.verifiers), &door, &known, phases.clone()).map_err(io("start a verifier"))?;
    let engine = Engine {
        admission,
        door: door.clone(),
        clock: parts.clock,
        bids: Arc::clone(&parts.bids),
        offers: Arc::clone(&parts.offers),
        standings: Arc::default(),
        clearings: Arc::clone(&parts.clearings),
        keys: known.keys,
        notices: parts.notices.clone(),
        cell: cell_name.clone(),
        phases: phases.clone(),
        sessions: services::Sessions::default(),
        floors: services::Floors::following(&parts.notices),
    };
    let router = services::router(engine).await.map_err(StartError::Server)?;
    let sequencer = spawn_sequencer(parts, queues, door, phase.clone())?;
    // Answers are small and waited for: none may wait for a fuller packet.
    let incoming = TcpListenerStream::new(listener).map(|socket| {
        let socket = socket?;
        socket.set_nodelay(true).map(|()| socket)
    });
    let server = tokio::spawn(router.serve_with_incoming_shutdown(incoming, stopped(phases)));
    tracing::info!(%address, "listening");
    Ok(Running { address, stopper, phase, verifiers, sequencer, server })
}

impl Running {
    /// Where the engine listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the engine stops by itself, because its log, its core or its sequencer failed.
    pub async fn halted(&self) {
        stopped(Phases::new(self.phase.subscribe())).await;
    }

    /// Refuses new requests, writes what was taken, checkpoints, answers, and closes.
    ///
    /// Whoever waits gets an answer, and clients have a short while to read it.
    ///
    /// # Errors
    ///
    /// Says what failed while the engine ran or stopped.
    pub async fn stop(mut self) -> Result<(), StopError> {
        self.phase.send_if_modified(|phase| {
            let is_new = *phase < Phase::Finishing;
            *phase = (*phase).max(Phase::Finishing);
            is_new
        });
        self.stopper.stop();
        let (sequencer, verifiers) = (self.sequencer, self.verifiers);
        let joined = tokio::task::spawn_blocking(move || (sequencer.join(), verifiers.stop())).await;
        self.phase.send_replace(Phase::Stopped);
        let served = tokio::time::timeout(LAST_ANSWERS_WITHIN, &mut self.server).await;
        if served.is_err() {
            tracing::warn!("clients did not read their last answers in time");
            self.server.abort();
        }
        let (sequencer, verifiers) = joined.map_err(|_| StopError::Panicked("the sequencer's end"))?;
        sequencer.map_err(|_| StopError::Panicked("the sequencer"))??;
        verifiers.map_err(|_| StopError::Panicked("a verifier"))?;
        match served {
            Ok(served) => {
                let served = served.map_err(|_| StopError::Panicked("the server"))?;
                served.map_err(|error| StopError::Server(error.to_string()))
            }
            Err(_) => Ok(()),
        }
    }
}

/// Recovers the log and rebuilds the cell from it; long work, so that it belongs on a thread of its own.
fn prepare(settings: &Settings) -> Result<Parts, StartError> {
    let workers = Arc::new(Workers::calibrated(threads(settings.lanes)));
    let (mut log, recovery) = FileLog::open(&settings.data, Options::default())?;
    tracing::info!(batches = recovery.batches, records = recovery.records, "log recovered");
    if recovery.torn_bytes > 0 {
        tracing::warn!(bytes = recovery.torn_bytes, "cut a torn tail that was never acknowledged");
    }
    let clock = starting_clock(settings);
    if log.last().is_none() {
        write_genesis(&mut log, settings, clock.now())?;
    }
    let mut replayed = Replayed::default();
    let cell = rebuild(&log, None, &workers, &mut replayed)?.ok_or(ReplayError::Empty)?;
    if let Some(logged) = &replayed.genesis {
        genesis::compare(settings, logged)?.refuse().map_err(StartError::Differs)?;
    }
    let clock = clock.not_before(cell.state.clock.after(Span(1)));
    let scales = Arc::new(AssetScales::default());
    scales.take_in(&cell.state);
    let keys = Arc::new(ActiveKeys::of(&cell.state));
    let (notices, _) = broadcast::channel(NOTICES_MAX);
    let (times, bids) = (settings.times()?, Arc::new(Bids::default()));
    let (log, clearings) = (Box::new(log), Arc::default());
    Ok(Parts { log, cell, clock, times, workers, clearings, bids, offers: Arc::default(), scales, keys, notices })
}

/// Tells everybody that the sequencer has ended, however it does.
struct Ending(watch::Sender<Phase>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.send_replace(Phase::Stopped);
    }
}

fn spawn_sequencer(
    parts: Parts,
    queues: Queues,
    door: Door,
    phase: watch::Sender<Phase>,
) -> Result<SequencerThread, StartError> {
    let ending = Ending(phase);
    let work = move || {
        let _ending = ending;
        let result = Sequencer::new(parts, queues, door).run();
        if let Err(error) = &result {
            tracing::error!(%error, "the sequencer halted");
        }
        result
    };
    std::thread::Builder::new().name("sequencer".to_owned()).spawn(work).map_err(io("start the sequencer"))
}

async fn stopped(mut phases: Phases) {
    phases.reached(Phase::Stopped).await;
}

fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> StartError {
    let what = what.into();
    move |source| StartError::Io { what, source }
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

fn threads(setting: usize) -> usize {
    if setting > 0 {
        return setting;
    }
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use clearlane_log::{Batches, Header, MemoryLog};
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;
    use crate::sequencer::tests::{admitted, parts};

    /// A log that fails on its second batch.
    struct Failing {
        log: MemoryLog,
        panics: bool,
    }

    impl Log for Failing {
        fn append(&mut self, expected_last: Sequence, batch: Batch) -> Result<Appended, LogError> {
            match self.log.last() {
                None => self.log.append(expected_last, batch),
                Some(_) if self.panics => panic!("a mistake in the log"),
                Some(_) => Err(LogError::Halted),
            }
        }

        fn last(&self) -> Option<&Header> {
            self.log.last()
        }

        fn read_from(&self, sequence: Sequence) -> Result<Batches<'_>, LogError> {
            self.log.read_from(sequence)
        }
    }

    #[tokio::test]
    async fn a_sequencer_that_ends_badly_stops_the_engine_and_answers_who_waits() {
        for panics in [true, false] {
            let (door, _stopper, queues) = queues();
            let (phase, receiver) = watch::channel(Phase::Working);
            let mut phases = Phases::new(receiver);
            let log = Failing { log: MemoryLog::new(), panics };
            let thread = spawn_sequencer(parts(log), queues, door.clone(), phase).expect("a thread");
            let (admitted, outcomes) = admitted();
            door.submit(admitted).expect("room");
            assert!(phases.answer(outcomes).await.is_err());
            phases.reached(Phase::Stopped).await;
            assert!(!matches!(thread.join(), Ok(Ok(_))), "panics: {panics}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn health_turns_before_the_engine_ends_and_its_watchers_do_not_keep_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings {
            data: folder.path().join("data"),
            listen: ([127, 0, 0, 1], 0).into(),
            admin_key: "11".repeat(32),
            lanes: 1,
            ..Settings::default()
        };
        let running = start(&settings).await.expect("an engine");
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", running.address()));
        let channel = endpoint.expect("an address").connect().await.expect("a connection");
        let mut client = HealthClient::new(channel);
        let service = "clearlane.v1.IntentService".to_owned();
        let mut health = client.watch(HealthCheckRequest { service }).await.expect("a stream").into_inner();
        let first = health.message().await.expect("a status").expect("a status");
        assert_eq!(first.status(), ServingStatus::Serving);
        let stopping = tokio::spawn(running.stop());
        let second = health.message().await.expect("a status").expect("a status");
        assert_eq!(second.status(), ServingStatus::NotServing);
        stopping.await.expect("no panic").expect("an orderly end");
    }
}
