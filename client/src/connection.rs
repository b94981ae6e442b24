//! A connection to one engine: typed calls over one channel, with the contract's message limits.
//!
//! Calls are not retried here; `delivery` does that, since an envelope sent twice is decided once.

use std::sync::Arc;
use std::time::Duration;

use clearlane_proto::wire::admin_service_client::AdminServiceClient;
use clearlane_proto::wire::intent_service_client::IntentServiceClient;
use clearlane_proto::wire::ledger_service_client::LedgerServiceClient;
use clearlane_proto::wire::log_service_client::LogServiceClient;
use clearlane_proto::wire::solver_service_client::SolverServiceClient;
use clearlane_proto::{MESSAGE_BYTES_MAX, wire};
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call may take to be answered: far more than a durable write, less than anybody's patience.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
/// The events of one answer.
const EVENTS_PAGE: u32 = 1_000;
/// How often a silent connection is probed, so that a watch of a frozen engine ends.
const PROBE_EVERY: Duration = Duration::from_secs(10);

/// Talks to one engine; clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    address: Arc<str>,
    channel: Channel,
}

/// Why an engine did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error("expected an address such as 127.0.0.1:7700, found {0:?}")]
    Address(String),
    /// No engine answers there.
    #[error("no engine answers at {address}; is `clearlane engine` running? ({source})")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// The engine refused the call, or no answer came.
    #[error("{}", refused_text(.0))]
    Refused(Box<tonic::Status>),
}

/// A refusal speaks for itself; what gRPC says needs gRPC's code.
fn refused_text(status: &tonic::Status) -> String {
    match refusal_in(status.message()) {
        Some(_) => status.message().to_owned(),
        None => format!("{:?}: {}", status.code(), status.message()),
    }
}

/// Reads the engine's `CODE (field): message`.
fn refusal_in(text: &str) -> Option<wire::Refusal> {
    let (code, rest) = text.split_once(" (")?;
    let (field, message) = rest.split_once("): ")?;
    let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let owned = str::to_owned;
    is_code.then(|| wire::Refusal { code: owned(code), message: owned(message), field: owned(field) })
}

impl ClientError {
    /// What the engine refused the call as a whole for, if it said so.
    #[must_use]
    pub fn refusal(&self) -> Option<wire::Refusal> {
        match self {
            ClientError::Address(_) | ClientError::Connect { .. } => None,
            ClientError::Refused(status) => refusal_in(status.message()),
        }
    }

    /// Whether the engine may have done what it was asked although no answer came.
    #[must_use]
    pub fn is_answer_lost(&self) -> bool {
        use tonic::Code::{Aborted, Cancelled, DeadlineExceeded, Internal, Unavailable, Unknown};
        match self {
            ClientError::Address(_) | ClientError::Connect { .. } => false,
            // A connection that breaks shows as any of these, by the moment in which it breaks.
            ClientError::Refused(status) => {
                matches!(status.code(), Aborted | Cancelled | DeadlineExceeded | Internal | Unavailable | Unknown)
            }
        }
    }
}

impl From<tonic::Status> for ClientError {
    fn from(status: tonic::Status) -> ClientError {
        ClientError::Refused(Box::new(status))
    }
}

/// Makes a typed client with the contract's message limits.
macro_rules! typed {
    ($(#[$doc:meta])* $name:ident, $client:ident) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> $client<Channel> {
            $client::new(self.channel.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX)
        }
    };
}

