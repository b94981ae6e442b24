//! The gRPC services, one file each, over one handle to the engine.

mod admin;
mod compete;
mod floors;
mod intents;
mod ledger;
mod log;
mod sessions;
mod streams;

pub(crate) use floors::Floors;
pub(crate) use sessions::Sessions;

use std::sync::Arc;

use clearlane_core::names::{CommandId, Name, PartyIndex};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_log::Sequence;
use clearlane_proto::wire::{
    self, admin_service_server::AdminServiceServer, intent_service_server::IntentServiceServer,
    ledger_service_server::LedgerServiceServer, log_service_server::LogServiceServer,
    solver_service_server::SolverServiceServer,
};
use clearlane_proto::{FILE_DESCRIPTOR_SET, MESSAGE_BYTES_MAX, outcome};
use tokio::sync::{broadcast, oneshot};
use tonic::server::NamedService as _;
use tonic::transport::server::{Router, Server};
use tonic::{Code, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::admission::Admission;
use crate::bids::Bids;
use crate::cell::Cell;
use crate::clearings::Clearings;
use crate::clock::Clock;
use crate::keys::ActiveKeys;
use crate::offers::Offers;
use crate::phase::{Phase, Phases};
use crate::sequencer::{Door, Notice};
use crate::standings::Standings;

/// The largest message that the engine takes: above every limit of ours, so that what is somewhat too large is
/// refused by name, and far below what a few hundred calls at once would need to exhaust memory.
const REQUEST_BYTES_MAX: usize = 2 * 1_024 * 1_024;
/// The largest request of a service without envelopes: names, ids and numbers.
const SMALL_REQUEST_BYTES_MAX: usize = 64 * 1_024;
/// The calls of one connection at a time; more wait on the client's side.
const CALLS_A_CONNECTION_MAX: u32 = 256;

/// A handle to the engine, shared by all services.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) admission: Admission,
    pub(crate) door: Door,
    pub(crate) clock: Clock,
    pub(crate) bids: Arc<Bids>,
    pub(crate) offers: Arc<Offers>,
    pub(crate) standings: Arc<Standings>,
    pub(crate) clearings: Arc<Clearings>,
    pub(crate) keys: Arc<ActiveKeys>,
    pub(crate) notices: broadcast::Sender<Notice>,
    pub(crate) cell: String,
    pub(crate) phases: Phases,
    pub(crate) sessions: Sessions,
    pub(crate) floors: Floors,
}

/// All services, with health and reflection.
pub(crate) async fn router(engine: Engine) -> Result<Router, String> {
    let (health, health_service) = tonic_health::server::health_reporter();
    tell_health(&health, ServingStatus::Serving).await;
    let mut phases = engine.phases.clone();
    tokio::spawn(async move {
        phases.reached(Phase::Finishing).await;
        tell_health(&health, ServingStatus::NotServing).await;
    });
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| error.to_string())?;
    tokio::spawn(standings(engine.standings.clone(), engine.notices.subscribe()));
    let intents = IntentServiceServer::new(engine.clone()).max_decoding_message_size(REQUEST_BYTES_MAX);
    let ledger = LedgerServiceServer::new(engine.clone()).max_decoding_message_size(REQUEST_BYTES_MAX);
    let admin = AdminServiceServer::new(engine.clone()).max_decoding_message_size(REQUEST_BYTES_MAX);
    let log = LogServiceServer::new(engine.clone()).max_decoding_message_size(SMALL_REQUEST_BYTES_MAX);
    let solver = SolverServiceServer::new(engine)
        .max_decoding_message_size(REQUEST_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    Ok(Server::builder()
        .max_concurrent_streams(Some(CALLS_A_CONNECTION_MAX))
        .add_service(health_service)
        .add_service(reflection)
        .add_service(intents)
        .add_service(ledger)
        .add_service(admin)
        .add_service(log)
        .add_service(solver))
}

