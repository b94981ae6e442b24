//! How far an engine is on its way to its end, for everybody who waits or still takes work.

use tokio::sync::{oneshot, watch};

use clearlane_core::refusal::{Reason, Refusal};

/// How far an engine is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It takes requests.
    Working,
    /// It refuses new requests and finishes those it took.
    Finishing,
    /// The sequencer has ended; nothing more will be answered.
    Stopped,
}

/// Sees the phase of an engine.
#[derive(Clone, Debug)]
pub struct Phases(watch::Receiver<Phase>);

impl Phases {
    /// Phases as this channel tells them.
    #[must_use]
    pub fn new(receiver: watch::Receiver<Phase>) -> Phases {
        Phases(receiver)
    }

    /// Refuses work unless the engine still takes it.
    ///
    /// # Errors
    ///
    /// `STOPPING` once the engine is on its way to its end.
    pub fn take_work(&self) -> Result<(), Refusal> {
        if *self.0.borrow() == Phase::Working { Ok(()) } else { Err(stopping()) }
    }

    /// Waits until the engine is at least this far.
    pub async fn reached(&mut self, phase: Phase) {
        // An error means that the engine is gone, which is further than any phase.
        let _ = self.0.wait_for(|now| *now >= phase).await;
    }

    /// Waits for an answer, at most until the engine has stopped: whoever waits always learns something.
    ///
    /// # Errors
    ///
    /// `STOPPING` if nobody will answer any more; what was asked may have happened or not.
    pub async fn answer<T>(&self, answer: oneshot::Receiver<T>) -> Result<T, Refusal> {
        let mut phases = self.clone();
        tokio::select! {
            biased;
            answer = answer => answer.map_err(|_| stopping()),
            () = phases.reached(Phase::Stopped) => Err(stopping()),
        }
    }
}

fn stopping() -> Refusal {
    Refusal::new(Reason::Stopping, "engine", "the engine is stopping; send the same id again after its restart")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_an_answer_learns_of_the_stop() {
        let (engine, receiver) = watch::channel(Phase::Working);
        let phases = Phases::new(receiver);
        phases.take_work().expect("at work");
        let (kept, unanswered) = oneshot::channel::<()>();
        let (answered, answer) = oneshot::channel();
        answered.send(7).expect("a listener");
        engine.send_replace(Phase::Finishing);
        assert_eq!(phases.take_work().map_err(|refusal| refusal.reason), Err(Reason::Stopping));
        engine.send_replace(Phase::Stopped);
        assert_eq!(phases.answer(answer).await, Ok(7), "an answer that was given still arrives");
        let refused = phases.answer(unanswered).await;
        assert_eq!(refused.map_err(|refusal| refusal.reason), Err(Reason::Stopping));
        drop(kept);
    }
}
