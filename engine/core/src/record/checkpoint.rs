//! Compares the recorded state root with the one of this state.

use crate::breakage::Breakage;
use crate::event::{Event, Outcome};
use crate::hash::Hash;
use crate::invariants;
use crate::root;
use crate::state::State;

pub(super) fn compare(state: &State, recorded: Hash, outcome: &mut Outcome) -> Result<(), Breakage> {
    let computed = root::of(state);
    if computed != recorded {
        return Err(Breakage::RootDiffers { recorded, computed });
    }
    invariants::check_all(state)?;
    outcome.events.push(Event::Checkpoint(recorded));
    Ok(())
}
