//! One solver's stream: it registers, hears of auctions as whole inputs or deltas, answers, and hears what became of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clearlane_core::auction::{AuctionInput, Solution};
use clearlane_core::names::{AuctionId, PublicKey, SolverId};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_proto::wire::{self, engine_message::Message, solver_message};
use clearlane_proto::{SOLUTION_BYTES_MAX, auction, outcome, register_bytes};
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio_stream::StreamExt as _;
use tonic::{Status, Streaming};

use super::outbox::{Ended, MESSAGES_MAX, Outbox, Said, too_slow};
use super::resume::{Missed, ended_after};
use crate::admission::verify_bytes;
use crate::allowance::Allowance;
use crate::sequencer::Notice;
use crate::services::{Engine, to_status};

/// How long a stream may take to register: a signature and a round trip.
const REGISTER_WITHIN: Duration = Duration::from_secs(10);

/// As whom a solver registered, and by which key.
#[derive(Clone, Copy)]
struct Bidder {
    solver: SolverId,
    key: PublicKey,
}

/// What a solver asked for when it registered.
#[derive(Clone, Copy)]
struct Wishes {
    takes_deltas: bool,
    /// The last auction whose result it has heard.
    results_after: Option<AuctionId>,
}

/// One solver's stream.
pub(super) struct Session {
    engine: Engine,
    outbox: Outbox,
    /// The last auction that it was told of on this stream.
    offered: Option<AuctionId>,
    /// The auction whose input it holds, if it takes deltas.
    held: Option<AuctionId>,
    /// The last auction that it asked for whole.
    asked: Option<AuctionId>,
    /// Results on their way, in order of auction.
    results: VecDeque<Ended>,
    /// The most that may be on their way.
    results_max: usize,
    /// The last auction whose result is behind it.
    told_through: AuctionId,
}

impl Session {
    pub(super) fn new(engine: Engine, outbox: Outbox) -> Session {
        Session {
            engine,
            outbox,
            offered: None,
            held: None,
            asked: None,
            results: VecDeque::new(),
            results_max: MESSAGES_MAX,
            told_through: AuctionId(0),
        }
    }

