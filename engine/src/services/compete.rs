//! The competition: a stream per solver, which hears of auctions and answers them.
//!
//! A solver that is slow or wrong loses its own stream and nothing else: nobody waits for it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use clearlane_core::auction::{AuctionInput, Clearing, Solution};
use clearlane_core::names::{AuctionId, PublicKey, SolverId};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_proto::wire::{self, engine_message, solver_message, solver_service_server::SolverService};
use clearlane_proto::{SOLUTION_BYTES_MAX, auction, outcome, register_bytes, verdict};
use prost::Message as _;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::streams::{Served, Verdict};
use super::{Engine, to_status};
use crate::admission::verify_bytes;
use crate::phase::Phase;
use crate::sequencer::Notice;

/// The messages that may wait for a slow solver, about twenty auctions' worth; beyond that its stream ends.
const MESSAGES_MAX: usize = 64;
/// How long a stream may take to register: a signature and a round trip.
const REGISTER_WITHIN: Duration = Duration::from_secs(10);

type Messages = Pin<Box<dyn Stream<Item = Result<wire::EngineMessage, Status>> + Send>>;

/// A message on its way to a solver, put on the wire only when the solver reads.
enum Said {
    Message(engine_message::Message),
    Opened(Arc<AuctionInput>),
    Notice(Notice),
}

#[tonic::async_trait]
impl SolverService for Engine {
    type CompeteStream = Messages;

    async fn compete(
        &self,
        request: Request<Streaming<wire::SolverMessage>>,
    ) -> Result<Response<Self::CompeteStream>, Status> {
        let greeted = self.sessions.greet().map_err(|refusal| to_status(&refusal))?;
        let (outbox, receiver) = mpsc::channel(MESSAGES_MAX);
        let (engine, verdict) = (self.clone(), Verdict::default());
        let gone = outbox.clone();
        let session = Session { engine: self.clone(), outbox: Outbox { sender: outbox, solver: SolverId::FLOOR } };
        let (messages, told) = (request.into_inner(), verdict.clone());
        tokio::spawn(async move {
            let mut phases = engine.phases.clone();
            // A dropped call ends the session at once, and so does the engine's stop.
            tokio::select! {
                result = session.serve(messages, greeted) => {
                    if let Err(status) = result {
                        told.tell(status);
                    }
                }
                () = gone.closed() => {}
                () = phases.reached(Phase::Stopped) => {}
            }
        });
        let items = ReceiverStream::new(receiver).map(|(bidder, said)| Ok(to_wire(bidder, said)));
        Ok(Response::new(Box::pin(Served::new(items, &self.phases, move || verdict.told()))))
    }
}

/// What waits for a solver to read it, with as whom it has registered.
struct Outbox {
    sender: mpsc::Sender<(SolverId, Said)>,
    /// The floor's number before it registers, which has no verdicts.
    solver: SolverId,
}

impl Outbox {
    /// Says something to a solver; one that does not keep up loses its stream.
    fn tell(&self, said: Said) -> Result<(), Status> {
        self.sender.try_send((self.solver, said)).map_err(|error| match error {
            TrySendError::Full(_) => too_slow(),
            TrySendError::Closed(_) => Status::cancelled("the solver is gone"),
        })
    }
}

/// As whom a solver registered, and by which key.
#[derive(Clone, Copy)]
struct Bidder {
    solver: SolverId,
    key: PublicKey,
}

/// One solver's stream.
struct Session {
    engine: Engine,
    outbox: Outbox,
}

