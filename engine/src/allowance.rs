//! How fast one peer's messages are read: what is beyond that waits on the peer's side and costs nobody else anything.

use std::time::{Duration, Instant};

/// What is read at once: several of the largest solutions.
const BURST_BYTES: u64 = 8 * 1_024 * 1_024;
/// What is read a second in the long run: four of the largest solutions, or a thousand small ones, which takes a small
/// part of one processor.
const BYTES_A_SECOND: u64 = 4 * 1_024 * 1_024;
/// What a message costs beside its bytes.
const MESSAGE_BYTES: u64 = 4_096;
const NANOS: u64 = 1_000_000_000;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// When all that was read is paid for.
    paid_at: Instant,
}

impl Allowance {
    /// Nothing was read yet.
    pub(crate) fn new(now: Instant) -> Allowance {
        Allowance { paid_at: now }
    }

    /// Takes a message of so many bytes.
    pub(crate) fn take(&mut self, now: Instant, bytes: usize) {
        let cost = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(MESSAGE_BYTES);
        let span = time_for(cost.min(BURST_BYTES));
        self.paid_at = self.paid_at.max(now).checked_add(span).unwrap_or(self.paid_at);
    }

    /// How long until the next message is read.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.paid_at.saturating_duration_since(now).saturating_sub(time_for(BURST_BYTES))
    }
}

fn time_for(bytes: u64) -> Duration {
    Duration::from_nanos(bytes.saturating_mul(NANOS) / BYTES_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_read_at_once_and_the_rest_at_a_rate() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        for _ in 0..8 {
            assert_eq!(allowance.wait(start), Duration::ZERO);
            allowance.take(start, 900_000);
        }
        allowance.take(start, 900_000);
        allowance.take(start, 900_000);
        let wait = allowance.wait(start);
        assert!(wait > Duration::from_millis(100) && wait < Duration::from_millis(500), "{wait:?}");
        assert_eq!(allowance.wait(start + wait), Duration::ZERO);
        let later = start + Duration::from_secs(60);
        allowance.take(later, usize::MAX);
        assert_eq!(allowance.wait(later), Duration::ZERO, "no message costs more than a burst");
        allowance.take(later, 0);
        assert!(allowance.wait(later) > Duration::ZERO);
    }

    #[test]
    fn small_messages_cost_too() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let count = (0..10_000).take_while(|_| {
            allowance.take(start, 10);
            allowance.wait(start) == Duration::ZERO
        });
        assert_eq!(count.count(), 2_043);
    }
}
