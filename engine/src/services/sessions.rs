//! How many solver streams there may be: few that have not registered, and as many registered as one auction takes.

use std::sync::Arc;

use clearlane_core::refusal::{Reason, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::bids::SOLVERS_MAX;

/// The streams that may be about to register: anybody can open one, and each ends soon if nobody does.
const GREETED_MAX: usize = 128;

/// The places of solver streams.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    greeted: Arc<Semaphore>,
    registered: Arc<Semaphore>,
}

impl Default for Sessions {
    fn default() -> Sessions {
        Sessions { greeted: Arc::new(Semaphore::new(GREETED_MAX)), registered: Arc::new(Semaphore::new(SOLVERS_MAX)) }
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

    /// A place for a registered solver's stream.
    ///
    /// # Errors
    ///
    /// `RESOURCE_EXHAUSTED` if as many solvers have registered as one auction takes.
    pub(super) fn register(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        place(&self.registered, SOLVERS_MAX, "of registered solvers")
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
        let places: Vec<_> = (0..SOLVERS_MAX).map(|_| sessions.register().expect("a place")).collect();
        assert_eq!(sessions.registered(), SOLVERS_MAX);
        assert_eq!(sessions.register().map_err(|refusal| refusal.reason).err(), Some(Reason::Exhausted));
        let _greeted = sessions.greet().expect("registered streams take no place of those about to register");
        drop(places);
        assert_eq!(sessions.registered(), 0);
        let _again = sessions.register().expect("a place again");
    }
}