impl Session {
    async fn serve(
        mut self,
        mut messages: Streaming<wire::SolverMessage>,
        greeted: OwnedSemaphorePermit,
    ) -> Result<(), Status> {
        let registering = tokio::time::timeout(REGISTER_WITHIN, self.greet(&mut messages)).await;
        let late = |_| Status::deadline_exceeded("MISSING (register): expected a registration within 10 s, found none");
        let bidder = registering.map_err(late)??;
        let mut place = self.engine.sessions.register(bidder.solver).map_err(|refusal| to_status(&refusal))?;
        drop(greeted);
        self.outbox.solver = bidder.solver;
        let mut notices = self.engine.notices.subscribe();
        self.outbox
            .tell(Said::Message(engine_message::Message::Registered(wire::Registered { solver: bidder.solver.0 })))?;
        if let Some(input) = self.engine.bids.published() {
            self.outbox.tell(Said::Opened(input))?;
        }
        loop {
            tokio::select! {
                _ = &mut place.replaced => return Err(replaced()),
                message = messages.next() => match message {
                    Some(message) => {
                        let answer = self.answer(bidder, message?).await?;
                        self.outbox.tell(Said::Message(answer))?;
                    }
                    None => return Ok(()),
                },
                notice = notices.recv() => match notice {
                    Ok(notice) => self.outbox.tell(Said::Notice(notice))?,
                    Err(broadcast::error::RecvError::Lagged(_)) => return Err(too_slow()),
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
            }
        }
    }

    async fn greet(&self, messages: &mut Streaming<wire::SolverMessage>) -> Result<Bidder, Status> {
        let mut nonce = [0_u8; 32];
        getrandom::fill(&mut nonce).map_err(|error| Status::internal(error.to_string()))?;
        let hello = wire::Hello {
            nonce: nonce.to_vec(),
            cell: self.engine.cell.clone(),
            time_ns: self.engine.clock.now().0,
            clock_scale: self.engine.clock.scale(),
        };
        self.outbox.tell(Said::Message(engine_message::Message::Hello(hello)))?;
        let expected = || Status::invalid_argument("MALFORMED (message): expected register first");
        let first = messages.next().await.ok_or_else(expected)??;
        let Some(solver_message::Message::Register(register)) = first.message else { return Err(expected()) };
        verify_bytes(&register.key, &register.signature, &register_bytes(&nonce))
            .map_err(|refusal| to_status(&refusal))?;
        let key = PublicKey(register.key.as_slice().try_into().map_err(|_| expected())?);
        let strategy: String = register.strategy.chars().take(64).collect();
        let solver = self.engine.keys.solver_of(&key).ok_or_else(|| to_status(&unknown_key("register.key")))?;
        tracing::info!(solver = solver.0, strategy, "solver registered");
        Ok(Bidder { solver, key })
    }

    /// What a solver is told of its message; a key that may no longer bid ends the stream.
    async fn answer(&self, bidder: Bidder, message: wire::SolverMessage) -> Result<engine_message::Message, Status> {
        if self.engine.keys.solver_of(&bidder.key) != Some(bidder.solver) {
            return Err(to_status(&unknown_key("key")));
        }
        let engine = self.engine.clone();
        // A full solution takes milliseconds to read, in which other clients' calls must go on.
        let taken = tokio::task::spawn_blocking(move || take(&engine, bidder, message)).await;
        Ok(match taken.map_err(|_| Status::internal("reading the message failed"))? {
            Ok(received) => engine_message::Message::Received(received),
            Err(refusal) => engine_message::Message::Refused(outcome::refusal_to_wire(&refusal)),
        })
    }
}

fn replaced() -> Status {
    let message = "ALREADY_EXISTS (register.key): another stream registered for this solver and bids from now on; \
        give each process a key of a party of its own";
    Status::already_exists(message)
}

fn too_slow() -> Status {
    let message = format!("the solver is more than {MESSAGES_MAX} messages behind; connect again");
    to_status(&Refusal::new(Reason::Exhausted, "compete", message))
}

fn unknown_key(field: &str) -> Refusal {
    Refusal::new(Reason::UnknownKey, field, "the key is not registered in the role of a solver, or was revoked")
}

fn take(engine: &Engine, bidder: Bidder, message: wire::SolverMessage) -> Result<wire::SolutionReceived, Refusal> {
    match message.message {
        Some(solver_message::Message::Solution(solution)) => {
            let bytes = solution.encoded_len();
            if bytes > SOLUTION_BYTES_MAX {
                let message = format!("expected at most {SOLUTION_BYTES_MAX} bytes, found {bytes}");
                return Err(Refusal::new(Reason::TooLarge, "solution", message));
            }
            let bundles = auction::bundles_to_core(&solution.bundles)?;
            let count = u32::try_from(bundles.len()).unwrap_or(u32::MAX);
            let prices = auction::prices_to_core(&solution.prices)?;
            let answer = Solution { solver: bidder.solver, auction: AuctionId(solution.auction), bundles, prices };
            engine.bids.put(bidder.key, answer)?;
            Ok(wire::SolutionReceived { auction: solution.auction, bundles: count })
        }
        Some(solver_message::Message::Withdraw(withdraw)) => {
            engine.bids.withdraw(bidder.solver, AuctionId(withdraw.auction))?;
            Ok(wire::SolutionReceived { auction: withdraw.auction, bundles: 0 })
        }
        Some(solver_message::Message::Register(_)) => {
            Err(Refusal::new(Reason::Malformed, "message", "expected a solution, found a second register"))
        }
        None => Err(Refusal::new(Reason::Malformed, "message", "expected a solution, found nothing")),
    }
}

fn to_wire(solver: SolverId, said: Said) -> wire::EngineMessage {
    let message = match said {
        Said::Message(message) => message,
        Said::Opened(input) => engine_message::Message::Opened(auction::input_to_wire(&input)),
        Said::Notice(notice) => announce(solver, &notice),
    };
    wire::EngineMessage { message: Some(message) }
}

fn announce(solver: SolverId, notice: &Notice) -> engine_message::Message {
    match notice {
        Notice::Opened(input) => engine_message::Message::Opened(auction::input_to_wire(input)),
        Notice::Closed(auction) => engine_message::Message::Closed(wire::AuctionClosed { auction: auction.0 }),
        Notice::Settled(clearing) => engine_message::Message::Result(result(solver, clearing)),
        Notice::Voided(auction) => {
            let voided = wire::AuctionResult { auction: auction.0, voided: true, ..wire::AuctionResult::default() };
            engine_message::Message::Result(voided)
        }
    }
}

fn result(solver: SolverId, clearing: &Clearing) -> wire::AuctionResult {
    let own = clearing.verdicts.iter().find(|verdicts| verdicts.solver == solver);
    let contribution = own.map_or(0, |own| own.contribution).to_string();
    let verdicts = own.into_iter().flat_map(|own| &own.verdicts).map(verdict::to_wire).collect();
    wire::AuctionResult {
        auction: clearing.auction.0,
        voided: false,
        score: clearing.score.to_string(),
        floor_score: clearing.floor_score.to_string(),
        verdicts,
        bound: clearing.bound.score.to_string(),
        bound_by: clearing.bound.source.to_string(),
        bound_prices: auction::prices_to_wire(&clearing.bound.prices),
        selection_gap: clearing.selection_gap.to_string(),
        contribution,
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn nobody_waits_for_a_solver_that_does_not_read() {
        let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
        let outbox = Outbox { sender, solver: SolverId(1) };
        let notice = || Said::Notice(Notice::Closed(AuctionId(1)));
        for _ in 0..MESSAGES_MAX {
            outbox.tell(notice()).expect("room");
        }
        assert_eq!(outbox.tell(notice()).map_err(|status| status.code()), Err(Code::ResourceExhausted));
        drop(receiver);
        assert_eq!(outbox.tell(notice()).map_err(|status| status.code()), Err(Code::Cancelled));
    }
}
