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
use clearlane_core::root;
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
    checkpointed: u64,
    state_root: Hashed,
    books_root: Hashed,
}

/// A root with the number of records at which it was hashed.
type Hashed = Option<(u64, Hash)>;

impl Cell {
    /// The cell after its first record.
    ///
    /// # Errors
    ///
    /// Breaks if the record is no genesis.
    pub fn start(record: &Record) -> Result<Cell, Breakage> {
        let mut outcomes = MountainRange::default();
        outcomes.push(outcomes::leaf(&Outcome::default()).0);
        Ok(Cell {
            state: start(record)?,
            view: View::default(),
            outcomes,
            checkpointed: 0,
            state_root: None,
            books_root: None,
        })
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
        if matches!(record.body, Body::Checkpoint(_)) {
            self.checkpointed = self.state.records;
        }
        Ok(outcome)
    }

    /// The root over the outcomes of all records so far.
    #[must_use]
    pub fn outcomes_root(&self) -> Hash {
        Hash(self.outcomes.root())
    }

    /// How many records came after the last checkpoint.
    #[must_use]
    pub fn records_since_checkpoint(&self) -> u64 {
        self.state.records.saturating_sub(self.checkpointed)
    }

    /// The root of the state as it is, hashed at most once between two records.
    pub fn state_root(&mut self) -> Hash {
        hashed(&mut self.state_root, &self.state, root::of)
    }

    /// The books' part of the root, hashed at most once between two records.
    pub fn books_root(&mut self) -> Hash {
        hashed(&mut self.books_root, &self.state, root::books)
    }

    /// A record that carries the root of the state as it is.
    pub fn checkpoint(&mut self) -> Body {
        Body::Checkpoint(self.state_root())
    }
}

fn hashed(known: &mut Hashed, state: &State, hash: fn(&State) -> Hash) -> Hash {
    match *known {
        Some((records, root)) if records == state.records => root,
        Some(_) | None => known.insert((state.records, hash(state))).1,
    }
}
