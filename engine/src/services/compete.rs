//! The competition: a stream per solver, which hears of auctions and answers them.
//!
//! A solver that is slow or wrong loses its own stream and nothing else.

use std::pin::Pin;

use clearlane_core::auction::Clearing;
use clearlane_core::names::{AuctionId, PublicKey, SolverId};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_proto::wire::{self, engine_message, solver_message, solver_service_server::SolverService};
use clearlane_proto::{SOLUTION_BYTES_MAX, auction, outcome, register_bytes, verdict};
use prost::Message as _;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::{Engine, to_status};
use crate::admission::verify_bytes;
use crate::sequencer::Notice;

/// The messages that may wait for a slow solver; beyond that its stream ends.
const MESSAGES_MAX: usize = 64;

type Messages = Pin<Box<dyn Stream<Item = Result<wire::EngineMessage, Status>> + Send>>;
type Outbox = mpsc::Sender<Result<wire::EngineMessage, Status>>;

#[tonic::async_trait]
impl SolverService for Engine {
    type CompeteStream = Messages;

    async fn compete(
        &self,
        request: Request<Streaming<wire::SolverMessage>>,
    ) -> Result<Response<Self::CompeteStream>, Status> {
        let (outbox, receiver) = mpsc::channel(MESSAGES_MAX);
        let (engine, messages) = (self.clone(), request.into_inner());
        tokio::spawn(async move {
            let result = serve(engine, messages, outbox.clone()).await;
            if let Err(status) = result {
                // The solver may have gone.
                let _ = outbox.send(Err(status)).await;
            }
        });
        Ok(Response::new(Box::pin(while_running(ReceiverStream::new(receiver), self.stopped.clone()))))
    }
}

/// The stream until the engine stops.
pub(super) fn while_running<S: Stream + Send + 'static>(
    stream: S,
    mut stopped: watch::Receiver<bool>,
) -> impl Stream<Item = S::Item> + Send
where
    S::Item: Send,
{
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut stream = std::pin::pin!(stream);
        loop {
            let next = tokio::select! {
                next = stream.next() => next,
                () = stop_asked(&mut stopped) => None,
            };
            let Some(item) = next else { return };
            if sender.send(item).await.is_err() {
                return;
            }
        }
    });
    ReceiverStream::new(receiver)
}

async fn stop_asked(stopped: &mut watch::Receiver<bool>) {
    // An error means that the engine is gone, which is a stop too.
    let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
}

async fn serve(engine: Engine, mut messages: Streaming<wire::SolverMessage>, outbox: Outbox) -> Result<(), Status> {
    let mut nonce = [0_u8; 32];
    getrandom::fill(&mut nonce).map_err(|error| Status::internal(error.to_string()))?;
    let hello = wire::Hello {
        nonce: nonce.to_vec(),
        cell: engine.cell.clone(),
        time_ns: engine.clock.now().0,
        clock_scale: engine.clock.scale(),
    };
    tell(&outbox, engine_message::Message::Hello(hello)).await?;
    let solver = register(&engine, &mut messages, &nonce).await?;
    let mut notices = engine.notices.subscribe();
    tell(&outbox, engine_message::Message::Registered(wire::Registered { solver: solver.0 })).await?;
    let open = engine.look(|cell, _| {
        Ok(cell.state.auction.as_ref().filter(|pending| pending.is_open).map(|pending| pending.input.clone()))
    });
    if let Some(input) = open.await? {
        tell(&outbox, engine_message::Message::Opened(auction::input_to_wire(&input))).await?;
    }
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(Ok(message)) => tell(&outbox, answer(&engine, solver, message)).await?,
                Some(Err(_)) | None => return Ok(()),
            },
            notice = notices.recv() => match notice {
                Ok(notice) => tell(&outbox, announce(solver, &notice)).await?,
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            },
        }
    }
}

async fn register(
    engine: &Engine,
    messages: &mut Streaming<wire::SolverMessage>,
    nonce: &[u8],
) -> Result<SolverId, Status> {
    let expected = || Status::invalid_argument("MALFORMED (message): expected register first");
    let first = messages.next().await.ok_or_else(expected)??;
    let Some(solver_message::Message::Register(register)) = first.message else { return Err(expected()) };
    verify_bytes(&register.key, &register.signature, &register_bytes(nonce)).map_err(|refusal| to_status(&refusal))?;
    let key: [u8; 32] = register.key.as_slice().try_into().map_err(|_| expected())?;
    let strategy: String = register.strategy.chars().take(64).collect();
    let solver = engine.look(move |cell, _| {
        let unknown = || {
            let message = "the key is not registered in the role of a solver";
            Refusal::new(Reason::UnknownKey, "register.key", message)
        };
        cell.state.solver_of(&PublicKey(key)).ok_or_else(unknown)
    });
    let solver = solver.await?;
    tracing::info!(solver = solver.0, strategy, "solver registered");
    Ok(solver)
}

fn answer(engine: &Engine, solver: SolverId, message: wire::SolverMessage) -> engine_message::Message {
    match take(engine, solver, message) {
        Ok(received) => engine_message::Message::Received(received),
        Err(refusal) => engine_message::Message::Refused(outcome::refusal_to_wire(&refusal)),
    }
}

fn take(engine: &Engine, solver: SolverId, message: wire::SolverMessage) -> Result<wire::SolutionReceived, Refusal> {
    match message.message {
        Some(solver_message::Message::Solution(solution)) => {
            let bytes = solution.encoded_len();
            if bytes > SOLUTION_BYTES_MAX {
                let message = format!("expected at most {SOLUTION_BYTES_MAX} bytes, found {bytes}");
                return Err(Refusal::new(Reason::TooLarge, "solution", message));
            }
            let bundles = auction::bundles_to_core(&solution.bundles)?;
            let count = u32::try_from(bundles.len()).unwrap_or(u32::MAX);
            engine.bids.put(solver, AuctionId(solution.auction), bundles)?;
            Ok(wire::SolutionReceived { auction: solution.auction, bundles: count })
        }
        Some(solver_message::Message::Withdraw(withdraw)) => {
            engine.bids.withdraw(solver, AuctionId(withdraw.auction))?;
            Ok(wire::SolutionReceived { auction: withdraw.auction, bundles: 0 })
        }
        Some(solver_message::Message::Register(_)) => {
            Err(Refusal::new(Reason::Malformed, "message", "expected a solution, found a second register"))
        }
        None => Err(Refusal::new(Reason::Malformed, "message", "expected a solution, found nothing")),
    }
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
    let verdicts = own.into_iter().flat_map(|own| &own.verdicts).map(verdict::to_wire).collect();
    wire::AuctionResult {
        auction: clearing.auction.0,
        voided: false,
        score: clearing.score.to_string(),
        floor_score: clearing.floor_score.to_string(),
        verdicts,
    }
}

/// Says something to a solver; one that does not listen loses its stream.
async fn tell(outbox: &Outbox, message: engine_message::Message) -> Result<(), Status> {
    let gone = |_| Status::cancelled("the solver is gone");
    outbox.send(Ok(wire::EngineMessage { message: Some(message) })).await.map_err(gone)
}
