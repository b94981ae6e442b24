//! Admission: what the shell checks before anything is sequenced, on threads of its own.
//!
//! Size, the message itself, key, signature, and whether an auction could end before the deadline. What is refused
//! here is neither logged nor remembered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use clearlane_core::command::{Action, Command};
use clearlane_core::event::CommandOutcome;
use clearlane_core::intent::Intent;
use clearlane_core::names::PublicKey;
use clearlane_core::record::Commands;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::time::{Span, Timestamp};
use clearlane_proto::{envelope, envelope_bytes, wire};
use crossbeam::channel::{Receiver, Sender, TrySendError, bounded, select};
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_zebra::{Signature, VerificationKey};
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::keys::ActiveKeys;
use crate::phase::Phases;
use crate::scales::AssetScales;
use crate::sequencer::{Admitted, Door, Reply};
use crate::stored::StoredCommands;

/// The envelopes that may wait for a verifier: at about 50 µs each, a fraction of a second of work.
pub const ENVELOPES_MAX: usize = 4_096;
/// The kibibytes of envelopes that may wait for a verifier or the sequencer: over a second of a disk's writing, and
/// the count alone would let full envelopes take gigabytes.
const WAITING_KIB_MAX: usize = 96 * 1_024;

/// What the caller gets for an envelope.
pub type Answer = Result<Vec<CommandOutcome>, Refusal>;

/// The way in for signed envelopes.
#[derive(Clone)]
pub struct Admission {
    queue: Sender<Job>,
    room: Arc<Semaphore>,
    phases: Phases,
}

/// The verifiers' threads; they end when this is stopped.
pub struct Verifiers {
    threads: Vec<JoinHandle<()>>,
    stop: Sender<()>,
}

/// What admission knows of the cell.
#[derive(Clone)]
pub struct Known {
    /// The scales that amounts are parsed by.
    pub scales: Arc<AssetScales>,
    /// The keys that may act.
    pub keys: Arc<ActiveKeys>,
    /// From an auction's opening until it must be settled.
    pub auction_takes: Span,
}

impl Known {
    /// What the core can't judge of a command: whether a key is one, and whether its deadline can be met.
    fn check(&self, command: &Command) -> Result<(), Refusal> {
        match &command.action {
            Action::AddKey(add) => check_key(&add.key, "add_key.key"),
            Action::Submit(intent) => self.check_deadline(intent),
            Action::Cancel(_)
            | Action::DefineAsset(_)
            | Action::DefineModule(_)
            | Action::DefineParty(_)
            | Action::RevokeKey(_)
            | Action::DefineVenue(_)
            | Action::SetPrice(_)
            | Action::SetEvent(_)
            | Action::Deposit(_)
            | Action::Withdraw(_) => Ok(()),
        }
    }

    /// Refuses an intent that no auction could fill before its deadline; a transfer within one asset may need none,
    /// unless it waits for a condition.
    ///
    /// Counts from when its id was made and not from now: the same bytes sent again must not be judged otherwise.
    fn check_deadline(&self, intent: &Intent) -> Result<(), Refusal> {
        let is_within_one = intent.options.iter().all(|option| option.give_asset == option.get_asset);
        let is_transfer = is_within_one && intent.condition.is_none();
        let Some(made) = intent.id.millis().filter(|_| !is_transfer) else { return Ok(()) };
        let made = Timestamp(made.saturating_mul(1_000_000));
        if intent.deadline >= made.after(self.auction_takes) {
            return Ok(());
        }
        let (least, found) = (self.auction_takes.0, intent.deadline.0.saturating_sub(made.0));
        let (least, found) = (least / 1_000_000, found / 1_000_000);
        let message = format!(
            "expected at least {least} ms after its id was made, as an auction may take as long, found {found} ms"
        );
        Err(Refusal::new(Reason::DeadlinePassed, "intent.deadline_ns", message))
    }
}

struct Job {
    envelope: wire::SignedEnvelope,
    room: OwnedSemaphorePermit,
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
        door: &Door,
        known: &Known,
        phases: Phases,
    ) -> std::io::Result<(Admission, Verifiers)> {
        let (queue, jobs) = bounded(ENVELOPES_MAX);
        let (stop, stopped) = bounded(0);
        let start = |number: usize| {
            let (jobs, stopped) = (jobs.clone(), stopped.clone());
            let verifier = Verifier { jobs, stopped, door: door.clone(), known: known.clone() };
            std::thread::Builder::new().name(format!("verifier-{number}")).spawn(move || verifier.run())
        };
        let threads = (0..threads.max(1)).map(start).collect::<std::io::Result<Vec<_>>>()?;
        let room = Arc::new(Semaphore::new(WAITING_KIB_MAX));
        Ok((Admission { queue, room, phases }, Verifiers { threads, stop }))
    }

    /// Admits an envelope and waits until its commands are durable and decided.
    ///
    /// # Errors
    ///
    /// Refuses the envelope as a whole: its size, key, signature or form, a full queue, a stopping engine.
    pub async fn submit(&self, envelope: wire::SignedEnvelope) -> Answer {
        self.phases.take_work()?;
        let kib = u32::try_from(envelope.encoded_len() / 1_024).unwrap_or(u32::MAX).saturating_add(1);
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib).map_err(|_| busy())?;
        let (answer, admitted) = oneshot::channel();
        self.queue.try_send(Job { envelope, room, answer }).map_err(|error| match error {
            TrySendError::Full(_) => busy(),
            TrySendError::Disconnected(_) => stopping(),
        })?;
        let waiting = self.phases.answer(admitted).await??;
        let sequenced = match waiting.sequenced {
            Some(receiver) => self.phases.answer(receiver).await?,
            None => Vec::new(),
        };
        let mut sequenced = sequenced.into_iter();
        Ok(waiting.outcomes.into_iter().filter_map(|refused| refused.or_else(|| sequenced.next())).collect())
    }
}

