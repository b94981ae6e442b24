//! How many solver streams there may be: few that have not registered, and as many registered as one auction takes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use clearlane_core::names::SolverId;
use clearlane_core::refusal::{Reason, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::bids::SOLVERS_MAX;

/// The streams that may be about to register: anybody can open one, and each ends soon if nobody does.
const GREETED_MAX: usize = 128;

/// The places of solver streams.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    greeted: Arc<Semaphore>,
    registered: Arc<Semaphore>,
    /// For each registered solver its newest stream.
    newest: Arc<Mutex<BTreeMap<SolverId, Newest>>>,
}

/// A solver's newest stream: its number, and how to end it.
type Newest = (u64, oneshot::Sender<()>);

/// A registered solver's place; it is free again when this is dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    sessions: Sessions,
    solver: SolverId,
    number: u64,
    /// Told when a newer stream registers for the solver.
    pub(super) replaced: oneshot::Receiver<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut newest = self.sessions.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.get(&self.solver).is_some_and(|(number, _)| *number == self.number) {
            newest.remove(&self.solver);
        }
    }
}

impl Default for Sessions {
    fn default() -> Sessions {
        Sessions {
            greeted: Arc::new(Semaphore::new(GREETED_MAX)),
            registered: Arc::new(Semaphore::new(SOLVERS_MAX)),
            newest: Arc::default(),
        }
    }
}

impl Sessions {
    /// A place for a stream that has not registered yet.
    ///
    /// # Errors
    ///
    /// `RESOURCE_EXHAUSTED` if too many are about to register.
    pub(super) fn greet(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        place(&self.greeted, GREETED_MAX, "about to register")
    }

    /// A place for a registered solver's stream, in place of its earlier one: only one of them can bid.
    ///
    /// # Errors
    ///
    /// `RESOURCE_EXHAUSTED` if as many solvers have registered as one auction takes.
    pub(super) fn register(&self, solver: SolverId) -> Result<Place, Refusal> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let number = newest.remove(&solver).map_or(1, |(number, earlier)| {
            // A stream that has just ended does not hear it.
            let _ = earlier.send(());
            number.saturating_add(1)
        });
        let permit = place(&self.registered, SOLVERS_MAX, "of registered solvers")?;
        let (replace, replaced) = oneshot::channel();
        newest.insert(solver, (number, replace));
        Ok(Place { _permit: permit, sessions: self.clone(), solver, number, replaced })
    }

    /// Whether a solver has a stream.
    pub(super) fn is_registered(&self, solver: SolverId) -> bool {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&solver)
    }

    /// How many registered solvers' streams there are.
    pub(super) fn registered(&self) -> usize {
        SOLVERS_MAX.saturating_sub(self.registered.available_permits())
    }
}

fn place(places: &Arc<Semaphore>, most: usize, which: &str) -> Result<OwnedSemaphorePermit, Refusal> {
    let full = |_| {
        let message = format!("expected at most {most} streams {which}; try again in a few seconds");
        Refusal::new(Reason::Exhausted, "compete", message)
    };
    Arc::clone(places).try_acquire_owned().map_err(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let sessions = Sessions::default();
        let solver = |number: usize| SolverId(u32::try_from(number).expect("small"));
        let places: Vec<_> = (0..SOLVERS_MAX).map(|at| sessions.register(solver(at + 1)).expect("a place")).collect();
        assert_eq!(sessions.registered(), SOLVERS_MAX);
        assert_eq!(sessions.register(SolverId(1_000)).map_err(|refusal| refusal.reason).err(), Some(Reason::Exhausted));
        let _greeted = sessions.greet().expect("registered streams take no place of those about to register");
        drop(places);
        assert_eq!(sessions.registered(), 0);
        let _again = sessions.register(solver(1)).expect("a place again");
    }

    #[test]
    fn a_newer_stream_of_a_solver_ends_the_earlier_one() {
        let sessions = Sessions::default();
        let mut first = sessions.register(SolverId(7)).expect("a place");
        let mut other = sessions.register(SolverId(8)).expect("a place");
        let mut second = sessions.register(SolverId(7)).expect("a place");
        assert_eq!(first.replaced.try_recv(), Ok(()));
        drop(first);
        let _third = sessions.register(SolverId(7)).expect("a place");
        assert_eq!(second.replaced.try_recv(), Ok(()), "the first one's end did not hide the second");
        assert!(other.replaced.try_recv().is_err());
    }
}
