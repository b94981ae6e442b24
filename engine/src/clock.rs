//! The engine's one clock: a start, and how fast it runs against the machine's own monotonic clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clearlane_core::time::{Span, Timestamp};

/// The fastest a clock may run: a day in under a second.
pub const CLOCK_SCALE_MAX: u32 = 100_000;

/// Engine time: `start` plus `scale` times what has passed since.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    start: Timestamp,
    scale: u32,
}

impl Clock {
    /// A clock that shows `start` now and runs `scale` times as fast as the wall (at least once).
    #[must_use]
    pub fn new(start: Timestamp, scale: u32) -> Clock {
        Clock { origin: Instant::now(), start, scale: scale.clamp(1, CLOCK_SCALE_MAX) }
    }

    /// A clock that shows the machine's time.
    #[must_use]
    pub fn system() -> Clock {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock::new(Timestamp(nanos(since)), 1)
    }

    /// The same pace, but never before `earliest`.
    #[must_use]
    pub fn not_before(self, earliest: Timestamp) -> Clock {
        if self.now() < earliest { Clock::new(earliest, self.scale) } else { self }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let passed = nanos(self.origin.elapsed()).saturating_mul(u64::from(self.scale));
        self.start.after(Span(passed))
    }

    /// How long the wall takes until the clock shows `time`.
    #[must_use]
    pub fn until(&self, time: Timestamp) -> Duration {
        let left = time.0.saturating_sub(self.now().0);
        Duration::from_nanos(left / u64::from(self.scale))
    }

    /// How many times as fast as the wall it runs.
    #[must_use]
    pub fn scale(&self) -> u32 {
        self.scale
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
