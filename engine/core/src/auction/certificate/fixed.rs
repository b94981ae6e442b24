//! Numbers in which prices are looked for: wrapping, since their users keep every product within 128 bits, and since
//! prices that come out wrong are prices still.

use std::num::Wrapping;

/// A factor with [`ONE_BITS`] fraction bits, a part of something with [`PART_BITS`], or a value.
pub(super) type Fixed = Wrapping<i128>;

/// Fraction bits of factors and rates.
pub(super) const ONE_BITS: u32 = 32;
/// Fraction bits of parts.
pub(super) const PART_BITS: u32 = 16;

/// One, as a factor.
pub(super) fn one() -> Fixed {
    power_of_two(ONE_BITS)
}

/// The whole of something.
pub(super) fn part_one() -> Fixed {
    power_of_two(PART_BITS)
}

pub(super) fn power_of_two(bits: u32) -> Fixed {
    Wrapping(1_i128.wrapping_shl(bits))
}

/// A number divided by 2 to the `bits`, rounded down.
pub(super) fn down(number: Fixed, bits: u32) -> Fixed {
    Wrapping(number.0.wrapping_shr(bits))
}

/// A quotient, rounded toward zero; zero where there is none.
pub(super) fn quotient(dividend: Fixed, divisor: Fixed) -> Fixed {
    Wrapping(dividend.0.checked_div(divisor.0).unwrap_or(0))
}

/// The root of a factor, as a factor; zero of a negative one.
pub(super) fn root(factor: Fixed) -> Fixed {
    let scaled = u128::try_from(factor.0).unwrap_or(0).wrapping_shl(ONE_BITS);
    Wrapping(i128::try_from(scaled.isqrt()).unwrap_or(0))
}
