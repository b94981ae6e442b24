//! Replay: re-runs the log and compares every recorded root and decision.

use std::path::Path;
use std::time::{Duration, Instant};

use clearlane_core::breakage::Breakage;
use clearlane_core::hash::Hash;
use clearlane_core::record::Body;
use clearlane_core::refusal::Refusal;
use clearlane_core::root;
use clearlane_log::{FileLog, Log, LogError, Sequence};
use clearlane_proto::record;

use crate::cell::Cell;
use crate::executor::Workers;
use crate::scales::AssetScales;

/// What replaying a log found.
#[derive(Clone, Debug)]
pub struct ReplayReport {
    /// Batches read.
    pub batches: u64,
    /// Records applied.
    pub records: u64,
    /// The root of the state at the last checkpoint that was passed, as computed.
    pub root: Hash,
    /// The same as recorded.
    pub expected_root: Hash,
    /// Whether every recorded root and every decision was found again.
    pub equal: bool,
    /// The root of the state at the end.
    pub final_root: Hash,
    /// Bytes of a torn tail that were left out; they were never acknowledged.
    pub torn_bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
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
    /// The log holds nothing to replay.
    #[error("the log is empty")]
    Empty,
}

/// Replays a log, up to a batch if one is named, on some lanes; changes nothing in the folder.
///
/// # Errors
///
/// Says which record or batch can't be read, or where replay and log disagree.
pub fn replay(folder: &Path, to: Option<u64>, lanes: usize) -> Result<ReplayReport, ReplayError> {
    replay_cell(folder, to, lanes).map(|(report, _)| report)
}

/// The same, with the cell that the log's records build.
///
/// # Errors
///
/// As [`replay`].
pub fn replay_cell(folder: &Path, to: Option<u64>, lanes: usize) -> Result<(ReplayReport, Cell), ReplayError> {
    let started = Instant::now();
    let (log, recovery) = FileLog::open_read_only(folder)?;
    let mut replayed = Replayed::default();
    let workers = Workers::new(lanes);
    let cell = rebuild(&log, to, &workers, &mut replayed)?.ok_or(ReplayError::Empty)?;
    let report = ReplayReport {
        batches: replayed.batches,
        records: cell.state.records,
        root: replayed.root,
        expected_root: replayed.root,
        equal: true,
        final_root: root::of(&cell.state),
        torn_bytes: recovery.torn_bytes,
        elapsed: started.elapsed(),
    };
    Ok((report, cell))
}

/// What was seen on the way.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Batches read.
    pub(crate) batches: u64,
    /// The last recorded root; applying it compared it.
    pub(crate) root: Hash,
}

/// The cell after the log's records; `None` if the log is empty.
pub(crate) fn rebuild(
    log: &dyn Log,
    to: Option<u64>,
    workers: &Workers,
    replayed: &mut Replayed,
) -> Result<Option<Cell>, ReplayError> {
    let mut cell: Option<Cell> = None;
    let scales = AssetScales::default();
    for batch in log.read_from(Sequence(1))? {
        let batch = batch?;
        if to.is_some_and(|to| batch.header.sequence.0 > to) {
            break;
        }
        compare_outcomes(cell.as_ref(), &batch.header)?;
        let batch_hash = Hash(batch.header.hash());
        for bytes in &batch.records {
            let index = cell.as_ref().map_or(0, |cell| cell.state.records);
            let record = record::decode(bytes, &scales).map_err(|refusal| ReplayError::Record { index, refusal })?;
            let broken = |breakage| ReplayError::Broken { index, breakage };
            match &mut cell {
                None => cell = Some(Cell::start(&record).map_err(broken)?),
                Some(cell) => {
                    cell.apply(batch_hash, None, workers, &record).map_err(broken)?;
                    scales.take_in(&cell.state);
                }
            }
            if let Body::Checkpoint(root) = record.body {
                replayed.root = root;
            }
        }
        replayed.batches += 1;
    }
    Ok(cell)
}

fn compare_outcomes(cell: Option<&Cell>, header: &clearlane_log::Header) -> Result<(), ReplayError> {
    let Some(cell) = cell.filter(|cell| cell.state.records == header.applied_through) else { return Ok(()) };
    let (recorded, computed) = (Hash(header.outcomes_root), cell.outcomes_root());
    if recorded == computed {
        return Ok(());
    }
    Err(ReplayError::Outcomes { sequence: header.sequence.0, recorded, computed })
}
