//! The connection of a solver to an engine: what it hears, in the core's words, and what it says.

use clearlane_core::auction::{AuctionInput, Verdict};
use clearlane_core::money::Score;
use clearlane_core::names::{AuctionId, SolverId};
use clearlane_core::refusal::Refusal;
use clearlane_core::time::Timestamp;
use clearlane_proto::wire::engine_message::Message as Heard;
use clearlane_proto::wire::solver_message::Message as Said;
use clearlane_proto::wire::solver_service_client::SolverServiceClient;
use clearlane_proto::{MESSAGE_BYTES_MAX, auction, outcome, register_bytes, verdict, wire};
use ed25519_zebra::{SigningKey, VerificationKeyBytes};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

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
}

impl Session {
    /// Connects, waits for the greeting and registers.
    ///
    /// # Errors
    ///
    /// Says that the engine can't be reached, broke off, refused, or does not keep the protocol.
    pub async fn connect(options: &SessionOptions) -> Result<Session, SessionError> {
        let channel = channel(&options.engine).await?;
        let mut client = SolverServiceClient::new(channel)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let (outgoing, messages) = mpsc::channel(OUTGOING_MAX);
        let incoming = client.compete(ReceiverStream::new(messages)).await.map_err(Box::new)?.into_inner();
        let clock = EngineClock::new(Timestamp(0), 1);
        let mut session = Session { outgoing, incoming, clock, solver: SolverId::FLOOR };
        let hello = match session.hear().await? {
            Some(Heard::Hello(hello)) => hello,
            found => return unexpected("a greeting", found.as_ref()),
        };
        session.clock = EngineClock::new(Timestamp(hello.time_ns), hello.clock_scale);
        session.say(Said::Register(registration(options, &hello.nonce))).await?;
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
        while let Some(heard) = self.hear().await? {
            let notice = match heard {
                Heard::Opened(input) => Notice::Opened(Box::new(auction::input_to_core(&input).map_err(malformed)?)),
                Heard::Closed(closed) => Notice::Closed(AuctionId(closed.auction)),
                Heard::Refused(refusal) => Notice::Refused(outcome::refusal_to_core(&refusal)),
                Heard::Result(result) => Notice::Result(outcome_of(&result)?),
                Heard::Hello(_) | Heard::Registered(_) | Heard::Delta(_) | Heard::Received(_) => continue,
            };
            return Ok(Some(notice));
        }
        Ok(None)
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
                Notice::Closed(_) | Notice::Refused(_) | Notice::Result(_) => {}
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
        self.say(Said::Solution(wire::SolverSolution { auction: auction.0, bundles, prices })).await
    }

    /// Takes the answer to an auction back.
    ///
    /// # Errors
    ///
    /// Says that the connection broke.
    pub async fn withdraw(&mut self, auction: AuctionId) -> Result<(), SessionError> {
        self.say(Said::Withdraw(wire::WithdrawSolution { auction: auction.0 })).await
    }

    async fn hear(&mut self) -> Result<Option<Heard>, SessionError> {
        while let Some(message) = self.incoming.message().await.map_err(Box::new)? {
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

fn registration(options: &SessionOptions, nonce: &[u8]) -> wire::Register {
    let key = SigningKey::from(options.key);
    let signature = key.sign(&register_bytes(nonce));
    wire::Register {
        key: <[u8; 32]>::from(VerificationKeyBytes::from(&key)).to_vec(),
        signature: signature.to_bytes().to_vec(),
        strategy: options.strategy.clone(),
    }
}

fn outcome_of(result: &wire::AuctionResult) -> Result<Outcome, SessionError> {
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
        Some(Heard::Opened(_) | Heard::Delta(_) | Heard::Closed(_) | Heard::Received(_) | Heard::Result(_)) => {
            "news of an auction"
        }
        Some(Heard::Refused(_)) => "a refusal",
        None => "the end of the stream",
    };
    Err(SessionError::Unexpected { expected, found: found.to_owned() })
}
