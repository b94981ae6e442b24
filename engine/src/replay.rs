//! Replay: re-runs the log and compares every recorded root and decision.

mod onlooker;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clearlane_core::breakage::Breakage;
use clearlane_core::event::{Event, Outcome};
use clearlane_core::hash::Hash;
use clearlane_core::invariants;
use clearlane_core::lanes::{Executor, Sequential};
use clearlane_core::pending::PendingAuction;
use clearlane_core::record::{Body, Genesis};
use clearlane_core::refusal::Refusal;
use clearlane_log::{FileLog, Header, Log, LogError, Sequence};
use clearlane_proto::record;

pub use onlooker::{Onlooker, SettledAuction};

use crate::cell::Cell;
use crate::executor::{CostModel, Method, Workers};
use crate::scales::AssetScales;

/// What replaying a log found.
#[derive(Clone, Debug)]
pub struct ReplayReport {
    /// Batches read.
    pub batches: u64,
    /// Records applied.
    pub records: u64,
    /// The root as computed: at the last checkpoint that was passed, or at the end if there was none.
    pub root: Hash,
    /// The root that the last checkpoint records.
    pub expected_root: RecordedRoot,
    /// How many state roots of checkpoints were compared.
    pub compared_roots: u64,
    /// How many batches' roots over all outcomes so far were compared.
    pub compared_outcomes: u64,
    /// Whether something was compared, and all of it was found again.
    pub equal: bool,
    /// Where replay and log first disagree.
    pub difference: Option<String>,
    /// Whether the onlooker ended it early.
    pub is_stopped: bool,
    /// The root of the state at the end.
    pub final_root: Hash,
    /// Bytes of a torn tail that were left out; they were never acknowledged.
    pub torn_bytes: u64,
    /// How long it took, without the onlooker.
    pub elapsed: Duration,
}

/// A root as the log records it, if it records one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordedRoot(pub Option<Hash>);

impl std::fmt::Display for RecordedRoot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(root) => root.fmt(formatter),
            None => formatter.write_str("none recorded"),
        }
    }
}

/// Why a log can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log can't be read.
    #[error("log: {0}")]
    Log(#[from] LogError),
    /// A record is not what this version knows.
    #[error("record {index}: {refusal}")]
    Record {
        /// Which, from 0.
        index: u64,
        /// Why.
        refusal: Refusal,
    },
    /// Applying a record breaks a contract.
    #[error("record {index}: {breakage}")]
    Broken {
        /// Which, from 0.
        index: u64,
        /// Which contract.
        breakage: Breakage,
    },
    /// A header names outcomes that replay does not give.
    #[error("batch {sequence}: expected outcomes root {recorded} as recorded, computed {computed}")]
    Outcomes {
        /// Which batch.
        sequence: u64,
        /// As recorded.
        recorded: Hash,
        /// As computed.
        computed: Hash,
    },
    /// A header says that its writer had applied records that the log does not hold before it.
    #[error("batch {sequence}: expected at most {held} records applied, found {found}")]
    AppliedThrough {
        /// Which batch.
        sequence: u64,
        /// Records before it.
        held: u64,
        /// As the header says.
        found: u64,
    },
    /// The log holds nothing to replay.
    #[error("the log is empty")]
    Empty,
}

/// Replays a log, up to a batch if one is named, on some lanes; changes nothing in the folder.
///
/// # Errors
///
/// Says which record or batch can't be read or applied. Roots that differ are no error but what the report is for.
pub fn replay(folder: &Path, to: Option<u64>, lanes: usize) -> Result<ReplayReport, ReplayError> {
    replay_cell(folder, to, lanes).map(|(report, _)| report)
}

/// The same, with the cell that the log's records build.
///
/// # Errors
///
/// As [`replay`].
pub fn replay_cell(folder: &Path, to: Option<u64>, lanes: usize) -> Result<(ReplayReport, Cell), ReplayError> {
    replayed_cell(folder, to, lanes, None)
}

/// The same as [`replay`] with somebody looking on, who may end it early.
///
/// # Errors
///
/// As [`replay`].
pub fn replay_before(
    folder: &Path,
    to: Option<u64>,
    lanes: usize,
    onlooker: &mut dyn Onlooker,
) -> Result<ReplayReport, ReplayError> {
    replayed_cell(folder, to, lanes, Some(onlooker)).map(|(report, _)| report)
}

