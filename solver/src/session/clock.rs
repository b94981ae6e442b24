//! The engine's clock as a solver sees it, and when an answer has to be ready.

use std::time::{Duration, Instant};

use clearlane_core::time::Timestamp;

/// The least time kept for sending an answer.
const MARGIN_MIN: Duration = Duration::from_millis(20);
/// The part of the time until the close that is kept for sending an answer: one in this many.
const MARGIN_PART: u32 = 10;

/// What the engine's clock shows, told from its greeting and this machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct EngineClock {
    greeted_at: Instant,
    engine_then: Timestamp,
    scale: u32,
}

impl EngineClock {
    /// A clock that showed `engine_then` just now and runs `scale` times as fast as the wall's.
    #[must_use]
    pub fn new(engine_then: Timestamp, scale: u32) -> EngineClock {
        EngineClock { greeted_at: Instant::now(), engine_then, scale: scale.max(1) }
    }

    /// What the engine's clock shows now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.greeted_at.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Timestamp(self.engine_then.0.saturating_add(elapsed.saturating_mul(u64::from(self.scale))))
    }

    /// When an answer has to be ready so that it arrives before the engine's clock shows `close_at`.
    #[must_use]
    pub fn deadline(&self, close_at: Timestamp) -> Instant {
        let engine_left = close_at.0.saturating_sub(self.now().0);
        let left = Duration::from_nanos(engine_left.checked_div(u64::from(self.scale)).unwrap_or(0));
        let now = Instant::now();
        now.checked_add(usable(left)).unwrap_or(now)
    }
}

/// The time to solve out of the time until the close: what is left once some is kept for sending the answer.
#[must_use]
pub fn usable(left: Duration) -> Duration {
    left.saturating_sub(MARGIN_MIN.max(left.checked_div(MARGIN_PART).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_but_at_least_twenty_milliseconds_is_kept() {
        let millis = Duration::from_millis;
        assert_eq!(usable(millis(1000)), millis(900));
        assert_eq!(usable(millis(100)), millis(80));
        assert_eq!(usable(millis(10)), Duration::ZERO);
    }

    #[test]
    fn a_faster_clock_leaves_less_time() {
        let left = |scale| {
            let deadline = EngineClock::new(Timestamp(0), scale).deadline(Timestamp(10_000_000_000));
            deadline.saturating_duration_since(Instant::now())
        };
        assert!(left(1) > Duration::from_secs(8));
        assert!(left(10) < Duration::from_secs(1));
    }
}
