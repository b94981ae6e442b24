//! A solver that outlives its engine: a session that ends for reasons that may pass is begun again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tonic::Code;
use tracing::warn;

use super::work::Bidder;
use super::{Memory, SessionError, SessionOptions, SessionReport, session, stop_asked};
use crate::strategy::{self, Strategy};

/// The wait before the first new attempt; each later one is twice as long, up to [`WAIT_MAX`].
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait: an engine that is back is found again within a few auctions.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Attempts in a row without an auction: ten minutes, after which somebody should look.
const ATTEMPTS_MAX: u32 = 60;

/// Competes with a strategy until `stop` holds true or its sender is gone, on one connection after another.
///
/// # Errors
///
/// If the strategy is unknown or fails, the first registration is refused, the engine breaks the protocol, or it
/// stays away.
pub async fn compete(options: SessionOptions, stop: watch::Receiver<bool>) -> Result<SessionReport, SessionError> {
    strategy::strategy(&options.strategy)?;
    let bidder = Bidder::Named(options.strategy.clone());
    compete_as(options, bidder, stop).await
}

/// The same with a strategy of one's own; what the options call it is what the engine is told.
///
/// # Errors
///
/// As [`compete`].
pub async fn compete_with(
    options: SessionOptions,
    strategy: Arc<dyn Strategy + Send + Sync>,
    stop: watch::Receiver<bool>,
) -> Result<SessionReport, SessionError> {
    compete_as(options, Bidder::Own(strategy), stop).await
}

async fn compete_as(
    options: SessionOptions,
    bidder: Bidder,
    mut stop: watch::Receiver<bool>,
) -> Result<SessionReport, SessionError> {
    let (mut report, mut memory) = (SessionReport::default(), Memory::default());
    let mut attempts = Attempts::default();
    loop {
        let before = report;
        let ended = session(&options, &bidder, &mut stop, &mut report, &mut memory).await;
        if *stop.borrow() || stop.has_changed().is_err() {
            return Ok(report);
        }
        let Some(wait) = attempts.next(&ended, before != report) else { return ended.map(|()| report) };
        match ended {
            Ok(()) => warn!(?wait, "the engine ended the session; trying again"),
            Err(error) => warn!(?wait, %error, "the session broke; trying again"),
        }
        tokio::select! {
            () = stop_asked(&mut stop) => return Ok(report),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// How often it was tried in vain, and whether it ever worked.
#[derive(Default)]
struct Attempts {
    in_vain: u32,
    was_fruitful: bool,
}

impl Attempts {
    /// How long to wait for the next attempt; `None` if there should be none.
    fn next(&mut self, ended: &Result<(), SessionError>, is_fruitful: bool) -> Option<Duration> {
        if is_fruitful {
            *self = Attempts { in_vain: 0, was_fruitful: true };
        }
        let may_pass = match ended {
            Ok(()) | Err(SessionError::Unreachable { .. }) => true,
            Err(SessionError::Broken(status)) => !is_final(status.code()),
            // An engine that takes the old connection for alive may refuse a second session of the key for a while.
            Err(SessionError::NotRegistered { .. }) => self.was_fruitful,
            Err(SessionError::Strategy(_) | SessionError::Unexpected { .. } | SessionError::Crashed(_)) => false,
        };
        if !may_pass || self.in_vain >= ATTEMPTS_MAX {
            return None;
        }
        let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(self.in_vain)).min(WAIT_MAX);
        self.in_vain = self.in_vain.saturating_add(1);
        Some(wait)
    }
}

/// Whether the engine says what trying again can't mend: another stream bids for this solver, or the key may not.
fn is_final(code: Code) -> bool {
    matches!(code, Code::AlreadyExists | Code::Unauthenticated | Code::PermissionDenied | Code::InvalidArgument)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Result<(), SessionError> {
        Err(SessionError::NotRegistered { code: "UNKNOWN_KEY".to_owned(), message: String::new() })
    }

    #[test]
    fn waits_double_up_to_a_bound_and_begin_anew_after_an_auction() {
        let mut attempts = Attempts::default();
        let waits: Vec<_> = std::iter::from_fn(|| attempts.next(&Ok(()), false)).collect();
        assert_eq!((waits.len(), waits[0], waits[1]), (60, FIRST_WAIT, FIRST_WAIT * 2));
        assert_eq!(waits[59], WAIT_MAX);
        assert_eq!(attempts.next(&Ok(()), true), Some(FIRST_WAIT));
    }

    #[test]
    fn what_can_not_pass_is_not_tried_again() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.next(&refused(), false), None);
        let strange = SessionError::Unexpected { expected: "a greeting", found: "another".to_owned() };
        assert_eq!(attempts.next(&Err(strange), true), None);
        assert!(attempts.next(&refused(), false).is_some(), "it was registered before");
        let replaced = tonic::Status::already_exists("another stream registered for this solver");
        assert_eq!(attempts.next(&Err(Box::new(replaced).into()), true), None, "the newer stream bids");
        let gone = tonic::Status::unavailable("the engine is stopping");
        assert!(attempts.next(&Err(Box::new(gone).into()), true).is_some());
    }
}