fn replayed_cell(
    folder: &Path,
    to: Option<u64>,
    lanes: usize,
    onlooker: Option<&mut dyn Onlooker>,
) -> Result<(ReplayReport, Cell), ReplayError> {
    let started = Instant::now();
    let (log, recovery) = FileLog::open_read_only(folder)?;
    let mut run = Run { onlooker, ..Run::default() };
    let failed = run.read(&log, to, &ways(lanes)).err();
    let Run { cell, mut replayed, is_stopped, looked, .. } = run;
    let difference = match failed {
        Some(error) => Some(replayed.disagree(error)?),
        None => None,
    };
    let mut cell = cell.ok_or(ReplayError::Empty)?;
    let (final_root, compared) = (cell.state_root(), replayed.roots + replayed.outcomes);
    let report = ReplayReport {
        batches: replayed.batches,
        records: cell.state.records,
        root: replayed.computed.unwrap_or(final_root),
        expected_root: RecordedRoot(replayed.recorded),
        compared_roots: replayed.roots,
        compared_outcomes: replayed.outcomes,
        equal: difference.is_none() && compared > 0,
        difference,
        is_stopped,
        final_root,
        torn_bytes: recovery.torn_bytes,
        elapsed: started.elapsed().saturating_sub(looked),
    };
    Ok((report, cell))
}

/// The workers of auctions in turn. Asked for several lanes, it runs on them whatever they cost, by one method and
/// another: all must come to the same.
fn ways(lanes: usize) -> Vec<Workers> {
    if lanes <= 1 {
        return vec![Workers::new(lanes)];
    }
    let workers = Workers::with_model(lanes, CostModel { spawn: 0, ..CostModel::TYPICAL });
    vec![workers.always(Method::ReadyQueue), workers.always(Method::Tickets)]
}

/// What was seen on the way.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Batches read.
    batches: u64,
    /// State roots of checkpoints compared.
    roots: u64,
    /// Roots over outcomes compared.
    outcomes: u64,
    /// The root that the last checkpoint records.
    recorded: Option<Hash>,
    /// The same as computed.
    computed: Option<Hash>,
    /// What was fixed when the log was new.
    pub(crate) genesis: Option<Genesis>,
}

impl Replayed {
    /// Notes a disagreement between log and replay and says which; any other error stays one.
    fn disagree(&mut self, error: ReplayError) -> Result<String, ReplayError> {
        match &error {
            ReplayError::Broken { breakage: Breakage::RootDiffers { recorded, computed }, .. } => {
                (self.recorded, self.computed) = (Some(*recorded), Some(*computed));
                self.roots += 1;
                Ok(error.to_string())
            }
            ReplayError::Outcomes { .. } | ReplayError::AppliedThrough { .. } => Ok(error.to_string()),
            ReplayError::Broken { breakage: Breakage::ClearingDiffers { .. }, .. } => Ok(error.to_string()),
            ReplayError::Log(_) | ReplayError::Record { .. } | ReplayError::Broken { .. } | ReplayError::Empty => {
                Err(error)
            }
        }
    }
}

/// The cell after the log's records, with its invariants checked; `None` if the log is empty.
pub(crate) fn rebuild(
    log: &dyn Log,
    to: Option<u64>,
    workers: &Workers,
    replayed: &mut Replayed,
) -> Result<Option<Cell>, ReplayError> {
    let mut run = Run::default();
    run.read(log, to, std::slice::from_ref(workers))?;
    *replayed = run.replayed;
    Ok(run.cell)
}

/// A replay under way.
#[derive(Default)]
struct Run<'a> {
    cell: Option<Cell>,
    scales: AssetScales,
    replayed: Replayed,
    onlooker: Option<&'a mut dyn Onlooker>,
    is_stopped: bool,
    /// How long the onlooker took.
    looked: Duration,
}

