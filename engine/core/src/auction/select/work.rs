//! A budget of work counted in looks at candidates, never in time: the same on every machine.

/// What is left of a budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    left: u64,
}

impl Work {
    pub(super) fn new(looks: u64) -> Work {
        Work { left: looks }
    }

    pub(super) fn spend(&mut self, looks: u64) {
        self.left = self.left.saturating_sub(looks);
    }

    pub(super) fn left(self) -> u64 {
        self.left
    }

    pub(super) fn is_done(self) -> bool {
        self.left == 0
    }
}

/// Choices that are a function of the auction's seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// A number below `bound`, by splitmix64.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let scaled = (bits >> 32).wrapping_mul(u64::from(bound)) >> 32;
        u32::try_from(scaled).unwrap_or(0)
    }
}
