//! A small generator of repeatable random numbers: xorshift, seeded by splitmix64.

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Equal seeds give equal sequences.
    pub(super) fn new(seed: u64) -> Random {
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Random((mixed ^ (mixed >> 31)) | 1)
    }

    /// A number from zero up to and without one.
    pub(super) fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The upper half of the state is the better one, and 32 bits are exact in a float.
        let upper = u32::try_from(self.0 >> 32).unwrap_or(u32::MAX);
        f64::from(upper) / 4_294_967_296.0
    }

    /// A place below `count`; zero if there is none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a small count"
    )]
    pub(super) fn place(&mut self, count: usize) -> usize {
        ((self.share() * count as f64) as usize).min(count.saturating_sub(1))
    }
}
