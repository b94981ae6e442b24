//! Delivering an envelope until its answer is known.
//!
//! Only the very same bytes are ever sent again, so that a command happens at most once however often it is sent.

use std::time::Duration;

use clearlane_proto::wire;

use crate::{Client, ClientError};

/// How often an unanswered envelope is sent again: with the waits below an engine has 3.75 seconds to come back.
pub const RESENDS_MAX: u32 = 4;

/// The wait before the first repetition; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// Which call decides an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Intents.
    Submit,
    /// Cancels.
    Cancel,
    /// Definitions.
    Apply,
    /// Money in.
    Deposit,
    /// Money out.
    Withdraw,
}

/// Sends an envelope, and sends it again while its answer is lost, at most [`RESENDS_MAX`] times.
///
/// `told` hears of every lost answer before the envelope is sent again.
///
/// # Errors
///
/// If the envelope as a whole is refused, or the last answer is lost too ([`ClientError::is_answer_lost`]).
pub async fn deliver(
    client: &Client,
    way: Way,
    envelope: wire::SignedEnvelope,
    mut told: impl FnMut(&ClientError),
) -> Result<Vec<wire::CommandOutcome>, ClientError> {
    let mut wait = FIRST_WAIT;
    for _ in 0..RESENDS_MAX {
        match send(client, way, envelope.clone()).await {
            Err(error) if error.is_answer_lost() => told(&error),
            answered => return answered,
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2);
    }
    send(client, way, envelope).await
}

async fn send(
    client: &Client,
    way: Way,
    envelope: wire::SignedEnvelope,
) -> Result<Vec<wire::CommandOutcome>, ClientError> {
    match way {
        Way::Submit => client.submit(envelope).await,
        Way::Cancel => client.cancel(envelope).await,
        Way::Apply => client.apply(envelope).await,
        Way::Deposit => client.deposit(envelope).await,
        Way::Withdraw => client.withdraw(envelope).await,
    }
}
