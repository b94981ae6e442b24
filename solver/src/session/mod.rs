//! A solver's session with an engine: it registers, then answers one auction after another.
//!
//! [`Session`] is the connection, for solvers that decide by themselves; [`run`] answers with a
//! strategy of this crate until it is told to stop, [`compete`] does so on one connection after another, and
//! [`compete_with`] with a strategy of one's own.

mod clock;
mod link;
mod patient;
mod prepare;
mod work;

use clearlane_core::auction::Verdict;
use clearlane_core::names::AuctionId;
use tokio::sync::watch;
use tracing::{info, warn};

pub use clock::{EngineClock, usable};
pub use link::{Memory, Notice, Outcome, Session};
pub use patient::{compete, compete_with};
pub use prepare::prepared;

use crate::strategy::{self, Proposal, UnknownStrategy};
use work::{Bidder, Work};

/// The verdicts of an auction that are said one by one: more would bury the rest of what a solver says.
const VERDICTS_SAID_MAX: usize = 50;

/// With which engine and as whom a solver competes.
#[derive(Clone)]
pub struct SessionOptions {
    /// Where the engine listens, as host:port.
    pub engine: String,
    /// The secret seed of the solver's key.
    pub key: [u8; 32],
    /// The name of its strategy.
    pub strategy: String,
}

/// What happened in a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionReport {
    /// Auctions that opened.
    pub auctions: u64,
    /// Those of them that were told by what changed.
    pub deltas: u64,
    /// Solutions sent.
    pub solutions: u64,
    /// Bundles in them.
    pub bundles: u64,
    /// Bundles that executed.
    pub won: u64,
    /// Bundles that were valid but lost to something better.
    pub lost: u64,
    /// Bundles that broke a rule.
    pub refused: u64,
}