    pub(super) async fn serve(
        mut self,
        mut messages: Streaming<wire::SolverMessage>,
        greeted: OwnedSemaphorePermit,
    ) -> Result<(), Status> {
        let registering = tokio::time::timeout(REGISTER_WITHIN, self.greet(&mut messages)).await;
        let late = |_| Status::deadline_exceeded("MISSING (register): expected a registration within 10 s, found none");
        let (bidder, wishes) = registering.map_err(late)??;
        let mut place = self.engine.sessions.register(bidder.solver).map_err(|refusal| to_status(&refusal))?;
        drop(greeted);
        // Before anything is looked up: what happens from here on is heard.
        let mut notices = self.engine.notices.subscribe();
        self.begin(bidder, wishes).await?;
        let (mut allowance, results) = (Allowance::new(Instant::now()), self.outbox.results());
        loop {
            tokio::select! {
                _ = &mut place.replaced => return Err(replaced()),
                message = read(&mut messages, &allowance) => match message {
                    Some(message) => {
                        let message = message?;
                        allowance.take(Instant::now(), message.encoded_len());
                        self.answer(bidder, wishes, message).await?;
                    }
                    None => return Ok(()),
                },
                notice = notices.recv() => match notice {
                    Ok(notice) => self.hear(wishes, notice).await?,
                    Err(broadcast::error::RecvError::Lagged(_)) => return Err(too_slow()),
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                permit = results.reserve(), if !self.results.is_empty() => {
                    let permit = permit.map_err(|_| gone())?;
                    if let Some(ended) = self.results.pop_front() {
                        permit.send((bidder.solver, Said::Ended(ended)));
                    }
                }
            }
        }
    }

    async fn greet(&mut self, messages: &mut Streaming<wire::SolverMessage>) -> Result<(Bidder, Wishes), Status> {
        let mut nonce = [0_u8; 32];
        getrandom::fill(&mut nonce).map_err(|error| Status::internal(error.to_string()))?;
        let hello = wire::Hello {
            nonce: nonce.to_vec(),
            cell: self.engine.cell.clone(),
            time_ns: self.engine.clock.now().0,
            clock_scale: self.engine.clock.scale(),
        };
        self.outbox.tell(Said::from(Message::Hello(hello)))?;
        let expected = || Status::invalid_argument("MALFORMED (message): expected register first");
        let first = messages.next().await.ok_or_else(expected)??;
        let Some(solver_message::Message::Register(register)) = first.message else { return Err(expected()) };
        verify_bytes(&register.key, &register.signature, &register_bytes(&nonce))
            .map_err(|refusal| to_status(&refusal))?;
        let key = PublicKey(register.key.as_slice().try_into().map_err(|_| expected())?);
        let strategy: String = register.strategy.chars().take(64).collect();
        let solver = self.engine.keys.solver_of(&key).ok_or_else(|| to_status(&unknown_key("register.key")))?;
        tracing::info!(solver = solver.0, strategy, "solver registered");
        self.engine.standings.registered(solver, &strategy);
        self.held = Some(AuctionId(register.held_auction)).filter(|_| register.deltas);
        let wishes = Wishes { takes_deltas: register.deltas, results_after: register.results_after.map(AuctionId) };
        Ok((Bidder { solver, key }, wishes))
    }

    /// Tells a registered solver of the open auction, and of what ended while it was away.
    async fn begin(&mut self, bidder: Bidder, wishes: Wishes) -> Result<(), Status> {
        self.outbox.solver = bidder.solver;
        self.outbox.tell(Said::from(Message::Registered(wire::Registered { solver: bidder.solver.0 })))?;
        if let Some(input) = self.engine.bids.published() {
            self.offer(wishes, input).await?;
        }
        let Some(after) = wishes.results_after else { return Ok(()) };
        let Missed { kept, gone, through } = ended_after(&self.engine, after).await?;
        if let Some(gone) = gone {
            self.outbox.tell(Said::from(Message::Gone(gone)))?;
        }
        self.told_through = through;
        self.results_max = self.results_max.saturating_add(kept.len());
        self.results = kept;
        Ok(())
    }

    async fn hear(&mut self, wishes: Wishes, notice: Notice) -> Result<(), Status> {
        match notice {
            Notice::Opened(input) => self.offer(wishes, input).await,
            Notice::Closed(auction) => {
                self.outbox.tell(Said::from(Message::Closed(wire::AuctionClosed { auction: auction.0 })))
            }
            Notice::Settled(clearing) => {
                let (auction, input) = (clearing.auction, self.engine.offers.input(clearing.auction));
                self.ended(Ended { auction, clearing: Some(clearing), input })
            }
            Notice::Voided(auction) => self.ended(Ended { auction, clearing: None, input: None }),
        }
    }

    fn ended(&mut self, ended: Ended) -> Result<(), Status> {
        if ended.auction <= self.told_through {
            return Ok(());
        }
        if self.results.len() >= self.results_max {
            return Err(too_slow());
        }
        self.results.push_back(ended);
        Ok(())
    }

    /// Tells of an auction once: by what changed where the solver takes that and holds something to apply it to.
    async fn offer(&mut self, wishes: Wishes, input: Arc<AuctionInput>) -> Result<(), Status> {
        let auction = input.auction;
        if self.offered.is_some_and(|offered| offered >= auction) {
            return Ok(());
        }
        let delta = match self.held.filter(|_| wishes.takes_deltas) {
            Some(held) => {
                let offers = Arc::clone(&self.engine.offers);
                let delta = tokio::task::spawn_blocking(move || offers.delta(held, auction)).await;
                delta.map_err(|_| Status::internal("comparing auctions failed"))?
            }
            None => None,
        };
        self.offered = Some(auction);
        self.held = Some(auction);
        self.outbox.tell(delta.map_or(Said::Opened(input), Said::Delta))
    }

    /// Tells a solver what its message came to; a key that may no longer bid ends the stream.
    async fn answer(&mut self, bidder: Bidder, wishes: Wishes, message: wire::SolverMessage) -> Result<(), Status> {
        if self.engine.keys.solver_of(&bidder.key) != Some(bidder.solver) {
            return Err(to_status(&unknown_key("key")));
        }
        if let Some(solver_message::Message::Snapshot(wire::SnapshotRequest {})) = message.message {
            return self.snapshot(wishes, bidder);
        }
        let engine = self.engine.clone();
        // A full solution takes milliseconds to read, in which other clients' calls must go on.
        let taken = tokio::task::spawn_blocking(move || take(&engine, bidder, message)).await;
        let answer = match taken.map_err(|_| Status::internal("reading the message failed"))? {
            Ok(received) => Message::Received(received),
            Err(refusal) => self.refused(bidder, &refusal),
        };
        self.outbox.tell(Said::from(answer))
    }

    fn refused(&self, bidder: Bidder, refusal: &Refusal) -> Message {
        self.engine.standings.refused(bidder.solver, refusal.reason);
        Message::Refused(outcome::refusal_to_wire(refusal))
    }

    /// Tells of the open auction again, whole; once, since that is much to say for a few bytes.
    fn snapshot(&mut self, wishes: Wishes, bidder: Bidder) -> Result<(), Status> {
        let refusal = match self.engine.bids.published() {
            Some(input) if self.asked == Some(input.auction) => {
                let message = format!("expected auction {} to be asked for once", input.auction.0);
                Refusal::new(Reason::Exhausted, "snapshot", message)
            }
            Some(input) => {
                (self.asked, self.offered) = (Some(input.auction), Some(input.auction));
                self.held = Some(input.auction).filter(|_| wishes.takes_deltas);
                return self.outbox.tell(Said::Opened(input));
            }
            None => Refusal::new(Reason::AuctionClosed, "snapshot", "expected an open auction, found none"),
        };
        // What it holds can't be told; the next auction is whole.
        self.held = None;
        self.outbox.tell(Said::from(self.refused(bidder, &refusal)))
    }
}

/// The next message, not before the allowance has room for it.
async fn read(
    messages: &mut Streaming<wire::SolverMessage>,
    allowance: &Allowance,
) -> Option<Result<wire::SolverMessage, Status>> {
    let wait = allowance.wait(Instant::now());
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    messages.next().await
}

fn replaced() -> Status {
    let message = "ALREADY_EXISTS (register.key): another stream registered for this solver and bids from now on; \
        give each process a key of a party of its own";
    Status::already_exists(message)
}

fn gone() -> Status {
    Status::cancelled("the solver is gone")
}

fn unknown_key(field: &str) -> Refusal {
    Refusal::new(Reason::UnknownKey, field, "the key is not registered in the role of a solver, or was revoked")
}

fn take(engine: &Engine, bidder: Bidder, message: wire::SolverMessage) -> Result<wire::SolutionReceived, Refusal> {
    let (solver, now) = (bidder.solver, Instant::now());
    match message.message {
        Some(solver_message::Message::Solution(solution)) => {
            let bytes = solution.encoded_len();
            if bytes > SOLUTION_BYTES_MAX {
                let message = format!("expected at most {SOLUTION_BYTES_MAX} bytes, found {bytes}");
                return Err(Refusal::new(Reason::TooLarge, "solution", message));
            }
            let (auction, version) = (AuctionId(solution.auction), solution.version);
            let bundles = auction::bundles_to_core(&solution.bundles)?;
            let count = u32::try_from(bundles.len()).unwrap_or(u32::MAX);
            let prices = auction::prices_to_core(&solution.prices)?;
            engine.bids.put(bidder.key, version, Solution { solver, auction, bundles, prices })?;
            engine.standings.answered(solver, auction, Some(now));
            Ok(wire::SolutionReceived { auction: auction.0, bundles: count, version })
        }
        Some(solver_message::Message::Withdraw(withdraw)) => {
            let (auction, version) = (AuctionId(withdraw.auction), withdraw.version);
            engine.bids.withdraw(bidder.key, version, solver, auction)?;
            engine.standings.answered(solver, auction, None);
            Ok(wire::SolutionReceived { auction: auction.0, bundles: 0, version })
        }
        Some(solver_message::Message::Register(_)) => {
            Err(Refusal::new(Reason::Malformed, "message", "expected a solution, found a second register"))
        }
        Some(solver_message::Message::Snapshot(_)) | None => {
            Err(Refusal::new(Reason::Malformed, "message", "expected a solution, found nothing"))
        }
    }
}
