//! A cell's state with its view and its outcomes' tree: what applying the log's records builds.
//!
//! The sequencer and replay use the same one, so that they can't differ.

use std::sync::Arc;

use clearlane_core::auction::Clearing;
use clearlane_core::breakage::Breakage;
use clearlane_core::event::Outcome;
use clearlane_core::hash::Hash;
use clearlane_core::lanes::Executor;
use clearlane_core::record::{Body, Context, Record, apply, start};
use clearlane_core::state::State;
use clearlane_log::merkle::MountainRange;

use crate::outcomes;
use crate::view::View;

/// What applying the log's records builds.
#[derive(Debug)]
pub struct Cell {
    /// The core's state.
    pub state: State,
    /// What readers see.
    pub view: View,
    outcomes: MountainRange,
}

impl Cell {
    /// The cell after its first record.
    ///
    /// # Errors
    ///
    /// Breaks if the record is no genesis.
    pub fn start(record: &Record) -> Result<Cell, Breakage> {
        let mut outcomes = MountainRange::default();
        outcomes.push(outcomes::leaf(&Outcome::default()).0);
        Ok(Cell { state: start(record)?, view: View::default(), outcomes })
    }

    /// Applies one record of the batch with this hash.
    ///
    /// # Errors
    ///
    /// Breaks if a contract of the engine does not hold; the cell must then halt.
    pub fn apply(
        &mut self,
        batch_hash: Hash,
        clearing: Option<Arc<Clearing>>,
        executor: &dyn Executor,
        record: &Record,
    ) -> Result<Outcome, Breakage> {
        let context = Context { batch_hash, clearing, executor };
        let outcome = apply(&mut self.state, &context, record)?;
        self.outcomes.push(outcomes::leaf(&outcome).0);
        self.view.take_in(record.time, &outcome.events);
        Ok(outcome)
    }

    /// The root over the outcomes of all records so far.
    #[must_use]
    pub fn outcomes_root(&self) -> Hash {
        Hash(self.outcomes.root())
    }

    /// A record that carries the root of the state as it is.
    #[must_use]
    pub fn checkpoint(&self) -> Body {
        Body::Checkpoint(clearlane_core::root::of(&self.state))
    }
}