impl Verifiers {
    /// Ends the threads, each after the envelope it has at hand.
    ///
    /// # Errors
    ///
    /// Fails if one of them panicked.
    pub fn stop(self) -> std::thread::Result<()> {
        drop(self.stop);
        self.threads.into_iter().try_for_each(JoinHandle::join)
    }
}

struct Verifier {
    jobs: Receiver<Job>,
    /// Disconnected when the threads are to end.
    stopped: Receiver<()>,
    door: Door,
    known: Known,
}

impl Verifier {
    fn run(self) {
        loop {
            let job = select! {
                recv(self.jobs) -> job => job,
                recv(self.stopped) -> _ => return,
            };
            let Ok(job) = job else { return };
            // One envelope that can't be read must not take the thread from all others.
            let admit = || self.admit(job.envelope, job.room);
            let Ok(result) = catch_unwind(AssertUnwindSafe(admit)) else {
                tracing::error!("verifying an envelope panicked");
                continue;
            };
            // The caller may have gone; what was sequenced still happens.
            let _ = job.answer.send(result);
        }
    }

    fn admit(&self, envelope: wire::SignedEnvelope, room: OwnedSemaphorePermit) -> Result<Waiting, Refusal> {
        let opened = envelope::open(&envelope, self.known.scales.as_ref())?;
        // Before the signature: a stranger can make as many good ones as it likes, and the log must hold none of them.
        if !self.known.keys.is_active(&opened.key) {
            let message = format!("expected a registered key, found {}, which is not active", opened.key);
            return Err(Refusal::new(Reason::UnknownKey, "key", message));
        }
        verify(&envelope)?;
        let mut outcomes = Vec::with_capacity(opened.commands.len());
        let mut refused = Vec::new();
        let mut commands = Vec::new();
        for (at, (command, id)) in opened.commands.into_iter().zip(opened.ids).enumerate() {
            match command.and_then(|command| self.known.check(&command).map(|()| command)) {
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
        let (outcomes_to, sequenced) = oneshot::channel();
        let commands = Commands { party: opened.party, key: opened.key, commands };
        let commands = StoredCommands { envelope, refused, commands };
        self.door.submit(Admitted { commands, reply: Reply { outcomes: outcomes_to, room } })?;
        Ok(Waiting { outcomes, sequenced: Some(sequenced) })
    }
}

/// Refuses a key that is no point of the curve or one of small order: anybody can sign for such a one.
///
/// # Errors
///
/// `OUT_OF_RANGE` on `field`.
pub fn check_key(key: &PublicKey, field: &str) -> Result<(), Refusal> {
    let point = CompressedEdwardsY(key.0).decompress();
    if point.is_some_and(|point| !point.is_small_order()) {
        return Ok(());
    }
    let message = "expected an Ed25519 public key, found bytes for which anybody or nobody can sign";
    Err(Refusal::new(Reason::OutOfRange, field, message))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_for_which_anybody_can_sign_are_refused() {
        let with = |first: u8, rest: u8, last: u8| {
            let mut key = [rest; 32];
            (key[0], key[31]) = (first, last);
            key
        };
        let off_the_curve = (2..=255).map(|y| with(y, 0, 0));
        let off_the_curve = off_the_curve.filter(|key| CompressedEdwardsY(*key).decompress().is_none()).take(2);
        // y of 0, 1 and -1: points of order 4, 1 and 2.
        for key in [[0; 32], with(1, 0, 0), with(0xec, 0xff, 0x7f)].into_iter().chain(off_the_curve) {
            let refusal = check_key(&PublicKey(key), "add_key.key").expect_err("no key");
            assert_eq!((refusal.reason, refusal.field.as_str()), (Reason::OutOfRange, "add_key.key"), "{key:?}");
        }
        let signing = ed25519_zebra::SigningKey::from([7; 32]);
        let key = PublicKey(VerificationKey::from(&signing).into());
        assert_eq!(check_key(&key, "key"), Ok(()));
    }
}
