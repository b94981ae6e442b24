//! Integers wider than 128 bits, for products that must not be rounded.

/// 256 bits: products of two amounts.
pub type U256 = ruint::Uint<256, 4>;
/// 512 bits: products of two reserves in millionths.
pub type U512 = ruint::Uint<512, 8>;
/// 1,088 bits: products of powers of reserves whose exponents sum to at most eight.
pub type U1088 = ruint::Uint<1088, 17>;

/// Widens 128 bits to `BITS`.
#[must_use]
pub fn wide<const BITS: usize, const LIMBS: usize>(value: u128) -> ruint::Uint<BITS, LIMBS> {
    ruint::Uint::from(value)
}
