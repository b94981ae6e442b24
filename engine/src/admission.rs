//! Admission: what the shell checks before anything is sequenced, on threads of its own.
//!
//! Size, key, signature, and the message itself. What is refused here is neither logged nor remembered.

use std::sync::Arc;
use std::thread::JoinHandle;

use clearlane_core::event::CommandOutcome;
use clearlane_core::record::Commands;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_proto::{envelope, envelope_bytes, wire};
use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use ed25519_zebra::{Signature, VerificationKey};
use tokio::sync::oneshot;

use crate::scales::AssetScales;
use crate::sequencer::Request;
use crate::stored::StoredCommands;

/// The envelopes that may wait for a verifier: at about 50 µs each, a fraction of a second of work.
pub const ENVELOPES_MAX: usize = 4_096;

/// What the caller gets for an envelope.
pub type Answer = Result<Vec<CommandOutcome>, Refusal>;

/// The way in for signed envelopes.
#[derive(Clone)]
pub struct Admission {
    queue: Sender<Job>,
}

struct Job {
    envelope: wire::SignedEnvelope,
    answer: oneshot::Sender<Result<Waiting, Refusal>>,
}

/// Outcomes of what admission refused, and where those of the rest will come from.
struct Waiting {
    outcomes: Vec<Option<CommandOutcome>>,
    sequenced: Option<oneshot::Receiver<Vec<CommandOutcome>>>,
}

impl Admission {
    /// Starts verifiers that hand what they admit to the sequencer.
    ///
    /// # Errors
    ///
    /// Fails if a thread can't be started.
    pub fn start(
        threads: usize,
        sequencer: &Sender<Request>,
        scales: &Arc<AssetScales>,
    ) -> std::io::Result<(Admission, Vec<JoinHandle<()>>)> {
        let (queue, jobs) = bounded(ENVELOPES_MAX);
        let start = |number: usize| {
            let verifier = Verifier { jobs: jobs.clone(), sequencer: sequencer.clone(), scales: Arc::clone(scales) };
            std::thread::Builder::new().name(format!("verifier-{number}")).spawn(move || verifier.run())
        };
        let handles = (0..threads.max(1)).map(start).collect::<std::io::Result<Vec<_>>>()?;
        Ok((Admission { queue }, handles))
    }

    /// Admits an envelope and waits until its commands are durable and decided.
    ///
    /// # Errors
    ///
    /// Refuses the envelope as a whole: its size, key, signature or form, a full queue, a stopping engine.
    pub async fn submit(&self, envelope: wire::SignedEnvelope) -> Answer {
        let (answer, admitted) = oneshot::channel();
        self.queue.try_send(Job { envelope, answer }).map_err(|error| match error {
            TrySendError::Full(_) => busy(),
            TrySendError::Disconnected(_) => stopping(),
        })?;
        let waiting = admitted.await.map_err(|_| stopping())??;
        let sequenced = match waiting.sequenced {
            Some(receiver) => receiver.await.map_err(|_| stopping())?,
            None => Vec::new(),
        };
        let mut sequenced = sequenced.into_iter();
        Ok(waiting.outcomes.into_iter().filter_map(|refused| refused.or_else(|| sequenced.next())).collect())
    }
}

struct Verifier {
    jobs: Receiver<Job>,
    sequencer: Sender<Request>,
    scales: Arc<AssetScales>,
}

impl Verifier {
    fn run(self) {
        while let Ok(job) = self.jobs.recv() {
            let result = self.admit(job.envelope);
            // The caller may have gone; what was sequenced still happens.
            let _ = job.answer.send(result);
        }
    }

    fn admit(&self, envelope: wire::SignedEnvelope) -> Result<Waiting, Refusal> {
        let opened = envelope::open(&envelope, self.scales.as_ref())?;
        verify(&envelope)?;
        let mut outcomes = Vec::with_capacity(opened.commands.len());
        let mut refused = Vec::new();
        let mut commands = Vec::new();
        for (at, (command, id)) in opened.commands.into_iter().zip(opened.ids).enumerate() {
            match command {
                Ok(command) => {
                    commands.push(command);
                    outcomes.push(None);
                }
                Err(refusal) => {
                    refused.push(u32::try_from(at).unwrap_or(u32::MAX));
                    outcomes.push(Some(CommandOutcome { id, is_repeated: false, result: Err(refusal) }));
                }
            }
        }
        if commands.is_empty() {
            return Ok(Waiting { outcomes, sequenced: None });
        }
        let (reply, sequenced) = oneshot::channel();
        let commands = Commands { party: opened.party, key: opened.key, commands };
        let request = Request::Commands(StoredCommands { envelope, refused, commands }, reply);
        self.sequencer.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => busy(),
            TrySendError::Disconnected(_) => stopping(),
        })?;
        Ok(Waiting { outcomes, sequenced: Some(sequenced) })
    }
}

/// Verifies an envelope's signature under the rule of ZIP-215.
///
/// # Errors
///
/// `BAD_SIGNATURE` if the signature does not match key and bytes.
pub fn verify(envelope: &wire::SignedEnvelope) -> Result<(), Refusal> {
    verify_bytes(&envelope.key, &envelope.signature, &envelope_bytes(&envelope.payload))
}

/// Verifies a signature over some bytes.
///
/// # Errors
///
/// `BAD_SIGNATURE` if the signature does not match key and bytes.
pub fn verify_bytes(key: &[u8], signature: &[u8], bytes: &[u8]) -> Result<(), Refusal> {
    let bad = || Refusal::new(Reason::BadSignature, "signature", "the signature does not match key and payload");
    let key = VerificationKey::try_from(key).map_err(|_| bad())?;
    let signature = Signature::try_from(signature).map_err(|_| bad())?;
    key.verify(&signature, bytes).map_err(|_| bad())
}

fn busy() -> Refusal {
    Refusal::new(Reason::Exhausted, "envelope", "the queue is full; try again in 100 ms")
}

fn stopping() -> Refusal {
    Refusal::new(Reason::Stopping, "envelope", "the engine is stopping; send the same id again after its restart")
}
