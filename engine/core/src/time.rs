//! Points in time and spans, as records carry them.

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

/// A span of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Span {
    /// A span of whole milliseconds, saturating.
    #[must_use]
    pub const fn millis(count: u64) -> Span {
        Span(count.saturating_mul(1_000_000))
    }

    /// A span of whole seconds, saturating.
    #[must_use]
    pub const fn seconds(count: u64) -> Span {
        Span(count.saturating_mul(1_000_000_000))
    }

    /// Both spans together, saturating.
    #[must_use]
    pub const fn and(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Timestamp {
    /// The latest point that can be written.
    pub const MAX: Timestamp = Timestamp(u64::MAX);

    /// The point `span` later, saturating.
    #[must_use]
    pub const fn after(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_add(span.0))
    }

    /// The point `span` earlier, saturating.
    #[must_use]
    pub const fn before(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_sub(span.0))
    }
}
