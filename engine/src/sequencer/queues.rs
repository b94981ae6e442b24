//! The ways to the sequencer: a queue for what is written, one for who only looks, one for clearings, one to stop it.
//!
//! They are apart so that readers can't push out writers, and so that a stop never waits behind either.

use std::sync::Arc;
use std::time::Duration;

use clearlane_core::auction::Clearing;
use clearlane_core::event::CommandOutcome;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_log::Sequence;
use crossbeam::channel::{Receiver, Select, Sender, TryRecvError, TrySendError, bounded};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::cell::Cell;
use crate::stored::StoredCommands;

/// The requests that may wait for the sequencer: a few batches' worth; beyond that clients are told to come back.
pub const REQUESTS_MAX: usize = 4_096;
/// The looks that may wait: each is short, and a reader that is refused loses nothing by asking again.
pub const LOOKS_MAX: usize = 1_024;
/// The clearings that may wait: one auction is cleared at a time.
const CLEARINGS_MAX: usize = 1;

/// A look at the cell and the last batch's sequence.
pub type Look = Box<dyn FnOnce(&mut Cell, Sequence) + Send>;

/// Commands whose signature was verified, on their way into the log.
pub struct Admitted {
    /// What is sequenced.
    pub commands: StoredCommands,
    /// Who waits.
    pub reply: Reply,
}

/// Who waits for the outcome of commands.
pub struct Reply {
    /// Where the outcomes go.
    pub outcomes: oneshot::Sender<Vec<CommandOutcome>>,
    /// The room that the commands take up among all that wait; given back with the answer.
    pub room: OwnedSemaphorePermit,
}

/// The way in, for everybody but whoever stops the engine.
#[derive(Clone)]
pub struct Door {
    commands: Sender<Admitted>,
    looks: Sender<Look>,
    clearings: Sender<Arc<Clearing>>,
}

/// Asks the sequencer to stop, at the latest when it is dropped.
pub struct Stopper(Sender<()>);

/// The sequencer's side.
pub struct Queues {
    pub(super) commands: Receiver<Admitted>,
    pub(super) looks: Receiver<Look>,
    pub(super) clearings: Receiver<Arc<Clearing>>,
    stop: Receiver<()>,
}

/// New, empty queues.
#[must_use]
pub fn queues() -> (Door, Stopper, Queues) {
    let (commands, commands_out) = bounded(REQUESTS_MAX);
    let (looks, looks_out) = bounded(LOOKS_MAX);
    let (clearings, clearings_out) = bounded(CLEARINGS_MAX);
    let (stopper, stop) = bounded(1);
    let queues = Queues { commands: commands_out, looks: looks_out, clearings: clearings_out, stop };
    (Door { commands, looks, clearings }, Stopper(stopper), queues)
}

impl Door {
    /// Hands commands in.
    ///
    /// # Errors
    ///
    /// `RESOURCE_EXHAUSTED` if too many wait, `STOPPING` if the sequencer is gone.
    pub fn submit(&self, admitted: Admitted) -> Result<(), Refusal> {
        enqueue(&self.commands, admitted)
    }

    /// Has the sequencer run a look between two batches.
    ///
    /// # Errors
    ///
    /// As [`Door::submit`].
    pub fn look(&self, look: Look) -> Result<(), Refusal> {
        enqueue(&self.looks, look)
    }

    /// Hands a clearing in, waiting for room; a sequencer that is gone settles after its restart.
    pub(super) fn cleared(&self, clearing: Arc<Clearing>) {
        let _ = self.clearings.send(clearing);
    }
}

impl Stopper {
    /// Asks for the stop.
    pub fn stop(&self) {
        // Full means that it was asked before; disconnected, that it has stopped.
        let _ = self.0.try_send(());
    }
}

impl Queues {
    /// Waits until there is something to do, or `most` has passed.
    pub(super) fn wait(&self, most: Duration) {
        let mut select = Select::new();
        select.recv(&self.commands);
        select.recv(&self.looks);
        select.recv(&self.clearings);
        select.recv(&self.stop);
        // What is ready is found by looking, in the order in which it is served.
        let _ = select.ready_timeout(most);
    }

    /// Whether a stop was asked for, or nobody is left to ask for it.
    pub(super) fn is_stop_asked(&self) -> bool {
        !matches!(self.stop.try_recv(), Err(TryRecvError::Empty))
    }
}

fn enqueue<T>(queue: &Sender<T>, item: T) -> Result<(), Refusal> {
    queue.try_send(item).map_err(|error| match error {
        TrySendError::Full(_) => Refusal::new(Reason::Exhausted, "engine", "the queue is full; try again in 100 ms"),
        TrySendError::Disconnected(_) => {
            Refusal::new(Reason::Stopping, "engine", "the engine is stopping; send the same id again after its restart")
        }
    })
}
