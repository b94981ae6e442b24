//! A repeatable stream of numbers, and how many random sequences of uses a test walks.

/// Numbers from a seed (xorshift).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number with exactly so many bits.
    pub(super) fn of_bits(&mut self, bits: u64) -> u128 {
        let noise = u128::from(self.next()) << 64 | u128::from(self.next());
        (noise | 1 << 127) >> (128 - bits)
    }

    /// A number of any size, with the bits of its length below `most`.
    pub(super) fn sized(&mut self, least: u64, most: u64) -> u128 {
        let bits = least + self.below(most - least);
        self.of_bits(bits)
    }
}

/// Ten thousand, or as many as `CLEARLANE_SEQUENCES` said when this was built.
pub(super) fn sequences() -> u64 {
    option_env!("CLEARLANE_SEQUENCES").and_then(|text| text.parse().ok()).unwrap_or(10_000)
}