/// Why a session ended early.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is no such strategy.
    #[error(transparent)]
    Strategy(#[from] UnknownStrategy),
    /// The engine can't be reached there.
    #[error("expected an engine at {engine}: {source}")]
    Unreachable {
        /// Where it was sought.
        engine: String,
        /// What went wrong.
        source: tonic::transport::Error,
    },
    /// The connection broke.
    #[error("expected an open connection: {0}")]
    Broken(#[from] Box<tonic::Status>),
    /// The engine refused the registration.
    #[error("expected to be registered, found {code}: {message}")]
    NotRegistered {
        /// The code of the refusal.
        code: String,
        /// What was expected and what was found.
        message: String,
    },
    /// The engine said something else than the protocol says.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What the protocol says.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// The strategy panicked.
    #[error("expected the strategy to return: {0}")]
    Crashed(#[from] tokio::task::JoinError),
}

impl SessionReport {
    fn add(&mut self, outcome: &Outcome) {
        for verdict in &outcome.verdicts {
            let count = match verdict {
                Verdict::Won(_) => &mut self.won,
                Verdict::Lost(_) | Verdict::FloorBetter(_) => &mut self.lost,
                Verdict::Refused(_) => &mut self.refused,
            };
            *count = count.saturating_add(1);
        }
    }
}

/// Competes with a strategy until `stop` holds true, its sender is gone, or the engine ends the stream.
///
/// A newer auction supersedes one that is still being solved.
///
/// # Errors
///
/// Says why the session could not begin or ended early.
pub async fn run(options: SessionOptions, mut stop: watch::Receiver<bool>) -> Result<SessionReport, SessionError> {
    strategy::strategy(&options.strategy)?;
    let (mut report, mut memory) = (SessionReport::default(), Memory::default());
    session(&options, &Bidder::Named(options.strategy.clone()), &mut stop, &mut report, &mut memory).await?;
    Ok(report)
}

/// One connection from its registration to its end, counted in `report`; it resumes by `memory`, and leaves there what
/// the next one resumes by.
async fn session(
    options: &SessionOptions,
    bidder: &Bidder,
    stop: &mut watch::Receiver<bool>,
    report: &mut SessionReport,
    memory: &mut Memory,
) -> Result<(), SessionError> {
    let mut session = tokio::select! {
        () = stop_asked(stop) => return Ok(()),
        session = Session::resume(options, memory.clone()) => session?,
    };
    info!(solver = session.solver().0, strategy = options.strategy, "registered");
    let ended = competing(bidder, stop, report, &mut session).await;
    *memory = session.memory().clone();
    report.deltas = memory.deltas();
    ended
}

async fn competing(
    bidder: &Bidder,
    stop: &mut watch::Receiver<bool>,
    report: &mut SessionReport,
    session: &mut Session,
) -> Result<(), SessionError> {
    let mut work = Work::default();
    loop {
        tokio::select! {
            () = stop_asked(stop) => break,
            solved = work.finished() => {
                let (auction, proposal) = solved?;
                send(session, auction, &proposal, report).await?;
            }
            notice = session.next() => match notice? {
                Some(Notice::Opened(input)) => {
                    report.auctions = report.auctions.saturating_add(1);
                    let deadline = session.clock().deadline(input.close_at);
                    work.start(*input, bidder, deadline);
                }
                Some(Notice::Closed(auction)) => work.cancel(auction),
                Some(Notice::Refused(refusal)) => warn!(%refusal, "message refused"),
                Some(Notice::Gone(first, last)) => {
                    warn!(first = first.0, last = last.0, "results of these auctions are no longer kept");
                }
                Some(Notice::Result(outcome)) => {
                    report.add(&outcome);
                    log(&outcome);
                }
                None => break,
            },
        }
    }
    Ok(())
}

/// Waits until a stop is asked for, or nobody is left to ask.
pub(crate) async fn stop_asked(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone.
    let _ = stop.wait_for(|is_stopping| *is_stopping).await;
}

async fn send(
    session: &mut Session,
    auction: AuctionId,
    proposal: &Proposal,
    report: &mut SessionReport,
) -> Result<(), SessionError> {
    let bundles = &proposal.bundles;
    if bundles.is_empty() && proposal.prices.is_none() {
        info!(auction = auction.0, "nothing to propose");
        return Ok(());
    }
    session.answer(auction, proposal).await?;
    report.solutions = report.solutions.saturating_add(1);
    report.bundles = report.bundles.saturating_add(u64::try_from(bundles.len()).unwrap_or(u64::MAX));
    info!(auction = auction.0, bundles = bundles.len(), "solution sent");
    Ok(())
}

fn log(outcome: &Outcome) {
    let mut sums = SessionReport::default();
    sums.add(outcome);
    let (won, lost, refused) = (sums.won, sums.lost, sums.refused);
    let (auction, score, voided) = (outcome.auction.0, outcome.score, outcome.is_voided);
    info!(auction, won, lost, refused, %score, floor = %outcome.floor_score, bound = %outcome.bound, voided, "result");
    let unsaid = outcome.verdicts.len().saturating_sub(VERDICTS_SAID_MAX);
    if unsaid > 0 {
        info!(auction, unsaid, "only the first verdicts follow");
    }
    for (bundle, verdict) in outcome.verdicts.iter().enumerate().take(VERDICTS_SAID_MAX) {
        match verdict {
            Verdict::Won(score) => info!(auction, bundle, %score, "bundle won"),
            Verdict::Lost(loss) => {
                let (solver, number, ahead) = loss
                    .to
                    .map_or((0, 0, 0), |(solver, number, score)| (solver.0, number, score.saturating_sub(loss.score)));
                let (score, on, refusal) = (loss.score, &loss.on, &loss.refusal);
                let name = outcome.lost_on.get(bundle).map_or("", String::as_str);
                info!(auction, bundle, %score, solver, number, %ahead, ?on, name, %refusal, "bundle lost");
            }
            Verdict::FloorBetter(score) => {
                let floor = outcome.floor_score;
                info!(auction, bundle, %score, %floor, "bundle lost to the built-in bidder alone");
            }
            Verdict::Refused(refusal) => warn!(auction, bundle, %refusal, "bundle refused"),
        }
    }
}
