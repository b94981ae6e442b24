//! What waits for a solver to read it: bounded, put on the wire only when the solver reads, and newest news first.
//!
//! Results wait apart, in order of auction, so that a solver which catches up is told of an opened auction at once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use clearlane_core::auction::{AuctionInput, Clearing};
use clearlane_core::names::{AuctionId, SolverId};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::time::Timestamp;
use clearlane_proto::wire::{self, engine_message::Message};
use clearlane_proto::{auction, verdict};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_stream::Stream;
use tonic::Status;

use crate::clock::Clock;
use crate::services::to_status;
use crate::standings::Standings;

/// The messages that may wait for a slow solver, about twenty auctions' worth; beyond that its stream ends.
pub(super) const MESSAGES_MAX: usize = 64;

/// A message on its way to a solver.
pub(super) enum Said {
    Message(Box<Message>),
    Opened(Arc<AuctionInput>),
    Delta(Arc<wire::AuctionDelta>),
    Ended(Ended),
}

impl From<Message> for Said {
    fn from(message: Message) -> Said {
        Said::Message(Box::new(message))
    }
}

/// An auction that has ended.
pub(super) struct Ended {
    pub(super) auction: AuctionId,
    /// What was decided; `None` if it is void.
    pub(super) clearing: Option<Arc<Clearing>>,
    /// What solvers were told of it, if that is still known.
    pub(super) input: Option<Arc<AuctionInput>>,
}

/// As whom a message is told; the floor's number before a solver registers, which has no verdicts.
type Told = (SolverId, Said);

/// Where a session puts what it says.
pub(super) struct Outbox {
    news: mpsc::Sender<Told>,
    results: mpsc::Sender<Told>,
    pub(super) solver: SolverId,
}

/// What a solver reads.
pub(super) struct Inbox {
    news: mpsc::Receiver<Told>,
    results: mpsc::Receiver<Told>,
    clock: Clock,
    standings: Arc<Standings>,
}

/// A queue of news, and one of results that takes a result at a time.
pub(super) fn outbox(clock: Clock, standings: Arc<Standings>) -> (Outbox, Inbox) {
    let ((news, news_out), (results, results_out)) = (mpsc::channel(MESSAGES_MAX), mpsc::channel(1));
    let inbox = Inbox { news: news_out, results: results_out, clock, standings };
    (Outbox { news, results, solver: SolverId::FLOOR }, inbox)
}

impl Outbox {
    /// Says something to a solver; one that does not keep up loses its stream.
    pub(super) fn tell(&self, said: Said) -> Result<(), Status> {
        self.news.try_send((self.solver, said)).map_err(|error| match error {
            TrySendError::Full(_) => too_slow(),
            TrySendError::Closed(_) => Status::cancelled("the solver is gone"),
        })
    }

    /// Where results go, one by one.
    pub(super) fn results(&self) -> mpsc::Sender<Told> {
        self.results.clone()
    }

    /// To hear when the solver is gone.
    pub(super) fn news(&self) -> mpsc::Sender<Told> {
        self.news.clone()
    }
}

pub(super) fn too_slow() -> Status {
    let message = format!("the solver is more than {MESSAGES_MAX} messages behind; connect again");
    to_status(&Refusal::new(Reason::Exhausted, "compete", message))
}

impl Stream for Inbox {
    type Item = Result<wire::EngineMessage, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let found = match self.news.poll_recv(context) {
            Poll::Ready(Some(told)) => Poll::Ready(Some(told)),
            Poll::Ready(None) => self.results.poll_recv(context),
            Poll::Pending => match self.results.poll_recv(context) {
                Poll::Ready(Some(told)) => Poll::Ready(Some(told)),
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            },
        };
        found.map(|told| told.map(|(solver, said)| Ok(self.to_wire(solver, said))))
    }
}

