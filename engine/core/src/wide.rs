//! Integers wider than 128 bits, for products that must not be rounded.
//!
//! Every operation here is exact or says how it rounds, and answers `None` where the result
//! does not fit; nothing here panics.

use ruint::Uint;

/// 256 bits: products of two amounts.
pub type U256 = Uint<256, 4>;
/// 512 bits: products of two reserves in millionths.
pub type U512 = Uint<512, 8>;
/// 1,088 bits: products of powers of reserves whose exponents sum to at most eight.
pub type U1088 = Uint<1088, 17>;

/// Widens 128 bits to `BITS`.
#[must_use]
pub fn wide<const BITS: usize, const LIMBS: usize>(value: u128) -> Uint<BITS, LIMBS> {
    Uint::from(value)
}

/// The same value at another width; `None` if it does not fit.
#[must_use]
pub fn resize<const FROM: usize, const FROM_LIMBS: usize, const BITS: usize, const LIMBS: usize>(
    value: Uint<FROM, FROM_LIMBS>,
) -> Option<Uint<BITS, LIMBS>> {
    Uint::checked_from_limbs_slice(value.as_limbs())
}

/// Computes `dividend / divisor` rounded up; `None` if `divisor` is zero.
#[must_use]
pub fn div_up<const BITS: usize, const LIMBS: usize>(
    dividend: Uint<BITS, LIMBS>,
    divisor: Uint<BITS, LIMBS>,
) -> Option<Uint<BITS, LIMBS>> {
    if divisor.is_zero() {
        return None;
    }
    let (quotient, remainder) = dividend.div_rem(divisor);
    if remainder.is_zero() { Some(quotient) } else { quotient.checked_add(Uint::ONE) }
}

/// Computes `base` to the power of `exponent`; `None` if it does not fit.
#[must_use]
pub fn power<const BITS: usize, const LIMBS: usize>(
    base: Uint<BITS, LIMBS>,
    exponent: u32,
) -> Option<Uint<BITS, LIMBS>> {
    let mut result = Uint::ONE;
    for bit in (0..u32::BITS.saturating_sub(exponent.leading_zeros())).rev() {
        result = result.checked_mul(result)?;
        if exponent.wrapping_shr(bit) & 1 == 1 {
            result = result.checked_mul(base)?;
        }
    }
    Some(result)
}

/// The largest integer whose power of `degree` is at most `value`; `None` if `degree` is zero.
///
/// Newton's method from above, started at the root of the leading 128 bits, so that two to four
/// steps are enough for degrees up to eight.
#[must_use]
pub fn root_down<const BITS: usize, const LIMBS: usize>(
    value: Uint<BITS, LIMBS>,
    degree: u32,
) -> Option<Uint<BITS, LIMBS>> {
    let degree_bits = usize::try_from(degree).ok().filter(|degree| *degree > 0)?;
    if degree == 1 || value <= Uint::ONE {
        return Some(value);
    }
    let excess = value.bit_len().saturating_sub(128);
    let step = if excess == 0 { 0 } else { excess.div_ceil(degree_bits) };
    let head = u128::try_from(value.wrapping_shr(step.checked_mul(degree_bits)?)).ok()?;
    let above = root_of_head(head, degree)?.checked_add(1)?;
    let mut guess = wide::<BITS, LIMBS>(above).wrapping_shl(step);
    let lower = degree.checked_sub(1)?;
    loop {
        let share = value.checked_div(power(guess, lower)?)?;
        let sum = guess.checked_mul(Uint::from(lower))?.checked_add(share)?;
        let next = sum.checked_div(Uint::from(degree))?;
        if next >= guess {
            return Some(guess);
        }
        guess = next;
    }
}

/// The least integer whose power of `degree` is at least `value`; `None` if `degree` is zero.
#[must_use]
pub fn root_up<const BITS: usize, const LIMBS: usize>(
    value: Uint<BITS, LIMBS>,
    degree: u32,
) -> Option<Uint<BITS, LIMBS>> {
    let down = root_down(value, degree)?;
    if power(down, degree)? == value { Some(down) } else { down.checked_add(Uint::ONE) }
}

fn root_of_head(head: u128, degree: u32) -> Option<u128> {
    if head <= 1 {
        return Some(head);
    }
    let bits = u128::BITS.saturating_sub(head.leading_zeros());
    let mut guess = 1u128.checked_shl(bits.div_ceil(degree))?;
    let lower = degree.checked_sub(1)?;
    loop {
        let share = head.checked_div(guess.checked_pow(lower)?)?;
        let next = guess.checked_mul(u128::from(lower))?.checked_add(share)?.checked_div(u128::from(degree))?;
        if next >= guess {
            return Some(guess);
        }
        guess = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn venue_roots_are_the_nearest_integers(
            limbs in prop::array::uniform8(any::<u64>()), shift in 0usize..512, degree in 1u32..8,
        ) {
            let value: U1088 = U1088::from(U512::from_limbs(limbs)).wrapping_shr(shift);
            let down = root_down(value, degree).unwrap();
            prop_assert!(power(down, degree).unwrap() <= value);
            prop_assert!(power(down + U1088::ONE, degree).unwrap() > value);
            let up = root_up(value, degree).unwrap();
            prop_assert!(power(up, degree).unwrap() >= value);
            prop_assert!(up.is_zero() || power(up - U1088::ONE, degree).unwrap() < value);
        }
    }

    #[test]
    fn roots_at_the_edges() {
        let cases: &[(u128, u32, u128, u128)] = &[
            (0, 3, 0, 0),
            (1, 7, 1, 1),
            (2, 7, 1, 2),
            (26, 3, 2, 3),
            (27, 3, 3, 3),
            (28, 3, 3, 4),
            (u128::MAX, 2, u128::from(u64::MAX), 1 << 64),
            (9, 1, 9, 9),
        ];
        for (value, degree, down, up) in cases {
            assert_eq!(root_down::<512, 8>(wide(*value), *degree), Some(wide(*down)), "{value} {degree}");
            assert_eq!(root_up::<512, 8>(wide(*value), *degree), Some(wide(*up)), "{value} {degree}");
        }
        assert_eq!(root_down::<512, 8>(wide(9), 0), None);
    }

    #[test]
    fn powers_and_quotients() {
        assert_eq!(power::<512, 8>(wide(3), 5), Some(wide(243)));
        assert_eq!(power::<512, 8>(wide(3), 0), Some(wide(1)));
        assert_eq!(power::<256, 4>(wide(u128::MAX), 3), None);
        assert_eq!(div_up::<256, 4>(wide(7), wide(2)), Some(wide(4)));
        assert_eq!(div_up::<256, 4>(wide(8), wide(2)), Some(wide(4)));
        assert_eq!(div_up::<256, 4>(wide(8), wide(0)), None);
    }
}
