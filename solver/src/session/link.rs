//! The connection of a solver to an engine: what it hears, in the core's words, and what it says.

use std::sync::Arc;

use clearlane_core::auction::{AuctionInput, Verdict};
use clearlane_core::money::Score;
use clearlane_core::names::{AuctionId, SolverId};
use clearlane_core::refusal::Refusal;
use clearlane_core::time::Timestamp;
use clearlane_proto::delta::Changes;
use clearlane_proto::wire::engine_message::Message as Heard;
use clearlane_proto::wire::solver_message::Message as Said;
use clearlane_proto::wire::solver_service_client::SolverServiceClient;
use clearlane_proto::{MESSAGE_BYTES_MAX, auction, delta, outcome, register_bytes, verdict, wire};
use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};
use tracing::warn;

use super::{EngineClock, SessionError, SessionOptions};
use crate::strategy::Proposal;

/// Messages on their way to the engine; a solver that has more of them waits.
const OUTGOING_MAX: usize = 4;

/// A registered solver's connection.
#[derive(Debug)]
pub struct Session {
    outgoing: mpsc::Sender<wire::SolverMessage>,
    incoming: Streaming<wire::EngineMessage>,
    clock: EngineClock,
    solver: SolverId,
    memory: Memory,
    /// Whether what it was told can't be applied, so that it has yet to ask for the whole.
    needs_snapshot: bool,
}

/// What a solver keeps from one connection to the next, by which it resumes.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    cell: String,
    /// The last auction's input.
    held: Option<Arc<AuctionInput>>,
    /// The last auction whose result it has heard or has no use for; none before it was told of any.
    results_through: Option<AuctionId>,
    /// The version of its last answer.
    version: u64,
    /// How many auctions it was told by what changed.
    deltas: u64,
    /// What the last auction changed, if it was told so.
    changes: Option<Changes>,
}

impl Memory {
    /// How many auctions were told by what changed.
    #[must_use]
    pub fn deltas(&self) -> u64 {
        self.deltas
    }

    /// The last auction whose result was heard or is of no use; none before the first auction was told.
    #[must_use]
    pub fn results_through(&self) -> Option<AuctionId> {
        self.results_through
    }

    /// What the last auction changed of the one before that was told; none where it was told whole.
    #[must_use]
    pub fn changes(&self) -> Option<&Changes> {
        self.changes.as_ref()
    }

    /// The last auction that was told.
    #[must_use]
    pub fn held(&self) -> Option<&AuctionInput> {
        self.held.as_deref()
    }

    /// Forgets the input that it holds; the next auction is told whole.
    pub fn forget_input(&mut self) {
        self.held = None;
    }

    fn opened(&mut self, input: AuctionInput, changes: Option<Changes>) -> Box<AuctionInput> {
        self.changes = changes;
        self.results_through.get_or_insert(AuctionId(input.auction.0.saturating_sub(1)));
        self.held = Some(Arc::new(input.clone()));
        Box::new(input)
    }

    fn heard_result(&mut self, auction: AuctionId) {
        self.results_through = self.results_through.max(Some(auction));
    }

    /// Later than every version before, also those of an earlier process.
    fn next_version(&mut self, now: Timestamp) -> u64 {
        self.version = now.0.max(self.version.saturating_add(1));
        self.version
    }
}

/// What the engine tells a registered solver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An auction opened.
    Opened(Box<AuctionInput>),
    /// An auction takes no more solutions.
    Closed(AuctionId),
    /// A message was refused.
    Refused(Refusal),
    /// What became of an auction.
    Result(Outcome),
    /// The results from the first to the second of these auctions, missed while away, are no longer kept.
    Gone(AuctionId, AuctionId),
}

/// What became of an auction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which auction.
    pub auction: AuctionId,
    /// Whether it ended without effect.
    pub is_voided: bool,
    /// The score of all that executes.
    pub score: Score,
    /// What the built-in bidder alone would have reached.
    pub floor_score: Score,
    /// What no valid solution scores more than.
    pub bound: Score,
    /// By how much, at most, another set of the valid bundles could have scored more.
    pub selection_gap: Score,
    /// What the auction would have lost without this solver.
    pub contribution: Score,
    /// One verdict for each of the solver's bundles, in its order.
    pub verdicts: Vec<Verdict>,
    /// What the resource is called on which a bundle lost, one for each verdict; empty where it did not, or is unknown.
    pub lost_on: Vec<String>,
}

impl Session {
    /// Connects, waits for the greeting and registers.
    ///
    /// # Errors
    ///
    /// Says that the engine can't be reached, broke off, refused, or does not keep the protocol.
    pub async fn connect(options: &SessionOptions) -> Result<Session, SessionError> {
        Session::resume(options, Memory::default()).await
    }

