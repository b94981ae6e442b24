//! Small repeatable randomness for tests: the same seed gives the same test on every machine.

/// A xorshift generator.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that is a function of the seed alone.
    #[must_use]
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        u32::try_from((self.bits() >> 16) % u64::from(bound)).unwrap_or(0)
    }

    /// One of these.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        self.pick_of(of).expect("something to pick from")
    }

    /// One of these, if there is any.
    pub fn pick_of<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let count = u32::try_from(of.len()).ok().filter(|count| *count > 0)?;
        of.get(usize::try_from(self.below(count)).unwrap_or(0)).copied()
    }
}