impl Run<'_> {
    fn read(&mut self, log: &dyn Log, to: Option<u64>, ways: &[Workers]) -> Result<(), ReplayError> {
        let last = log.last().map_or(0, |header| header.sequence.0);
        let last = to.map_or(last, |to| to.min(last));
        for batch in log.read_from(Sequence(1))? {
            let batch = batch?;
            let sequence = batch.header.sequence.0;
            if self.is_stopped || sequence > last {
                break;
            }
            self.compare_outcomes(&batch.header)?;
            let batch_hash = Hash(batch.header.hash());
            for bytes in &batch.records {
                if !self.is_stopped {
                    self.apply(batch_hash, bytes, ways)?;
                }
            }
            self.replayed.batches += 1;
            if let Some(onlooker) = &mut self.onlooker {
                self.is_stopped |= onlooker.passed(sequence, last).is_break();
            }
        }
        let Some(cell) = &self.cell else { return Ok(()) };
        let broken = |breakage| ReplayError::Broken { index: cell.state.records, breakage };
        invariants::check_all(&cell.state).map_err(broken)
    }

    fn apply(&mut self, batch_hash: Hash, bytes: &[u8], ways: &[Workers]) -> Result<(), ReplayError> {
        let index = self.cell.as_ref().map_or(0, |cell| cell.state.records);
        let record = record::decode(bytes, &self.scales).map_err(|refusal| ReplayError::Record { index, refusal })?;
        let broken = |breakage| ReplayError::Broken { index, breakage };
        let Some(cell) = &mut self.cell else {
            self.cell = Some(Cell::start(&record).map_err(broken)?);
            if let Body::Genesis(genesis) = record.body {
                self.replayed.genesis = Some(*genesis);
            }
            return Ok(());
        };
        let in_turn = ways.get(usize::try_from(cell.state.auctions).unwrap_or(0) % ways.len().max(1));
        let workers: &dyn Executor = in_turn.map_or(&Sequential, |workers| workers);
        let is_settling = self.onlooker.is_some() && matches!(record.body, Body::SettleAuction(_));
        let settling = if is_settling { cell.state.auction.clone() } else { None };
        let outcome = cell.apply(batch_hash, None, workers, &record).map_err(broken)?;
        self.scales.take_in(&cell.state);
        if let Body::Checkpoint(root) = record.body {
            // Applying it compared it.
            (self.replayed.recorded, self.replayed.computed) = (Some(root), Some(root));
            self.replayed.roots += 1;
        }
        self.show(settling, &outcome);
        Ok(())
    }

    /// Tells the onlooker which auction this record ended, if it ended one.
    fn show(&mut self, mut settling: Option<PendingAuction>, outcome: &Outcome) {
        let (Some(onlooker), Some(cell)) = (&mut self.onlooker, &self.cell) else { return };
        for event in &outcome.events {
            match event {
                Event::AuctionSettled(clearing) => {
                    let Some(PendingAuction { input, input_digest, solutions, .. }) = settling.take() else { continue };
                    let clearing = Arc::clone(clearing);
                    let auction = SettledAuction { input, input_digest, solutions, clearing };
                    let began = Instant::now();
                    self.is_stopped |= onlooker.settled(cell, &auction).is_break();
                    self.looked += began.elapsed();
                }
                Event::AuctionVoided(auction) => onlooker.voided(*auction),
                Event::Posted(_)
                | Event::Intent(_)
                | Event::AuctionOpened(_)
                | Event::AuctionClosed(_)
                | Event::Checkpoint(_) => {}
            }
        }
    }

    /// Compares a header's root over the outcomes before it; a header may be behind, never ahead.
    fn compare_outcomes(&mut self, header: &Header) -> Result<(), ReplayError> {
        let Some(cell) = &self.cell else { return Ok(()) };
        let (held, found, sequence) = (cell.state.records, header.applied_through, header.sequence.0);
        match found.cmp(&held) {
            Ordering::Less => return Ok(()),
            Ordering::Greater => return Err(ReplayError::AppliedThrough { sequence, held, found }),
            Ordering::Equal => {}
        }
        let (recorded, computed) = (Hash(header.outcomes_root), cell.outcomes_root());
        if recorded != computed {
            return Err(ReplayError::Outcomes { sequence, recorded, computed });
        }
        self.replayed.outcomes += 1;
        Ok(())
    }
}