impl Client {
    /// Connects to an engine at `host:port` or a URL.
    ///
    /// # Errors
    ///
    /// If the address is none or nothing answers there.
    pub async fn connect(address: &str) -> Result<Client, ClientError> {
        let url = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let endpoint = Endpoint::from_shared(url).map_err(|_| ClientError::Address(address.to_owned()))?;
        let endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT).timeout(CALL_TIMEOUT).tcp_nodelay(true);
        let endpoint = endpoint.http2_keep_alive_interval(PROBE_EVERY).keep_alive_timeout(CALL_TIMEOUT);
        let failed = |source| ClientError::Connect { address: address.to_owned(), source };
        Ok(Client { address: Arc::from(address), channel: endpoint.connect().await.map_err(failed)? })
    }

    /// Where the engine is.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    typed!(
        /// Submits, watches and cancels intents.
        intents, IntentServiceClient
    );
    typed!(
        /// Reads and moves balances.
        ledger, LedgerServiceClient
    );
    typed!(
        /// Defines and lists.
        admin, AdminServiceClient
    );
    typed!(
        /// Reads the log.
        log, LogServiceClient
    );
    typed!(
        /// Competes in auctions.
        solvers, SolverServiceClient
    );

    /// Submits signed intents; answers when they are durable and decided.
    ///
    /// # Errors
    ///
    /// If the envelope as a whole is refused or the engine does not answer.
    pub async fn submit(&self, envelope: wire::SignedEnvelope) -> Result<Vec<wire::CommandOutcome>, ClientError> {
        Ok(self.intents().submit(envelope).await?.into_inner().outcomes)
    }

    /// Cancels the intents named in a signed envelope.
    ///
    /// # Errors
    ///
    /// If the envelope as a whole is refused or the engine does not answer.
    pub async fn cancel(&self, envelope: wire::SignedEnvelope) -> Result<Vec<wire::CommandOutcome>, ClientError> {
        Ok(self.intents().cancel(envelope).await?.into_inner().outcomes)
    }

    /// Does the definitions of a signed envelope.
    ///
    /// # Errors
    ///
    /// If the envelope as a whole is refused or the engine does not answer.
    pub async fn apply(&self, envelope: wire::SignedEnvelope) -> Result<Vec<wire::CommandOutcome>, ClientError> {
        Ok(self.admin().apply(envelope).await?.into_inner().outcomes)
    }

    /// Credits accounts by a signed envelope.
    ///
    /// # Errors
    ///
    /// If the envelope as a whole is refused or the engine does not answer.
    pub async fn deposit(&self, envelope: wire::SignedEnvelope) -> Result<Vec<wire::CommandOutcome>, ClientError> {
        Ok(self.ledger().deposit(envelope).await?.into_inner().outcomes)
    }

    /// Debits accounts by a signed envelope.
    ///
    /// # Errors
    ///
    /// If the envelope as a whole is refused or the engine does not answer.
    pub async fn withdraw(&self, envelope: wire::SignedEnvelope) -> Result<Vec<wire::CommandOutcome>, ClientError> {
        Ok(self.ledger().withdraw(envelope).await?.into_inner().outcomes)
    }

    /// One intent as it stands.
    ///
    /// # Errors
    ///
    /// If there is no such intent or the engine does not answer.
    pub async fn get(&self, party: &str, id: [u8; 16]) -> Result<wire::IntentStatus, ClientError> {
        let request = wire::GetIntentRequest { party: party.to_owned(), id: id.to_vec() };
        Ok(self.intents().get(request).await?.into_inner())
    }

    /// A page of a party's intents: those after an id, at most `most`; 0 means 100.
    ///
    /// # Errors
    ///
    /// If there is no such party or the engine does not answer.
    pub async fn list(
        &self,
        party: &str,
        after: Option<[u8; 16]>,
        most: u32,
    ) -> Result<Vec<wire::IntentStatus>, ClientError> {
        let after = after.map(|id| id.to_vec()).unwrap_or_default();
        let request = wire::ListIntentsRequest { party: party.to_owned(), after, most };
        Ok(self.intents().list(request).await?.into_inner().intents)
    }

    /// A party's changes from now on; with an id also those of that intent so far.
    ///
    /// # Errors
    ///
    /// If there is no such party or the engine does not answer.
    pub async fn watch(&self, party: &str, id: Option<[u8; 16]>) -> Result<Streaming<wire::IntentUpdate>, ClientError> {
        let id = id.map(|id| id.to_vec()).unwrap_or_default();
        let request = wire::WatchRequest { party: party.to_owned(), id };
        Ok(self.intents().watch(request).await?.into_inner())
    }

    /// A party's accounts with what they hold.
    ///
    /// # Errors
    ///
    /// If there is no such party or the engine does not answer.
    pub async fn accounts(&self, party: &str) -> Result<Vec<wire::Account>, ClientError> {
        let request = wire::AccountsRequest { party: party.to_owned() };
        Ok(self.ledger().accounts(request).await?.into_inner().accounts)
    }

    /// The names of all attested events, in order.
    ///
    /// # Errors
    ///
    /// If the engine does not answer.
    pub async fn events(&self) -> Result<Vec<String>, ClientError> {
        let mut events: Vec<String> = Vec::new();
        loop {
            let after = events.last().cloned().unwrap_or_default();
            let request = wire::EventsRequest { after, most: EVENTS_PAGE };
            let page = self.admin().events(request).await?.into_inner().events;
            let is_last = page.len() < EVENTS_PAGE as usize;
            events.extend(page);
            if is_last {
                return Ok(events);
            }
        }
    }

    /// What all accounts of each asset and module hold.
    ///
    /// # Errors
    ///
    /// If the engine does not answer.
    pub async fn balances(&self) -> Result<Vec<wire::Balance>, ClientError> {
        Ok(self.ledger().balances(wire::BalancesRequest {}).await?.into_inner().balances)
    }

    /// The last entries of one account.
    ///
    /// # Errors
    ///
    /// If there is no such account or the engine does not answer.
    pub async fn statement(&self, request: wire::StatementRequest) -> Result<wire::StatementReply, ClientError> {
        Ok(self.ledger().statement(request).await?.into_inner())
    }

    /// Where the engine stands; its clock is the one for ids and deadlines.
    ///
    /// # Errors
    ///
    /// If the engine does not answer.
    pub async fn status(&self) -> Result<wire::StatusReply, ClientError> {
        Ok(self.log().status(wire::StatusRequest {}).await?.into_inner())
    }

    /// How solvers have done lately, in order of number.
    ///
    /// # Errors
    ///
    /// If the engine does not answer.
    pub async fn solver_standings(&self) -> Result<Vec<wire::SolverStanding>, ClientError> {
        Ok(self.solvers().solvers(wire::SolversRequest {}).await?.into_inner().solvers)
    }

    /// The state root as it is.
    ///
    /// # Errors
    ///
    /// If the engine does not answer.
    pub async fn root(&self) -> Result<wire::RootReply, ClientError> {
        Ok(self.log().root(wire::RootRequest {}).await?.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: tonic::Code, message: &str) -> ClientError {
        ClientError::from(tonic::Status::new(code, message))
    }

    #[test]
    fn a_refusal_of_the_engine_is_read_with_its_code_and_field() {
        let refused = error(tonic::Code::NotFound, "UNKNOWN_PARTY (party): no party is named \"zz\"");
        let refusal = refused.refusal().expect("a refusal");
        assert_eq!((refusal.code.as_str(), refusal.field.as_str()), ("UNKNOWN_PARTY", "party"));
        assert_eq!(refusal.message, "no party is named \"zz\"");
        assert_eq!(refused.to_string(), "UNKNOWN_PARTY (party): no party is named \"zz\"");
        assert!(!refused.is_answer_lost());
    }

    #[test]
    fn what_is_no_refusal_may_be_a_lost_answer() {
        let broken = error(tonic::Code::Unknown, "h2 protocol error (reset): closed");
        assert_eq!((broken.refusal(), broken.is_answer_lost()), (None, true));
        assert_eq!(broken.to_string(), "Unknown: h2 protocol error (reset): closed");
        assert!(!error(tonic::Code::ResourceExhausted, "the queue is full; try again in 100 ms").is_answer_lost());
    }
}