/// Counts what became of solvers' bundles until the sequencer is gone.
async fn standings(standings: Arc<Standings>, mut notices: broadcast::Receiver<Notice>) {
    loop {
        match notices.recv().await {
            Ok(Notice::Settled(clearing)) => standings.settled(&clearing),
            Ok(Notice::Voided(auction)) => standings.voided(auction),
            Ok(Notice::Opened(_) | Notice::Closed(_)) => {}
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "solvers' standings lack results")
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Says of every service, and of the engine as a whole, whether it takes requests.
async fn tell_health(health: &HealthReporter, status: ServingStatus) {
    let services = [
        "",
        IntentServiceServer::<Engine>::NAME,
        LedgerServiceServer::<Engine>::NAME,
        AdminServiceServer::<Engine>::NAME,
        LogServiceServer::<Engine>::NAME,
        SolverServiceServer::<Engine>::NAME,
    ];
    for service in services {
        health.set_service_status(service, status).await;
    }
}

impl Engine {
    /// Admits an envelope and answers with the outcome of each command.
    pub(crate) async fn commands(&self, envelope: wire::SignedEnvelope) -> Result<wire::CommandsReply, Status> {
        let outcomes = self.admission.submit(envelope).await.map_err(|refusal| to_status(&refusal))?;
        Ok(wire::CommandsReply { outcomes: outcomes.iter().map(outcome::to_wire).collect() })
    }

    /// Looks at the cell between two batches.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Cell, Sequence) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Status> {
        self.phases.take_work().map_err(|refusal| to_status(&refusal))?;
        let (sender, receiver) = oneshot::channel();
        let task = move |cell: &mut Cell, last: Sequence| {
            // The reader may have gone.
            let _ = sender.send(look(cell, last));
        };
        self.door.look(Box::new(task)).map_err(|refusal| to_status(&refusal))?;
        let found = self.phases.answer(receiver).await.and_then(std::convert::identity);
        found.map_err(|refusal| to_status(&refusal))
    }
}

/// The reasons that are not plainly invalid arguments.
const STATUS_CODES: &[(Reason, Code)] = &[
    (Reason::Exhausted, Code::ResourceExhausted),
    (Reason::BadSignature, Code::Unauthenticated),
    (Reason::UnknownKey, Code::Unauthenticated),
    (Reason::NotAuthorized, Code::PermissionDenied),
    (Reason::NotSupported, Code::Unimplemented),
    (Reason::Stopping, Code::Unavailable),
    (Reason::UnknownParty, Code::NotFound),
    (Reason::UnknownIntent, Code::NotFound),
    (Reason::UnknownAccount, Code::NotFound),
];

/// A refusal as a status: its code and field go into the message, since every language shows that.
pub(crate) fn to_status(refusal: &Refusal) -> Status {
    let found = STATUS_CODES.iter().find(|(reason, _)| *reason == refusal.reason);
    let code = found.map_or(Code::InvalidArgument, |(_, code)| *code);
    Status::new(code, refusal.to_string())
}

/// The party of this name.
pub(crate) fn party_of(cell: &Cell, party: &str) -> Result<PartyIndex, Refusal> {
    let found = Name::new(party).and_then(|name| cell.state.party(&name));
    found.ok_or_else(|| Refusal::new(Reason::UnknownParty, "party", format!("no party is named {}", shown(party))))
}

/// The start of a client's text, short enough to repeat in a message.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 64;
    format!("{:?}", text.chars().take(SHOWN_CHARS_MAX).collect::<String>())
}

/// The name of a party.
pub(crate) fn party_name(cell: &Cell, party: PartyIndex) -> String {
    cell.state.parties.name(party.at()).map_or_else(String::new, ToString::to_string)
}

/// An id of 16 bytes.
pub(crate) fn id_of(bytes: &[u8]) -> Result<CommandId, Refusal> {
    let id: Result<[u8; 16], _> = bytes.try_into();
    let message = || format!("expected 16 bytes, found {}", bytes.len());
    id.map(CommandId).map_err(|_| Refusal::new(Reason::Malformed, "id", message()))
}

/// A page size: the default for 0, at most `most`.
pub(crate) fn page_size(wanted: u32, default: usize, most: usize) -> usize {
    if wanted == 0 { default } else { usize::try_from(wanted).unwrap_or(most).min(most) }
}
