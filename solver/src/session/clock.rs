//! The engine's clock as a solver sees it, and when an answer has to be ready.

use std::time::{Duration, Instant};

use clearlane_core::time::Timestamp;

/// The least time kept for sending an answer.
const MARGIN_MIN: Duration = Duration::from_millis(20);
/// The part of the time until the close that is kept for sending an answer: one in this many.
const MARGIN_PART: u32 = 10;

/// How far this machine's clock may run ahead of the engine's, as one part in this many of what has passed.
const DRIFT_PART: u64 = 1_000;

/// What the engine's clock shows, told from what it said last and how long ago that was: whatever time this machine
/// takes it to be does not matter.
#[derive(Clone, Copy, Debug)]
pub struct EngineClock {
    told_at: Instant,
    engine_then: Timestamp,
    scale: u32,
}

impl EngineClock {
    /// A clock that showed `engine_then` just now and runs `scale` times as fast as the wall's.
    #[must_use]
    pub fn new(engine_then: Timestamp, scale: u32) -> EngineClock {
        EngineClock { told_at: Instant::now(), engine_then, scale: scale.max(1) }
    }

    /// What the engine's clock shows now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(self.engine_then.0.saturating_add(self.passed(Instant::now())))
    }

    /// Takes in what the engine's clock showed when it sent what has just arrived.
    pub fn heard(&mut self, engine_then: Timestamp) {
        *self = self.corrected(Instant::now(), engine_then);
    }

    /// A message that was long on its way tells less than what was known before, but for what clocks drift apart.
    fn corrected(&self, now: Instant, engine_then: Timestamp) -> EngineClock {
        let passed = self.passed(now);
        let drift = passed.checked_div(DRIFT_PART).unwrap_or(0);
        let known = self.engine_then.0.saturating_add(passed.saturating_sub(drift));
        EngineClock { told_at: now, engine_then: engine_then.max(Timestamp(known)), scale: self.scale }
    }

    /// How much engine time has passed since it was told.
    fn passed(&self, now: Instant) -> u64 {
        let elapsed = u64::try_from(now.saturating_duration_since(self.told_at).as_nanos()).unwrap_or(u64::MAX);
        elapsed.saturating_mul(u64::from(self.scale))
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
    fn a_clock_that_drifts_is_put_right_and_late_messages_are_not_believed() {
        let clock = EngineClock::new(Timestamp(1_000_000_000), 1);
        let at = |millis| clock.told_at + Duration::from_millis(millis);
        let shown = |millis, told| clock.corrected(at(millis), Timestamp(told)).engine_then.0;
        assert_eq!(shown(1_000, 2_010_000_000), 2_010_000_000, "ours is slow");
        assert_eq!(shown(1_000, 1_999_500_000), 1_999_500_000, "ours is fast");
        assert_eq!(shown(1_000, 1_300_000_000), 1_999_000_000, "the message was long on its way");
        let days = 5 * 86_400_000;
        assert_eq!(shown(days, 433_000_000_000_000), 433_000_000_000_000, "days apart, it says what it is");
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