    /// The same after an earlier connection: the next auction is told against the one that it holds, and the results
    /// of auctions that ended meanwhile come too. What it remembers of another cell is forgotten.
    ///
    /// # Errors
    ///
    /// As [`Session::connect`].
    pub async fn resume(options: &SessionOptions, memory: Memory) -> Result<Session, SessionError> {
        let channel = channel(&options.engine).await?;
        let mut client = SolverServiceClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let (outgoing, messages) = mpsc::channel(OUTGOING_MAX);
        let incoming = client.compete(ReceiverStream::new(messages)).await.map_err(Box::new)?.into_inner();
        let clock = EngineClock::new(Timestamp(0), 1);
        let needs_snapshot = false;
        let mut session = Session { outgoing, incoming, clock, solver: SolverId::FLOOR, memory, needs_snapshot };
        let hello = match session.hear().await? {
            Some(Heard::Hello(hello)) => hello,
            found => return unexpected("a greeting", found.as_ref()),
        };
        session.clock = EngineClock::new(Timestamp(hello.time_ns), hello.clock_scale);
        if session.memory.cell != hello.cell {
            session.memory = Memory { cell: hello.cell, ..Memory::default() };
        }
        session.say(Said::Register(registration(options, &hello.nonce, &session.memory))).await?;
        match session.hear().await? {
            Some(Heard::Registered(registered)) => session.solver = SolverId(registered.solver),
            Some(Heard::Refused(refusal)) => {
                return Err(SessionError::NotRegistered { code: refusal.code, message: refusal.message });
            }
            found => return unexpected("a registration", found.as_ref()),
        }
        Ok(session)
    }

    /// The solver's number in verdicts.
    #[must_use]
    pub fn solver(&self) -> SolverId {
        self.solver
    }

    /// What to resume by.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The engine's clock.
    #[must_use]
    pub fn clock(&self) -> EngineClock {
        self.clock
    }

    /// The next thing that the engine tells; none once it ended the stream. Nothing is lost by dropping the call.
    ///
    /// # Errors
    ///
    /// Says that the connection broke or the message is malformed.
    pub async fn next(&mut self) -> Result<Option<Notice>, SessionError> {
        loop {
            if self.needs_snapshot {
                self.say(Said::Snapshot(wire::SnapshotRequest {})).await?;
                self.needs_snapshot = false;
            }
            let Some(heard) = self.hear().await? else { return Ok(None) };
            if let Some(notice) = self.notice(heard)? {
                return Ok(Some(notice));
            }
        }
    }

    fn notice(&mut self, heard: Heard) -> Result<Option<Notice>, SessionError> {
        Ok(Some(match heard {
            Heard::Opened(input) => {
                Notice::Opened(self.memory.opened(auction::input_to_core(&input).map_err(malformed)?, None))
            }
            Heard::Delta(delta) => return Ok(self.applied(&delta).map(Notice::Opened)),
            Heard::Closed(closed) => Notice::Closed(AuctionId(closed.auction)),
            Heard::Refused(refusal) => Notice::Refused(outcome::refusal_to_core(&refusal)),
            Heard::Result(result) => {
                let outcome = outcome_of(&result)?;
                self.memory.heard_result(outcome.auction);
                Notice::Result(outcome)
            }
            Heard::Gone(gone) => Notice::Gone(AuctionId(gone.first), AuctionId(gone.last)),
            Heard::Hello(_) | Heard::Registered(_) | Heard::Received(_) => return Ok(None),
        }))
    }

    /// What comes of a delta; nothing but a wish for the whole where that is not what was told.
    fn applied(&mut self, told: &wire::AuctionDelta) -> Option<Box<AuctionInput>> {
        let held = self.memory.held.take();
        let found = held.map(|held| Ok((delta::applied(&held, told)?, delta::changes(&held, told)?)));
        match found {
            Some(Ok((input, changes))) => {
                self.memory.deltas = self.memory.deltas.saturating_add(1);
                return Some(self.memory.opened(input, Some(changes)));
            }
            Some(Err::<_, Refusal>(refusal)) => {
                warn!(auction = told.auction, %refusal, "asking for the whole auction");
            }
            None => warn!(auction = told.auction, base = told.base, "holds no auction; asking for the whole"),
        }
        self.needs_snapshot = true;
        None
    }

    /// The next auction, passing over all else; none once the engine ended the stream.
    ///
    /// # Errors
    ///
    /// As [`Session::next`].
    pub async fn next_auction(&mut self) -> Result<Option<AuctionInput>, SessionError> {
        while let Some(notice) = self.next().await? {
            match notice {
                Notice::Opened(input) => return Ok(Some(*input)),
                Notice::Closed(_) | Notice::Refused(_) | Notice::Result(_) | Notice::Gone(..) => {}
            }
        }
        Ok(None)
    }