impl Inbox {
    fn to_wire(&self, solver: SolverId, said: Said) -> wire::EngineMessage {
        let (message, offer) = match said {
            Said::Message(message) => (*message, None),
            Said::Opened(input) => {
                let offer = Some((input.auction, input.close_at));
                (Message::Opened(auction::input_to_wire(&input)), offer)
            }
            Said::Delta(delta) => {
                let close_at = delta.rows.as_ref().map_or(0, |rows| rows.close_at_ns);
                let offer = Some((AuctionId(delta.auction), Timestamp(close_at)));
                (Message::Delta(Arc::unwrap_or_clone(delta)), offer)
            }
            Said::Ended(ended) => (Message::Result(result(solver, &ended)), None),
        };
        let budget = offer.map(|(_, close_at)| self.clock.until(close_at)).unwrap_or_default();
        if let Some((auction, _)) = offer {
            self.standings.offered(solver, auction, Instant::now());
        }
        wire::EngineMessage {
            message: Some(message),
            time_ns: self.clock.now().0,
            budget_ns: u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

fn result(solver: SolverId, ended: &Ended) -> wire::AuctionResult {
    let Some(clearing) = &ended.clearing else {
        return wire::AuctionResult { auction: ended.auction.0, voided: true, ..wire::AuctionResult::default() };
    };
    let own = clearing.verdicts.iter().find(|verdicts| verdicts.solver == solver);
    let names = verdict::ResourceNames::of(ended.input.as_deref());
    let verdicts = own.into_iter().flat_map(|own| &own.verdicts).map(|verdict| verdict::to_wire(verdict, &names));
    wire::AuctionResult {
        auction: clearing.auction.0,
        voided: false,
        score: clearing.score.to_string(),
        floor_score: clearing.floor_score.to_string(),
        verdicts: verdicts.collect(),
        bound: clearing.bound.score.to_string(),
        bound_by: clearing.bound.source.to_string(),
        bound_prices: auction::prices_to_wire(&clearing.bound.prices),
        selection_gap: clearing.selection_gap.to_string(),
        contribution: own.map_or(0, |own| own.contribution).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;
    use tonic::Code;

    use super::*;

    fn boxes() -> (Outbox, Inbox) {
        outbox(Clock::new(Timestamp(5_000_000_000), 10), Arc::default())
    }

    fn closed() -> Said {
        Message::Closed(wire::AuctionClosed { auction: 1 }).into()
    }

    #[test]
    fn nobody_waits_for_a_solver_that_does_not_read() {
        let (outbox, inbox) = boxes();
        for _ in 0..MESSAGES_MAX {
            outbox.tell(closed()).expect("room");
        }
        assert_eq!(outbox.tell(closed()).map_err(|status| status.code()), Err(Code::ResourceExhausted));
        drop(inbox);
        assert_eq!(outbox.tell(closed()).map_err(|status| status.code()), Err(Code::Cancelled));
    }

    #[tokio::test]
    async fn what_is_opened_overtakes_results_and_says_how_long_is_left() {
        let (mut outbox, mut inbox) = boxes();
        outbox.solver = SolverId(1);
        inbox.standings.registered(SolverId(1), "test");
        let ended = Ended { auction: AuctionId(3), clearing: None, input: None };
        assert!(outbox.results().try_send((SolverId(1), Said::Ended(ended))).is_ok());
        let rows = wire::AuctionInput { close_at_ns: 105_000_000_000, ..wire::AuctionInput::default() };
        let delta = wire::AuctionDelta { auction: 4, rows: Some(rows), ..wire::AuctionDelta::default() };
        outbox.tell(Said::Delta(Arc::new(delta))).expect("room");
        drop(outbox);
        let first = inbox.next().await.and_then(Result::ok).expect("news");
        let second = inbox.next().await.and_then(Result::ok).expect("a result");
        assert!(inbox.next().await.is_none());
        assert!(matches!(&first.message, Some(Message::Delta(delta)) if delta.auction == 4));
        assert!(first.time_ns >= 5_000_000_000 && first.budget_ns <= 10_000_000_000 && first.budget_ns > 0);
        assert!(matches!(&second.message, Some(Message::Result(result)) if result.auction == 3 && result.voided));
        assert_eq!((second.budget_ns, inbox.standings.all()[0].offered), (0, 1));
    }
}