    /// Answers the open auction, in place of an earlier answer; see [`super::prepared`] for what fits.
    ///
    /// # Errors
    ///
    /// Says that the connection broke.
    pub async fn answer(&mut self, auction: AuctionId, proposal: &Proposal) -> Result<(), SessionError> {
        let bundles = auction::bundles_to_wire(&proposal.bundles);
        let prices = proposal.prices.as_ref().map(auction::prices_to_wire).unwrap_or_default();
        let version = self.memory.next_version(self.clock.now());
        self.say(Said::Solution(wire::SolverSolution { auction: auction.0, bundles, prices, version })).await
    }

    /// Takes the answer to an auction back.
    ///
    /// # Errors
    ///
    /// Says that the connection broke.
    pub async fn withdraw(&mut self, auction: AuctionId) -> Result<(), SessionError> {
        let version = self.memory.next_version(self.clock.now());
        self.say(Said::Withdraw(wire::WithdrawSolution { auction: auction.0, version })).await
    }

    async fn hear(&mut self) -> Result<Option<Heard>, SessionError> {
        while let Some(message) = self.incoming.message().await.map_err(Box::new)? {
            // An engine that says no time is an older one.
            if message.time_ns > 0 {
                self.clock.heard(Timestamp(message.time_ns));
            }
            if message.message.is_some() {
                return Ok(message.message);
            }
        }
        Ok(None)
    }

    async fn say(&mut self, message: Said) -> Result<(), SessionError> {
        let sent = self.outgoing.send(wire::SolverMessage { message: Some(message) }).await;
        sent.map_err(|_| Box::new(Status::unavailable("the engine ended the stream")).into())
    }
}

async fn channel(engine: &str) -> Result<Channel, SessionError> {
    let unreachable = |source| SessionError::Unreachable { engine: engine.to_owned(), source };
    let endpoint = Channel::from_shared(format!("http://{engine}").into_bytes());
    let endpoint = endpoint.map_err(|error| SessionError::Unexpected {
        expected: "an engine as host:port",
        found: format!("{engine} ({error})"),
    })?;
    endpoint.tcp_nodelay(true).connect().await.map_err(unreachable)
}

fn registration(options: &SessionOptions, nonce: &[u8], memory: &Memory) -> wire::Register {
    let key = SigningKey::from(options.key);
    let signature = key.sign(&register_bytes(nonce));
    wire::Register {
        key: <[u8; 32]>::from(VerificationKeyBytes::from(&key)).to_vec(),
        signature: signature.to_bytes().to_vec(),
        strategy: options.strategy.clone(),
        deltas: true,
        held_auction: memory.held.as_ref().map_or(0, |held| held.auction.0),
        results_after: memory.results_through.map(|auction| auction.0),
    }
}

fn outcome_of(result: &wire::AuctionResult) -> Result<Outcome, SessionError> {
    let lost_on = |verdict: &wire::BundleVerdict| match &verdict.verdict {
        Some(wire::bundle_verdict::Verdict::Lost(lost)) => lost.resource_name.clone(),
        Some(_) | None => String::new(),
    };
    let lost_on = result.verdicts.iter().map(lost_on).collect();
    let verdicts = result.verdicts.iter().map(verdict::from_wire).collect::<Result<_, Refusal>>();
    Ok(Outcome {
        auction: AuctionId(result.auction),
        is_voided: result.voided,
        score: score(&result.score)?,
        floor_score: score(&result.floor_score)?,
        bound: score(&result.bound)?,
        selection_gap: score(&result.selection_gap)?,
        contribution: score(&result.contribution)?,
        verdicts: verdicts.map_err(malformed)?,
        lost_on,
    })
}

/// A score; nothing was scored if it is absent.
fn score(text: &str) -> Result<Score, SessionError> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| SessionError::Unexpected { expected: "a score", found: text.to_owned() })
}

fn malformed(refusal: Refusal) -> SessionError {
    SessionError::Unexpected { expected: "a message of this protocol", found: refusal.to_string() }
}

fn unexpected<T>(expected: &'static str, found: Option<&Heard>) -> Result<T, SessionError> {
    let found = match found {
        Some(Heard::Hello(_)) => "a greeting",
        Some(Heard::Registered(_)) => "a registration",
        Some(
            Heard::Opened(_)
            | Heard::Delta(_)
            | Heard::Closed(_)
            | Heard::Received(_)
            | Heard::Result(_)
            | Heard::Gone(_),
        ) => "news of an auction",
        Some(Heard::Refused(_)) => "a refusal",
        None => "the end of the stream",
    };
    Err(SessionError::Unexpected { expected, found: found.to_owned() })
}
